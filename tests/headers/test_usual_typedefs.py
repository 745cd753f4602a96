"""The typedefs that declarations use unsaid, held to the system's own headers by the compiler of each platform."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.conftest import needed

from loadstone.headers.abi import AARCH64, ABIS, APPLE_AARCH64, WINDOWS_X64, X86_64, DataModel
from loadstone.headers.basics import basic_types, usual_typedefs
from loadstone.headers.types import Integer

HEADERS = {
    "linux": "stddef.h stdint.h time.h wchar.h sys/types.h sys/socket.h",
    "windows": "stddef.h stdint.h time.h wchar.h sys/types.h sys/stat.h winsock2.h ws2tcpip.h windows.h",
}
ABSENT = {
    "linux": {"DWORD", "WORD", "BYTE", "BOOL"},
    "windows": {"uid_t", "gid_t", "nlink_t", "blksize_t", "blkcnt_t", "suseconds_t", "uint"}
    | {"int_fast16_t", "uint_fast16_t"},  # MinGW-w64 has a short for these, Microsoft an int
}


@pytest.mark.parametrize(
    ("abi", "compiler"),
    [
        (X86_64, "gcc"),
        (AARCH64, "aarch64-linux-gnu-gcc"),
        pytest.param(WINDOWS_X64, "x86_64-w64-mingw32-gcc", marks=pytest.mark.slow),  # windows.h is large
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_sizes_and_signs_are_those_of_the_systems_headers(abi: DataModel, compiler: str, tmp_path: Path) -> None:
    system = abi.name.partition("-")[2]
    lines = ["#define _GNU_SOURCE", *(f"#include <{name}>" for name in HEADERS[system].split())]
    for name, kind in usual_typedefs(abi).items():
        if isinstance(kind, Integer) and not kind.is_wide and not kind.is_bool and name not in ABSENT[system]:
            lines.append(f'_Static_assert(sizeof({name}) == {kind.size}, "the size of {name}");')
            lines.append(f'_Static_assert((({name})-1 < 0) == {int(kind.signed)}, "the sign of {name}");')
    lines.append(f'_Static_assert(sizeof(long) == {abi.long}, "long");')
    (tmp_path / "typedefs.c").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [needed(compiler), "-w", "-fsyntax-only", "typedefs.c"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "size", "signed"),
    [
        ("mode_t", 2, False), ("dev_t", 4, True), ("nlink_t", 2, False), ("ino_t", 8, False), ("blksize_t", 4, True),
        ("blkcnt_t", 8, True), ("clock_t", 8, False), ("suseconds_t", 4, True), ("wint_t", 4, True),
        ("int_fast16_t", 2, True), ("uint_fast32_t", 4, False), ("off_t", 8, True),
    ],
)  # fmt: skip
def test_macos_has_sizes_of_its_own(name: str, size: int, signed: bool) -> None:
    """As its SDK says in ``sys/_types``; no compiler for it is at hand here."""
    assert usual_typedefs(APPLE_AARCH64)[name] == Integer(size, signed, name)


@pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
def test_long_is_of_the_platform(abi: DataModel) -> None:
    assert basic_types(abi)["long",] == Integer(4 if abi.name in ("i386-linux", "x86_64-windows") else 8, True, "long")
