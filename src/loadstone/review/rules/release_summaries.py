"""Python: which functions of a program surely release what they are given, or what their object holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.rules.collector_releases import aliases, released_by, sure
from loadstone.review.rules.use_after_close import library_of
from loadstone.review.walk import calls, statements

__all__ = ["ReleaseSummaries", "sets"]


class ReleaseSummaries:
    """Which functions of the program surely release a parameter (by position), or what their object holds (-1)."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._known: dict[int, frozenset[int]] = {}

    def of(self, routine: Routine) -> frozenset[int]:
        """The positions that a function surely releases."""
        known = self._known.get(id(routine.function))
        if known is None:
            self._known[id(routine.function)] = frozenset()  # what calls itself
            known = self._known[id(routine.function)] = frozenset(self._releases(routine))
        return known

    def ends_itself(self, routine: Routine) -> bool:
        """Whether a method surely gives back what its object holds, itself or through another of its methods."""
        return -1 in self.of(routine)

    def left(self, routine: Routine) -> frozenset[str]:
        """The attributes that a method surely gives back and leaves as they are, through its own methods too."""
        function, bindings = routine.function, self.facts.bindings[routine.unit.path]
        if any(spelled(s.target).startswith("self.") for s in statements(function.body.body) if sets(s)):
            return frozenset()
        found: set[str] = set()
        for call in (c for statement in sure(function.body.body) for c in calls((statement,))):
            name = library_of(released_by(call, bindings, function.owner))
            if name.startswith("self."):
                found.add(name)
            elif spelled(call.receiver) == "self" and call.name != function.name:
                found.update(*(self.left(r) for r in self.facts.travels.names.called(routine, call)[:1]))
        return frozenset(found)

    def needed(self, routine: Routine) -> frozenset[str]:
        """The attributes that a method surely hands to foreign code, with nothing of its own asked before."""
        function, bindings = routine.function, self.facts.bindings[routine.unit.path]
        found: set[str] = set()
        for statement in sure(function.body.body) if not function.marks else ():
            for call in calls((statement,)):
                if spelled(call.receiver) == "self":
                    return frozenset(found)  # ``self._check()`` may refuse
                if bindings.symbol(call, function.owner) is not None:
                    found.update(n for a in call.arguments if (n := self._attribute(routine, a)).startswith("self."))
        return frozenset(found)

    def _attribute(self, routine: Routine, argument: ir.Expression) -> str:
        """The attribute that an argument is, read by its own name or through a property that only gives it."""
        name = spelled(argument)
        word = name.removeprefix("self.")
        owner = routine.function.owner
        for found in self.facts.travels.names.properties(routine.unit, owner, word) if word != name else ():
            match found.function.body.body:
                case (ir.Return(value=value),):
                    return spelled(value)
        return name

    def uses(self, routine: Routine) -> Iterator[int]:
        """The positions that a function surely hands on to foreign code."""
        bindings = self.facts.bindings[routine.unit.path]
        for statement in sure(routine.function.body.body):
            for call in calls((statement,)):
                if bindings.symbol(call, routine.function.owner) is not None:
                    names = {spelled(argument) for argument in call.arguments}
                    yield from (routine.parameters.index(name) for name in routine.parameters if name in names)

    def _releases(self, routine: Routine) -> Iterator[int]:
        bindings = self.facts.bindings[routine.unit.path]
        same = aliases(routine.function)
        for statement in sure(routine.function.body.body):
            for call in calls((statement,)):
                name = released_by(call, bindings, routine.function.owner)
                name = same.get(name, name)
                if name in routine.parameters:
                    yield routine.parameters.index(name)
                elif name.startswith("self."):
                    yield -1
                elif spelled(call.receiver) == "self" and call.name != routine.function.name:
                    inner = self.facts.travels.names.called(routine, call)[:1]
                    yield from (-1 for r in inner if self.ends_itself(r))


def sets(statement: ir.Statement) -> TypeGuard[ir.Assign]:
    """Whether a statement gives something a value."""
    return isinstance(statement, ir.Assign)
