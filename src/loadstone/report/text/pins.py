"""Whether pinned libraries are unchanged, as text."""

from __future__ import annotations

from loadstone.core.counting import Share
from loadstone.core.pins import PinCheck, PinState
from loadstone.escape import printable
from loadstone.report.text.style import Style

__all__ = ["render"]

_MARKS = {PinState.UNCHANGED: "+", PinState.CHANGED: "!", PinState.MISSING: "!", PinState.UNREADABLE: "?"}


def render(checks: tuple[PinCheck, ...], style: Style, *, verbose: int = 0) -> str:
    """A line that answers, then each library that differs; ``verbose`` adds those that do not."""
    differing = [check for check in checks if check.state is not PinState.UNCHANGED]
    if differing:
        changed = Share("pinned library", "has changed", "have changed", "pinned libraries")
        head = style.bad(changed.of(len(differing), len(checks)))
    else:
        head = style.good(
            "the one pinned library is unchanged"
            if len(checks) == 1
            else f"all {len(checks)} pinned libraries are unchanged"
        )
    lines = [head]
    for check in checks if verbose else differing:
        paint = style.good if check.state is PinState.UNCHANGED else style.bad
        lines.append(f"  {paint(_MARKS[check.state])} {printable(check.pin.path)}: {check.state}")
        if check.state is PinState.CHANGED:
            lines += [f"      pinned {check.pin.sha256}", f"      found  {check.actual}"]
            if check.build_id != check.pin.build_id:
                lines.append(f"      build id {check.pin.build_id or 'none'}, now {check.build_id or 'none'}")
        elif check.state is not PinState.UNCHANGED:
            lines.append(f"      {printable(check.actual)}")
    if differing:
        lines.append("  if the change was intended, pin again: loadstone pin TARGET... -o FILE")
    return "\n".join(lines) + "\n"
