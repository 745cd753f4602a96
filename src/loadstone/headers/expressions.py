"""Constant expressions as C has them: in ``#if``, enums, array lengths, bit fields and macros. Source: ISO C17 6.6.

Values carry their type, because ``-1 < 0u`` and ``~0u`` depend on it. A division by zero, or anything that is no
constant, raises ValueError in words; the caller says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from loadstone.headers.abi import DataModel
from loadstone.headers.tokens import Token, character_of
from loadstone.quick_dataclass import dataclass

__all__ = ["ConstantEvaluator", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its C type: integer of ``size`` bytes with or without sign, or ``size`` 0 for floating."""

    number: int | float
    size: int = 4
    signed: bool = True

    def converted(self, size: int, signed: bool) -> Value:
        """As another type: cut, or read with another sign."""
        if not size:
            return Value(float(self.number), 0)
        number = int(self.number) & ((1 << 8 * size) - 1)
        if signed and number >> (8 * size - 1):
            number -= 1 << 8 * size
        return Value(number, size, signed)


_MAX_DIGITS: Final = 400
"""The longest number that means anything is a ``long double`` written out."""

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
_BITS: Final[dict[str, Callable[[int, int], int]]] = {
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
}


class ConstantEvaluator:
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
        self.tokens = tokens
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

    def peek(self, ahead: int = 0) -> str:
        """The text of a token that comes, empty at the end."""
        at = self.position + ahead
        return self.tokens[at].text if at < len(self.tokens) else ""

    def take(self, text: str) -> bool:
        """Take the next token if it is this one."""
        if self.peek() != text:
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        """Take the next token, which must be this one."""
        if not self.take(text):
            raise ValueError(f"{text!r} is missing before {self.peek() or 'the end'!r}")

    def conditional(self) -> Value:
        """``a ? b : c``. The branch not taken may divide by zero, as C has it not evaluated."""
        condition = self._binary(1)
        if not self.take("?"):
            return condition
        first = self._lazily(bool(condition.number), self.conditional)
        self.expect(":")
        second = self._lazily(not condition.number, self.conditional)
        size, signed = self._common(first, second)
        return (first if condition.number else second).converted(size, signed)

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
        left = self._unary()
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

    def _common(self, left: Value, right: Value) -> tuple[int, bool]:
        """The usual arithmetic conversions (6.3.1.8), after promotion."""
        if not left.size or not right.size:
            return 0, True
        a, b = (v if v.size >= 4 else Value(v.number) for v in (left, right))
        size = max(a.size, b.size)
        return size, all(v.signed or v.size < size for v in (a, b))

    def _applied(self, operator: str, left: Value, right: Value) -> Value:
        size, signed = self._common(left, right)
        if operator in ("<<", ">>"):
            return self._shifted(operator, left, right)
        left, right = left.converted(size, signed), right.converted(size, signed)
        a, b = left.number, right.number
        if operator in _COMPARE:
            return self._truth(_COMPARE[operator](a, b))
        if operator == "+":
            return Value(a + b, size, signed).converted(size, signed)
        if operator == "-":
            return Value(a - b, size, signed).converted(size, signed)
        if operator == "*":
            return Value(a * b, size, signed).converted(size, signed)
        if not size:
            if operator != "/":
                raise ValueError(f"{operator} of floating numbers")
            return Value(a / b, 0)
        whole_a, whole_b = int(a), int(b)
        if operator in _BITS:
            return Value(_BITS[operator](whole_a, whole_b), size, signed).converted(size, signed)
        if not whole_b:
            raise ZeroDivisionError("a division by zero")
        quotient = abs(whole_a) // abs(whole_b) * (1 if (whole_a < 0) == (whole_b < 0) else -1)
        result = quotient if operator == "/" else whole_a - quotient * whole_b
        return Value(result, size, signed).converted(size, signed)

    def _shifted(self, operator: str, left: Value, right: Value) -> Value:
        if not left.size or not right.size:
            raise ValueError("a shift of floating numbers")
        left = left if left.size >= 4 else Value(left.number)
        if not 0 <= right.number < 8 * left.size:
            raise ValueError(f"a shift by {right.number} bits of a number that has {8 * left.size}")
        number = int(left.number)
        number = number << int(right.number) if operator == "<<" else number >> int(right.number)
        return Value(number, left.size, left.signed).converted(left.size, left.signed)

    def _unary(self) -> Value:
        if self._special is not None and (found := self._special(self)) is not None:
            return found
        text = self.peek()
        if text in ("+", "-", "~", "!"):
            self.position += 1
            return self._signed(text, self._unary())
        if self.take("("):
            value = self.conditional()
            self.expect(")")
            return value
        return self._operand()

    def _signed(self, operator: str, value: Value) -> Value:
        if operator == "!":
            return self._truth(not value.number)
        if not value.size:
            if operator == "~":
                raise ValueError("~ of a floating number")
            return Value(-value.number if operator == "-" else value.number, 0)
        value = value if value.size >= 4 else Value(value.number)
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
            return Value(character_of(token, char_signed=self.abi.char_signed), 8 if self._widest else 4)
        if token.kind == "name":
            found = self._name(token.text) if self._name else None
            if found is not None:
                return found
            if self._widest:
                return Value(0, 8)
            raise ValueError(f"{token.text} is no constant")
        self.position -= 1
        raise ValueError(f"{token.text!r} does not belong into a constant expression")

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
        if not any(mark in plain for mark in (".", "p" if plain.startswith("0x") else "e")):
            raise ValueError(f"{text} is no number")
        if plain.startswith("0x"):
            return Value(float.fromhex(plain.rstrip("lf") if "p" in plain else plain), 0)
        for suffix in ("f128", "f64x", "f64", "f32x", "f32", "f16", "q", "l", "f", ""):
            if plain.endswith(suffix):
                try:
                    return Value(float(plain.removesuffix(suffix)), 0)
                except ValueError:
                    continue
        raise ValueError(f"{text} is no number")
