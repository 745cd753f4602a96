"""Which kind of lock a name means: a member of a struct, whatever the variable is called that leads to it.

Two orders are compared by kind, as the kernel's lockdep does: ``h->lock`` in one function and ``host->lock`` in another
are one kind when both lead to a ``struct host``, and ``p->lock`` of two structs is two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, LockStep
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.state import Held, Spot
from loadstone.review.analyses.words import last_word
from loadstone.review.typenames import base_type

__all__ = ["LockKinds"]

_ALIAS: Final = re.compile(r"\btypedef\s+(?:struct|union)\s+(\w+)\s*(?:\{[^{}]*\})?\s*\**\s*(\w+)\s*;")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_MAX_MEMBERS: Final = 8


class LockKinds:
    """The kinds of the locks of one program."""

    def __init__(self, facts: Facts) -> None:
        self._units = {unit.path: unit for unit in facts.program.units}
        self._aliases: dict[str, str] = {
            short: tag
            for unit in facts.program.units
            if unit.language is not ir.Language.PYTHON
            for tag, short in _ALIAS.findall(unit.text)
        }
        self._members: dict[str, Mapping[str, str]] = {
            one.name: {member.name: member.type for member in one.members}
            for unit in facts.program.units
            for one in unit.classes
        }
        self._variables: dict[tuple[str, str], Mapping[str, str]] = {}

    def taken(self, step: LockStep) -> str:
        """The kind of the lock that a step takes: ``struct.member`` where the types say so, else its name."""
        return self._kind(step.lock, step.spot, step)

    def held(self, one: Held, step: LockStep) -> str:
        """The kind of a lock that is held where a step takes another."""
        return self._kind(one.lock, one.spot, step)

    def _kind(self, lock: str, spot: Spot, step: LockStep) -> str:
        *way, member = lock.split(".")
        others = (step.spot, *(held.spot for held in step.held)) if way else ()
        for one in dict.fromkeys((spot, *others)):
            owner = self._owner(one, way[:_MAX_MEMBERS])
            if member in self._members.get(owner, {}):
                return f"{owner}.{member}"
        return lock

    def _owner(self, spot: Spot, way: list[str]) -> str:
        """The struct that ``host.list`` leads to in the function of a spot; no way at all leads to its own class."""
        kind = last_word(spot.function.rpartition("::")[0])
        known: Mapping[str, str] = {**self._members.get(kind, {}), **self._of_function(spot.path, spot.function)}
        for name in way:
            kind = self._type(known.get(name, ""))
            known = self._members.get(kind, {})
        return kind

    def _type(self, spelled: str) -> str:
        bare = _INDEX.sub("", base_type(spelled)).strip()
        return self._aliases.get(bare, bare)

    def _of_function(self, path: str, name: str) -> Mapping[str, str]:
        found = self._variables.get((path, name))
        if found is None:
            found = self._variables[path, name] = dict(_declared(self._units[path], name))
        return found


def _declared(unit: ir.Unit, name: str) -> Iterator[tuple[str, str]]:
    """The variables that a function of a file may name, and their types; its own come last and hide the others."""
    yield from ((v.name, v.type) for v in unit.variables)
    for function in unit.functions:
        if function.name == name:
            yield from ((p.name, p.type) for p in function.parameters)
            for statement in every_statement(function.body):
                if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
                    yield statement.target.name, statement.type
