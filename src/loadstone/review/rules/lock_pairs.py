"""The same lock of two objects, which callers choose: ``swap(a, b)`` and ``swap(b, a)`` wait for each other for ever.

Also which locks cannot be told apart by a name: elements of an array, and what a variable that is given in several
ways may point to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, LockStep
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.python_locks import taken
from loadstone.review.typenames import base_type, pointee
from loadstone.review.walk import expressions

__all__ = ["Pair", "chosen_pairs", "is_given_twice", "is_one_of_several"]

_ORDERING: Final = frozenset({"<", ">", "<=", ">="})
_ORDERS: Final = frozenset(
    {"sorted", "sort", "min", "max", "swap", "minmax", "less", "lock", "try_lock", "scoped_lock"}
)
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two locks of one kind, taken one inside the other: what is written for each, and where."""

    function: ir.Function
    held: str
    then: str
    since: int
    line: int


def is_one_of_several(unit: ir.Unit, one: LockStep) -> bool:
    """Whether the lock of a step may be one of several: that of an element, or of what a variable given twice is."""
    function = next((f for f in unit.functions if f.name == one.spot.function), None)
    parts = _parts(function, one) if function is not None else ()
    return any(isinstance(p, ir.Item) and not isinstance(uncast(p.index), ir.Literal) for p in parts) or is_given_twice(
        unit, one
    )


def is_given_twice(unit: ir.Unit, one: LockStep) -> bool:
    """Whether the lock of a step is reached through a variable that means one thing here and another there."""
    function = next((f for f in unit.functions if f.name == one.spot.function), None)
    if function is None:
        return False
    given: dict[str, int] = dict.fromkeys((p.name for p in function.parameters), 1)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            several = isinstance(value := uncast(statement.value), ir.Operation) and value.operator == "?:"
            given[statement.target.name] = given.get(statement.target.name, 0) + (_TWO if several else 1)
    return any(isinstance(p, ir.Name) and given.get(p.name, 0) >= _TWO for p in _parts(function, one))


def _parts(function: ir.Function, one: LockStep) -> Iterator[ir.Expression]:
    """What the calls at a step's line are given."""
    for call in calls_in(function.body):
        if call.line == one.spot.line:
            for argument in call.arguments:
                yield from expressions(argument)


def chosen_pairs(facts: Facts, unit: ir.Unit) -> Iterator[Pair]:
    """The functions of a file that take one lock of two objects their callers name, in the order these are named."""
    for function in unit.functions:
        takes = [*_takes(facts, unit, function)]
        if len(takes) < _TWO or _puts_in_order(function):
            continue
        parameters = {p.name: base_type(pointee(p.type)) for p in function.parameters if p.name not in {"self", "cls"}}
        named = [(line, _chosen(function, lock, parameters)) for line, lock in takes]
        for (since, held), (line, then) in pairwise(named):
            if held and then and held[:2] == then[:2] and held[2] != then[2]:
                yield Pair(function, held[2], then[2], since, line)
                break


def _takes(facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[tuple[int, ir.Expression]]:
    """The locks that a function takes, in the order of the source, up to the first it gives back."""
    if unit.language is ir.Language.PYTHON:
        for statement in every_statement(function.body):
            yield from ((statement.line, uncast(context)) for context in taken(statement))
        return
    for call in calls_in(function.body):
        if plays(facts, call, ApiRole.UNLOCK):
            return
        if plays(facts, call, ApiRole.LOCK, ApiRole.GUARD):
            subject = call.arguments[0] if call.arguments else call.receiver
            if subject is not None:
                yield call.line, _pointed(subject)


def _pointed(expression: ir.Expression) -> ir.Expression:
    bare = uncast(expression)
    is_address = isinstance(bare, ir.Operation) and bare.operator in {"address", "deref"}
    return _pointed(bare.operands[0]) if is_address else bare  # type: ignore[union-attr]


def _puts_in_order(function: ir.Function) -> bool:
    """Whether a function compares, sorts or exchanges anything, or takes locks together: it knows of the question."""
    return any(
        (isinstance(part, ir.Operation) and part.operator in _ORDERING)
        or (isinstance(part, ir.Call) and last_word(part.name) in _ORDERS and _is_order(part))
        for part in every_expression(function.body)
    )


def _is_order(call: ir.Call) -> bool:
    word = last_word(call.name)
    if word == "swap":  # the two objects, not parts of them
        return all(isinstance(_pointed(a), ir.Name) for a in call.arguments)
    return len(call.arguments) >= _TWO or word not in {"lock", "try_lock", "scoped_lock"}


def _chosen(function: ir.Function, lock: ir.Expression, parameters: dict[str, str]) -> tuple[str, str, str] | None:
    """What kind of object a lock is of, by which member, and the parameter that chooses it; None for any other lock."""
    if isinstance(lock, ir.Item):  # locks[name]
        return _kept_under(lock, "", parameters)
    if not isinstance(lock, ir.Member):
        return None
    base = _pointed(lock.base)
    if isinstance(base, ir.Item):  # table[i].lock
        return _kept_under(base, lock.name, parameters)
    if not isinstance(base, ir.Name):
        return None
    values = [value for value in _given(function, base.name) if value is not None]
    if base.name in parameters and not values:
        return parameters[base.name], lock.name, base.name
    if len(values) == 1 and base.name not in parameters:
        chosen = {p.name for p in expressions(values[0]) if isinstance(p, ir.Name) and p.name in parameters}
        found = uncast(values[0])
        if len(chosen) == 1 and isinstance(found, ir.Call | ir.Item):
            how = found.name if isinstance(found, ir.Call) else "[]"
            return how, lock.name, chosen.pop()
    return None


def _kept_under(item: ir.Item, member: str, parameters: dict[str, str]) -> tuple[str, str, str] | None:
    key = uncast(item.index)
    if not isinstance(key, ir.Name) or key.name not in parameters:
        return None
    table = [p.name for p in expressions(item.base) if isinstance(p, ir.Name | ir.Member)]
    return f"{table}", member, key.name


def _given(function: ir.Function, name: str) -> Iterator[ir.Expression | None]:
    """What a variable of a function is given, also as one of several: ``one, two = get(first), get(second)``."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign):
            continue
        target = statement.target
        if isinstance(target, ir.Name) and target.name == name:
            yield statement.value
        elif isinstance(target, ir.Display):
            value = uncast(statement.value)
            parts: Sequence[ir.Expression | None] = value.items if isinstance(value, ir.Display) else ()
            for position, inner in enumerate(target.items):
                if isinstance(inner, ir.Name) and inner.name == name:
                    yield parts[position] if position < len(parts) else statement.value
