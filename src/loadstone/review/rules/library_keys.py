"""What C and C++ find a loaded library again by: the last part of its path, or a key that leaves out what chose it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.typenames import is_text
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["PartialKey", "TailCompared", "by_part", "by_tail", "decided_by", "loading_functions", "value_of"]

_SPLITS: Final = frozenset({"strrchr", "wcsrchr", "_tcsrchr", "g_strrstr", "rfind", "find_last_of", "lastIndexOf"})
_TAILS: Final = frozenset(
    {
        *("basename", "g_path_get_basename", "PathFindFileName", "PathFindFileNameA", "PathFindFileNameW"),
        *("filename", "fileName", "baseName", "completeBaseName", "stem", "getFileName", "getBaseName"),
    }
)
"""Functions and methods that give the last part of a path."""

_FINDS: Final = frozenset({"find", "at", "contains", "count", "value", "get", "g_hash_table_lookup"})
_PUTS: Final = frozenset(
    {"emplace", "insert", "try_emplace", "insert_or_assign", "g_hash_table_insert", "g_hash_table_replace"}
)
_TEMPLATE: Final = re.compile(r"<\s*(?:const\s+)?([\w:]+)")


@dataclass(frozen=True, slots=True)
class TailCompared:
    """A comparison of the last parts of two paths."""

    function: ir.Function
    line: int


@dataclass(frozen=True, slots=True)
class PartialKey:
    """A table that is asked without a parameter that what it holds was loaded with."""

    function: ir.Function
    table: str
    left_out: str
    asked: int
    kept: int


def by_tail(facts: Facts, unit: ir.Unit) -> Iterator[TailCompared]:
    """The comparisons of a file that loads libraries by which one path is taken for another."""
    if not any(_loads(facts, call) for f in unit.functions for call in calls_in(f.body)):
        return
    own = {last_word(f.name) for f in unit.functions if _gives_tail(f)}
    for function in unit.functions:
        tails = {
            spelled(s.target)
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.value is not None and _is_tail(s.value, own)
        } - {""}
        for part in every_expression(function.body):
            sides = _sides(facts, part)
            if sides and all(_is_tail(side, own) or spelled(uncast(side)) in tails for side in sides):
                yield TailCompared(function, part.line)
                break


def _loads(facts: Facts, call: ir.Call) -> bool:
    return plays(facts, call, ApiRole.LOAD, ApiRole.PATH)


def _gives_tail(function: ir.Function) -> bool:
    """Whether a function of the program gives what follows the last separator of a path."""
    split = any(
        last_word(c.name) in _SPLITS and any(isinstance(a, ir.Literal) and a.value in ("/", "\\") for a in c.arguments)
        for c in calls_in(function.body)
    )
    return split and len(function.parameters) == 1 and is_text(function.returns)


def _is_tail(expression: ir.Expression, own: set[str]) -> bool:
    bare = uncast(expression)
    while isinstance(bare, ir.Call) and last_word(bare.name) in {"string", "c_str", "native", "toString"}:
        bare = uncast(bare.receiver)
    return isinstance(bare, ir.Call) and last_word(bare.name) in _TAILS | own


def _sides(facts: Facts, part: ir.Expression) -> tuple[ir.Expression, ...]:
    """The two that a comparison compares."""
    if isinstance(part, ir.Operation) and part.operator in {"==", "!="}:
        return part.operands
    api = facts.apis.get(part.name) if isinstance(part, ir.Call) else None
    return part.arguments[:2] if isinstance(part, ir.Call) and api is not None and api.role is ApiRole.COMPARE else ()


def by_part(facts: Facts, unit: ir.Unit, loading: frozenset[str]) -> Iterator[PartialKey]:
    """The tables of a file that lose a part of what their libraries were chosen by; ``loading`` functions load them."""
    for function in unit.functions:
        chosen = {p.name for p in function.parameters if is_text(p.type) and ("const" in p.type or "*" not in p.type)}
        if len(chosen) < len(("profile", "name")):
            continue
        asked: dict[str, tuple[int, ir.Expression]] = {}
        refused = {*_refused(function)}
        for part in every_expression(function.body):
            if isinstance(part, ir.Call) and part.line in refused:
                continue
            match part:
                case ir.Call(name=name, receiver=None, arguments=(of, key, *_)) if name in _FINDS:
                    asked.setdefault(spelled(of), (part.line, key))
                case ir.Call(name=name, receiver=of, arguments=(key, *_)) if of and last_word(name) in _FINDS:
                    asked.setdefault(spelled(of), (part.line, key))
        for table, kept, key, made in _puts(function):
            line, sought = asked.get(table, (kept + 1, key))
            if not table or line > kept or not _is_made_by_load(facts, function, made, loading):
                continue
            left_out = decided_by(function, made, chosen) - decided_by(function, key, chosen)
            if left_out and decided_by(function, sought, chosen) == decided_by(function, key, chosen) != set():
                yield PartialKey(function, table, min(left_out), line, kept)


def _refused(function: ir.Function) -> Iterator[int]:
    """The lines that ask whether a table has a key, to refuse it: ``if (table.count(key)) return S_FALSE;``."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.If):
            continue
        for part in expressions(statement.condition):
            asks = isinstance(part, ir.Call) and last_word(part.name) in {"count", "contains"}
            if isinstance(part, ir.Call) and asks and part.receiver is not None:
                table = spelled(part.receiver)
                inside = (e for s in every_statement(statement.then) for e in parts_of(s))
                if not any(spelled(e) == table for e in inside if isinstance(e, ir.Name | ir.Member)):
                    yield part.line


def _puts(function: ir.Function) -> Iterator[tuple[str, int, ir.Expression, ir.Expression]]:
    """What a function puts into tables: the table, the line, the key and the value."""
    for part in every_expression(function.body):
        match part:
            case ir.Call(name=name, receiver=None, arguments=(table, key, made, *_)) if name in _PUTS:
                yield spelled(table), part.line, key, made
            case ir.Call(receiver=table, name=name, arguments=(key, made, *_)) if table and last_word(name) in _PUTS:
                yield spelled(table), part.line, key, made
    for statement in every_statement(function.body):
        match statement:
            case ir.Assign(target=ir.Item(base=base, index=index), value=given) if given is not None:
                yield spelled(base), statement.line, index, given


def loading_functions(facts: Facts) -> frozenset[str]:
    """The functions of the program that load a library themselves, and the classes whose constructors do."""
    return frozenset(
        last_word(f.name)
        for unit in facts.program.units
        for f in unit.functions
        if any(_loads(facts, c) for c in calls_in(f.body))
    )


def _is_made_by_load(facts: Facts, function: ir.Function, made: ir.Expression, loading: frozenset[str]) -> bool:
    """Whether a load is in what a value is made of, through variables of the function."""
    work, seen = [made], set[str]()
    while work:
        for part in expressions(work.pop()):
            if isinstance(part, ir.Call):
                named = _TEMPLATE.search(part.name)
                if _loads(facts, part) or {last_word(part.name), last_word(named[1]) if named else ""} & loading:
                    return True
            elif isinstance(part, ir.Name) and part.name not in seen:
                seen.add(part.name)
                value = value_of(function, part)
                if value is not part:
                    work.append(value)
    return False


def value_of(function: ir.Function, expression: ir.Expression) -> ir.Expression:
    """What a variable of a function is given last, a call rather than anything else; other expressions as they are."""
    if not isinstance(expression, ir.Name):
        return expression
    given = [
        uncast(s.value)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and spelled(s.target) == expression.name and s.value is not None
    ]
    calls_ = [one for one in given if isinstance(one, ir.Call)]
    return calls_[-1] if calls_ else given[-1] if given else expression


def decided_by(function: ir.Function, expression: ir.Expression, needed: set[str]) -> set[str]:
    """The parameters that decide an expression, through variables of the function."""
    found: set[str] = set()
    work, seen = [expression], set[str]()
    while work:
        for part in expressions(work.pop()):
            if isinstance(part, ir.Name) and part.name in needed:
                found.add(part.name)
            elif isinstance(part, ir.Name) and part.name not in seen:
                seen.add(part.name)
                value = value_of(function, part)
                if value is not part:
                    work.append(value)
    return found
