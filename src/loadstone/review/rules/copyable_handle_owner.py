"""Does a class that closes a library in its destructor refuse to be copied?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.ir import (
    Assign,
    AssignmentExpression,
    Call,
    Class,
    Expression,
    Function,
    Language,
    Literal,
    Member,
    Name,
    Unit,
)
from loadstone.review.rules.places import at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_OWNERS: Final = ("unique_ptr", "shared_ptr", "QScopedPointer", "optional")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not Language.CPP:
            continue
        for one in unit.classes:
            destructor = next((f for f in unit.functions if f.name == f"{one.name}::~{one.name}"), None)
            closes = _closing_line(destructor, unit) if destructor is not None else 0
            members = [m for m in one.members if "*" in m.type or m.type in {"HMODULE", "HINSTANCE", "GModule *"}]
            if not closes or not members or _counts_itself(unit, one):
                continue
            yield from _moved(rule, unit, one, members[0].name, closes)
            if not (_holds_one(unit, one) or _is_used_uncopied(unit, one)):  # nothing could or does copy one
                yield _judged(rule, unit, one, members[0].name, closes, _copies(unit, one))


def _closing_line(destructor: Function, unit: Unit) -> int:
    known = tables()
    methods = {f.name: f for f in unit.functions}
    for call in calls_in(destructor.body):
        api = known.get(call.name)
        if api is not None and api.role is ApiRole.UNLOAD:
            return call.line
        inner = methods.get(call.name) or methods.get(f"{destructor.owner}::{call.name}")
        if inner is not None and inner is not destructor:
            for deeper in calls_in(inner.body):
                found = known.get(deeper.name)
                if found is not None and found.role is ApiRole.UNLOAD:
                    return call.line
    return 0


def _counts_itself(unit: Unit, one: Class) -> bool:
    """``delete this``: objects of the class are shared by their count, and nobody has one by value."""
    calls = (c for f in unit.functions if f.owner == one.name for c in calls_in(f.body) if c.name == "delete")
    return any(isinstance(a, Name) and a.name == "this" for c in calls for a in c.arguments)


def _is_used_uncopied(unit: Unit, one: Class) -> bool:
    """Whether the file makes objects of the class, and nothing in it takes, gives, keeps or makes a copy of one."""
    name = rf"(?:\w+::)*{re.escape(one.name)}"
    whole = re.compile(rf"(?:static |const )*{name}\Z")
    members = [m.type for c in unit.classes for m in c.members] + [v.type for v in unit.variables]
    made = re.search(rf"\b(?:make_unique|make_shared|QSharedPointer)\s*<\s*{name}\s*>|\bnew\s+{name}\b", unit.text)
    declared = [
        s for f in unit.functions for s in every_statement(f.body)
        if isinstance(s, Assign) and s.declares and whole.match(s.type)
    ]  # fmt: skip
    given = [t for f in unit.functions for t in (f.returns, *(p.type for p in f.parameters)) if whole.match(t)]
    kept = re.search(rf"[<,]\s*{name}\s*>", re.sub(r"(?:_ptr|Pointer|make_\w+)\s*<[^<>]*>", "", unit.text))
    copied = [s for s in declared if isinstance(uncast(s.value), Name | Member)]
    return bool(made or declared or any(map(whole.match, members))) and not (given or kept or copied)


def _holds_one(unit: Unit, one: Class) -> bool:
    """Whether a member is of a class of the file that cannot be copied."""
    fixed = {c.name for c in unit.classes if c.copyable is False}
    return any(base_type(m.type) in fixed and "*" not in m.type and "&" not in m.type for m in one.members)


def _moved(rule: Rule, unit: Unit, one: Class, member: str, closes: int) -> Iterator[Claim]:
    """A move that leaves the handle in the object it moved from: both close it. The compiler's own move does that."""
    spelled = re.search(rf"\b{one.name}\s*\(\s*{one.name}\s*&&[^)]*\)\s*(?:noexcept\s*)?=\s*default", unit.text)
    line = unit.text.count("\n", 0, spelled.start()) + 1 if spelled else 0
    moves = [f for f in unit.functions if f.owner == one.name and _takes_other(f, one.name)]
    kept = next((found for f in moves if not _gives_up(f, member) and (found := _taken(f, member))), 0)
    line = kept or line
    if line:
        spot = Spot(unit.path, line, one.name)
        yield rule.no(
            f"{one.name} moves {member} and leaves it in the object moved from, whose destructor closes it again "
            f"(line {closes}).",
            at(spot),
            severity=Severity.MEDIUM,
            fix="Set the other object's handle to null: std::exchange(other.handle, nullptr).",
            why=(
                step(spot, "the handle is copied", "acquire"),
                step(Spot(unit.path, closes, one.name), "closed", "release"),
            ),
            context=one.name,
        )


def _takes_other(function: Function, name: str) -> bool:
    """Whether a function is the constructor or the assignment that moves from another object."""
    given = function.parameters
    word = last_word(function.name)
    return (
        word in {name, "operator="}
        and len(given) == 1
        and "const" not in given[0].type
        and re.fullmatch(rf"(?:\w+::)*{re.escape(name)}\s*&+", given[0].type) is not None
    )


def _taken(function: Function, member: str) -> int:
    """The line that takes the other object's handle; 0 where nothing does."""
    other = function.parameters[0].name
    return next((e.line for e in every_expression(function.body) if _is_of(e, other, member)), 0)


def _is_of(expression: Expression, other: str, member: str) -> bool:
    base = expression.base if isinstance(expression, Member) and expression.name == member else None
    return isinstance(base, Name) and base.name == other


def _gives_up(function: Function, member: str) -> bool:
    """Whether the other object's handle is set, exchanged or swapped."""
    other = function.parameters[0].name
    for statement in every_statement(function.body):
        if isinstance(statement, Assign) and _is_of(uncast(statement.target), other, member):
            return True
    for expression in every_expression(function.body):
        if isinstance(expression, AssignmentExpression) and _is_of(uncast(expression.target), other, member):
            return True
        if isinstance(expression, Call) and last_word(expression.name) in {
            "exchange",
            "swap",
            "release",
            "reset",
            "take",
        }:
            given = (*expression.arguments, *((expression.receiver,) if expression.receiver is not None else ()))
            parts = [p for argument in given for p in expressions(argument)]
            if any(isinstance(p, Name) and p.name == other for p in parts):
                return True
    return False


_TAKES: Final = frozenset({"push_back", "insert", "emplace", "push", "append", "assign", "push_front", "resize"})
_SPELLED: Final = r"(?:vector|list|deque|QList|QVector|array)\s*<\s*(?:\w+::)*{name}\s*>"


def _copies(unit: Unit, one: Class) -> list[Spot]:
    """Where objects of a class are put into containers, taken by value or set from another: all of these copy them."""
    held = re.compile(_SPELLED.format(name=re.escape(one.name)))
    containers = {m.name for c in unit.classes for m in c.members if held.search(m.type)}
    containers |= {v.name for v in unit.variables if held.search(v.type)}
    found = []
    for function in unit.functions:
        local = {
            s.target.name
            for s in every_statement(function.body)
            if isinstance(s, Assign) and s.declares and isinstance(s.target, Name) and held.search(s.type)
        }
        for call in calls_in(function.body):
            into = call.receiver
            name = into.name if isinstance(into, Name | Member) else ""
            if last_word(call.name) in _TAKES and name in containers | local:
                found.append(Spot(unit.path, call.line, function.name))
        whole = re.compile(rf"(?:const )?(?:\w+::)*{re.escape(one.name)}\Z")
        if last_word(function.name) != one.name:
            found += [Spot(unit.path, p.line, function.name) for p in function.parameters if whole.match(p.type)]
        found += [
            Spot(unit.path, s.line, function.name)
            for s in every_statement(function.body)
            if isinstance(s, Assign) and s.declares and whole.match(s.type) and isinstance(uncast(s.value), Name)
        ]
    return found


def _is_value(unit: Unit, one: Class, member: str) -> bool:
    """Whether an object has the handle from the start, as a value has: by its constructor, or as a plain struct.

    What is opened by a method later stands for one thing with a life of its own, and hardly anybody copies that.
    """
    if any(m.name == member and not m.private for m in one.members):
        return True
    makers = (f for f in unit.functions if f.owner == one.name and last_word(f.name) == one.name)
    return any(isinstance(s, Assign) and _sets(s, member) for f in makers for s in every_statement(f.body))


def _sets(statement: Assign, member: str) -> bool:
    target, value = uncast(statement.target), uncast(statement.value)
    return isinstance(target, Name | Member) and target.name == member and not isinstance(value, Literal)


def _judged(rule: Rule, unit: Unit, one: Class, member: str, closes: int, copies: list[Spot]) -> Claim:
    spot = Spot(unit.path, one.line, one.name)
    if one.copyable and copies:
        return rule.no(
            f"{one.name} closes {member} in its destructor (line {closes}) and can be copied; line {copies[0].line} "
            "copies it, and both objects close one library.",
            at(copies[0]),
            cwe=675,
            why=(step(spot, f"{one.name} can be copied", "acquire"), step(copies[0], "copied here", "use")),
            context=copies[0].function,
        )
    if one.copyable and not _is_value(unit, one, member):
        return rule.cannot_tell(
            f"{one.name} closes {member} in its destructor (line {closes}) and can be copied.",
            at(spot),
            f"Nothing that was read copies one; {one.name}(const {one.name} &) = delete tells whether anything does.",
            context=one.name,
        )
    if one.copyable:
        return rule.no(
            (
                f"{one.name} closes {member} in its destructor (line {closes}) but can "
                f"be copied: two objects then close one library."
            ),
            at(spot),
            severity=Severity.MEDIUM,
            context=one.name,
        )
    return rule.yes(
        f"{one.name} owns {member}, closes it in its destructor and cannot be copied by accident",
        at(spot),
        places=(Location.lines(unit.path, closes),),
        context=one.name,
    )


RULE: Final = Rule(
    id="copyable-handle-owner",
    question="Does a class that closes a library in its destructor refuse to be copied?",
    practice=Practice.OWNERSHIP,
    cwe=415,
    severity=Severity.HIGH,
    languages=(Language.CPP,),
    why="The compiler writes a copy that copies the handle; both destructors then close it.",
    fix="Delete copying, add moving.",
    bad="struct Lib { void *h; ~Lib() { dlclose(h); } };\n",
    good="struct Lib { void *h; Lib(const Lib &) = delete; ~Lib() { dlclose(h); } };\n",
    references=(
        "https://cwe.mitre.org/data/definitions/415.html",
        "https://en.cppreference.com/w/cpp/language/rule_of_three",
    ),
    answer=_answer,
)
