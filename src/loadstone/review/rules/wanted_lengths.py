"""Lengths that a text would have had: what snprintf and its kin give may be more than there was room for.

A length that nothing compares with the room is then added to where the text begins, and the next one is written there.
Sources: snprintf(3), strlcpy(3), the documentation of GetEnvironmentVariable; CWE-787, CERT INT30-C.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.array_ends import PastEnd
from loadstone.review.walk import expressions

__all__ = ["lengths_added"]

_PRINTS: Final = frozenset({"snprintf", "vsnprintf", "g_snprintf", "apr_snprintf"})
_WANTS: Final = {
    **dict.fromkeys(("strlcpy", "strlcat", "g_strlcpy", "g_strlcat"), 0),
    **{f"GetEnvironmentVariable{end}": 1 for end in ("", "A", "W")},
    **{f"GetCurrentDirectory{end}": 1 for end in ("", "A", "W")},
}
"""Functions that give how long a text would have been, and which argument it is written to."""

_WRITES: Final = _PRINTS | frozenset(
    {
        "sprintf",
        "strcpy",
        "strcat",
        "memcpy",
        "strncpy",
        "wcscpy",
        "wcscat",
        "lstrcpyW",
        "lstrcpyA",
        "_tcscpy",
        "memmove",
    }
)
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_LIMITS: Final = frozenset({"min", "max", "clamp", "MIN", "MAX"})


def lengths_added(function: ir.Function) -> Iterator[PastEnd]:
    """The writes of a function that begin where a text would have ended, which nothing asked about."""
    wanted: dict[str, tuple[str, int]] = {}
    asked = _compared(function)
    repeated = _in_loops(function)
    for target, operator, value, line in sorted(stores_in(function.body), key=lambda s: s.line):
        call, name = uncast(value), place_named(target)
        place = _target_of(call) if isinstance(call, ir.Call) else None
        if not isinstance(call, ir.Call) or place is None or not name or name in asked or operator not in {"", "+"}:
            continue
        again = name in wanted or (operator == "+" and line in repeated)
        wanted[name] = place, line
        if operator == "+" and again and _added(call.arguments[0], name):
            yield _past(line, name, place)
            del wanted[name]
    for call in calls_in(function.body):
        if last_word(call.name) not in _WRITES or not call.arguments:
            continue
        for name, (place, line) in wanted.items():
            if call.line > line and _added(call.arguments[0], name) == place:
                yield _past(call.line, name, place)
                break


def _past(line: int, name: str, place: str) -> PastEnd:
    return PastEnd(
        line,
        f"{name} is how long the text would have been; when {place} was too short, this is written past its end.",
        f"Test that {name} is less than the size of {place} first.",
    )


def _target_of(call: ir.Call) -> str | None:
    """Where a call writes a text whose length it gives; None for others, and where only numbers are printed."""
    name = last_word(call.name)
    if name in _PRINTS:
        layouts = (uncast(a) for a in call.arguments)
        texts = any(isinstance(a, ir.Literal) and isinstance(a.value, str) and "%s" in a.value for a in layouts)
        return _root(call.arguments[0]) if texts else None
    place = _WANTS.get(name)
    return _root(call.arguments[place]) if place is not None and place < len(call.arguments) else None


def _root(target: ir.Expression) -> str:
    bare = uncast(target)
    while isinstance(bare, ir.Operation) and bare.operator == "+" and bare.operands:
        bare = uncast(bare.operands[0])
    return place_named(bare)


def _added(target: ir.Expression, name: str) -> str:
    """The array of ``array + name`` and ``&array[name]``; empty for anything else."""
    bare = uncast(target)
    if isinstance(bare, ir.Operation) and bare.operator == "address" and bare.operands:
        item = uncast(bare.operands[0])
        if isinstance(item, ir.Item):
            return place_named(item.base) if place_named(item.index) == name else ""
    if isinstance(bare, ir.Operation) and bare.operator == "+":
        return _root(bare) if any(place_named(o) == name for o in bare.operands[1:]) else ""
    return ""


def _compared(function: ir.Function) -> set[str]:
    """What a function compares with more than zero, or limits."""
    found: set[str] = set()
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in _ORDERS:
            if not any(isinstance(bare := uncast(o), ir.Literal) and not bare.value for o in part.operands):
                found |= {place_named(e) for o in part.operands for e in expressions(o)}
        elif isinstance(part, ir.Call) and last_word(part.name) in _LIMITS:
            found |= {place_named(e) for a in part.arguments for e in expressions(a)}
    return found - {""}


def _in_loops(function: ir.Function) -> set[int]:
    """The lines that run more than once."""
    loops = (s for s in every_statement(function.body) if isinstance(s, ir.Loop))
    return {line for loop in loops for line in range(loop.line, loop.body.end_line + 1)}
