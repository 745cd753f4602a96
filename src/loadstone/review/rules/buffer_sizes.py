"""How large the buffers of a Python program are that foreign code fills: what their text says, and what limits it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.foreign import is_foreign
from loadstone.review.analyses.mentions import module_value
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.vocabulary import ASKED, REQUEST
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import expressions, kept, parts_of, statements

__all__ = [
    "BUFFERS",
    "assigned",
    "beside",
    "elements_of",
    "is_fixed",
    "is_limited",
    "made_of",
    "number",
    "number_of_others",
    "room_of",
    "size_of",
]

BUFFERS: Final = frozenset({"ctypes.create_string_buffer", "ctypes.create_unicode_buffer", "ctypes.c_buffer"})
"""Functions of ctypes that make a buffer."""


_FOLDS: Final = {"<<": int.__lshift__, "*": int.__mul__, "+": int.__add__, "-": int.__sub__}


_MOST: Final = 1 << 20


_SHIFT: Final = 64
"""The largest right operands that are folded."""


_SIZES: Final = {
    **dict.fromkeys(("c_char", "c_byte", "c_ubyte", "c_int8", "c_uint8", "c_bool", "BYTE"), 1),
    **dict.fromkeys(("c_short", "c_ushort", "c_int16", "c_uint16", "WORD"), 2),
    **dict.fromkeys(("c_int", "c_uint", "c_int32", "c_uint32", "c_float", "DWORD", "c_wchar"), 4),
    **dict.fromkeys(("c_double", "c_int64", "c_uint64", "c_longlong", "c_size_t", "c_void_p"), 8),
}
"""Bytes of the simple types of ctypes, the most they are on any platform."""


def assigned(function: ir.Function, name: str) -> ir.Expression | None:
    """The last value a variable is given in a function."""
    return _last_values(function).get(name)


@kept
def _last_values(function: ir.Function) -> dict[str, ir.Expression]:
    given = (s for s in statements(function.body.body) if isinstance(s, ir.Assign))
    return {spelled(s.target): uncast(s.value) for s in given}


def made_of(visit: Visit, name: str) -> ir.Expression | None:
    """What a variable was given last, or the one thing that an attribute of the object or a name of the file ever is.

    What a function of the file makes and gives back is what its caller has, with the caller's arguments in it.
    """
    if name.startswith("self."):
        methods = [f for f in visit.unit.functions if f.owner == visit.function.owner]
        given = [value for f in methods if (value := assigned(f, name)) is not None]
        found = given[0] if len(given) == 1 else None
    elif name in {p.name for p in visit.function.parameters} or not name:
        found = assigned(visit.function, name) if name else None
    else:
        found = assigned(visit.function, name) or module_value(visit.unit, name)
    return _given_back(visit.unit, found)


def _given_back(unit: ir.Unit, made: ir.Expression | None) -> ir.Expression | None:
    """The buffer that a helper of the file makes: of ``room(256)`` it is ``create_string_buffer(256)``."""
    helper = next((f for f in unit.functions if isinstance(made, ir.Call) and f.name == made.name), None)
    if helper is None or not isinstance(made, ir.Call) or helper.marks:
        return made
    returns = [s.value for s in statements(helper.body.body) if isinstance(s, ir.Return)]
    if len(returns) != 1:
        return made
    value = uncast(returns[0])
    inner = assigned(helper, value.name) if isinstance(value, ir.Name) else value
    if not isinstance(inner, ir.Call) or inner.name not in BUFFERS or len(inner.arguments) != 1:
        return made
    given = dict(zip((p.name for p in helper.parameters), made.arguments, strict=False)) | dict(made.keywords)
    defaults = {p.name: p.default for p in helper.parameters if p.default is not None}
    size = uncast(inner.arguments[0])
    known = given.get(size.name) or defaults.get(size.name) if isinstance(size, ir.Name) else size
    if known is None:
        return made
    return ir.Call(made.line, inner.name, inner.function, (known,), (), inner.receiver, made.end_line)


def is_limited(function: ir.Function, names: set[str]) -> bool:
    """Whether some condition of the function, or ``min``, is about one of the names."""
    for statement in statements(function.body.body):
        condition = getattr(statement, "condition", None)
        if any(spelled(part) in names for part in _asked_about(condition)):
            return True
        bounds = (p for p in parts_of(statement) if isinstance(p, ir.Call) and p.name in {"min", "ctypes.sizeof"})
        if any(spelled(inner) in names for part in bounds for inner in expressions(part)):
            return True
    return False


def _asked_about(condition: ir.Expression | None) -> Iterator[ir.Expression]:
    """The parts of a condition; not what a foreign call in it is told beside a buffer."""
    told = {
        id(inner)
        for part in expressions(condition)
        if isinstance(part, ir.Call) and len(part.arguments) > 1 and (is_foreign(part) or _BY_CFFI.match(part.name))
        for argument in part.arguments
        for inner in expressions(argument)
    }
    return (part for part in expressions(condition) if id(part) not in told)


_BY_CFFI: Final = re.compile(r"cffi\.Lib\.\w+\Z")


def is_fixed(visit: Visit, made: ir.Call) -> bool:
    """A buffer whose size the text says: of ctypes, or ``ffi.new("char[]", 256)``."""
    if made.name in BUFFERS:
        return number(visit, made.arguments[0]) is not None
    kind, *size = made.arguments
    text = uncast(kind)
    spelling = str(text.value) if isinstance(text, ir.Literal) else ""
    sized = spelling.endswith("[]") and bool(size) and number(visit, size[0]) is not None
    return made.name.endswith(".new") and (sized or re.search(r"\[\d+\]\Z", spelling) is not None)


def number(visit: Visit, expression: ir.Expression) -> int | None:
    """A constant, or a name of the file that is one."""
    bare = uncast(expression)
    if isinstance(bare, ir.Name):
        bare = uncast(module_value(visit.unit, bare.name) or bare)
    elif isinstance(bare, ir.Member) and bare.name.isupper():  # self.MAX, Decoder.MAX
        owner = spelled(bare.base)
        owner = visit.function.owner if owner in {"self", "cls"} else owner
        bare = uncast(next((assigned(f, f"{owner}.{bare.name}") for f in visit.unit.functions[:1]), None) or bare)
    if isinstance(bare, ir.Operation) and bare.operator in _FOLDS and len(bare.operands) == len(("left", "right")):
        left, right = (number(visit, operand) for operand in bare.operands)
        if left is None or right is None or not 0 <= right < (_SHIFT if bare.operator == "<<" else _MOST):
            return None
        return _FOLDS[bare.operator](left, right)
    value = bare.value if isinstance(bare, ir.Literal) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_DECODES: Final = re.compile(r"(?:\A|\.)(?:unpack|unpack_from|from_bytes)\Z")
_HOLDS: Final = re.compile(
    r"(?:\A|\.)(?:json|tomllib|tomli|toml|yaml|msgpack)\.(?:loads?|safe_load|unpackb)\Z|\.(?:get_json|recv_json)\Z"
)
"""Functions that take numbers out of bytes, and that take a whole document apart."""


def number_of_others(facts: Facts, visit: Visit, value: ir.Expression | None, depth: int = 2) -> bool:
    """Whether a number is read out of a file, a message or a document, here or by a function of the program."""
    bare: ir.Expression | None = uncast(value)
    if isinstance(bare, ir.Call) and bare.name == "int" and bare.arguments:
        bare = uncast(bare.arguments[0])
    if isinstance(bare, ir.Item) or (isinstance(bare, ir.Call) and bare.name.rpartition(".")[2] == "get"):
        base = uncast(bare.base if isinstance(bare, ir.Item) else bare.receiver)
        asked = isinstance(base, ir.Member) and base.name in ASKED and REQUEST.search(spelled(base.base))
        if asked or spelled(base) in {"sys.argv", "os.environ", "flask.request.args", "flask.request.form"}:
            return True
        held = assigned(visit.function, base.name) if isinstance(base, ir.Name) else base
        return isinstance(held, ir.Call) and bool(_HOLDS.search(held.name) or _DECODES.search(held.name))
    if not isinstance(bare, ir.Call) or depth <= 0:
        return False
    if _DECODES.search(bare.name):
        return True
    routine = next((r for r in facts.travels.names.routines if r.function is visit.function), None)
    for called in facts.travels.names.called(routine, bare)[:1] if routine is not None else ():
        returns = [s for s in statements(called.function.body.body) if isinstance(s, ir.Return)]
        there = Visit(called.unit, called.function, returns[0], {}) if len(returns) == 1 else None
        if there is not None:
            given: ir.Expression | None = uncast(returns[0].value)
            given = assigned(called.function, given.name) if isinstance(given, ir.Name) else given
            names = {spelled(returns[0].value)} - {""}
            limited = is_limited(called.function, names)
            return not limited and number_of_others(facts, there, given, depth - 1)
    return False


def size_of(kind: ir.Expression | None) -> int | None:
    """The bytes of a simple type of ctypes, the most on any platform; None for any other."""
    return _SIZES.get(spelled(kind).rpartition(".")[2])


def room_of(visit: Visit, made: ir.Expression | None) -> int | None:
    """The bytes of a buffer of constant size: ``create_string_buffer(64)``, ``(c_ubyte * 64)()``, ``bytearray(64)``."""
    if not isinstance(made, ir.Call):
        return None
    if made.name in BUFFERS | {"bytearray"} and made.arguments:
        return number(visit, made.arguments[0])
    kind = uncast(made.arguments[0]) if made.arguments else None
    text = kind.value if isinstance(kind, ir.Literal) else None
    if made.name.rpartition(".")[2] == "new" and isinstance(text, str) and text.endswith("[]"):  # ffi.new("T[]", n)
        return number(visit, made.arguments[1]) if len(made.arguments) > 1 else None
    of = uncast(made.function)
    if isinstance(of, ir.Operation) and of.operator == "*" and len(of.operands) == len(("type", "count")):
        size = _SIZES.get(spelled(of.operands[0]).rpartition(".")[2])
        count = number(visit, of.operands[1])
        return None if size is None or count is None else size * count
    return None


def elements_of(found: ForeignCall, buffer: ir.Expression, made: ir.Expression | None) -> int | None:
    """The elements of ``(c_uint64 * 32)()``, where the library takes a pointer to such elements."""
    kinds, position = found.prototype.arguments or (), found.call.arguments.index(buffer)
    kind = uncast(kinds[position]) if position < len(kinds) else None
    of = uncast(made.function) if isinstance(made, ir.Call) else None
    typed = isinstance(kind, ir.Call) and kind.name == "ctypes.POINTER" and bool(kind.arguments)
    if not typed or not isinstance(of, ir.Operation) or of.operator != "*":
        return None
    same = spelled(kind.arguments[0]) == spelled(of.operands[0])  # type: ignore[union-attr]
    return number(found.visit, of.operands[1]) if same else None


def beside(arguments: tuple[ir.Expression, ...]) -> Iterator[tuple[ir.Expression, ir.Expression]]:
    """Each argument and the one behind it, or before it where that is a size that is written down by its name."""
    yield from itertools.pairwise(arguments)
    for length, buffer in itertools.pairwise(arguments):
        if re.search(r"(?i)size|bytes|(?:\A|_)(?:max|len|length|room|capacity)(?:_|\Z)", spelled(length)):
            yield buffer, length
