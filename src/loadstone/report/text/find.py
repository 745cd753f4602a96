"""Where a library is, as text: the path on the first line, so that scripts can take it."""

from __future__ import annotations

from loadstone.core.counting import counted
from loadstone.core.trace import SearchStep, StepOutcome, Trace
from loadstone.escape import printable
from loadstone.report.text.style import Style, columns

__all__ = ["render"]


def render(trace: Trace, advice: str, style: Style, *, verbose: int = 0) -> str:
    """The path and how it was found; on a miss what to do. ``verbose`` adds every candidate."""
    tried = [step for step in trace.steps if step.outcome is not StepOutcome.NOT_CONSULTED]
    if trace.path is not None:
        before = len(tried) - 1
        noun = "candidate" if before == 1 else "candidates"
        lines = [style.bold(printable(trace.path)), style.dim(f"  found by: {trace.how}; {before} {noun} before it")]
    else:
        lines = [
            style.bad(f"{printable(trace.name)}: not found")
            + style.dim(f" ({counted(len(tried), 'candidate')} looked at)")
        ]
        lines += [f"  {printable(advice)}"] if advice else []
    if verbose or trace.path is None:
        shown = trace.steps if verbose else _worth_showing(trace.steps)
        lines += columns([_row(step) for step in shown])
    return "\n".join(lines) + "\n"


def _worth_showing(steps: tuple[SearchStep, ...]) -> tuple[SearchStep, ...]:
    """On a miss: what was there and not taken."""
    return tuple(step for step in steps if step.outcome is not StepOutcome.ABSENT)


def _row(step: SearchStep) -> tuple[str, ...]:
    reason = printable(step.reason) or ("" if step.outcome is StepOutcome.TAKEN else "-")
    return step.rule, step.outcome.value, printable(step.candidate) or printable(step.source), reason
