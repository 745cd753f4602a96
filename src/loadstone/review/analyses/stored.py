"""Who controls what functions leave for one another: in shared memory, and in parameters of what may be called.

The paths of each function are followed by themselves. What one of them puts where another reads is noted here under a
slot: a member of a class, a variable, or a parameter of a function that is called through a pointer. A slot that is
given what another slot holds is an edge. When all functions are done, what somebody outside controls is handed along
the edges (:meth:`Record.settle`). Slots do not tell objects of one class apart; what was proven to be good before it
was stored is not noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Slot
from loadstone.review.analyses.flow import taint_of
from loadstone.review.analyses.program import Frame, KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    Code,
    Constant,
    Field,
    Initial,
    Local,
    Place,
    PlaceAddress,
    Value,
)
from loadstone.review.frontends.c.lambdas import LAMBDA, lambda_name

__all__ = ["PROVEN", "SharedInputs"]

PROVEN: Final = frozenset({"allowed", "inside", "characters", "equals a constant", "no /", "no \\", "no ?", "bare"})
"""Checks after which a name chooses among what the program offers, or stays in the folder it is joined to."""

_LINKS: Final = 8
"""Steps outward from a member to what it lies in."""

SlotOf = Callable[[Place, Frame], Slot | None]


class SharedInputs:
    """Notes what is put into slots, and says which slots a value was read from."""

    def __init__(
        self, program: KnownProgram, record: Record, frames: dict[int, Frame], slot: SlotOf, read_slot: SlotOf
    ) -> None:
        self.program = program
        self.record = record
        self.frames = frames
        self.slot = slot
        self.read_slot = read_slot

    def slots(self, value: Value, frame: Frame) -> tuple[Slot, ...]:
        """The slots that a value was read from: of its place, then of what that lies in."""
        found: list[Slot] = []
        current: object = value.place if isinstance(value, Initial) else None
        for _ in range(_LINKS):
            if isinstance(current, Local):
                slot = self._parameter(current)
                return (*found, slot) if slot is not None else tuple(found)
            if not isinstance(current, Field):
                slot = self.read_slot(current, frame) if current is not None else None  # type: ignore[arg-type]
                return (*found, slot) if slot is not None else tuple(found)
            slot = self.read_slot(current, frame)
            if slot is not None:
                found.append(slot)
            base = current.base
            current = base.place if isinstance(base, Initial | PlaceAddress) else base
            if not isinstance(current, Local | Field):
                break
        return tuple(found)

    def put(self, place: Place, value: Value, state: State, frame: Frame) -> None:
        """A value is put where other functions may read it."""
        slot = self.slot(place, frame)
        if slot is not None:
            self._note(slot, value, state, frame)

    def hand(self, found: KnownFunction, values: tuple[Value, ...], state: State, frame: Frame) -> None:
        """A function that is not followed from here may be called with these values."""
        for parameter, value in zip(found.function.parameters, values, strict=False):
            self._note(_slot_of(found.function, found.unit, parameter.name), value, state, frame)

    def through(self, call: ir.Call, values: tuple[Value, ...], state: State, frame: Frame) -> None:
        """What a call through a pointer or a table hands to every function that may be there."""
        if not any(self._is_worth(v, state, frame) for v in values):
            return
        for name, line in self.program.pointed.targets(call.function, frame.known.function):
            for known in self.program.functions.get(name, ()):
                taken = len(known.function.parameters)
                fits = taken >= len(values) if line else taken == len(values)
                if fits and line in {0, known.function.line}:
                    self.hand(known, values, state, frame)

    def beside(self, values: tuple[Value, ...], state: State, frame: Frame) -> None:
        """What is given beside a function reaches it as its ``void *``: ``pthread_create(&t, 0, run, request)``."""
        called = [v for v in values if isinstance(v, Code)]
        given = [v for v in values if not isinstance(v, Code) and taint_of(v, state) is not None] if called else []
        for code in called if given else ():
            found = self.program.find(code.name, frame.known.unit)
            for parameter in found.function.parameters if found is not None else ():
                if found is not None and parameter.type.replace("const", "").replace(" ", "") == "void*":
                    self._note(_slot_of(found.function, found.unit, parameter.name), given[0], state, frame)

    def captured(self, made: ir.Function, name: str, value: Value, state: State, frame: Frame) -> None:
        """A lambda that is made here knows a variable that is around it."""
        outer = frame.known.function.name
        self._note((name, f"{lambda_name(outer)}():{made.line}", frame.known.unit.path), value, state, frame)

    def _is_worth(self, value: Value, state: State, frame: Frame) -> bool:
        if value is None or isinstance(value, Constant | Code):
            return False
        return taint_of(value, state) is not None or bool(self.slots(value, frame))

    def _note(self, slot: Slot, value: Value, state: State, frame: Frame) -> None:
        if value is None or isinstance(value, Constant | Code) or _is_proven(value, state):
            return
        taint = taint_of(value, state)
        if taint is not None:
            self.record.stored_taint.setdefault(slot, taint)
            return
        leaves = [*state.leaves(value)]
        for leaf in leaves:
            for source in self.slots(leaf, frame) if not _is_proven(leaf, state) else ():
                if source != slot:
                    self.record.moved.setdefault(source, {}).setdefault(slot, len(leaves) > 1)

    def _parameter(self, place: Local) -> Slot | None:
        """The slot of a parameter of the function that is followed from its beginning, with nobody's values."""
        frame = self.frames.get(place.frame)
        if frame is None or frame.chain or frame.known.unit.language is ir.Language.PYTHON:
            return None
        if not any(p.name == place.name for p in frame.known.function.parameters):
            return None
        return _slot_of(frame.known.function, frame.known.unit, place.name)


def _slot_of(function: ir.Function, unit: ir.Unit, parameter: str) -> Slot:
    line = function.line if LAMBDA in function.marks else 0
    return parameter, f"{function.name}():{line}", unit.path


def _is_proven(value: Value, state: State) -> bool:
    return any(kind in PROVEN for kind, _ in state.checks.get(value, ()))
