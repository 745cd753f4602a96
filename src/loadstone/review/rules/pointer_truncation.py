"""Does an address stay as wide as it is? Half of one is another address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.apis import ApiRole, Success
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, word
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_NARROW: Final = re.compile(
    r"\A(?:const )?(?:unsigned|signed|int|unsigned int|u?int32_t|u?int16_t|DWORD|UINT|ULONG32|LONG32|INT|quint32|qint32"
    r"|guint|guint32|gint|gint32|unsigned short|short|WORD)\Z"
)
"""Integer types of at most 32 bits on the systems whose addresses have 64."""

_WIDE: Final = re.compile(
    r"\A(?:u?intptr_t|U?INT_PTR|D?ULONG_PTR|DWORD_PTR|LONG_PTR|quintptr|guintptr|size_t|uint64_t)\Z"
)
"""Integer types that an address is put into on the way."""

_SIGNED: Final = re.compile(r"\A(?:intptr_t|INT_PTR|LONG_PTR)\Z")
"""Those of them that a number is packed with; an address has no sign."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.BORROW)}
    for unit in facts.program.units:
        shared = _shared_pointers(unit)
        for function in unit.functions if unit.path in handling and unit.language in NATIVE else ():
            pointers = _pointers(function) | shared
            yield from _lengths(rule, facts, unit, function)
            for widened, own, wide in _widened(function):
                yield rule.no(
                    f"What points at {own} is handed on at line {widened.line} as a pointer to {wide}, which is wider: "
                    "more is written than there is room for.",
                    Location.lines(unit.path, widened.line),
                    cwe=704,
                    fix=f"Receive it in a variable of type {wide} and convert that.",
                    context=function.name,
                    condition=function.condition,
                )
            for cast in every_expression(function.body):
                if (
                    isinstance(cast, ir.Cast)
                    and _NARROW.match(cast.type.strip())
                    and _is_address(cast, pointers - _numbers(function), facts)
                ):
                    yield rule.no(
                        f"An address is cut to the width of {cast.type.strip()} at line {cast.line}.",
                        Location.lines(unit.path, cast.line),
                        context=function.name,
                        condition=function.condition,
                    )


def _lengths(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``feed(data, (int)length)``: a library is told a length cut to 32 bits, and nobody asked how large it is."""
    sized = {p.name for p in function.parameters if p.type.strip() in _SIZES}
    foreign = looked_up(facts, function) | filled_names(facts, unit) if sized else set()
    asked = {
        name
        for part in every_expression(function.body)
        if isinstance(part, ir.Operation) and part.operator in {"<", "<=", ">", ">="}
        for name in _names(part)
    }
    for call in calls_in(function.body) if sized - asked else ():
        for argument in call.arguments if called_through(call, foreign) else ():
            if isinstance(argument, ir.Cast) and _NARROW.match(argument.type.strip()):
                name = word(argument)
                if name in sized - asked:
                    yield rule.no(
                        f"{name} is cut to the width of {argument.type.strip()} for the library at line {call.line}; "
                        "nothing asks whether it fits.",
                        Location.lines(unit.path, call.line),
                        cwe=197,
                        severity=Severity.LOW,
                        fix="Refuse what does not fit before the call, or hand it over in pieces.",
                        context=function.name,
                        condition=function.condition,
                    )


def _names(expression: ir.Expression) -> Iterator[str]:
    return (e.name for e in expressions(expression) if isinstance(e, ir.Name))


_SIZES: Final = frozenset({"size_t", "const size_t", "gsize", "SIZE_T", "uint64_t", "rsize_t"})
"""Types of lengths that are wider than 32 bits where addresses are."""

_BYTES: Final = {
    **dict.fromkeys(("short", "unsigned short", "int16_t", "uint16_t", "WORD", "USHORT", "quint16", "guint16"), 2),
    **dict.fromkeys(("int", "unsigned", "unsigned int", "int32_t", "uint32_t", "DWORD", "LONG", "UINT", "BOOL"), 4),
    **dict.fromkeys(("quint32", "guint32", "guint", "gint", "ULONG", "float", "INT"), 4),
    **dict.fromkeys(("int64_t", "uint64_t", "size_t", "ULONGLONG", "double", "long long", "unsigned long long"), 8),
    **dict.fromkeys(("quint64", "guint64", "DWORD64", "UINT64", "gsize"), 8),
    **dict.fromkeys(("bool", "_Bool"), 1),
}
"""The sizes of integers on systems whose addresses have 64 bits; ``long`` differs, and text is cast to anything."""


def _widened(function: ir.Function) -> Iterator[tuple[ir.Cast, str, str]]:
    """``fill(h, (uint32_t *)&small)``: what is called writes more than there is."""
    types = {p.name: p.type for p in function.parameters}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            types[statement.target.name] = statement.type
    for call in (e for e in every_expression(function.body) if isinstance(e, ir.Call)):
        for cast in (a for a in call.arguments if isinstance(a, ir.Cast) and a.type.count("*") == 1):
            own = _pointed(cast.operand, types)
            wide, narrow = _BYTES.get(cast.type.replace("*", "").strip(), 0), _BYTES.get(own, 0)
            if "const" not in cast.type and 0 < narrow < wide:
                yield cast, own, cast.type.replace("*", "").strip()


def _pointed(operand: ir.Expression, types: dict[str, str]) -> str:
    """What a pointer argument points at, by the declaration of the variable."""
    if isinstance(operand, ir.Operation) and operand.operator == "address" and isinstance(operand.operands[0], ir.Name):
        return types.get(operand.operands[0].name, "").strip()
    spelled = types.get(operand.name, "") if isinstance(operand, ir.Name) else ""
    return spelled.replace("*", "").strip() if spelled.count("*") == 1 and "[]" not in spelled else ""


def _shared_pointers(unit: ir.Unit) -> frozenset[str]:
    """The members and the variables of a file that are pointers, whichever class has a member of that name."""
    spelled: dict[str, list[str]] = {}
    for one in (*unit.variables, *(m for c in unit.classes for m in c.members)):
        spelled.setdefault(one.name, []).append(one.type)
    return frozenset(n for n, types in spelled.items() if all("*" in t and "[]" not in t for t in types))


def _pointers(function: ir.Function) -> frozenset[str]:
    """The variables of a function that are declared as pointers."""
    declared = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    own = {s.target.name for s in declared if isinstance(s.target, ir.Name) and "*" in s.type and "[]" not in s.type}
    return frozenset(own | {p.name for p in function.parameters if "*" in p.type})


def _numbers(function: ir.Function) -> frozenset[str]:
    """The ``void *`` parameters that are only ever read as numbers: ``int first = (int)(intptr_t)argument``."""
    given = {p.name for p in function.parameters if p.type.replace(" ", "") == "void*"}
    parts = [*every_expression(function.body)] if given else []
    read = {id(c.operand) for c in parts if isinstance(c, ir.Cast) and _SIGNED.match(c.type.strip())}
    return frozenset(given - {n.name for n in parts if isinstance(n, ir.Name) and id(n) not in read})


def _is_address(cast: ir.Cast, pointers: frozenset[str], facts: Facts) -> bool:
    """Whether what is cut is a pointer, seen as a number or not; a difference of two is not."""
    operand, widened = cast.operand, False
    while isinstance(operand, ir.Cast):
        widened = widened or bool(_WIDE.match(operand.type.strip())) or "*" in operand.type
        operand = operand.operand
    is_pointer = isinstance(operand, ir.Name | ir.Member) and operand.name in pointers
    is_taken = isinstance(operand, ir.Operation) and operand.operator == "address"
    api = facts.apis.get(operand.name) if isinstance(operand, ir.Call) else None
    is_found = api is not None and api.role in {ApiRole.LOAD, ApiRole.RESOLVE} and api.success is Success.NON_NULL
    return is_taken or is_found or (is_pointer and widened)


RULE: Final = Rule(
    id="pointer-truncation",
    question="Does an address stay as wide as it is?",
    practice=Practice.TYPE_DECLARATIONS,
    cwe=704,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A truncated pointer is another address: what is called or read there has another owner, or none.",
    fix="Keep it in a pointer, or in uintptr_t.",
    bad="unsigned int cookie = (unsigned int)(uintptr_t)object;\n",
    good="uintptr_t cookie = (uintptr_t)object;\n",
    references=(
        "https://cwe.mitre.org/data/definitions/704.html",
        "https://wiki.sei.cmu.edu/confluence/display/c/INT36-C.+Converting+a+pointer+to+integer+or+integer+to+pointer",
    ),
    answer=_answer,
)
