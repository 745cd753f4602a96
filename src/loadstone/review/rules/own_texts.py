"""Texts that are in the program itself, so that whoever wrote the array beside them knew how long they are."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.typenames import base_type
from loadstone.review.walk import blocks, expressions

__all__ = ["given_to", "is_own_text"]


def is_own_text(unit: ir.Unit, function: ir.Function, source: ir.Expression) -> bool:
    """Whether a text can only be a literal: a local is given nothing else, or it is in a table that nobody changes.

    ``find(modes, n)->text`` is in the table ``modes``, which a function is given to look it up.
    """
    bare = uncast(source)
    if isinstance(bare, ir.Name):
        return (
            _is_chosen(function, bare.name, _tables(unit, function))
            or _is_given_by_callers(unit, function, bare.name)
            or _is_just_set(function.body, bare.name, source.line)
        )
    if isinstance(bare, ir.Call) and _gives_literals(unit, bare):
        return True
    named = {p.name for p in function.parameters if base_type(p.type) in _TABLES_OF_PROGRAMS}
    return bool(_roots(bare) & (_tables(unit, function) | named))


_TABLES_OF_PROGRAMS: Final = frozenset({"option", "argp_option", "poptOption", "GOptionEntry"})
"""Types of tables that a program writes down itself. Source: getopt_long(3), argp(3), popt(3), GLib's manual."""


def _is_chosen(function: ir.Function, name: str, tables: AbstractSet[str] = frozenset()) -> bool:
    """Whether a variable is given literals, or elements of tables of literals, and nothing else."""
    given = _given(function).get(name, [])
    return bool(given) and name not in _parameters(function) and all(_is_literal(value, tables) for value in given)


def _is_given_by_callers(unit: ir.Unit, function: ir.Function, name: str) -> bool:
    """Whether a parameter of a function that only its file can call is a literal in every call, and is never set."""
    at = next((n for n, p in enumerate(function.parameters) if p.name == name), -1)
    if at < 0 or not function.local or name in _given(function):
        return False
    parts = [part for f in unit.functions for part in every_expression(f.body)]
    calls = [part for part in parts if isinstance(part, ir.Call) and part.name == function.name]
    handed_on = sum(isinstance(part, ir.Name) and part.name == function.name for part in parts) > len(calls)
    return bool(calls) and not handed_on and all(len(c.arguments) > at and _is_literal(c.arguments[at]) for c in calls)


def _is_just_set(block: ir.Block, name: str, line: int, *, before: bool = False) -> bool:
    """Whether the last thing that a variable is given before a line is a literal, on every path to that line."""
    found = before
    for statement in block.body:
        if statement.line > line:
            break
        around = [inner for inner in blocks(statement) if inner.line <= line <= inner.end_line]
        if around:
            early = any(s.line < line or isinstance(statement, ir.Loop) for s in _sets((statement,), name))
            return any(_is_just_set(inner, name, line, before=found and not early) for inner in around)
        for set_ in _sets((statement,), name):
            found = set_ is statement and not set_.operator and _is_literal(set_.value)
    return found


def _sets(statements: tuple[ir.Statement, ...], name: str) -> list[ir.Assign]:
    inner = every_statement(ir.Block(0, 0, statements))
    return [s for s in inner if isinstance(s, ir.Assign) and place_named(s.target) == name and s.value is not None]


def _gives_literals(unit: ir.Unit, call: ir.Call) -> bool:
    """Whether a function of the file gives a literal by each way out."""
    for function in (f for f in unit.functions if f.name == call.name):
        given = [s.value for s in every_statement(function.body) if isinstance(s, ir.Return)]
        return bool(given) and all(
            value is not None
            and (_is_literal(value) or (isinstance(bare := uncast(value), ir.Name) and _is_chosen(function, bare.name)))
            for value in given
        )
    return False


def given_to(function: ir.Function, name: str) -> list[ir.Expression]:
    """What a local variable is set to in a function; nothing for a parameter, which callers set."""
    return [] if name in _parameters(function) else _given(function).get(name, [])


def _given(function: ir.Function) -> dict[str, list[ir.Expression]]:
    """What each variable is set to in a function; one whose address is taken may be set to anything."""
    found: dict[str, list[ir.Expression]] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            found.setdefault(statement.target.name, []).append(statement.value)
    for part in every_expression(function.body):
        if isinstance(part, ir.AssignmentExpression) and isinstance(part.target, ir.Name):
            found.setdefault(part.target.name, []).append(part.value)
        elif isinstance(part, ir.Operation) and part.operator == "address" and isinstance(part.operands[0], ir.Name):
            found.setdefault(part.operands[0].name, []).append(part)
    return found


def _parameters(function: ir.Function) -> set[str]:
    return {p.name for p in function.parameters}


def _is_literal(value: ir.Expression | None, tables: AbstractSet[str] = frozenset()) -> bool:
    """A literal text or null, an element of a table of literals, or a choice of two."""
    bare = uncast(value)
    if isinstance(bare, ir.Operation) and bare.operator == "?:":
        return all(_is_literal(operand, tables) for operand in bare.operands[1:])
    if isinstance(bare, ir.Item | ir.Member):
        return bool(_roots(bare) & tables)
    return isinstance(bare, ir.Literal)


def _roots(expression: ir.Expression) -> set[str]:
    """The variables that an element, a member or what is looked up comes from."""
    match uncast(expression):
        case ir.Name(name=name):
            return {name}
        case ir.Item(base=base) | ir.Member(base=base):
            return _roots(base)
        case ir.Call(receiver=None, arguments=arguments):
            return {name for argument in arguments for name in _roots(argument)}
    return set()


def _tables(unit: ir.Unit, function: ir.Function) -> set[str]:
    """The arrays that are made of literals, and of which nothing in the file is changed or has its address taken."""
    local = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    found = {s.target.name for s in local if isinstance(s.target, ir.Name) and _is_table(s.value)}
    found |= {v.name for v in unit.variables if _is_table(v.value)}
    return found - _changed(unit) if found else found


def _is_table(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    if not isinstance(bare, ir.Display):
        return False
    parts = [p for p in expressions(bare) if not isinstance(p, ir.Display)]
    texts = any(isinstance(p, ir.Literal) and isinstance(p.value, str) for p in parts)
    return texts and not any(isinstance(p, ir.Name) and not p.name.isupper() for p in parts)


def _changed(unit: ir.Unit) -> set[str]:
    found: set[str] = set()
    for function in unit.functions:
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and not isinstance(statement.target, ir.Name):
                found |= _roots(statement.target)
        for part in every_expression(function.body):
            if isinstance(part, ir.AssignmentExpression) and not isinstance(part.target, ir.Name):
                found |= _roots(part.target)
            elif isinstance(part, ir.Operation) and part.operator == "address":
                found |= _roots(part.operands[0])
    return found
