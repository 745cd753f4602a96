"""Python: loops through records of a file that the file itself can keep from ending.

``at += size`` with a size that the file gives stays where it is when the size is 0; ``at = link`` with a link that the
file gives comes back to where it was. Python grows the list of what was read until there is no memory left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts, parts_of, statements

__all__ = ["stepping_loops"]

_UNPACKS: Final = frozenset(
    {"unpack", "unpack_from", "from_buffer_copy", "from_buffer", "int.from_bytes", "from_bytes"}
)
_ORDERS: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "in", "not in"})


def stepping_loops(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """The loops of a file whose step is what the data says, and nothing asks about it."""
    for function in unit.functions:
        for loop in statements(function.body.body):
            if isinstance(loop, ir.Loop) and loop.each is None and loop.condition is not None:
                yield from _of_loop(rule, unit, function, loop)


def _of_loop(rule: Rule, unit: ir.Unit, function: ir.Function, loop: ir.Loop) -> Iterator[Claim]:
    read = dict(_read(loop))
    asked = set(_asked(loop))
    walked = {spelled(e) for e in expressions(loop.condition)} - {""}
    for statement in statements(loop.body.body):
        if not isinstance(statement, ir.Assign) or statement.value is None:
            continue
        name, value = spelled(statement.target), uncast(statement.value)
        if name not in walked or name in asked:
            continue
        if (
            statement.operator == "+"
            and (told := _given(value, read))
            and told not in asked
            and _moves_once(loop, name)
        ):
            what, how = "a step of 0 keeps the loop where it is", f"{told} is added as the data gives it"
        elif (
            not statement.operator
            and (name in read or _given(value, read))
            and _is_told(value, read)
            and _reads_at(loop, name)
            and not asked
        ):
            told, what, how = name, "links that form a ring are followed for ever", f"{name} is what the data says"
        else:
            continue
        yield rule.no(
            f"{how[:1].upper()}{how[1:]}: {what}.",
            Location.lines(unit.path, statement.line),
            cwe=835,
            severity=Severity.MEDIUM,
            fix="Refuse a step smaller than a record, or count the steps.",
            why=(
                step(Spot(unit.path, read.get(told, statement.line), function.name), "read from the data", "taint"),
                step(Spot(unit.path, statement.line, function.name), "moves the loop on", "use"),
            ),
            context=function.name,
        )


def _read(loop: ir.Loop) -> Iterator[tuple[str, int]]:
    """The variables that hold numbers of the data, and records of it, and where in the loop they get them."""
    whole: set[str] = set()
    for statement in statements(loop.body.body):
        if not isinstance(statement, ir.Assign) or not (name := spelled(statement.target)):
            continue
        value = uncast(statement.value)
        if _is_unpacked(value):
            whole.add(name)
            yield name, statement.line
        elif isinstance(value, ir.Item) and (spelled(value.base) in whole or _is_unpacked(uncast(value.base))):
            yield name, statement.line


def _is_unpacked(value: ir.Expression) -> bool:
    return isinstance(value, ir.Call) and (simple(value.name) in _UNPACKS or value.name in _UNPACKS)


def _given(value: ir.Expression, read: dict[str, int]) -> str:
    """The number of the data that a step is: ``size``, ``header.size``; empty for what has something added."""
    bare = uncast(value)
    if isinstance(bare, ir.Name) and bare.name in read:
        return bare.name
    if isinstance(bare, ir.Member) and spelled(bare.base) in read:
        return spelled(bare)
    return ""


def _is_told(value: ir.Expression, read: dict[str, int]) -> bool:
    """Whether a link is a number of the data itself: ``at, name = unpack_from(...)``, ``at = entry.next``."""
    bare = uncast(value)
    if isinstance(bare, ir.Item):
        return _is_unpacked(uncast(bare.base)) or spelled(bare.base) in read
    return _is_unpacked(bare) or bool(_given(bare, read))


def _asked(loop: ir.Loop) -> Iterator[str]:
    """What conditions in the loop, and limits in expressions, are about."""
    for statement in statements(loop.body.body):
        tests = [getattr(statement, "condition", None)]
        for part in parts_of(statement):
            compares = isinstance(part, ir.Operation) and part.operator in _ORDERS | {"?:"}
            if compares or (isinstance(part, ir.Call) and part.name in {"max", "min", "len"}):
                tests.append(part)
        for test in tests:
            yield from (name for part in expressions(test) if (name := spelled(part)))
            for part in expressions(test):
                if isinstance(part, ir.Member):
                    yield spelled(part.base)
    parted = [p for p in expressions(loop.condition) if isinstance(p, ir.Operation) and p.operator in {"in", "not in"}]
    if parted:
        yield from (name for part in expressions(loop.condition) if (name := spelled(part)))
        yield "*"


def _moves_once(loop: ir.Loop, name: str) -> bool:
    """Whether nothing else in the loop moves the place on."""
    moved = [s for s in statements(loop.body.body) if isinstance(s, ir.Assign) and spelled(s.target) == name]
    return len(moved) == 1


def _reads_at(loop: ir.Loop, name: str) -> bool:
    """Whether the loop reads the data at that place."""
    for part in parts(loop.body.body):
        if isinstance(part, ir.Call) and simple(part.name) in _UNPACKS | {"seek"}:
            given = (*part.arguments, *(value for _, value in part.keywords))
            if any(spelled(inner) == name for argument in given for inner in expressions(argument)):
                return True
    return False
