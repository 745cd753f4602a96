"""Conditions that always come out the same: ``rc != 0 || rc != 1``, ``n < 0`` of an unsigned number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import place_named, uncast

__all__ = ["ConstantCondition", "constant_conditions", "types_in"]

_COMPARES: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_TOPS: Final = {
    "unsigned char": 255,
    "uint8_t": 255,
    "BYTE": 255,
    "UCHAR": 255,
    "unsigned short": 65535,
    "uint16_t": 65535,
    "WORD": 65535,
    "USHORT": 65535,
}
"""The largest values of types that are widened before they are compared."""

_UNSIGNED: Final = frozenset(
    {
        *_TOPS,
        "size_t",
        "std::size_t",
        "unsigned",
        "unsigned int",
        "unsigned long",
        "unsigned long long",
        "uint32_t",
        "uint64_t",
        "uintptr_t",
        "DWORD",
        "UINT",
        "ULONG",
        "SIZE_T",
        "guint",
        "gsize",
        "Elf32_Word",
        "Elf64_Xword",
    }
)


@dataclass(frozen=True, slots=True)
class ConstantCondition:
    """A condition that always comes out the same: which way, and why."""

    line: int
    holds: bool
    why: str


def constant_conditions(function: ir.Function) -> Iterator[ConstantCondition]:
    """The conditions of a function that no value can change."""
    types = types_in(function)
    for part in every_expression(function.body):
        if not isinstance(part, ir.Operation) or len(part.operands) != 2:
            continue
        if part.operator in {"&&", "||"}:
            found = _joined(part)
        elif part.operator in _COMPARES:
            found = _beyond_type(part, types)
        else:
            continue
        if found is not None:
            yield found


def types_in(function: ir.Function) -> Mapping[str, str]:
    """The types of the parameters and variables of a function; those declared twice with two types are left out."""
    declared = [(p.name, p.type) for p in function.parameters]
    declared += [
        (s.target.name, s.type)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
    ]
    twice = {name for name, kind in declared if any(n == name and k != kind for n, k in declared)}
    return {name: kind.removeprefix("const ").strip() for name, kind in declared if name not in twice}


def _asked(part: ir.Expression) -> tuple[str, str, int] | None:
    """``place operator number``; None for any other expression."""
    bare = uncast(part)
    if not isinstance(bare, ir.Operation) or bare.operator not in _COMPARES or len(bare.operands) != 2:
        return None
    one, other = map(uncast, bare.operands)
    is_place = isinstance(one, ir.Name | ir.Member)
    is_number = isinstance(other, ir.Literal) and isinstance(other.value, int) and not isinstance(other.value, bool)
    if not (is_place and is_number and isinstance(other, ir.Literal) and isinstance(other.value, int)):
        return None
    return place_named(one), bare.operator, other.value


def _joined(part: ir.Operation) -> ConstantCondition | None:
    """Two comparisons of one place with numbers, of which one always holds, or never both."""
    asked = [_asked(operand) for operand in part.operands]
    if asked[0] is None or asked[1] is None or not asked[0][0] or asked[0][0] != asked[1][0]:
        return None
    (place, first, low), (_, second, high) = asked[0], asked[1]
    tried = {number + step for number in (low, high) for step in (-1, 0, 1)}
    one, other = ({n: _COMPARES[op](n, number) for n in tried} for op, number in ((first, low), (second, high)))
    if len({*one.values()}) == 1 or len({*other.values()}) == 1:
        return None
    results = {(one[n] and other[n]) if part.operator == "&&" else (one[n] or other[n]) for n in tried}
    if len(results) != 1:
        return None
    holds = min(results)
    told = "one of the two always holds" if holds else "both never hold"
    return ConstantCondition(part.line, holds, f"{place} {first} {low} {part.operator} {place} {second} {high}: {told}")


def _beyond_type(part: ir.Operation, types: Mapping[str, str]) -> ConstantCondition | None:
    """A variable is compared with a number that its type cannot hold."""
    asked = _asked(part)
    kind = types.get(asked[0], "") if asked is not None else ""
    if asked is None or kind not in _UNSIGNED:
        return None
    place, operator, number = asked
    if number > _TOPS.get(kind, number):
        holds = operator in {"!=", "<", "<="}
    elif number < 0 and kind in _TOPS:
        holds = operator in {"!=", ">", ">="}
    elif number == 0 and operator == "<":
        holds = False
    else:
        return None
    return ConstantCondition(part.line, holds, f"{place} is {kind}, which no value of {operator} {number} meets")
