"""From what was seen to claims: what a host should know before it loads the library into itself.

Four questions are asked of a report - does it come through, does it leave, does it keep to itself, does it stay level
- and one of every kind of observation. A question whose observer was not at work stays open; it is never answered
with praise.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from loadstone.core.claims import Claim, Confidence, Evidence, Finding, Location, Settler, Severity, Undecided
from loadstone.core.observations import (
    LayerState,
    Observation,
    ObservationKind,
    Phase,
    ProbeOutcome,
    ProbeReport,
    Witness,
)
from loadstone.core.practices import Practice

__all__ = ["claims"]

Kind = ObservationKind


class _Weakness(NamedTuple):
    """What an observation of some kind means for a host."""

    severity: Severity
    cwe: int | None
    fix: str
    practice: Practice = Practice.RUNTIME


_HOST = "a library should leave the state of its process to the host"
_MEANINGS: Final[dict[ObservationKind, _Weakness]] = {
    Kind.CALL_REFUSED: _Weakness(
        Severity.NOTE, None, "look at it where the call is not refused: what it does with the answer was not seen"
    ),
    Kind.CALL_RETURNED: _Weakness(Severity.NOTE, None, ""),
    Kind.CODE_UNLISTED: _Weakness(Severity.MEDIUM, 506, "load code by the loader, so that debuggers and unload see it"),
    Kind.CODE_WRITABLE: _Weakness(Severity.MEDIUM, 693, "map code writable or executable, never both at once"),
    Kind.CRASH_HIDDEN: _Weakness(Severity.HIGH, 391, "fix the fault; a handler that hides it hides the next one too"),
    Kind.CWD_CHANGED: _Weakness(Severity.MEDIUM, 1188, f"{_HOST}: the current directory belongs to the process"),
    Kind.DAEMON_LEFT: _Weakness(Severity.HIGH, 404, "end every process it starts, and wait for it"),
    Kind.DESCRIPTOR_CLOSED: _Weakness(Severity.HIGH, 910, "close only descriptors it opened"),
    Kind.DESCRIPTOR_GROWTH: _Weakness(Severity.MEDIUM, 775, "close in the finaliser what the initialiser opened"),
    Kind.DESCRIPTOR_LEFT: _Weakness(Severity.LOW, 775, "close in the finaliser what the initialiser opened"),
    Kind.DIFFERS_UNTRACED: _Weakness(Severity.HIGH, 912, "find out what in it looks for a tracer, and why"),
    Kind.ENVIRONMENT_CHANGED: _Weakness(Severity.LOW, 15, f"{_HOST}: the environment belongs to the process"),
    Kind.EXEC: _Weakness(Severity.HIGH, 78, "start no program while being loaded"),
    Kind.EXIT_CALLED: _Weakness(Severity.HIGH, 755, "report failure to the caller; never end the process"),
    Kind.FILE_CHANGED: _Weakness(Severity.MEDIUM, 506, "change no file while being loaded"),
    Kind.FILE_READ: _Weakness(Severity.NOTE, None, ""),
    Kind.FILE_WRITE: _Weakness(Severity.MEDIUM, 506, "write no file while being loaded"),
    Kind.FORBIDDEN_CALL: _Weakness(Severity.HIGH, 506, "find out why it makes this call; no library needs it to load"),
    Kind.FORGED_RECORD: _Weakness(Severity.CRITICAL, 506, "do not load it: it tried to write its own report"),
    Kind.LAZY_UNDEFINED: _Weakness(Severity.MEDIUM, 758, "link it with everything it needs (-Wl,-z,defs)"),
    Kind.MEMORY_GROWTH: _Weakness(Severity.LOW, 401, "free in the finaliser what the initialiser allocated"),
    Kind.MEMORY_PEAK: _Weakness(Severity.MEDIUM, 400, "allocate when used, not when loaded"),
    Kind.MEMORY_REFUSED: _Weakness(Severity.NOTE, None, "run it where it has the memory it reserves"),
    Kind.NEEDS_HOST: _Weakness(
        Severity.NOTE, None, "load what its host provides first: --preload LIBRARY, or --host PROGRAM"
    ),
    Kind.NETWORK: _Weakness(Severity.MEDIUM, 506, "open no connection while being loaded"),
    Kind.NOT_UNLOADED: _Weakness(Severity.LOW, 404, "do not count on unload: replace the process to replace it"),
    Kind.OUTPUT: _Weakness(Severity.NOTE, None, "a library should not write to its host's standard output"),
    Kind.PROCESS_CHANGED: _Weakness(Severity.MEDIUM, 1188, f"{_HOST}: it counts, sorts and prints otherwise now"),
    Kind.PROCESS_STARTED: _Weakness(Severity.MEDIUM, 506, "start no process while being loaded"),
    Kind.RESOLVE_FAILED: _Weakness(Severity.LOW, 758, "define every symbol it exports"),
    Kind.SESSION_CHANGED: _Weakness(Severity.MEDIUM, 506, f"{_HOST}: its session too"),
    Kind.SIGNAL_HANDLER: _Weakness(Severity.MEDIUM, 1188, f"{_HOST}: signal handlers belong to the process"),
    Kind.SIGNAL_MASK: _Weakness(Severity.LOW, 1188, f"{_HOST}: its signal mask too"),
    Kind.SIGNAL_SENT: _Weakness(Severity.MEDIUM, 506, "send no signal while being loaded"),
    Kind.SLOW: _Weakness(Severity.NOTE, None, "do such work at first use, not at load"),
    Kind.THREAD_GROWTH: _Weakness(Severity.MEDIUM, 404, "end in the finaliser what the initialiser started"),
    Kind.THREAD_KEPT: _Weakness(Severity.NOTE, None, "end its threads before unload, or document that it is to stay"),
    Kind.THREAD_LEFT: _Weakness(Severity.HIGH, 404, "end its threads before unload: their code is no longer mapped"),
    Kind.THREAD_STARTED: _Weakness(Severity.NOTE, None, ""),
    Kind.UMASK_CHANGED: _Weakness(Severity.MEDIUM, 276, f"{_HOST}: the umask decides the mode of every new file"),
}

_ENDS: Final[dict[ProbeOutcome, tuple[str, int | None]]] = {
    ProbeOutcome.CRASH: ("crashed", 248),
    ProbeOutcome.HANG: ("timed out", 835),
    ProbeOutcome.EXITED: ("ended the process", 755),
    ProbeOutcome.EXEC_REPLACED: ("replaced the process with another program", 506),
    ProbeOutcome.MEMORY_LIMIT: ("exceeded its memory limit", 400),
    ProbeOutcome.OUTPUT_LIMIT: ("exceeded its limit for files", 400),
    ProbeOutcome.LOST_CHANNEL: ("closed descriptors that are not its own", 910),
    ProbeOutcome.LOAD_ERROR: ("was refused by the loader", None),
}
_HIDDEN: Final = ("raised a fault and handled it itself", 391)
_TOLD_BY_OUTCOME: Final = frozenset({Kind.LOAD_ERROR, Kind.NOT_RUN})
_EFFECTS: Final = frozenset(
    {
        Kind.CALL_REFUSED, Kind.CODE_UNLISTED, Kind.DESCRIPTOR_CLOSED, Kind.ENVIRONMENT_CHANGED, Kind.EXEC,
        Kind.FILE_CHANGED, Kind.FILE_WRITE, Kind.CWD_CHANGED, Kind.FORBIDDEN_CALL, Kind.NETWORK,
        Kind.PROCESS_CHANGED, Kind.PROCESS_STARTED, Kind.SIGNAL_HANDLER, Kind.SIGNAL_SENT,
        Kind.THREAD_STARTED, Kind.THREAD_LEFT, Kind.UMASK_CHANGED,
    }
)  # fmt: skip


def claims(report: ProbeReport) -> tuple[Claim, ...]:
    """Evidence, findings and open questions of one report. A crash or hang while loading is blocking. Pure.

    >>> from loadstone.core.observations import Phase
    >>> claims(ProbeReport(target="x.so", outcome=ProbeOutcome.HANG, phase=Phase.LOAD))[0].rule
    'probe-comes-through'
    """
    return tuple(_claims(report))


def _claims(report: ProbeReport) -> Iterator[Claim]:
    for question in _QUESTIONS:
        yield from question(report)
    for observation in report.observations:
        meaning = _MEANINGS.get(observation.kind)
        if meaning is not None and observation.kind not in _TOLD_BY_OUTCOME:
            yield _finding(report, observation, meaning)


def _finding(report: ProbeReport, seen: Observation, meaning: _Weakness) -> Finding:
    return Finding(
        rule=f"probe-{seen.kind}",
        message=f"{seen.detail} (during {seen.phase}; witness: {seen.witness})",
        location=Location(report.target),
        practice=meaning.practice,
        confidence=Confidence.LIKELY if seen.witness is Witness.CHILD else Confidence.CERTAIN,
        context=seen.phase.value,
        severity=meaning.severity,
        cwe=meaning.cwe,
        fix=meaning.fix,
    )


def _open(report: ProbeReport, rule: str, message: str, reason: str, *, blocking: bool = False) -> Undecided:
    return Undecided(
        rule=rule,
        message=message,
        location=Location(report.target),
        practice=Practice.RUNTIME,
        reason=reason,
        settled_by=Settler.PROBE,
        blocking=blocking,
    )


def _evidence(report: ProbeReport, rule: str, message: str) -> Evidence:
    return Evidence(rule=rule, message=message, location=Location(report.target), practice=Practice.RUNTIME)


def _comes_through(report: ProbeReport) -> Iterator[Claim]:
    """Does it get through load, resolve, unload, reload and exit?"""
    rule = "probe-comes-through"
    if report.outcome is ProbeOutcome.OK:
        yield _evidence(report, rule, "every phase was completed, and the process ended as commanded (wait status)")
        return
    if report.outcome is ProbeOutcome.SLOW:
        yield _evidence(report, rule, "it passed, slowly: time ran out before every load and unload cycle was run")
        return
    if report.outcome in (ProbeOutcome.NOT_RUN, ProbeOutcome.DENIED):
        why = (
            "; ".join(o.detail for o in report.observations if o.kind in (*_TOLD_BY_OUTCOME, Kind.MEMORY_REFUSED))
            or "the sandbox stopped it"
        )
        yield _open(report, rule, "cannot tell what it does when it runs", why)
        return
    words, cwe, phase = *_ENDS[report.outcome], report.phase
    if report.crash is not None and report.hid_its_crash:
        words, cwe, phase = *_HIDDEN, report.crash.phase
    threads = report.phase is Phase.THREADS
    yield Finding(
        rule=rule,
        message=f"it {words} during {phase}{_detail(report)}",
        location=Location(report.target),
        practice=Practice.RUNTIME,
        context=report.phase.value,
        severity=Severity.CRITICAL if report.phase is Phase.LOAD else Severity.HIGH,
        cwe=_THREAD_CWE.get(report.outcome, cwe) if threads else cwe,
        fix="do not load it into a process that matters; run it in one of its own",
        blocking=report.phase is Phase.LOAD,
    )


def _detail(report: ProbeReport) -> str:
    """What the loader said, where it crashed, or where the first thread in it waits when it hung."""
    if report.outcome is ProbeOutcome.LOAD_ERROR:
        told = next((o.detail for o in report.observations if o.kind is Kind.LOAD_ERROR), "")
        return f": {told}" if told else ""
    if report.crash is not None and report.crash.frames:
        return f" at {report.crash.frames[0]}"
    if report.outcome is ProbeOutcome.CRASH and report.signal is not None:
        return f", ended by {_signal_name(report.signal)}"
    name = os.path.basename(report.target)
    for thread in report.stacks:
        inside = (frame for frame in thread.frames if os.path.basename(frame.library).startswith(name))  # libx.so.1.2
        frame = next(inside, None)
        if frame is not None:
            return f": {'its main' if thread.main else 'a'} thread {thread.does} below {frame}"
    return f": its main thread {report.stacks[0].does}" if report.stacks else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_THREAD_CWE: Final = {ProbeOutcome.HANG: 833, ProbeOutcome.CRASH: 362}


def _leaves(report: ProbeReport) -> Iterator[Claim]:
    """Is it gone after unload? If not, the observation says so."""
    if report.came_through and not report.seen(Kind.NOT_UNLOADED):
        rule = "probe-unloads"
        if _active(report, "maps"):
            yield _evidence(report, rule, "no page of it was mapped after unload (/proc/PID/maps)")
        else:
            yield _open(report, rule, "cannot tell whether unload unmaps it", _reason(report, "maps"))


def _keeps_to_itself(report: ProbeReport) -> Iterator[Claim]:
    """Does it leave files, network, processes and the state of its host alone?"""
    if not report.came_through or any(o.kind in _EFFECTS for o in report.observations):
        return
    rule = "probe-keeps-to-itself"
    if _active(report, "notification") and _active(report, "maps"):
        message = "no write, connection, process, thread or signal, and no change of its host's state, was seen"
        yield _evidence(report, rule, f"{message} (system call notification, /proc)")
    else:
        name = "maps" if _active(report, "notification") else "notification"
        yield _open(report, rule, "cannot tell what it did while it ran", _reason(report, name))


def _stays_level(report: ProbeReport) -> Iterator[Claim]:
    """Does it give back what it takes, over many cycles? What grows is told by the observations."""
    soak, rule = report.soak, "probe-stays-level"
    if soak is None or soak.verdict == "leaks":
        return
    if soak.verdict == "level" and not report.seen(Kind.NOT_UNLOADED):
        names = ", ".join(trend.quantity for trend in soak.trends)
        yield _evidence(report, rule, f"over {soak.cycles:,} cycles of load and unload nothing kept growing: {names}")
        return
    why = "unload does not unmap it" if soak.trends else f"{soak.cycles} cycles show no slope"
    yield _open(report, rule, "cannot tell whether it leaks with every cycle of load and unload", why)


def _active(report: ProbeReport, name: str) -> bool:
    return any(o.name == name and o.state is LayerState.ACTIVE for o in report.observers)


def _reason(report: ProbeReport, name: str) -> str:
    return next((f"observer {name}: {o}" for o in report.observers if o.name == name), f"no observer {name}")


_QUESTIONS: Final[tuple[Callable[[ProbeReport], Iterator[Claim]], ...]] = (
    _comes_through,
    _leaves,
    _keeps_to_itself,
    _stays_level,
)
