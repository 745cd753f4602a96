"""State of Python objects that several threads share: what is changed under a lock, and where without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import says
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.python_locks import is_lock, locks_made, taken
from loadstone.review.walk import calls, expressions, kept, parts_of, statements

__all__ = ["bare_changes", "bare_counters", "is_locked", "published_early", "setting_up"]

_LOCK_WORD: Final = re.compile(r"(?i)lock|mutex")


def is_locked(unit: ir.Unit, function: ir.Function, line: int) -> bool:
    """Whether a line of a function stands inside a ``with`` of a lock, or after an ``acquire``."""
    for statement in statements(function.body.body):
        around = isinstance(statement, ir.With) and statement.line <= line <= statement.body.end_line
        if around and any(is_lock(name := spelled(c)) or name in locks_made(unit) for c in taken(statement)):
            return True
    return any(simple(call.name) == "acquire" and call.line <= line for call in calls(function.body.body))


def published_early(facts: Facts) -> Iterator[tuple[str, Spot, Spot]]:
    """A global that others read without the lock, and that is still being made ready after it was set."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        for function in unit.functions:
            for statement in statements(function.body.body):
                if isinstance(statement, ir.With) and is_locked(unit, function, statement.line):
                    yield from _unready(unit, function, statement)


def _unready(unit: ir.Unit, function: ir.Function, region: ir.With) -> Iterator[tuple[str, Spot, Spot]]:
    asked_before = {
        spelled(part)
        for statement in statements(function.body.body)
        if isinstance(statement, ir.If) and statement.line < region.line <= statement.then.end_line
        for part in expressions(statement.condition)
        if isinstance(part, (ir.Name, ir.Member))
    }
    for block in (inner.then for inner in statements(region.body.body) if isinstance(inner, ir.If)):
        for position, statement in enumerate(block.body):
            name = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
            if not name or name not in asked_before or not isinstance(getattr(statement, "value", None), ir.Call):
                continue
            for later in block.body[position + 1 :]:
                if any(spelled(call.receiver) == name for call in calls((later,)) if call.receiver is not None):
                    spots = (Spot(unit.path, s.line, function.name) for s in (statement, later))
                    yield (name, *spots)  # type: ignore[misc]
                    break


def bare_changes(facts: Facts) -> Iterator[tuple[str, str, Spot, Spot]]:
    """State of an object that one method changes under the object's lock and another with nothing held.

    Yields the attribute, the lock, where it is changed under it, and where without. A change is an assignment, a change
    of an item, or a call that changes a container; what a constructor does is nobody else's yet.
    """
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and says(unit, _LOCK_WORD):
            for one in unit.classes:
                yield from _bare_in_class(unit, one)


def _bare_in_class(unit: ir.Unit, one: ir.Class) -> Iterator[tuple[str, str, Spot, Spot]]:
    own = [f for f in unit.functions if f.name.startswith(f"{one.name}.")]
    lock = next((name for f in own for name in _own_locks(f)), "")
    if not lock:
        return
    under: dict[str, Spot] = {}
    bare: dict[str, Spot] = {}
    called_locked = _called_locked(unit)
    alone_there = setting_up(unit)
    for function in unit.functions:
        mine = function.name.startswith(f"{one.name}.")
        alone = mine and (function.name in alone_there or function.name in called_locked)
        if alone or function.name == "<module>":
            continue
        for base, name, line in _changes(function):
            if not (base == "self" if mine else _is_of(unit, one, base, name, function)):
                continue
            spot = Spot(unit.path, line, function.name)
            held = is_locked(unit, function, line)
            if not (held and _TEARS_DOWN.search(simple(function.name))):  # what the end clears shows no habit
                (under if held else bare).setdefault(name, spot)
    for name, spot in bare.items():
        if name in under:
            yield name, lock, under[name], spot


_TEARS_DOWN: Final = re.compile(r"(?i)close|stop|shut|exit|destroy|finali[sz]e|tear|clear_all|release")
_ALONE: Final = frozenset({"__init__", "__new__", "__post_init__", "__del__", "__getstate__", "__setstate__"})
_CHANGES: Final = frozenset(
    {"append", "add", "clear", "pop", "popitem", "remove", "discard", "update", "extend", "insert", "setdefault"}
)


@kept
def setting_up(unit: ir.Unit) -> frozenset[str]:
    """The methods of a file that run while nobody else has the object: of its making, and only called from these."""
    methods = [f for f in unit.functions if f.owner]
    alone = {f.name for f in methods if simple(f.name) in _ALONE}
    callers: dict[str, set[str]] = {}
    for function in unit.functions:
        fresh = _fresh(function)
        for call in calls(function.body.body):
            by = "" if spelled(call.receiver) in fresh else function.name
            callers.setdefault(simple(call.name), set()).add(by)
    for _ in methods:
        more = {f.name for f in methods if f.name not in alone and _only_by(callers.get(simple(f.name)), alone)}
        if not more:
            break
        alone |= more
    return frozenset(alone)


def _only_by(callers: set[str] | None, alone: set[str]) -> bool:
    return callers is not None and callers <= alone | {""}


def _fresh(function: ir.Function) -> frozenset[str]:
    """The variables of a function that hold an object it has just made: ``made = cls()``, ``made = Class()``."""
    return frozenset(
        s.target.name
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.target, ir.Name)
        and isinstance(s.value, ir.Call)
        and (s.value.name == "cls" or simple(s.value.name).lstrip("_")[:1].isupper())
    )


@kept
def _called_locked(unit: ir.Unit) -> frozenset[str]:
    """The functions that a file calls with a lock held."""
    return frozenset(call.name for f in unit.functions for call in calls(f.body.body) if is_locked(unit, f, call.line))


def _own_locks(function: ir.Function) -> Iterator[str]:
    for statement in statements(function.body.body):
        for context in taken(statement):
            name = spelled(context)
            if name.startswith("self.") and name.count(".") == 1 and is_lock(name):
                yield name


def _is_of(unit: ir.Unit, one: ir.Class, base: str, name: str, function: ir.Function) -> bool:
    """Whether an object of another function is of the class: no other class of the file has that member."""
    if base in {"self", "cls"} or _having(unit).get(name) != [one.name]:
        return False
    return (base, one.name) not in _results(function)


@kept
def _having(unit: ir.Unit) -> dict[str, list[str]]:
    """The classes of a file by the names of their members."""
    found: dict[str, list[str]] = {}
    for one in unit.classes:
        for name in dict.fromkeys(member.name for member in one.members):
            found.setdefault(name, []).append(one.name)
    return found


@kept
def _results(function: ir.Function) -> frozenset[tuple[str, str]]:
    """What a function assigns the result of a call to, and what it calls."""
    return frozenset(
        (spelled(s.target), s.value.name)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)
    )


@kept
def _changes(function: ir.Function) -> tuple[tuple[str, str, int], ...]:
    """Objects and attributes of them that a function changes, and where; an item taken out first is followed."""
    return tuple(_each_change(function))


def _each_change(function: ir.Function) -> Iterator[tuple[str, str, int]]:
    parts: dict[str, tuple[str, str, int]] = {}
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign):
            target = statement.target
            inner = target.base if isinstance(target, ir.Item) else target
            if isinstance(target, ir.Item) and isinstance(inner, ir.Name) and inner.name in parts:
                yield parts[inner.name]
            if isinstance(inner, ir.Member) and isinstance(inner.base, ir.Name):
                yield inner.base.name, inner.name, statement.line
            value = statement.value
            if isinstance(target, ir.Name) and isinstance(value, ir.Item) and isinstance(value.base, ir.Member):
                parts[target.name] = (spelled(value.base.base), value.base.name, statement.line)
        for call in (p for p in parts_of(statement) if isinstance(p, ir.Call)):
            on = call.receiver
            if simple(call.name) in _CHANGES and isinstance(on, ir.Member) and isinstance(on.base, ir.Name):
                yield on.base.name, on.name, call.line


_SEVERAL: Final = 2


def _run_by_threads(function: ir.Function, one: str, methods: Mapping[str, ir.Function]) -> Iterator[str]:
    """The methods of a class that a function starts a thread for; one that is started in a loop is given twice."""
    repeated = {
        id(call)
        for s in statements(function.body.body)
        for call in (
            calls(s.body.body)
            if isinstance(s, ir.Loop)
            else (c for p in parts_of(s) if _is_comprehension(p) for c in expressions(p) if isinstance(c, ir.Call))
        )
    }
    for call in calls(function.body.body):
        if simple(call.name) == "Thread" and (target := dict(call.keywords).get("target")) is not None:
            owner, _, word = spelled(target).rpartition(".")
            made = {
                s.value.name
                for s in statements(function.body.body)
                if isinstance(s, ir.Assign) and spelled(s.target) == owner and isinstance(s.value, ir.Call)
            }
            if made and one not in made:
                continue
            if owner == "self" or (owner and word in methods):
                yield from (word, word) if id(call) in repeated else (word,)


def _is_comprehension(part: ir.Expression) -> bool:
    match part:
        case ir.Operation(operator=",", operands=(ir.AssignmentExpression(value=ir.Item()), *_)):
            return True
    return False


@kept
def _methods(unit: ir.Unit, owner: str) -> dict[str, ir.Function]:
    """The methods of a class of a file by their bare names."""
    return {simple(f.name): f for f in unit.functions if f.owner == owner}


@kept
def _starters(unit: ir.Unit) -> tuple[ir.Function, ...]:
    """The functions of a file that start a thread."""
    return tuple(f for f in unit.functions if any(simple(call.name) == "Thread" for call in calls(f.body.body)))


@kept
def _started(unit: ir.Unit, owner: str) -> frozenset[str]:
    """The methods of a class that a thread begins with; none where others start several."""
    methods = _methods(unit, owner)
    each = [(f.owner == owner, word) for f in _starters(unit) for word in _run_by_threads(f, owner, methods)]
    others = sum(not own for own, _ in each)
    return frozenset(word for own, word in each) if others < _SEVERAL else frozenset()


def _is_of_one_thread(unit: ir.Unit, method: ir.Function) -> bool:
    """Whether a method runs while the object is made, and then only in the one thread that this starts."""
    methods = _methods(unit, method.owner)
    started = _started(unit, method.owner)
    ends = started | {simple(name) for name in setting_up(unit)}
    waiting, seen = [simple(method.name)], set[str]()
    while waiting and len(started) == 1:
        word = waiting.pop()
        seen.add(word)
        if word in ends:
            continue
        callers = {name for name, f in methods.items() if any(simple(c.name) == word for c in calls(f.body.body))}
        if not word.startswith("_") or not callers:
            return False
        waiting.extend(callers - seen)
    return len(started) == 1


def bare_counters(facts: Facts) -> Iterator[tuple[str, str, Spot]]:
    """``self.n += 1`` with no lock held, in a class that has a lock and uses it elsewhere."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not says(unit, _LOCK_WORD):
            continue
        own: dict[str, str] = {}
        for function in unit.functions:
            for statement in statements(function.body.body):
                for context in taken(statement):
                    if function.owner and spelled(context).startswith("self.") and spelled(context).count(".") == 1:
                        own.setdefault(function.owner, spelled(context))
        for function in unit.functions:
            lock = own.get(function.owner, "") if simple(function.name) not in {"__init__", "__new__"} else ""
            if lock and _is_of_one_thread(unit, function):
                continue
            for statement in statements(function.body.body) if lock and function.owner else ():
                if (
                    isinstance(statement, ir.Assign)
                    and statement.operator
                    and not is_locked(unit, function, statement.line)
                ):
                    target = statement.target.base if isinstance(statement.target, ir.Item) else statement.target
                    if spelled(target).startswith("self.") and spelled(target).count(".") == 1:
                        yield spelled(target), lock, Spot(unit.path, statement.line, function.name)
