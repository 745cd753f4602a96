"""What the code does, found out once and shared by all rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.forks import forked
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, members_in, names_in
from loadstone.review.analyses.neighbours import headers_of
from loadstone.review.analyses.paths import explored
from loadstone.review.analyses.pointed import Pointed
from loadstone.review.analyses.program import KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.summaries import Summaries
from loadstone.review.analyses.words import last_word, makes_file
from loadstone.review.apis import CORE, MINOR, ApiRole, Tables, tables
from loadstone.review.walk import expressions

__all__ = ["Facts", "gather"]

SEEDS: Final = CORE | MINOR | {ApiRole.CALLBACK}
"""Roles that make a function one that handles libraries."""

_LOCKS: Final = frozenset({ApiRole.LOCK, ApiRole.TRY_LOCK, ApiRole.GUARD})
_CALLER_LEVELS: Final = 2
"""How many levels of callers above a function that handles libraries are followed too."""

_OF_OTHERS: Final = frozenset({"network", "another process"})
"""Kinds of sources of which somebody else decides what they say."""

_SOURCE_LEVELS: Final = 2
"""How many more levels of callers, and of callees, are followed where they read what comes from outside."""


def gather(program: ir.Program, extra_tables: tuple[str, ...] = (), processes: int = 1) -> Facts:
    """Run the analyses over the units of one run; ``extra_tables`` are paths of the user's own interface tables.

    Functions are followed by up to that many ``processes``.
    """
    known_tables = tables(extra_tables)
    names = _program(program, known_tables)
    relevant = [known for known in names.every if known.is_relevant]
    lock_takers = [*_lock_takers(names, known_tables)]
    found = _explored([*relevant, *lock_takers], names, known_tables, processes)
    record = Record()
    for known in relevant:
        record.add(found[known])
    for known in lock_takers:
        record.add(found[known], accesses=False)
    record.settle()
    return Facts(
        program,
        tuple(record.sites),
        tuple(record.accesses),
        tuple(record.lock_steps),
        (),
        frozenset(record.threads),
        frozenset(record.locks),
        frozenset(record.tested_places),
        tuple((name, again, first) for (name, again), first in sorted(record.closed_twice.items())),
        tuple(sorted(record.cut)),
        known_tables,
        tuple((name, used, closed) for (name, used), closed in sorted(record.late.items())),
        tuple(record.fills),
        record.called_slots,
        record.closed_slots,
        frozenset(record.cleared),
        tuple((*key, closed) for key, closed in sorted(record.after_close.items())),
        tuple((*key, first) for key, first in sorted(record.deleted_twice.items())),
        tuple((*key, spot) for key, spot in sorted(record.made_through.items())),
    )


def _explored(
    functions: Sequence[KnownFunction], program: KnownProgram, known_tables: Tables, processes: int
) -> dict[KnownFunction, Record]:
    """What is found in each function; the largest are begun first, so that nobody waits for one of them at the end."""
    summaries = Summaries(program, known_tables)
    ordered = sorted(functions, key=lambda known: -len(known.graph.nodes))
    alike = () if processes == 1 else [*_mentioned(program.units), *known_tables.by_name.values()]
    made = forked(lambda f: explored(f, program, summaries, known_tables), ordered, processes=processes, alike=alike)
    return dict(zip(ordered, made, strict=True))


def _mentioned(units: Sequence[ir.Unit]) -> Iterator[object]:
    """What the record of a function may refer to in the program."""
    for unit in units:
        yield unit
        yield from unit.functions
        for function in unit.functions:
            yield from calls_in(function.body)


def _lock_takers(names: KnownProgram, known_tables: Tables) -> Iterator[KnownFunction]:
    """The other functions that take locks in files that handle libraries: their locks are worth their evidence."""
    paths = {known.unit.path for known in names.every if known.is_relevant and _plays(known, CORE, known_tables)}
    for known in names.every:
        if not known.is_relevant and known.unit.path in paths and _plays(known, _LOCKS, known_tables):
            yield known


def _plays(known: KnownFunction, roles: frozenset[ApiRole], known_tables: Tables) -> bool:
    apis = (known_tables.get(call.name) for call in calls_in(known.function.body))
    return any(api is not None and api.role in roles for api in apis)


def _program(program: ir.Program, known_tables: Tables) -> KnownProgram:
    functions: dict[str, tuple[KnownFunction, ...]] = {}
    wanted = _relevant(program, known_tables)
    for unit in program.units:
        for function in unit.functions:
            known = KnownFunction(function, unit, known_tables, is_relevant=id(function) in wanted)
            functions[function.name] = (*functions.get(function.name, ()), known)
    return KnownProgram(program.units, functions)


def _relevant(program: ir.Program, known_tables: Tables) -> set[int]:
    """The functions that play a part in handling libraries, whoever calls them or shares state, what loaders call."""
    scope, pointed = _Scope(program), Pointed(program.units)
    calls: dict[int, set[str]] = {}
    names: dict[str, list[int]] = {}
    wanted: set[int] = set()
    handling: set[int] = set()
    files: dict[int, str] = {}
    shares: dict[int, set[str]] = {}
    loading: set[int] = set()
    reading: set[int] = set()
    sent: set[int] = set()
    making: set[int] = set()
    opening: set[int] = set()
    callers: dict[int, set[str]] = {}
    for unit in program.units:
        shared = {v.name for v in unit.variables}
        other_names = _other_names(unit, known_tables)
        for function in unit.functions:
            key = id(function)
            files[key] = unit.path
            names.setdefault(scope.name_of(function, unit), []).append(key)
            calls[key] = set()
            for call in calls_in(function.body):
                api = known_tables.get(call.name)
                calls[key].add(scope.called(call, unit))
                if api is not None and api.role in SEEDS:
                    (wanted if api.role in MINOR else handling).add(key)
                if api is not None and api.role is ApiRole.SOURCE:
                    (sent if api.kind in _OF_OTHERS else reading).add(key)
                if api is not None and api.role in {ApiRole.FILE, ApiRole.OPEN}:
                    (making if api.role is ApiRole.FILE or makes_file(call) else opening).add(key)
                if api is not None and api.role is ApiRole.LOAD and unit.language is ir.Language.C:
                    loading.add(key)
                if unit.language is not ir.Language.PYTHON and api is None:
                    calls[key] |= {scope.named(name, unit) for name, _ in pointed.targets(call.function, function)}
                if call.name in shared:
                    callers.setdefault(key, set()).add(f"{unit.path}:{call.name}")
            used = set(names_in(function.body))
            calls[key] |= {scope.named(name, unit) for name in used & scope.functions}
            if used & other_names:
                handling.add(key)
            shares[key] = {f"{unit.path}:{n}" for n in used & shared} | scope.members_of(function, unit, used)
    held = {name for key in handling for name in shares[key]}
    beside = {(files[key], name) for key in wanted for name in shares[key]}  # what a command reads is its own file's
    wanted |= handling
    wanted |= {key for key, found in shares.items() if found & held or any((files[key], n) in beside for n in found)}
    wanted |= {key for loader in loading for name in calls[loader] if ":" in name for key in names.get(name, ())}
    given = {key for one in wanted for name in calls[one] for key in names.get(name, ())}
    kept = {name for key in given for name in shares[key]}
    wanted |= {key for key, found in callers.items() if found & kept}  # a library's function, handed over and called
    for _ in range(_CALLER_LEVELS):
        known = {name for name, keys in names.items() if any(k in wanted for k in keys)}
        more = {key for key, called in calls.items() if key not in wanted and called & known}
        if not more:
            break
        wanted |= more
    fed = (making | opening) & _near(sent, calls, names)  # a name that somebody sends may lead to a file
    wanted |= fed | (sent & _near(fed, calls, names))
    wanted |= (reading | sent | making) & _near(wanted, calls, names)
    return wanted | _beside_locks(program, known_tables, wanted, shares)


def _near(wanted: set[int], calls: dict[int, set[str]], names: dict[str, list[int]]) -> set[int]:
    """The functions a few calls above the wanted ones, and those a few calls below: what is read there gets here."""
    above, below = {*wanted}, {*wanted}
    for _ in range(_SOURCE_LEVELS):
        known = {name for name, keys in names.items() if any(k in above for k in keys)}
        above |= {key for key, called in calls.items() if called & known}
        below |= {key for one in below for name in calls[one] for key in names.get(name, ())}
    return above | below


class _Scope:
    """What the names of functions and members mean in a file, as keys that two files share when they mean one thing.

    Methods of one name are everywhere in Python, and so are attributes: there a file's own count. A function of a C
    file is its own when it is static or defined there, and a struct's members belong to the file that defines it: its
    own, or a header it includes. In C++ a name is a name.
    """

    def __init__(self, program: ir.Program) -> None:
        self.own = {unit.path: {last_word(f.name) for f in unit.functions} for unit in program.units}
        native = (unit for unit in program.units if unit.language is not ir.Language.PYTHON)
        self.functions = frozenset(f.name for unit in native for f in unit.functions)
        self.members: dict[str, set[str]] = {}
        self.by_file: dict[str, dict[str, set[str]]] = {}
        for unit in program.units:
            found = {m.name for c in unit.classes for m in c.members}
            where = unit.path if unit.language is ir.Language.PYTHON else os.path.dirname(unit.path)
            self.members.setdefault(where, set()).update(found)
            self.by_file.setdefault(os.path.basename(unit.path), {})[unit.path] = found

    def name_of(self, function: ir.Function, unit: ir.Unit) -> str:
        """The key of a function."""
        simple = last_word(function.name)
        private = unit.language is ir.Language.PYTHON or (unit.language is ir.Language.C and function.local)
        return f"{unit.path}:{simple}" if private else simple

    def called(self, call: ir.Call, unit: ir.Unit) -> str:
        """The key of the function that a call means."""
        return self.named(call.name, unit)

    def named(self, name: str, unit: ir.Unit) -> str:
        """The key of the function that a name means, called or taken the address of."""
        simple = last_word(name)
        if unit.language is ir.Language.PYTHON:
            return f"{unit.path}:{simple}"
        mine = unit.language is ir.Language.C and simple in self.own[unit.path]
        is_static = mine and any(f.local for f in unit.functions if f.name == simple)
        return f"{unit.path}:{simple}" if is_static else simple

    def members_of(self, function: ir.Function, unit: ir.Unit, used: set[str]) -> set[str]:
        """The keys of the members that a function touches."""
        if unit.language is ir.Language.PYTHON:
            return {f"{unit.path}:.{n}" for n in (used | members_in(function.body)) & self.members[unit.path]}
        if unit.language is ir.Language.CPP:
            fields = self.members[os.path.dirname(unit.path)]
            return {f".{n}" for n in (used | members_in(function.body)) & fields}
        touched = members_in(function.body)
        others = (item for name in headers_of(unit) for item in self.by_file.get(name, {}).items())
        mine = self.by_file[os.path.basename(unit.path)][unit.path]
        files = {path: found for path, found in others if os.path.basename(path) != os.path.basename(unit.path)}
        return {f"{path}.{n}" for path, found in {unit.path: mine, **files}.items() for n in touched & found}


def _beside_locks(program: ir.Program, known_tables: Tables, wanted: set[int], shares: dict[int, set[str]]) -> set[int]:
    """The methods that share with a wanted one of their class what that one touches in a function that locks."""
    found: set[int] = set()
    for unit in (u for u in program.units if u.language is ir.Language.CPP):
        under_locks: dict[str, set[str]] = {}
        for function in unit.functions:
            if function.owner and id(function) in wanted and _locks(function, known_tables):
                under_locks.setdefault(function.owner, set()).update(shares[id(function)])
        for function in unit.functions:
            if shares[id(function)] & under_locks.get(function.owner, set()):
                found.add(id(function))
    return found


def _locks(function: ir.Function, known_tables: Tables) -> bool:
    apis = (known_tables.get(call.name) for call in calls_in(function.body))
    return any(api is not None and api.role in _LOCKS for api in apis)


def _other_names(unit: ir.Unit, known_tables: Tables) -> frozenset[str]:
    """Variables of a unit that hold an interface: pointers to its functions, tables of operations."""
    found = set()
    for variable in unit.variables:
        for inner in expressions(variable.value):
            api = known_tables.get(inner.name) if isinstance(inner, ir.Name) else None
            if api is not None and api.role in SEEDS:
                found.add(variable.name)
    return frozenset(found)
