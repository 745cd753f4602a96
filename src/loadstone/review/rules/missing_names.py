"""Python: a search for a library that may find none, whose result is loaded as it is.

``find_library`` gives None for a library that is not there, and ``CDLL(None)`` is the program itself: it loads, and
every lookup after it fails or finds another function of that name. Source: ctypes.util; dlopen(3), a null file name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.conditions import asked
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["missing_names"]

_LOADS: Final = frozenset({"ctypes.CDLL", "ctypes.PyDLL"})
_SEARCH: Final = "ctypes.util.find_library"


def missing_names(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The loads of what a function of the program found, or of None."""
    names = facts.travels.names
    perhaps = {id(r.function) for r in names.routines if _finds_or_none(r.function)}
    for routine in names.routines if perhaps else ():
        for call in calls(routine.function.body.body):
            if call.name not in _LOADS or not call.arguments:
                continue
            made, name = _made(routine, call.arguments[0])
            found = names.called(routine, made) if made is not None else []
            if not any(id(r.function) in perhaps for r in found) or (name and asked(routine.function, name)):
                continue
            yield rule.no(
                f"{found[0].function.name} gives None when no library is found, and None loads the program itself.",
                Location.lines(routine.unit.path, call.line),
                cwe=252,
                fix="Raise where nothing was found.",
                context=routine.function.name,
            )


def _made(routine: Routine, given: ir.Expression) -> tuple[ir.Call | None, str]:
    """The call whose result is loaded, and the variable that holds it, if one does."""
    bare = uncast(given)
    if isinstance(bare, ir.Name):
        values = [
            uncast(s.value)
            for s in statements(routine.function.body.body)
            if isinstance(s, ir.Assign) and spelled(s.target) == bare.name
        ]
        only = values[0] if len(values) == 1 else None
        return (only if isinstance(only, ir.Call) else None), bare.name
    return (bare if isinstance(bare, ir.Call) else None), ""


def _finds_or_none(function: ir.Function) -> bool:
    """Whether a function gives what ``find_library`` found, or None in so many words at its end."""
    body = function.body.body
    last = body[-1] if body else None
    ends = isinstance(last, ir.Return) and isinstance(uncast(last.value), ir.Literal | None)
    nothing = isinstance(last, ir.Return) and (last.value is None or getattr(uncast(last.value), "value", "") is None)
    held = {
        spelled(s.target)
        for s in statements(body)
        if isinstance(s, ir.Assign) and isinstance(v := uncast(s.value), ir.Call) and v.name == _SEARCH
    }
    given = any(isinstance(s, ir.Return) and spelled(s.value) in held - {""} for s in statements(body))
    return ends and nothing and given
