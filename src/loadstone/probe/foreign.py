"""A typed call made in the child, from what :func:`loadstone.probe.calls.packed` says of it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["Call", "make"]

Call = Sequence[Any]
"""Name, code of the result ("" for none), arguments as code, value and room, and the name that the result is given."""

_TYPES: Final[dict[str, Any]] = {
    "b": ctypes.c_byte, "B": ctypes.c_ubyte, "h": ctypes.c_short, "H": ctypes.c_ushort, "i": ctypes.c_int,
    "I": ctypes.c_uint, "q": ctypes.c_longlong, "Q": ctypes.c_ulonglong, "f": ctypes.c_float, "d": ctypes.c_double,
    "P": ctypes.c_void_p, "@": ctypes.c_void_p,
}  # fmt: skip
_SHOWN_BYTES: Final = 32


def make(address: int, call: Call, results: dict[str, Any]) -> str:
    """Make one call; what it returned and what it wrote, as text. ``results`` are named ones, taken and added to."""
    _name, result, arguments, into = call
    buffers: list[Any] = []
    values = [_value(argument, results, buffers) for argument in arguments]
    kinds = [_TYPES[code] for code, _value_, _room in arguments]
    returned = ctypes.CFUNCTYPE(_TYPES.get(result), *kinds)(address)(*values)
    if into:
        results[into] = returned
    shown = "nothing" if not result else _pointer(returned) if result == "P" else str(returned)
    written = [buffer.raw[:_SHOWN_BYTES].hex() for buffer, content in buffers if buffer.raw != content]
    return f"{shown}, and wrote {', '.join(written)}" if written else shown


def _value(argument: Sequence[Any], results: dict[str, Any], buffers: list[Any]) -> Any:
    code, value, room = argument
    if code == "@":
        return results.get(value)
    if code != "P" or value is None:
        return value
    buffer = ctypes.create_string_buffer(bytes.fromhex(value), max(room, 1))
    buffers.append((buffer, buffer.raw))
    return ctypes.addressof(buffer)


def _pointer(value: int | None) -> str:
    return "NULL" if not value else f"{value:#x}"
