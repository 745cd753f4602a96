"""Statements that do something else than they look like: ``if (x = 1)``, ``x == 1;``, ``if (x);``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.constant_conditions import types_in
from loadstone.review.rules.lookups import word
from loadstone.review.walk import blocks, expressions

__all__ = ["Misread", "misread_statements"]

_COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_COMMENT: Final = re.compile(r"/\*.*?\*/|//.*")
_CAPITALS: Final = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_FLAGS: Final = re.compile(
    r"(?:RTLD|O|PROT|MAP|LOAD|FILE_ATTRIBUTE|S|CREATE|MEM|PAGE|GENERIC|G_MODULE_BIND)_[A-Z0-9_]+\Z"
)


@dataclass(frozen=True, slots=True)
class Misread:
    """What a line does that its author did not mean, with the entry of the CWE."""

    line: int
    cwe: int
    message: str
    fix: str


def misread_statements(unit: ir.Unit, function: ir.Function) -> Iterator[Misread]:
    """The statements and conditions of a function that are not what they look like."""
    members = {m.name: m.type for c in unit.classes for m in c.members}
    types = {**members, **types_in(function)}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If | ir.Loop) and statement.condition is not None:
            yield from _stored(statement.condition)
            yield from _flags_joined(statement.condition)
        if isinstance(statement, ir.Evaluate) and not statement.discards:
            yield from _compared_for_nothing(unit, statement)
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation):
            yield from _compared_with_text(part, types)
            yield from _bound_too_late(part)
    for block in _blocks(function.body):
        yield from _in_order(unit, block)


def _blocks(block: ir.Block) -> Iterator[ir.Block]:
    yield block
    for statement in block.body:
        for inner in blocks(statement):
            yield from _blocks(inner)


def _decided(condition: ir.Expression) -> Iterator[ir.Expression]:
    """The conditions that a condition joins."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator in {"&&", "||", "!"}:
        for operand in bare.operands:
            yield from _decided(operand)
    else:
        yield bare


def _stored(condition: ir.Expression) -> Iterator[Misread]:
    for part in _decided(condition):
        if isinstance(part, ir.AssignmentExpression) and not part.operator:
            value = uncast(part.value)
            if isinstance(value, ir.Literal) and not isinstance(value.value, str):
                yield Misread(
                    part.line,
                    481,
                    f"The condition stores {'NULL' if value.value is None else repr(value.value)} in "
                    f"{word(part.target) or 'a variable'} and always comes out the same.",
                    "Compare with ==.",
                )


def _flags_joined(condition: ir.Expression) -> Iterator[Misread]:
    """``flags && RTLD_NOW``: true for every flag that is set, for the constant is not zero."""
    for part in expressions(condition):
        if isinstance(part, ir.Operation) and part.operator == "&&":
            constant = next((w for o in part.operands if _FLAGS.match(w := word(o)) and isinstance(o, ir.Name)), "")
            if constant:
                yield Misread(
                    part.line, 480, f"&& only asks whether {constant} is not zero, which it is.", "Test the bit with &."
                )


def _compared_for_nothing(unit: ir.Unit, statement: ir.Evaluate) -> Iterator[Misread]:
    part = uncast(statement.expression)
    if isinstance(part, ir.Operation) and part.operator in {"==", "!="} and word(part.operands[0]):
        if any(isinstance(e, ir.Call | ir.AssignmentExpression) for e in expressions(part)):
            return
        if part.operator in unit.line_text(statement.line):
            yield Misread(
                statement.line,
                482,
                f"The comparison of {word(part.operands[0])} changes nothing; its result is dropped.",
                "Assign with =, or test the result.",
            )


def _compared_with_text(part: ir.Operation, types: Mapping[str, str]) -> Iterator[Misread]:
    """``name == "init"`` of a pointer asks where the text lies."""
    if part.operator not in {"==", "!="} or len(part.operands) != 2:
        return
    for one, other in (part.operands, part.operands[::-1]):
        kind = types.get(word(one), "")
        is_pointer = bool(re.fullmatch(r"(?:const )?(?:char|wchar_t|TCHAR) ?(?:const ?)?(?:\*|\[\d*\])", kind))
        if isinstance(uncast(other), ir.Literal) and isinstance(uncast(other).value, str) and is_pointer:  # type: ignore[union-attr]
            yield Misread(
                part.line,
                597,
                f"The comparison asks whether {word(one)} is the address of this literal, not whether the texts are "
                "equal.",
                "Compare with strcmp.",
            )
            return


def _bound_too_late(part: ir.Operation) -> Iterator[Misread]:
    """``mode & MASK == 0`` is ``mode & (MASK == 0)``."""
    if part.operator not in {"&", "|", "^"} or len(part.operands) != 2:
        return
    for operand in part.operands[1:]:
        inner = uncast(operand)
        if (
            isinstance(inner, ir.Operation)
            and inner.operator in {"==", "!="}
            and all(isinstance(o := uncast(each), ir.Literal) or _CAPITALS.match(word(o)) for each in inner.operands)
        ):
            yield Misread(
                part.line,
                783,
                f"{inner.operator} binds before {part.operator}: two constants are compared first.",
                f"Put the {part.operator} in parentheses.",
            )


def _in_order(unit: ir.Unit, block: ir.Block) -> Iterator[Misread]:
    for here, following in zip(block.body, block.body[1:], strict=False):
        if isinstance(here, ir.If | ir.Loop):
            yield from _cut_short(unit, here, following)
        if isinstance(here, ir.If) and here.otherwise is None:
            yield from _looks_inside(unit, here, following)
        if isinstance(here, ir.Return | ir.Raise) and _is_dead(unit, here, following):
            yield Misread(
                following.line,
                561,
                f"Line {here.line} leaves the function; nothing after it runs.",
                "Delete it, or put what leaves behind the condition it belongs to.",
            )


def _cut_short(unit: ir.Unit, here: ir.If | ir.Loop, following: ir.Statement) -> Iterator[Misread]:
    """``if (failed); { ... }``: the semicolon is the whole body."""
    body = here.then if isinstance(here, ir.If) else here.body
    text = _COMMENT.sub("", unit.line_text(here.line)).rstrip()
    if body.body or not text.endswith(");") or (isinstance(here, ir.If) and here.otherwise is not None):
        return
    is_loop = isinstance(here, ir.Loop)
    if is_loop and here.step:  # type: ignore[union-attr]
        return
    deeper = len(_indent(unit, following.line)) > len(_indent(unit, here.line))
    if isinstance(following, ir.Block) or (deeper and not is_loop):
        yield Misread(
            here.line,
            483,
            f"The semicolon ends the {'loop' if is_loop else 'if'}; line {following.line} runs whatever the condition "
            "says.",
            "Delete the semicolon.",
        )


def _looks_inside(unit: ir.Unit, here: ir.If, following: ir.Statement) -> Iterator[Misread]:
    """A second line stands under an ``if`` that has no braces."""
    if len(here.then.body) != 1 or not here.line < (inner := here.then.body[0]).line < following.line:
        return
    between = [unit.line_text(n) for n in range(here.line, following.line + 1)]
    if any("{" in line or line.lstrip().startswith("#") or line.rstrip().endswith("\\") for line in between[:-1]):
        return
    outer, first, second = (_indent(unit, n) for n in (here.line, inner.line, following.line))
    first_word = unit.line_text(here.line).lstrip()
    if first == second and len(first) > len(outer) and first.startswith(outer) and first_word.startswith("if"):
        yield Misread(
            following.line,
            483,
            f"Line {following.line} looks as if it belonged to the if at line {here.line}, and always runs.",
            "Put braces around both lines.",
        )


def _is_dead(unit: ir.Unit, here: ir.Return | ir.Raise, following: ir.Statement) -> bool:
    """Whether a statement never runs; a break or return that a compiler asks for behind another is no fault."""
    if isinstance(following, ir.Label | ir.Jump | ir.Gap) or (isinstance(following, ir.Assign) and following.declares):
        return False
    if isinstance(following, ir.Return) and not _works(following.value):
        return False
    lines: Iterable[int] = range(here.line, following.line + 1)
    return following.line > here.line and not any(unit.line_text(n).lstrip().startswith(("#", "case")) for n in lines)


def _works(value: ir.Expression | None) -> bool:
    return any(isinstance(e, ir.Call) for e in expressions(value))


def _indent(unit: ir.Unit, line: int) -> str:
    text = unit.line_text(line)
    return text[: len(text) - len(text.lstrip())]
