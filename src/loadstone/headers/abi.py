"""The sizes and alignments that a platform gives C's types, and its rules for structs.

Sources: System V ABI for x86-64 (3.1.2) and i386 (3.1.2), AAPCS64 (5), Microsoft x64 conventions; GCC's own where these
are silent. Data only; ``layout.py`` applies the rules.
"""

from __future__ import annotations

import platform
import sys
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["AARCH64", "ABIS", "APPLE_AARCH64", "I386", "WINDOWS_X64", "X86_64", "DataModel", "current"]


@dataclass(frozen=True, slots=True)
class DataModel:
    """One platform's C.

    Args:
        name: of the platform.
        pointer: size of a pointer, in bytes.
        long: size of ``long``.
        wchar: size of ``wchar_t``, and whether it is signed.
        char_signed: whether a plain ``char`` is.
        long_double: size and alignment.
        member_align: no number wider than this is aligned more strictly in a struct (i386 aligns 8 bytes at 4).
        has_int128: whether there is ``__int128``.
        microsoft: the rules of Microsoft's compiler for bit fields hold unless a struct says otherwise.
        anonymous_bits_align: a bit field without a name aligns its struct too (AAPCS64 8.1.8.2).
    """

    name: str
    pointer: int = 8
    long: int = 8
    wchar: tuple[int, bool] = (4, True)
    char_signed: bool = True
    long_double: tuple[int, int] = (16, 16)
    member_align: int = 16
    has_int128: bool = True
    microsoft: bool = False
    anonymous_bits_align: bool = False


X86_64: Final = DataModel("x86_64-linux")
I386: Final = DataModel(
    "i386-linux", pointer=4, long=4, long_double=(12, 4), member_align=4, has_int128=False, wchar=(4, True)
)
AARCH64: Final = DataModel("aarch64-linux", wchar=(4, False), char_signed=False, anonymous_bits_align=True)
APPLE_X86_64: Final = DataModel("x86_64-darwin")
APPLE_AARCH64: Final = DataModel("aarch64-darwin", long_double=(8, 8), anonymous_bits_align=True)
WINDOWS_X64: Final = DataModel("x86_64-windows", long=4, wchar=(2, False), long_double=(16, 16), microsoft=True)

ABIS: Final = {abi.name: abi for abi in (X86_64, I386, AARCH64, APPLE_X86_64, APPLE_AARCH64, WINDOWS_X64)}


def current() -> DataModel:
    """The one this interpreter runs on; the nearest known where it is another."""
    machine = platform.machine().lower()
    system = {"darwin": "darwin", "win32": "windows"}.get(sys.platform, "linux")
    arm = machine in ("aarch64", "arm64")
    processor = "aarch64" if arm else "x86_64" if sys.maxsize > 1 << 32 else "i386"
    return ABIS.get(f"{processor}-{system}", WINDOWS_X64 if system == "windows" else X86_64)
