"""What ``scanf`` and its like fill: which argument, by which conversion. Source: C17 7.21.6.2, scanf(3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from loadstone.review import ir
from loadstone.review.analyses.words import last_word, uncast

__all__ = ["Scanned", "scanned"]

_LAYOUTS: Final = {
    **dict.fromkeys(("scanf", "wscanf", "scanf_s"), 0),
    **dict.fromkeys(("sscanf", "fscanf", "swscanf", "fwscanf", "_stscanf", "sscanf_s", "fscanf_s"), 1),
}
"""Where the layout stands; what is filled follows it."""

_CONVERSION: Final = re.compile(r"%(\*?)(\d*)(?:hh|h|ll|l|j|z|t|L|m)?([a-zA-Z\[%])")


class Scanned(NamedTuple):
    """An argument that is filled, the width and the letter of its conversion; both empty where no layout is known."""

    target: ir.Expression
    width: str = ""
    kind: str = ""


def scanned(call: ir.Call) -> tuple[Scanned, ...] | None:
    """What a call fills, in order; None when it is none of these functions."""
    place = _LAYOUTS.get(last_word(call.name))
    if place is None or len(call.arguments) <= place:
        return None
    layout, targets = uncast(call.arguments[place]), call.arguments[place + 1 :]
    if not isinstance(layout, ir.Literal) or not isinstance(layout.value, str):
        return tuple(map(Scanned, targets))
    found = [(w, kind) for skipped, w, kind in _CONVERSION.findall(layout.value) if not skipped and kind != "%"]
    return tuple(Scanned(target, width, kind) for target, (width, kind) in zip(targets, found, strict=False))
