"""Whatever is done to a PE file, the answer is an image (with its damage) or MalformedImage, within stated bounds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import pack, pack_into

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
from tests.binary.der_inputs import open_ended
from tests.binary.pe_inputs import BOUND, DELAY, EXPORT, IMPORT, RAW, RESOURCE, SECTION, Pe, everything
from tests.scale import FULL, SCALE, mostly_slow

from loadstone.binary import read
from loadstone.errors import MalformedImage

_BITS = [32, 64]
SOUND = {bits: everything(bits).sign() for bits in _BITS}


@pytest.mark.slow
@pytest.mark.parametrize("bits", _BITS)
def test_an_image_cut_anywhere_is_damaged_or_malformed(bits: int) -> None:
    data = SOUND[bits]
    for length in range(len(data)):
        found = outcome(partial(read, data[:length]))
        assert isinstance(found, MalformedImage) or found.damage, length


@pytest.mark.slow
@pytest.mark.parametrize("bits", _BITS)
def test_an_image_with_any_byte_changed_is_an_image_or_malformed(bits: int) -> None:
    change_every_byte(SOUND[bits], every=5)


@pytest.mark.slow
@pytest.mark.parametrize("bits", _BITS)
def test_every_word_at_the_edges_of_its_range(bits: int) -> None:
    data = bytearray(SOUND[bits])
    end = len(data) - 8
    change_every_word(data, range(0, end, 4 if SCALE > 1 else 12), "<I", (*EDGES, len(data)))
    change_every_word(data, range(0, end, 4 if SCALE > 1 else 24), "<Q", wide_edges(data))


@pytest.mark.parametrize("bits", _BITS)
def test_strict_reading_raises_exactly_where_tolerant_reading_records(bits: int) -> None:
    read_strictly_and_not(SOUND[bits], bits, 50_000 if FULL else 150 * SCALE)


@settings(max_examples=60 * SCALE, deadline=None)
@given(bits=st.sampled_from(_BITS), patched=patches(6000), moved=moves(6000))
def test_random_breakage_gives_the_same_answer_twice(
    bits: int, patched: list[tuple[int, bytes]], moved: tuple[int, int, int]
) -> None:
    break_twice(SOUND[bits], patched, moved)


def imports_that_share_one_table() -> bytes:
    pe = Pe()
    name, hint = pe.text("a.dll"), pe.put(b"\0\0name\0")
    table = pe.put(pe.words(*([hint] * 60_000), 0))
    pe.table(IMPORT, pack("<IIIII", table, 0, 0, name, table) * 20_000 + bytes(20))
    return pe.build()


def imports_whose_names_share_one_long_string() -> bytes:
    pe = Pe()
    name, text = pe.text("a.dll"), pe.put(b"a" * 65_000 + b"\0")
    table = pe.put(pe.words(*(text + i for i in range(60_000)), 0))
    pe.table(IMPORT, pack("<IIIII", table, 0, 0, name, table) + bytes(20))
    return pe.build()


def modules_that_all_have_one_long_name() -> bytes:
    pe = Pe(32)
    name, hint = pe.put(b"a" * 65_000 + b"\0"), pe.put(b"\0\0name\0")
    table = pe.put(pe.words(hint, 0))
    pe.table(IMPORT, pack("<IIIII", table, 0, 0, name, table) * 38_000)
    return pe.build()


def import_tables_far_apart() -> bytes:
    pe = Pe()
    name = pe.text("a.dll")
    far = [pe.put(b"\0\0x\0".ljust(1000, b"x")) for _ in range(800)]
    table = pe.put(pe.words(*(far[i * 397 % 800] for i in range(10_000)), 0))
    pe.table(IMPORT, pack("<IIIII", table, 0, 0, name, table) * 100 + bytes(20))
    return pe.build()


def a_delay_table_without_end() -> bytes:
    pe = Pe()
    text = pe.text("a.dll")
    pe.table(DELAY, pack("<IIIIIIII", 1, text, 0, text, text, 0, 0, 0) * 30_000)
    return pe.build()


def exports_beyond_counting() -> bytes:
    pe = Pe()
    pe.exports("a.dll", 1, *(("name", SECTION) for _ in range(3)))
    start = pe.directories[EXPORT][0] - SECTION
    pack_into("<II", pe.content, start + 20, 0xFFFF_FFFF, 0xFFFF_FFFF)
    return pe.build()


def exports_that_all_have_one_name_and_are_forwarded() -> bytes:
    pe = Pe()
    start = pe.put(bytes(40))
    text = pe.put(b"M." + b"a" * 60_000 + b"\0")
    functions = pe.put(pack("<I", text) * 38_000)
    names = pe.put(b"".join(pack("<I", text + i) for i in range(26_000)))
    places = pe.put(b"".join(pack("<H", i) for i in range(26_000)))
    pack_into("<IIIIIII", pe.content, start - SECTION + 12, text, 1, 26_000, 26_000, functions, names, places)
    pe.directories[EXPORT] = (start, pe.here - start)
    pe.tail = bytes(400_000)
    return pe.build()


def resources_that_lead_back_to_themselves() -> bytes:
    pe = Pe()
    entries = 50_000
    pe.table(RESOURCE, pack("<12xHH", 0, entries) + pack("<II", 24, 1 << 31) * entries)
    return pe.build()


def resources_that_share_one_large_manifest() -> bytes:
    pe = Pe()
    xml = b"<a>" + b"<b/>" * 9_000 + b"</a>"
    pe.resources(*((24, 1, xml) for _ in range(16)))
    return pe.build()


def bound_imports_with_forwarders_without_end() -> bytes:
    pe = Pe()
    pe.table(BOUND, pack("<IHH", 1, 8, 0xFFFF) * 100_000)
    return pe.build()


def sections_that_all_map_the_whole_file() -> bytes:
    pe = Pe()
    pe.exports("a.dll", 1, *((f"{i:05}", SECTION + i) for i in range(15_000)))
    data = bytearray(pe.build())
    table = 0x80 + 24 + 240
    pack_into("<H", data, 0x80 + 6, 96)
    pack_into("<I", data, 0x80 + 24 + 60, 0x1_0000)
    row = bytes(data[table : table + 40])
    data[RAW:RAW] = bytes(0x1000)
    for number in range(96):
        data[table + 40 * number : table + 40 * number + 40] = row
        pack_into("<I", data, table + 40 * number + 20, RAW + 0x1000)
    return bytes(data)


def certificates_nested_without_end() -> bytes:
    pe = Pe()
    inner = b""
    for _ in range(7_000):
        inner = open_ended(0x30, inner)
    one = pack("<IHH", 8 + len(inner), 0x200, 2) + inner
    pe.certificates = one.ljust(-(-len(one) // 8) * 8, b"\0") * 8
    return pe.build()


def certificates_without_number() -> bytes:
    pe = Pe()
    pe.certificates = pack("<IHH", 8, 0x200, 2) * 100_000
    return pe.build()


def version_blocks_without_progress() -> bytes:
    pe = Pe()
    pe.resources(*((16, i, pack("<HHH", 6, 0, 0) * 10_000) for i in range(16)))
    return pe.build()


BOMBS: list[Callable[[], bytes]] = [
    imports_that_share_one_table,
    imports_whose_names_share_one_long_string,
    modules_that_all_have_one_long_name,
    import_tables_far_apart,
    a_delay_table_without_end,
    exports_beyond_counting,
    exports_that_all_have_one_name_and_are_forwarded,
    resources_that_lead_back_to_themselves,
    resources_that_share_one_large_manifest,
    bound_imports_with_forwarders_without_end,
    sections_that_all_map_the_whole_file,
    certificates_nested_without_end,
    certificates_without_number,
    version_blocks_without_progress,
]


LONG = (a_delay_table_without_end, exports_that_all_have_one_name_and_are_forwarded)
"""They cost the most of what is allowed."""


@pytest.mark.parametrize(
    "bomb", mostly_slow(BOMBS, quick=[b for b in BOMBS if b not in LONG]), ids=lambda bomb: bomb.__name__
)
def test_a_file_made_to_cost_much_costs_little(bomb: Callable[[], bytes]) -> None:
    data = bomb()
    call = partial(outcome, partial(read, data))
    assert steps(call) < MAX_STEPS
    assert peak_memory(call) < MAX_MEMORY
