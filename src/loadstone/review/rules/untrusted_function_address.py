"""Do addresses of functions come only from a lookup by name?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, module_value
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.arrivals import by_sink, from_where, steps
from loadstone.review.rules.places import ALL, at
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept, statements

__all__ = ["RULE"]

_PARSERS: Final = frozenset(
    {
        ("strtoul"),
        ("strtoull"),
        ("strtol"),
        ("strtoll"),
        ("atoi"),
        ("atol"),
        ("atoll"),
        ("int"),
        ("sscanf"),
        ("std::stoul"),
        ("std::stoull"),
    }
)
_MAKERS: Final = frozenset({"ctypes.CFUNCTYPE", "ctypes.WINFUNCTYPE", "ctypes.PYFUNCTYPE"})
_READERS: Final = frozenset({"ctypes.string_at", "ctypes.wstring_at", "ctypes.cast", "ctypes.memmove"})
_IS_ADDRESS: Final = re.compile(r"(?:\A|\.)(?:cast|addressof|id)\Z")
_ASKS_ABOUT: Final = frozenset({"dladdr", "dladdr1", "SymFromAddr", "printf", "fprintf", "snprintf"})
"""Functions that tell of an address what is there, and read nothing at it."""

_ARITHMETIC: Final = re.compile(r"(?:(?:un)?signed |const )*(?:char|short|int|long|float|double|bool)(?: int| long)*\Z")
"""Types that no address fits into, or that nobody calls."""

_SMALL: Final = 4096
_TAG: Final = 16
"""A number up to this, added to an address, may be a tag or a step over a header."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for arrival, _ in by_sink(facts, SinkKind.ADDRESS):
        if not {"compared", "allowed"} & {kind for kind, _ in arrival.asked}:
            yield rule.no(
                f"The address used here is a number from {from_where(arrival)}.",
                at(arrival.sink.spot),
                why=steps(arrival, f"{arrival.sink.name} takes it for an address"),
                context=arrival.sink.spot.function,
                condition=arrival.sink.spot.condition,
            )
    for unit in facts.program.units:
        python = unit.language is ir.Language.PYTHON
        types = _foreign_types(unit) if python else _resolved_types(facts, unit)
        for function in unit.functions:
            yield from (_python if python else _native)(rule, unit, function, types)


def _parsed(function: ir.Function) -> dict[str, int]:
    """Variables that hold a number made from text."""
    found: dict[str, int] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            if any(
                isinstance(e, ir.Call) and e.name in _PARSERS and _is_hexadecimal(e)
                for e in expressions(statement.value)
            ):
                found[statement.target.name] = statement.line
            elif any(isinstance(e, ir.Name) and e.name in found for e in expressions(statement.value)):
                found.setdefault(statement.target.name, statement.line)
    return found


def _is_hexadecimal(call: ir.Call) -> bool:
    if call.name in {"atoi", "atol", "atoll"} or not call.arguments:  # new int[count] reads no text
        return False
    return len(call.arguments) != 1


def _native(rule: Rule, unit: ir.Unit, function: ir.Function, types: frozenset[str]) -> Iterator[Claim]:
    parsed = _parsed(function)
    called = _called_casts(function)
    asked = {id(a) for c in calls_in(function.body) if c.name in _ASKS_ABOUT for a in c.arguments}
    for expression in every_expression(function.body):
        if (
            not isinstance(expression, ir.Cast)
            or id(expression) in asked
            or _ARITHMETIC.match(expression.type)
            or not ("*" in expression.type or expression.type in types or id(expression) in called)
        ):
            continue
        inner: ir.Expression = expression.operand
        while isinstance(inner, ir.Cast):
            inner = inner.operand
        callable_ = "(*" in expression.type or expression.type in types or id(expression) in called
        if (
            isinstance(inner, ir.Literal)
            and isinstance(inner.value, int)
            and _is_written_address(inner.value)
            and callable_
        ):
            yield rule.no(
                f"The address {inner.value:#x} is written into the program.",
                Location.lines(unit.path, expression.line),
                cwe=587,
                context=function.name,
                condition=function.condition,
            )
        elif isinstance(inner, ir.Name) and inner.name in parsed:
            yield _finding(rule, unit, function, expression.line, parsed[inner.name])
        elif isinstance(inner, ir.Call) and inner.name in _PARSERS and _is_hexadecimal(inner):
            yield _finding(rule, unit, function, expression.line, inner.line)
        elif callable_ and _is_offset(inner, unit):
            yield rule.no(
                "A function is found by a fixed offset from where something was loaded.",
                Location.lines(unit.path, expression.line),
                cwe=587,
                confidence=Confidence.POSSIBLE,
                context=function.name,
            )
        elif callable_ and isinstance(inner, ir.Operation) and inner.operator == "+" and not _has_number(inner):
            yield rule.no(
                "A function is called at an address that is put together from a base and a number of the data.",
                Location.lines(unit.path, expression.line),
                context=function.name,
                condition=function.condition,
            )


def _is_written_address(value: int) -> bool:
    """Whether a number can be meant as an address, and not as all bits set or a small tag."""
    return value > _SMALL and value & 0xFFFFFFFF != 0xFFFFFFFF


def _has_number(operation: ir.Operation) -> bool:
    return any(isinstance(uncast(e), ir.Literal) for e in operation.operands)


def _called_casts(function: ir.Function) -> set[int]:
    """The casts that are called, at once or by the name they are given: what shows a typedef to be a function's."""
    calls = [_target(e.function) for e in every_expression(function.body) if isinstance(e, ir.Call)]
    names = {target.name for target in calls if isinstance(target, ir.Name | ir.Member)}
    return {id(target) for target in calls if isinstance(target, ir.Cast)} | {
        id(s.value)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.value, ir.Cast)
        and isinstance(s.target, ir.Name | ir.Member)
        and s.target.name in names
    }


def _target(function: ir.Expression) -> ir.Expression:
    while isinstance(function, ir.Operation) and function.operator == "deref":
        function = function.operands[0]
    return function


def _foreign_types(unit: ir.Unit) -> frozenset[str]:
    """The names a file gives to types of foreign functions."""
    return frozenset(
        s.target.name
        for f in unit.functions
        for s in every_statement(f.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.target, ir.Name)
        and isinstance(s.value, ir.Call)
        and s.value.name in _MAKERS
    )


def _resolved_types(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """The types a file gives to what it looks up: those of functions, however they are named."""
    return frozenset(
        expression.type
        for function in unit.functions
        for expression in every_expression(function.body)
        if isinstance(expression, ir.Cast)
        and isinstance(found := uncast(expression), ir.Call)
        and (api := facts.apis.get(found.name)) is not None
        and api.role is ApiRole.RESOLVE
    ) - {"void *", "void*", "char *"}


def _python(rule: Rule, unit: ir.Unit, function: ir.Function, types: frozenset[str]) -> Iterator[Claim]:
    parsed = _parsed(function)
    for expression in every_expression(function.body):
        if not isinstance(expression, ir.Call) or not expression.arguments:
            continue
        made = (isinstance(expression.function, ir.Call) and expression.function.name in _MAKERS) or (
            isinstance(expression.function, ir.Name) and expression.function.name in types
        )
        reads = expression.name in _READERS
        if not made and not reads and not expression.name.endswith((".from_address",)):
            continue
        first = expression.arguments[0]
        source = next((e for e in expressions(first) if isinstance(e, ir.Call) and _parses(e)), None)
        if source is not None and any(
            isinstance(e, ir.Call) and _IS_ADDRESS.search(e.name) for e in expressions(first)
        ):
            source = None  # int(ffi.cast(...)) turns an address into a number, not text
        named = next((e for e in expressions(first) if isinstance(e, ir.Name) and e.name in parsed), None)
        written = _written(unit, first)
        if written is not None and _is_written_address(written):
            yield rule.no(
                f"The address {written:#x} is written into the program.",
                Location.lines(unit.path, expression.line),
                cwe=587,
                context=function.name,
            )
        elif made and _is_offset(first, unit):
            yield rule.no(
                "A function is found by a fixed offset from where something was loaded.",
                Location.lines(unit.path, expression.line),
                cwe=587,
                context=function.name,
                condition=function.condition,
            )
        elif source is not None or named is not None:
            since = source.line if source is not None else parsed[named.name] if named is not None else expression.line
            yield _finding(rule, unit, function, expression.line, since)


def _written(unit: ir.Unit, expression: ir.Expression) -> int | None:
    """A number as it stands, or the one that a constant of the module or of a class was given."""
    bare = uncast(expression)
    if isinstance(bare, ir.Name | ir.Member):
        name = bare.name if isinstance(bare, ir.Member) else bare.name.rpartition(".")[2]
        given = _given(unit).get(name, ())
        if len(given) != 1 or given[0] is None:
            return None
        bare = uncast(given[0])
    return bare.value if isinstance(bare, ir.Literal) and type(bare.value) is int else None


@kept
def _given(unit: ir.Unit) -> dict[str, list[ir.Expression | None]]:
    """What each name, and each attribute of any object, is given in a file."""
    found: dict[str, list[ir.Expression | None]] = {}
    for function in unit.functions:
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name | ir.Member):
                found.setdefault(statement.target.name, []).append(statement.value)
    return found


def _parses(call: ir.Call) -> bool:
    """Whether a call makes a number of text; ``int(pointers[i])`` of an array's element is a number already."""
    alone = uncast(call.arguments[0]) if len(call.arguments) == 1 else None
    return call.name in _PARSERS and not isinstance(alone, ir.Item)


def _is_offset(expression: ir.Expression, unit: ir.Unit) -> bool:
    """``base + 0x4A310``, ``base + DRAW_TEXT``."""
    if not isinstance(expression, ir.Operation) or expression.operator != "+":
        return False
    return any(_is_fixed(uncast(e), unit) for e in expression.operands)


def _is_fixed(operand: ir.Expression, unit: ir.Unit) -> bool:
    """Whether a number is written down, here or as a constant: an enumerator is known by its capitals."""
    if isinstance(operand, ir.Literal):
        return isinstance(operand.value, int) and operand.value > _TAG
    if not isinstance(operand, ir.Name):
        return False
    if unit.language is ir.Language.PYTHON:
        value = module_value(unit, operand.name)
    else:
        value = next((v.value for v in unit.variables if v.name == operand.name and "const" in v.type.split()), None)
    constant = value is None and operand.name.isupper() and len(operand.name) > 1
    return constant or (isinstance(value, ir.Literal) and _is_fixed(value, unit))


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, since: int) -> Claim:
    return rule.no(
        f"Line {line} calls or reads the address made from text at line {since}.",
        Location.lines(unit.path, line),
        context=function.name,
        condition=function.condition,
    )


RULE: Final = Rule(
    id="untrusted-function-address",
    question="Do addresses of functions come only from a lookup by name?",
    practice=Practice.INPUT_VALIDATION,
    cwe=822,
    severity=Severity.HIGH,
    languages=ALL,
    why="An address that arrives as text lets its sender choose what is "
    "called; one written down is right for one build "
    "on one day.",
    fix="Resolve by name.",
    bad="run_t run = (run_t)strtoul(argv[1], NULL, 16);\nrun();\n",
    good='run_t run = (run_t)dlsym(h, "run");\nif (run) run();\n',
    references=("https://cwe.mitre.org/data/definitions/822.html", "https://cwe.mitre.org/data/definitions/587.html"),
    answer=_answer,
)
