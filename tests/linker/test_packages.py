"""Package lists in every form apt keeps them in; LZ4 is held to the words of its own program."""

from __future__ import annotations

import gzip
import lzma
import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Compile, needed

from loadstone.linker import LoaderModel, explain
from loadstone.linker.lz4 import Lz4Error, decompressed
from loadstone.linker.packages import package_of_missing
from loadstone.linker.view import PretendedFiles

LIST = b"".join(b"Package: filler%d\nVersion: 1\nDepends: libc6 (>= 2.14)\n\n" % n for n in range(9000))
LIST += b"Package: libfoo2\nVersion: 1\n\nPackage: libbar3t64\n"


def _lz4(content: bytes, *options: str) -> bytes:
    return subprocess.run([needed("lz4"), "-c", *options], input=content, capture_output=True, check=True).stdout


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".lz4"])
def test_a_list_is_read_in_whatever_form_apt_keeps_it(ending: str) -> None:
    packed = {"": LIST, ".gz": gzip.compress(LIST), ".xz": lzma.compress(LIST)}.get(ending) or _lz4(LIST, "-B4", "-BD")
    view = PretendedFiles({f"/var/lib/apt/lists/deb_Packages{ending}": packed})
    assert package_of_missing(view, "libfoo.so.2", compressed=True) == "libfoo2"
    assert package_of_missing(view, "libfoo.so.9", compressed=True) is None
    assert package_of_missing(view, "libfoo.so.2") == (None if ending else "libfoo2"), "it takes time"


def test_who_does_not_wait_for_compressed_lists_is_sent_to_the_command_that_does(compile_library: Compile) -> None:
    gone = compile_library("int f(void) { return 1; }", "libfoo.so.2", "-Wl,-soname,libfoo.so.2")
    needs = compile_library("int f(void); int g(void) { return f(); }", "libneeds.so", str(gone))
    files = {"/my libs/libneeds.so": needs.read_bytes(), "/var/lib/apt/lists/deb_Packages.gz": gzip.compress(LIST)}
    quick, thorough = (
        explain("/my libs/libneeds.so", model=LoaderModel(view=PretendedFiles(files)), thorough=patient).first_blocking
        for patient in (False, True)
    )
    assert quick is not None
    assert thorough is not None
    assert quick.advice.startswith("`loadstone explain '/my libs/libneeds.so'` looks in apt's lists")
    assert thorough.advice == "apt install libfoo2"
    assert (quick.explanation, quick.loader_message) == (thorough.explanation, thorough.loader_message)


def test_a_name_that_tells_of_a_wider_time_is_found() -> None:
    view = PretendedFiles({"/var/lib/apt/lists/deb_Packages": LIST})
    assert package_of_missing(view, "libbar.so.3") == "libbar3t64"


@pytest.mark.parametrize("ending", [".gz", ".xz", ".lz4", ".bz2"])
def test_a_list_that_is_damaged_or_in_another_form_confirms_nothing(ending: str) -> None:
    view = PretendedFiles({f"/var/lib/apt/lists/deb_Packages{ending}": b"\x04\x22\x4d\x18" + bytes(20) + b"libfoo2"})
    assert package_of_missing(view, "libfoo.so.2", compressed=True) is None


@pytest.mark.parametrize("options", [(), ("-9",), ("-B4", "-BD"), ("-BX",), ("--no-frame-crc",), ("--content-size",)])
def test_what_lz4_compresses_is_read_back(options: tuple[str, ...]) -> None:
    content = LIST + os.urandom(200_000) + b"a" * 100_000 + b"abc" * 5000
    assert b"".join(decompressed(_lz4(content, *options))) == content


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_stored_blocks_are_given_as_they_are(blocks: list[bytes]) -> None:
    packed = b"".join(struct.pack("<I", len(block) | 1 << 31) + block for block in blocks if block)
    frame = b"\x04\x22\x4d\x18\x60\x40\0" + packed + bytes(4)
    assert b"".join(decompressed(frame)) == b"".join(blocks)


@given(st.data())
def test_damage_ends_in_its_own_error_and_bounded_output(data: st.DataObject) -> None:
    frame = bytearray(_FRAME)
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    del frame[data.draw(st.integers(0, len(frame))) :]
    try:
        size = sum(map(len, decompressed(bytes(frame))))
    except Lz4Error:
        return
    assert size <= 255 * len(frame) + 64


_FRAME = b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", 15) + b"\x3fabc\x03\x00\xff\x10\x50hello" + bytes(6)
"""``abc`` copied on and on, then ``hello``."""


def test_a_copy_may_overlap_what_it_makes() -> None:
    block = b"\x3fabc\x03\x00\x05\x50hello"
    frame = b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", len(block)) + block + bytes(4)
    assert b"".join(decompressed(frame)) == (b"abc" * 9)[: 3 + 24] + b"hello"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "begin"),
        (b"\x04\x22\x4d\x18\x61\x40\0", "dictionary"),
        (b"\x04\x22\x4d\x18\x60\x40\0", "end mark"),
        (b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", 9), "beyond the end"),
        (b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", 3) + b"\x90ab" + bytes(4), "literals"),
        (b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", 3) + b"\x10ab" + bytes(4), "too early"),
        (b"\x04\x22\x4d\x18\x60\x40\0" + struct.pack("<I", 5) + b"\x10a\x09\0\0" + bytes(4), "before"),
    ],
)
def test_each_way_to_break_a_frame_is_told(frame: bytes, words: str) -> None:
    with pytest.raises(Lz4Error, match=words):
        b"".join(decompressed(frame))


def test_the_lists_of_this_machine_are_read_as_lz4_reads_them() -> None:
    smallest = min(Path("/var/lib/apt/lists").glob("*_Packages.lz4"), key=lambda p: p.stat().st_size, default=None)
    if smallest is None:
        pytest.skip("apt keeps no compressed lists here")
    told = subprocess.run([needed("lz4"), "-dc", smallest], capture_output=True, check=True).stdout
    assert b"".join(decompressed(smallest.read_bytes())) == told
