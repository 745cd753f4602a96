"""What becomes of blocks of memory, streams and descriptors: followed function by function, callees by summaries.

The design is a typestate analysis with access paths (Fink and others, *Effective typestate verification*, 2006) whose
ways are told apart as long as they are few, and with a summary for each function: how it ends, and what it did to what
its caller gave it. Summaries are made bottom up; a recursive function has none and may do anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from loadstone.review import ir
from loadstone.review.analyses.graphs import graph_of, reaches_end
from loadstone.review.analyses.lifetimes.vocabulary import STACK, CallOutcome, Event
from loadstone.review.analyses.lifetimes.walk import Walk
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import CORE, Api, ApiRole, Tables
from loadstone.review.walk import calls, parts, statements

__all__ = ["Event", "Lifetime", "lifetimes"]

_DEPTH: Final = 4
"""Callees of callees that are summed up."""

_OUTCOMES: Final = 6
_NUMBERED: Final = frozenset({"close", "CloseHandle", "RegCloseKey", "CloseServiceHandle", "closesocket"})
_MOVES: Final = frozenset({ApiRole.ALLOCATE, ApiRole.OPEN, ApiRole.FREE, ApiRole.CLOSE})
"""Roles that begin or end a lifetime."""


class Lifetime(NamedTuple):
    """Something that happened to what a function made, was given or reached."""

    unit: ir.Unit
    function: ir.Function
    event: Event

    @property
    def is_descriptor(self) -> bool:
        """Whether it is the number of a file, or a handle: not memory."""
        api = self.event.api
        if api is None:
            return False
        return _released_by(api) in _NUMBERED


def _released_by(api: Api) -> str:
    return api.release or api.name


def lifetimes(program: ir.Program, tables: Tables) -> tuple[Lifetime, ...]:
    """What happens in the native files of a program, in the order of the source."""
    return tuple(_Program(program, tables).every())


class _Program:
    def __init__(self, program: ir.Program, tables: Tables) -> None:
        self.tables = tables
        self.units = [u for u in program.units if u.language is not ir.Language.PYTHON]
        self.walks: dict[int, Walk | None] = {}
        self.open: set[int] = set()
        self.functions: dict[str, list[tuple[ir.Unit, ir.Function]]] = {}
        for unit in self.units:
            for function in unit.functions:
                self.functions.setdefault(last_word(function.name), []).append((unit, function))
        self.ending: set[ir.Function] = set()
        self._find_ending()
        self.moving = self._moving() | {last_word(f.name) for f in self.ending}

    def every(self) -> Iterator[Lifetime]:
        for unit in self.units:
            if not self._loads(unit):
                continue
            for function in unit.functions:
                if not self._matters(function):
                    continue
                walk = self.walk(unit, function, 0)
                if walk is None or walk.is_cut:
                    continue
                for event in sorted(walk.memory.events, key=lambda e: (e.line, e.what, e.since, e.name)):
                    yield Lifetime(unit, function, event)

    def _matters(self, function: ir.Function) -> bool:
        """Whether something begins or ends in a function, or in what it calls, or an address may leave it."""
        if any(last_word(call.name) in self.moving for call in calls(function.body.body)):
            return True
        return any(isinstance(e, ir.Operation) and e.operator == "address" for e in parts(function.body.body)) or any(
            isinstance(s, ir.Assign) and s.declares and not s.static and "[" in s.type
            for s in statements(function.body.body)
        )

    def _moving(self) -> frozenset[str]:
        """The functions of the system that begin or end a lifetime, and those of the program that call one."""
        found = (
            {name for name, api in self.tables.by_name.items() if api.role in _MOVES or api.release}
            | {"delete"}
            | STACK
        )
        called = {
            name: {last_word(call.name) for _, function in pairs for call in calls(function.body.body)}
            for name, pairs in self.functions.items()
        }
        for _ in range(_DEPTH):
            more = {name for name, names in called.items() if name not in found and names & found}
            if not more:
                break
            found |= more
        return frozenset(found)

    def _find_ending(self) -> None:
        """The functions that never come back: each way through them ends the process, or is another of these."""
        ended = {name for name, api in self.tables.by_name.items() if api.ends}
        for _ in range(_DEPTH):
            more = {
                function
                for unit in self.units
                for function in unit.functions
                if function not in self.ending
                and any(c.name in ended or last_word(c.name) in ended for c in calls(function.body.body))
                and not reaches_end(graph_of(function, self.tables), partial(self._ends, unit))
            }
            if not more:
                return
            self.ending |= more
            ended = {last_word(function.name) for function in more}  # who calls one of these may be another

    def _ends(self, unit: ir.Unit, call: ir.Call) -> bool:
        found = self._called(call, unit)
        return found is not None and found[1] in self.ending

    def _loads(self, unit: ir.Unit) -> bool:
        """Whether a file has to do with libraries."""
        every = (self.tables.get(c.name) for f in unit.functions for c in calls(f.body.body))
        return any(api is not None and api.role in CORE for api in every)

    def walk(self, unit: ir.Unit, function: ir.Function, level: int) -> Walk | None:
        """A function, followed; None for one that is being followed already, or lies too deep."""
        key = id(function)
        if key in self.walks:
            return self.walks[key]
        if key in self.open or level > _DEPTH:
            return None
        self.open.add(key)
        graph = graph_of(function, self.tables)
        walk: Walk | None = Walk(
            graph,
            self.tables,
            unit.language,
            lambda call: self.summary(call, unit, level + 1),
            self.is_defined,
            self.moving,
            frozenset(v.name for v in unit.variables if "[" in v.type),
        )
        try:
            assert walk is not None
            walk.run()
        except RecursionError:
            walk = None
        self.open.discard(key)
        self.walks[key] = walk
        return walk

    def is_defined(self, call: ir.Call) -> bool:
        """Whether a plain call may mean a function of the program."""
        return call.receiver is None and last_word(call.name) in self.functions

    def _called(self, call: ir.Call, unit: ir.Unit) -> tuple[ir.Unit, ir.Function] | None:
        """The one function of the program that a call may mean."""
        found = self.functions.get(last_word(call.name), [])
        mine = [pair for pair in found if pair[0] is unit]
        candidates = mine or [pair for pair in found if not pair[1].local]
        if len(candidates) != 1 or (candidates[0][1].owner and call.receiver is not None):
            return None
        return candidates[0]

    def summary(self, call: ir.Call, unit: ir.Unit, level: int) -> tuple[ir.Function, tuple[CallOutcome, ...]] | None:
        """The function that a call runs, and how it ends: in no way when it never comes back."""
        found = self._called(call, unit)
        if found is None:
            return None
        home, function = found
        if function in self.ending:
            return function, ()
        walk = self.walk(home, function, level)
        if walk is None or walk.is_cut or not walk.outcomes:
            return None
        return function, _few(walk.outcomes)


def _few(outcomes: list[CallOutcome]) -> tuple[CallOutcome, ...]:
    """Outcomes by what they give: those that give the same are one."""
    merged: dict[object, CallOutcome] = {}
    for outcome in outcomes:
        before = merged.get(outcome.result)
        state = outcome.state if before is None else before.state.join(outcome.state)
        merged[outcome.result] = CallOutcome(state, outcome.result, outcome.made)
    if len(merged) <= _OUTCOMES:
        return tuple(merged.values())
    first, *rest = merged.values()
    state = first.state
    for one in rest:
        state = state.join(one.state)
    return (CallOutcome(state, None, first.made),)
