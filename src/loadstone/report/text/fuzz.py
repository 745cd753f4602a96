"""A fuzzing campaign as text: what broke and how to see it again, then how thoroughly was looked."""

from __future__ import annotations

from loadstone.core.counting import counted
from loadstone.core.fuzzing import FuzzFinding, FuzzProgress, FuzzReport, Stopped
from loadstone.escape import printable
from loadstone.report.text.style import Style, columns

__all__ = ["conditions", "finding_lines", "progress_line", "render"]

_SHOWN_BYTES = 24


def render(report: FuzzReport, style: Style) -> str:
    """The campaign: its answer first, then each finding, then the numbers and the conditions."""
    lines = [f"{style.bold(printable(report.prototype))}: {_answer(report, style)}", f"  {printable(report.library)}"]
    if report.loader_message:
        who = "" if report.stopped is Stopped.NOT_RUN else "the loader says: "
        lines.append(f"  {who}{printable(report.loader_message)}")
    for found in report.findings:
        lines += ["", *finding_lines(found, style)]
    if report.flaky:
        lines += ["", style.heading("Not reproduced every time")]
        lines += [f"  ? {printable(f.title)}: {f.repeated} of {f.tries} fresh processes" for f in report.flaky]
    lines += ["", style.heading("Conditions of the run"), *columns(conditions(report))]
    return "\n".join(lines) + "\n"


def progress_line(now: FuzzProgress) -> str:
    """One line of state while a campaign runs, or confirms what it found."""
    if now.confirmed is not None:
        return f"{now.runs:>12,} runs  confirming {now.confirmed + 1} of {counted(now.findings, 'finding')}"
    return (
        f"{now.seconds:5.0f} s  {now.runs:>12,} runs  {now.runs_per_s:>9,.0f}/s  {now.blocks:>6,} of "
        f"{now.blocks_total:,} blocks  {now.findings} found  {now.since_new_s:.0f} s since new coverage"
    )


def _answer(report: FuzzReport, style: Style) -> str:
    if report.stopped is Stopped.NOT_RUN:
        return style.bad("not run")
    if report.stopped is Stopped.CANNOT_LOAD:
        return style.bad("could not be loaded")
    if report.findings:
        return style.bad(counted(len(report.findings), "finding"))
    return style.good(f"no findings in {report.progress.runs:,} runs")


def finding_lines(found: FuzzFinding, style: Style) -> list[str]:
    """A finding: its title, then what shows it and where."""
    data = found.inputs[-1]
    shown = data[:_SHOWN_BYTES].hex(" ") + (" ..." if len(data) > _SHOWN_BYTES else "")
    lines = [
        f"  {style.bad('!')} {printable(found.title)}",
        f"      input of {counted(len(data), 'byte')}: {shown or '(empty)'}",
    ]
    if len(found.inputs) > 1:
        lines.append(f"      after {counted(len(found.inputs) - 1, 'call')} before it")
    if len(found.frames) > 1:
        lines.append(f"      called from {', '.join(printable(str(f)) for f in found.frames[1:5])}")
    for what, stack in (("allocated", found.allocated), ("freed", found.freed)):
        if stack:
            lines.append(f"      {what} in {', called from '.join(printable(str(f)) for f in stack[:4])}")
    if found.words:
        lines.append(f"      the library printed: {printable(found.words)}")
    lines.append(f"      {found.repeated} of {found.tries} fresh processes reproduce it")
    if found.folder:
        lines.append(f"      reproduce: python3 {printable(found.folder)}/repro.py")
    return lines


def conditions(report: FuzzReport) -> list[tuple[str, ...]]:
    """The numbers and the circumstances of a campaign: (what, how)."""
    reached = report.progress
    rows = [
        ("runs", f"{reached.runs:,} in {reached.seconds:.1f} s ({reached.runs_per_s:,.0f} a second)"),
        ("coverage", f"{reached.blocks:,} of {reached.blocks_total:,} {report.level}, {reached.corpus} inputs kept"),
        ("stopped", f"{report.stopped} (seed {report.seed})"),
    ]
    rows += [(name, printable(state)) for name, state in (*report.observers, *report.layers)]
    return [tuple(row) for row in rows]
