"""Texts that are put together in an array, and that are longer than it when each of them is as long as it can be.

``strcpy(line, home); strcat(line, name);``: each part may fill the array it lies in, and together they are more than
the array they are copied to. A claim needs the sizes of all arrays as numbers, and nobody who asks for a length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.printed_texts import declared_room

__all__ = ["SummedCopy", "summed_copies"]

_BEGINS: Final = frozenset({"strcpy", "wcscpy", "lstrcpy", "lstrcpyA", "lstrcpyW", "_tcscpy", "stpcpy"})
_GOES_ON: Final = frozenset({"strcat", "wcscat", "lstrcat", "lstrcatA", "lstrcatW", "_tcscat"})
_ROOMS: Final = {"MAX_PATH": 260, "PATH_MAX": 4096, "_MAX_PATH": 260, "FILENAME_MAX": 4096, "NAME_MAX": 255}
"""Sizes that have names. Source: minwindef.h, linux/limits.h."""


@dataclass(frozen=True, slots=True)
class SummedCopy:
    """A copy behind which an array may hold more than it has room for."""

    target: str
    room: int
    needed: int
    line: int


def summed_copies(unit: ir.Unit, function: ir.Function, measured: set[str]) -> Iterator[SummedCopy]:
    """The first copy of a function into each array that may go past the end of it."""
    needed: dict[str, int] = {}
    told = set()
    for call in calls_in(function.body):
        name = last_word(call.name)
        if name not in _BEGINS | _GOES_ON or len(call.arguments) < 2:
            continue
        target, source = place_named(call.arguments[0]), uncast(call.arguments[1])
        room, part = _room(unit, target), _longest(unit, source)
        if not target or room is None or part is None or target in measured or place_named(source) in measured:
            needed.pop(target, None)
            continue
        if name in _GOES_ON and target not in needed:
            continue  # what stood there before is not known
        needed[target] = part + (needed[target] if name in _GOES_ON else 0)
        if needed[target] + 1 > room and target not in told and name in _GOES_ON:
            told.add(target)
            yield SummedCopy(target, room, needed[target] + 1, call.line)


def _room(unit: ir.Unit, name: str) -> int | None:
    spelled = declared_room(unit, name) if name else ""
    return int(spelled) if spelled.isdigit() else _ROOMS.get(spelled)


def _longest(unit: ir.Unit, source: ir.Expression) -> int | None:
    """How many characters a text has at most; zero for a pointer, of which nobody knows."""
    if isinstance(source, ir.Literal):
        return len(source.value) if isinstance(source.value, str) else None
    room = _room(unit, place_named(source))
    return room - 1 if room is not None else 0
