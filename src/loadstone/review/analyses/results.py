"""What comparing a result with a number, or putting constants together, gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.review.analyses.values import Constant, Value
from loadstone.review.analyses.words import error_number
from loadstone.review.apis import Success

__all__ = ["fold", "success_when"]

_TWO: Final = 2


def success_when(success: Success, operator: str, number: object, *, is_status: bool) -> bool | None:
    """Whether a comparison holds exactly on success (True), on failure (False), or tells nothing (None)."""
    if not isinstance(number, int):
        return None
    if success is Success.NON_NULL and not is_status:
        return {("!=", 0): True, ("==", 0): False, (">", 0): True}.get((operator, number))
    if success is Success.ZERO:
        if number == 0:
            return {"==": True, "!=": False, "<": False, ">": False, ">=": None, "<=": None}.get(operator)
        if number < 0:
            return {"==": False, "!=": True, "<": False, ">": True, "<=": False}.get(operator)
        return {"==": False, "!=": True}.get(operator)
    if success is Success.NON_NEGATIVE:
        if number == -1:
            return {"==": False, "!=": True, ">": True, "<=": False}.get(operator)
        if number == 0:
            return {"<": False, ">=": True}.get(operator)
        return None
    if success is Success.ONE:
        if number == 1:
            return {"==": True, "!=": False, ">=": True, "<": False}.get(operator)
        if number == 0:
            return {">": True, "<=": False}.get(operator)
        return None
    if success is Success.NON_ZERO:
        return {("!=", 0): True, ("==", 0): False, (">", 0): True, ("==", 1): True, ("!=", 1): False}.get(
            (operator, int(number))
        )
    return {("!=", 0): True, ("==", 0): False}.get((operator, number), True)


def fold(operator: str, values: Sequence[Value]) -> Value:
    """What an operator makes of constants; None when not all are, or it is not known.

    ``-ENOENT`` and ``-errno`` are numbers below zero, by which callers know that it did not work.
    """
    if operator == "-" and len(values) == 1 and (number := error_number(values[0])):
        return Constant(-number)
    known = [v.value for v in values if isinstance(v, Constant)]
    if len(known) != len(values) or not values:
        return None
    if operator in {"+", "format"} and all(isinstance(v, str) for v in known):
        return Constant("".join(str(v) for v in known))
    numbers = [v for v in known if isinstance(v, int)]
    if operator in {"|", "&"} and len(numbers) == len(known) == _TWO:
        return Constant(numbers[0] | numbers[1] if operator == "|" else numbers[0] & numbers[1])
    if operator == "~" and len(numbers) == len(known) == 1:
        return Constant(~numbers[0])
    if operator == "/" and all(isinstance(v, str) for v in known):
        return Constant("/".join(str(v) for v in known))
    return None
