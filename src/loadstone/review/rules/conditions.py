"""Which names the conditions of a Python function ask about."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.walk import expressions, statements, tops

__all__ = ["asked", "is_about"]


def asked(function: ir.Function, name: str, bindings: Bindings | None = None) -> bool:
    """Whether some condition of the function is about the name, wherever it stands.

    With the bindings of its file, what a foreign call in the condition is handed has not been asked about.
    """
    for statement in statements(function.body.body):
        for top in tops(statement):
            for part in expressions(top):
                asks = isinstance(part, ir.Operation) and part.operator in {"?:", "&&", "||", "!", "==", "!="}
                if asks and is_about(part, name, function, bindings):
                    return True
        if isinstance(statement, ir.If) and is_about(statement.condition, name, function, bindings):
            return True
    return False


def is_about(condition: ir.Expression, name: str, function: ir.Function, bindings: Bindings | None) -> bool:
    """Whether a condition is about a name; what a foreign call in it is handed is not, if the bindings are given."""
    handed = {
        id(inner)
        for part in expressions(condition)
        if bindings is not None and isinstance(part, ir.Call) and bindings.symbol(part, function.owner) is not None
        for argument in part.arguments
        for inner in expressions(argument)
    }
    return any(id(e) not in handed and spelled(e) == name for e in expressions(condition))
