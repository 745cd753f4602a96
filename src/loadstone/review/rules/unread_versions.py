"""Tables of functions that say which version they are, and that nobody asks before their functions are called.

A claim needs a struct with a version and with functions, filled by a library: what a lookup or a function of the
library gave, seen as this struct. It needs a call through the struct, and a program that never reads the version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.neighbours import headers_of
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.identities import names_in_sight
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, plays
from loadstone.review.rules.places import NATIVE
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions, kept

__all__ = ["UnreadVersion", "unread_versions"]

_VERSION: Final = re.compile(
    r"(?i)\A(?:m_)?(?:api|abi|struct|interface|plugin|iface)?_?(?:version|abi|abi_?ver|ver)\w?\Z"
)
_SIZE: Final = re.compile(r"(?i)\A(?:cb|struct_?)?size\Z|\Acb\Z")
"""The first member of a table that may be shorter, of an older release, says how long it is."""
_NUMBER: Final = re.compile(
    r"\b(?:unsigned|[gq]?u?(?:int|long|short)(?:8|16|32|64)?(?:_t)?|g?size(?:_t)?|DWORD|WORD|UINT(?:16|32)?|ULONG)\b"
)
_FUNCTION: Final = re.compile(r"\(\s*\w*\s*\*")


@dataclass(frozen=True, slots=True)
class UnreadVersion:
    """A table that is taken without a word about its version: the struct, the member, and where it is taken."""

    struct: str
    member: str
    line: int
    function: ir.Function


def unread_versions(facts: Facts, unit: ir.Unit) -> Iterator[UnreadVersion]:
    """The first place of a file, for each such struct, that takes a table from a library."""
    mine = headers_of(unit)
    near = [u for u in facts.program.units if u.language in NATIVE and mine & headers_of(u)]
    tables = _tables(near)
    if not tables:
        return
    read = frozenset[str]().union(*map(_members_read, near))
    told = set()
    filled = filled_names(facts, unit)
    for function in unit.functions:
        foreign = filled | looked_up(facts, function)
        symbols = _filled_by_lookups(facts, function)
        for spelled, given, line in _seen_as(facts, unit, function):
            struct = base_type(spelled)
            if struct in told or tables.get(struct, "-") in read | {"-"} or not spelled.rstrip().endswith("*"):
                continue
            resolves = isinstance(given, ir.Call) and plays(facts, given, ApiRole.RESOLVE)
            called = isinstance(given, ir.Call) and called_through(given, foreign)
            if resolves or called or (isinstance(given, ir.Name) and given.name in symbols):
                told.add(struct)
                yield UnreadVersion(struct, tables[struct], line, function)


def _seen_as(facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[tuple[str, ir.Expression, int]]:
    """The types that a function sees pointers as, by a cast or by where C lets it store them; what, and where."""
    for part in every_expression(function.body):
        if isinstance(part, ir.Cast):
            yield part.type, uncast(part.operand), part.line
    scope = names_in_sight(facts.program, unit, function)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and not statement.operator:
            value = uncast(statement.value)
            if isinstance(value, ir.Operation) and value.operator == "?:":  # get ? get() : NULL
                value = uncast(value.operands[1])
            spelled = statement.type if statement.declares else scope.type_of(statement.target)
            yield spelled, value, statement.line


def _filled_by_lookups(facts: Facts, function: ir.Function) -> set[str]:
    """The variables that a lookup fills through their address: ``g_module_symbol(m, "ops", &symbol)``."""
    found = set()
    for call in calls_in(function.body):
        api = facts.apis.get(call.name)
        if api is not None and api.role is ApiRole.RESOLVE and api.out is not None and api.out < len(call.arguments):
            found |= {e.name for e in expressions(call.arguments[api.out]) if isinstance(e, ir.Name)}
    return found


@kept
def _members_read(unit: ir.Unit) -> frozenset[str]:
    """The members that a file mentions."""
    parts = (part for function in unit.functions for part in every_expression(function.body))
    return frozenset(part.name for part in parts if isinstance(part, ir.Member))


@kept
def _members_called(unit: ir.Unit) -> frozenset[str]:
    """The members that a file calls."""
    called = (uncast(call.function) for function in unit.functions for call in calls_in(function.body))
    return frozenset(function.name for function in called if isinstance(function, ir.Member))


def _tables(near: list[ir.Unit]) -> dict[str, str]:
    """The structs of files that have a version and functions which are called, and the name of the version."""
    called = frozenset[str]().union(*map(_members_called, near))
    versions = ((one, _version_of(one)) for unit in near for one in unit.classes)
    return {
        one.name: version
        for one, version in versions
        if version and any(_FUNCTION.search(m.type) and m.name in called for m in one.members)
    }


@kept
def _version_of(struct: ir.Class) -> str:
    """The member that says which version a struct is of, or how large it is; empty where none does."""
    told = [m for m in struct.members if _VERSION.match(m.name)]
    told += [m for m in struct.members[:1] if _SIZE.match(m.name)]
    return next((m.name for m in told if _NUMBER.search(m.type)), "")
