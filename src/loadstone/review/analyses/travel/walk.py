"""A function statement by statement, with the checks in force at each: what its structure says was asked before.

After ``if bad(x): raise`` and inside ``if good(x):`` the same expression ``x`` has been checked. A check ends where its
expression gets another value, or where a way joins on which it was not made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from loadstone.review import ir
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import Learner, spelled
from loadstone.review.analyses.travel.flows import Check
from loadstone.review.analyses.travel.names import Routine

__all__ = ["Known", "StructuralWalk", "add"]

Known = dict[str, frozenset[Check]]
"""Checks in force, by the expression as it is spelled; ``*`` are those that hold of the way itself."""


class StructuralWalk(ABC):
    """Visits every statement once. ``visit`` may add to the checks that hold after its statement."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner

    @abstractmethod
    def visit(self, statement: ir.Statement, routine: Routine, known: Known) -> None:
        """A statement, before the blocks inside it are visited."""

    @abstractmethod
    def leaves(self, call: ir.Call, routine: Routine) -> bool:
        """Whether a call never comes back."""

    def walk(self, routine: Routine) -> None:
        """Visit the statements of one function."""
        self._block(routine.function.body.body, routine, {})

    def _block(self, body: Iterable[ir.Statement], routine: Routine, known: Known) -> Known | None:
        """The checks in force after a block; None when nothing comes after it."""
        current: Known | None = dict(known)
        for statement in body:
            if current is None:
                current = dict(known)  # what cannot be reached is visited all the same
            current = self._statement(statement, routine, current)
        return current

    def _statement(self, statement: ir.Statement, routine: Routine, known: Known) -> Known | None:
        if isinstance(statement, ir.Assign):
            before = dict(known)
            self.visit(statement, routine, before)
            return _without(before, spelled(statement.target))
        self.visit(statement, routine, known)
        match statement:
            case ir.Evaluate(expression=ir.Call() as call):
                if call.name == "assert" and call.arguments:
                    return self.assuming(known, call.arguments[0], routine, holds=True)
                return None if self.leaves(call, routine) else known
            case ir.If():
                yes = self.assuming(known, statement.condition, routine, holds=True)
                no = self.assuming(known, statement.condition, routine, holds=False)
                after_yes = self._block(statement.then.body, routine, yes)
                after_no = self._block(statement.otherwise.body, routine, no) if statement.otherwise else no
                return _meet(after_yes, after_no)
            case ir.Loop():
                return self._loop(statement, routine, known)
            case ir.Return() | ir.Raise() | ir.Jump():
                return None
            case ir.Block(body=body):
                return self._block(body, routine, known)
            case ir.With(body=inner):
                return self._block(inner.body, routine, known)
            case ir.Try():
                return self._try(statement, routine, known)
            case ir.Switch(subject=subject, cases=cases):
                for case in cases:
                    inside = dict(known)
                    if case.values and all(isinstance(value, ir.Literal) for value in case.values):
                        add(
                            inside,
                            spelled(subject),
                            ("allowed"),
                            Spot(routine.unit.path, case.line, routine.function.name),
                        )
                    self._block(case.body.body, routine, inside)
        return known

    def _loop(self, statement: ir.Loop, routine: Routine, known: Known) -> Known | None:
        inside = known
        if statement.each is not None:
            target = statement.each[0]
            for part in target.items if isinstance(target, ir.Display) else (target,):
                inside = _without(inside, spelled(part))
        after = known
        if statement.condition is not None:
            inside = self.assuming(inside, statement.condition, routine, holds=True)
            after = self.assuming(known, statement.condition, routine, holds=False)
        self._block(statement.body.body, routine, inside)
        return self._block(statement.otherwise.body, routine, after) if statement.otherwise else after

    def _try(self, statement: ir.Try, routine: Routine, known: Known) -> Known | None:
        after = self._block(statement.body.body, routine, known)
        if after is not None and statement.otherwise is not None:
            after = self._block(statement.otherwise.body, routine, after)
        for handler in statement.handlers:
            ended = self._block(handler.body.body, routine, known)
            if ended is not None:
                after = _meet(after, ended)
        if statement.final is not None:
            self._block(statement.final.body, routine, known)
        return after

    def assuming(self, known: Known, condition: ir.Expression, routine: Routine, *, holds: bool) -> Known:
        """The checks in force once a condition is known to hold, or not to."""
        result = dict(known)
        spot = Spot(routine.unit.path, condition.line, routine.function.name)
        for name, check in self.learner.learn(condition, holds=holds):
            add(result, name, check, spot)
        return result


def add(known: Known, name: str, check: str, spot: Spot) -> None:
    """Note that an expression passed a check."""
    if name:
        known[name] = known.get(name, frozenset()) | {(check, spot)}


def _without(known: Known, name: str) -> Known:
    """The checks still in force when ``name`` gets another value."""
    if not name:
        return known
    return {key: checks for key, checks in known.items() if key != name and not key.startswith(f"{name}.")}


def _meet(one: Known | None, other: Known | None) -> Known | None:
    """The checks in force on both of two ways that come together."""
    if one is None or other is None:
        return other if one is None else one
    return {key: common for key in one.keys() & other.keys() if (common := one[key] & other[key])}
