"""Is what foreign code may write, or what is read from its memory, no more than there is room for?"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.buffer_sizes import (
    BUFFERS,
    assigned,
    beside,
    elements_of,
    is_fixed,
    is_limited,
    made_of,
    number,
    room_of,
)
from loadstone.review.rules.file_reserves import file_reserves
from loadstone.review.rules.given_by_address import negative_indexes
from loadstone.review.rules.lengths_told import (
    ASKED,
    PLACES,
    handed,
    overflow,
    tells_size,
    told_lengths,
    told_when_read,
)
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.stepping_loops import stepping_loops
from loadstone.review.walk import calls, expressions, statements

__all__ = ["RULE"]

_UNBOUNDED: Final = frozenset(
    {
        ("strcpy"),
        ("strcat"),
        ("sprintf"),
        ("gets"),
        ("wcscpy"),
        ("wcscat"),
        ("lstrcpyA"),
        ("lstrcpyW"),
        ("stpcpy"),
        ("vsprintf"),
    }
)
"""Functions that take no size. Source: their manual pages."""

_NARROW: Final = re.compile(
    r"ctypes\.(?:wintypes\.)?(?:c_u?int(?:8|16|32)?|c_u?short|c_ubyte|c_byte|DWORD|WORD|UINT|INT)\Z"
)
_STRUCTURE: Final = re.compile(r"(?:\A|\.)(?:\w*Structure|Union)\Z")
_READS: Final = re.compile(r"\bctypes\b|\bcffi\b|\bELF\b|\bElf|\bMZ\b|(?i:0xfeedfac|0xcafebabe)")
"""Files that call libraries, or read the headers of binaries."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from file_reserves(rule, facts)
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and _READS.search(unit.text):
            yield from stepping_loops(rule, unit)
            yield from negative_indexes(rule, unit)
    for found in facts.foreign_calls:
        yield from _characters(rule, found)
        yield from _unbounded(rule, found)
        yield from _element_type(rule, found)
        yield from _smaller(rule, found)
        yield from _unrelated(rule, found)
        yield from _and_more(rule, found)
        yield from told_lengths(rule, facts, found)
        yield from _short_read(rule, found)
    for call, visit in facts.travels.calls.values():
        yield from _moved(rule, visit, call)
        yield from _wraps(rule, visit, call)
        yield from _offset(rule, facts, visit, call)
        yield from told_when_read(rule, facts, visit, call)
        yield from _told_by_record(rule, facts, visit, call)


def _characters(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``sizeof`` of a buffer of wide characters counts bytes."""
    wide = {
        spelled(argument)
        for argument in found.call.arguments
        if isinstance(value := made_of(found.visit, spelled(argument)), ir.Call)
        and value.name == "ctypes.create_unicode_buffer"
    }
    for argument in found.call.arguments:
        match uncast(argument):
            case ir.Call(name="ctypes.sizeof", arguments=(of,)) if spelled(of) in wide:
                yield overflow(
                    rule,
                    found.visit,
                    argument.line,
                    f"{found.prototype.symbol} is passed the size of {spelled(of)} in bytes; a buffer of wide "
                    f"characters "
                    "holds fewer characters than bytes.",
                    131,
                    "Pass len(buffer).",
                )


def _unbounded(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``strcpy`` into a field or a buffer of fixed size."""
    if found.prototype.symbol not in _UNBOUNDED or not found.call.arguments:
        return
    source = found.call.arguments[-1]
    names = {spelled(part) for part in expressions(source)}
    if isinstance(uncast(source), ir.Literal) or any(found.visit.checks(name) & ASKED for name in names if name):
        return
    yield overflow(
        rule,
        found.visit,
        found.call.line,
        f"{found.prototype.symbol} copies text of any length into a place of fixed size.",
        120,
        "Compare the length with the room first, or assign to the field, which ctypes checks.",
    )


def _element_type(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``np.asarray(x).ctypes.data``: whatever type and layout ``x`` has."""
    for argument in found.call.arguments:
        for part in expressions(argument):
            match part:
                case ir.Member(name="data" | "data_as", base=ir.Member(name="ctypes", base=array)):
                    value = uncast(array)
                    if isinstance(value, ir.Name):
                        value = assigned(found.visit.function, value.name) or value
                    if (
                        isinstance(value, ir.Call)
                        and value.name.rpartition(".")[2] in {"asarray", "array", "asanyarray"}
                        and len(value.arguments) < 2
                        and "dtype" not in dict(value.keywords)
                    ):
                        yield overflow(
                            rule,
                            found.visit,
                            part.line,
                            f"{found.prototype.symbol} gets an array in whatever element type and layout it has.",
                            704,
                            "Convert with ascontiguousarray and the dtype the library expects.",
                        )


def _smaller(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """A buffer of one constant size, and a larger constant as its length."""
    arguments = found.call.arguments
    for buffer, length in beside(arguments):
        made = made_of(found.visit, spelled(buffer))
        told = number(found.visit, length)
        told = _room_told(found.visit, length) if told is None else told
        room = room_of(found.visit, made)
        if tells_size(found, spelled(buffer), room):
            continue  # the number is something else: a time, a flag
        if told is not None and told >= _LEAST and room is None and _is_somebodys(found.visit, made):
            yield overflow(
                rule,
                found.visit,
                found.call.line,
                f"{found.prototype.symbol} is passed {told} for a buffer whose size is not known here.",
                787,
                "Pass the size of the buffer itself.",
                Severity.MEDIUM,
            )
        places = elements_of(found, buffer, made)
        if told is not None and places is not None and told > places > 0:
            room = places
        if told is not None and room is not None and told > room > 0:
            yield overflow(
                rule,
                found.visit,
                found.call.line,
                f"{found.prototype.symbol} is passed {told} for a buffer of {room}.",
                787,
                "Pass the size of the buffer itself.",
            )


_LEAST: Final = 16
"""A smaller number beside a buffer may well be a flag."""


def _is_somebodys(visit: Visit, made: ir.Expression | None) -> bool:
    """A buffer as large as a key of a request or of a file says, with nothing that limits it."""
    if not isinstance(made, ir.Call) or made.name not in BUFFERS or len(made.arguments) != 1:
        return False
    size = uncast(made.arguments[0])
    if isinstance(size, ir.Name):
        size = assigned(visit.function, size.name) or size
    keyed = isinstance(size, ir.Item) or (isinstance(size, ir.Call) and size.name.rpartition(".")[2] == "get")
    return keyed and not is_limited(visit.function, {spelled(size)})


def _room_told(visit: Visit, length: ir.Expression) -> int | None:
    """``size = c_ulong(256)`` and ``byref(size)``, ``count[0] = 64`` and ``count``: the room that a call is told of."""
    of = uncast(length)
    if isinstance(of, ir.Call) and of.name in {"ctypes.byref", "ctypes.pointer"} and of.arguments:
        made = assigned(visit.function, spelled(of.arguments[0]))
        simple_number = isinstance(made, ir.Call) and made.name.startswith("ctypes.") and len(made.arguments) == 1
        return number(visit, made.arguments[0]) if simple_number and isinstance(made, ir.Call) else None
    name = spelled(of)
    held = {s.target: s.value for s in statements(visit.function.body.body) if isinstance(s, ir.Assign)}
    for target, value in held.items():
        if name and isinstance(target, ir.Item) and spelled(target.base) == name and value is not None:
            return number(visit, value)
    return None


def _unrelated(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """A buffer of one constant size, and as its length a product of what somebody else says."""
    for buffer, length in itertools.pairwise(found.call.arguments):
        made = assigned(found.visit.function, spelled(buffer)) if spelled(buffer) else None
        product = uncast(length)
        if isinstance(product, ir.Name):
            product = assigned(found.visit.function, product.name) or product
        if not isinstance(product, ir.Operation) or product.operator != "*" or number(found.visit, product) is not None:
            continue
        if not isinstance(made, ir.Call) or made.name not in BUFFERS or len(made.arguments) != 1:
            continue
        names = {name for part in (*expressions(product), length) if (name := spelled(part))}
        words = {name.rpartition(".")[2] for name in names}
        of_size = number(found.visit, made.arguments[0]) is not None or _is_constant(made.arguments[0])
        asked = any(found.visit.checks(name) & ASKED for name in names) or is_limited(found.visit.function, names)
        if of_size and words and not asked and not any(word.isupper() for word in words):
            yield overflow(
                rule,
                found.visit,
                found.call.line,
                f"{found.prototype.symbol} is passed an unchecked product, for a buffer of constant size.",
                120,
                "Make the buffer as large as the product, or compare the product with the size first.",
            )


def _and_more(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``dst = (c_float * frames)()`` and ``lib.run(fx, dst, frames + tail)``."""
    for length in found.call.arguments:
        sum_ = uncast(length)
        if not isinstance(sum_, ir.Operation) or sum_.operator != "+":
            continue
        terms = [spelled(term) for term in sum_.operands]
        for buffer in found.call.arguments:
            many = _many(made_of(found.visit, spelled(buffer)))
            if many and many in terms and all(terms):
                more = next(term for term in terms if term != many)
                yield overflow(
                    rule,
                    found.visit,
                    found.call.line,
                    f"{found.prototype.symbol} is told of {more} elements more than {spelled(buffer)} has.",
                    787,
                    "Make the buffer as large as the call is told.",
                )
                return


def _many(made: ir.Expression | None) -> str:
    """How many elements an array was made with, as it is spelled; empty when that is not a variable."""
    kind = uncast(made.function) if isinstance(made, ir.Call) and made.function is not None else None
    if isinstance(kind, ir.Operation) and kind.operator == "*" and len(kind.operands) == len(("type", "count")):
        return spelled(kind.operands[1])
    if isinstance(made, ir.Call) and made.name in BUFFERS and len(made.arguments) == 1:
        return spelled(made.arguments[0])
    return ""


_MAY_BE_SHORT: Final = frozenset({"read", "recv", "read1"})
"""Methods that give as much as there is, up to what they are asked for."""


def _short_read(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``data = f.read(n)`` and ``lib.decode(data, n)``: the file may have ended before."""
    told = {spelled(argument) for argument in found.call.arguments} - {""}
    for name in {spelled(part) for argument in found.call.arguments for part in expressions(argument)} - {""}:
        made = assigned(found.visit.function, name)
        is_read = isinstance(made, ir.Call) and made.receiver is not None and simple(made.name) in _MAY_BE_SHORT
        asked = spelled(made.arguments[0]) if isinstance(made, ir.Call) and is_read and made.arguments else ""
        if asked and asked != name and asked in told and not is_limited(found.visit.function, {name}):
            yield overflow(
                rule,
                found.visit,
                found.call.line,
                f"{found.prototype.symbol} is told that {name} has {asked} bytes; it was read, and may be shorter.",
                125,
                f"Compare len({name}) with {asked} first, or pass len({name}).",
            )


def _is_constant(size: ir.Expression) -> bool:
    bare = uncast(size)
    return isinstance(bare, ir.Name) and bare.name.isupper()


def _told_by_record(rule: Rule, facts: Facts, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``string_at(addressof(report.data), report.length)``: a record of foreign code says how much it holds."""
    if call.name != "ctypes.string_at" or len(call.arguments) != len(("of", "n")):
        return
    place, length = (uncast(argument) for argument in call.arguments)
    inside = place.arguments[0] if isinstance(place, ir.Call) and place.name in PLACES and place.arguments else None
    if not isinstance(inside, ir.Member) or not isinstance(length, ir.Member):
        return
    record, told = spelled(inside.base), spelled(length)
    filled = any(
        c.line <= call.line
        and facts.bindings[visit.unit.path].symbol(c, visit.function.owner) is not None
        and record in handed(c)
        for c in calls(visit.function.body.body)
    )
    if record and filled and spelled(length.base) == record and not is_limited(visit.function, {told}):
        yield overflow(
            rule,
            visit,
            call.line,
            f"As much is read from {spelled(inside)} as {told} says, which the library has written.",
            125,
            "Compare the length with sizeof of the field first.",
            Severity.MEDIUM,
        )


def _moved(rule: Rule, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``memmove`` of as much as the data says into an object of fixed size."""
    by_cffi = call.name.rpartition(".")[2] == "memmove" and call.name.startswith(("cffi.", "ffi.", "?."))
    if not (by_cffi or call.name in {"ctypes.memmove", "ctypes.memset"}) or len(call.arguments) < 3:
        return
    size = uncast(call.arguments[2])
    if isinstance(size, ir.Name):
        size = assigned(visit.function, size.name) or size
    if _is_read_within(visit, size):
        return
    names = {name for part in expressions(size) if (name := spelled(part))}
    mentions = {part.name for part in expressions(size) if isinstance(part, ir.Call)}
    if isinstance(size, ir.Literal) or mentions & {"ctypes.sizeof", "min"}:
        return
    if not _is_fixed_size(visit, call.arguments[0]) or any(visit.checks(name) & ASKED for name in names):
        return
    source = spelled(call.arguments[1])
    if source and visit.checks(source) & ASKED:
        return
    yield overflow(
        rule,
        visit,
        call.line,
        f"{call.name.rpartition('.')[2]} writes as many bytes as the data says into an object of fixed size.",
        787,
        "Compare the length with ctypes.sizeof of the target first.",
    )


def _is_read_within(visit: Visit, size: ir.Expression | None) -> bool:
    """``len(data)`` of ``data = sock.recv(512)`` or ``sock.recv(min(n, 512))``: no more than was asked for."""
    of = spelled(size.arguments[0]) if isinstance(size, ir.Call) and size.name == "len" and size.arguments else ""
    read = assigned(visit.function, of) if of else None
    if not isinstance(read, ir.Call) or simple(read.name) not in _MAY_BE_SHORT or not read.arguments:
        return False
    asked = uncast(read.arguments[0])
    return number(visit, asked) is not None or (isinstance(asked, ir.Call) and asked.name == "min")


def _is_fixed_size(visit: Visit, target: ir.Expression) -> bool:
    """A structure, or a buffer made with a constant size."""
    of = uncast(target)
    own = made_of(visit, spelled(of)) if spelled(of).startswith("self.") else None
    if isinstance(own, ir.Call) and own.name in BUFFERS:
        return is_fixed(visit, own)
    if isinstance(of, ir.Operation) and of.operator == "+":  # addressof(record) + Record.field.offset
        of = uncast(of.operands[0])
    if isinstance(of, ir.Call) and of.arguments and of.name in {"ctypes.byref", "ctypes.addressof", "ctypes.pointer"}:
        of = uncast(of.arguments[0])
    if isinstance(of, ir.Member):  # a field of a structure
        of = uncast(of.base)
    made = made_of(visit, spelled(of))
    if not isinstance(made, ir.Call):
        return False
    if made.name in BUFFERS or (made.name.endswith(".new") and made.arguments):
        return is_fixed(visit, made)
    structures = {one.name for one in visit.unit.classes if any(_STRUCTURE.search(base) for base in one.bases)}
    return made.name.rpartition(".")[2] in structures


def _wraps(rule: Rule, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``c_uint32(width * height)``: the product of unbounded numbers is cut to 32 bits without a word."""
    if not _NARROW.match(call.name) or len(call.arguments) != 1:
        return
    value = uncast(call.arguments[0])
    if isinstance(value, ir.Name):
        value = assigned(visit.function, value.name) or value
    if not isinstance(value, ir.Operation) or value.operator not in {"*", "<<"}:
        return
    operands = [uncast(operand) for operand in value.operands]
    if any(isinstance(operand, ir.Literal) and operand.value in {0, 1} for operand in operands):
        return
    names = {name for part in expressions(value) if (name := spelled(part))} | {spelled(call.arguments[0])}
    varying = [operand for operand in operands if not isinstance(operand, ir.Literal)]
    constant = [name for name in names if name.rpartition(".")[2].isupper()]
    if len(varying) < 2 or len(constant) >= len(varying) or any(visit.checks(name) & ASKED for name in names if name):
        return
    yield overflow(
        rule,
        visit,
        call.line,
        f"The product is cut to the width of {call.name.rpartition('.')[2]}; a large one becomes a small size.",
        190,
        "Compare the factors, or the product as a Python number, with a limit first.",
        Severity.MEDIUM,
    )


def _is_place_of_field(function: ir.Function, operand: ir.Expression) -> bool:
    """``Record.field.offset`` is where ctypes put a field; ``record.offset`` is what the data says."""
    name = spelled(operand)
    whose, *rest = name.split(".")
    own = {"self", "cls", *(p.name for p in function.parameters)}
    return len(rest) == len(("field", "offset")) and rest[-1] == "offset" and whose not in own


def _offset(rule: Rule, facts: Facts, visit: Visit, call: ir.Call) -> Iterator[Claim]:
    """``from_address(base + offset)``, ``string_at(base + offset, n)``: nothing says that it lies inside."""
    word = call.name.rpartition(".")[2]
    if word not in {"from_address", "string_at", "wstring_at"} or not call.arguments:
        return
    address = uncast(call.arguments[0])
    if not isinstance(address, ir.Operation) or address.operator not in {"+", "-"}:
        return
    names = {name for part in expressions(address) if (name := spelled(part))}
    moving = [
        uncast(operand)
        for operand in address.operands
        if not isinstance(uncast(operand), ir.Literal)
        and not _is_place_of_field(visit.function, operand)
        and not _is_told(facts, visit, uncast(operand))
    ]
    if len(moving) < 2 or any(visit.checks(name) & ASKED for name in names):
        return
    yield overflow(
        rule,
        visit,
        call.line,
        f"{word} reads at an offset that is never compared with a size.",
        125,
        "Compare offset and length with the size of the mapping first.",
        Severity.MEDIUM if names & {p.name for p in visit.function.parameters} else Severity.HIGH,
    )


def _is_told(facts: Facts, visit: Visit, operand: ir.Expression) -> bool:
    """``sizeof(Head)``, and what a function of the library itself says: neither comes from data."""
    if not isinstance(operand, ir.Call):
        return False
    bindings = facts.bindings[visit.unit.path]
    return operand.name == "ctypes.sizeof" or bindings.symbol(operand, visit.function.owner) is not None


RULE: Final = Rule(
    id="foreign-buffer-overflow",
    question="Is what foreign code may write, or what is read from its memory, no more than there is room for?",
    practice=Practice.INPUT_VALIDATION,
    cwe=787,
    severity=Severity.HIGH,
    languages=PYTHON,
    why=(
        "Python checks no index behind an address. A size in the wrong unit, a length from a file or a product that "
        "wrapped is written past the end of a buffer without an exception."
    ),
    fix="Compare lengths with the size of the target before the call.",
    bad="name = ctypes.create_unicode_buffer(64)\nlib.get_name(name, ctypes.sizeof(name))\n",
    good="name = ctypes.create_unicode_buffer(64)\nlib.get_name(name, len(name))\n",
    references=(
        "https://docs.python.org/3/library/ctypes.html#utility-functions",
        "https://cwe.mitre.org/data/definitions/131.html",
        "https://cwe.mitre.org/data/definitions/787.html",
    ),
    answer=_answer,
)
