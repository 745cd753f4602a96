"""C++ functions that a library calls back through C, and that let an exception out.

The frames of a library that was loaded through C need not be made for unwinding: an exception that runs through them
ends the program, or leaves the library half-way, with its locks held. Source: CERT ERR59-CPP, CWE-248.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import called_through, filled_names, looked_up
from loadstone.review.walk import blocks, expressions, tops

__all__ = ["Thrown", "thrown_through_c", "throws"]

_CONVERTS: Final = frozenset(
    {"stoi", "stol", "stoll", "stoul", "stoull", "stof", "stod", "stold", "lexical_cast", "any_cast"}
)
_KEYED: Final = ("std::map", "std::unordered_map", "std::vector", "std::string", "std::array", "std::deque")
"""Containers whose ``at`` throws for a key or an index that is not there. Source: the C++ standard library."""
_C_CALLS: Final = frozenset(
    {
        *("qsort", "bsearch", "atexit", "dl_iterate_phdr", "ftw", "nftw", "scandir", "EnumWindows", "EnumChildWindows"),
        *("SetWindowsHookExW", "SetWindowsHookExA", "SetTimer", "EnumResourceNamesW", "sqlite3_exec"),
    }
)
"""Functions of C that call what they are given."""


@dataclass(frozen=True, slots=True)
class Thrown:
    """A function that C code calls, where it is handed over, what it throws with, and where."""

    function: ir.Function
    handed: int
    what: str
    line: int


def thrown_through_c(facts: Facts, unit: ir.Unit) -> Iterator[Thrown]:
    """The functions of a file that a library calls and that throw, each once."""
    if unit.language is not ir.Language.CPP:
        return
    named = {last_word(f.name): f for f in unit.functions if not f.owner}
    throwing: dict[str, tuple[str, int]] = {}
    while more := {
        name: found[0]
        for name, f in named.items()
        if name not in throwing and (found := [*throws(f.body.body, throwing)])
    }:
        throwing |= more
    for name, line in sorted(_handed(facts, unit, named).items()):
        if name in throwing:
            what, where = throwing[name]
            yield Thrown(named[name], line, what, where)


def throws(body: tuple[ir.Statement, ...], own: dict[str, tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """What in a list of statements throws and is not caught there, and where: its own calls among ``own`` too."""
    for statement in body:
        if isinstance(statement, ir.Try) and statement.handlers:
            for handler in statement.handlers:
                yield from throws(handler.body.body, own)
            continue
        if isinstance(statement, ir.Raise):
            yield "throw", statement.line
        for part in (part for top in tops(statement) for part in expressions(top)):
            if not isinstance(part, ir.Call):
                continue
            word = last_word(part.name)
            keyed = word == "at" and part.name.startswith(_KEYED)
            if word in _CONVERTS or keyed or (word in own and part.receiver is None):
                yield word, part.line
        for inner in blocks(statement):
            yield from throws(inner.body, own)


def _handed(facts: Facts, unit: ir.Unit, named: dict[str, ir.Function]) -> dict[str, int]:
    """The functions of a file that a library or the C library gets, directly or in a table, and where it does."""
    tables = {
        v.name: names
        for v in unit.variables
        if isinstance(v.value, ir.Display) and (names := _names(v.value) & named.keys())
    }
    filled = filled_names(facts, unit)
    found: dict[str, int] = {}
    for function in unit.functions:
        foreign = filled | looked_up(facts, function)
        for call in calls_in(function.body):
            if not (called_through(call, foreign) or last_word(call.name) in _C_CALLS):
                continue
            for argument in call.arguments:
                for name in _names(argument):
                    for one in tables.get(name, {name} & named.keys()):
                        found.setdefault(one, call.line)
    return found


def _names(value: ir.Expression) -> set[str]:
    return {last_word(e.name) for e in expressions(uncast(value)) if isinstance(e, ir.Name)}
