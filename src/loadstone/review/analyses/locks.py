"""Locks: their names, taking and releasing them, and which are held."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import LockStep
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.memory import Places
from loadstone.review.analyses.state import Held, State, Value, constant
from loadstone.review.analyses.words import describe, uncast
from loadstone.review.apis import Api, Role, Success

__all__ = ["Locks"]

_LOCK_WORD: Final = re.compile(r"(?i)(?:lock|mutex|mtx|sem|guard|cs)_?\Z|mutex|_lock\b|lock_")


class Locks(Places):
    """Takes and drops locks."""

    def _lock_name(self, expression: ir.Expression, state: State, frame: Frame) -> str:
        bare = uncast(expression)
        if isinstance(bare, ir.Operation) and bare.operator == "address":
            bare = uncast(bare.operands[0])
        if isinstance(bare, ir.Name | ir.Member):
            name = bare.name
            if _LOCK_WORD.search(name) or name in self.program.lock_variables:
                place = self.place(bare, state, frame)
                return describe(place) if place is not None else name
        return ""

    def _locking(
        self, api: Api, call: ir.Call, subject: Value, state: State, frame: Frame
    ) -> list[tuple[Value, State]]:
        target = call.receiver if api.subject < 0 else call.arguments[0] if call.arguments else None
        held_value = subject
        lock = ""
        if held_value is not None and held_value[0] == "g":
            lock = str(held_value[1])
        elif target is not None:
            bare = uncast(target)
            if isinstance(bare, ir.Operation) and bare.operator == "address":
                bare = uncast(bare.operands[0])
            place = self.place(bare, state, frame)
            if held_value is not None and held_value[0] == "a":
                place = held_value[1]
            lock = describe(place) if place is not None else ""
        if api.role is Role.GUARD:
            if any(
                isinstance(bare := uncast(a), ir.Name) and bare.name.endswith(("defer_lock", "adopt_lock"))
                for a in call.arguments[1:]
            ):
                return [(("g", lock), state)]
            for argument in call.arguments if api.name.endswith("scoped_lock") else call.arguments[:1]:
                bare = uncast(argument)
                if isinstance(bare, ir.Operation) and bare.operator == "address":
                    bare = uncast(bare.operands[0])
                place = self.place(bare, state, frame)
                if place is not None:
                    lock = describe(place)
                    self._take(
                        lock,
                        state,
                        frame,
                        call.line,
                        scoped=True,
                        together=len(call.arguments) > 1 and argument is not call.arguments[0],
                    )
            return [(("g", lock), state)]
        if not lock:
            return [(self.fresh(frame, call), state)]
        if api.role is Role.LOCK:
            self._take(lock, state, frame, call.line, scoped=held_value is not None and held_value[0] == "g")
            return [(constant(0 if api.success is Success.ZERO else True), state)]
        if api.role is Role.UNLOCK:
            self._drop(lock, state, frame, call.line)
            return [(constant(0), state)]
        taken = state.copy()
        self._take(lock, taken, frame, call.line, scoped=False)
        good, bad = (0, 1) if api.success is Success.ZERO else (True, False)
        return [(constant(good), taken), (constant(bad), state)]

    def _take(self, lock: str, state: State, frame: Frame, line: int, *, scoped: bool, together: bool = False) -> None:
        spot = frame.spot(line)
        again = next((h for h in state.locks if h.lock == lock), None)
        self.record.locks.add(lock)
        if again is not None:
            self.record.lock_steps.add(LockStep("again", lock, spot, state.locks, again.spot))
            state.locks = (*state.locks, Held(lock, spot, scoped))
            return
        if not together:
            self.record.lock_steps.add(LockStep("take", lock, spot, state.locks, scoped=scoped))
        state.locks = (*state.locks, Held(lock, spot, scoped))
        state.flags = frozenset(f for f in state.flags if f[0] != f"unlocked {lock}")

    def _drop(self, lock: str, state: State, frame: Frame, line: int) -> None:
        spot = frame.spot(line)
        if any(h.lock == lock for h in state.locks):
            self.record.lock_steps.add(LockStep("drop", lock, spot))
            last = max(n for n, h in enumerate(state.locks) if h.lock == lock)
            state.locks = (*state.locks[:last], *state.locks[last + 1 :])
            if not any(h.lock == lock for h in state.locks):
                state.flags |= {(f"unlocked {lock}", spot)}
            return
        since = state.has_flag(f"unlocked {lock}")
        if since is not None:
            self.record.lock_steps.add(LockStep("not held", lock, spot, state.locks, since))
