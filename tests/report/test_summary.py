"""What a review says as a whole: totals over everything reviewed, ranges joined, answers tallied by group."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.own_source import modules

from loadstone.core.claims import Claim, Evidence, Finding, Location, Settler, Severity, Undecided
from loadstone.core.counting import Share
from loadstone.core.fingerprints import fingerprints
from loadstone.core.practices import Practice
from loadstone.core.review import Result, Review, ReviewedFile, conclude
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import WEAKNESSES
from loadstone.report import html, markdown
from loadstone.report.summary import (
    ORIGIN,
    folder_of,
    group_of,
    next_steps,
    observations,
    open_questions,
    sentences,
    tallies,
)
from loadstone.report.text import review as text
from loadstone.report.text.style import Style

RULES = [
    RuleText(id="tested", question="?", why="", practice=Practice.ERROR_HANDLING, cwe=(252, 690)),
    RuleText(id="seen", question="?", why="", practice=Practice.LOCKING),
]


def evidence(
    path: str, *lines: tuple[int, int], rule: str = ("tested"), practice: Practice = Practice.ERROR_HANDLING
) -> Claim:
    first, *others = (Location.lines(path, a, b) for a, b in lines)
    message = f"results are tested (lines {lines[0][0]})"
    return Evidence(
        rule=rule,
        message=message,
        location=first,
        practice=practice,
        met=len(lines),
        sites=len(lines),
        places=tuple(others),
    )


def finding(line: int, severity: Severity, cwe: int) -> Claim:
    return Finding(
        rule=("tested"), message=("A handle is used"), location=Location.lines("b.c", line), severity=severity, cwe=cwe
    )


def made(*claims: Claim) -> Review:
    results = [Result(claim, name) for claim, name in zip(claims, fingerprints(claims), strict=True)]
    return conclude(["."], results, [], [ReviewedFile("a.c", "c", 100), ReviewedFile("b.c", "c", 50)])


def test_what_two_files_show_is_one_observation_with_its_total() -> None:
    review = made(evidence("a.c", (3, 5), (6, 6), (9, 9)), evidence("b.c", (2, 2)))
    (observed,) = [one for one in observations(review) if one.places]
    assert (observed.practice, observed.places, observed.files) == (Practice.ERROR_HANDLING, 3, 2)
    (seen,) = observed.seen
    assert seen.message == "results are tested"
    assert [[str(where) for where in ranges] for _, ranges in seen.files] == [["a.c:3-6", "a.c:9"], ["b.c:2"]]


def test_what_several_files_count_is_added_up() -> None:
    share = Share("result", "is tested", "are tested")
    counts = {"a.c": (1, 1), "b.c": (2, 4)}
    claims = [
        Evidence(
            rule="tested",
            message=share.of(met, sites),
            location=Location.lines(path, 3),
            practice=Practice.ERROR_HANDLING,
            met=met,
            sites=sites,
            share=share,
        )
        for path, (met, sites) in counts.items()
    ]
    (observed,) = [one for one in observations(made(*claims)) if one.places]
    assert [seen.message for seen in observed.seen] == ["3 of 5 results are tested"]


def test_open_questions_with_one_reason_give_it_once() -> None:
    asked = [
        Undecided(
            rule="tested", message=f"{name} is unclear", location=Location.lines("a.c", line), reason="it is long"
        )
        for line, name in enumerate(("first", "second"), start=1)
    ]
    other = Undecided(rule="tested", message="third is unclear", location=Location.lines("a.c", 3), reason="odd")
    assert [len(group) for group in open_questions([*asked, other])] == [2, 1]
    for shown in (text.render(made(*asked, other), Style(colour=False)), markdown.render(made(*asked, other))):
        assert shown.count("long") == 1
        assert all(f"{name} is unclear" in shown for name in ("first", "second", "third"))


def test_names_are_told_from_the_folder_that_was_named() -> None:
    seen = evidence("/src/plug/a.c", (3, 3))
    files = [ReviewedFile("/src/plug/a.c", "c", 9), ReviewedFile("/src/plug/b.c", "c", 9)]
    review = conclude(["/src/plug"], [Result(seen, "1")], [], files)
    assert folder_of(review) == "/src/plug/"
    assert "[a.c line 3]" in text.render(review, Style(colour=False))
    assert folder_of(conclude(["/src/plug", "/other"], [], [], files)) == ""
    assert folder_of(conclude(["/src/plu"], [], [], files)) == ""


def test_a_page_names_the_lines_of_evidence_once_as_links() -> None:
    review = made(
        evidence("a.c", (3, 3)),
        Undecided(rule="tested", message="one is unclear (line 3)", location=Location.lines("a.c", 3), reason="it is"),
    )
    page = html.render(review, RULES)
    assert page.count("results are tested (lines") == 0
    assert "one is unclear (line 3)" in page  # of a claim that is no evidence the whole sentence stays


def test_an_observation_of_the_origin_that_was_not_seen_is_said_to_be() -> None:
    assert [one.practice for one in observations(made())] == list(ORIGIN)
    assert sentences(made())[-1].startswith("None of the six good practices")


def test_of_binaries_alone_it_is_not_said_that_practices_of_source_were_missed() -> None:
    review = conclude(["a.so"], [], [], [ReviewedFile("a.so", "elf", 0, is_binary=True)])
    assert sentences(review)[-1].startswith("The six good practices are looked for in source code, and none was given")
    assert observations(review) == ()


def test_a_finding_that_fails_a_run_is_somebodys_to_look_at() -> None:
    assert next_steps([finding(1, Severity.MEDIUM, 252), finding(2, Severity.LOW, 252)]) == (
        "Whoever maintains the code: 1 finding of medium or higher severity.",
    )
    assert next_steps([finding(2, Severity.LOW, 252)])[0].startswith("Nobody needs to")


def test_the_sentences_name_the_worst_finding_and_the_group_most_are_about() -> None:
    review = made(
        finding(9, Severity.MEDIUM, 690), finding(4, Severity.HIGH, 416), finding(7, Severity.MEDIUM, 252),
        evidence("a.c", (1, 1)),
    )  # fmt: skip
    answer, first, most, good = sentences(review)
    assert answer == "This review looked at 150 lines in 2 source files and found weaknesses: 1 high, 2 medium."
    assert first == "Look first at b.c:4: a handle is used."
    assert most == "Of 3 findings of medium or higher severity, 2 are about results and errors."
    assert good == (
        "1 of the six good practices this review looks for were seen, at 1 place; no question that applied was "
        "left open."
    )


def test_answers_are_tallied_by_group_and_praise_without_a_weakness_is_not() -> None:
    open_ = Undecided(rule="x", message="m", location=Location("a.c"), reason="r", cwe=476, settled_by=Settler.FUZZ)
    review = made(
        evidence("a.c", (1, 1), (5, 5)), finding(4, Severity.LOW, 416), open_,
        evidence("a.c", (2, 2), rule="seen", practice=Practice.LOCKING),
    )  # fmt: skip
    results, lifetime = tallies(review, RULES)
    assert (results.group, results.numbers, results.asked) == ("Results and errors", (252, 476, 690), 3)
    assert (results.met, results.not_met, results.undecided) == (2, 0, 1)
    assert (lifetime.met, lifetime.not_met) == (0, 1)
    assert next_steps(review.claims) == ("`loadstone fuzz`, which calls with many inputs: 1 open question.",)


def _numbers(tree: ast.Module) -> Iterator[int]:
    """The weaknesses that a module's claims and rules name: ``cwe=252``, ``cwe=787 if writes else 125``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "cwe":
            chosen = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
            yield from (v.value for v in chosen if isinstance(v, ast.Constant) and isinstance(v.value, int))


def test_each_weakness_that_a_claim_of_source_names_has_a_name_and_a_group() -> None:
    named = {n for home, tree in modules() if home.startswith("review/rules/") for n in _numbers(tree)}
    assert {252, 787, 125} <= named
    assert named <= {weakness.number for weakness in WEAKNESSES}
    places = {number: group_of(number) for number in named}
    assert {number for number, group in places.items() if group == group_of(None)} == {758, 1188}
