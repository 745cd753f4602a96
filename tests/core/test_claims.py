from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from loadstone.core.claims import Evidence, Finding, Location, LocationUnit, NotApplicable, Outcome, Severity, Undecided
from loadstone.core.practices import Practice
from loadstone.core.trace import Diagnosis
from loadstone.core.weaknesses import WEAKNESSES, weakness


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location("a.c"), "a.c"),
        (Location.lines("a.c", 7), "a.c:7"),
        (Location.lines("a.c", 7, 9), "a.c:7-9"),
        (Location.bytes("a.so", 16, 4), "a.so@0x10+4"),
    ],
)
def test_a_place_reads_as_editors_and_hex_viewers_write_it(location: Location, text: str) -> None:
    assert str(location) == text


def test_places_sort_by_file_then_position() -> None:
    places = [Location.lines("b.c", 1), Location.lines("a.c", 9), Location.lines("a.c", 2)]
    assert sorted(places) == [places[2], places[1], places[0]]
    assert Location.bytes("a", 1).unit is LocationUnit.BYTES


def test_each_kind_of_claim_has_the_outcome_of_the_contract() -> None:
    outcomes = [kind.outcome for kind in (Evidence, Finding, Undecided, NotApplicable)]
    assert outcomes == ["yes", "no", "cannot tell", "not applicable"] == list(Outcome)


def test_claims_cannot_be_changed() -> None:
    claim = Evidence(rule="r", message="m", location=Location("a"))
    with pytest.raises(FrozenInstanceError):
        claim.rule = "other"  # type: ignore[misc]


def test_severities_are_ranked() -> None:
    ranks = [s.rank for s in (Severity.NOTE, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)]
    assert ranks == [0, 1, 2, 3, 4]


def test_a_diagnosis_is_a_finding_about_loading() -> None:
    place = Location.bytes("liba.so", 0x300, 16)
    diagnosis = Diagnosis(
        code="dep-not-found",
        blocking=True,
        subject="liba.so",
        explanation="needs b",
        advice="apt install b",
        evidence=(place,),
    )
    finding = diagnosis.finding()
    assert (finding.rule, finding.location, finding.fix) == ("dep-not-found", place, "apt install b")
    assert finding.blocking
    assert finding.severity is Severity.CRITICAL
    assert finding.practice is Practice.LOADABILITY


def test_weaknesses_are_named_and_linked() -> None:
    assert weakness(426).id == "CWE-426"
    assert weakness(426).link.endswith("/426.html")
    assert [w.number for w in WEAKNESSES] == sorted({w.number for w in WEAKNESSES})
    with pytest.raises(KeyError):
        weakness(1)
