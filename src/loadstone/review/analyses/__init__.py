"""What the code does, found out once and shared by all rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Found
from loadstone.review.analyses.foreign import symbol_of
from loadstone.review.analyses.known import Known, MethodTable
from loadstone.review.analyses.mentions import calls_in, members_in, names_in
from loadstone.review.analyses.paths import Explorer
from loadstone.review.analyses.record import Record
from loadstone.review.apis import CORE, MINOR, Role, Tables, tables
from loadstone.review.cfg import Graph, build

__all__ = ["Facts", "gather"]

SEEDS: Final = CORE | MINOR | {Role.CALLBACK}
"""Roles that make a function one that handles libraries."""

_LOCKS: Final = frozenset({Role.LOCK, Role.TRY_LOCK, Role.GUARD})
_CALLER_LEVELS: Final = 2
"""How many levels of callers above a function that handles libraries are followed too."""


def gather(program: ir.Program, extra_tables: tuple[str, ...] = ()) -> Facts:
    """Run the analyses over the units of one run; ``extra_tables`` are paths of the user's own interface tables."""
    known_tables = tables(extra_tables)
    names = _names(program, known_tables)
    record = Record()
    explorer = Explorer(known_tables, names, record)
    roots = [k for found in names.functions.values() for k in found if k.is_relevant]
    roots.sort(key=lambda k: (k.unit.path, k.function.line))
    for known in roots:
        explorer.explore(known)
    seen = tuple(record.accesses)
    for known in _lock_takers(names, known_tables):
        explorer.explore(known)
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
    )


def _lock_takers(names: MethodTable, known_tables: Tables) -> Iterator[Known]:
    """The other functions that take locks in files that handle libraries: their locks are worth their evidence."""
    every = [known for found in names.functions.values() for known in found]
    paths = {known.unit.path for known in every if known.is_relevant and _plays(known, CORE, known_tables)}
    others = [k for k in every if not k.is_relevant and k.unit.path in paths and _plays(k, _LOCKS, known_tables)]
    yield from sorted(others, key=lambda k: (k.unit.path, k.function.line))


def _plays(known: Known, roles: frozenset[Role], known_tables: Tables) -> bool:
    apis = (known_tables.get(call.name) for call in calls_in(known.function.body))
    return any(api is not None and api.role in roles for api in apis)


def _names(program: ir.Program, known_tables: Tables) -> MethodTable:
    functions: dict[str, tuple[Known, ...]] = {}
    variables: dict[str, frozenset[str]] = {}
    members: dict[str, dict[str, str]] = {}
    locks: set[str] = set()
    wanted = _relevant(program, known_tables)
    for unit in program.units:
        variables[unit.path] = frozenset(v.name for v in unit.variables)
        for one in unit.classes:
            members.setdefault(one.name, {}).update({m.name: m.type for m in one.members})
            locks.update(m.name for m in one.members if "mutex" in m.type.lower() or "lock" in m.type.lower())
        locks.update(v.name for v in unit.variables if "mutex" in v.type.lower() or "lock" in v.type.lower())
        for function in unit.functions:
            known = _known(function, unit, _graph(function, known_tables), is_relevant=id(function) in wanted)
            functions[function.name] = (*functions.get(function.name, ()), known)
    return MethodTable(functions, variables, members, frozenset(locks))


def _graph(function: ir.Function, known_tables: Tables) -> Graph:
    def plays(call: ir.Call, role: Role) -> bool:
        api = known_tables.get(call.name)
        return api is not None and api.role is role

    return build(function, lambda c: plays(c, Role.NO_RETURN), lambda c: plays(c, Role.ASSERTION))


def _relevant(program: ir.Program, known_tables: Tables) -> set[int]:
    """The functions that play a part in handling libraries, and whoever calls them or shares state with them."""
    calls: dict[int, set[str]] = {}
    names: dict[str, list[int]] = {}
    wanted: set[int] = set()
    shares: dict[int, set[str]] = {}
    for unit in program.units:
        shared = {v.name for v in unit.variables}
        fields = {m.name for c in unit.classes for m in c.members}
        for function in unit.functions:
            key = id(function)
            simple = function.name.rpartition("::")[2].rpartition(".")[2]
            names.setdefault(simple, []).append(key)
            calls[key] = set()
            shares[key] = set()
            for call in calls_in(function.body):
                api = known_tables.get(call.name)
                calls[key].add(call.name.rpartition("::")[2].rpartition(".")[2])
                if (api is not None and api.role in SEEDS) or symbol_of(call.name) is not None:
                    wanted.add(key)
            used = set(names_in(function.body))
            where = unit.path if unit.language is ir.Language.PYTHON else ""  # there every other class has a ``name``
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
    return wanted


def _known(function: ir.Function, unit: ir.Unit, graph: Graph, *, is_relevant: bool) -> Known:
    names = {p.name for p in function.parameters}
    types = {p.name: p.type for p in function.parameters}
    statics = set()
    for statement in _declared(graph):
        assert isinstance(statement.target, ir.Name)
        name = statement.target.name
        names.add(name)
        types.setdefault(name, statement.type)
        if statement.static:
            statics.add(name)
    if unit.language is ir.Language.PYTHON:
        names |= _assigned(graph)
        names -= function.globals
        if function.name == "<module>":
            names = set()
    return Known(function, unit, graph, frozenset(names), types, frozenset(statics), is_relevant)


def _declared(graph: Graph) -> Iterator[ir.Assign]:
    for node in graph.nodes:
        if (
            isinstance(node.statement, ir.Assign)
            and node.statement.declares
            and isinstance(node.statement.target, ir.Name)
        ):
            yield node.statement


def _assigned(graph: Graph) -> set[str]:
    found = set()
    for node in graph.nodes:
        targets = [node.target, node.statement.target if isinstance(node.statement, ir.Assign) else None]
        if isinstance(node.statement, ir.Handler) and node.statement.name:
            found.add(node.statement.name)
        while targets:
            target = targets.pop()
            if isinstance(target, ir.Name):
                found.add(target.name)
            elif isinstance(target, ir.Display):
                targets.extend(target.items)
    return found
