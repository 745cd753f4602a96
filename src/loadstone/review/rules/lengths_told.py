"""Python: lengths that a foreign call is told, or that are read back, and that say more than a buffer has room for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.buffer_sizes import (
    assigned,
    beside,
    is_fixed,
    is_limited,
    made_of,
    number,
    number_of_others,
    room_of,
    size_of,
)
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions

__all__ = ["ASKED", "PLACES", "handed", "overflow", "tells_size", "told_lengths", "told_when_read"]

ASKED: Final = frozenset({"compared", "allowed", "inside"})
PLACES: Final = frozenset({"ctypes.addressof", "ctypes.byref", "ctypes.pointer"})


def told_lengths(rule: Rule, facts: Facts, found: ForeignCall) -> Iterator[Claim]:
    """What a foreign call is told about the room of what it fills."""
    yield from _from_outside(rule, facts, found)
    yield from _wider_place(rule, found)


def told_when_read(rule: Rule, facts: Facts, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """How much is read back out of a buffer that a library filled."""
    yield from _told(rule, facts, visit, call)
    yield from _unended(rule, facts, visit, call)


def overflow(
    rule: Rule, visit: Visit, line: int, message: str, cwe: int, fix: str, severity: Severity = Severity.HIGH
) -> Claim:
    """A claim at a line of the function that is visited."""
    return rule.no(
        message,
        Location.lines(visit.unit.path, line),
        cwe=cwe,
        severity=severity,
        fix=fix,
        context=visit.function.name,
        condition=visit.function.condition,
    )


def _from_outside(rule: Rule, facts: Facts, found: ForeignCall) -> Iterator[Claim]:
    """``lib.mix_levels(levels, n)``: an array of constant size, and a number of a file or a message for its length."""
    visit = found.visit
    for buffer, length in beside(found.call.arguments):
        room = room_of(visit, made_of(visit, spelled(buffer)))
        name = spelled(length)
        given = assigned(visit.function, name) if isinstance(uncast(length), ir.Name) else None
        if not room or given is None or visit.checks(name) & ASKED or is_limited(visit.function, {name}):
            continue
        if number_of_others(facts, visit, given) and not tells_size(found, spelled(buffer), room):
            yield overflow(
                rule,
                visit,
                found.call.line,
                f"{found.prototype.symbol} is passed {name}, which comes from outside, for {spelled(buffer)} of "
                "constant size.",
                787,
                f"Compare {name} with the size of the buffer first.",
            )


def _wider_place(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``cast(byref(c_int()), POINTER(c_size_t))``: the library writes more bytes than the object has."""
    for argument in found.call.arguments:
        match uncast(argument):
            case ir.Call(
                name="ctypes.cast", arguments=(ir.Call(name=taken, arguments=(of, *_)), ir.Call() as kind)
            ) if taken in PLACES and kind.name == "ctypes.POINTER" and kind.arguments:
                made = assigned(found.visit.function, spelled(of))
                has = size_of(made.function) if isinstance(made, ir.Call) else None
                wants = size_of(kind.arguments[0])
                if has and wants and wants > has:
                    yield overflow(
                        rule,
                        found.visit,
                        argument.line,
                        f"{found.prototype.symbol} may write {wants} bytes to {spelled(of)}, which has {has}.",
                        787,
                        "Make the object of the type that the library writes.",
                    )


_RAW: Final = frozenset({"c_ubyte", "c_byte", "c_uint8", "c_int8", "BYTE"})


def _unended(rule: Rule, facts: Facts, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``string_at(addressof(raw))`` of bytes that a library filled up to their end: nothing says where they end."""
    if call.name != "ctypes.string_at" or len(call.arguments) != 1 or call.keywords:
        return
    of = uncast(call.arguments[0])
    if isinstance(of, ir.Call) and of.name in PLACES | {"ctypes.cast"} and of.arguments:
        of = uncast(of.arguments[0])
    made = made_of(visit, spelled(of))
    kind = uncast(made.function) if isinstance(made, ir.Call) and not made.arguments else None
    room = room_of(visit, made)
    if not isinstance(kind, ir.Operation) or spelled(kind.operands[0]).rpartition(".")[2] not in _RAW or not room:
        return
    bindings = facts.bindings[visit.unit.path]
    for filled in calls(visit.function.body.body):
        whole = any(number(visit, a) == room or _is_size_of(a, spelled(of)) for a in filled.arguments)
        if filled.line < call.line and whole and bindings.symbol(filled, visit.function.owner) is not None:
            yield overflow(
                rule,
                visit,
                call.line,
                f"{spelled(of)} may be filled to its last byte, and is read up to a zero that need not be there.",
                125,
                "Pass the number of bytes that were filled.",
                Severity.MEDIUM,
            )
            return


def _is_size_of(argument: ir.Expression, name: str) -> bool:
    of = uncast(argument)
    asks = isinstance(of, ir.Call) and of.name in {"len", "ctypes.sizeof"} and bool(of.arguments)
    return asks and spelled(of.arguments[0]) == name  # type: ignore[union-attr]


def _told(rule: Rule, facts: Facts, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``ffi.buffer(out, length[0])``: as much as the library says is read from a buffer of constant size."""
    if call.name.rpartition(".")[2] not in {"buffer", "string_at", "unpack"} or len(call.arguments) != len(("of", "n")):
        return
    of, length = call.arguments
    holder = uncast(length)
    if isinstance(holder, ir.Item | ir.Member):
        holder = uncast(holder.base)
    buffer, told = spelled(of), spelled(holder)
    made = assigned(visit.function, buffer) if buffer else None
    if not told or not isinstance(made, ir.Call) or not made.arguments:
        return
    filled = next(
        (
            c
            for c in calls(visit.function.body.body)
            if facts.bindings[visit.unit.path].symbol(c, visit.function.owner) is not None
            and {buffer, told} <= handed(c) | ({told} if assigned(visit.function, told) is c else set())
        ),
        None,
    )
    if filled is None or not (is_fixed(visit, made) or _is_as_told(made, handed(filled), buffer)):
        return
    if filled.line <= call.line and not is_limited(visit.function, {told, f"{told}.value"}):
        yield overflow(
            rule,
            visit,
            call.line,
            f"As much is read from {buffer} as the library says, which may be more than {buffer} has room for.",
            125,
            "Compare the length with the size of the buffer first.",
            Severity.MEDIUM,
        )


def _is_as_told(made: ir.Call, given: set[str], buffer: str) -> bool:
    """Whether a buffer is as large as a variable says that the same call is given."""
    size = spelled(made.arguments[-1])
    return bool(size) and size in given and size != buffer


def handed(call: ir.Call) -> set[str]:
    """The places that a call is given, as they are spelled."""
    return {spelled(part) for argument in call.arguments for part in expressions(argument)}


def tells_size(found: ForeignCall, buffer: str, room: int | None) -> bool:
    """Whether another argument is the size of the buffer: ``len(room)``, ``sizeof(room)``, the same number."""
    for argument in found.call.arguments:
        of = uncast(argument)
        sizes = isinstance(of, ir.Call) and of.name in {"len", "ctypes.sizeof"} and bool(of.arguments)
        if sizes and spelled(of.arguments[0]) == buffer:  # type: ignore[union-attr]
            return True
        if room is not None and number(found.visit, argument) == room:
            return True
    return False
