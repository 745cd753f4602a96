"""Does a load count change only atomically or under one lock?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.data_race import Shared, is_alone, is_count, shared_state
from loadstone.review.rules.places import ALL, NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _mixed(rule, facts)
    yield from _not_counted(rule, facts)
    for shared in shared_state(facts):
        writes = [a for a in shared.accesses if a.is_write]
        if not is_count(shared.variable) or len({w.spot for w in writes}) < 2:
            continue
        held = [a for a in writes if a.locks]
        bare = [a for a in writes if not a.locks and a.spot not in {h.spot for h in held} and not _resets(a, shared)]
        if held and bare:
            yield rule.no(
                (
                    f"{shared.variable} changes at line {held[0].spot.line} under "
                    f"{held[0].locks[-1].lock} and at line {bare[0].spot.line} under no lock."
                ),
                at(bare[0].spot),
                why=(
                    step(held[0].spot, "changed under a lock", "lock"),
                    step(bare[0].spot, "changed under none", "use"),
                ),
                context=bare[0].spot.function,
            )
        elif bare and any(t.path == shared.unit.path for t in facts.threads):
            yield rule.no(
                (
                    f"{shared.variable} is changed at lines "
                    f"{resolve_lines(a.spot for a in bare)} with no lock and is not atomic, though there are "
                    f"threads."
                ),
                at(bare[-1].spot),
                context=bare[-1].spot.function,
            )
        elif held:
            yield rule.yes(
                (
                    f"Every change of {shared.variable} is made under "
                    f"{held[0].locks[-1].lock} (lines {resolve_lines(a.spot for a in held)})"
                ),
                at(held[0].spot),
                met=len({a.spot for a in held}),
                sites=len({a.spot for a in held}),
                context=held[0].spot.function,
            )


_STEPS: Final = re.compile(
    r"(?:\A|_)Interlocked(?:Increment|Decrement|ExchangeAdd|Add)|\A__sync_(?:fetch_and|add|sub)|\A__atomic_(?:fetch_)?(?:add|sub)"
    r"|\Ag_atomic_int_(?:inc|dec|add)|\Aapr_atomic_(?:inc|dec|add)|\ASDL_Atomic"
)
"""Functions that change a number in one step. Source: their manual pages."""


def _mixed(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """One function changes a count in one step, another reads, adds and writes."""
    for unit in facts.program.units:
        if unit.language not in NATIVE:
            continue
        atomic: dict[str, int] = {}
        for function in unit.functions:
            for call in calls_in(function.body):
                if _STEPS.search(call.name) and call.arguments and (name := _counted(call.arguments[0])):
                    atomic.setdefault(name, call.line)
        for function in unit.functions if atomic else ():
            for target, line in _changes(function):
                name = _counted(target)
                if name in atomic:
                    place = Location.lines(unit.path, line)
                    yield rule.no(
                        f"{name} is changed in one step at line {atomic[name]}, and read, changed and written here; "
                        "two threads lose one of their steps.",
                        place,
                        cwe=366,
                        severity=Severity.MEDIUM,
                        why=(
                            FlowStep(Location.lines(unit.path, atomic[name]), "changed in one step", "lock"),
                            FlowStep(place, "read, changed and written", "use"),
                        ),
                        context=function.name,
                        condition=function.condition,
                    )


def _counted(expression: ir.Expression) -> str:
    """The variable or member a count is."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator in {"address", "post"} and bare.operands:
        bare = uncast(bare.operands[0])
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


def _changes(function: ir.Function) -> Iterator[tuple[ir.Expression, int]]:
    """What a function changes by adding to it, and where."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.operator in {"+", "-"}:
            yield statement.target, statement.line
    for expression in every_expression(function.body):
        if isinstance(expression, ir.AssignmentExpression) and expression.operator in {"+", "-"}:
            yield expression.target, expression.line


def _not_counted(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What a function makes it gives out with a count of one; what is there already it gives out without counting."""
    for unit in facts.program.units:
        if unit.language not in NATIVE:
            continue
        lowered = {name for f in unit.functions for t, _ in _changes(f) if is_count(name := _counted(t)) and _asks(f)}
        raising = {last_word(f.name) for f in unit.functions if _raised(f.body) & lowered}
        for function in unit.functions if lowered else ():
            made = min((c.line for c in calls_in(function.body) if _makes(c, facts)), default=0)
            if not made or not _raised(function.body) & lowered:
                continue
            for block, given in _given_out(function, made):
                called = {last_word(c.name) for c in calls_in(block)}
                if _raised(block) & lowered or called & raising:
                    continue
                place = Location.lines(unit.path, given.line)
                count = next(iter(_raised(function.body) & lowered))
                yield rule.no(
                    f"What is there already is given out at line {given.line} without counting it in {count}; the "
                    "first to give it back closes it for all.",
                    place,
                    severity=Severity.MEDIUM,
                    fix=f"Raise {count} on this way out too.",
                    why=(
                        FlowStep(place, "given out again", "use"),
                        FlowStep(Location.lines(unit.path, made), "made and counted", "acquire"),
                    ),
                    context=function.name,
                    condition=function.condition,
                )


def _makes(call: ir.Call, facts: Facts) -> bool:
    api = facts.apis.get(call.name)
    return api is not None and api.role in {ApiRole.LOAD, ApiRole.ALLOCATE}


def _asks(function: ir.Function) -> bool:
    """Whether a function tests what is left."""
    return any(isinstance(s, ir.If) for s in every_statement(function.body))


def _raised(block: ir.Block) -> set[str]:
    """Counts that a block raises, or sets to a number."""
    found = set()
    for statement in every_statement(block):
        if isinstance(statement, ir.Assign) and (
            statement.operator == "+" or isinstance(uncast(statement.value), ir.Literal)
        ):
            value = uncast(statement.value)
            if statement.operator == "+" or (isinstance(value, ir.Literal) and value.value == 1):
                found.add(_counted(statement.target))
    for expression in every_expression(block):
        if isinstance(expression, ir.AssignmentExpression) and expression.operator == "+":
            found.add(_counted(expression.target))
        elif isinstance(expression, ir.Call) and _STEPS.search(expression.name) and expression.arguments:
            found.add(_counted(expression.arguments[0]))
    return {name for name in found if is_count(name)}


def _given_out(function: ir.Function, made: int) -> Iterator[tuple[ir.Block, ir.Return]]:
    """Returns of something found, before the line at which a new one is made: the block each stands in."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.If):
            continue
        last = statement.then.body[-1] if statement.then.body else None
        if not isinstance(last, ir.Return) or last.line >= made:
            continue
        value = uncast(last.value) if last.value is not None else None
        named = _root(value)
        asked = {e.name for e in expressions(statement.condition) if isinstance(e, ir.Name)}
        negated = isinstance(statement.condition, ir.Operation) and statement.condition.operator in {"!", "||"}
        if named and named in asked and not negated:
            yield statement.then, last


def _root(value: ir.Expression | None) -> str:
    while isinstance(value, ir.Member | ir.Item | ir.Cast):
        value = value.operand if isinstance(value, ir.Cast) else value.base
    return value.name if isinstance(value, ir.Name) else ""


def _resets(access: Access, shared: Shared) -> bool:
    """A count set to a number where everything is set up or taken down."""
    return access.holds == "constant" and is_alone(access, shared)


RULE: Final = Rule(
    id="refcount-race",
    question="Does a load count change only atomically or under one lock?",
    practice=Practice.LOCKING,
    cwe=911,
    severity=Severity.HIGH,
    languages=ALL,
    why="Two threads that count at once lose one count: the library is closed while it is in use, or never.",
    fix="The same lock or an atomic at every change.",
    bad="if (--lib->refs == 0) dlclose(lib->handle);\n",
    good="if (atomic_fetch_sub(&lib->refs, 1) == 1) dlclose(lib->handle);\n",
    references=("https://cwe.mitre.org/data/definitions/911.html",),
    answer=_answer,
)
