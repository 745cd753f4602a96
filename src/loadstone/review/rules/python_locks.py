"""Locks of Python as the structure of a function shows them: what is held where, and by which class it is owned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import says
from loadstone.review.analyses.program import has_method
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.walk import blocks, calls, parts_of, statements

__all__ = [
    "Forgotten",
    "Nesting",
    "forgotten",
    "is_lock",
    "locks_made",
    "nestings",
    "taken",
]

_LOCK: Final = re.compile(r"(?i)(?:lock|mutex|mtx|guard|gate|sem|cond)s?_?\Z|\A_?(?:lock|mutex)|_lock")
_LOCK_WORD: Final = re.compile(r"(?i)lock|mutex")
_MAX_DEPTH: Final = 4
_REMEMBERED: Final = 8
"""Files whose locks are kept for the next question."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A way out on which a lock that was taken is still held."""

    lock: str
    taken: Spot
    left: Spot


@dataclass(frozen=True, slots=True)
class Nesting:
    """A lock taken while another is held: each as ``file:Class.lock`` or ``file:lock``, and where."""

    held: str
    then: str
    since: Spot
    spot: Spot


# A lock that is taken by hand, and a return before it is released.


def forgotten(facts: Facts) -> Iterator[Forgotten]:
    """Returns between ``lock.acquire()`` and ``lock.release()``, where no ``finally`` releases it."""
    for unit in facts.program.units:
        counts_users = has_method(unit, "acquire")  # the file's own, and no lock
        if unit.language is ir.Language.PYTHON and ".acquire(" in unit.text and not counts_users:
            for function in unit.functions:
                yield from _Exits(unit, function).found()


class _Exits:
    """One function: which locks are held by hand at each of its returns."""

    def __init__(self, unit: ir.Unit, function: ir.Function) -> None:
        self.unit = unit
        self.function = function
        self.left: list[Forgotten] = []
        self.released = {
            spelled(call.receiver)
            for call in calls(function.body.body)
            if simple(call.name) == ("release") and call.receiver
        }

    def found(self) -> Iterator[Forgotten]:
        self._block(self.function.body, {})
        yield from self.left

    def _spot(self, line: int) -> Spot:
        return Spot(self.unit.path, line, self.function.name)

    def _block(self, block: ir.Block, held: dict[str, int]) -> dict[str, int] | None:
        current = dict(held)
        for statement in block.body:
            after = self._statement(statement, current)
            if after is None:
                return None
            current = after
        return current

    def _statement(self, statement: ir.Statement, held: dict[str, int]) -> dict[str, int] | None:
        match statement:
            case ir.Evaluate(expression=ir.Call(receiver=receiver, name=name)) if receiver is not None:
                lock = spelled(receiver)
                if simple(name) == ("acquire") and lock in self.released and not statement.expression.arguments:  # type: ignore[union-attr]
                    return {**held, lock: statement.line}
                if simple(name) == "release":
                    return {key: line for key, line in held.items() if key != lock}
            case ir.Return():
                path = self.unit.path
                self.left += [
                    Forgotten(
                        lock, Spot(path, line, self.function.name), Spot(path, statement.line, self.function.name)
                    )
                    for lock, line in held.items()
                ]
                return None
            case ir.Raise() | ir.Jump():
                return None
            case ir.If():
                yes = self._block(statement.then, held)
                no = held if statement.otherwise is None else self._block(statement.otherwise, held)
                if yes is None or no is None:
                    return no if yes is None else yes
                return {key: line for key, line in yes.items() if key in no}
            case ir.Try(final=final):
                inner, kept = dict(held), self.released
                if final is not None:  # what it releases may be taken inside
                    ended = _released(final)
                    inner = {key: line for key, line in held.items() if key not in ended}
                    self.released = kept - ended
                after = self._block(statement.body, inner)
                for handler in statement.handlers:
                    self._block(handler.body, inner)
                self.released = kept
                return after
            case ir.Loop() | ir.With() | ir.Block():
                for inner_block in blocks(statement):
                    self._block(inner_block, held)
        return held


def _released(block: ir.Block) -> set[str]:
    return {spelled(call.receiver) for call in calls(block.body) if simple(call.name) == "release" and call.receiver}


# Locks taken one inside the other.


def nestings(facts: Facts) -> Iterator[Nesting]:
    """Every lock that is taken while another, or the same one, is held, through calls too."""
    locking = {unit.path for unit in facts.program.units if says(unit, _LOCK_WORD)}
    for routine in facts.travels.names.routines:
        if routine.unit.path in locking:
            yield from _nested(facts, routine, routine.function.body, (), 0)


def _nested(
    facts: Facts, routine: Routine, block: ir.Block, held: tuple[tuple[str, Spot], ...], depth: int
) -> Iterator[Nesting]:
    for statement in block.body:
        inside = held
        for context in taken(statement):
            lock = _owned(facts, routine, context)
            if lock:
                spot = Spot(routine.unit.path, statement.line, routine.function.name)
                yield from (Nesting(name, lock, since, spot) for name, since in inside)
                inside = (*inside, (lock, spot))
        if isinstance(statement, ir.Evaluate):
            dropped = _owned(facts, routine, _dropped(statement))
            held = inside = tuple(pair for pair in inside if pair[0] != dropped)
        if held and depth < _MAX_DEPTH:
            for call in (c for c in parts_of(statement) if isinstance(c, ir.Call)):
                for called in _called(facts, routine, call):
                    yield from _nested(facts, called, called.function.body, held, depth + 1)
        for inner in blocks(statement):
            yield from _nested(facts, routine, inner, inside, depth)


def taken(statement: ir.Statement) -> Iterator[ir.Expression]:
    """The locks a statement takes, and keeps after it or for its block."""
    match statement:
        case ir.With(items=items):
            yield from (context for context, _ in items)
        case ir.Evaluate(expression=ir.Call(name=name, receiver=receiver)) if receiver is not None:
            if simple(name) == "acquire" and not statement.expression.arguments:  # type: ignore[union-attr]
                yield receiver


def is_lock(name: str) -> bool:
    """Whether a name is called as locks are."""
    return bool(_LOCK.search(name.rpartition(".")[2]))


_KINDS: Final = frozenset({"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore"})


@lru_cache(maxsize=_REMEMBERED)
def locks_made(unit: ir.Unit) -> frozenset[str]:
    """The variables and attributes of a file that hold a lock, whatever they are called."""
    return frozenset(
        name
        for f in unit.functions
        for s in statements(f.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call) and simple(s.value.name) in _KINDS
        if (name := spelled(s.target))
    )


def _dropped(statement: ir.Evaluate) -> ir.Expression | None:
    call = statement.expression
    return call.receiver if isinstance(call, ir.Call) and simple(call.name) == "release" else None


def _owned(facts: Facts, routine: Routine, context: ir.Expression | None) -> str:
    """``file:Class.lock`` for a lock of an object, ``file:lock`` for one of the module; empty for what is no lock."""
    name = spelled(context)
    last = name.rpartition(".")[2]
    if not name or not (_LOCK.search(last) or name in locks_made(routine.unit)):
        return ""
    base = name.rpartition(".")[0]
    if not base:
        return f"{routine.unit.path}:{last}"
    if base in {"self", "cls"}:
        return f"{routine.unit.path}:{routine.function.owner}.{last}"
    path, owner = _class_named(facts, routine, base.rpartition(".")[2])
    return f"{path}:{owner}.{last}" if owner else ""


def _class_named(facts: Facts, routine: Routine, variable: str) -> tuple[str, str]:
    """The class near by that a variable is called after, with its file: ``self.libraries`` holds a ``Libraries``."""
    wanted, near = variable.replace("_", "").lower(), facts.travels.names.near(routine.unit)
    found = [
        (unit.path, name)
        for name, places in facts.travels.names.classes.items()
        for unit, _ in places
        if unit.path in near and name.replace("_", "").lower() == wanted
    ]
    return found[0] if len(found) == 1 else ("", "")


def _called(facts: Facts, routine: Routine, call: ir.Call) -> list[Routine]:
    found = facts.travels.names.called(routine, call)
    if found or call.receiver is None:
        return found
    _, owner = _class_named(facts, routine, spelled(call.receiver).rpartition(".")[2])
    return facts.travels.names.named(routine, f"{owner}.{simple(call.name)}") if owner else []
