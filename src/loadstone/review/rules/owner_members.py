"""What the special members of a class that owns a library do to the handle: assignments, copies, derived destructors.

Rule of three: who closes in the destructor closes, or counts, in each of the others too. A claim needs the destructor
that closes or counts down, and the member function in the same file that forgets its part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import calls_of, word
from loadstone.review.walk import expressions

__all__ = ["ForgottenHandle", "lost_in_assignment", "owned_twice", "uncounted_copies"]

_COUNTS_UP: Final = re.compile(
    r"(?i)(?:add_?ref|ref|retain|grab|acquire|fetch_add|increment|inc|up_?ref|get_?ref)\w*\Z"
)
_COUNTS_DOWN: Final = re.compile(r"(?i)(?:release|deref|un_?ref|put|drop|fetch_sub|dec|down_?ref)\w*\Z")
_LETS_GO: Final = frozenset({"swap", "reset", "close", "unload", "destroy", "release", "free", "clear"})


@dataclass(frozen=True, slots=True)
class ForgottenHandle:
    """A member function that forgets its part: where, the handle, and where the destructor does its own."""

    function: ir.Function
    member: str
    line: int
    ended: int


def lost_in_assignment(facts: Facts, unit: ir.Unit) -> Iterator[ForgottenHandle]:
    """``handle = std::exchange(other.handle, nullptr);``: what the object held before stays open for ever."""
    for owner, ended in _closers(facts, unit).items():
        for function in _of(unit, owner, "operator="):
            if len(function.parameters) != 1 or _closes(facts, function) or _uses_swap(function):
                continue
            other = function.parameters[0].name
            for store in stores_in(function.body):
                if word(store.target) == ended[0] and _reaches(store.value, other, ended[0]) and _is_own(store.target):
                    yield ForgottenHandle(function, ended[0], store.line, ended[1])


def uncounted_copies(unit: ir.Unit) -> Iterator[ForgottenHandle]:
    """A copy takes the counted object and does not count itself, while each destructor counts one down."""
    for one in unit.classes:
        end = next(iter(_of(unit, one.name, f"~{one.name}")), None)
        member, line = _counted_down(end, {m.name for m in one.members if "*" in m.type}) if end else ("", 0)
        for function in _of(unit, one.name, one.name) if member else ():
            if len(function.parameters) != 1 or not re.fullmatch(
                rf"const (?:\w+::)*{re.escape(one.name)} ?&", function.parameters[0].type
            ):
                continue
            other = function.parameters[0].name
            taken = [s.line for s in stores_in(function.body) if word(s.target) == member]
            if taken and _mentions(function, other, member) and not _counts(function):
                yield ForgottenHandle(function, member, taken[0], line)


def owned_twice(facts: Facts, unit: ir.Unit) -> Iterator[ForgottenHandle]:
    """A derived destructor closes what the base's destructor closes after it, and two smart pointers of one handle."""
    closers = _closers(facts, unit)
    for one in unit.classes:
        for base in one.bases:
            member, line = closers.get(last_word(base), ("", 0))
            end = next(iter(_of(unit, one.name, f"~{one.name}")), None)
            close = (
                next((c for c in calls_of(facts, end, ApiRole.UNLOAD) if _subject(c) == member), None) if end else None
            )
            if end is None or close is None or any(m.name == member for m in one.members):
                continue
            if not any(word(s.target) == member and s.line >= close.line for s in stores_in(end.body)):
                yield ForgottenHandle(end, member, close.line, line)
    for function in unit.functions:
        yield from _two_holders(facts, function)


def _two_holders(facts: Facts, function: ir.Function) -> Iterator[ForgottenHandle]:
    """``a.reset(h, dlclose); b.reset(h, dlclose);``: each has a count of its own."""
    held: dict[str, int] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Block | ir.If | ir.Loop):
            if isinstance(statement, ir.If) and statement.otherwise is not None:
                held.clear()  # one arm or the other
            continue
        for call in (e for e in _parts(statement) if isinstance(e, ir.Call)):
            given = [uncast(a) for a in call.arguments]
            makes = last_word(call.name) in {"shared_ptr", "unique_ptr", "reset"} and len(given) == 2
            api = facts.apis.get(given[1].name) if makes and isinstance(given[1], ir.Name) else None
            name = given[0].name if makes and isinstance(given[0], ir.Name) else ""
            if not name or api is None or api.role is not ApiRole.UNLOAD:
                continue
            if name in held and held[name] != call.line:
                yield ForgottenHandle(function, name, call.line, held[name])
            held.setdefault(name, call.line)
        if isinstance(statement, ir.Assign):
            held.pop(word(statement.target), None)


def _parts(statement: ir.Statement) -> Iterator[ir.Expression]:
    return every_expression(ir.Block(statement.line, statement.line, (statement,)))


def _closers(facts: Facts, unit: ir.Unit) -> dict[str, tuple[str, int]]:
    """The classes whose destructor closes a member, each with the member and the line."""
    found: dict[str, tuple[str, int]] = {}
    methods = {f.name: f for f in unit.functions}
    for one in unit.classes:
        end = next(iter(_of(unit, one.name, f"~{one.name}")), None)
        members = {m.name for m in one.members}
        called = [methods.get(f"{one.name}::{last_word(c.name)}") for c in calls_in(end.body)] if end else []
        for function in (end, *called):
            close = next(calls_of(facts, function, ApiRole.UNLOAD), None) if function is not None else None
            if close is not None and _subject(close) in members:
                found.setdefault(one.name, (_subject(close), close.line))
    return found


def _subject(close: ir.Call) -> str:
    return word(close.arguments[0]) if close.arguments else word(close.receiver)


def _of(unit: ir.Unit, owner: str, name: str) -> list[ir.Function]:
    return [f for f in unit.functions if last_word(f.owner) == owner and last_word(f.name) == name]


def _closes(facts: Facts, function: ir.Function) -> bool:
    return any(calls_of(facts, function, ApiRole.UNLOAD)) or any(
        last_word(c.name).lstrip("~").lower() in _LETS_GO or "~" in c.name for c in calls_in(function.body)
    )


def _uses_swap(function: ir.Function) -> bool:
    return any("swap" in last_word(c.name).lower() for c in calls_in(function.body))


def _is_own(target: ir.Expression) -> bool:
    """Whether a store is to a member of the object itself."""
    return place_named(target).removeprefix("this.").count(".") == 0


def _reaches(value: ir.Expression | None, other: str, member: str) -> bool:
    return any(isinstance(e, ir.Member) and e.name == member and word(e.base) == other for e in expressions(value))


def _mentions(function: ir.Function, other: str, member: str) -> bool:
    return any(_reaches(e, other, member) for e in every_expression(function.body))


def _counted_down(end: ir.Function, pointers: set[str]) -> tuple[str, int]:
    """The member through which a destructor counts down, and where."""
    for store in stores_in(end.body):
        target = uncast(store.target)
        if store.operator == "-" and isinstance(target, ir.Member) and target.through and word(target.base) in pointers:
            return word(target.base), store.line
    for call in calls_in(end.body):
        counted = uncast(call.receiver)
        base = counted.base if isinstance(counted, ir.Member) and counted.through else counted
        if _COUNTS_DOWN.match(last_word(call.name)) and call.receiver is not None and word(base) in pointers:
            return word(base), call.line
    return "", 0


def _counts(function: ir.Function) -> bool:
    return any(s.operator == "+" for s in stores_in(function.body)) or any(
        _COUNTS_UP.match(last_word(c.name)) for c in calls_in(function.body)
    )
