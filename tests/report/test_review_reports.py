"""The renderings of a review: the contract's keys, the official SARIF schema, and nothing hostile gets through."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.conftest import needed

from loadstone.core.claims import (
    Claim,
    Evidence,
    Finding,
    FlowStep,
    Location,
    NotApplicable,
    Settler,
    Severity,
    Undecided,
)
from loadstone.core.fingerprints import fingerprints
from loadstone.core.practices import Practice
from loadstone.core.review import (
    BaselineState,
    Limit,
    LimitKind,
    Result,
    Review,
    ReviewedFile,
    Waiver,
    conclude,
)
from loadstone.core.rules import RuleText
from loadstone.report import html, markdown, sarif
from loadstone.report import json as documents
from loadstone.report.documents.review import ReviewDocument, review_document, rules_document
from loadstone.report.text import review as text
from loadstone.report.text import rules as rule_text
from loadstone.report.text.style import Style

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "schemas/sarif-2.1.0-rtm.5.json").read_text())
HOSTILE = "src/</script><img src=x onerror=alert(1)>\x1b[31m|`_*\u202e\udcff.c"
PLAIN = "src/loader.c"
SOURCE = "line one\n\thandle = dlopen(path); // </td><script>alert(2)</script>\n" + "more\n" * 30


LIBRARY = Location.bytes("/usr/lib/libx.so", 64, 8)


def claims(path: str) -> list[Claim]:
    def at(line: int, end: int | None = None) -> Location:
        return Location.lines(path, line, end)

    steps = (
        FlowStep(at(2), "opened <b>here</b>", "acquire"),
        FlowStep(at(4), "closed", "release"),
        FlowStep(at(6), "used", "use"),
    )
    return [
        Finding(
            rule="outlives", message=f"used after close in {path}", location=at(6), practice=Practice.LIFECYCLE,
            severity=Severity.HIGH, cwe=416, fix="keep `it` open", why=steps, context="f", condition="defined(_WIN32)",
        ),
        Finding(rule="note", message="runs at load", location=LIBRARY, severity=Severity.NOTE),
        Finding(rule="odd/\x1b", message="", location=Location(path), severity=Severity.MEDIUM, cwe=99999),
        Evidence(
            rule="checked", message="2 of 3 results are tested", location=at(2), practice=Practice.ERROR_HANDLING,
            met=2, sites=3, places=(at(8, 9), at(11)),
        ),
        Evidence(rule="checked", message="one | more_", location=at(3), practice=Practice.ERROR_HANDLING),
        Undecided(
            rule="open", message="whether it fails", location=at(5), practice=Practice.LOCKING,
            reason="no callers here", settled_by=Settler.PROBE, cwe=362,
        ),
        Undecided(rule="open", message="a person", location=at(5), reason="unclear", settled_by=Settler.HUMAN),
        Undecided(rule="open", message="a fuzzer", location=at(5), reason="unclear", settled_by=Settler.FUZZ),
        NotApplicable(rule="none", message="no download", location=Location(path)),
    ]  # fmt: skip


RULES = [
    RuleText(
        id="outlives", question="Does it outlive?", why="Because.", practice=Practice.LIFECYCLE, cwe=(416,),
        severity=Severity.HIGH, applies_to=("c",), bad="bad();\n", good="good();\n", fix="do it right", references=("https://example.org/x",),
    ),
    RuleText(
        id="checked", question="Is it checked?", why="So.", practice=Practice.ERROR_HANDLING, cwe=(252,), fix="check"
    ),
]  # fmt: skip


def made(path: str = PLAIN, *, states: bool = True) -> Review:
    found = claims(path)
    results = [Result(claim, name) for claim, name in zip(found, fingerprints(found), strict=True)]
    if states:
        results[0] = replace(results[0], state=BaselineState.NEW, engines=("cppcheck",))
        results[2] = replace(results[2], waiver=Waiver("accepted", Location.lines(path, 1), until=date(2030, 1, 2)))
        gone = Finding(rule="gone", message="was here", location=Location.lines(path, 1), severity=Severity.LOW)
        results.append(Result(gone, "0" * 32, state=BaselineState.ABSENT))
    limits = [Limit(kind, Location.lines(path, 3), f"{kind} <i>", gap=kind is LimitKind.TIME) for kind in LimitKind]
    files = [
        ReviewedFile(path, "c", 32, digest="ab" * 32, text=SOURCE),
        ReviewedFile("/usr/lib/libx.so", "elf", is_binary=True),
    ]
    return conclude([path, "/usr/lib/libx.so"], results, limits, files)


EMPTY = conclude(["x"], [], [], [])
REVIEWS = [
    made(),
    made(HOSTILE),
    made(states=False),
    EMPTY,
    conclude([], [], [Limit(LimitKind.TIME, Location("a"), "m", gap=True)], []),
]


# JSON.


def test_json_has_the_keys_of_the_contract() -> None:
    tree = json.loads(documents.render(review_document(made())))
    assert {"schema", "verdict", "claims", "counts", "limits"} <= tree.keys()
    assert tree["schema"] == "loadstone.review/1"
    first = next(claim for claim in tree["claims"] if claim["rule"] == "outlives")
    keys = {"rule", "outcome", "cwe", "practice", "severity", "confidence", "location", "message", "why", "fix"}
    assert keys <= first.keys()
    assert {"path", "start", "end"} <= first["location"].keys()
    assert {claim["outcome"] for claim in tree["claims"]} == {"yes", "no", "cannot tell", "not applicable"}
    assert tree["suppressed"][0]["reason"] == "accepted"
    assert tree["counts"]["suppressed"] == 1


@pytest.mark.parametrize("review", REVIEWS, ids=range(len(REVIEWS)))
def test_json_is_valid_against_its_own_schema(review: Review) -> None:
    jsonschema.validate(json.loads(documents.render(review_document(review))), documents.schema(ReviewDocument))


def test_rules_are_rendered_in_words_and_as_json() -> None:
    tree = json.loads(documents.render(rules_document(RULES)))
    assert [rule["id"] for rule in tree["rules"]] == ["outlives", "checked"]
    shown = rule_text.render_rule(RULES[0], Style())
    assert all(
        word in shown
        for word in ("CWE-416 Use After Free", "bad();", "good();", "do it right", "https://example.org/x")
    )
    assert "Is it checked?" in rule_text.render_list(RULES, Style())


# SARIF.


def log(review: Review) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(sarif.render_review(review, RULES, everything=True))
    return tree


def test_a_reader_of_problems_gets_findings_alone_and_the_counts_of_all() -> None:
    (run,) = json.loads(sarif.render_review(made(), RULES))["runs"]
    assert {result["kind"] for result in run["results"]} == {"fail"}
    (whole,) = log(made())["runs"]
    assert run["properties"]["counts"] == whole["properties"]["counts"]
    assert run["tool"]["driver"]["informationUri"].startswith("https://")


@pytest.mark.parametrize("review", REVIEWS, ids=range(len(REVIEWS)))
def test_sarif_is_valid_against_the_official_schema(review: Review) -> None:
    validator = jsonschema.Draft4Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(log(review))] == []


def test_what_the_log_describes_has_all_that_code_scanning_asks_for() -> None:
    """SARIF1001, SARIF2012 and GH2012 of Microsoft's validator, which is not at hand where the tests run."""
    (run,) = log(made())["runs"]
    driver = run["tool"]["driver"]
    for described in [*driver["rules"], *driver["notifications"]]:
        assert re.fullmatch(r"([A-Z][A-Za-z0-9]*)+", described["name"]), described
        assert described["name"].casefold() != described["id"].casefold()
        assert described["shortDescription"]["text"]
        assert described["fullDescription"]["text"]
        assert described["help"]["text"]


def test_every_claim_has_its_kind_and_only_failures_have_a_level() -> None:
    (run,) = log(made())["runs"]
    kinds = {result["kind"]: result["level"] for result in run["results"] if result["kind"] != "fail"}
    assert kinds == {"pass": "none", "open": "none", "notApplicable": "none"}
    assert {r["level"] for r in run["results"] if r["kind"] == "fail"} == {"error", "warning", "note"}
    assert len(run["results"]) == len(made().results)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_what_is_waived_or_gone_stays_in_the_log_and_is_marked() -> None:
    (run,) = log(made())["runs"]
    waived = [result for result in run["results"] if "suppressions" in result]
    assert [one["suppressions"][0]["justification"] for one in waived] == ["accepted"]
    assert waived[0]["suppressions"][0]["kind"] == "inSource"
    assert {result.get("baselineState") for result in run["results"]} == {None, "new", "absent"}


def test_a_flow_keeps_its_steps_in_order() -> None:
    (run,) = log(made())["runs"]
    (flow,) = [
        result["codeFlows"][0]["threadFlows"][0]["locations"] for result in run["results"] if "codeFlows" in result
    ]
    assert [step["kinds"] for step in flow] == [["acquire"], ["release"], ["use"]]
    assert [step["importance"] for step in flow] == ["essential", "important", "essential"]


def test_weaknesses_are_a_taxonomy_and_limits_are_notifications() -> None:
    (run,) = log(made())["runs"]
    taxa = {taxon["id"] for taxon in run["taxonomies"][0]["taxa"]}
    assert {"416", "362", "252", "99999"} <= taxa
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(LimitKind)
    assert run["invocations"][0]["executionSuccessful"] is False


def test_no_path_of_this_machine_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rendered = sarif.render_review(made(str(tmp_path / "src" / "a b.c")), RULES)
    places = [artifact["location"] for artifact in json.loads(rendered)["runs"][0]["artifacts"]]
    assert {"uri": "file:///usr/lib/libx.so"} in places
    assert {"uri": "src/a%20b.c", "uriBaseId": "%SRCROOT%"} in places
    assert '"uri": "file:///tmp' not in rendered
    assert "used after close" in rendered


def test_equal_reviews_give_equal_logs_and_claims_alone_can_be_rendered() -> None:
    assert sarif.render_review(made(), RULES) == sarif.render_review(made(), RULES)
    jsonschema.Draft4Validator(SCHEMA).validate(json.loads(sarif.render(claims(PLAIN))))


# Text and Markdown.


@pytest.mark.parametrize("review", REVIEWS, ids=range(len(REVIEWS)))
@pytest.mark.parametrize(
    "render", [lambda r: text.render(r, Style()), lambda r: text.render(r, Style(), verbose=2), markdown.render]
)
def test_no_control_character_reaches_the_reader(review: Review, render: Any) -> None:
    shown = render(review)
    assert not set(shown) & {"\x1b", "\u202e", "\udcff", "\x00"}
    shown.encode("utf-8")


def test_the_first_line_of_the_text_is_the_answer() -> None:
    assert text.render(made(), Style()).startswith("weaknesses found: 1 high, 1 note\n")
    assert text.render(EMPTY, Style()).startswith("no weakness found\n")
    coloured = text.render(made(), Style(colour=True), verbose=1)
    assert "\x1b[" in coloured
    assert "against the baseline: 1 new, 1 gone" in coloured


def test_markdown_follows_the_order_of_a_written_review() -> None:
    shown = markdown.render(made(), RULES)
    order = [
        *("This review looked at", "## Observations", "1. **Loading and unloading lifecycle.**", "## Findings"),
        *("## Not decided", "## Waived", "## Compliance by group of weaknesses", "## Limits of this review"),
        "Who should look next",
    ]
    places = [shown.index(part) for part in order]
    assert places == sorted(places)
    assert "(`src/loader.c` lines 2, 8-9, 11)" in shown
    assert "- `loadstone probe`, which loads in a sandbox: 1 open question." in shown
    assert "| Lifetime and ownership | 416 | 1 | 0 | 1 | 0 |" in shown
    assert "| Results and errors | 252 | 3 | 3 | 0 | 0 |" in shown
    assert "CWE-416 (Use After Free)" in shown


def test_markdown_of_one_file_does_not_repeat_its_name() -> None:
    one = made(states=False)
    alone = conclude([PLAIN], [r for r in one.results if r.claim.location.path == PLAIN], [], one.files[1:])
    assert "(lines 2, 8-9, 11)" in markdown.render(alone, RULES)
    assert "Every question that applied was decided." in markdown.render(EMPTY)


def test_markdown_leaves_nothing_of_a_hostile_name_active() -> None:
    shown = markdown.render(made(HOSTILE), RULES)
    outside = "".join(shown.split("``")[::2])
    assert "<img" not in outside.replace("\\<img", "")
    rows = [line for line in shown.partition("## Compliance")[0].splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in rows)


# HTML.


class Page(HTMLParser):
    """Counts elements and keeps attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attributes:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src") and value:
                self.links.append(value)
            if name.startswith("on"):
                self.handlers.append(name)


@pytest.mark.parametrize("review", REVIEWS, ids=range(len(REVIEWS)))
def test_the_page_is_whole_and_asks_for_nothing(review: Review) -> None:
    page = Page(html.render(review, RULES))
    assert page.tags.get("script") == page.tags.get("style") == 1
    assert "img" not in page.tags
    assert not page.handlers
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)


def test_the_page_marks_the_lines_and_offers_the_filters() -> None:
    shown = html.render(made(), RULES)
    assert 'class="mark finding"' in shown
    assert 'class="mark evidence"' in shown
    assert 'class="mark step"' in shown
    assert "CWE-416 Use After Free" in shown
    assert "&lt;script&gt;alert(2)" in shown


def test_of_a_long_file_only_what_surrounds_the_marks_is_shown() -> None:
    review = made(states=False)
    long = [replace(file, text="x\n" * 5000, lines=5000) if file.text else file for file in review.files]
    far = Finding(rule="far", message="far", location=Location.lines(PLAIN, 4000), severity=Severity.LOW)
    shown = html.render(conclude([PLAIN], [*review.results, Result(far, "f")], [], long), RULES)
    assert shown.count('<td class="number">') < 60
    assert "around the marks" in shown


def in_browser(page: Path, *arguments: str) -> str:
    """What headless Chromium makes of the page, its scripts run."""
    done = subprocess.run(
        [
            needed("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000",
            f"--user-data-dir={page.parent / 'profile'}", *arguments, page.as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Refused to" not in done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_page_works_in_a_browser_and_no_foreign_script_runs(tmp_path: Path) -> None:
    driver = (
        "<script>addEventListener('load', () => {"
        "const key = (k) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: k, bubbles: true}));"
        "key('j'); key('n'); key('n'); key('t');"
        "document.documentElement.dataset.step = document.querySelector('.flow li.here').textContent.trim();"
        "document.documentElement.dataset.row = document.querySelector('tr.here').id;"
        "const box = document.querySelector('[name=kind][value=finding]'); box.checked = false;"
        "box.dispatchEvent(new Event('input', {bubbles: true}));"
        "document.documentElement.dataset.left = [...document.querySelectorAll('.card')].filter(c => !c.hidden).length;"
        "});</script>"
    )
    rendered = html.render(made(HOSTILE, states=False), RULES)
    policy = rendered[rendered.index("<meta http-equiv") : rendered.index(">", rendered.index("<meta http-equiv")) + 1]
    page = tmp_path / "page.html"
    page.write_text(rendered.replace(policy, "").replace("</body>", f"{driver}</body>"))
    dom = in_browser(page, "--dump-dom")
    root = dom[dom.index("<html") : dom.index(">", dom.index("<html"))]
    assert 'data-ready="yes"' in root
    assert "closed" in root
    assert 'data-row="f1-4"' in root
    assert 'data-left="5"' in root
    assert 'data-theme="' in root
    page.write_text(rendered)
    assert 'data-ready="yes"' in in_browser(page, "--dump-dom")  # with its own security policy in force
