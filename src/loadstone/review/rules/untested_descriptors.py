"""Descriptors that may be -1, used in a call whose own result is dropped: neither failure is ever noticed.

``log = open_log(name); dup2(log, 2);``: the helper gives what ``open`` gave, or -1 of its own. Functions of the program
that give a descriptor are found bottom-up. Sources: open(2), socket(2), dup(2); CWE-252.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions

__all__ = ["UntestedDescriptor", "untested_descriptors"]

_OPENS: Final = frozenset(
    {
        *("open", "open64", "openat", "creat", "shm_open", "memfd_create", "mkstemp", "mkostemp", "eventfd"),
        *("socket", "accept", "accept4", "dup"),
    }
)
_TAKES: Final = frozenset(
    {
        *("dup2", "dup3", "read", "write", "fchmod", "fchown", "ftruncate", "lseek", "flock", "ioctl", "fcntl"),
        *("send", "recv", "listen", "fsync"),
    }
)
"""Functions that take a descriptor first and say in their result whether that worked."""

_ASKS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "!", "&&", "||", "?:"})
_LEVELS: Final = 3


@dataclass(frozen=True, slots=True)
class UntestedDescriptor:
    """A descriptor: its name, who gave it, and the lines of both."""

    function: ir.Function
    name: str
    giver: str
    given: int
    used: int


def untested_descriptors(unit: ir.Unit) -> Iterator[UntestedDescriptor]:
    """The descriptors of a file that nothing asks about before they are used blindly."""
    givers = _givers(unit)
    for function in unit.functions:
        given = {n: (c, line) for n, c, line in _given(function, givers) if n}
        asked = _asked(function) if given else frozenset()
        for statement in every_statement(function.body) if given else ():
            call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            name = word(call.arguments[0]) if isinstance(call, ir.Call) and call.arguments else ""
            if isinstance(call, ir.Call) and call.name in _TAKES and name in given and name not in asked:
                giver, line = given.pop(name)
                if line <= call.line:
                    yield UntestedDescriptor(function, name, giver, line, call.line)


def _givers(unit: ir.Unit) -> frozenset[str]:
    """The functions of a file that give what a system function opened."""
    found: frozenset[str] = _OPENS - {f.name for f in unit.functions}
    for _ in range(_LEVELS):
        for function in unit.functions:
            opened = {name for name, _, _ in _given(function, found)}
            returned = (uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return))
            gives = any((isinstance(r, ir.Call) and r.name in found) or word(r) in opened - {""} for r in returned)
            if gives and function.returns.removeprefix("static ").strip() == "int":
                found |= {function.name}
    return found


def _given(function: ir.Function, givers: AbstractSet[str]) -> Iterator[tuple[str, str, int]]:
    """The variables of a function that are given a descriptor once, and by whom."""
    stores = [s for s in stores_in(function.body) if s.value is not None and isinstance(uncast(s.target), ir.Name)]
    for store in stores:
        made, name = uncast(store.value), word(store.target)
        if isinstance(made, ir.Call) and made.name in givers and sum(word(s.target) == name for s in stores) == 1:
            yield name, last_word(made.name), made.line


def _asked(function: ir.Function) -> frozenset[str]:
    """The variables that a condition or a comparison of a function is about."""
    parts = [p for p in every_expression(function.body) if isinstance(p, ir.Operation) and p.operator in _ASKS]
    tops = [s.condition for s in every_statement(function.body) if isinstance(s, ir.If | ir.Loop)]
    switched = [s.subject for s in every_statement(function.body) if isinstance(s, ir.Switch)]
    return frozenset(e.name for top in (*parts, *tops, *switched) for e in expressions(top) if isinstance(e, ir.Name))
