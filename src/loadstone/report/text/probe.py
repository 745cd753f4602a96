"""A probe's report as text: what happened first, then what was seen, then how much of it could be seen."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from loadstone.core.counting import counted
from loadstone.core.observations import (
    CrashRecord,
    LayerState,
    LayerStatus,
    ObserverStatus,
    Phase,
    ProbeOutcome,
    ProbeReport,
    Soak,
    StackFrame,
    Witness,
)
from loadstone.escape import printable
from loadstone.report.text.style import Style, columns

__all__ = ["render"]

_SENTENCES = {
    ProbeOutcome.OK: "loaded, resolved, unloaded and ended without incident",
    ProbeOutcome.LOAD_ERROR: "the loader refused it",
    ProbeOutcome.CRASH: "crashed",
    ProbeOutcome.SLOW: "passed; time ran out before every load and unload cycle was run",
    ProbeOutcome.HANG: "timed out",
    ProbeOutcome.EXITED: "ended the process",
    ProbeOutcome.EXEC_REPLACED: "replaced the process with another program",
    ProbeOutcome.MEMORY_LIMIT: "exceeded its memory limit",
    ProbeOutcome.OUTPUT_LIMIT: "exceeded its limit for files",
    ProbeOutcome.LOST_CHANNEL: "closed the descriptors of the process it was loaded into",
    ProbeOutcome.DENIED: "was stopped by the sandbox, not by a fault of its own",
    ProbeOutcome.NOT_RUN: "was not run",
}


def render(report: ProbeReport, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` 1 adds every layer and observer, else only those that were not fully at work."""
    blocks = [
        _headline(report, style),
        _observed(report, style),
        _soak(report.soak, style),
        _crash(report.crash, style),
        _stacks(report, style),
        _objects(report, style, verbose),
        _sandbox(report, style, verbose),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _headline(report: ProbeReport, style: Style) -> list[str]:
    good = report.came_through
    paint = (style.warn if report.observations else style.good) if good else style.bad
    lines = [f"{style.bold(printable(report.target))}: {style.bold(paint(report.outcome.value))}"]
    sentence = _sentence(report)
    if report.remembered:
        sentence += " (cached; --fresh runs it again)"
    return [*lines, f"  {sentence}"]


def _sentence(report: ProbeReport) -> str:
    """How it ended, when, and by which signal."""
    if report.crash is not None and report.hid_its_crash:
        return f"raised {report.crash.name} and handled it itself, during {report.crash.phase}"
    sentence = _SENTENCES[report.outcome]
    if not report.came_through and report.outcome is not ProbeOutcome.NOT_RUN:
        sentence += f", during {report.phase}"
    if report.crash is not None:
        sentence += f", by {report.crash.name}"
    elif report.signal is not None and report.outcome is ProbeOutcome.CRASH:
        sentence += f", by {_signal_name(report.signal)}"
    return sentence


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _observed(report: ProbeReport, style: Style) -> list[str]:
    if not report.observations:
        seen = sum(observer.state is LayerState.ACTIVE for observer in report.observers)
        return [f"  nothing else was seen by {counted(seen, 'observer')}; that is one run, not a proof"] if seen else []
    rows: list[tuple[str, ...]] = [
        (
            o.phase.value,
            o.kind.value,
            printable(o.detail, 400) + ("" if o.witness is Witness.KERNEL else style.dim(f"  [says the {o.witness}]")),
        )
        for o in report.observations
    ]
    return [style.heading("Seen"), *columns(rows)]


def _soak(soak: Soak | None, style: Style) -> list[str]:
    if soak is None:
        return []
    paint = style.bad if soak.verdict == "leaks" else style.good if soak.trends else style.warn
    why = "enough to decide" if soak.verdict == "leaks" else "cut short by the time limit"
    early = f" of {soak.asked:,}, {why}" if soak.cycles < soak.asked else ""
    rows: list[tuple[str, ...]] = [
        (
            trend.quantity,
            f"{trend.first:,} -> {trend.last:,}{trend.unit and ' ' + trend.unit}",
            f"{trend.slope:+,.1f} a cycle",
            style.bad("grows") if trend.grows else "level",
        )
        for trend in soak.trends
    ]
    title = f"Soak: {paint(soak.verdict)}, by {soak.cycles:,} cycles of load and unload{early}"
    return [style.heading(title), *columns(rows)]


def _crash(crash: CrashRecord | None, style: Style) -> list[str]:
    if crash is None:
        return []
    facts = [crash.kind] if crash.kind else []
    if crash.address is not None:
        facts.append(f"fault address {crash.address:#x}")
    if crash.subject:
        doing = "calling" if crash.phase is Phase.CALLS else "resolving"
        facts.append(f"while {doing} {printable(crash.subject, 200)}")
    lines = [style.heading(f"Crash: {crash.name}") + (f" ({', '.join(facts)})" if facts else "")]
    return lines + _frames(crash.frames, style)


def _frames(frames: Iterable[StackFrame], style: Style, indent: str = "  ") -> list[str]:
    return [
        f"{indent}#{number} {printable(str(frame))}{style.dim('  likely') if frame.likely else ''}"
        for number, frame in enumerate(frames)
    ]


def _stacks(report: ProbeReport, style: Style) -> list[str]:
    lines = []
    for number, thread in enumerate(report.stacks, start=1):
        who = "Main thread" if thread.main else f"Thread {number} ({printable(thread.name, 40)})"
        lines.append(style.heading(f"{who}: {printable(thread.does, 100)}"))
        lines += _frames(thread.frames, style)
    return lines


def _objects(report: ProbeReport, style: Style, verbose: int) -> list[str]:
    if not verbose or not report.objects:
        return []
    rows: list[tuple[str, ...]] = [
        (f"{o.base:#x}", printable(o.path, 400), f"namespace {o.namespace}" if o.namespace else "")
        for o in report.objects
    ]
    return [style.heading("Loaded with it, in load order"), *columns(rows)]


def _sandbox(report: ProbeReport, style: Style, verbose: int) -> list[str]:
    lines: list[str] = []
    for title, statuses in (("Sandbox", report.layers), ("Observers", report.observers)):
        shown = statuses if verbose else [s for s in statuses if s.state is not LayerState.ACTIVE and _worth_telling(s)]
        if shown:
            lines += [style.heading(title), *columns([_status(s, style) for s in shown])]
    standing = [layer.name for layer in report.layers if layer.state is LayerState.ACTIVE]
    if standing and not verbose:
        lines.append(style.dim(f"Sandbox layers active: {', '.join(standing)}; -v shows how that was tried"))
    return lines


def _worth_telling(status: LayerStatus | ObserverStatus) -> bool:
    return status.reason != "not asked for"


def _status(status: LayerStatus | ObserverStatus, style: Style) -> tuple[str, ...]:
    paint = style.good if status.state is LayerState.ACTIVE else style.warn
    return status.name, paint(status.state.value), printable(status.reason, 400)
