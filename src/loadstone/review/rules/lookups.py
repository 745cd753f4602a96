"""Variables that hold what a lookup gave, by the names they have in one function or file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.typenames import base_type, pointee
from loadstone.review.walk import expressions, kept

__all__ = [
    "called_through",
    "calls_of",
    "family",
    "filled_names",
    "looked_up",
    "made_by_library",
    "plays",
    "symbols_of",
    "word",
]


def word(expression: ir.Expression | None) -> str:
    """The variable or the member that an expression is; empty for anything else."""
    bare = uncast(expression)
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


def plays(facts: Facts, call: ir.Call, *roles: ApiRole) -> bool:
    """Whether what is called is an interface of one of these roles."""
    api = facts.apis.get(call.name)
    return api is not None and api.role in roles


def calls_of(facts: Facts, function: ir.Function, *roles: ApiRole) -> Iterator[ir.Call]:
    """The calls in a function of interfaces of these roles."""
    return (call for call in calls_in(function.body) if plays(facts, call, *roles))


def family(symbol: str) -> str:
    """What the names of a library's functions begin with: ``png`` of ``png_create_read_struct``."""
    return symbol.partition("_")[0].lower()


@kept
def filled_names(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """Members and variables of a file that hold what came from a library when a function of it is done.

    Those of a library's table of functions too: whoever calls ``table->open`` runs the library's code, in any function.
    """
    found = frozenset(fill.slot[0].rpartition(".")[2] for fill in facts.fills if fill.spot.path == unit.path)
    found |= {name for function in unit.functions for name in _looked_up_members(facts, function)}
    return found | _functions_of_tables(facts, unit, found)


def _looked_up_members(facts: Facts, function: ir.Function) -> Iterator[str]:
    """The members that a lookup in a function filled, one by one or through a table of their addresses."""
    for target, value in _stores(function):
        if _resolves(facts, uncast(value)) and isinstance(_place(target), ir.Member):
            yield _last(target)
    if any(plays(facts, c, ApiRole.RESOLVE) and not _names_symbol(c) for c in calls_in(function.body)):
        for part in every_expression(function.body):
            if isinstance(part, ir.Display):
                yield from _slots(part)


def _place(target: ir.Expression) -> ir.Expression:
    """What is stored to, ``*(void **)&table->open`` seen through."""
    bare = uncast(target)
    while isinstance(bare, ir.Operation) and bare.operator in {"deref", "address"} and len(bare.operands) == 1:
        bare = uncast(bare.operands[0])
    return bare


def _names_symbol(call: ir.Call) -> bool:
    return any(isinstance(uncast(a), ir.Literal) for a in call.arguments[1:])


def _slots(table: ir.Display) -> Iterator[str]:
    """``{ { "open", &api->open }, { "close", &api->close } }``: the members whose addresses stand beside names."""
    for row in map(uncast, table.items):
        if not isinstance(row, ir.Display):
            continue
        inside = [*map(uncast, row.items)]
        if any(isinstance(one, ir.Literal) and isinstance(one.value, str) for one in inside):
            yield from (word(_place(one)) for one in inside if _is_address(one) and isinstance(_place(one), ir.Member))


_POINTER_TYPE: Final = re.compile(r"\btypedef\b[^;{}()]*\(\s*(?:\w+\s+)*\*\s*(\w+)\s*\)\s*\(")
"""Types of pointers to functions that a file names."""


def _functions_of_tables(facts: Facts, unit: ir.Unit, found: frozenset[str]) -> frozenset[str]:
    """The pointers to functions in the structures of a file that a library gives the addresses of."""
    named = frozenset(_POINTER_TYPE.findall(unit.text))
    pointers = {
        c.name: [m.name for m in c.members if "(*" in m.type or base_type(pointee(m.type)) in named]
        for c in unit.classes
    }
    if not any(pointers.values()):
        return frozenset()
    types = {m.name: m.type for c in unit.classes for m in c.members if m.name in found}
    types |= {v.name: v.type for v in unit.variables if v.name in found}
    spelled = {kind for kind in types.values() if kind.count("*") == 1}
    for function in unit.functions:
        mine = looked_up(facts, function)
        declared = {
            word(s.target): s.type for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares
        }
        calls = {_last(target): value for target, value in _stores(function)}
        spelled |= {
            kind
            for name, kind in declared.items()
            if kind.count("*") == 1
            and (name in mine or _comes_from(calls.get(name, ir.Literal(0, None)), mine | found))
        }
    return frozenset(name for kind in spelled for name in pointers.get(base_type(pointee(kind)), ()))


@kept
def looked_up(facts: Facts, function: ir.Function) -> frozenset[str]:
    """Variables and members that a lookup in this function filled, by its result, through an argument or a copy."""
    found = {_last(target) for target, value in _stores(function) if _resolves(facts, uncast(value))}
    for call in calls_in(function.body):
        api = facts.apis.get(call.name)
        if api is not None and api.role is ApiRole.RESOLVE and api.out is not None and api.out < len(call.arguments):
            given = uncast(call.arguments[api.out])
            found.add(word(given.operands[0]) if isinstance(given, ir.Operation) and given.operands else "")
        elif call.name in _BIT_COPIES and len(call.arguments) > 1 and _last(call.arguments[1]) in found - {""}:
            found.add(_last(call.arguments[0]))  # memcpy(&run, &symbol, sizeof run)
    return frozenset(found - {""})


@kept
def symbols_of(facts: Facts, unit: ir.Unit) -> dict[str, set[str]]:
    """The symbols that variables and members of a file are looked up by."""
    found: dict[str, set[str]] = {}
    for function in unit.functions:
        for store in stores_in(function.body):
            call = uncast(store.value)
            api = facts.apis.get(call.name) if isinstance(call, ir.Call) else None
            if isinstance(call, ir.Call) and api is not None and api.role is ApiRole.RESOLVE:
                texts = (a.value for a in map(uncast, call.arguments) if isinstance(a, ir.Literal))
                found.setdefault(word(store.target), set()).update(text for text in texts if isinstance(text, str))
    return found


_BIT_COPIES: Final = frozenset({"memcpy", "memmove", "std::memcpy"})


@kept
def made_by_library(facts: Facts, unit: ir.Unit, function: ir.Function) -> frozenset[str]:
    """Variables that hold what a library gave: a lookup's result, what its functions return or fill, parts of these.

    To a fixed point over the stores and calls of one function; there are no more rounds than names.
    """
    found = filled_names(facts, unit) - _own_names(function) | looked_up(facts, function)
    stores, calls = [*_stores(function)], [*calls_in(function.body)]
    found |= {_last(target) for target, value in stores if _is_given(value, _givers(facts, unit))} - {""}
    while True:
        more = {_last(target) for target, value in stores if _comes_from(value, found)}
        for call in calls:
            if called_through(call, found):
                more |= {_last(a) for a in call.arguments if _is_address(a)}
        if more - {""} <= found:
            return found
        found |= more - {""}


@kept
def _givers(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """The functions of a file that return what they looked up in a library."""
    return frozenset(
        function.name
        for function in unit.functions
        for statement in every_statement(function.body)
        if isinstance(statement, ir.Return) and statement.value is not None
        if _resolves(facts, uncast(statement.value)) or word(statement.value) in looked_up(facts, function)
    )


def _is_given(value: ir.Expression, givers: AbstractSet[str]) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Call) and bare.name in givers


def _own_names(function: ir.Function) -> set[str]:
    """The parameters and variables of a function, which are not the members that are called as they are."""
    declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return {p.name for p in function.parameters} | {word(s.target) for s in declared}


def called_through(call: ir.Call, foreign: AbstractSet[str]) -> bool:
    """Whether what is called is one of the names, or a member of what one of them holds."""
    return any(isinstance(e, ir.Name | ir.Member) and e.name in foreign for e in expressions(call.function))


def _comes_from(value: ir.Expression, foreign: AbstractSet[str]) -> bool:
    bare = uncast(value)
    if isinstance(bare, ir.Call):
        return called_through(bare, foreign)
    if isinstance(bare, ir.Operation) and bare.operator == "?:":  # get ? get() : NULL
        return any(_comes_from(one, foreign) for one in bare.operands[1:])
    while isinstance(bare, ir.Member | ir.Item):
        bare = uncast(bare.base)
        if isinstance(bare, ir.Name | ir.Member) and bare.name in foreign:
            return True
    return False


def _is_address(argument: ir.Expression) -> bool:
    bare = uncast(argument)
    return isinstance(bare, ir.Operation) and bare.operator == "address"


def _last(target: ir.Expression) -> str:
    """The variable or member that is stored to, also through a cast of its address: ``*(void **)&run``."""
    return place_named(target).rpartition(".")[2].removesuffix("[]")


def _stores(function: ir.Function) -> Iterator[tuple[ir.Expression, ir.Expression]]:
    return ((s.target, s.value) for s in stores_in(function.body) if s.value is not None and not s.operator)


def _resolves(facts: Facts, value: ir.Expression) -> bool:
    value = uncast(value.operands[1]) if isinstance(value, ir.Operation) and value.operator == "?:" else value
    api = facts.apis.get(value.name) if isinstance(value, ir.Call) else None
    return api is not None and api.role is ApiRole.RESOLVE
