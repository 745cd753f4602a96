"""What a scan says of itself, and the list of questions, for a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict

from loadstone.core.counting import counted
from loadstone.escape import printable
from loadstone.fleet.questions import questions
from loadstone.fleet.scan import ScanProgress, ScanReport

__all__ = ["progress_line", "question_list", "scan_as_json", "scan_as_text"]


def progress_line(now: ScanProgress) -> str:
    """How far, how fast, how long still."""
    left = f", {_time(now.left_s)} left" if now.left_s is not None else ""
    return (
        f"{now.done:,} of {counted(now.total, 'input')}, {counted(now.files, 'file')} ({now.rate:.0f} a second){left}"
    )


def scan_as_text(done: ScanReport) -> str:
    """The outcome in a few lines."""
    snapshot = done.snapshot
    found = (
        f"{counted(snapshot.rows['files'], 'image')} in {counted(done.inputs, 'input')} ({done.known:,} known before)"
    )
    work = f"{counted(done.tasks, 'task')}, {done.written / 1e6:,.1f} MB written"
    memory = f"at most {done.peak_bytes / 1e6:,.0f} MB of memory in a worker"
    lines = [
        f"snapshot {snapshot.name}: {found}, {counted(snapshot.rows['symbols'], 'symbol')}",
        f"read in {_time(done.seconds)}: {work}, {memory}",
    ]
    if done.errors:
        lines.append(f"{counted(done.errors, 'input')} could not be read; `loadstone fleet sql 'FROM errors'` says why")
    return "\n".join(lines)


def scan_as_json(done: ScanReport) -> str:
    """The outcome as an object."""
    return json.dumps(asdict(done), indent=2)


def question_list() -> str:
    """Each question with its parameters, the optional ones in brackets."""
    lines: list[str] = []
    for question in questions():
        words = " ".join(f"[{p.name.upper()}]" if p.is_optional else p.name.upper() for p in question.parameters)
        lines += [f"{question.name} {words}".rstrip(), f"    {question.text}"]
        lines += [f"    {p.name}: {p.text} (such as {printable(p.example)})" for p in question.parameters]
    return "\n".join(lines)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
