"""How long an array must be where other arguments of the call say it: ``void f(size_t n, int a[n])``.

Source: ISO C17 6.7.6.2 and 6.7.6.3; which of them are compared is what gcc warns of (``-Wstringop-overflow``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from loadstone.headers.abi import DataModel
from loadstone.headers.expressions import ConstantEvaluator, Value
from loadstone.headers.tokens import Token, tokens_of
from loadstone.headers.types import Array, Enumeration, FunctionType, Integer

__all__ = ["Length", "variable_lengths"]

Length = Callable[[Sequence[Any]], int]
"""How many items a call with these arguments promises; 0 where nobody knows."""

_MOST_TOKENS: Final = 64


def variable_lengths(function: FunctionType, abi: DataModel) -> tuple[tuple[int, Length], ...]:
    """For each parameter whose length others tell: its number, and what works its length out of a call's arguments."""
    arrays = ((number, p.type) for number, p in enumerate(function.parameters))
    return tuple(
        (number, _length(kind.variable, function, abi))
        for number, kind in arrays
        if isinstance(kind, Array) and kind.variable
    )


def _length(text: str, function: FunctionType, abi: DataModel) -> Length:
    tokens = tokens_of(text, "", 0)
    numbers = {
        p.name: (at, p.type) for at, p in enumerate(function.parameters) if isinstance(p.type, (Integer, Enumeration))
    }

    def length(arguments: Sequence[Any]) -> int:
        def named(name: str) -> Value | None:
            if name not in numbers:
                return None
            at, kind = numbers[name]
            return Value(_number(arguments[at]), kind.size, kind.signed)

        return _worked_out(tokens, abi, named)

    return length if len(tokens) <= _MOST_TOKENS else lambda _: 0


def _worked_out(tokens: Sequence[Token], abi: DataModel, named: Callable[[str], Value | None]) -> int:
    try:
        value = ConstantEvaluator(tokens, abi, name=named).whole()
    except (TypeError, ValueError, ArithmeticError):
        return 0  # it is no simple expression, or an argument is no number: that is refused in its own words
    return 0 if value.floating else int(value.number)


def _number(value: Any) -> int:
    """An argument as a number: Python's, or one of ctypes."""
    return operator.index(getattr(value, "value", value))
