"""One result in full: source at every step, reasons, what to do, and nothing hostile gets to the terminal."""

from __future__ import annotations

from loadstone.core.claims import Claim, Evidence, Finding, FlowStep, Location, Settler, Severity, Undecided
from loadstone.core.practices import Practice
from loadstone.core.review import Result, ReviewedFile, Waiver
from loadstone.core.rules import RuleText
from loadstone.report.text.finding import render
from loadstone.report.text.style import Style

TEXT = "open();\n\x1b[31mclose();\nuse();\n"
RULE = RuleText(
    id="used-in-time",
    question="Is it used in time?",
    why="What is closed is gone.",
    practice=Practice.LIFECYCLE,
    severity=Severity.HIGH,
    applies_to=("c",),
    bad="close(); use();",
    good="use();\nclose();",
    fix="Use it first.",
    references=(),
)
FOUND = Finding(
    rule="used-in-time",
    message="It is used after its end",
    location=Location.lines("a.c", 3),
    severity=Severity.HIGH,
    cwe=416,
    context="run",
    condition="_WIN32",
    why=(FlowStep(Location.lines("a.c", 1), "opened"), FlowStep(Location.lines("a.c", 2), "closed")),
)


def shown(claim: Claim, rule: RuleText | None = RULE, waiver: Waiver | None = None) -> str:
    files = {"a.c": ReviewedFile("a.c", "c", 3, text=TEXT)}
    return render(Result(claim, "c0ffee", waiver), rule, files, Style())


def test_a_finding_is_shown_with_the_source_of_every_step_and_of_its_own_place() -> None:
    text = shown(FOUND)
    assert text.startswith("It is used after its end\n  a.c:3, used-in-time, high, certain, CWE-416 Use After Free\n")
    assert "  in run\n  only where _WIN32\n" in text
    steps = [line for line in text.split("\n") if line.startswith(("  1.", "  2.", "  3."))]
    assert steps == ["  1. a.c:1: opened", "  2. a.c:2: closed", "  3. a.c:3"]
    assert [line for line in text.split("\n") if line.startswith("     >")] == [
        "     >     1 | open();",
        "     >     2 | \\x1b[31mclose();",
        "     >     3 | use();",
    ]
    assert "\x1b" not in text


def test_reasons_what_to_do_and_how_to_accept_follow() -> None:
    text = shown(FOUND)
    titles = ("Steps that lead to it", "Why it matters", "How to fix it", "A good answer looks like", "To accept it")
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert "  Use it first." in text
    assert "    use();\n    close();\n" in text
    assert "ignore[used-in-time]" in text
    assert 'fingerprint = "c0ffee"' in text


def test_an_accepted_finding_says_who_accepted_it_and_why() -> None:
    text = shown(FOUND, waiver=Waiver("the end is far\x07", Location.lines("a.c", 2)))
    assert "Accepted\n  the end is far\\x07 (a.c:2)\n" in text
    assert "To accept it" not in text


def test_what_another_tool_or_a_binary_rule_found_has_no_source_and_no_reasons() -> None:
    claim = Finding(
        rule="tool/\x1bodd", message="weak", location=Location.bytes("b.so", 64, 8), severity=Severity.LOW, fix=""
    )
    text = shown(claim, rule=None)
    assert "Where\n  1. b.so@0x40+8\n\nTo accept it" in text
    assert "in the source" not in text
    assert "\x1b" not in text


def test_an_open_question_says_what_would_settle_it_and_praise_needs_no_waiver() -> None:
    place = Location.lines("elsewhere.c", 9)
    question = Undecided(
        rule="used-in-time", message="Perhaps", location=place, reason="it is virtual", settled_by=Settler.PROBE
    )
    assert "  it is virtual; `loadstone probe` would settle it\n" in shown(question)
    praise = shown(Evidence(rule="used-in-time", message="In time", location=place))
    assert "To accept it" not in praise
    assert "Where\n  1. elsewhere.c:9\n\nWhy it matters" in praise
