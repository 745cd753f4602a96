"""Python: what ends when a ``with`` or a ``try`` with ``finally`` is left, and values that still need it outside.

A context manager of the program ends what it releases behind its ``yield`` or in its ``__exit__``; an ``ExitStack``
ends what its callbacks are given. A value that is returned from inside needs what ends if it is that itself, points
into it, keeps it (an object of the program that stores it, a lambda), or reads it later (a generator expression).
Source: contextlib; "The try statement" in the Python language reference: ``finally`` runs before the value is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.collector_releases import released_by
from loadstone.review.rules.global_phases import always
from loadstone.review.rules.use_after_close import CLOSES
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["ended_by_finally", "ended_by_with", "keeper_of"]

_MANAGER: Final = "contextmanager"


def ended_by_finally(final: ir.Block, bindings: Bindings, owner: str) -> Iterator[tuple[str, int]]:
    """What a ``finally`` releases however the block is left, and where."""
    for statement in final.body:
        asked: ir.Expression | None = None
        inside: tuple[ir.Statement, ...] = (statement,)
        if isinstance(statement, ir.If):
            asked, inside = statement.condition, statement.then.body
        for call in calls(tuple(s for s in inside if isinstance(s, ir.Evaluate))):
            name = released_by(call, bindings, owner)
            if name and (asked is None or spelled(asked) == name):
                yield name, call.line


def ended_by_with(
    facts: Facts, routine: Routine, statement: ir.With, ends_itself: Callable[[Routine], bool]
) -> Iterator[tuple[str, int]]:
    """The variables whose handle or object ends with a ``with``, and the last line of it.

    ``ends_itself`` says of a method whether it surely gives back what its object holds.
    """
    names, line = facts.travels.names, statement.body.end_line
    for context, target in statement.items:
        made, name = uncast(context), spelled(target)
        if not isinstance(made, ir.Call) or not name:
            continue
        if simple(made.name) == "ExitStack":
            yield from ((given, line) for given in _called_back(routine.function, statement, name))
            continue
        managers = [r for r in names.called(routine, made) if any(simple(m) == _MANAGER for m in r.function.marks)]
        if managers and _ends_what_it_yields(managers[0], facts.bindings[managers[0].unit.path]):
            yield name, line
        known = names.made(routine, made.name)
        leaving = names.named(routine, f"{known[1].name}.__exit__") if known is not None else []
        if leaving and ends_itself(leaving[0]):
            yield name, line


def _called_back(function: ir.Function, statement: ir.With, stack: str) -> Iterator[str]:
    """What the callbacks of an ``ExitStack`` release, unless the stack is emptied or handed on."""
    for part in (p for s in statements(function.body.body) for p in parts_of(s)):
        if isinstance(part, ir.Call) and simple(part.name) == "pop_all":
            return
        if isinstance(part, ir.Call) and any(spelled(argument) == stack for argument in part.arguments):
            return
    for call in calls(statement.body.body):
        if simple(call.name) == "callback" and spelled(call.receiver) == stack and len(call.arguments) == 2:
            ends, given = (uncast(argument) for argument in call.arguments)
            if isinstance(ends, ir.Name | ir.Member) and CLOSES.search(simple(ends.name)) and spelled(given):
                yield spelled(given)


def _ends_what_it_yields(manager: Routine, bindings: Bindings) -> bool:
    body = manager.function.body.body
    given = [c for c in calls(body) if c.name == "yield" and c.arguments]
    if len(given) != 1:
        return False
    name, line = spelled(given[0].arguments[0]), given[0].line
    return bool(name) and any(
        released_by(call, bindings, manager.function.owner) == name and call.line > line
        for statement in always(body)
        for call in calls((statement,))
    )


def keeper_of(
    facts: Facts, routine: Routine, value: ir.Expression | None, derived: dict[str, str], names: Iterable[str]
) -> str:
    """What of some names a value needs when it is used later; empty when it needs none."""
    bare, ending = value, frozenset(names)
    if isinstance(bare, ir.Cast) and bare.type == "generator":
        return next((n for part in _later(bare.operand) if (n := spelled(part)) in ending), "")
    bare = uncast(bare)
    match bare:
        case ir.Name(name=name):
            return name if name in ending else derived[name] if derived.get(name) in ending else ""
        case ir.Display(items=items):
            return next((n for item in items if (n := keeper_of(facts, routine, item, derived, ending))), "")
        case ir.Closure(function=function):
            used = (spelled(part) for s in statements(function.body.body) for part in parts_of(s))
            return next((n for n in used if n in ending), "")
        case ir.Call(arguments=arguments):
            known = facts.travels.names.made(routine, bare.name)
            stored = _stored(known[2]) if known is not None and known[2] is not None else frozenset()
            for position, argument in enumerate(arguments):
                if position in stored and spelled(argument) in ending:
                    return spelled(argument)
    return ""


def _later(value: ir.Expression) -> Iterator[ir.Expression]:
    """What a generator expression reads once it is asked for items: not what its first ``for`` goes through."""
    match value:
        case ir.Operation(operator=",", operands=(_, rest)):
            return expressions(rest)
        case _:
            return iter(())


def _stored(maker: Routine) -> frozenset[int]:
    """The parameters that a constructor keeps in its object, by position."""
    kept = {
        spelled(s.value)
        for s in statements(maker.function.body.body)
        if isinstance(s, ir.Assign) and spelled(s.target).startswith("self.") and isinstance(uncast(s.value), ir.Name)
    }
    return frozenset(position for position, name in enumerate(maker.parameters) if name in kept)
