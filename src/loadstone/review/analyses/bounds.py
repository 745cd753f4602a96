"""How much of a function is followed path by path, and what happens beyond.

Up to :data:`MAX_STATES` different states are kept apart at one node; then what is only guessed is let go of; beyond
twice that, and beyond :data:`MAX_STEPS` steps for one function, all paths that meet are followed as one (see
``State.join``). A function of ten thousand lines is therefore followed to its end, each node a few times, with less
said about it; that this happened is recorded and reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from loadstone.review.analyses.facts import Bound, Cut
from loadstone.review.analyses.program import KnownFunction
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.values import Spot

__all__ = ["MAX_LEVELS", "MAX_ROUNDS", "MAX_STATES", "MAX_STEPS", "StepBudget"]

MAX_STEPS: Final = 3000
"""Nodes run path by path for one function, callees included."""

MAX_STATES: Final = 6
"""States kept apart at one node; beyond that guesses about unknown values are dropped."""

MAX_ROUNDS: Final = 3
"""Rounds of a loop that are kept apart; further ones are joined, which is no loss worth a word."""

MAX_LEVELS: Final = 5
"""How deep callees are followed."""


@dataclass(slots=True)
class StepBudget:
    """What is left for the function being explored."""

    record: Record
    root: KnownFunction | None = None
    steps: int = 0
    is_spent: bool = False
    """Whether the function has had all the steps it may have path by path."""

    followed: set[int] = field(default_factory=set)

    def start(self, root: KnownFunction) -> None:
        """Begin with another function."""
        self.root = root
        self.steps = 0
        self.is_spent = False
        self.followed.clear()

    def step(self) -> None:
        """A node is run."""
        self.steps += 1
        self.is_spent = self.steps >= MAX_STEPS

    def allows(self, call: int) -> bool:
        """Whether a call may be followed: any until the steps are spent, then each place once, for as many again.

        So a branch that took all steps does not hide what the others call.
        """
        if not self.is_spent or (call not in self.followed and self.steps < 2 * MAX_STEPS):
            self.followed.add(call)
            return True
        return False

    def cut(self, bound: Bound) -> None:
        """Say that the function is not followed on every path by itself, even if a callee met the bound."""
        if self.root is not None:
            unit, function = self.root.unit, self.root.function
            spot = Spot(unit.path, function.line, function.name, function.condition)
            self.record.cut.add(Cut(spot, function.end_line, bound))
