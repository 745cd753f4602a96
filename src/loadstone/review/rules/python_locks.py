"""Locks of Python as the structure of a function shows them: what is held where, and by which class it is owned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
from loadstone.review.walk import blocks, calls, expressions, kept, parts_of, statements

__all__ = [
    "Forgotten",
    "Nesting",
    "bare_changes",
    "bare_counters",
    "forgotten",
    "is_lock",
    "is_locked",
    "locks_made",
    "nestings",
    "published_early",
    "setting_up",
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


# State that several threads share.


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


@lru_cache(maxsize=_REMEMBERED)
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
            if name.startswith("self.") and name.count(".") == 1 and _LOCK.search(name.rpartition(".")[2]):
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
