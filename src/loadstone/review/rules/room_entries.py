"""What the helpers of a file are given to write to: the room of an array that every caller hands them.

``fold(name, text)`` with ``char name[24]`` in each caller: the parameter of ``fold`` leads to 24 bytes, whatever its
type says. Asked of static functions that are called by name only, so that all their callers are known; of several
rooms the smallest counts.
"""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight, sized_parameters
from loadstone.review.rules.room_sizes import Sizes
from loadstone.review.rules.room_state import Storage

__all__ = ["entry_rooms"]

_Rooms = dict[str, Storage]


def entry_rooms(program: ir.Program, units: list[ir.Unit]) -> dict[int, _Rooms]:
    """For each function, by its identity, the arrays that its parameters lead to."""
    found: dict[int, _Rooms] = {}
    for unit in units:
        helpers = {f.name: f for f in unit.functions if f.local and any("*" in p.type for p in f.parameters)}
        calls: dict[str, list[_Rooms]] = {}
        handed: set[str] = set()
        for function in unit.functions if helpers else ():
            called: set[int] = set()
            sizes = None
            for part in every_expression(function.body):
                if isinstance(part, ir.Call) and part.name in helpers:
                    called.add(id(part.function))
                    scope = NamesInSight(program, unit, function)
                    sizes = sizes or Sizes(scope, Rooms(program, unit, function, scope))
                    calls.setdefault(part.name, []).append(_handed(part, helpers[part.name], sizes))
            names = (e for e in every_expression(function.body) if isinstance(e, ir.Name) and e.name in helpers)
            handed |= {e.name for e in names if id(e) not in called}
        handed |= {e.name for v in unit.variables for e in _names_in(v) if e.name in helpers}
        for name, rooms in calls.items():
            own = sized_parameters(unit, helpers[name])
            mine = {
                p: _smallest([r[p] for r in rooms]) for p in rooms[0] if p not in own and all(p in r for r in rooms)
            }
            if mine and name not in handed:
                found[id(helpers[name])] = mine
    return found


def _names_in(variable: ir.DeclaredVariable) -> list[ir.Name]:
    """The names in what a variable begins with: a table of functions gives them to others."""
    value = ir.Evaluate(variable.line, variable.value) if variable.value is not None else None
    block = ir.Block(variable.line, variable.line, (value,) if value is not None else ())
    return [e for e in every_expression(block) if isinstance(e, ir.Name)]


def _handed(call: ir.Call, helper: ir.Function, sizes: Sizes) -> _Rooms:
    found: _Rooms = {}
    for parameter, argument in zip(helper.parameters, call.arguments, strict=False):
        bare = uncast(argument)
        if "*" not in parameter.type or "const" in parameter.type or not isinstance(bare, ir.Name | ir.Member):
            continue
        room = sizes.array(bare) if sizes.scope.is_array(bare) else None
        if room is not None and not room.room.parts:
            found[parameter.name] = room
    return found


def _smallest(rooms: list[Storage]) -> Storage:
    return min(rooms, key=lambda one: one.room.constant)
