"""Objects that a library's function made, left behind on a way out that comes before another function ends them.

``session = create(); ... if (failed) return -1; ... destroy(session);``: the function shows who ends the object. Both
functions came from a lookup, by what they are called or by their symbols. A way out that tests the object itself, that
gives it back, hands it on or stores it elsewhere is no leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import filled_names, looked_up, symbols_of, word
from loadstone.review.walk import expressions

__all__ = ["LeftObject", "left_objects"]

_MAKES: Final = re.compile(r"(?i)(?:^|_|[a-z](?=[A-Z]))(?:create|new|make|open|alloc|begin|init|start|build|connect)")
_ENDS: Final = re.compile(
    r"(?i)(?:^|_|[a-z](?=[A-Z]))(?:destroy|free|delete|close|release|end|fini|stop|unref|dispose|disconnect|term)"
)


@dataclass(frozen=True, slots=True)
class LeftObject:
    """An object that a way out leaves: its name, where it is made, where it is left, where another way ends it."""

    function: ir.Function
    name: str
    made: int
    left: int
    ended: int


def left_objects(facts: Facts, unit: ir.Unit) -> Iterator[LeftObject]:
    """The objects of libraries that the functions of a file leave behind."""
    filled, symbols = filled_names(facts, unit), symbols_of(facts, unit)
    for function in unit.functions:
        foreign = {n: (n, *symbols.get(n, ())) for n in filled | looked_up(facts, function)}
        for block in (function.body, *every_statement(function.body)) if foreign else ():
            if isinstance(block, ir.Block):
                yield from _of_block(function, block, foreign)


def _of_block(function: ir.Function, block: ir.Block, foreign: Mapping[str, tuple[str, ...]]) -> Iterator[LeftObject]:
    for number, statement in enumerate(block.body):
        name = _made(statement, foreign) or _filled(function, statement, foreign)
        if not name:
            continue
        rest = block.body[number + 1 :]
        end = next((n for n, s in enumerate(rest) if _ended(s, name, foreign, straight=True)), None)
        if end is None or _is_handed_on(function, name, foreign):
            continue
        ended = _ended(rest[end], name, foreign, straight=True)
        for between in rest[:end]:
            for left in _ways_out(between, name, foreign):
                yield LeftObject(function, name, statement.line, left, ended)


def _made(statement: ir.Statement, foreign: Mapping[str, tuple[str, ...]]) -> str:
    """``session = create();``: the variable that is given a new object."""
    made = uncast(statement.value) if isinstance(statement, ir.Assign) and not statement.operator else None
    target = statement.target if isinstance(statement, ir.Assign) else None
    is_new = isinstance(made, ir.Call) and _is_called(made, foreign, _MAKES)
    return target.name if is_new and isinstance(target, ir.Name) else ""


def _filled(function: ir.Function, statement: ir.Statement, foreign: Mapping[str, tuple[str, ...]]) -> str:
    """``if (open(path, &session) != 0) return -1;``: the variable that a function filled, where it did not fail.

    It holds an object, and not a number, where it is a pointer, or the function is one that makes.
    """
    fails = isinstance(statement, ir.If) and statement.otherwise is None and _leaves(statement.then)
    condition = uncast(statement.condition) if isinstance(statement, ir.If) and fails else None
    call = next((c for e in (condition, *_sides(condition)) if isinstance(c := uncast(e), ir.Call)), None)
    if call is None or word(call.function) not in foreign:
        return ""
    makes = _is_called(call, foreign, _MAKES)
    for argument in reversed(call.arguments):
        given = uncast(argument)
        if isinstance(given, ir.Operation) and given.operator == "address" and isinstance(given.operands[0], ir.Name):
            name = given.operands[0].name
            declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
            spelled = next((s.type for s in declared if word(s.target) == name), "")
            if spelled and "[" not in spelled and (makes or spelled.count("*") == 1):
                return name
    return ""


def _sides(condition: ir.Expression | None) -> tuple[ir.Expression, ...]:
    """What a condition compares: ``call() != 0``, ``!call()``."""
    compares = isinstance(condition, ir.Operation) and condition.operator in {"!=", "==", "<", "!"}
    return condition.operands if compares and isinstance(condition, ir.Operation) else ()


def _leaves(block: ir.Block) -> bool:
    return bool(block.body) and isinstance(block.body[-1], ir.Return | ir.Jump)


def _is_called(call: ir.Call, foreign: Mapping[str, tuple[str, ...]], words: re.Pattern[str]) -> bool:
    return any(map(words.search, foreign.get(word(call.function), ())))


def _ended(statement: ir.Statement, name: str, foreign: Mapping[str, tuple[str, ...]], *, straight: bool) -> int:
    """Where a statement gives the object to a function that ends it; ``straight``: on every way through it."""
    if straight and not isinstance(statement, ir.Evaluate | ir.Return) and not _asks_for(statement, name):
        return 0
    within = ir.Block(statement.line, statement.line, (statement,))
    return next(
        (
            c.line
            for c in calls_in(within)
            if _is_called(c, foreign, _ENDS) and any(name in _named(a) for a in c.arguments)
        ),
        0,
    )


def _asks_for(statement: ir.Statement, name: str) -> bool:
    """``if (object) destroy(object);``: whether a statement asks about nothing but the object and what ends it."""
    return isinstance(statement, ir.If) and name in _named(statement.condition) and statement.otherwise is None


def _named(expression: ir.Expression | None) -> set[str]:
    return {e.name for e in expressions(expression) if isinstance(e, ir.Name)}


def _is_handed_on(function: ir.Function, name: str, foreign: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether anything but the library's functions gets the object, or its address."""
    for store in stores_in(function.body):
        if word(store.value) == name and word(store.target) != name:
            return True
    for call in calls_in(function.body):
        if word(call.function) not in foreign and any(word(a) == name for a in call.arguments):
            return True
    filling = {id(a) for c in calls_in(function.body) if word(c.function) in foreign for a in map(uncast, c.arguments)}
    addresses = (e for e in every_expression(function.body) if isinstance(e, ir.Operation) and e.operator == "address")
    return any(word(e.operands[0]) == name and id(e) not in filling for e in addresses)


def _ways_out(statement: ir.Statement, name: str, foreign: Mapping[str, tuple[str, ...]]) -> Iterator[int]:
    """The returns in a statement before which nothing ends the object."""
    if isinstance(statement, ir.Loop | ir.Block):
        for inner in statement.body.body if isinstance(statement, ir.Loop) else statement.body:
            yield from _ways_out(inner, name, foreign)
    if not isinstance(statement, ir.If):
        return
    tested = _named(statement.condition)
    asks_itself = name in tested and not any(
        isinstance(e, ir.Call) and name in {n for a in e.arguments for n in _named(a)}
        for e in expressions(statement.condition)
    )
    calls = (e for e in expressions(statement.condition) if isinstance(e, ir.Call))
    if asks_itself or any(_is_called(call, foreign, _ENDS) for call in calls):
        return
    for arm in (statement.then, *((statement.otherwise,) if statement.otherwise is not None else ())):
        last = arm.body[-1] if arm.body else None
        if any(_ended(s, name, foreign, straight=False) for s in arm.body):
            continue
        if isinstance(last, ir.Return) and name not in _named(last.value):
            yield last.line
        for inner in arm.body:
            yield from _ways_out(inner, name, foreign)
