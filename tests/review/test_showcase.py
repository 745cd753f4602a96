"""The review that Loadstone began with, on its own subject: Qt's QLibrary."""

from __future__ import annotations

import pytest
from tests.review.showcase import PAGE, reviewed, written

from loadstone.core.claims import Evidence, Finding, Severity, Undecided
from loadstone.core.practices import Practice
from loadstone.core.review import LimitKind, Review

ORIGIN = {
    # The six things the origin praised, and lines of Qt 5.15.8 that show each.
    Practice.LIFECYCLE: ("qlibrary_unix.cpp", {238, 248}),
    Practice.ERROR_HANDLING: ("qlibrary_unix.cpp", {63, 246, 247}),
    Practice.LOCKING: ("qlibrary.cpp", {463, 486, 542, 610, 756, 989, 1134}),
    Practice.CONDITIONAL_COMPILATION: ("qlibrary.cpp", {71, 77, 763}),
    Practice.ENCAPSULATION: ("qlibrary.cpp", {386, 389, 390, 391}),
    Practice.INPUT_VALIDATION: ("qlibrary.cpp", {489}),
}

WEAK = {
    # What the origin did not see and still stands: file, lines one of which is named, weakness.
    ("qlibrary.cpp", (575,), 362),
    ("qlibrary.cpp", (607, 609), 362),
    ("qlibrary.cpp", (469, 478), 706),
    ("qlibrary.cpp", (639, 648), 362),
    ("qpluginloader.cpp", (265, 397, 418), 362),
}

JUDGED_TRUE = {
    # Findings of medium severity or more, each read in the source and true.
    ("qlibrary.cpp", 575),  # check-then-act on "is loaded"
    ("qlibrary.cpp", 607),  # the same on unload
    ("qlibrary.cpp", 639),  # pluginState read without the mutex, like its write in line 648
    ("qlibrary.cpp", 589),  # the error text read without the mutex
    ("qpluginloader.cpp", 265),  # and written
    ("qlibrary_win.cpp", 108),  # qualifiedFileName written after the mutex was given up, on WinRT
}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result() -> Review:
    return reviewed()


@pytest.mark.parametrize("practice", ORIGIN, ids=lambda p: p.value)
def test_what_the_origin_praised_is_seen_at_its_lines(result: Review, practice: Practice) -> None:
    name, lines = ORIGIN[practice]
    claims = [r.claim for r in result.results if isinstance(r.claim, Evidence) and r.claim.practice is practice]
    places = {place for claim in claims for place in (claim.location, *claim.places) if place.path == name}
    seen = {line for place in places for line in range(place.start, place.end + 1)}
    assert lines <= seen


def test_what_the_origin_missed_is_found(result: Review) -> None:
    found = [(f.location.path, f.location.start, f.cwe) for f in _findings(result)]
    missed = [w for w in WEAK if not any(p == w[0] and line in w[1] and cwe == w[2] for p, line, cwe in found)]
    assert not missed


def test_no_finding_of_weight_is_anywhere_else(result: Review) -> None:
    unjudged = [
        f"{f.location}: {f.message}"
        for f in _findings(result)
        if f.severity.rank >= Severity.MEDIUM.rank and (f.location.path, f.location.start) not in JUDGED_TRUE
    ]
    assert not unjudged


def test_addresses_handed_out_bare_are_left_open(result: Review) -> None:
    handed_out = {
        r.claim.location.start
        for r in result.results
        if isinstance(r.claim, Undecided) and r.claim.rule == "symbol-outlives-library"
    }
    assert {1080, 1100, 1121} <= handed_out


def test_nothing_was_left_unread_but_said(result: Review) -> None:
    assert all(limit.kind is LimitKind.PARSE_GAP for limit in result.limits)


def test_the_page_shows_this_very_report(result: Review) -> None:
    assert PAGE.read_text(encoding="utf-8") == written(result), "run: python -m tests.review.showcase"


def _findings(result: Review) -> list[Finding]:
    return [r.claim for r in result.results if isinstance(r.claim, Finding)]
