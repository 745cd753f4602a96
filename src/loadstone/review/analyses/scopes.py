"""What the end of a scope does: destructors, cleanup functions, guards and contexts."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review.analyses.bounds import MAX_LEVELS
from loadstone.review.analyses.calls import Enter
from loadstone.review.analyses.evaluate import PathEvaluator
from loadstone.review.analyses.locks import Locks
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import CallResult, Field, Local, LockGuard, Object, Place, PlaceAddress, Value
from loadstone.review.analyses.words import is_null, last_word
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.control_flow import Leave
from loadstone.review.ir import Language
from loadstone.review.typenames import base_type, pointee

__all__ = ["Scopes"]

_SMART: Final = re.compile(r"(?:shared_ptr|unique_ptr|QSharedPointer|QScopedPointer)\Z")
"""What ``auto`` gives of a smart pointer: its name without what it points at."""


class Scopes:
    """Ends what a scope holds. ``enter`` runs a function of the program: a destructor, or what cleans up."""

    def __init__(
        self,
        tables: Tables,
        program: KnownProgram,
        sites: Sites,
        memory: PathMemory,
        locks: Locks,
        evaluator: PathEvaluator,
        enter: Enter,
    ) -> None:
        self.tables = tables
        self.program = program
        self.sites = sites
        self.memory = memory
        self.locks = locks
        self.evaluator = evaluator
        self.enter = enter

    def leave(self, leave: Leave, state: State, frame: Frame) -> list[State]:
        """The states after one variable, guard or context has ended."""
        if leave.context is not None:
            lock = self.locks.context(leave.context, self.evaluator.places.finder(state, frame))
            if lock:
                state.locks = tuple(h for h in state.locks if h.lock != lock)
            return [state]
        place = Local(frame.number, leave.name)
        value = state.env.get(place)
        if isinstance(value, LockGuard):
            state.locks = tuple(h for h in state.locks if h.lock != value.lock)
            return [state]
        if leave.cleanup:
            return self._clean(leave, value, place, state, frame)
        return self._destroy(leave, place, state, frame)

    def _clean(self, leave: Leave, value: Value, place: Place, state: State, frame: Frame) -> list[State]:
        gone = value is None or is_null(value) or state.truth.get(value) is False
        if gone or (isinstance(value, CallResult) and value in state.escaped):
            return [state]
        api = self.tables.get(leave.cleanup)
        if api is not None and api.role in {ApiRole.UNLOAD, ApiRole.FREE, ApiRole.CLOSE}:
            self.sites.release(value, state, frame, leave.line, by=leave.cleanup)
            return [state]
        found = self.program.find(leave.cleanup, frame.known.unit)
        if found is not None and frame.level < MAX_LEVELS:
            given = value if leave.cleanup.endswith("operator()") else PlaceAddress(place)
            return [s for _, s in self.enter(found, (given,), None, state, frame, leave.line, None, None)]
        state.escape(value if isinstance(value, CallResult) else None)
        return [state]

    def _destroy(self, leave: Leave, place: Place, state: State, frame: Frame) -> list[State]:
        if "*" in leave.type or "&" in leave.type:
            return [state]
        held = state.env.get(place)
        site = self.sites.of(held)
        is_there = held not in state.escaped and held not in state.closed  # it knows when it has been unloaded
        if site is not None and site.api.release == "scope" and is_there:
            self.sites.release(held, state, frame, leave.line, by=site.api.name)
            return [state]
        if isinstance(held, Object) and (
            pointee(leave.type) != leave.type or _SMART.search(leave.type)
        ):  # its owner ends it, or another owner
            self.memory.escape(held, state, "")
            return [state]
        return self._end(base_type(leave.type), place, state, frame, leave.line)

    def _end(self, name: str, place: Place, state: State, frame: Frame, line: int) -> list[State]:
        """An object of a class ends: its destructor runs, then those of its members, the last first ([class.dtor])."""
        if not name or frame.level >= MAX_LEVELS:
            return [state]
        held = state.env.get(place)
        base = held if isinstance(held, Object) else place
        states = [state]
        found = self.program.find(f"{name}::~{last_word(name)}", frame.known.unit)
        if found is not None:
            this: Value = held if isinstance(held, Object) else PlaceAddress(place)
            states = [s for _, s in self.enter(found, (), this, state, frame, line, None, None)]
        members = self.program.members.get(last_word(name), {}) if frame.known.unit.language is Language.CPP else {}
        for member, spelled in reversed([*members.items()]):
            inner = base_type(spelled)
            if "*" not in spelled and "&" not in spelled and last_word(inner) in self.program.members:
                states = [s for before in states for s in self._end(inner, Field(base, member), before, frame, line)]
        return states
