"""What a report means, claim by claim: whole values, so that no field of one can change without being seen."""

from __future__ import annotations

import signal

import pytest

from loadstone.core.claims import Confidence, Evidence, Finding, Location, Settler, Severity, Undecided
from loadstone.core.observations import (
    CrashRecord,
    LayerState,
    Observation,
    ObserverStatus,
    Phase,
    ProbeOutcome,
    ProbeReport,
    Soak,
    StackFrame,
    ThreadStack,
    Trend,
    Witness,
)
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.practices import Practice
from loadstone.probe import claims

TARGET = "/lib/libx.so"
WATCHED = tuple(ObserverStatus(name, LayerState.ACTIVE) for name in ("notification", "maps"))
HERE, ELSEWHERE = StackFrame(16, f"{TARGET}.1.2", 4, "work"), StackFrame(32, "/lib/libc.so.6", 8, "wait")


def report(outcome: ProbeOutcome = ProbeOutcome.OK, phase: Phase = Phase.EXIT, **fields: object) -> ProbeReport:
    return ProbeReport(target=TARGET, outcome=outcome, phase=phase, **fields)  # type: ignore[arg-type]


def evidence(rule: str, message: str) -> Evidence:
    return Evidence(rule=rule, message=message, location=Location(TARGET), practice=Practice.RUNTIME)


def undecided(rule: str, message: str, reason: str) -> Undecided:
    return Undecided(
        rule=rule,
        message=message,
        location=Location(TARGET),
        practice=Practice.RUNTIME,
        reason=reason,
        settled_by=Settler.PROBE,
        blocking=False,
    )


def end(message: str, phase: Phase, cwe: int | None, severity: Severity) -> Finding:
    return Finding(
        rule="probe-comes-through",
        message=message,
        location=Location(TARGET),
        practice=Practice.RUNTIME,
        context=phase.value,
        severity=severity,
        cwe=cwe,
        fix="do not load it into a process that matters; run it in one of its own",
        blocking=phase is Phase.LOAD,
    )


def test_what_was_watched_and_kept_still_is_praised() -> None:
    assert claims(report(observers=WATCHED)) == (
        evidence("probe-comes-through", "every phase was completed, and the process ended as commanded (wait status)"),
        evidence("probe-unloads", "no page of it was mapped after unload (/proc/PID/maps)"),
        evidence(
            "probe-keeps-to-itself",
            "no write, connection, process, thread or signal, and no change of its host's state, was seen"
            " (system call notification, /proc)",
        ),
    )
    slow = "it passed, slowly: time ran out before every load and unload cycle was run"
    assert claims(report(ProbeOutcome.SLOW, observers=WATCHED))[0] == evidence("probe-comes-through", slow)


@pytest.mark.parametrize(
    ("observers", "unload", "effects"),
    [
        ((), "no observer maps", "no observer notification"),
        (WATCHED[:1], "no observer maps", "no observer maps"),
        (
            (ObserverStatus("notification", LayerState.UNAVAILABLE, "forbidden"), WATCHED[1]),
            None,
            f"observer notification: {LayerState.UNAVAILABLE}: forbidden",
        ),
        (
            (WATCHED[0], ObserverStatus("maps", LayerState.UNAVAILABLE, "no /proc")),
            f"observer maps: {LayerState.UNAVAILABLE}: no /proc",
            f"observer maps: {LayerState.UNAVAILABLE}: no /proc",
        ),
    ],
)
def test_what_was_not_watched_is_open_and_says_why(
    observers: tuple[ObserverStatus, ...], unload: str | None, effects: str
) -> None:
    _, first, second = claims(report(observers=observers))
    if unload is not None:
        assert first == undecided("probe-unloads", "cannot tell whether unload unmaps it", unload)
    assert second == undecided("probe-keeps-to-itself", "cannot tell what it did while it ran", effects)


def test_what_did_not_run_is_open_with_what_was_told() -> None:
    told = Observation(Kind.NOT_RUN, Phase.LOAD, Witness.KERNEL, "no sandbox")
    memory = Observation(Kind.MEMORY_REFUSED, Phase.LOAD, Witness.KERNEL, "no room")
    other = Observation(Kind.OUTPUT, Phase.LOAD, Witness.KERNEL, "hello")
    words = ("probe-comes-through", "cannot tell what it does when it runs")
    assert claims(report(ProbeOutcome.NOT_RUN, observations=(told, other, memory)))[0] == undecided(
        *words, "no sandbox; no room"
    )
    assert claims(report(ProbeOutcome.DENIED))[0] == undecided(*words, "the sandbox stopped it")


@pytest.mark.parametrize(
    ("outcome", "fields", "words", "cwe"),
    [
        (ProbeOutcome.CRASH, {}, "crashed during {}", 248),
        (ProbeOutcome.CRASH, {"signal": signal.SIGBUS}, "crashed during {}, ended by SIGBUS", 248),
        (ProbeOutcome.CRASH, {"signal": 250}, "crashed during {}, ended by signal 250", 248),
        (ProbeOutcome.HANG, {"signal": signal.SIGKILL}, "timed out during {}", 835),
        (
            ProbeOutcome.CRASH,
            {"signal": 11, "crash": CrashRecord(signal=11, name="SIGSEGV", phase=Phase.LOAD, frames=(HERE, ELSEWHERE))},
            f"crashed during {{}} at {HERE}",
            248,
        ),
        (
            ProbeOutcome.HANG,
            {"stacks": (ThreadStack(True, "x", "sleeps", (ELSEWHERE, HERE)),)},
            f"timed out during {{}}: its main thread sleeps below {HERE}",
            835,
        ),
        (
            ProbeOutcome.HANG,
            {"stacks": (ThreadStack(True, "x", "runs", (ELSEWHERE,)), ThreadStack(False, "y", "waits", (HERE,)))},
            f"timed out during {{}}: a thread waits below {HERE}",
            835,
        ),
        (
            ProbeOutcome.HANG,
            {"stacks": (ThreadStack(True, "x", "runs", (ELSEWHERE,)),)},
            "timed out during {}: its main thread runs",
            835,
        ),
        (ProbeOutcome.LOAD_ERROR, {}, "was refused by the loader during {}", None),
        (
            ProbeOutcome.LOAD_ERROR,
            {"observations": (Observation(Kind.LOAD_ERROR, Phase.LOAD, Witness.CHILD, "file too short"),)},
            "was refused by the loader during {}: file too short",
            None,
        ),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("phase", [Phase.LOAD, Phase.EXIT, Phase.THREADS])
def test_an_end_is_told_with_what_is_known_of_it(
    phase: Phase, outcome: ProbeOutcome, fields: dict[str, object], words: str, cwe: int | None
) -> None:
    if phase is Phase.THREADS:
        cwe = {ProbeOutcome.HANG: 833, ProbeOutcome.CRASH: 362}.get(outcome, cwe)
    severity = Severity.CRITICAL if phase is Phase.LOAD else Severity.HIGH
    assert claims(report(outcome, phase, **fields)) == (end(f"it {words.format(phase)}", phase, cwe, severity),)


def test_a_fault_that_did_not_end_it_is_told_where_it_was_raised() -> None:
    crash = CrashRecord(signal=11, name="SIGSEGV", phase=Phase.UNLOAD, frames=(HERE, ELSEWHERE))
    told = end(f"it raised a fault and handled it itself during unload at {HERE}", Phase.EXIT, 391, Severity.HIGH)
    assert claims(report(ProbeOutcome.CRASH, Phase.EXIT, crash=crash)) == (told,)


@pytest.mark.parametrize(
    ("witness", "confidence"), [(Witness.CHILD, Confidence.LIKELY), (Witness.KERNEL, Confidence.CERTAIN)]
)
def test_an_observation_is_a_finding_as_sure_as_its_witness(witness: Witness, confidence: Confidence) -> None:
    seen = Observation(Kind.EXEC, Phase.LOAD, witness, "it ran /bin/true")
    assert claims(report(observations=(seen,), observers=WATCHED))[2:] == (
        Finding(
            rule=f"probe-{Kind.EXEC}",
            message=f"it ran /bin/true (during {Phase.LOAD}; witness: {witness})",
            location=Location(TARGET),
            practice=Practice.RUNTIME,
            confidence=confidence,
            context=Phase.LOAD.value,
            severity=Severity.HIGH,
            cwe=78,
            fix="start no program while being loaded",
        ),
    )


def test_a_library_that_stays_is_not_said_to_be_unloaded() -> None:
    stays = Observation(Kind.NOT_UNLOADED, Phase.UNLOAD, Witness.KERNEL, "it is mapped still")
    rules = [claim.rule for claim in claims(report(observations=(stays,), observers=WATCHED))]
    assert rules == ["probe-comes-through", "probe-keeps-to-itself", f"probe-{Kind.NOT_UNLOADED}"]


def test_a_soak_without_a_slope_is_open() -> None:
    asked = undecided(
        "probe-stays-level",
        "cannot tell whether it leaks with every cycle of load and unload",
        "3 cycles show no slope",
    )
    assert claims(report(soak=Soak(cycles=3, asked=3, trends=()), observers=WATCHED))[-1] == asked


def test_a_level_soak_names_what_stayed_level() -> None:
    trends = tuple(Trend(name, "", Witness.KERNEL, 5, 5, 0.0, grows=False) for name in ("descriptors", "memory"))
    told = claims(report(soak=Soak(cycles=1000, asked=1000, trends=trends), observers=WATCHED))[-1]
    message = "over 1,000 cycles of load and unload nothing kept growing: descriptors, memory"
    assert told == evidence("probe-stays-level", message)
