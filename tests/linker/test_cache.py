"""ld.so.cache: the live one against ldconfig, every layout made by hand, and files with bad offsets."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import needed

from loadstone.linker.cache import LoaderCache, read_cache

X86_64 = 0x0303
LIVE = Path("/etc/ld.so.cache")

Row = tuple[int, str, str, int]  # flags, name, path, hwcap


def _new_cache(rows: Sequence[Row], hwcap_names: Sequence[str] = (), *, base: int = 0, mark: str = "<") -> bytes:
    """A cache of the new layout; ``base`` is where its header will stand in a combined file."""
    strings = bytearray()
    start = 48 + 24 * len(rows)
    extension_at = start + sum(len(n) + len(p) + 2 for _, n, p, _ in rows)
    table = b""
    for flags, name, path, hwcap in rows:
        key = start + len(strings)
        strings += name.encode() + b"\0"
        value = start + len(strings)
        strings += path.encode() + b"\0"
        table += struct.pack(mark + "iIIIQ", flags, key, value, 0, hwcap)
    order = 3 if mark == ">" else 2
    extension = b""
    if hwcap_names:
        names_at = extension_at + 8 + 16
        texts = b"".join(n.encode() + b"\0" for n in hwcap_names)
        offsets, position = b"", names_at + 4 * len(hwcap_names)
        for name in hwcap_names:
            offsets += struct.pack(mark + "I", position)
            position += len(name) + 1
        extension = struct.pack(mark + "II", 0xEAA42174, 1)
        extension += struct.pack(mark + "IIII", 1, 0, names_at, len(offsets)) + offsets + texts
    header = b"glibc-ld.so.cache1.1" + struct.pack(mark + "II", len(rows), len(strings)) + bytes([order, 0, 0, 0])
    header += struct.pack(mark + "I", extension_at if extension else 0) + bytes(12)
    return header + table + bytes(strings) + extension


def _old_cache(rows: Sequence[Row]) -> bytes:
    strings, table = bytearray(), b""
    for flags, name, path, _ in rows:
        key = len(strings)
        strings += name.encode() + b"\0"
        table += struct.pack("<iII", flags, key, len(strings))
        strings += path.encode() + b"\0"
    return b"ld.so-1.7.0\0" + struct.pack("<I", len(rows)) + table + bytes(strings)


ROWS: Sequence[Row] = (
    (X86_64, "libz.so.1", "/usr/lib/libz.so.1", 0),
    (X86_64, "liba.so.1", "/usr/lib/liba.so.1", 0),
    (3, "liba.so.1", "/usr/lib32/liba.so.1", 0),
)


def test_the_live_cache_reads_as_ldconfig_prints_it() -> None:
    if not LIVE.exists():
        pytest.skip("this system has no loader cache")
    ldconfig = next((p for p in ("/sbin/ldconfig", "/usr/sbin/ldconfig") if Path(p).exists()), "") or needed("ldconfig")
    printed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    wanted = re.findall(r"^\t(\S+) \(.*\) => (\S+)$", printed, re.MULTILINE)
    cache = read_cache(LIVE.read_bytes())
    assert [(e.name, e.path) for e in cache.entries] == wanted
    assert cache.generator.startswith("ldconfig")
    assert not cache.skipped


@pytest.mark.parametrize("mark", "<>")
def test_the_new_layout_in_both_byte_orders(mark: str) -> None:
    cache = read_cache(_new_cache(ROWS, mark=mark))
    assert [(e.flags, e.name, e.path) for e in cache.entries] == [row[:3] for row in ROWS]
    assert cache.lookup("liba.so.1", X86_64, ()) == "/usr/lib/liba.so.1"
    assert cache.lookup("liba.so.1", 3, ()) == "/usr/lib32/liba.so.1"
    assert cache.lookup("libb.so.1", X86_64, ()) is None


def test_the_old_layout() -> None:
    cache = read_cache(_old_cache(ROWS))
    assert [(e.name, e.path) for e in cache.entries] == [row[1:3] for row in ROWS]


def test_both_layouts_in_one_file_and_the_new_one_counts() -> None:
    old = _old_cache(ROWS[:1])
    head = old[: 16 + 12]
    padded = head.ljust(-(-len(head) // 8) * 8, b"\0")
    cache = read_cache(padded + _new_cache(ROWS))
    assert len(cache.entries) == 3


def test_the_best_hardware_subdirectory_the_processor_has_wins() -> None:
    rows = (
        (X86_64, "liba.so", "/usr/lib/glibc-hwcaps/x86-64-v2/liba.so", 1 << 62 | 0),
        (X86_64, "liba.so", "/usr/lib/glibc-hwcaps/x86-64-v3/liba.so", 1 << 62 | 1 | 3 << 32),
        (X86_64, "liba.so", "/usr/lib/liba.so", 0),
    )
    cache = read_cache(_new_cache(rows, ("x86-64-v2", "x86-64-v3")))
    assert cache.lookup("liba.so", X86_64, ("x86-64-v3", "x86-64-v2")) == rows[1][2]
    assert cache.lookup("liba.so", X86_64, ("x86-64-v2",)) == rows[0][2]
    assert cache.lookup("liba.so", X86_64, ()) == rows[2][2]


def test_a_legacy_hardware_entry_counts_only_where_the_release_has_them() -> None:
    rows = ((X86_64, "liba.so", "/usr/lib/tls/liba.so", 1 << 4), (X86_64, "liba.so", "/usr/lib/liba.so", 0))
    cache = read_cache(_new_cache(rows))
    assert cache.lookup("liba.so", X86_64, (), legacy=frozenset((4,))) == rows[0][2]
    assert cache.lookup("liba.so", X86_64, (), legacy=frozenset()) == rows[1][2]
    assert cache.lookup("liba.so", X86_64, ()) == rows[1][2]


def test_a_hardware_name_beyond_the_table_is_left_out() -> None:
    rows = ((X86_64, "liba.so", "/x", 1 << 62 | 9), *ROWS)
    cache = read_cache(_new_cache(rows, ("x86-64-v2",)))
    assert len(cache.entries) == 3
    assert cache.skipped == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is empty"),
        (b"something else", "it is not a loader cache"),
        (b"glibc-ld.so.cache1.1", "its header is cut off"),
        (b"ld.so-1.7.0\0", "its header is cut off"),
        (b"glibc-ld.so.cache1.1" + b"\xff" * 28, "do not fit"),
        (b"ld.so-1.7.0\0" + b"\xff" * 4, "do not fit"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(data: bytes, problem: str) -> None:
    cache = read_cache(data)
    assert problem in cache.problem
    assert cache.entries == ()


def test_an_entry_that_points_outside_is_left_out() -> None:
    data = bytearray(_new_cache(ROWS))
    struct.pack_into("<I", data, 48 + 4, 1 << 30)
    cache = read_cache(bytes(data))
    assert [e.name for e in cache.entries] == ["liba.so.1", "liba.so.1"]
    assert cache.skipped == 1


def test_every_truncation_gives_a_cache() -> None:
    data = _new_cache(ROWS, ("x86-64-v2", "x86-64-v3"))
    for size in range(len(data)):
        assert isinstance(read_cache(data[:size]), LoaderCache)
    for size in range(len(_old_cache(ROWS))):
        assert isinstance(read_cache(_old_cache(ROWS)[:size]), LoaderCache)


@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_any_byte_changed_gives_a_cache(position: int, value: int) -> None:
    data = bytearray(_new_cache(ROWS, ("x86-64-v2", "x86-64-v3")))
    data[position % len(data)] = value
    assert isinstance(read_cache(bytes(data)), LoaderCache)
