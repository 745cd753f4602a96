"""What the code does, found out once and shared by all rules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Found
from loadstone.review.analyses.mentions import calls_in, members_in, names_in
from loadstone.review.analyses.paths import Paths
from loadstone.review.analyses.program import KnownFunction, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.apis import CORE, MINOR, ApiRole, Success, Tables, tables
from loadstone.review.cfg import Assertion, Graph, build
from loadstone.review.walk import expressions

__all__ = ["Facts", "gather"]

SEEDS: Final = CORE | MINOR | {ApiRole.CALLBACK}
"""Roles that make a function one that handles libraries."""

_LOCKS: Final = frozenset({ApiRole.LOCK, ApiRole.TRY_LOCK, ApiRole.GUARD})
_CALLER_LEVELS: Final = 2
"""How many levels of callers above a function that handles libraries are followed too."""


def gather(program: ir.Program, extra_tables: tuple[str, ...] = ()) -> Facts:
    """Run the analyses over the units of one run; ``extra_tables`` are paths of the user's own interface tables."""
    known_tables = tables(extra_tables)
    names = _program(program, known_tables)
    record = Record()
    paths = Paths(known_tables, names, record)
    for known in names.every:
        if known.is_relevant:
            paths.explore(known)
    seen = tuple(record.accesses)
    for known in _lock_takers(names, known_tables):
        paths.explore(known)
    record.accesses = Found(dict.fromkeys(seen))
    return Facts(
        program,
        tuple(record.sites),
        tuple(record.accesses),
        tuple(record.lock_steps),
        (),
        frozenset(record.threads),
        frozenset(record.locks),
        record.stored_taint,
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
    )


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
            graph = _graph(function, known_tables)
            known = KnownFunction.of(function, unit, graph, is_relevant=id(function) in wanted)
            functions[function.name] = (*functions.get(function.name, ()), known)
    return KnownProgram(program.units, functions)


def _graph(function: ir.Function, known_tables: Tables) -> Graph:
    def plays(call: ir.Call, role: ApiRole) -> bool:
        api = known_tables.get(call.name)
        return api is not None and api.role is role

    def asserts(call: ir.Call) -> Assertion | None:
        api = known_tables.get(call.name)
        if api is None or api.role is not ApiRole.ASSERTION:
            return None
        return Assertion(api.subject, holds=api.success is not Success.ZERO)

    return build(function, lambda c: plays(c, ApiRole.NO_RETURN), asserts)


def _relevant(program: ir.Program, known_tables: Tables) -> set[int]:
    """The functions that play a part in handling libraries, and whoever calls them or shares state with them."""
    calls: dict[int, set[str]] = {}
    names: dict[str, list[int]] = {}
    wanted: set[int] = set()
    shares: dict[int, set[str]] = {}
    members: dict[str, set[str]] = {}
    for unit in program.units:
        where = unit.path if unit.language is ir.Language.PYTHON else os.path.dirname(unit.path)
        members.setdefault(where, set()).update(m.name for c in unit.classes for m in c.members)
    for unit in program.units:
        shared = {v.name for v in unit.variables}
        other_names = _other_names(unit, known_tables)
        fields = members[unit.path if unit.language is ir.Language.PYTHON else os.path.dirname(unit.path)]
        # Methods of one name are everywhere in Python, and so are attributes: there a file's own count.
        where = f"{unit.path}:" if unit.language is ir.Language.PYTHON else ""
        for function in unit.functions:
            key = id(function)
            simple = function.name.rpartition("::")[2].rpartition(".")[2]
            names.setdefault(f"{where}{simple}", []).append(key)
            calls[key] = set()
            shares[key] = set()
            for call in calls_in(function.body):
                api = known_tables.get(call.name)
                calls[key].add(where + call.name.rpartition("::")[2].rpartition(".")[2])
                if api is not None and api.role in SEEDS:
                    wanted.add(key)
            used = set(names_in(function.body))
            if used & other_names:
                wanted.add(key)
            shares[key] = {f"{unit.path}:{n}" for n in used & shared} | {
                f"{where}.{n}" for n in (used | members_in(function.body)) & fields
            }
    touched = {name for key in wanted for name in shares[key]}
    wanted |= {key for key, found in shares.items() if found & touched}
    for _ in range(_CALLER_LEVELS):
        known = {name for name, keys in names.items() if any(k in wanted for k in keys)}
        more = {key for key, called in calls.items() if key not in wanted and called & known}
        if not more:
            break
        wanted |= more
    return wanted | _beside_locks(program, known_tables, wanted, shares)


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
