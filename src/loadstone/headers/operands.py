"""Operands of a constant expression that need types: sizeof, offsetof, casts, GNU's built-in functions.

Source: ISO C17 6.5.3 and 6.5.4; GCC's manual, "Alignment", "Referring to a Type with typeof", "Other Built-ins".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, nan
from typing import TYPE_CHECKING, Final

from loadstone.headers.expressions import ConstantEvaluator, Value
from loadstone.headers.layout import Layouts, MemberPosition
from loadstone.headers.tokens import literal_of
from loadstone.headers.types import Array, CType, Enumeration, FunctionType, Integer, Pointer, Real, StructOrUnion
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.headers.parser import Parser

__all__ = ["Designated", "Operands", "designated"]

_SIZE_OF: Final = {"sizeof": 0, "_Alignof": 1, "alignof": 1, "__alignof__": 1, "__alignof": 1}
_INFINITE: Final = {"inf": inf, "huge_val": inf, "nan": nan, "nans": nan}
_OF_REALS: Final = {
    f"__builtin_{word}{suffix}": (number, suffix) for word, number in _INFINITE.items() for suffix in ("", "f", "l")
}


@dataclass(frozen=True, slots=True)
class Designated:
    """An object, or a pointer, that an expression names without its value being a constant.

    ``address`` is where the object lies, or what the pointer holds (``is_pointer_value``), None where only the linker
    knows. ``tokens`` is how many it took.
    """

    type: CType
    address: int | None = None
    is_pointer_value: bool = False
    tokens: int = 0


class Operands:
    """What a parser knows of types, for the evaluator of an expression (its ``special``)."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self._word = parser.abi.pointer

    def take(self, evaluator: ConstantEvaluator) -> Value | None:
        """The operand that stands here, taken; None, and nothing taken, when it needs no types."""
        text = evaluator.peek()
        if text in _SIZE_OF:
            return self._size(evaluator, _SIZE_OF[text])
        if text in ("__builtin_offsetof", "offsetof"):
            return self._offset(evaluator)
        if text == "(":
            return self._cast(evaluator)
        if text == "&":
            return self._address(evaluator)
        if text == "__extension__":
            evaluator.position += 1
            return evaluator.unary()
        if text in _OF_REALS and evaluator.peek(1) == "(":
            return self._real(evaluator)
        return None

    def _size(self, evaluator: ConstantEvaluator, index: int) -> Value:
        """``sizeof`` or ``_Alignof``, of a type, a string literal, something declared, or a value."""
        evaluator.position += 1
        kind = None
        if evaluator.peek() == "(":
            before = evaluator.position
            evaluator.position += 1
            kind = self._type(evaluator)
            if kind is None:
                evaluator.position = before
            else:
                evaluator.expect(")")
        if kind is None and not index and (size := self._text_size(evaluator)):
            return Value(size, self._word, signed=False)
        if kind is None and (found := self._found(evaluator)) is not None:
            kind = found.type
        size = evaluator.unary().size if kind is None else self.parser.layouts().measure(kind)[index]
        return Value(size, self._word, signed=False)

    def _text_size(self, evaluator: ConstantEvaluator) -> int:
        """The size of the string literal that stands here, in parentheses or not; 0, and nothing taken, if none."""
        tokens = evaluator.tokens
        first = evaluator.position
        while first < len(tokens) and tokens[first].text == "(":
            first += 1
        opened, end = first - evaluator.position, first
        while end < len(tokens) and tokens[end].kind == "string":
            end += 1
        closed = [token.text for token in tokens[end : end + opened]]
        if end == first or closed != [")"] * opened:
            return 0
        prefix, text = literal_of(tokens[first:end])
        evaluator.position = end + opened
        if isinstance(text, bytes):
            return len(text) + 1
        size = {"u": 2, "U": 4}.get(prefix, self.parser.abi.wchar[0])
        return len(text.encode("utf-16-le" if size == 2 else "utf-32-le", "surrogatepass")) + size

    def _cast(self, evaluator: ConstantEvaluator) -> Value | None:
        before = evaluator.position
        evaluator.position += 1
        kind = self._type(evaluator)
        if kind is None:
            evaluator.position = before
            return None
        evaluator.expect(")")
        if isinstance(kind, Real):
            return evaluator.unary().converted(kind.size, True, True)
        if not isinstance(kind, (Integer, Enumeration)):
            raise ValueError(f"a value of type {kind}")  # noqa: TRY004  said of the header's text
        operand = evaluator.unary()
        if isinstance(kind, Integer) and kind.is_bool:
            return Value(int(bool(operand.number)), 1, signed=False)
        return operand.converted(kind.size, kind.signed)

    def _address(self, evaluator: ConstantEvaluator) -> Value:
        """``&((T *)0)->member``, the offset as it was written before there was ``offsetof``."""
        found = self._found(evaluator)
        if found is None or found.address is None:
            raise ValueError("an address that only the linker knows")
        return Value(found.address, self._word, signed=False)

    def _offset(self, evaluator: ConstantEvaluator) -> Value:
        """``offsetof(T, a.b[2])``."""
        evaluator.position += 1
        evaluator.expect("(")
        kind = self._type(evaluator)
        if kind is None:
            raise ValueError(f"{evaluator.peek()} is not a type")
        evaluator.expect(",")
        parser = self.parser.beside(evaluator.tokens, evaluator.position)
        found = _further(parser, _member(parser, Designated(kind, 0)))
        evaluator.position = parser.position
        evaluator.expect(")")
        assert found.address is not None
        return Value(found.address, self._word, signed=False)

    def _real(self, evaluator: ConstantEvaluator) -> Value:
        number, suffix = _OF_REALS[evaluator.peek()]
        evaluator.position += 2
        while evaluator.peek() not in (")", ""):
            evaluator.position += 1
        evaluator.expect(")")
        sizes = {"f": 4, "l": self.parser.abi.long_double[0]}
        return Value(number).converted(sizes.get(suffix, 8), True, True)

    def _type(self, evaluator: ConstantEvaluator) -> CType | None:
        """The type that stands here, taken; None, and nothing taken, when none does."""
        parser = self.parser.beside(evaluator.tokens, evaluator.position)
        if not parser.starts_type():
            return None
        kind = parser.type_name().type
        evaluator.position = parser.position
        return kind

    def _found(self, evaluator: ConstantEvaluator) -> Designated | None:
        parser = self.parser.beside(evaluator.tokens, evaluator.position)
        found = designated(parser)
        evaluator.position = parser.position
        return found


def designated(parser: Parser) -> Designated | None:
    """What an expression that stands here designates, taken: a declared name, ``((T *)0)->m``, what is reached so.

    None, and nothing taken, when it is something else. Raises ValueError for a member that is not there.
    """
    start = parser.position
    found = _prefixed(parser)
    if found is None:
        parser.position = start
        return None
    return Designated(found.type, found.address, found.is_pointer_value, parser.position - start)


def _prefixed(parser: Parser) -> Designated | None:
    if parser.peek() in ("*", "&"):
        operator = parser.peek()
        parser.position += 1
        inner = _prefixed(parser)
        if inner is None:
            return None
        return _pointee(inner) if operator == "*" else Designated(Pointer(inner.type), inner.address, True)
    if parser.peek() == "(":
        parser.position += 1
        if parser.starts_type():
            return _cast_pointer(parser)
        found = _prefixed(parser)
        if found is None or not parser.take(")"):
            return None
    elif parser.kind() == "name" and parser.peek() in parser.objects:
        found = Designated(parser.objects[parser.peek()])
        parser.position += 1
    else:
        return None
    return _further(parser, found)


def _cast_pointer(parser: Parser) -> Designated | None:
    """``T *)0``, behind its parenthesis."""
    kind = parser.type_name().type
    if not isinstance(kind, Pointer) or not parser.take(")"):
        return None
    before = parser.position
    if (inner := _prefixed(parser)) is not None:
        return Designated(kind, inner.address if inner.is_pointer_value else None, True)
    parser.position = before
    evaluator = parser.evaluator(parser.tokens, before)
    number = evaluator.unary()
    parser.position = evaluator.position
    return None if number.floating else Designated(kind, int(number.number), True)


def _further(parser: Parser, found: Designated) -> Designated:
    """With every ``.m``, ``->m``, ``[n]`` and ``(...)`` that follows."""
    while step := _STEPS.get(parser.peek()):
        parser.position += 1
        found = step(parser, found)
    return found


def _pointee(found: Designated) -> Designated:
    """What a pointer, or the array that becomes one, points to."""
    kind = found.type
    if isinstance(kind, Array):
        return Designated(kind.element, found.address)
    if isinstance(kind, Pointer):
        return Designated(kind.target, found.address if found.is_pointer_value else None)
    raise ValueError(f"{kind} is not a pointer")


def _member(parser: Parser, found: Designated) -> Designated:
    name, kind = parser.peek(), found.type
    parser.position += 1
    spot = _spot(parser.layouts(), kind, name) if isinstance(kind, StructOrUnion) else None
    if spot is None:
        raise ValueError(f"{kind} has no member {name}")
    return Designated(spot.member.type, None if found.address is None else found.address + spot.offset)


def _spot(layouts: Layouts, record: StructOrUnion, name: str) -> MemberPosition | None:
    """Where a member lies, one of an anonymous member too."""
    for spot in layouts.of(record).spots:
        if spot.member.name == name:
            return spot
        if not spot.member.name and isinstance(spot.member.type, StructOrUnion):
            inner = _spot(layouts, spot.member.type, name)
            if inner is not None:
                return MemberPosition(inner.member, spot.offset + inner.offset)
    return None


def _item(parser: Parser, found: Designated) -> Designated:
    index = parser.number()
    parser.expect("]")
    item = _pointee(found)
    if item.address is None:
        return item
    return Designated(item.type, item.address + index * parser.layouts().size(item.type))


def _result(parser: Parser, found: Designated) -> Designated:
    parser.position -= 1
    parser.skip_balanced()
    kind = found.type.target if isinstance(found.type, Pointer) else found.type
    if not isinstance(kind, FunctionType):
        raise ValueError(f"{kind} is not a function")  # noqa: TRY004  said of the header's text
    return Designated(kind.result)


_STEPS: Final[Mapping[str, Callable[[Parser, Designated], Designated]]] = {
    ".": _member,
    "->": lambda parser, found: _member(parser, _pointee(found)),
    "[": _item,
    "(": _result,
}
