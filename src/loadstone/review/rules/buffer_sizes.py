"""How large the buffers of a Python program are that foreign code fills: what their text says, and what limits it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import ForeignCall
from loadstone.review.analyses.mentions import module_value
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import expressions, kept, parts_of, statements

__all__ = ["BUFFERS", "assigned", "beside", "elements_of", "is_fixed", "is_limited", "made_of", "number", "room_of"]

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
    """What a variable was given last, or the one thing that an attribute of the object ever is."""
    if not name.startswith("self."):
        return assigned(visit.function, name) if name else None
    methods = [f for f in visit.unit.functions if f.owner == visit.function.owner]
    given = [value for f in methods if (value := assigned(f, name)) is not None]
    return given[0] if len(given) == 1 else None


def is_limited(function: ir.Function, names: set[str]) -> bool:
    """Whether some condition of the function, or ``min``, is about one of the names."""
    for statement in statements(function.body.body):
        condition = getattr(statement, "condition", None)
        if any(spelled(part) in names for part in expressions(condition)):
            return True
        bounds = (p for p in parts_of(statement) if isinstance(p, ir.Call) and p.name in {"min", "ctypes.sizeof"})
        if any(spelled(inner) in names for part in bounds for inner in expressions(part)):
            return True
    return False


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
    if isinstance(bare, ir.Operation) and bare.operator in _FOLDS and len(bare.operands) == len(("left", "right")):
        left, right = (number(visit, operand) for operand in bare.operands)
        if left is None or right is None or not 0 <= right < (_SHIFT if bare.operator == "<<" else _MOST):
            return None
        return _FOLDS[bare.operator](left, right)
    value = bare.value if isinstance(bare, ir.Literal) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
