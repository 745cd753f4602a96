"""Python: what ctypes cannot check for the program: arguments behind the declared ones, and indexes of pointers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignResult
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["further_arguments", "negative_indexes"]

_POINTERS: Final = frozenset({ForeignResult.ADDRESS, ForeignResult.POINTER})
_ABOVE: Final = frozenset({">", ">=", "<", "<="})


def further_arguments(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``launch.argtypes = [c_char_p, c_int]`` and ``launch(name, 1, buffer.address)``."""
    addresses: dict[str, set[str]] = {}
    for found in facts.foreign_calls:
        statement = found.visit.statement
        kept = isinstance(statement, ir.Assign) and uncast(statement.value) is found.call
        if kept and found.prototype.result in _POINTERS and not found.prototype.by_cffi:
            target = spelled(statement.target).rpartition(".")[2]  # type: ignore[union-attr]
            addresses.setdefault(found.visit.unit.path, set()).add(target)
    for found in facts.foreign_calls if addresses else ():
        declared = found.prototype.arguments
        if declared is None or found.prototype.by_cffi or found.prototype.result is None:
            continue
        for argument in found.call.arguments[len(declared) :] if declared else ():
            bare = uncast(argument)
            name = spelled(bare).rpartition(".")[2] if isinstance(bare, ir.Name | ir.Member) else ""
            if name in addresses.get(found.visit.unit.path, set()):
                yield rule.no(
                    f"{spelled(bare)} is an address, and stands behind the {len(declared)} declared arguments: "
                    "it is passed as a C int, and half of it is gone.",
                    Location.lines(found.visit.unit.path, found.call.line),
                    cwe=686,
                    severity=Severity.MEDIUM,
                    fix="ctypes.c_void_p(address) for what argtypes leaves open.",
                    context=found.visit.function.name,
                )
                break


def negative_indexes(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``if x >= cols: return`` and ``self.pixels[x]`` of a POINTER: a number below zero lies before it."""
    pointers = {name for f in unit.functions for s in statements(f.body.body) for name in _pointer(s)}
    for function in unit.functions if pointers else ():
        own = {p.name for p in function.parameters}
        above, below = set[str](), set[str]()
        for name, is_above in _bounds(function):
            (above if is_above else below).add(name)
        for statement in statements(function.body.body):
            for part in parts_of(statement):
                if not isinstance(part, ir.Item) or spelled(part.base) not in pointers:
                    continue
                used = {spelled(e) for e in expressions(part.index) if isinstance(e, ir.Name)} & own & above
                if used - below and not _is_unsigned(part.index):
                    name = min(used - below)
                    yield rule.no(
                        f"{name} is asked only from above, and {spelled(part.base)} is a pointer: a negative one lies "
                        "before it, which ctypes does not refuse.",
                        Location.lines(unit.path, part.line),
                        cwe=787,
                        severity=Severity.MEDIUM,
                        fix=f"Ask for 0 <= {name} as well.",
                        why=(FlowStep(Location.lines(unit.path, part.line), "used as an index", "use"),),
                        context=function.name,
                    )
                    return


def _pointer(statement: ir.Statement) -> Iterator[str]:
    """What holds a pointer of ctypes: ``self.pixels = POINTER(Pixel)()``."""
    if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Call):
        made = uncast(statement.value.function) if statement.value.function is not None else None
        if isinstance(made, ir.Call) and made.name == "ctypes.POINTER" and (name := spelled(statement.target)):
            yield name


def _bounds(function: ir.Function) -> Iterator[tuple[str, bool]]:
    """The variables that a function compares, and whether with what they must stay below."""
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            match part:
                case ir.Operation(operator=operator, operands=operands) if operator in _ABOVE:
                    for number, operand in enumerate(operands):
                        other = uncast(operands[1 - number]) if len(operands) == len(("left", "right")) else None
                        if name := spelled(operand):
                            zero = isinstance(other, ir.Literal) and other.value in {0, -1, 1}
                            yield name, not zero
                case ir.Call(name="abs" | "max" | "min" | "range" | "len", arguments=given):
                    yield from ((spelled(a), False) for a in given if spelled(a))
                case ir.Operation(operator="in" | "not in", operands=(sought, _)):
                    yield spelled(sought), False


def _is_unsigned(index: ir.Expression) -> bool:
    """``x % cols`` and ``x & 255`` are not negative."""
    return any(isinstance(e, ir.Operation) and e.operator in {"%", "&"} for e in expressions(index))
