"""What every part of following paths stands on: the program, the record, and how much work is left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Bound, Cut
from loadstone.review.analyses.known import Frame, Known, MethodTable
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.state import Spot, State, Value, opaque
from loadstone.review.apis import Tables

__all__ = ["MAX_LEVELS", "MAX_STATES", "MAX_STEPS", "Walker"]

MAX_STEPS: Final = 1500
"""Nodes run for one function, callees included; the rest of it is cut and said to be."""

MAX_STATES: Final = 6
"""States kept apart at one node; beyond that guesses about unknown values are dropped."""

MAX_LEVELS: Final = 5
"""How deep callees are followed."""


class Walker(ABC):
    """What the layers above share; they add what they know about until paths can be followed."""

    def __init__(self, tables: Tables, program: MethodTable, record: Record) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.steps = 0
        self.frames: dict[tuple[object, ...], int] = {}
        self.root: Known | None = None
        self.environment_calls: dict[int, ir.Call] = {}

    def _cut(self, bound: Bound) -> None:
        """Say that the function being explored is not followed on every path, even if a callee met the bound."""
        if self.root is not None:
            unit, function = self.root.unit, self.root.function
            spot = Spot(unit.path, function.line, function.name, function.condition)
            self.record.cut.add(Cut(spot, function.end_line, bound))

    def _frame_number(self, key: tuple[object, ...]) -> int:
        return self.frames.setdefault(key, len(self.frames))

    @staticmethod
    def fresh(frame: Frame, source: object) -> Value:
        """A value nothing is known of, the same each time this piece of source is reached."""
        return opaque(frame.number, id(source))

    @property
    def _is_spent(self) -> bool:
        """Whether the function being explored has had all the nodes it may."""
        return self.steps >= MAX_STEPS

    @abstractmethod
    def value(self, expression: ir.Expression, state: State, frame: Frame) -> list[tuple[Value, State]]:
        """What an expression gives, and the state after it; several when a callee has several outcomes."""

    @abstractmethod
    def _all(
        self, expressions: Sequence[ir.Expression], state: State, frame: Frame
    ) -> list[tuple[tuple[Value, ...], State]]:
        """What several expressions give, one after another."""

    @abstractmethod
    def _run(self, frame: Frame, start: State) -> list[tuple[State, str, Spot]]:
        """The ends of the paths through a function: the state there, how it ended, and where."""
