"""Locks: their names, taking and releasing them, and which are held.

The domain is the lockset of Eraser (Savage et al. 1997), ordered by the time each lock was taken, so that the order of
two locks can be compared over the whole program. A lock is named by the slot it lives in; two statics of one name in
two files are two locks. Where paths meet, what only one of them holds is not held.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import LockStep
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.state import Held, State
from loadstone.review.analyses.values import (
    Constant,
    Field,
    Global,
    Initial,
    Local,
    LockGuard,
    Place,
    PlaceAddress,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import describe, last_word, uncast
from loadstone.review.apis import Api, ApiRole, Success

__all__ = ["Locks"]

_LOCK_WORD: Final = re.compile(r"(?i)(?:lock|mutex|mtx|sem|guard|cs)_?\Z|mutex|_lock\b|lock_")
PlaceOf = Callable[[ir.Expression], Place | None]


class Locks:
    """Takes and drops locks."""

    def __init__(self, program: KnownProgram, record: Record) -> None:
        self.program = program
        self.record = record

    def named(self, place: Place | None) -> str:
        """What a lock is called: as people write it, and of which file where two files have one of that name."""
        if isinstance(place, Global) and place.unit and place.name in self.program.shadowed:
            return f"{describe(place)} of {os.path.basename(place.unit)}"
        return describe(place) if place is not None else ""

    def context(self, expression: ir.Expression, place_of: PlaceOf) -> str:
        """The lock that a context manager or a guard is made of; empty when it is no lock."""
        bare = _target(expression)
        if not isinstance(bare, ir.Name | ir.Member):
            return ""
        if _LOCK_WORD.search(bare.name) or bare.name in self.program.lock_variables:
            return self.named(place_of(bare)) or bare.name
        return ""

    def call(
        self, api: Api, call: ir.Call, subject: Value, state: State, frame: Frame, place_of: PlaceOf
    ) -> list[tuple[Value, State]]:
        """A call that takes or drops a lock, by every outcome it has."""
        if api.role is ApiRole.GUARD:
            return [(self._guard(api, call, state, frame, place_of), state)]
        place = self._place(api, call, subject, place_of)
        lock = subject.lock if isinstance(subject, LockGuard) else self.named(place)
        if not lock:
            return [(Unknown(frame.number, id(call)), state)]
        if api.role is ApiRole.UNLOCK:
            self.drop(lock, state, frame, call.line)
            return [(Constant(0), state)]
        good, bad = (0, 1) if api.success is Success.ZERO else (True, False)
        may_fail = api.role is ApiRole.TRY_LOCK or (api.success is Success.ZERO and frame.unused is not call)
        taken = state.copy() if may_fail else state
        is_shared = api.kind == "shared"
        scoped, tried = isinstance(subject, LockGuard), _gives_up(api, call)
        self.take(lock, taken, frame, call.line, place, scoped=scoped, shared=is_shared, tried=tried)
        outcomes: list[tuple[Value, State]] = [(Constant(good), taken)]
        if api.role is ApiRole.TRY_LOCK and api.success is Success.ZERO:
            bad = errno.EBUSY
        named_statuses = api.name.startswith("mtx_")  # thrd_success and thrd_busy have no numbers of their own
        if api.role is ApiRole.TRY_LOCK and not named_statuses and not any(h.lock == lock for h in state.locks):
            state.flag(f"refused {lock}", frame.spot(call.line))
        return [*outcomes, (Constant(bad), state)] if may_fail else outcomes

    @staticmethod
    def _place(api: Api, call: ir.Call, subject: Value, place_of: PlaceOf) -> Place | None:
        if isinstance(subject, PlaceAddress):
            return subject.place
        target = call.receiver if api.subject < 0 else call.arguments[0] if call.arguments else None
        place = place_of(_target(target)) if target is not None else None
        if isinstance(place, Local) and isinstance(subject, Initial):
            return subject.place  # a pointer of one call: the lock is called what it was read from
        return place

    def _guard(self, api: Api, call: ir.Call, state: State, frame: Frame, place_of: PlaceOf) -> Value:
        deferred = any(
            isinstance(bare := uncast(a), ir.Name) and bare.name.endswith(("defer_lock", "adopt_lock"))
            for a in call.arguments[1:]
        )
        lock = ""
        every = call.arguments if api.name.endswith("scoped_lock") else call.arguments[:1]
        tried = len(call.arguments) > len(every)  # ``std::try_to_lock``, or how long to wait
        for argument in every:
            place = place_of(_target(argument))
            if place is None:
                continue
            lock = self.named(place)
            together = len(call.arguments) > 1 and argument is not call.arguments[0]
            if not deferred:
                is_shared = api.kind == "shared"
                self.take(lock, state, frame, call.line, scoped=True, together=together, shared=is_shared, tried=tried)
        return LockGuard(lock)

    def take(
        self,
        lock: str,
        state: State,
        frame: Frame,
        line: int,
        place: Place | None = None,
        *,
        scoped: bool,
        together: bool = False,
        shared: bool = False,
        tried: bool = False,
    ) -> None:
        """A lock is held from here on; one that was only ``tried`` was not waited for."""
        spot = frame.spot(line)
        again = next((h for h in state.locks if h.lock == lock and not _are_apart(h.place, place)), None)
        if again is not None and again.spot.function != spot.function:
            again = None if lock in self._of_new_object(frame.known.function) else again  # of an object made before
        self.record.locks.add(lock)
        if again is not None:
            self.record.lock_steps.add(
                LockStep("again", lock, spot, state.locks, again.spot, via=frame.chain[0] if frame.chain else None)
            )
        else:
            if not together:
                self.record.lock_steps.add(LockStep("take", lock, spot, state.locks, scoped=scoped, tried=tried))
            state.flags = frozenset(f for f in state.flags if f[0] not in {f"unlocked {lock}", f"refused {lock}"})
        state.locks = (*state.locks, Held(lock, spot, scoped, shared, place))

    def after(self, function: ir.Function, before: State, ended: State) -> tuple[Held, ...]:
        """What is held when a function has returned.

        The locks that a constructor takes of its new object and keeps are a gate to open later: they guard nothing
        of its caller, and are no lock of the object made before.
        """
        own = self._of_new_object(function)
        kept = frozenset(before.locks)
        return tuple(h for h in ended.locks if h in kept or h.scoped or h.lock.rpartition(".")[2] not in own)

    def _of_new_object(self, function: ir.Function) -> frozenset[str]:
        """The members that a constructor's new object has itself; none for any other function."""
        owner, _, name = function.name.rpartition("::")
        if not owner or last_word(owner) != name:
            return frozenset()
        members = self.program.members.get(name, {})
        return frozenset(member for member, kind in members.items() if not kind.endswith(("*", "&")))

    def drop(self, lock: str, state: State, frame: Frame, line: int) -> None:
        """A lock is given back."""
        spot = frame.spot(line)
        held = [n for n, h in enumerate(state.locks) if h.lock == lock]
        if held:
            self.record.lock_steps.add(LockStep("drop", lock, spot))
            state.locks = (*state.locks[: held[-1]], *state.locks[held[-1] + 1 :])
            if len(held) == 1:
                state.flag(f"unlocked {lock}", spot)
            return
        refused = state.has_flag(f"refused {lock}")
        if refused is not None:
            self.record.lock_steps.add(LockStep("refused", lock, spot, state.locks, refused))
            return
        since = state.has_flag(f"unlocked {lock}")
        if since is not None and since != spot:
            self.record.lock_steps.add(LockStep("not held", lock, spot, state.locks, since))


def _are_apart(one: Place | None, other: Place | None) -> bool:
    """Whether two locks of one name are members of two objects: a name leaves out which object has no name."""
    return isinstance(one, Field) and isinstance(other, Field) and one != other


def _gives_up(api: Api, call: ir.Call) -> bool:
    """Whether a lock is not waited for, or not for ever: ``try_lock()``, ``acquire(False)``, ``acquire(timeout=1)``."""
    if api.role is ApiRole.TRY_LOCK:
        return True
    asked = (*call.arguments, *(value for _, value in call.keywords)) if api.subject < 0 else ()
    return any(not (isinstance(one, ir.Literal) and one.value is True) for one in asked)


def _target(expression: ir.Expression) -> ir.Expression:
    """What a lock call is about: ``m`` for ``&m``, ``*m`` and for ``m()``, the function that gives the lock."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "address" and bare.operands:
        bare = uncast(bare.operands[0])
    return uncast(bare.function) if isinstance(bare, ir.Call) and not bare.arguments else bare
