"""The basic types of a platform by their specifiers, and the typedefs of the C library that texts use unsaid.

Source: ISO C17 6.7.2, POSIX ``sys/types.h``, Microsoft's ``windef.h``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from loadstone.headers.abi import DataModel
from loadstone.headers.types import Complex, CType, Integer, Pointer, Real, StructOrUnion, Void

__all__ = ["TYPE_WORDS", "basic_types", "usual_typedefs"]

TYPE_WORDS: Final = frozenset((
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "_Complex",
        "__complex__", "__signed__", "__signed", "__int128", "__int128_t", "__uint128_t", "_Float16", "_Float32",
        "_Float64", "_Float32x", "_Float64x", "_Float128", "__float128", "__int64", "__int32", "__int16", "__int8",
        "char8_t",
))  # fmt: skip


@cache
def basic_types(abi: DataModel) -> Mapping[tuple[str, ...], CType]:
    """Every basic type by its sorted specifiers."""
    made: dict[tuple[str, ...], CType] = {("void",): Void()}
    for spelled, size in (("short", 2), ("int", 4), ("long", abi.long), ("long long", 8), ("__int128", 16)):
        words = spelled.split()
        for form in [words] if spelled in ("int", "__int128") else [words, [*words, "int"]]:
            made[tuple(sorted(form))] = made[tuple(sorted([*form, "signed"]))] = Integer(size, True, spelled)
            made[tuple(sorted([*form, "unsigned"]))] = Integer(size, False, f"unsigned {spelled}")
    made["signed",] = made["int",]
    made["unsigned",] = made["int", "unsigned"]
    made["__int128_t",], made["__uint128_t",] = made["__int128",], made["__int128", "unsigned"]
    if not abi.has_int128:
        made = {words: kind for words, kind in made.items() if not any("128" in word for word in words)}
    for bits, word in ((8, "char"), (16, "short"), (32, "int"), (64, "long long")):
        made[f"__int{bits}",] = Integer(bits // 8, True, word)
        made[tuple(sorted((f"__int{bits}", "unsigned")))] = Integer(bits // 8, False, f"unsigned {word}")
    made["char",] = Integer(1, abi.char_signed, "char", is_char=True)
    made["char", "signed"] = Integer(1, True, "signed char")
    made["char", "unsigned"] = Integer(1, False, "unsigned char")
    made["_Bool",] = Integer(1, False, "bool", is_bool=True)
    reals = {
        ("float",): Real(4, "float"),
        ("double",): Real(8, "double"),
        ("double", "long"): Real(abi.long_double[0], "long double"),
    }
    for spelling, real in reals.items():
        made[spelling] = real
        for word in ("_Complex", "__complex__"):
            made[tuple(sorted((*spelling, word)))] = Complex(real)
    made["_Complex",] = made["__complex__",] = Complex(reals["double",])
    for word, real in (
        ("_Float16", Real(2, "_Float16")), ("_Float32", reals["float",]), ("_Float64", reals["double",]),
        ("_Float32x", reals["double",]), ("_Float128", Real(16, "_Float128")), ("__float128", Real(16, "_Float128")),
        ("_Float64x", reals["double", "long"]),
    ):  # fmt: skip
        made[word,] = real
        made[tuple(sorted((word, "_Complex")))] = Complex(real)
    return MappingProxyType(made)


_OF_SYSTEM: Final[Mapping[str, Mapping[str, tuple[int, bool]]]] = {
    "aarch64-linux": {"nlink_t": (4, False), "blksize_t": (4, True)},
    "darwin": {
        "mode_t": (2, False), "dev_t": (4, True), "nlink_t": (2, False), "blksize_t": (4, True),
        "clock_t": (8, False), "suseconds_t": (4, True), "wint_t": (4, True),
    },
    "windows": {
        "mode_t": (2, False), "dev_t": (4, False), "ino_t": (2, False), "nlink_t": (2, True), "off_t": (4, True),
        "clock_t": (4, True), "pid_t": (8, True), "socklen_t": (4, True), "suseconds_t": (4, True),
        "wint_t": (2, False),
    },
}  # fmt: skip
"""Size and sign where a system, or one of its machines, differs from most: glibc's ``bits/typesizes.h``, the SDK of
macOS (``sys/_types``), Microsoft's ``sys/types.h`` and, for what only that has, MinGW-w64's."""


@cache
def usual_typedefs(abi: DataModel) -> Mapping[str, CType]:
    """The typedefs of the C library that declarations use without saying so."""
    basic = basic_types(abi)
    made: dict[str, CType] = {"bool": basic["_Bool",], "__builtin_va_list": Pointer(Void()), "va_list": Pointer(Void())}
    fast = (
        0 if abi.name.endswith("darwin") else abi.long
    )  # of 16 and 32 bits: as wide as they say on macOS, else a long
    for bits in (8, 16, 32, 64):
        for signed, letter in ((True, ""), (False, "u")):
            for name in (f"{letter}int{bits}_t", f"{letter}int_least{bits}_t", f"{letter}int_fast{bits}_t"):
                size = fast or bits // 8 if "fast" in name and 8 < bits < 64 else bits // 8
                made[name] = Integer(size, signed, name)
    word = abi.pointer
    of_system = _OF_SYSTEM.get(abi.name) or _OF_SYSTEM.get(abi.name.partition("-")[2], {})
    for name, size, signed in (
        ("size_t", word, False), ("ssize_t", word, True), ("ptrdiff_t", word, True), ("intptr_t", word, True),
        ("uintptr_t", word, False), ("intmax_t", 8, True), ("uintmax_t", 8, False), ("off_t", word, True),
        ("off64_t", 8, True), ("time_t", word, True), ("clock_t", word, True), ("suseconds_t", word, True),
        ("pid_t", 4, True), ("uid_t", 4, False), ("gid_t", 4, False), ("mode_t", 4, False), ("dev_t", 8, False),
        ("ino_t", word, False), ("nlink_t", word, False), ("blksize_t", word, True), ("blkcnt_t", word, True),
        ("socklen_t", 4, False), ("wint_t", 4, False), ("DWORD", 4, False), ("WORD", 2, False), ("BYTE", 1, False),
        ("BOOL", 4, True), ("u_char", 1, False), ("u_int", 4, False), ("uint", 4, False),
    ):  # fmt: skip
        made[name] = Integer(*of_system.get(name, (size, signed)), name)
    for name, (size, signed) in (("wchar_t", abi.wchar), ("char16_t", (2, False)), ("char32_t", (4, False))):
        made[name] = Integer(size, signed, name, is_wide=True)
    for name in ("FILE", "DIR"):
        made[name] = StructOrUnion("struct", name)
    for name in ("HANDLE", "HMODULE", "HWND", "LPVOID", "PVOID"):
        made[name] = Pointer(Void())
    return MappingProxyType(made)
