"""Variables that hold what a lookup gave, by the names they have in one function or file."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole

__all__ = ["filled_names", "looked_up", "word"]


def word(expression: ir.Expression | None) -> str:
    """The variable or the member that an expression is; empty for anything else."""
    bare = uncast(expression)
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


def filled_names(facts: Facts, unit: ir.Unit) -> set[str]:
    """Members and variables of a file that hold what came from a library when a function of it is done."""
    return {fill.slot[0].rpartition(".")[2] for fill in facts.fills if fill.spot.path == unit.path}


def looked_up(facts: Facts, function: ir.Function) -> set[str]:
    """Variables and members that a lookup in this function filled, by its result or through an argument."""
    found = set()
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and _resolves(facts, uncast(statement.value)):
            found.add(word(statement.target))
    for expression in every_expression(function.body):
        if isinstance(expression, ir.AssignmentExpression) and _resolves(facts, uncast(expression.value)):
            found.add(word(expression.target))
    for call in calls_in(function.body):
        api = facts.apis.get(call.name)
        if api is not None and api.role is ApiRole.RESOLVE and api.out is not None and api.out < len(call.arguments):
            given = uncast(call.arguments[api.out])
            found.add(word(given.operands[0]) if isinstance(given, ir.Operation) and given.operands else "")
    return found - {""}


def _resolves(facts: Facts, value: ir.Expression) -> bool:
    value = uncast(value.operands[1]) if isinstance(value, ir.Operation) and value.operator == "?:" else value
    api = facts.apis.get(value.name) if isinstance(value, ir.Call) else None
    return api is not None and api.role is ApiRole.RESOLVE
