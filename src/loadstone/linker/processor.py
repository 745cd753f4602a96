"""What the processor allows a loader to choose: glibc-hwcaps subdirectories and the legacy combinations.

Sources: x86-64 psABI section 3.1.1 for the levels; glibc sysdeps/x86/dl-cpu-features.h and elf/dl-hwcaps.c, read for
which names there are and how they combine; proc_cpuinfo(5).
"""

from __future__ import annotations

from typing import Final

from loadstone.linker.abi import Abi
from loadstone.linker.releases import Behaviour

__all__ = ["hwcaps_of_level", "isa_level", "legacy_names", "legacy_subdirectories", "x86_flags"]

_LEVELS: Final = (
    frozenset(("cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3")),
    frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave")),
    frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
)
"""What levels 2, 3 and 4 add, in the words of /proc/cpuinfo."""

_HASWELL: Final = frozenset(("avx2", "bmi1", "bmi2", "abm", "movbe", "popcnt"))
_AVX512_1: Final = frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"))


def x86_flags(cpuinfo: str) -> tuple[str, frozenset[str]]:
    """The vendor and the feature words of the first processor in the text of /proc/cpuinfo."""
    vendor, flags = "", frozenset[str]()
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "vendor_id" and not vendor:
            vendor = value.strip()
        elif key.strip() == "flags":
            flags = frozenset(value.split())
            break
    return vendor, flags


def isa_level(flags: frozenset[str]) -> int:
    """The x86-64 level, 1 to 4; a level counts only with those below it."""
    level = 1
    for wanted in _LEVELS:
        if not wanted <= flags:
            break
        level += 1
    return level


def hwcaps_of_level(abi: Abi, level: str | int) -> tuple[str, ...]:
    """The subdirectories used at a level: a number for x86-64, else the name of the best one (``power9``, ``none``).

    >>> from loadstone.linker.abi import X86_64
    >>> hwcaps_of_level(X86_64, 3)
    ('x86-64-v3', 'x86-64-v2')
    """
    name = f"x86-64-v{level}" if str(level).isdigit() else str(level)
    return abi.hwcaps[abi.hwcaps.index(name) :] if name in abi.hwcaps else ()


def legacy_names(vendor: str, flags: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """``$PLATFORM`` and the legacy hardware names on x86-64, where only Intel's processors get special ones."""
    intel = vendor == "GenuineIntel"
    names = ("x86_64", "avx512_1") if intel and flags >= _AVX512_1 else ("x86_64",)
    return ("haswell" if intel and flags >= _HASWELL else "x86_64"), names


def legacy_subdirectories(behaviour: Behaviour, platform: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Every combination releases up to 2.36 try, longest first; equal ones are tried as often as they come up."""
    if not behaviour.legacy_hwcaps:
        return ()
    parts = (*names, *((platform,) if platform else ()), "tls")
    return tuple(
        "/".join(part for bit, part in reversed(tuple(enumerate(parts))) if chosen >> bit & 1)
        for chosen in range((1 << len(parts)) - 1, 0, -1)
    )
