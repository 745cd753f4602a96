"""Is a library found again by everything that tells it apart, its version too?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.library_keys import by_part, by_tail, decided_by, loading_functions, value_of
from loadstone.review.rules.places import ALL, NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.swallowed_load_failure import LOADS, entered, reaching_loads
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["RULE"]

_LOADING: Final = re.compile(r"CDLL|WinDLL|LoadLibrary|dlopen|spec_from_file_location|ExtensionFileLoader")
"""What a file that loads says."""

_LOOKUPS: Final = frozenset({"value", "find", "get", "contains", "lookup", "g_hash_table_lookup", "count"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    loading = loading_functions(facts)
    for unit in facts.program.units:
        for function in unit.functions:
            yield from _function(rule, unit, function)
            if unit.language is ir.Language.PYTHON:
                yield from _by_base_name(rule, unit, function)
        if unit.language in NATIVE:
            yield from _native(rule, facts, unit, loading)
    python = [u for u in facts.program.units if u.language is ir.Language.PYTHON and _LOADING.search(u.text)]
    reaching = reaching_loads(facts) if python else frozenset()
    for routine in facts.travels.names.routines if reaching else ():
        if routine.unit in python:
            yield from _by_part(rule, facts, routine, reaching)


def _function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    names = {p.name for p in function.parameters}
    version = next((n for n in names if "version" in n.lower()), None)
    if version is None or len(names) < 2:
        return
    lookup: ir.Call | None = None
    for expression in every_expression(function.body):
        if not isinstance(expression, ir.Call):
            continue
        given = [a.name for a in expression.arguments if isinstance(a, ir.Name) and a.name in names]
        word = expression.name.rpartition("::")[2].rpartition(".")[2]
        if word in _LOOKUPS and expression.receiver is not None and given and version not in given:
            lookup = lookup or expression
        elif lookup is not None and version in given and len(given) > 1 and expression.line > lookup.line:
            yield rule.no(
                (
                    f"{function.name} looks a library up by "
                    f"{lookup.arguments[0].name if isinstance(lookup.arguments[0], ir.Name) else 'its name'} "
                    f"alone (line {lookup.line}) but makes it from {version} too (line "
                    f"{expression.line}): another version answers."
                ),
                Location.lines(unit.path, lookup.line),
                why=(
                    FlowStep(Location.lines(unit.path, lookup.line), "looked up without the version", "test"),
                    FlowStep(Location.lines(unit.path, expression.line), "made with the version", "use"),
                ),
                context=function.name,
            )
            return


def _native(rule: Rule, facts: Facts, unit: ir.Unit, loading: frozenset[str]) -> Iterator[Claim]:
    for tail in by_tail(facts, unit):
        yield rule.no(
            f"{tail.function.name} takes a library for another one when the last parts of their paths are the same "
            f"(line {tail.line}).",
            Location.lines(unit.path, tail.line),
            fix="Compare the whole paths, resolved, or device and inode.",
            context=tail.function.name,
            condition=tail.function.condition,
        )
    for part in by_part(facts, unit, loading):
        asked, kept = (Location.lines(unit.path, line) for line in (part.asked, part.kept))
        yield rule.no(
            f"{part.table} is asked without {part.left_out}, and what it holds was loaded with it: one "
            f"{part.left_out}'s library answers for another's.",
            asked,
            severity=Severity.MEDIUM,
            why=(
                FlowStep(asked, f"asked without {part.left_out}", "test"),
                FlowStep(kept, f"loaded with {part.left_out}, kept without", "use"),
            ),
            context=part.function.name,
            condition=part.function.condition,
        )


def _by_base_name(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """A table keyed by the base name of the path a caller gives: a file of that name in another folder answers."""
    given = {p.name for p in function.parameters} - {"self", "cls"}
    keys = {
        s.target.name: s.line
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and _is_base_name(s.value, given)
    }
    if not keys:
        return
    stored = {
        spelled(s.target.base)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Item) and spelled(s.target.index) in keys
    }
    loads = any(call.name in LOADS or simple(call.name) in _IMPORTS for call in calls(function.body.body))
    for statement in statements(function.body.body) if loads else ():
        value = uncast(statement.value) if isinstance(statement, ir.Return) and statement.value is not None else None
        table, key = _asked(value)
        if key in keys and table in stored:
            yield rule.no(
                f"{table} is asked by the base name of the path (line {keys[key]}): what was loaded from another "
                "folder under that name answers.",
                Location.lines(unit.path, statement.line),
                fix="Make the whole path, resolved, the key.",
                why=(
                    FlowStep(Location.lines(unit.path, keys[key]), "the folder is left out of the key", "test"),
                    FlowStep(Location.lines(unit.path, statement.line), "another folder's library answers", "use"),
                ),
                context=function.name,
            )
            return


def _by_part(rule: Rule, facts: Facts, routine: Routine, loading: Collection[tuple[str, str]]) -> Iterator[Claim]:
    """``table[name]`` of what was loaded for a tenant and a name: one tenant's library answers another's request."""
    function = routine.function
    needed = {p.name for p in function.parameters if p.default is None and p.name in routine.parameters}
    if len(needed) < len(("tenant", "name")):
        return
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(target=ir.Item(base=base, index=index), value=value) if value is not None:
                table, key = spelled(base), decided_by(function, index, needed)
            case _:
                continue
        made = _made_from(facts, routine, value, loading)
        left_out = set() if made is None else decided_by(function, made, needed) - key
        asked = next((s.line for s in statements(function.body.body) if _looks_in(s, table)), 0)
        if table and table not in routine.locals and key and left_out and asked and _answers(function, table):
            other = min(left_out)
            yield rule.no(
                f"{table} is asked by {', '.join(sorted(key))} alone, and what it holds was loaded by {other} too: one "
                f"{other}'s library answers for another's.",
                Location.lines(unit_path := routine.unit.path, asked),
                severity=Severity.MEDIUM,
                why=(
                    FlowStep(Location.lines(unit_path, asked), f"asked without {other}", "test"),
                    FlowStep(Location.lines(unit_path, statement.line), f"loaded with {other}, kept without", "use"),
                ),
                context=function.name,
            )
            return


def _made_from(
    facts: Facts, routine: Routine, value: ir.Expression, loading: Collection[tuple[str, str]]
) -> ir.Expression | None:
    """What the load of a value is given, if a load made it."""
    bare = value_of(routine.function, uncast(value))
    if not isinstance(bare, ir.Call) or not bare.arguments:
        return None
    entered_ = {(r.unit.path, r.function.name) for r in entered(facts.travels.names, routine, bare)}
    return bare if bare.name in LOADS or entered_ & set(loading) else None


def _looks_in(statement: ir.Statement, table: str) -> bool:
    """``if key in table``, ``table.get(key)``."""
    for part in parts_of(statement):
        match part:
            case ir.Operation(operator="in" | "not in", operands=(_, of)) if spelled(of) == table:
                return True
            case ir.Call(receiver=receiver, name=name) if receiver is not None and simple(name) == "get":
                return spelled(receiver) == table
    return False


def _answers(function: ir.Function, table: str) -> bool:
    """Whether what a table holds already is used in place of a new one: handed out, or the new one not made.

    What is asked for to be closed, or to be refused, answers nobody.
    """
    body = [*statements(function.body.body)]
    held = {table} | {
        spelled(s.target)
        for s in body
        if isinstance(s, ir.Assign) and any(spelled(part) == table for part in expressions(s.value))
    }
    return any(
        any(spelled(part) in held for part in expressions(s.value))
        if isinstance(s, ir.Return)
        else isinstance(s, ir.If) and _puts_where_missing(s, table)
        for s in body
    )


def _puts_where_missing(statement: ir.If, table: str) -> bool:
    """``if key not in table: table[key] = load(...)``."""
    asks = any(
        isinstance(part, ir.Operation) and part.operator == "not in" and spelled(part.operands[1]) == table
        for part in expressions(statement.condition)
    )
    return asks and any(
        isinstance(s, ir.Assign) and isinstance(s.target, ir.Item) and spelled(s.target.base) == table
        for s in statements(statement.then.body)
    )


def _asked(value: ir.Expression | None) -> tuple[str, str]:
    """``table[key]``, ``table.get(key)``: the table and the key."""
    match value:
        case ir.Item(base=base, index=index):
            return spelled(base), spelled(index)
        case ir.Call(receiver=receiver, arguments=(index, *_), name=name) if (
            receiver is not None and simple(name) == "get"
        ):
            return spelled(receiver), spelled(index)
        case _:
            return "", ""


_IMPORTS: Final = frozenset({"spec_from_file_location", "ExtensionFileLoader", "exec_module", "load_dynamic"})


def _is_base_name(value: ir.Expression | None, given: set[str]) -> bool:
    """``os.path.basename(path).split(".")[0]``, ``path.stem``, ``Path(path).name``: of a parameter."""
    for part in expressions(value):
        match part:
            case ir.Call(name="os.path.basename" | "ntpath.basename" | "posixpath.basename", arguments=(of,)):
                return spelled(uncast(of)) in given
            case ir.Member(name="stem" | "name", base=base):
                inner = uncast(base)
                if isinstance(inner, ir.Call) and inner.arguments and inner.name.startswith("pathlib."):
                    inner = uncast(inner.arguments[0])
                return spelled(inner) in given and "path" in spelled(inner).lower()
    return False


RULE: Final = Rule(
    id="partial-library-identity",
    question="Is a library found again by everything that tells it apart, its version too?",
    practice=Practice.LIFECYCLE,
    cwe=706,
    severity=Severity.LOW,
    languages=ALL,
    why="A table keyed by name alone hands out version 1 to somebody who asked for version 2, and runs its code.",
    fix="Make every field that selects the file part of the key.",
    bad=(
        "Lib *find(Name name, Version version) {\n  Lib *lib = "
        "map.value(name);\n  return lib ? lib : new Lib(name, version);\n}\n"
    ),
    good="Lib *find(Name name, Version version) {\n  Lib *lib = map.value(Key(name, version));\n"
    "  return lib ? lib : new Lib(name, version);\n}\n",
    references=("https://cwe.mitre.org/data/definitions/706.html",),
    answer=_answer,
)
