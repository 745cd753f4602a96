"""Is there room for what is written: in the table for one more entry, in the buffer for the end of the text?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeGuard

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import filled_names, made_by_library
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of, tops

__all__ = ["RULE"]

_ORDERS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_ALLOCATES: Final = frozenset({"malloc", "realloc", "alloca", "g_malloc", "xmalloc"})
_WRITERS: Final = frozenset(
    {
        "snprintf",
        "sprintf",
        "strcpy",
        "strncpy",
        "strlcpy",
        "memcpy",
        "memset",
        "fgets",
        "swprintf",
        "wcscpy",
        "wcsncpy",
    }
    | {
        "StringCchCopy",
        "StringCchCopyA",
        "StringCchCopyW",
        "StringCchPrintfW",
        "StringCchPrintfA",
        "lstrcpyW",
        "lstrcpyA",
    }
)
"""Functions that write where their first argument says."""

_BLOCK_COPIES: Final = frozenset({"memcpy", "memmove", "CopyMemory", "RtlCopyMemory", "wmemcpy"})
_LENGTHS: Final = frozenset({"strlen", "wcslen", "lstrlenA", "lstrlenW", "strnlen"})


@dataclass(frozen=True, slots=True)
class _Growth:
    """A place where a counter is the index of the next entry of an array of fixed size."""

    counter: str
    line: int
    function: ir.Function


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE)}
    for unit in facts.program.units:
        if unit.path in handling and unit.language in NATIVE:
            yield from _tables(rule, unit)
            yield from _told_by_library(rule, facts, unit)
            yield from _copied_by_count(rule, facts, unit)
            for function in unit.functions:
                yield from _terminators(rule, unit, function)
                yield from _allocations(rule, unit, function)


# Tables.


def _tables(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    fixed = {v.name for v in unit.variables if "[]" in v.type and "*" not in v.type.split("[]")[-1]}
    fixed |= {m.name for c in unit.classes for m in c.members if "[]" in m.type}
    compared = {name for function in unit.functions for name in _compared(function)}
    grown = {name for function in unit.functions for name in _incremented(function)}
    done = set()
    for function in unit.functions:
        for growth in _growths(function, fixed):
            if growth.counter in grown and growth.counter not in compared and growth.counter not in done:
                done.add(growth.counter)
                yield rule.no(
                    f"{growth.counter} counts the entries of a table of fixed size, and nothing compares it with the "
                    "size.",
                    Location.lines(unit.path, growth.line),
                    context=function.name,
                    condition=function.condition,
                )


def _told_by_library(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``for (i = 0; i < table->count; i++) own[i] = ...``: the library says how many there are, and nobody asks."""
    fixed = {v.name for v in unit.variables if "[]" in v.type} | {
        m.name for c in unit.classes for m in c.members if "[]" in m.type
    }
    foreign = filled_names(facts, unit)
    asked = {name for function in unit.functions for name in _limited(function)}
    for function in unit.functions:
        mine = foreign | made_by_library(facts, unit, function)
        for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
            counted = _counted(loop.condition, mine)
            if counted is None or counted[1] in asked:
                continue
            index, bound = counted
            for growth in _growths_in(loop.body, fixed, function):
                if growth.counter == index:
                    yield rule.no(
                        f"{bound} of the library says how many entries are written to a table of fixed size, and "
                        "nothing compares it with the size.",
                        Location.lines(unit.path, growth.line),
                        why=(FlowStep(Location.lines(unit.path, loop.line), "counted by the library", "taint"),),
                        context=function.name,
                        condition=function.condition,
                    )
                    break


def _copied_by_count(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``memcpy(own, d->entries, d->count * sizeof *own)``: the library says how much, and nothing compares it."""
    fixed = {v.name for v in unit.variables if "[]" in v.type} | {
        m.name for c in unit.classes for m in c.members if "[]" in m.type
    }
    asked = {name for function in unit.functions for name in _limited(function)}
    for function in unit.functions:
        copies = [
            call
            for call in calls_in(function.body)
            if call.name.removeprefix("std::") in _BLOCK_COPIES and len(call.arguments) >= len(("to", "from", "size"))
        ]
        foreign = made_by_library(facts, unit, function) if copies else set()
        compared = {e.name for e in _in_comparisons(function)} if copies else set()
        for call in copies:
            told = [e for e in _outside_sizeof(call.arguments[2]) if _is_of(e, foreign)]
            target = _fixed_target(call.arguments[0], fixed | _own_arrays(function))
            if target and told and told[0].name not in asked | compared:
                yield rule.no(
                    f"{told[0].name} of the library says how much is copied into {target}, which has a fixed size, and "
                    "nothing compares the two.",
                    Location.lines(unit.path, call.line),
                    context=function.name,
                    condition=function.condition,
                )


def _is_of(expression: ir.Expression, foreign: set[str]) -> TypeGuard[ir.Member | ir.Name]:
    """Whether an expression is a member of what a library gave, or a number that it gave."""
    if isinstance(expression, ir.Member):
        base = uncast(expression.base)
        return isinstance(base, ir.Name | ir.Member) and base.name in foreign
    return isinstance(expression, ir.Name) and expression.name in foreign


def _outside_sizeof(size: ir.Expression) -> list[ir.Expression]:
    """The parts of a size that are numbers; what ``sizeof`` is asked of is none."""
    parts = [*expressions(size)]
    asked = {id(p) for e in parts if isinstance(e, ir.Operation) and e.operator == "sizeof" for p in expressions(e)}
    return [e for e in parts if id(e) not in asked]


def _fixed_target(expression: ir.Expression, fixed: set[str]) -> str:
    """The array, or the variable or member whose address is taken; empty where the size is not that of a thing."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "address":
        inner = uncast(bare.operands[0])
        return inner.name if isinstance(inner, ir.Name | ir.Member) else ""
    return _word(bare) if _word(bare) in fixed else ""


def _own_arrays(function: ir.Function) -> set[str]:
    return {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name) and "[]" in s.type
    }


def _in_comparisons(function: ir.Function) -> Iterator[ir.Name]:
    """The variables that a function compares, or gives to something that limits them."""
    for part in every_expression(function.body):
        limits = isinstance(part, ir.Call) and part.name.rpartition("::")[2].lower() in {"min", "clamp"}
        if limits or (isinstance(part, ir.Operation) and part.operator in _ORDERS):
            yield from (e for e in expressions(part) if isinstance(e, ir.Name))


def _counted(condition: ir.Expression | None, foreign: set[str]) -> tuple[str, str] | None:
    """The index and the bound of a loop that goes on as long as a member of what came from a library says."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"<", "!=", "<="}:
        return None
    index, bound = (uncast(o) for o in bare.operands)
    inside = {e.name for e in expressions(bound) if isinstance(e, ir.Name | ir.Member)}
    if not isinstance(index, ir.Name) or not isinstance(bound, ir.Member) or not (inside - {bound.name}) & foreign:
        return None
    return index.name, bound.name


def _limited(function: ir.Function) -> Iterator[str]:
    """Members that something other than the head of a loop compares."""
    for statement in every_statement(function.body):
        for top in tops(statement):
            if isinstance(statement, ir.Loop) and top is statement.condition:
                continue
            for part in expressions(top):
                limits = isinstance(part, ir.Call) and part.name.rpartition("::")[2].lower() in {"min", "clamp"}
                if limits or (isinstance(part, ir.Operation) and part.operator in _ORDERS):
                    yield from (e.name for e in expressions(part) if isinstance(e, ir.Member))


def _word(expression: ir.Expression) -> str:
    """The variable or the member that an expression is; empty for anything else."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "post":
        bare = uncast(bare.operands[0])
    if isinstance(bare, ir.AssignmentExpression):
        bare = uncast(bare.target)
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


def _incremented(function: ir.Function) -> Iterator[str]:
    local = {p.name for p in function.parameters}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            local.add(statement.target.name)
    for expression in every_expression(function.body):
        if isinstance(expression, ir.AssignmentExpression) and expression.operator == "+":
            target = uncast(expression.target)
            if isinstance(target, ir.Member) or (isinstance(target, ir.Name) and target.name not in local):
                yield target.name
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.operator == "+" and _word(statement.target) not in local:
            yield _word(statement.target)


def _compared(function: ir.Function) -> Iterator[str]:
    """Counters that something compares with a limit; with zero is none, and a loop over the entries is none."""
    loops = {id(s.condition) for s in every_statement(function.body) if isinstance(s, ir.Loop)}
    for statement in every_statement(function.body):
        for top in tops(statement):
            for expression in expressions(top):
                if not isinstance(expression, ir.Operation) or expression.operator not in _ORDERS:
                    continue
                one, other = expression.operands
                for mine, limit in ((one, other), (other, one)):
                    bare = uncast(limit)
                    is_zero = isinstance(bare, ir.Literal) and not bare.value
                    walks = id(top) in loops and isinstance(bare, ir.Name) and mine is other
                    if not is_zero and not walks:
                        yield _word(mine)


def _growths(function: ir.Function, fixed: set[str]) -> Iterator[_Growth]:
    yield from _growths_in(function.body, fixed, function)


def _growths_in(block: ir.Block, fixed: set[str], function: ir.Function) -> Iterator[_Growth]:
    for statement in every_statement(block):
        for top in tops(statement):
            for expression in expressions(top):
                if (
                    isinstance(expression, ir.Item)
                    and _word(expression.base) in fixed
                    and (_is_written(expression, top))
                ):
                    counter = _word(expression.index)
                    if counter:
                        yield _Growth(counter, expression.line, function)


def _is_written(item: ir.Item, top: ir.Expression) -> bool:
    """Whether an entry is stored to, or its address is handed to something that fills it."""
    if item is top:
        return True
    for outer in expressions(top):
        if isinstance(outer, ir.AssignmentExpression) and uncast(outer.target) is item:
            return True
        if isinstance(outer, ir.Operation) and outer.operator == "address" and uncast(outer.operands[0]) is item:
            return any(isinstance(call, ir.Call) and outer in call.arguments for call in expressions(top))
        if isinstance(outer, ir.Call) and outer.name in _WRITERS and outer.arguments:
            return any(part is item for part in expressions(outer.arguments[0]))
    return False


# Ends of texts.


def _terminators(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``if (n > size) return; ... text[n] = 0``: one more than there is room for when n is the size."""
    limits = {p.name for p in function.parameters}
    loose: dict[str, int] = {}
    tight = set()
    for statement in every_statement(function.body):
        for part in parts_of(statement):
            if not isinstance(part, ir.Operation) or part.operator not in {">", ">="}:
                continue
            first, second = (uncast(o) for o in part.operands)
            if isinstance(first, ir.Name) and isinstance(second, ir.Name) and second.name in limits:
                if part.operator == ">":
                    loose.setdefault(first.name, part.line)
                else:
                    tight.add(first.name)
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign) or not isinstance(target := uncast(statement.target), ir.Item):
            continue
        index, value = uncast(target.index), uncast(statement.value)
        ends = isinstance(value, ir.Literal) and value.value in ("\0", 0)
        if ends and isinstance(index, ir.Name) and index.name in loose and index.name not in tight:
            yield rule.no(
                f"{index.name} may equal the size when the terminating NUL is written at line {statement.line}.",
                Location.lines(unit.path, statement.line),
                fix="Refuse a length that leaves no room for the terminating NUL: >= instead of >.",
                context=function.name,
                condition=function.condition,
            )


def _allocations(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``malloc(strlen(a) + strlen(b))``: no room for the end of the text."""
    for call in every_expression(function.body):
        if not isinstance(call, ir.Call) or call.name not in _ALLOCATES or not call.arguments:
            continue
        size = uncast(call.arguments[-1])
        terms = [uncast(t) for t in _terms(size)]
        lengths = [t for t in terms if isinstance(t, ir.Call) and t.name in _LENGTHS]
        if lengths and len(lengths) == len(terms):
            yield rule.no(
                f"{call.name} is given the length of a text; there is no room for the terminating NUL.",
                Location.lines(unit.path, call.line),
                cwe=131,
                fix="Add one for the terminating NUL, and one for every separator.",
                context=function.name,
                condition=function.condition,
            )


def _terms(expression: ir.Expression) -> Iterator[ir.Expression]:
    if isinstance(expression, ir.Operation) and expression.operator == "+":
        for operand in expression.operands:
            yield from _terms(uncast(operand))
    else:
        yield expression


RULE: Final = Rule(
    id="fixed-buffer-overflow",
    question="Is there room for what is written into tables and texts of fixed size?",
    practice=Practice.INPUT_VALIDATION,
    cwe=787,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="How many plugins there are, and how long their names, is decided by whoever puts them there.",
    fix="Compare the count with the size before the entry is written.",
    bad="table[count++] = dlopen(path, RTLD_NOW);\n",
    good="if (count == SIZE) return -1;\ntable[count++] = dlopen(path, RTLD_NOW);\n",
    references=(
        "https://cwe.mitre.org/data/definitions/787.html",
        "https://cwe.mitre.org/data/definitions/131.html",
        "https://cwe.mitre.org/data/definitions/129.html",
    ),
    answer=_answer,
)
