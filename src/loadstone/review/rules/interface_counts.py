"""Interfaces of COM and its kin that are handed out without being counted: the first Release ends them for all.

Source: Microsoft, IUnknown::QueryInterface: a pointer that is handed out has been counted by the method itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast

__all__ = ["can_unload_blindly", "handed_out_uncounted", "kept_uncounted", "plain_counters", "read_after_delete"]

_ASKED: Final = frozenset({"QueryInterface", "queryInterface", "do_QueryInterface"})
_COUNTS: Final = re.compile(
    r"(?i)addref|add_ref|(?:\A|_)ref\Z|retain|increment|_InternalQueryInterface|QISearch|QueryInterface|detach|copyto|"
    r"ComPtr|make_self"
)
"""Calls that count the interface, or leave that to another."""


def handed_out_uncounted(function: ir.Function) -> ir.Statement | None:
    """Where a method that gives an interface out stores it, when nothing in the method counts it."""
    outs = {p.name for p in function.parameters if p.type.count("*") >= _TO_POINTER}
    if last_word(function.name) not in _ASKED or not outs:
        return None
    if any(_COUNTS.search(last_word(c.name)) for c in calls_in(function.body)):
        return None
    raised = (e for e in every_expression(function.body) if isinstance(e, ir.AssignmentExpression))
    if any(e.operator == "+" for e in raised):
        return None
    for statement in every_statement(function.body):
        target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
        is_given = isinstance(target, ir.Operation) and target.operator == "deref"
        if not is_given or not isinstance(statement, ir.Assign) or not isinstance(target, ir.Operation):
            continue
        value, place = uncast(statement.value), uncast(target.operands[0])
        is_null = isinstance(value, ir.Literal) and not value.value
        if isinstance(place, ir.Name) and place.name in outs and not is_null:
            return statement
    return None


_TO_POINTER: Final = 2
"""Stars of a parameter through which a pointer is given out."""


def kept_uncounted(unit: ir.Unit) -> Iterator[tuple[ir.Function, ir.Statement, str]]:
    """Where a method keeps an interface it was handed without counting it, though the class releases it at its end."""
    for one in unit.classes:
        methods = [f for f in unit.functions if f.owner == one.name]
        released = {
            held.name
            for f in methods
            if last_word(f.name).startswith("~")
            for c in calls_in(f.body)
            if last_word(c.name) == "Release" and isinstance(held := uncast(c.receiver), ir.Name | ir.Member)
        }
        for function in methods if released else ():
            given = {p.name for p in function.parameters if p.type.count("*") == 1}
            if last_word(function.name) == one.name or any(
                _COUNTS.search(last_word(c.name)) for c in calls_in(function.body)
            ):
                continue
            for statement in every_statement(function.body):
                target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
                value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
                kept = isinstance(target, ir.Name | ir.Member) and target.name in released
                if (
                    kept
                    and isinstance(target, ir.Name | ir.Member)
                    and isinstance(value, ir.Name)
                    and value.name in given
                ):
                    yield function, statement, target.name


def read_after_delete(function: ir.Function, members: frozenset[str]) -> ir.Return | None:
    """``if (n == 0) delete this; return m_ref;``: what is read belongs to an object that is gone."""
    for block in (function.body, *(s for s in every_statement(function.body) if isinstance(s, ir.Block))):
        for number, statement in enumerate(block.body):
            if not isinstance(statement, ir.If) or not _deletes_itself(statement.then):
                continue
            after = block.body[number + 1] if number + 1 < len(block.body) else None
            value = uncast(after.value) if isinstance(after, ir.Return) and after.value is not None else None
            if isinstance(after, ir.Return) and isinstance(value, ir.Name | ir.Member) and value.name in members:
                return after
    return None


def _deletes_itself(block: ir.Block) -> bool:
    leaves = bool(block.body) and isinstance(block.body[-1], ir.Return | ir.Raise)
    deletes = any(
        c.name == "delete" and any(isinstance(a, ir.Name) and a.name == "this" for a in c.arguments)
        for c in calls_in(block)
    )
    return deletes and not leaves


def can_unload_blindly(unit: ir.Unit) -> tuple[ir.Function, str] | None:
    """``DllCanUnloadNow`` that does not ask about a count the server keeps, and the name of that count."""
    function = next((f for f in unit.functions if last_word(f.name) == "DllCanUnloadNow"), None)
    if function is None:
        return None
    returns = [
        uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return) and s.value is not None
    ]
    if not any(_is_yes(v) for v in returns):
        return None
    called = {last_word(c.name) for c in calls_in(function.body)}
    asked = {
        e.name
        for f in unit.functions
        if f is function or last_word(f.name) in called
        for e in every_expression(f.body)
        if isinstance(e, ir.Name | ir.Member)
    }
    counters = [v.name for v in unit.variables if _INTEGER.search(v.type) and _is_counted(unit, v.name)]
    unasked = next((name for name in counters if name not in asked), None)
    return (function, unasked) if unasked is not None else None


def plain_counters(unit: ir.Unit) -> Iterator[tuple[ir.Function, int, str]]:
    """Counts of a COM server at file scope that ``++`` and ``--`` change: its objects live in several threads."""
    if not any(last_word(f.name) == "DllCanUnloadNow" for f in unit.functions):
        return
    counters = {v.name for v in unit.variables if _INTEGER.search(v.type)}
    for function in unit.functions:
        for expression in every_expression(function.body):
            target = uncast(expression.target) if isinstance(expression, ir.AssignmentExpression) else None
            if isinstance(target, ir.Name) and target.name in counters and expression.operator in {"+", "-"}:  # type: ignore[union-attr]
                yield function, expression.line, target.name
                break


_INTEGER: Final = re.compile(r"\b(?:LONG|ULONG|int|long|UINT|DWORD)\b(?!.*[*\[])")


def _is_yes(value: ir.Expression) -> bool:
    return (isinstance(value, ir.Name) and value.name == "S_OK") or (isinstance(value, ir.Literal) and value.value == 0)


def _is_counted(unit: ir.Unit, name: str) -> bool:
    """Whether functions of a file raise and lower a variable."""
    words = set()
    for function in unit.functions:
        for expression in every_expression(function.body):
            if isinstance(expression, ir.Call) and "nterlocked" in expression.name and expression.arguments:
                given = uncast(expression.arguments[0])
                target = uncast(given.operands[0]) if isinstance(given, ir.Operation) and given.operands else given
                if isinstance(target, ir.Name) and target.name == name:
                    words.add("-" if "Decrement" in expression.name else "+" if "Increment" in expression.name else "")
            elif isinstance(expression, ir.AssignmentExpression) and expression.operator in {"+", "-"}:
                bare = uncast(expression.target)
                if isinstance(bare, ir.Name) and bare.name == name:
                    words.add(expression.operator)
    return {"+", "-"} <= words
