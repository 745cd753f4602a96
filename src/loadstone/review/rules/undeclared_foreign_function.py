"""Are foreign functions declared before they are called? Without it ctypes guesses, and cuts pointers to 32 bits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses import Facts
from loadstone.review.analyses.foreign import COMPUTED, ForeignFunction, foreign_functions, uses_in_order
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.neighbours import Neighbours
from loadstone.review.rules.given_by_address import further_arguments
from loadstone.review.rules.int_handles import int_handles
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, parts_of, statements

__all__ = ["RULE"]

_SAYS_ITS_TYPE: Final = (
    "ctypes.c_",
    "ctypes.byref",
    "ctypes.pointer",
    "ctypes.create_",
    "ctypes.POINTER",
    "ctypes.sizeof",
    "ctypes.cast",
    "ctypes.CFUNCTYPE",
)

_GIVES_ADDRESS: Final = re.compile(r"(?i)handle|pointer|addr|ptr\b|_new\b|_alloc|create")
"""Names of functions whose result is no plain number."""


def _typed_at_call(argument: ir.Expression, typed: frozenset[str] = frozenset()) -> bool:
    """Whether ctypes need not guess: an object of its own, text, None, or a small number.

    ``typed`` are the members of the object that hold nothing else: ``self.handle = ctypes.c_ulong()``.
    """
    match argument:
        case ir.Member(name=name, base=ir.Name(name="self")):
            return name in typed
        case ir.Call(name=name):
            return name.startswith(_SAYS_ITS_TYPE)
        case ir.Literal(value=int(number)):
            return -(1 << 31) <= number < 1 << 31
        case ir.Literal():
            return True
        case _:
            return False


def _types_each_number(call: ir.Call) -> bool:
    """``login(session, c_ulong(USER), pin, c_ulong(len(pin)))``: the names need no wrapping."""
    wraps = any(isinstance(a, ir.Call) and a.name.startswith("ctypes.c_") for a in call.arguments)
    return wraps and all(_typed_at_call(a) or isinstance(a, ir.Name) for a in call.arguments)


def _fills(call: ir.Call) -> bool:
    """Whether a call is given a place to fill, ``byref(handle)``: what it returns then is a status."""
    return any(isinstance(a, ir.Call) and a.name.startswith(("ctypes.byref", "ctypes.pointer")) for a in call.arguments)


def _typed_members(unit: ir.Unit) -> dict[str, frozenset[str]]:
    """The members of each class that are only ever given objects of ctypes."""
    given: dict[tuple[str, str], list[ir.Expression]] = {}
    for method in (f for f in unit.functions if f.owner):
        for statement in statements(method.body.body):
            match statement:
                case ir.Assign(target=ir.Member(name=name, base=ir.Name(name="self")), value=value) if (
                    value is not None
                ):
                    given.setdefault((method.owner, name), []).append(value)
                case _:
                    pass
    calls_alone = {
        key for key, values in given.items() if all(isinstance(v, ir.Call) and _typed_at_call(v) for v in values)
    }
    return {owner: frozenset(name for one, name in calls_alone if one == owner) for owner, _ in calls_alone}


def _missing(function: ForeignFunction, members: Mapping[str, frozenset[str]]) -> tuple[str, Severity] | None:
    """What is not declared, and how much that matters for the way the function is called; None when it does not."""
    pointer = any(use.result == "pointer" for use in function.uses)
    result = not function.result_line and any(use.result != "dropped" for use in function.uses)
    arguments = not function.arguments_line and any(
        not _typed_at_call(argument, members.get(use.function.owner, frozenset()))
        for use in function.uses
        if not _types_each_number(use.call)
        for argument in use.call.arguments
    )
    if pointer and not function.result_line:
        return "restype, and its result is used as a pointer, which is truncated to an int", Severity.HIGH
    if not function.result_line and any(use.result == "handle" for use in function.uses):
        return "restype, and its result, perhaps a truncated pointer, goes to another foreign function", Severity.MEDIUM
    if result and arguments:
        return "argtypes and restype", Severity.MEDIUM
    if arguments:
        return "argtypes", Severity.MEDIUM
    if result and _GIVES_ADDRESS.search(function.symbol) and not any(_fills(use.call) for use in function.uses):
        return "restype", Severity.LOW
    return None  # a result that is only tested is the int that ctypes takes it for


def _declarers(facts: Facts) -> dict[str, list[ir.Unit]]:
    """Functions that declare whatever name they are given: ``f = getattr(lib, name); f.argtypes = ...``."""
    found: dict[str, list[ir.Unit]] = {}
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and ".argtypes" in unit.text and ".restype" in unit.text:
            for function in unit.functions:
                targets = [s.target for s in statements(function.body.body) if isinstance(s, ir.Assign)]
                given = {p.name for p in function.parameters}
                looks = any(_looks_up(call, given) for call in calls(function.body.body))
                if looks and {"argtypes", "restype"} <= {t.name for t in targets if isinstance(t, ir.Member)}:
                    found.setdefault(simple(function.name), []).append(unit)
    return found


def _looks_up(call: ir.Call, given: set[str]) -> bool:
    second = call.arguments[1] if len(call.arguments) > 1 else None
    return call.name == "getattr" and isinstance(second, ir.Name) and second.name in given


def _declared_by_others(unit: ir.Unit, declarers: dict[str, list[ir.Unit]], neighbours: Neighbours) -> bool:
    """Whether the file hands names of functions to a helper that declares them."""
    return any(
        re.search(rf"\b{re.escape(name)}\b", unit.text) and any(neighbours.sees(unit, other) for other in others)
        for name, others in declarers.items()
    )


def _looked_up_alone(unit: ir.Unit) -> frozenset[str]:
    """Symbols that are named once in a file, where ``getattr(lib, "name")`` looks them up: nobody declares them."""
    every = [p for f in unit.functions for s in statements(f.body.body) for p in parts_of(s)]
    texts = Counter(p.value for p in every if isinstance(p, ir.Literal) and isinstance(p.value, str))
    looked = {
        p.arguments[1].value
        for p in every
        if isinstance(p, ir.Call) and p.name == "getattr" and len(p.arguments) > 1
        if isinstance(p.arguments[1], ir.Literal) and isinstance(p.arguments[1].value, str)
    }
    return frozenset(symbol for symbol in looked if texts[symbol] == 1)


_FEW: Final = 5
"""So many functions without a prototype are told one by one; more are one finding, as is a file that declares none."""


def _gathered(
    rule: Rule, unit: ir.Unit, lacking: list[tuple[ForeignFunction, tuple[str, Severity]]], total: int
) -> Iterator[Claim]:
    """What nothing worse hangs on than a wrong argument passed on: one claim for the file."""
    firsts = [min(function.uses, key=lambda use: use.call.line) for function, _ in lacking]
    places = [Location.lines(unit.path, use.call.line, use.call.end_line or None) for use in firsts]
    yield rule.no(
        f"{len(lacking)} of {total} foreign functions are called without argtypes or restype, "
        f"{lacking[0][0].symbol} first",
        places[0],
        severity=Severity.MEDIUM,
        why=tuple(
            FlowStep(place, f"{function.symbol} without {what}", "call")
            for place, (function, (what, _)) in zip(places, lacking, strict=True)
        ),
        context=firsts[0].function.name,
    )


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    cut = [*int_handles(rule, facts), *further_arguments(rule, facts)]
    yield from cut
    told = {(claim.location.path, claim.location.start) for claim in cut}
    declarers, neighbours = _declarers(facts), Neighbours(facts.program.units)
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        functions = foreign_functions(unit)
        computed = functions.get(COMPUTED)
        by_name = computed is not None and computed.arguments_line and computed.result_line
        called = uses_in_order(f for f in functions.values() if f.symbol != COMPUTED)
        if by_name or _declared_by_others(unit, declarers, neighbours):
            alone = _looked_up_alone(unit)  # a helper or a table declares those whose names it is given
            called = [f for f in called if f.symbol in alone]
        members = _typed_members(unit)
        lacking = [(function, missing) for function in called if (missing := _missing(function, members)) is not None]
        without = len(lacking)
        plain = [one for one in lacking if "pointer" not in one[1][0]]
        if len(plain) > _FEW or 1 < len(plain) == len(called):
            yield from _gathered(rule, unit, plain, len(called))
            lacking = [one for one in lacking if one not in plain]
        for function, (what, severity) in lacking:
            first = min(function.uses, key=lambda use: use.call.line)
            if (unit.path, first.call.line) in told:
                continue
            lack = Share("function", "lacks", "lack").of(without, len(called))
            message = f"{function.symbol} is called without {what}; {lack} one"
            place = Location.lines(unit.path, first.call.line, first.call.end_line or None)
            confidence = Confidence.CERTAIN if severity is not Severity.LOW else Confidence.LIKELY
            yield rule.no(message, place, severity=severity, context=first.function.name, confidence=confidence)
        declared = [f for f in called if f.arguments_line and f.result_line]
        if declared:
            places = tuple(
                Location.lines(unit.path, line) for f in declared for line in (f.arguments_line, f.result_line)
            )
            declares = Share("foreign function", "declares argtypes and restype", "declare argtypes and restype")
            yield rule.yes(
                declares, places[0], met=len(declared), sites=len(called), places=tuple(dict.fromkeys(places[1:]))
            )


RULE: Final = Rule(
    id="undeclared-foreign-function",
    question="Are foreign functions declared before they are called?",
    practice=Practice.TYPE_DECLARATIONS,
    cwe=686,
    severity=Severity.MEDIUM,
    languages=(ir.Language.PYTHON,),
    why=(
        "Without argtypes ctypes passes every number as a C int and accepts anything else; without restype it takes "
        "the result for an int, and half of a 64-bit pointer is gone."
    ),
    fix="Set argtypes and restype next to the load, for every function that is called.",
    bad='lib = ctypes.CDLL("libc.so.6")\nhome = lib.getenv(b"HOME")\nprint(ctypes.string_at(home))\n',
    good=(
        'lib = ctypes.CDLL("libc.so.6")\nlib.getenv.argtypes = [ctypes.c_char_p]\n'
        'lib.getenv.restype = ctypes.c_char_p\nprint(lib.getenv(b"HOME"))\n'
    ),
    references=(
        "https://docs.python.org/3/library/ctypes.html#specifying-the-required-argument-types-function-prototypes",
        "https://cwe.mitre.org/data/definitions/686.html",
    ),
    answer=_answer,
)
