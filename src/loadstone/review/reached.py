"""Files that are read through because files that handle libraries lead to them: values and libraries travel there.

A file is read through on its own account when it names an interface that review asks about. A program has more: a
``main.c`` that hands its argument to the loader in another file, a helper that gives a path, a variable that keeps it.
Such a file is read when it calls a function that handles libraries, or defines what such a function uses, a few levels
up and down. In Python, a file is read that a file which handles libraries imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Final

from loadstone.review import frontends, ir
from loadstone.review.analyses import SEEDS
from loadstone.review.analyses.mentions import calls_in, every_statement, names_in
from loadstone.review.analyses.words import MAINS
from loadstone.review.apis import CORE, ApiRole, Tables, tables
from loadstone.review.frontends.c.headers import ProjectHeaders
from loadstone.review.walk import expressions, kept

__all__ = ["Reread", "read_together", "with_reached"]

Reread = Callable[[Sequence[tuple[ir.Unit, frozenset[str]]]], Sequence[ir.Unit | None]]
"""Reads files again, each for the sake of these names; None for one that takes too long."""

_LEVELS: Final = 4
"""How far the program is followed from a file that handles libraries to files that do not."""

_BELOW: Final = 3
"""How far it is followed down from a function that loads: what that one calls runs beside the library."""

_ENTRIES: Final = MAINS | {"DllMain"}
"""Functions of this name are in every program, and nothing in it calls them."""

_DEFINED: Final = re.compile(
    r"\b(\w+)\s*\([^;{}()]{0,400}\)\s*(?:const\s*)?(?:noexcept\s*)?\{"
    r"|^(?!static\b|extern\b|typedef\b|return\b)[A-Za-z_][\w:<> \t*]*?\b(\w+)[ \t]*(?:\[[^\]\n]*\][ \t]*)?[=;]",
    re.MULTILINE,
)
"""A function with a body, or a variable at the beginning of a line that other files can see."""


_SET: Final = re.compile(r"(?:->|\.)(\w+)\s*=(?!=)")
"""A member that is given a value."""

_CLASS: Final = re.compile(r"\b(?:class|struct)\s+(?:\w+\s+)??(\w+)\s*(?:final\s*)?(?::[^:;{]*)?\{")
"""A class that is defined: which one it derives from is told nowhere else."""

_RECORDS: Final = frozenset({"struct", "class", "union"})


def read_together(files: Iterable[tuple[str, bytes]]) -> tuple[ir.Unit, ...]:
    """The files of one program, by path, read as a review reads them."""
    contents = dict(files)
    headers = ProjectHeaders(contents.items())
    macros = {path: headers.macros(path, data) for path, data in contents.items()}

    def again(wanted: Sequence[tuple[ir.Unit, frozenset[str]]]) -> list[ir.Unit]:
        return [
            frontends.parse(unit.path, contents[unit.path], unit.language, wanted=names, macros=macros[unit.path])
            for unit, names in wanted
        ]

    first = [frontends.parse(path, data, macros=macros[path]) for path, data in contents.items()]
    return tuple(with_reached(first, again))


def with_reached(units: Sequence[ir.Unit], reread: Reread) -> list[ir.Unit]:
    """The units, with those read through that the ones which handle libraries lead to, or that lead to these."""
    given = list(units)
    imported: set[str] = set()
    for _ in range(_LEVELS):
        known = [unit for unit in given if unit.functions]
        imported |= {name.rpartition(".")[2] for unit in known for name in unit.imports}
        links = _Links([unit for unit in known if unit.language is not ir.Language.PYTHON], tables())
        wanted: dict[int, frozenset[str]] = {}
        for position, unit in enumerate(given):
            if unit.functions or unit.classes:
                continue
            names = {PurePath(unit.path).stem} & imported if unit.language is ir.Language.PYTHON else links.into(unit)
            if names:
                wanted[position] = frozenset(names)
        read = reread([(given[position], names) for position, names in wanted.items()])
        again = {position: unit for position, unit in zip(wanted, read, strict=True) if unit is not None}
        if not again:
            break
        for position, unit in again.items():
            given[position] = unit
    return given


class _Links:
    """What functions of C and C++ that handle libraries are called, and what they use that is defined elsewhere."""

    def __init__(self, units: Sequence[ir.Unit], known: Tables) -> None:
        functions = [function for unit in units for function in unit.functions]
        called = {id(f): {_unqualified(call.name) for call in calls_in(f.body)} for f in functions}
        handling = [f for f in functions if _handles(f, known)]
        seen = {id(f) for f in handling}
        self._members = {name for f in handling for name in _loaded_members(f, known)}
        handling += [f for f in functions if id(f) not in seen and _sets(f) & self._members]
        seen = {id(f) for f in handling}
        for _ in range(_LEVELS):
            names = {_unqualified(f.name) for f in handling}
            handling += [f for f in functions if id(f) not in seen and called[id(f)] & names]
            seen = {id(f) for f in handling}
        bases = {c.name: {c.name, *map(_unqualified, c.bases)} for unit in units for c in unit.classes}
        owners = {_unqualified(f.owner) for f in handling if f.owner}
        self._classes = owners.union(*(bases.get(owner, ()) for owner in owners))
        self._offered = {
            _unqualified(f.name).lstrip("~"): bases.get(_unqualified(f.owner), {_unqualified(f.owner)})
            for f in handling
            if not f.local and f.name not in _ENTRIES
        }
        below = [f for f in functions if _handles(f, known, CORE)]
        for _ in range(_BELOW):
            names = {name for f in below for name in called[id(f)]}
            kept = {id(f) for f in below}
            below += [f for f in functions if _unqualified(f.name) in names and id(f) not in kept]
        used = {name for f in (*handling, *below) for name in called[id(f)] | _shared_names(f)}
        used -= {_unqualified(f.name) for f in functions} | {v.name for unit in units for v in unit.variables}
        self._used = {name for name in used if known.get(name) is None}

    def into(self, unit: ir.Unit) -> set[str]:
        """The names by which a file that was not read through is one program with those that were."""
        is_header = PurePath(unit.path).suffix.startswith(".h")
        if is_header and any(match[1] in self._classes for match in _CLASS.finditer(unit.text)):
            return {"class", "struct"}
        offered = {} if is_header else self._offered
        users = {n for n, owners in offered.items() if n in unit.words and ("" in owners or owners & unit.words)}
        kept = self._members & unit.words
        if kept and is_header and _RECORDS & unit.words:
            return users | kept
        if kept:
            users |= {match[1] for match in _SET.finditer(unit.text)} & kept
        wanted = self._used & unit.words
        if not wanted:
            return users
        return users | (_defined(unit) & wanted)


@kept
def _defined(unit: ir.Unit) -> frozenset[str]:
    """What a file that was not read through defines for others, by its looks."""
    return frozenset(word for words in _DEFINED.findall(unit.text) for word in words if word)


def _handles(function: ir.Function, known: Tables, roles: frozenset[ApiRole] = SEEDS) -> bool:
    apis = (known.get(call.name) for call in calls_in(function.body))
    return any(api is not None and api.role in roles for api in apis)


def _loaded_members(function: ir.Function, known: Tables) -> set[str]:
    """The members that say what is loaded."""
    loads = (c for c in calls_in(function.body) if (api := known.get(c.name)) and api.role is ApiRole.LOAD)
    parts = (part for call in loads for argument in call.arguments for part in expressions(argument))
    return {part.name for part in parts if isinstance(part, ir.Member)}


def _sets(function: ir.Function) -> set[str]:
    """The members that a function gives a value."""
    targets = (s.target for s in every_statement(function.body) if isinstance(s, ir.Assign))
    return {target.name for target in targets if isinstance(target, ir.Member)}


def _shared_names(function: ir.Function) -> set[str]:
    """The names in a function that are neither parameters nor variables of its own."""
    declared = (s.target for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    own = {*(p.name for p in function.parameters), *(t.name for t in declared if isinstance(t, ir.Name))}
    return set(names_in(function.body)) - own


def _unqualified(name: str) -> str:
    """A name without its classes; a method of an object nobody knows (``?.run``) keeps saying so, and links nothing."""
    return name.rpartition("::")[2]
