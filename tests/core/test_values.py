"""The values that every part shares: what they count, index and say of themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from loadstone.core.claims import Confidence, Evidence, Finding, Location, NotApplicable, Settler, Severity, Undecided
from loadstone.core.fingerprints import content_of, fingerprints
from loadstone.core.fuzzing import CrashSite, FuzzFinding, FuzzProgress, FuzzReport, Stopped, fuzz_claims
from loadstone.core.image import DependencyKind
from loadstone.core.observations import LayerState, LayerStatus
from loadstone.core.practices import Practice
from loadstone.core.review import BaselineState, Limit, LimitKind, Result, ReviewedFile, ReviewVerdict, Waiver, conclude
from loadstone.core.symbols import ImageSymbol, SymbolBinding, SymbolKind, SymbolTable, SymbolVersion, Visibility
from loadstone.core.trace import DependencyEdge, DependencyGraph, Diagnosis
from loadstone.quick_dataclass import replace

PLACE = Location("a.c")


def weak(severity: Severity = Severity.HIGH, place: Location = PLACE) -> Finding:
    return Finding(rule="r", message="m", location=place, severity=severity)


def test_a_review_counts_what_it_holds_and_weighs_what_counts() -> None:
    waived = Waiver("agreed", PLACE)
    results = [
        Result(weak(), "1"),
        Result(weak(Severity.LOW, Location("b.c")), "2", state=BaselineState.NEW),
        Result(weak(Severity.LOW), "3", state=BaselineState.UNCHANGED),
        Result(weak(Severity.CRITICAL), "4", state=BaselineState.ABSENT),
        Result(weak(Severity.CRITICAL), "5", waiver=waived),
        Result(Evidence(rule="r", message="m", location=PLACE), "6", state=BaselineState.NEW),
        Result(Undecided(rule="r", message="m", location=PLACE, reason="why"), "7"),
        Result(Undecided(rule="r", message="m", location=PLACE, reason="why"), "8"),
        *(Result(NotApplicable(rule="r", message="m", location=PLACE), str(n)) for n in range(3)),
    ]
    files = [ReviewedFile("b.c", "C", 30), ReviewedFile("a.so", "elf", is_binary=True), ReviewedFile("a.c", "C", 12)]
    review = conclude(["."], reversed(results), [], files)
    counts = review.counts
    assert (counts.files, counts.lines, counts.binaries) == (3, 42, 1)
    assert (counts.findings, counts.evidence, counts.undecided, counts.not_applicable) == (3, 1, 2, 3)
    assert (counts.waived, counts.new) == (1, 1)
    assert counts.by_severity == ((Severity.HIGH, 1), (Severity.LOW, 2))
    assert [f.path for f in review.files] == ["a.c", "a.so", "b.c"]
    assert review.results[-1].fingerprint == "2"
    assert len(review.claims) == 9
    assert len(review.findings) == 3
    assert {r.fingerprint for r in review.results if not r.is_news} == {"3", "4", "5"}


@pytest.mark.parametrize(
    ("severity", "gap", "verdict"),
    [
        (Severity.LOW, True, ReviewVerdict.WEAKNESSES_FOUND),
        (Severity.NOTE, True, ReviewVerdict.INCOMPLETE),
        (Severity.NOTE, False, ReviewVerdict.NO_WEAKNESS_FOUND),
    ],
)
def test_a_note_is_no_weakness_and_a_gap_is_no_all_clear(severity: Severity, gap: bool, verdict: ReviewVerdict) -> None:
    limits = [Limit(LimitKind.TIME, PLACE, "slow"), Limit(LimitKind.TOO_BIG, PLACE, "big", gap=gap)]
    assert conclude([], [Result(weak(severity), "")], limits, []).verdict is verdict


ROWS = (
    ImageSymbol(
        "a", SymbolKind.FUNCTION, SymbolBinding.WEAK, Visibility.HIDDEN, True, 16, 4, 100, SymbolVersion("V_1")
    ),
    ImageSymbol("b", SymbolKind.OBJECT, SymbolBinding.GLOBAL, Visibility.DEFAULT, False, 0, 0, 124),
    ImageSymbol(
        "a", SymbolKind.FUNCTION, SymbolBinding.GLOBAL, Visibility.DEFAULT, True, 32, 8, 148, SymbolVersion("V_2")
    ),
)


def columns() -> SymbolTable:
    """The same rows as ELF's reader keeps them."""
    whole = SymbolTable.of(ROWS)
    return SymbolTable(
        names=whole.names,
        defined=whole.defined,
        kinds=whole.kinds,
        bindings=whole.bindings,
        visibilities=whole.visibilities,
        values=[16, 0, 32],
        sizes=[4, 0, 8],
        offset=100,
        entry_size=24,
        versions=[0, 2, 1],
        version_names=(SymbolVersion("V_1"), SymbolVersion("V_2"), None),
    )


def test_a_table_of_rows_has_the_columns_too() -> None:
    whole, kept = SymbolTable.of(ROWS), replace(SymbolTable.of(ROWS), extra=None)
    assert [(s.name, s.kind, s.binding, s.visibility, s.defined) for s in kept] == [
        (s.name, s.kind, s.binding, s.visibility, s.defined) for s in whole
    ]


@pytest.mark.parametrize("table", [SymbolTable.of(ROWS), columns()], ids=["rows", "columns"])
def test_a_table_of_symbols_is_a_sequence_with_an_index(table: SymbolTable) -> None:
    assert tuple(table) == ROWS == table[:]
    assert (len(table), table[-1], table[1:2]) == (3, ROWS[2], ROWS[1:2])
    assert (table.positions("a"), table.positions("b"), table.positions("c")) == ((0, 2), (1,), ())
    for outside in (3, -4):
        with pytest.raises(IndexError):
            table[outside]


def test_a_table_without_columns_has_plain_symbols_one_entry_apart() -> None:
    table = SymbolTable(names=("x", "y"), defined=bytes((1, 0)), offset=64, entry_size=16)
    plain = (SymbolKind.UNTYPED, SymbolBinding.GLOBAL, Visibility.DEFAULT)
    assert table[0] == ImageSymbol("x", *plain, True, 0, 0, 64)
    assert table[1] == ImageSymbol("y", *plain, False, 0, 0, 80)


def test_a_diagnosis_is_a_finding_with_all_that_was_said() -> None:
    said = Diagnosis(
        code="missing",
        blocking=True,
        subject="libx.so",
        explanation="it is not there",
        advice="bring it",
        cwe=427,
        confidence=Confidence.LIKELY,
        severity=Severity.LOW,
    )
    finding = said.finding()
    assert (finding.rule, finding.message, finding.fix) == ("missing", "it is not there", "bring it")
    assert (finding.location, finding.cwe, finding.confidence) == (Location("libx.so"), 427, Confidence.LIKELY)
    assert (finding.severity, finding.blocking, finding.practice) == (Severity.CRITICAL, True, Practice.LOADABILITY)
    risk = replace(said, blocking=False).finding()
    assert (risk.severity, risk.blocking) == (Severity.LOW, False)


def test_the_edges_of_one_library_are_its_own() -> None:
    edges = tuple(
        DependencyEdge(requester, name, None, "", DependencyKind.NEEDED) for requester, name in ("ab", "ac", "bc")
    )
    assert DependencyGraph((), edges).needs("a") == edges[:2]
    assert DependencyGraph((), edges).needs("c") == ()


def test_a_layer_says_its_state_and_why() -> None:
    assert str(LayerStatus("x", LayerState.ACTIVE)) == "active"
    assert str(LayerStatus("x", LayerState.UNAVAILABLE, "no such call")) == "unavailable: no such call"


def test_equal_claims_have_fingerprints_of_their_own_and_the_same_content() -> None:
    made = fingerprints([weak(), weak(), weak(), weak(place=Location("other/a.c")), weak(place=Location("b.c"))])
    assert Counter(map(len, made)) == {32: 5}
    assert len(set(made)) == 5
    assert len({content_of(one) for one in made}) == 1
    assert made[:2] == fingerprints([weak(), weak()])
    assert fingerprints([weak(place=Location("x/a.c"))])[0] == made[0]


def found(kind: str = "SIGSEGV", **changes: Any) -> FuzzFinding:
    return FuzzFinding(kind=kind, stack_hash="", frames=(CrashSite(1, "f", 1),), inputs=(b"", b"abc"), **changes)


def report(stopped: Stopped = Stopped.TIME, **changes: Any) -> FuzzReport:
    progress = FuzzProgress(1.0, 1, 1, 1, 1, 0, 0.0)
    known: dict[str, Any] = {
        "library": "l.so",
        "sha256": "",
        "prototype": "p",
        "seed": 1,
        "level": "",
        "progress": progress,
    }
    return FuzzReport(stopped=stopped, **known, **changes)


def test_what_a_campaign_found_are_claims() -> None:
    findings = (found("double-free", folder="out/1"), found("memory-leak"), found(guard="over"))
    first, leak, over, flaky = fuzz_claims(report(findings=findings, flaky=(found(repeated=1, tries=3),)))
    assert isinstance(first, Finding)
    assert (first.rule, first.cwe, first.severity) == ("fuzz-double-free", 415, Severity.HIGH)
    assert (first.context, first.practice, first.fix) == ("p", Practice.RUNTIME, "run out/1/repro.py")
    assert first.message.endswith("shown by an input of 3 bytes")
    assert isinstance(leak, Finding)
    assert (leak.severity, leak.cwe, leak.fix) == (Severity.MEDIUM, 401, "")
    assert isinstance(over, Finding)
    assert over.cwe == 125
    assert isinstance(flaky, Undecided)
    assert (flaky.rule, flaky.confidence, flaky.settled_by) == ("fuzz-sigsegv", Confidence.POSSIBLE, Settler.HUMAN)
    assert flaky.reason == "1 of 3 fresh processes showed it again"
    assert flaky.location == Location("l.so")


@pytest.mark.parametrize("stopped", [Stopped.CANNOT_LOAD, Stopped.NOT_RUN])
def test_what_was_not_fuzzed_is_undecided(stopped: Stopped) -> None:
    for words, reason in (("no such file", "no such file"), ("", str(stopped))):
        (claim,) = fuzz_claims(report(stopped, loader_message=words))
        assert isinstance(claim, Undecided)
        assert (claim.rule, claim.reason, claim.context) == ("fuzz-not-run", reason, "p")
        assert claim.message == f"it was not fuzzed: {reason}"
        assert claim.settled_by is Settler.HUMAN
