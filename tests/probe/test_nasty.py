"""Every nasty library gets its outcome, its phase and what it did; every clean one gets nothing said against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY, OUTSIDE, Case

from loadstone.core.claims import Finding, Severity
from loadstone.core.observations import LayerState, Phase, ProbeReport
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe import claims, close_helpers, probe
from loadstone.report.text.probe import render
from loadstone.report.text.style import Style

SLACK = 0.5
"""Seconds a probe may take beyond its limit, by contract; tests on a busy machine allow some more."""
BUSY = 4.0


def _observes(report: ProbeReport, name: str) -> bool:
    return any(o.name == name and o.state is LayerState.ACTIVE for o in report.observers)


def _children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """No descriptor, no file in the temporary folder, no child but those that other tests may have left."""
    close_helpers()
    descriptors = set(os.listdir("/proc/self/fd"))
    before = _children()
    yield
    assert _children() - before == set()
    close_helpers()
    assert set(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("case", NASTY, ids=lambda case: case.name)
def test_a_nasty_library_is_told_as_what_it_is(case: Case, build: Build) -> None:
    library = build(case)
    OUTSIDE.unlink(missing_ok=True)
    with _nothing_left_behind():
        begin = monotonic()
        report = probe(library, timeout=case.timeout, cycles=case.cycles, threads=case.threads, calls=case.calls)
        took = monotonic() - begin
    told = "\n".join(f"{o.phase} {o.kind} {o.detail}" for o in report.observations)
    watched = _observes(report, case.needs)
    expected = case.outcome if watched or case.or_outcome is None else case.or_outcome
    assert report.outcome is expected, told
    assert report.phase in (case.phase, *case.or_phase), told
    assert took < case.timeout + SLACK + BUSY
    if any(layer.name == "landlock" and layer.state is LayerState.ACTIVE for layer in report.layers):
        assert not OUTSIDE.exists()
    if watched:
        for kind, word in case.seen.items():
            assert any(word in o.detail for o in report.seen(kind)), f"{kind}: {word}\n{told}"
    if case.signal is not None:
        assert report.signal == case.signal
    if report.outcome is Outcome.CRASH and case.crash and _observes(report, "crash stop"):
        assert report.crash is not None
        assert case.crash in report.crash.kind
    against = [c for c in claims(report) if isinstance(c, Finding)]
    assert against, "something must be said against it"
    if report.outcome not in (Outcome.OK, Outcome.DENIED) and report.phase == "load":
        assert any(c.blocking for c in against)


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case.name)
def test_nothing_is_said_against_a_clean_library(case: Case, build: Build) -> None:
    with _nothing_left_behind():
        report = probe(build(case), timeout=60, threads=case.threads)
    assert report.outcome is Outcome.OK
    assert report.observations == ()
    assert report.crash is None
    assert not [c for c in claims(report) if isinstance(c, Finding) and c.severity is not Severity.NOTE]


def test_what_a_call_and_a_look_both_saw_is_told_once(build: Build) -> None:
    case = next(case for case in NASTY if case.name == "installs_a_handler")
    report = probe(build(case), timeout=60)
    told = [(seen.phase, seen.detail) for seen in report.seen(Kind.SIGNAL_HANDLER)]
    assert told[0] == (Phase.LOAD, "a handler for SIGUSR1 was installed")
    assert all("16 times" in detail for phase, detail in told if phase is Phase.RELOAD)


def test_a_fault_that_the_library_handles_is_not_told_as_its_end(build: Build) -> None:
    case = next(case for case in NASTY if case.name == "survives_its_crash")
    report = probe(build(case), timeout=60)
    if not _observes(report, "crash stop"):
        pytest.skip("nothing may be traced here")
    assert "raised SIGSEGV and handled it itself, during load" in render(report, Style())
    assert any("16 times" in seen.detail for seen in report.seen(Kind.CRASH_HIDDEN)), "every one is counted"
    first = next(claim for claim in claims(report) if claim.rule == "probe-comes-through")
    assert first.message.startswith("it raised a fault and handled it itself during load")
