"""What one call costs here: through this library's callables, and as others would make it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import Prototype, parse
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.library.library import Library

__all__ = ["CALLS", "ROUNDS", "Timing", "timings"]

ROUNDS: Final = 7
CALLS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Nanoseconds of one call, the median round's, made in the way that ``how`` says; the loop itself is in it."""

    how: str
    nanoseconds: float


def timings(library: Library, prototype: str, values: tuple[Any, ...]) -> tuple[Timing, ...]:
    """Time the same call made in every way there is here: ours first, then ctypes, then cffi's ABI mode if installed.

    ``values`` are as :func:`loadstone.library.typed.arguments.from_words` makes them. The function is called
    ``ROUNDS * CALLS`` times and more for each. Raises what declaring or calling it raises.
    """
    parsed = parse(prototype)
    told = [
        Timing("loadstone", _nanoseconds(library.function(prototype), values)),
        Timing("loadstone, lock kept", _nanoseconds(library.function(prototype, gil="keep"), values)),
        Timing("ctypes", _plain(library, parsed, values)),
    ]
    if find_spec("cffi") is not None:
        told.append(Timing("cffi, ABI mode", _through_cffi(library, prototype, parsed.name, values)))
    return tuple(told)


def _plain(library: Library, parsed: Prototype, values: tuple[Any, ...]) -> float:
    """As somebody would declare it with ctypes alone, pointers as ``c_void_p``."""
    types = CtypesTypes(parsed.records, parsed.text)
    made = types.plain(parsed.type)(library.resolve(parsed.name).address)
    return _nanoseconds(made, values)


def _through_cffi(library: Library, prototype: str, name: str, values: tuple[Any, ...]) -> float:
    import cffi  # noqa: PLC0415  optional

    ffi = cffi.FFI()
    ffi.cdef(f"{prototype.rstrip().rstrip(';')};")
    lent = (ffi.from_buffer(value) if isinstance(value, ctypes.Array) else value for value in values)
    given = tuple(ffi.NULL if value is None else value for value in lent)
    return _nanoseconds(getattr(library.as_cffi(ffi), name), given)


def _nanoseconds(function: Callable[..., Any], values: tuple[Any, ...]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        start = perf_counter_ns()
        for _ in range(CALLS):
            function(*values)
        rounds.append((perf_counter_ns() - start) / CALLS)
    return sorted(rounds)[ROUNDS // 2]
