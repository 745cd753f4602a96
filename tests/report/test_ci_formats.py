"""The reports CI reads: each says the same findings, and text from outside stays text."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from loadstone.core.claims import Finding, Location, Severity
from loadstone.core.review import BaselineState, Limit, LimitKind, Result, Review, ReviewedFile, Waiver, conclude
from loadstone.report import gitlab, junit, pull_request

HOSTILE = "a\x00|`</failure>]]>&\ud800\ufffe\n| x |\u202e"


def finding(path: str = "a.c", line: int = 3, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        rule="double-close",
        message="closed twice",
        location=Location.lines(path, line),
        severity=severity,
        cwe=675,
        fix="close once",
    )


def reviewed(*results: Result, limits: tuple[Limit, ...] = ()) -> Review:
    paths = {result.claim.location.path for result in results} | {"clean.c"}
    return conclude(["."], results, limits, [ReviewedFile(path, "c", 9) for path in paths])


def every_kind() -> Review:
    return reviewed(
        Result(finding(line=3), "1" * 32, state=BaselineState.NEW),
        Result(finding(line=4, severity=Severity.CRITICAL), "2" * 32, state=BaselineState.UPDATED),
        Result(finding(line=5), "3" * 32, state=BaselineState.UNCHANGED),
        Result(finding(line=6), "4" * 32, state=BaselineState.ABSENT),
        Result(finding(line=7), "5" * 32, waiver=Waiver("known", Location("a.c")), state=BaselineState.NEW),
        limits=(Limit(LimitKind.TIME, Location("slow.c"), "20 s were not enough", gap=True),),
    )


def test_junit_fails_for_what_is_new_skips_what_is_known_and_errs_for_what_was_not_read() -> None:
    root = ET.fromstring(junit.render(every_kind()))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "double-close (line 3)": ["failure"],
        "double-close (line 4)": ["failure"],
        "double-close (line 5)": ["skipped"],
        "double-close (line 6)": ["skipped"],
        "double-close (line 7)": ["skipped"],
        "no findings": [],
        "reviewed whole": ["error"],
    }
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["7", "2", "1", "3"]


def test_gitlab_has_what_counts_with_its_fingerprint() -> None:
    issues = json.loads(gitlab.render(every_kind()))
    assert [(issue["fingerprint"][0], issue["severity"]) for issue in issues] == [
        ("1", "critical"),
        ("2", "blocker"),
        ("3", "critical"),
    ]
    assert issues[0]["location"] == {"path": "a.c", "lines": {"begin": 3}}
    binary = replace(finding(), location=Location.bytes("./lib.so", 64, 8))
    (issue,) = json.loads(gitlab.render(reviewed(Result(binary, "6" * 32))))
    assert issue["location"] == {"path": "lib.so", "lines": {"begin": 1}}


def test_a_comment_has_what_is_new_worst_first_and_counts_the_rest() -> None:
    comment = pull_request.render(every_kind())
    assert comment.startswith("### Loadstone: 2 new findings\n")
    assert comment.index("a.c:4") < comment.index("a.c:3")
    assert "a.c:5" not in comment
    assert "- 1 finding was there before" in comment
    assert "- 1 finding of the baseline is gone" in comment
    assert "- 1 part could not be reviewed" in comment
    assert pull_request.render(reviewed()) == "### Loadstone: no findings\n"


def test_a_comment_fits_however_much_was_found() -> None:
    long = replace(finding(), message="|" * 100_000, fix="`" * 100_000)
    results = [Result(replace(long, location=Location.lines("d/" * 3_000, n)), f"{n:032}") for n in range(1, 1_000)]
    assert len(pull_request.render(reviewed(*results))) < 65_536


@given(st.text(max_size=30) | st.just(HOSTILE))
def test_text_from_outside_stays_text(text: str) -> None:
    hostile = replace(finding(f"d/{text}"), message=text, fix=text)
    review = reviewed(
        Result(hostile, "7" * 32), Result(finding(text or "x"), "8" * 32, waiver=Waiver(text, Location(text)))
    )
    (failed,) = ET.fromstring(junit.render(review)).iter("failure")
    assert failed.text is not None
    assert len(json.loads(gitlab.render(review))) == 1
    rows = [line for line in pull_request.render(review).splitlines() if line.startswith("| ")]
    assert [row.startswith(("| | ", "| high")) for row in rows] == [True, True]
