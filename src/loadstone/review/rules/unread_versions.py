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
from loadstone.review.analyses.mentions import calls_in, every_expression
from loadstone.review.analyses.neighbours import headers_of
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, plays
from loadstone.review.rules.places import NATIVE
from loadstone.review.typenames import base_type

__all__ = ["UnreadVersion", "unread_versions"]

_VERSION: Final = re.compile(
    r"(?i)\A(?:m_)?(?:api|abi|struct|interface|plugin|iface)?_?(?:version|abi|abi_?ver|ver)\w?\Z"
)
_NUMBER: Final = re.compile(
    r"\b(?:unsigned|int|long|short|u?int(?:8|16|32|64)?_t|size_t|DWORD|WORD|UINT|ULONG|quint32)\b"
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
    parts = (e for u in near for f in u.functions for e in every_expression(f.body))
    read = {e.name for e in parts if isinstance(e, ir.Member)}
    told = set()
    filled = filled_names(facts, unit)
    for function in unit.functions:
        foreign = filled | looked_up(facts, function)
        for cast in (e for e in every_expression(function.body) if isinstance(e, ir.Cast)):
            struct = base_type(cast.type)
            given = uncast(cast.operand)
            if struct in told or tables.get(struct, "-") in read | {"-"} or not cast.type.rstrip().endswith("*"):
                continue
            resolves = isinstance(given, ir.Call) and plays(facts, given, ApiRole.RESOLVE)
            if resolves or (isinstance(given, ir.Call) and called_through(given, foreign)):
                told.add(struct)
                yield UnreadVersion(struct, tables[struct], cast.line, function)


def _tables(near: list[ir.Unit]) -> dict[str, str]:
    """The structs of files that have a version and functions which are called, and the name of the version."""
    called = {
        function.name
        for u in near
        for f in u.functions
        for c in calls_in(f.body)
        if isinstance(function := uncast(c.function), ir.Member)
    }
    found = {}
    for one in (c for u in near for c in u.classes):
        version = next((m.name for m in one.members if _VERSION.match(m.name) and _NUMBER.search(m.type)), "")
        if version and any(_FUNCTION.search(m.type) and m.name in called for m in one.members):
            found[one.name] = version
    return found
