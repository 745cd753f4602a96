"""Is there room for what is written: in the table for one more entry, in the buffer for the end of the text?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final, TypeGuard

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import is_constant, measures_text, terms, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.identities import NamesInSight, Thing, is_among, names_in_sight
from loadstone.review.rules.lookups import filled_names, made_by_library, word
from loadstone.review.rules.mistaken_sizes import mistaken_sizes
from loadstone.review.rules.number_claims import numbers_that_write
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.room_walk import out_of_room
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

_ASKS_ROOM: Final = re.compile(r"(?i)full|room|fit|limit|bound|check|valid|space|max")
"""Names of tests and macros that say whether there is room: ``if (IS_FULL(table, used))``."""

_BLOCK_COPIES: Final = frozenset({"memcpy", "memmove", "CopyMemory", "RtlCopyMemory", "wmemcpy"})


@dataclass(frozen=True, slots=True)
class _Growth:
    """A place where a counter is the index of the next entry of an array of fixed size."""

    counter: Thing
    line: int
    function: ir.Function


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    told: set[tuple[str, int]] = set()
    for claim in _by_form(rule, facts):
        told.add((claim.location.path, claim.location.start))
        yield claim
    blocks: set[tuple[str, int, str]] = set()
    for unit, function, out in out_of_room(facts):
        block = (unit.path, out.made, out.message)
        if not told & {(unit.path, out.line), (unit.path, out.made)} and block not in blocks:  # one cause is told once
            blocks |= {block} if out.made else set()
            yield rule.no(
                out.message,
                Location.lines(unit.path, out.line),
                cwe=out.cwe,
                fix=out.fix,
                context=function.name,
                condition=function.condition,
            )


def _by_form(rule: Rule, facts: Facts) -> Iterator[Claim]:
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE)}
    for unit in facts.program.units:
        if unit.path in handling and unit.language in NATIVE:
            scopes = [names_in_sight(facts.program, unit, function) for function in unit.functions]
            yield from _tables(rule, unit, scopes)
            yield from _told_by_library(rule, facts, unit, scopes)
            yield from _copied_by_count(rule, facts, unit, scopes)
            for scope in scopes:
                for size in mistaken_sizes(scope):
                    place = Location.lines(unit.path, size.line)
                    yield rule.no(size.message, place, cwe=size.cwe, fix=size.fix, context=scope.function.name)
            for function in unit.functions:
                yield from _terminators(rule, unit, function)
                yield from _allocations(rule, unit, function)
    yield from numbers_that_write(rule, facts)


# Tables.


def _tables(rule: Rule, unit: ir.Unit, scopes: list[NamesInSight]) -> Iterator[Claim]:
    compared = {thing for scope in scopes for thing in _compared(scope)}
    grown = {thing for scope in scopes for thing in _incremented(scope)}
    done: set[Thing] = set()
    for scope in scopes:
        function = scope.function
        bounded = _in_bounded_loops(scope)
        for growth in _growths_in(function.body, scope):
            counter = growth.counter
            if is_among(counter, grown) and not is_among(counter, compared | done) and growth.line not in bounded:
                done.add(counter)
                yield rule.no(
                    f"{counter.name} counts the entries of a table of fixed size, and nothing compares it with the "
                    "size.",
                    Location.lines(unit.path, growth.line),
                    context=function.name,
                    condition=function.condition,
                )


def _in_bounded_loops(scope: NamesInSight) -> set[int]:
    """The lines in loops that go on as often as the text says: up to a constant, or over a table of the program."""
    body = scope.function.body
    tables = {v.name for v in scope.unit.variables if isinstance(uncast(v.value), ir.Display)}
    stores = [(word(target), value) for target, _, value, _ in stores_in(scope.function.body)]
    tables |= {name for name, value in stores if isinstance(uncast(value), ir.Display)}
    tables |= {name for name, value in stores if word(value) in tables}  # for (p = names; *p != NULL; p++)
    tables.discard("")
    found: set[int] = set()
    for loop in (s for s in every_statement(body) if isinstance(s, ir.Loop)):
        named = {e.name for e in expressions(loop.condition) if isinstance(e, ir.Name)}
        if _counts_to_constant(loop.condition) or named & tables:
            found |= {*range(loop.line, loop.body.end_line + 1)}
    return found


def _counts_to_constant(condition: ir.Expression | None) -> bool:
    """``i < COUNT``, also with more that has to hold."""
    match uncast(condition):
        case ir.Operation(operator="&&", operands=operands):
            return any(map(_counts_to_constant, operands))
        case ir.Operation(operator="<" | "<=" | "!=", operands=(index, limit)):
            return isinstance(uncast(index), ir.Name) and is_constant(limit)
    return False


def _told_by_library(rule: Rule, facts: Facts, unit: ir.Unit, scopes: list[NamesInSight]) -> Iterator[Claim]:
    """``for (i = 0; i < table->count; i++) own[i] = ...``: the library says how many there are, and nobody asks."""
    foreign = filled_names(facts, unit)
    asked = {thing for scope in scopes for thing in _limited(scope)}
    for scope in scopes:
        function = scope.function
        mine = foreign | made_by_library(facts, unit, function)
        for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
            counted = _counted(loop.condition, mine)
            bound = scope.thing(counted[1]) if counted is not None else None
            if counted is None or bound is None or is_among(bound, asked):
                continue
            for growth in _growths_in(loop.body, scope):
                if growth.counter.name == counted[0]:
                    yield rule.no(
                        f"{bound.name} of the library says how many entries are written to a table of fixed size, and "
                        "nothing compares it with the size.",
                        Location.lines(unit.path, growth.line),
                        why=(FlowStep(Location.lines(unit.path, loop.line), "counted by the library", "taint"),),
                        context=function.name,
                        condition=function.condition,
                    )
                    break


def _copied_by_count(rule: Rule, facts: Facts, unit: ir.Unit, scopes: list[NamesInSight]) -> Iterator[Claim]:
    """``memcpy(own, d->entries, d->count * sizeof *own)``: the library says how much, and nothing compares it."""
    asked = {thing for scope in scopes for thing in _limited(scope)}
    for scope in scopes:
        function = scope.function
        copies = [
            call
            for call in calls_in(function.body)
            if call.name.removeprefix("std::") in _BLOCK_COPIES and len(call.arguments) >= len(("to", "from", "size"))
        ]
        foreign = made_by_library(facts, unit, function) if copies else set()
        compared = {e.name for e in _in_comparisons(function)} if copies else set()
        for call in copies:
            told = [e for e in _outside_sizeof(call.arguments[2]) if _is_of(e, foreign)]
            target = _fixed_target(call.arguments[0], scope)
            much = scope.thing(told[0]) if told else None
            if target and much is not None and much.name not in compared and not is_among(much, asked):
                yield rule.no(
                    f"{much.name} of the library says how much is copied into {target}, which has a fixed size, and "
                    "nothing compares the two.",
                    Location.lines(unit.path, call.line),
                    context=function.name,
                    condition=function.condition,
                )


def _is_of(expression: ir.Expression, foreign: AbstractSet[str]) -> TypeGuard[ir.Member | ir.Name]:
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


def _fixed_target(expression: ir.Expression, scope: NamesInSight) -> str:
    """The array, or the variable or member whose address is taken; empty where the size is not that of a thing."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "address":
        inner = uncast(bare.operands[0])
        return inner.name if isinstance(inner, ir.Name | ir.Member) else ""
    return word(bare) if scope.is_array(bare) else ""


def _in_comparisons(function: ir.Function) -> Iterator[ir.Name]:
    """The variables that a function compares, or gives to something that limits them."""
    for part in every_expression(function.body):
        limits = isinstance(part, ir.Call) and part.name.rpartition("::")[2].lower() in {"min", "clamp"}
        if limits or (isinstance(part, ir.Operation) and part.operator in _ORDERS):
            yield from (e for e in expressions(part) if isinstance(e, ir.Name))


def _counted(condition: ir.Expression | None, foreign: AbstractSet[str]) -> tuple[str, ir.Member] | None:
    """The index and the bound of a loop that goes on as long as a member of what came from a library says."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"<", "!=", "<="}:
        return None
    index, bound = (uncast(o) for o in bare.operands)
    inside = {e.name for e in expressions(bound) if isinstance(e, ir.Name | ir.Member)}
    if not isinstance(index, ir.Name) or not isinstance(bound, ir.Member) or not (inside - {bound.name}) & foreign:
        return None
    return index.name, bound


def _limited(scope: NamesInSight) -> Iterator[Thing]:
    """Members that something other than the head of a loop compares."""
    for statement in every_statement(scope.function.body):
        for top in tops(statement):
            if isinstance(statement, ir.Loop) and top is statement.condition:
                continue
            for part in expressions(top):
                limits = isinstance(part, ir.Call) and part.name.rpartition("::")[2].lower() in {"min", "clamp"}
                if limits or (isinstance(part, ir.Operation) and part.operator in _ORDERS):
                    members = (scope.thing(e) for e in expressions(part) if isinstance(e, ir.Member))
                    yield from (thing for thing in members if thing is not None)


def _incremented(scope: NamesInSight) -> Iterator[Thing]:
    """What is added to and outlives the call."""
    things = (scope.thing(target) for target, operator, *_ in stores_in(scope.function.body) if operator == "+")
    yield from (thing for thing in things if thing is not None and not scope.is_local(thing))


def _compared(scope: NamesInSight) -> Iterator[Thing]:
    """Counters that something compares with a limit, themselves or as a copy, or brings back to it by ``%``.

    A comparison with zero is none, and that of a loop over the entries is none.
    """
    found: set[Thing] = set()
    for statement in every_statement(scope.function.body):
        condition = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        head = condition if isinstance(statement, ir.Loop) else None
        for top in tops(statement):
            for part in expressions(top):
                asked = [*_limited_by(part, is_head=top is head)]
                if top is condition and isinstance(part, ir.Call) and _ASKS_ROOM.search(part.name):
                    asked += part.arguments
                found |= {t for o in asked if (t := scope.thing(o)) is not None}
    stores = stores_in(scope.function.body)
    found |= {t for target, operator, *_ in stores if operator in {"%", "&"} and (t := scope.thing(target)) is not None}
    copied = [(scope.thing(target), scope.thing(value)) for target, operator, value, _ in stores if not operator]
    yield from found
    yield from (original for copy, original in copied if copy in found and original is not None)


def _limited_by(part: ir.Expression, *, is_head: bool) -> Iterator[ir.Expression]:
    """The operands that an expression compares with a limit."""
    if isinstance(part, ir.Operation) and part.operator in _ORDERS and len(part.operands) > 1:
        one, other = part.operands
        for mine, limit in ((one, other), (other, one)):
            bare = uncast(limit)
            is_zero = isinstance(bare, ir.Literal) and not bare.value
            walks = is_head and isinstance(bare, ir.Name) and mine is other
            if not is_zero and not walks:
                yield from _summands(mine)


def _summands(expression: ir.Expression) -> Iterator[ir.Expression]:
    """The parts of a sum or a difference: ``SIZE - used``, ``used + more``."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator in {"+", "-"}:
        for operand in bare.operands:
            yield from _summands(operand)
    else:
        yield bare


def _growths_in(block: ir.Block, scope: NamesInSight) -> Iterator[_Growth]:
    for statement in every_statement(block):
        for top in tops(statement):
            for expression in expressions(top):
                if isinstance(expression, ir.Item) and scope.is_array(expression.base) and _is_written(expression, top):
                    counter = scope.thing(expression.index)
                    if counter is not None:
                        yield _Growth(counter, expression.line, scope.function)


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
        added = [*terms(call.arguments[-1])]
        lengths = [t for t in added if isinstance(t, ir.Call) and measures_text(t.name)]
        if lengths and len(lengths) == len(added) and not _leaves_out(function, lengths):
            yield rule.no(
                f"{call.name} is given the length of a text; there is no room for the terminating NUL.",
                Location.lines(unit.path, call.line),
                cwe=131,
                fix="Add one for the terminating NUL, and one for every separator.",
                context=function.name,
                condition=function.condition,
            )


def _leaves_out(function: ir.Function, lengths: list[ir.Call]) -> bool:
    """Whether a measured text is put in without its beginning: ``sprintf(url, "%s%s", host, path + 1)``."""
    measured = {word(argument) for length in lengths for argument in length.arguments[:1]} - {""}
    added = (uncast(a) for call in calls_in(function.body) if call not in lengths for a in call.arguments)
    return any(
        isinstance(a, ir.Operation)
        and a.operator == "+"
        and word(a.operands[0]) in measured
        and isinstance(uncast(a.operands[-1]), ir.Literal)
        for a in added
    )


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
