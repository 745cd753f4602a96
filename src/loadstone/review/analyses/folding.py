"""The text an expression of Python begins with, and its flags, as far as the source alone decides them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import statements

__all__ = ["flags_in", "leading_text"]

_MAX_DEPTH: Final = 12
_WRAPS: Final = frozenset({"str", "pathlib.Path", "pathlib.PurePath", "os.fspath", "pathlib.PurePosixPath"})


def leading_text(expression: ir.Expression | None, unit: ir.Unit, function: ir.Function) -> tuple[str, bool]:
    """The constant text in front, and whether that is all of it.

    Names are looked through when they are given one value, in the function or at the top of the file.
    """
    return _text(expression, unit, function, 0)


def flags_in(expression: ir.Expression | None, unit: ir.Unit, function: ir.Function) -> tuple[int, frozenset[str]]:
    """The bits that a combination of flags has for certain, and the names in it, looked through as in leading_text."""
    bits, words, stack = 0, set(), [expression]
    for _ in range(_MAX_DEPTH):
        bare = uncast(stack.pop()) if stack else None
        match bare:
            case ir.Literal(value=int(number)):
                bits |= number
            case ir.Operation(operator="|" | "+", operands=operands):
                stack.extend(operands)
            case ir.Name() | ir.Member():
                words.add(bare.name.rpartition(".")[2])
                values = [*_values(spelled(bare), unit, function)]
                stack.extend(values if len(values) == 1 else ())
    return bits, frozenset(words)


def _text(expression: ir.Expression | None, unit: ir.Unit, function: ir.Function, depth: int) -> tuple[str, bool]:
    bare = uncast(expression)
    if depth > _MAX_DEPTH:
        return "", False
    match bare:
        case ir.Literal(value=str(text)):
            return text, True
        case ir.Name() | ir.Member():
            values = [*_values(spelled(bare), unit, function)]
            return _text(values[0], unit, function, depth + 1) if len(values) == 1 else ("", False)
        case ir.Operation(operator="+" | "format" | "/" as operator, operands=operands):
            return _joined(operands, "/" if operator == "/" else "", unit, function, depth)
        case ir.Call(name=name, arguments=arguments) if name in _WRAPS and arguments:
            return _joined(arguments, "/", unit, function, depth)
        case ir.Call(name="pathlib.Path.joinpath", receiver=receiver, arguments=arguments) if receiver is not None:
            return _joined((receiver, *arguments), "/", unit, function, depth)
        case ir.Call(name="tempfile.gettempdir"):
            return "/tmp", True  # noqa: S108 - what the function gives on a POSIX system
        case ir.Call(name="os.path.join", arguments=arguments):
            return _joined(arguments, "/", unit, function, depth)
        case _:
            return "", False


def _joined(
    operands: tuple[ir.Expression, ...], between: str, unit: ir.Unit, function: ir.Function, depth: int
) -> tuple[str, bool]:
    text = ""
    for position, operand in enumerate(operands):
        part, whole = _text(operand, unit, function, depth + 1)
        text += (between if position and text and not text.endswith(between) else "") + part if between else part
        if not whole:
            return text, False
    return text, True


def _values(name: str, unit: ir.Unit, function: ir.Function) -> Iterator[ir.Expression]:
    """What a name is given in the function; if nothing, at the top of the file."""
    if not name:
        return
    found = [*_given(name, function)]
    if not found and function.name != "<module>" and all(p.name != name for p in function.parameters):
        found = [value for other in unit.functions if other.name == "<module>" for value in _given(name, other)]
    yield from found


def _given(name: str, function: ir.Function) -> Iterator[ir.Expression]:
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign) and statement.value is not None and spelled(statement.target) == name:
            yield statement.value
