"""What only a thread itself can say of its process: how the processor counts with fractions, and the locale.

Asked for in the child before and after foreign code ran there, so the second answer is a hint, no proof. A library that
was linked with ``-ffast-math`` makes the processor take numbers near zero as zero, for its host as well.
Sources: fegetenv(3) and glibc's bits/fenv.h, setlocale(3), Intel's manual, volume 1, section 10.2.3 (MXCSR), and Arm's
for FPCR.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final, NamedTuple

from loadstone.probe.linux.syscalls import LIBC, PROCESSOR

__all__ = ["OwnState", "changes_of", "own_state"]

_CATEGORIES: Final = ("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES")
"""By their numbers in glibc and musl."""

_ENVIRONMENT: Final = 64
"""Bytes that hold any fenv_t."""


class _Register(NamedTuple):
    """The control register: where fenv_t has it, and its bits; exceptions are off where ``untrapped`` has one."""

    at: int
    to_zero: int
    rounding: int
    trapped: int = 0
    untrapped: int = 0


_REGISTERS: Final = {
    "x86_64": _Register(28, to_zero=0x8040, rounding=0x6000, untrapped=0x1F80),  # MXCSR
    "aarch64": _Register(0, to_zero=0x01000000, rounding=0x00C00000, trapped=0x9F00),  # FPCR
}
_REGISTER: Final = _REGISTERS.get(PROCESSOR, _Register(0, 0, 0))
_KNOWN: Final = _REGISTER.to_zero | _REGISTER.rounding | _REGISTER.trapped | _REGISTER.untrapped

_get_environment = getattr(LIBC, "fegetenv", None) if PROCESSOR in _REGISTERS else None
_set_locale = LIBC.setlocale
_set_locale.restype, _set_locale.argtypes = ctypes.c_char_p, (ctypes.c_int, ctypes.c_char_p)


class OwnState(NamedTuple):
    """The known bits of the control register (0 where there is none that is known), and the locale by category."""

    control: int
    locale: tuple[str, ...]


def own_state() -> OwnState:
    """As it is now, for the thread that asks."""
    control = 0
    if _get_environment is not None:
        room = ctypes.create_string_buffer(_ENVIRONMENT)
        _get_environment(room)
        control = int.from_bytes(room.raw[_REGISTER.at :][:4], "little") & _KNOWN
    names = (_set_locale(number, None) or b"" for number in range(len(_CATEGORIES)))
    return OwnState(control, tuple(name.decode(errors="replace")[:40] for name in names))


def changes_of(before: OwnState, after: OwnState) -> Iterator[str]:
    """What is different, in sentences.

    >>> list(changes_of(OwnState(0, ("C", "C")), OwnState(0, ("C", "de_DE"))))
    ['the locale became de_DE for LC_NUMERIC']
    """
    differ = before.control ^ after.control
    registers = f"(control register {before.control:#x} became {after.control:#x})"
    if differ & _REGISTER.to_zero:
        now = "now" if after.control & _REGISTER.to_zero else "no longer"
        yield f"floating-point numbers near zero are {now} taken as zero {registers}"
    if differ & _REGISTER.rounding:
        yield f"floating-point numbers are rounded another way {registers}"
    if traps := differ & (_REGISTER.trapped | _REGISTER.untrapped):
        raising = (after.control & _REGISTER.trapped) | (~after.control & _REGISTER.untrapped)
        now = "now" if traps & raising else "no longer"
        yield f"floating-point exceptions {now} raise SIGFPE {registers}"
    became: dict[str, list[str]] = {}
    for category, old, new in zip(_CATEGORIES, before.locale, after.locale, strict=False):
        if old != new:
            became.setdefault(new, []).append(category)
    for name, categories in became.items():
        yield f"the locale became {name} for {', '.join(categories)}"
