"""The cursor gives what is there, refuses what is not, and survives a file that shrinks under it."""

from __future__ import annotations

import os
from pathlib import Path
from struct import Struct

import pytest

from loadstone.binary import Cursor, read
from loadstone.core.limits import MAX_FILE_SIZE, MAX_TABLE_SIZE
from loadstone.errors import MalformedImage, Unreadable


def test_bytes_are_given_exactly_or_not_at_all() -> None:
    cursor = Cursor.of(b"abcdef")
    assert cursor.bytes(1, 3) == b"bcd"
    assert cursor.bytes(6, 0) == b""
    for offset, size in ((0, 7), (7, 0), (-1, 2), (3, -1), (2**64, 1), (0, 2**64)):
        with pytest.raises(MalformedImage):
            cursor.bytes(offset, size)


def test_upto_gives_what_there_is() -> None:
    cursor = Cursor.of(b"abcdef")
    assert cursor.upto(4, 100) == b"ef"
    assert cursor.upto(6, 1) == b""
    assert cursor.upto(-1, 4) == b""
    assert cursor.upto(0, -4) == b""
    assert cursor.unpack(Struct("<H"), 0) == (0x6261,)


def test_strings_end_at_their_nul_or_are_refused() -> None:
    cursor = Cursor.of(b"abc\0" + b"\xff" * 600 + b"\0tail")
    assert cursor.string(0) == "abc"
    assert cursor.string(4) == "\udcff" * 600
    with pytest.raises(MalformedImage, match="not terminated"):
        cursor.string(605)
    with pytest.raises(MalformedImage, match="not terminated"):
        cursor.string(4, limit=100)


def test_a_window_keeps_the_offsets_of_the_file_and_its_bounds() -> None:
    window = Cursor.of(b"abcdef").window(2, 3)
    assert (window.start, window.end, window.size) == (2, 5, 3)
    assert window.bytes(2, 3) == b"cde"
    with pytest.raises(MalformedImage):
        window.bytes(1, 2)
    with pytest.raises(MalformedImage):
        window.window(4, 3)


def test_large_files_are_read_beyond_the_head(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(100_000) + b"end\0")
    with Cursor.open(path) as cursor:
        assert cursor.string(100_000) == "end"
        with cursor.window(99_999, 5) as window:
            assert window.bytes(100_000, 3) == b"end"
        assert cursor.bytes(100_001, 2) == b"nd"
    with pytest.raises(ValueError, match="closed"):
        cursor.bytes(100_000, 1)


def test_a_file_cut_short_while_it_is_read_is_malformed_not_fatal(tmp_path: Path) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(bytes(100_000))
    with Cursor.open(path) as cursor:
        os.truncate(path, 50_000)
        with pytest.raises(MalformedImage, match="cut short"):
            cursor.bytes(60_000, 10)


def test_a_sparse_file_cannot_ask_for_its_size_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, MAX_FILE_SIZE)
    with Cursor.open(path) as cursor, pytest.raises(MalformedImage, match="more than"):
        cursor.bytes(0, MAX_TABLE_SIZE + 1)
    os.truncate(path, MAX_FILE_SIZE + 1)
    with pytest.raises(Unreadable, match="allowed"):
        read(path)


def test_a_refused_file_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(Unreadable):
            Cursor.open(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
