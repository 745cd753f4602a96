"""Does a load count change only atomically or under one lock?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.constant_conditions import types_in
from loadstone.review.rules.data_race import Shared, is_alone, is_count, shared_state
from loadstone.review.rules.interface_counts import (
    can_unload_blindly,
    handed_out_uncounted,
    kept_uncounted,
    plain_counters,
    read_after_delete,
)
from loadstone.review.rules.own_counts import OwnCounts
from loadstone.review.rules.places import ALL, NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _mixed(rule, facts)
    yield from _not_counted(rule, facts)
    yield from _handed_out(rule, facts)
    yield from _servers(rule, facts)
    yield from _kept_on_failure(rule, facts)
    yield from _own_counts(rule, facts)
    for shared in shared_state(facts):
        writes = [a for a in shared.accesses if a.is_write]
        if not is_count(shared.variable) or len({w.spot for w in writes}) < 2:
            continue
        held = [a for a in writes if a.locks] or [a for a in shared.accesses if a.locks]
        bare = [a for a in writes if not a.locks and a.spot not in {h.spot for h in held} and not _resets(a, shared)]
        bare = [a for a in bare if not _ends_owner(a, facts)]
        if held and bare:
            does, again = ("changes", "") if held[0].is_write else ("is read", "changes ")
            yield rule.no(
                (
                    f"{shared.variable} {does} at line {held[0].spot.line} under {held[0].locks[-1].lock} and {again}"
                    f"at line {bare[0].spot.line} under no lock."
                ),
                at(bare[0].spot),
                why=(
                    step(held[0].spot, f"{'changed' if held[0].is_write else 'read'} under a lock", "lock"),
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
        elif held and held[0].is_write:
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


def _handed_out(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An interface is given out and not counted."""
    for unit in (u for u in facts.program.units if u.language is ir.Language.CPP):
        for function in unit.functions:
            given = handed_out_uncounted(function)
            if given is not None:
                yield rule.no(
                    f"{last_word(function.name)} gives an interface out at line {given.line} without AddRef; its "
                    "first Release ends it while others use it.",
                    Location.lines(unit.path, given.line),
                    severity=Severity.MEDIUM,
                    fix="Call AddRef on what is given out.",
                    context=function.name,
                    condition=function.condition,
                )


def _servers(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Counts of COM servers and of the interfaces they keep."""
    for unit in (u for u in facts.program.units if u.language is ir.Language.CPP):
        for function, statement, name in kept_uncounted(unit):
            message = f"{name} keeps an interface without AddRef, and the destructor releases it: one Release too many."
            yield _counting(rule, unit, function, statement.line, message, 911)
        for function, line, name in plain_counters(unit):
            message = f"{name} is read, changed and written here; objects of the server do so in several threads."
            yield _counting(rule, unit, function, line, message, 366)
        blind = can_unload_blindly(unit)
        if blind is not None:
            message = (
                f"{last_word(blind[0].name)} agrees to be unloaded and does not ask {blind[1]}, which counts uses."
            )
            yield _counting(rule, unit, blind[0], blind[0].end_line - 1, message, 911)
        members = frozenset(m.name for c in unit.classes for m in c.members)
        for function in unit.functions:
            late = read_after_delete(function, members) if function.owner else None
            if late is not None:
                message = f"A member is read at line {late.line}, after the object may have deleted itself."
                yield _counting(rule, unit, function, late.line, message, 416)


def _counting(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, message: str, cwe: int) -> Claim:
    return rule.no(
        message,
        Location.lines(unit.path, line),
        cwe=cwe,
        severity=Severity.MEDIUM,
        context=function.name,
        condition=function.condition,
    )


def _kept_on_failure(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A use is counted, what was to follow fails, and the function gives nothing out with the count still raised."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        lowered = {n for f in unit.functions for t, _ in _lowers(f) if is_count(n := _counted(t))}
        raising = {
            last_word(f.name): _counted(t)
            for f in unit.functions
            if f.local and _gives_something(f)
            for t, _ in _raises(f)
            if _counted(t) in lowered
        }
        lowering = {last_word(f.name) for f in unit.functions if any(_counted(t) in lowered for t, _ in _lowers(f))}
        for function in unit.functions if lowered else ():
            raised = [(_counted(t), line) for t, line in _raises(function) if _counted(t) in lowered]
            raised += [
                (raising[word], call.line)
                for call in calls_in(function.body)
                if (word := last_word(call.name)) in raising and word != last_word(function.name)
            ]
            if len(raised) != 1 or not _gives_something(function) or _leaves_behind(function, raised[0][1]):
                continue
            count, line = raised[0]
            for left in _failures_after(function, line):
                block = left[0]
                back = {last_word(c.name) for c in calls_in(block)} & lowering
                if back or any(_counted(t) == count for t, _ in _lowers_in(block)):
                    continue
                place = Location.lines(unit.path, left[1].line)
                yield rule.no(
                    f"{count} is raised at line {line}; the function fails at line {left[1].line} and leaves it so, "
                    "and what it counts is never closed.",
                    place,
                    severity=Severity.MEDIUM,
                    fix=f"Lower {count} on this way out too.",
                    why=(
                        FlowStep(Location.lines(unit.path, line), "counted", "acquire"),
                        FlowStep(place, "left with the count raised", "use"),
                    ),
                    context=function.name,
                    condition=function.condition,
                )


def _own_counts(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A use of an object that the file counts itself stays counted, and its library is never closed."""
    for unit in (u for u in facts.program.units if u.language is ir.Language.C):
        for kept in OwnCounts(facts, unit).kept():
            counted, lost = (Location.lines(unit.path, n) for n in (kept.counted, kept.lost))
            how = "is overwritten" if kept.is_overwritten else "is left counted"
            yield rule.no(
                f"{kept.name} {how} at line {kept.lost}: nothing gives the use back, and its library is never closed.",
                lost,
                severity=Severity.MEDIUM,
                fix="Give the use back on this way out too.",
                why=(FlowStep(counted, "counted", "acquire"), FlowStep(lost, "not given back", "use")),
                context=kept.function.name,
                condition=kept.function.condition,
            )


def _leaves_behind(function: ir.Function, line: int) -> bool:
    """Whether the block that a line stands in leaves the function: what comes after it is another way."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If):
            for block in (statement.then, statement.otherwise):
                last = block.body[-1] if block is not None and block.body else None
                inside = block is not None and any(s.line == line for s in every_statement(block))
                if inside and isinstance(last, ir.Return | ir.Raise | ir.Jump):
                    return True
    return False


def _gives_something(function: ir.Function) -> bool:
    """Whether a function gives something that is no constant on some way out: an object, and null when it fails."""
    given = (s.value for s in every_statement(function.body) if isinstance(s, ir.Return) and s.value is not None)
    return any(not isinstance(uncast(v), ir.Literal) for v in given)


def _failures_after(function: ir.Function, line: int) -> Iterator[tuple[ir.Block, ir.Return]]:
    """Blocks behind a line that end in giving null, at the top of a function: they are reached with all before done."""
    top = [s for s in function.body.body if isinstance(s, ir.If) and s.line > line]
    for statement in top:
        last = statement.then.body[-1] if statement.then.body else None
        value = uncast(last.value) if isinstance(last, ir.Return) and last.value is not None else None
        if isinstance(last, ir.Return) and isinstance(value, ir.Literal) and value.value is None:
            condition = uncast(statement.condition)
            asked = {e.name for e in expressions(condition) if isinstance(e, ir.Member)}
            made = {
                target.name
                for s in function.body.body
                if isinstance(s, ir.Assign)
                and line < s.line < statement.line
                and isinstance(uncast(s.value), ir.Call)
                and isinstance(target := uncast(s.target), ir.Member | ir.Name)
            }
            names = asked | {e.name for e in expressions(condition) if isinstance(e, ir.Name)}
            if names & made:
                yield statement.then, last


def _raises(function: ir.Function) -> Iterator[tuple[ir.Expression, int]]:
    return ((s.target, s.line) for s in stores_in(function.body) if s.operator == "+")


def _lowers(function: ir.Function) -> Iterator[tuple[ir.Expression, int]]:
    return _lowers_in(function.body)


def _lowers_in(block: ir.Block) -> Iterator[tuple[ir.Expression, int]]:
    return ((s.target, s.line) for s in stores_in(block) if s.operator == "-")


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
                if name in atomic and not _is_new(function, target):
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


_MAKES: Final = re.compile(r"(?i)alloc|(?:^|_)new|slice_new|create")


def _is_new(function: ir.Function, target: ir.Expression) -> bool:
    """Whether a count is in an object that the function has just made: nobody else has it yet."""
    bare = uncast(target)
    base = uncast(bare.base) if isinstance(bare, ir.Member) else None
    if not isinstance(base, ir.Name):
        return False
    given = [
        uncast(s.value)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.target.name == base.name
    ]
    made = [value for value in given if isinstance(value, ir.Call)]
    rest = [value for value in given if value is not None and not isinstance(value, ir.Call | ir.Literal)]
    return bool(made) and not rest and all(_MAKES.search(last_word(value.name)) for value in made)


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
            counts = (_raised(function.body) & lowered) - _own_variables(function)
            if not made or not counts:
                continue
            given_out = _given_out(function, made) if _gives_objects(function, facts) else ()
            for block, given in (*given_out, *_agreed_again(function, made)):
                called = {last_word(c.name) for c in calls_in(block)}
                if _raised(block) & lowered or called & raising:
                    continue
                place = Location.lines(unit.path, given.line)
                count = min(counts)
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


def _own_variables(function: ir.Function) -> set[str]:
    """The variables of one call, which count nothing for anybody else."""
    return {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and not s.static and isinstance(s.target, ir.Name)
    }


def _gives_objects(function: ir.Function, facts: Facts) -> bool:
    """Whether a function gives out what it makes, rather than a status: by its type."""
    types = types_in(function)
    made = {
        types.get(s.target.name, "")
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name)
        if isinstance(value := uncast(s.value), ir.Call) and _makes(value, facts)
    }
    return "*" in function.returns or base_type(function.returns) in {base_type(one) for one in made}


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


def _agreed_again(function: ir.Function, made: int) -> Iterator[tuple[ir.Block, ir.Return]]:
    """``if ((entry = find(name)) != NULL) return 0;``: as good as a new one for the caller, before one is made."""
    good = {
        s.value.value
        for s in function.body.body[-1:]
        if isinstance(s, ir.Return) and isinstance(s.value, ir.Literal) and s.value.value is not None
    }
    found = {
        place_named(s.target)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and isinstance(uncast(s.value), ir.Call) and s.line < made
    }
    for statement in function.body.body:
        last = statement.then.body[-1] if isinstance(statement, ir.If) and statement.then.body else None
        if not isinstance(statement, ir.If) or not isinstance(last, ir.Return) or last.line >= made:
            continue
        value = uncast(last.value) if last.value is not None else None
        if isinstance(value, ir.Literal) and value.value in good and _is_there(statement.condition, found):
            yield statement.then, last


def _is_there(condition: ir.Expression, found: set[str]) -> bool:
    """``entry``, ``entry != NULL``, ``(entry = find(name)) != NULL``: what a search gave is there."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator == "!=":
        literals = [o for o in bare.operands if isinstance(o, ir.Literal) and o.value is None]
        bare = uncast(next((o for o in bare.operands if o not in literals), None)) if literals else bare
    if isinstance(bare, ir.AssignmentExpression):
        return isinstance(uncast(bare.value), ir.Call)
    return isinstance(bare, ir.Name) and bare.name in found


def _root(value: ir.Expression | None) -> str:
    while isinstance(value, ir.Member | ir.Item | ir.Cast):
        value = value.operand if isinstance(value, ir.Cast) else value.base
    return value.name if isinstance(value, ir.Name) else ""


def _resets(access: Access, shared: Shared) -> bool:
    """A count set to a number where everything is set up or taken down."""
    return access.holds == "constant" and is_alone(access, shared)


def _ends_owner(access: Access, facts: Facts) -> bool:
    """Whether the function frees the object whose count it sets: nobody else may have it by then."""
    spot = access.spot
    owners = [f for u in facts.program.units if u.path == spot.path for f in u.functions if f.name == spot.function]
    for function in owners if access.holds == "constant" else ():
        given = {p.name for p in function.parameters if "*" in p.type}
        for call in calls_in(function.body):
            api = facts.apis.get(call.name)
            frees = (api is not None and api.role is ApiRole.FREE) or last_word(call.name).lower().endswith("free")
            if frees and any(isinstance(a := uncast(one), ir.Name) and a.name in given for one in call.arguments):
                return True
    return False


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
