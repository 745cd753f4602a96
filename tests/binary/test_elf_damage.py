"""Whatever is done to the bytes, the answer is an image (with its damage) or MalformedImage, within stated bounds."""

from __future__ import annotations

from functools import partial
from struct import pack, pack_into, unpack_from

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binary.bounds import MAX_MEMORY, MAX_STEPS, outcome, peak_memory, steps
from tests.binary.damage import (
    EDGES,
    break_twice,
    change_every_byte,
    change_every_word,
    moves,
    patches,
    read_strictly_and_not,
    wide_edges,
)
from tests.scale import FULL, SCALE

from loadstone.binary import read
from loadstone.core.image import Image

KINDS = [f"{bits}-bit {order}-endian" for bits in (32, 64) for order in ("little", "big")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_image_cut_anywhere_is_damaged_or_malformed(small_elfs: dict[str, bytes], kind: str) -> None:
    data = small_elfs[kind]
    mapped = max(s.offset + s.file_size for s in read(data).segments if s.kind == "LOAD")
    for length in range(len(data)):
        found = outcome(partial(read, data[:length]))
        if length < mapped and isinstance(found, Image):
            assert found.damage, length
            if mapped > length + -length % 4096:  # zeros follow in the last page of a file
                assert any(damage.fatal for damage in found.damage), length


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_image_with_any_byte_changed_is_an_image_or_malformed(small_elfs: dict[str, bytes], kind: str) -> None:
    change_every_byte(small_elfs[kind], flips=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_word_at_the_edges_of_its_range(small_elfs: dict[str, bytes], kind: str) -> None:
    data = bytearray(small_elfs[kind])
    order = ">" if "big" in kind else "<"
    end = len(data) - 8
    change_every_word(data, range(0, end, 4 if SCALE > 1 else 8), f"{order}I", (*EDGES, len(data)))
    change_every_word(data, range(0, end, 8), f"{order}Q", wide_edges(data))


@pytest.mark.parametrize("kind", KINDS)
def test_strict_reading_raises_exactly_where_tolerant_reading_records(small_elfs: dict[str, bytes], kind: str) -> None:
    read_strictly_and_not(small_elfs[kind], kind, 25_000 if FULL else 300 * SCALE)


@settings(max_examples=150 * SCALE, deadline=None)
@given(kind=st.sampled_from(KINDS), patched=patches(4400), moved=moves(4400))
def test_random_breakage_gives_the_same_answer_twice(
    small_elfs: dict[str, bytes], kind: str, patched: list[tuple[int, bytes]], moved: tuple[int, int, int]
) -> None:
    break_twice(small_elfs[kind], patched, moved)


class Bomb:
    """Just under one megabyte of image: one segment over the whole file, and a dynamic section of our choice."""

    SIZE = (1 << 20) - 4096

    def __init__(self) -> None:
        self.data = bytearray(self.SIZE)
        self.data[:16] = b"\x7fELF\x02\x01\x01" + bytes(9)
        pack_into("<HHIQQQIHHHHHH", self.data, 16, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
        pack_into("<IIQQQQQQ", self.data, 64, 1, 5, 0, 0, 0, self.SIZE, self.SIZE, 4096)

    def dynamic(self, *entries: tuple[int, int]) -> Bomb:
        table = b"".join(pack("<QQ", *entry) for entry in (*entries, (0, 0)))
        self.data[0x100 : 0x100 + len(table)] = table
        pack_into("<IIQQQQQQ", self.data, 120, 2, 6, 0x100, 0x100, 0, len(table), len(table), 8)
        return self


_STRTAB, _SYMTAB, _STRSZ, _HASH, _GNU_HASH = 5, 6, 10, 4, 0x6FFFFEF5
_VERNEED, _VERNEEDNUM, _VERDEF, _VERDEFNUM, _VERSYM = 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFF0
_MANY = 40_000


def many_symbols_into_one_long_string() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, Bomb.SIZE), (_SYMTAB, 0x1000), (_HASH, 0x200))
    bomb.data[0x200:0x208] = pack("<II", 1, _MANY)
    for i in range(_MANY):
        pack_into("<IBBHQQ", bomb.data, 0x1000 + 24 * i, Bomb.SIZE - 70_000 + i, 0x12, 0, 1, 1, 1)
    bomb.data[Bomb.SIZE - 70_000 : Bomb.SIZE - 1] = b"a" * 69_999
    return bytes(bomb.data)


def a_string_table_of_nothing_but_nul() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0x1000), (_STRSZ, Bomb.SIZE - 0x1000), (_SYMTAB, 0x1000), (_HASH, 0x200))
    bomb.data[0x200:0x208] = pack("<II", 1, _MANY)
    return bytes(bomb.data)


def a_hash_table_that_promises_every_symbol() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 2**64 - 1), (_SYMTAB, 0), (_HASH, 0x200), (_GNU_HASH, 0x300))
    bomb.data[0x200:0x208] = pack("<II", 2**32 - 1, 2**32 - 1)
    bomb.data[0x300:0x310] = pack("<IIII", 2**32 - 1, 0, 0, 0)
    return bytes(bomb.data)


def a_hash_chain_without_end() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 64), (_SYMTAB, 0), (_GNU_HASH, 0x300))
    bomb.data[0x300:0x314] = pack("<IIIII", 1, 1, 0, 0, 1)
    return bytes(bomb.data)


def version_records_that_point_back_and_forth() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 64), (_VERNEED, 0x1000), (_VERNEEDNUM, 2**32 - 1))
    for position in range(0x1000, Bomb.SIZE - 32, 16):
        pack_into("<HHIII", bomb.data, position, 1, 0xFFFF, 0, 16, 16)
    return bytes(bomb.data)


def version_definitions_with_parents_without_end() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 64), (_VERDEF, 0x1000), (_VERDEFNUM, 2**32 - 1))
    for position in range(0x1000, Bomb.SIZE - 32, 20):
        pack_into("<HHHHIII", bomb.data, position, 1, 0, 2, 0xFFFF, 0, 20, 20)
    return bytes(bomb.data)


def a_million_needed_entries() -> bytes:
    bomb = Bomb()
    for position in range(0x100, Bomb.SIZE - 32, 16):
        pack_into("<QQ", bomb.data, position, 1, 1)
    pack_into("<IIQQQQQQ", bomb.data, 120, 2, 6, 0x100, 0x100, 0, Bomb.SIZE, Bomb.SIZE, 8)
    pack_into("<QQ", bomb.data, 0x100, _STRTAB, 0)
    pack_into("<QQ", bomb.data, 0x110, _STRSZ, 64)
    return bytes(bomb.data)


def needed_entries_that_all_name_one_long_string() -> bytes:
    entries = [(1, 0x20000 + i) for i in range(4000)]
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, Bomb.SIZE), *entries)
    bomb.data[0x20000 : 0x20000 + 66_000] = b"a" * 66_000
    return bytes(bomb.data)


def versions_that_all_name_one_long_string() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, Bomb.SIZE), (_VERNEED, 0x1000), (_VERNEEDNUM, 1))
    pack_into("<HHIII", bomb.data, 0x1000, 1, 0xFFFF, 1, 16, 0)
    for i in range(30_000):
        pack_into("<IHHII", bomb.data, 0x1010 + 16 * i, 0, 0, 2, 0x90000 + i, 16)
    bomb.data[0x90000 : 0x90000 + 90_000] = b"a" * 90_000
    return bytes(bomb.data)


def a_run_path_of_nothing_but_colons() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0x1000), (_STRSZ, Bomb.SIZE - 0x1000), (29, 0))
    bomb.data[0x1000 : 0x1000 + 65_000] = b":" * 65_000
    return bytes(bomb.data)


def relocations_all_different() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 64), (7, 0x1000), (8, Bomb.SIZE - 0x1000), (9, 24))
    for i, position in enumerate(range(0x1000, Bomb.SIZE - 24, 24)):
        pack_into("<QQQ", bomb.data, position, i, (i << 32) | 6, 0)
    return bytes(bomb.data)


def resolvers_all_different() -> bytes:
    bomb = Bomb().dynamic((_STRTAB, 0), (_STRSZ, 64), (7, 0x1000), (8, Bomb.SIZE - 0x1000), (9, 24))
    for i, position in enumerate(range(0x1000, Bomb.SIZE - 24, 24)):
        pack_into("<QQQ", bomb.data, position, i, 37, i)
    return bytes(bomb.data)


def an_initialiser_array_over_the_whole_file() -> bytes:
    bomb = Bomb().dynamic(
        (_STRTAB, 0), (_STRSZ, 64), (25, 0x1000), (27, 2**64 - 1), (7, 0x1000), (8, 900_000), (0x6FFFFFF9, 2**40)
    )
    return bytes(bomb.data)


def program_headers_beyond_number() -> bytes:
    data = bytearray(Bomb.SIZE)
    data[:16] = b"\x7fELF\x02\x01\x01" + bytes(9)
    pack_into("<HHIQQQIHHHHHH", data, 16, 3, 62, 1, 0, 64, 64, 0, 64, 56, 0xFFFF, 64, 0, 0)
    pack_into("<I", data, 64 + 44, 2**32 - 1)
    for position in range(128, Bomb.SIZE - 56, 56):
        pack_into("<IIQQQQQQ", data, position, 4, 7, 0x1000, 0, 0, Bomb.SIZE, Bomb.SIZE, 4)
    return bytes(data)


def sections_beyond_number() -> bytes:
    data = bytearray(Bomb.SIZE)
    data[:16] = b"\x7fELF\x02\x01\x01" + bytes(9)
    pack_into("<HHIQQQIHHHHHH", data, 16, 3, 62, 1, 0, 0, 64, 0, 64, 56, 0, 64, 0, 1)
    pack_into("<IIQQQQIIQQ", data, 64, 0, 0, 0, 0, 0, 2**32 - 1, 0, 0, 0, 0)
    for position in range(128, Bomb.SIZE - 64, 64):
        pack_into("<IIQQQQIIQQ", data, position, position, 3, 0, 0, 0, Bomb.SIZE, 0, 0, 0, 0)
    return bytes(data)


BOMBS = [
    many_symbols_into_one_long_string,
    a_string_table_of_nothing_but_nul,
    a_hash_table_that_promises_every_symbol,
    a_hash_chain_without_end,
    version_records_that_point_back_and_forth,
    version_definitions_with_parents_without_end,
    a_million_needed_entries,
    needed_entries_that_all_name_one_long_string,
    versions_that_all_name_one_long_string,
    a_run_path_of_nothing_but_colons,
    relocations_all_different,
    resolvers_all_different,
    an_initialiser_array_over_the_whole_file,
    program_headers_beyond_number,
    sections_beyond_number,
]


@pytest.mark.parametrize("make", BOMBS, ids=lambda make: make.__name__)
def test_a_small_file_cannot_ask_for_much_work(make: object) -> None:
    assert callable(make)
    data = make()
    assert unpack_from("<I", data)[0] == 0x464C457F
    assert len(data) < 1 << 20
    assert steps(partial(outcome, partial(read, data))) < MAX_STEPS


@pytest.mark.parametrize("make", BOMBS, ids=lambda make: make.__name__)
def test_a_small_file_cannot_ask_for_much_memory(make: object) -> None:
    assert callable(make)
    data = make()
    assert peak_memory(partial(outcome, partial(read, data))) < MAX_MEMORY
