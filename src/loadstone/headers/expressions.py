"""Constant expressions as C has them: in ``#if``, enums, array lengths, bit fields and macros. Source: ISO C17 6.6.

Values carry their type, because ``-1 < 0u`` and ``~0u`` depend on it. A division by zero, or anything that is no
constant, raises ValueError in words; the caller says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import copysign, inf, isnan, nan
from struct import pack, unpack
from typing import Final

from loadstone.headers.abi import DataModel
from loadstone.headers.cursor import TokenCursor
from loadstone.headers.tokens import Token, character_of
from loadstone.quick_dataclass import dataclass

__all__ = ["ConstantEvaluator", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its C type: an integer of ``size`` bytes with or without sign, or a ``floating`` one.

    A ``long double`` has the precision of a ``double`` here, as Python's numbers have.
    """

    number: int | float
    size: int = 4
    signed: bool = True
    floating: bool = False

    def promoted(self) -> Value:
        """An integer as wide as ``int`` at least (6.3.1.1)."""
        return self if self.floating or self.size >= 4 else Value(self.number)

    def converted(self, size: int, signed: bool, floating: bool = False) -> Value:
        """As another type: cut, read with another sign, or rounded. ArithmeticError for what no integer holds."""
        if floating:
            return Value(_rounded(float(self.number), size), size, True, True)
        number = int(self.number) & ((1 << 8 * size) - 1)
        if signed and number >> (8 * size - 1):
            number -= 1 << 8 * size
        return Value(number, size, signed)


def _rounded(number: float, size: int) -> float:
    """The nearest number that a floating type of that size has."""
    if size >= 8:
        return number
    code = "f" if size == 4 else "e"
    try:
        return float(unpack(code, pack(code, number))[0])
    except OverflowError:
        return copysign(inf, number)


def _divided(a: float, b: float) -> float:
    """As IEC 60559 has it (annex F): by zero it is infinite, and zero by zero is not a number."""
    if b:
        return a / b
    return nan if not a or isnan(a) else copysign(inf, a) * copysign(1, b)


_MAX_DIGITS: Final = 400
"""The longest number that means anything is a ``long double`` written out."""

_FLOATING_SUFFIXES: Final = {
    "f128": 16, "f64x": 0, "f64": 8, "f32x": 8, "f32": 4, "f16": 2, "q": 16, "l": 0, "f": 4, "": 8,
}  # fmt: skip
"""The size of a floating constant by its suffix; 0 for that of a ``long double``."""

_BINARY: Final = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
_BITS: Final[dict[str, Callable[[int, int], int]]] = {
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
}


class ConstantEvaluator(TokenCursor):
    """An expression in a list of tokens, worked out from ``position`` on.

    Args:
        tokens: the expression, and whatever comes behind it.
        abi: for the sizes of the types.
        position: where it begins; afterwards, where it ended.
        name: what an identifier stands for; None when it stands for nothing. In ``#if`` that is 0.
        special: asked first at every operand: sizeof, casts, defined. It returns None and takes nothing when it is none
            of these, else it leaves :attr:`position` behind what it took.
        widest: every integer has the widest type, as in ``#if``.
    """

    position: int

    def __init__(
        self,
        tokens: Sequence[Token],
        abi: DataModel,
        position: int = 0,
        *,
        name: Callable[[str], Value | None] | None = None,
        special: Callable[[ConstantEvaluator], Value | None] | None = None,
        widest: bool = False,
    ) -> None:
        super().__init__(tokens)
        self.abi = abi
        self.position = position
        self._name = name
        self._special = special
        self._widest = widest

    def whole(self) -> Value:
        """The value of all tokens; raises ValueError when something is left over."""
        value = self.conditional()
        if self.position != len(self.tokens):
            raise ValueError(f"{self.peek()!r} does not belong into a constant expression")
        return value

    def expect(self, text: str) -> None:
        """Take the next token, which must be this one."""
        if not self.take(text):
            raise ValueError(f"{text!r} is missing before {self.peek() or 'the end'!r}")

    def conditional(self) -> Value:
        """``a ? b : c``. The branch not taken may divide by zero, as C has it not evaluated."""
        condition = self._binary(1)
        if not self.take("?"):
            return condition
        first = condition  # GNU's a ?: b
        if self.peek() != ":":
            first = self._lazily(bool(condition.number), self.conditional)
        self.expect(":")
        second = self._lazily(not condition.number, self.conditional)
        return (first if condition.number else second).converted(*self._common(first, second))

    def _lazily(self, wanted: bool, work: Callable[[], Value]) -> Value:
        """Work it out; where its value is not ``wanted``, an error in it is none."""
        if wanted:
            return work()
        start = self.position
        try:
            return work()
        except ZeroDivisionError:
            self.position = start
            depth = 0
            while self.position < len(self.tokens) and (depth or self.peek() not in (":", ")", ",")):
                depth += (self.peek() == "(") - (self.peek() == ")")
                self.position += 1
            return Value(0)

    def _binary(self, least: int) -> Value:
        left = self.unary()
        while (level := _BINARY.get(self.peek(), 0)) >= least:
            operator = self.peek()
            self.position += 1
            if operator in ("&&", "||"):
                decided = bool(left.number) is (operator == "||")
                right = self._lazily(not decided, lambda level=level: self._binary(level + 1))  # type: ignore[misc]
                left = self._truth(operator == "||" if decided else bool(right.number))
                continue
            left = self._applied(operator, left, self._binary(level + 1))
        return left

    def _truth(self, value: bool) -> Value:
        return Value(int(value), 8 if self._widest else 4)

    def _common(self, left: Value, right: Value) -> tuple[int, bool, bool]:
        """The usual arithmetic conversions (6.3.1.8), after promotion: size, sign, and whether it is floating."""
        if left.floating or right.floating:
            return max(v.size for v in (left, right) if v.floating), True, True
        a, b = left.promoted(), right.promoted()
        size = max(a.size, b.size)
        return size, all(v.signed or v.size < size for v in (a, b)), False

    def _applied(self, operator: str, left: Value, right: Value) -> Value:
        if operator in ("<<", ">>"):
            return self._shifted(operator, left, right)
        common = size, signed, floating = self._common(left, right)
        left, right = left.converted(*common), right.converted(*common)
        a, b = left.number, right.number
        if operator in _COMPARE:
            return self._truth(_COMPARE[operator](a, b))
        if operator in _ARITHMETIC:
            return Value(_ARITHMETIC[operator](a, b), size, signed).converted(*common)
        if floating:
            if operator != "/":
                raise ValueError(f"{operator} of floating numbers")
            return Value(_divided(a, b)).converted(*common)
        whole_a, whole_b = int(a), int(b)
        if operator in _BITS:
            return Value(_BITS[operator](whole_a, whole_b)).converted(*common)
        if not whole_b:
            raise ZeroDivisionError("a division by zero")
        quotient = abs(whole_a) // abs(whole_b) * (1 if (whole_a < 0) == (whole_b < 0) else -1)
        return Value(quotient if operator == "/" else whole_a - quotient * whole_b).converted(*common)

    def _shifted(self, operator: str, left: Value, right: Value) -> Value:
        if left.floating or right.floating:
            raise ValueError("a shift of floating numbers")
        left = left.promoted()
        if not 0 <= right.number < 8 * left.size:
            raise ValueError(f"a shift by {right.number} bits of a number that has {8 * left.size}")
        number = int(left.number)
        number = number << int(right.number) if operator == "<<" else number >> int(right.number)
        return Value(number, left.size, left.signed).converted(left.size, left.signed)

    def unary(self) -> Value:
        """An operand with the operators before it."""
        if self._special is not None and (found := self._special(self)) is not None:
            return found
        text = self.peek()
        if text in ("+", "-", "~", "!"):
            self.position += 1
            return self._signed(text, self.unary())
        if self.take("("):
            value = self.conditional()
            self.expect(")")
            return value
        return self._operand()

    def _signed(self, operator: str, value: Value) -> Value:
        if operator == "!":
            return self._truth(not value.number)
        if value.floating:
            if operator == "~":
                raise ValueError("~ of a floating number")
            return Value(-value.number if operator == "-" else value.number, value.size, True, True)
        value = value.promoted()
        number = int(value.number)
        number = -number if operator == "-" else ~number if operator == "~" else number
        return Value(number, value.size, value.signed).converted(value.size, value.signed)

    def _operand(self) -> Value:
        if self.position >= len(self.tokens):
            raise ValueError("the expression ends too early")
        token = self.tokens[self.position]
        self.position += 1
        if token.kind == "number":
            return self._number(token.text)
        if token.kind == "char":
            return self._character(token)
        if token.kind == "name":
            found = self._name(token.text) if self._name else None
            if found is not None:
                return found
            if self._widest:
                return Value(0, 8)
            raise ValueError(f"{token.text} is not a constant")
        self.position -= 1
        raise ValueError(f"{token.text!r} does not belong into a constant expression")

    def _character(self, token: Token) -> Value:
        prefix, number, length = character_of(token)
        plain = (1, self.abi.char_signed) if length == 1 else (4, True)
        typed = {"": plain, "L": self.abi.wchar, "u": (2, False), "U": (4, False), "u8": (1, False)}[prefix]
        value = Value(number).converted(*typed)
        return value if prefix and not self._widest else value.converted(8 if self._widest else 4, True)

    def _number(self, text: str) -> Value:
        """A number as written; its type is the first that holds it (6.4.4.1)."""
        text = text.replace("'", "")
        if len(text) > _MAX_DIGITS:
            raise ValueError("a number of more digits than any type has")
        plain = text.rstrip("uUlLzZ") if text[:2].lower() in ("0x", "0b") else text.rstrip("uUlLzZiI")
        suffix = text[len(plain) :].lower()
        try:
            number = int(f"0o{plain[1:]}" if plain[:1] == "0" and plain[1:].isdigit() else plain, 0)
        except ValueError:
            return self._floating(text)
        if self._widest:
            return Value(number, 8, signed="u" not in suffix and number < 1 << 63).converted(
                8, "u" not in suffix and number < 1 << 63
            )
        decimal = plain[:1] != "0"
        longs = 8 if suffix.count("l") == 2 or "z" in suffix else self.abi.long if "l" in suffix else 4
        for size in (4, 8):
            if size < longs:
                continue
            if "u" not in suffix and number < 1 << (8 * size - 1):
                return Value(number, size, signed=True)
            if number < 1 << 8 * size and ("u" in suffix or not decimal or size == 8):
                return Value(number, size, signed=False)
        raise ValueError(f"{text} is larger than any integer type")

    def _floating(self, text: str) -> Value:
        plain = text.lower()
        hexadecimal = plain.startswith("0x")
        if self._widest or not any(mark in plain for mark in (".", "p" if hexadecimal else "e")):
            raise ValueError(f"{text} is not a number")
        for suffix, size in () if hexadecimal and "p" not in plain else _FLOATING_SUFFIXES.items():
            if plain.endswith(suffix):
                digits = plain.removesuffix(suffix)
                try:
                    number = float.fromhex(digits) if hexadecimal else float(digits)
                except (ValueError, OverflowError):
                    continue
                return Value(number).converted(size or self.abi.long_double[0], True, True)
        raise ValueError(f"{text} is not a number")
