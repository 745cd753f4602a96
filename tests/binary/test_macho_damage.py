"""Whatever is done to a Mach-O file, the answer is an image (with its damage) or MalformedImage, within bounds."""

from __future__ import annotations

import zlib
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
from tests.binary.macho_inputs import ARM64, LINK, X86_64, Macho, bind, everything, trie, uleb, universal
from tests.scale import FULL, SCALE, mostly_slow

from loadstone.binary import images, read
from loadstone.errors import MalformedImage

_VARIANTS = {
    "64-bit": everything().sign("Us"),
    "64-bit chained": everything(chained=True).sign("Us"),
    "32-bit big-endian": everything(32, ">").sign("Us"),
    "universal": universal((ARM64, 0, everything().build()), (X86_64, 0, everything(chained=True).build())),
}


def _sound(name: str) -> bytes:
    """The file without the zeros that fill up the signature."""
    return _VARIANTS[name].rstrip(b"\0") + bytes(16)


@pytest.mark.parametrize(
    ("name", "every"), [*((name, 11) for name in _VARIANTS), pytest.param("64-bit", 1, marks=pytest.mark.slow)]
)
def test_an_image_cut_anywhere_is_damaged_or_malformed(name: str, every: int) -> None:
    data = _VARIANTS[name]
    for length in range(0, len(_sound(name)) - 16, every if SCALE == 1 else 1):
        found = outcome(partial(read, data[:length]))
        assert isinstance(found, MalformedImage) or found.damage, length


@pytest.mark.slow
@pytest.mark.parametrize("name", _VARIANTS)
def test_an_image_with_any_byte_changed_is_an_image_or_malformed(name: str) -> None:
    change_every_byte(_sound(name), every=11)


@pytest.mark.parametrize("name", _VARIANTS)
def test_every_word_at_the_edges_of_its_range(name: str) -> None:
    data = bytearray(_sound(name))
    step = 4 if SCALE > 1 else 20
    filled = [at for at in range(0, len(data) - 4, step) if at <= 0x700 or data[at : at + 4] != bytes(4)]
    edges = (*EDGES, 0x7FFF_FFFF, 0)
    for turn in range(2):
        positions = (at for at in filled if at // step % 2 == turn)
        change_every_word(data, positions, "<I", edges if SCALE > 1 else edges[turn::2])


@pytest.mark.parametrize("name", _VARIANTS)
def test_every_wide_word_at_the_edges_of_its_range(name: str) -> None:
    data = bytearray(_sound(name))
    order = ">" if "big" in name or name == "universal" else "<"
    change_every_word(data, range(0, len(data) - 8, 8 if SCALE > 1 else 72), f"{order}Q", wide_edges(data))


@pytest.mark.parametrize("name", _VARIANTS)
def test_strict_reading_raises_exactly_where_tolerant_reading_records(name: str) -> None:
    read_strictly_and_not(_sound(name), name, 25_000 if FULL else 60 * SCALE)


@settings(max_examples=60 * SCALE, deadline=None)
@given(name=st.sampled_from(list(_VARIANTS)), patched=patches(6000), moved=moves(6000))
def test_random_breakage_gives_the_same_answer_twice(
    name: str, patched: list[tuple[int, bytes]], moved: tuple[int, int, int]
) -> None:
    break_twice(_sound(name), patched, moved)


def commands_without_size() -> bytes:
    data = bytearray(everything().build())
    pack_into("<I", data, 16, 0xFFFF_FFFF)
    for at in range(32, len(data) - 8, 8):
        pack_into("<II", data, at, 0x19, 0)
    return bytes(data)


def commands_without_number() -> bytes:
    image = Macho()
    data = bytearray(image.build().ljust(900_000, b"\0"))
    pack_into("<II", data, 16, 0xFFFF_FFFF, len(data) - 32)
    for at in range(32, len(data) - 8, 8):
        pack_into("<II", data, at, 0x8000_0077, 8)
    return bytes(data)


def libraries_without_number() -> bytes:
    data = bytearray(Macho().build().ljust(900_000, b"\0"))
    pack_into("<II", data, 16, 0xFFFF_FFFF, len(data) - 32)
    for at in range(32, len(data) - 32, 32):
        pack_into("<IIIIII", data, at, 0xC, 32, 24, 0, 0, 0)
        data[at + 24 : at + 31] = b"library"
    return bytes(data)


def one_command_full_of_sections() -> bytes:
    image = Macho()
    row = image.pack("16s16sQQIIIIIIII", b"__s", b"__TEXT", 0, 1 << 40, 8, 0, 0, 0, 9, 0, 0, 0)
    body = image.pack("16sQQQQiiII", b"__TEXT", 0, 1 << 40, 0, 900_000, 7, 7, 0xFFFF_FFFF, 0) + row * 10_000
    data = bytearray(image.build())
    table = image.pack("II", 0x19, 8 + len(body)) + body
    pack_into("<II", data, 16, 1, len(table))
    return bytes(data[:32]) + table


def a_trie_of_long_names() -> bytes:
    """Each node has one child, so that every name is longer than the one before."""
    image = Macho()
    node = b"\0\1" + b"a" * 60 + b"\0"
    width = len(node) + 3
    image.exports_trie(b"".join(node + uleb((i + 1) * width, 3) for i in range(14_000)))
    return image.build()


def a_trie_whose_nodes_overlap() -> bytes:
    image = Macho()
    image.exports_trie((b"\0\xff" + b"aa\0\1" * 255) * 900)
    return image.build()


def a_trie_of_labels_that_share_their_bytes() -> bytes:
    image = Macho()
    head = b"\0\xff" + b"".join(b"a\0" + uleb(700 + i, 3) for i in range(255))
    image.exports_trie(head.ljust(1500, b"\2") + (b"x" * 3000 + b"\0\1") * 250)
    return image.build()


def a_trie_with_a_cycle() -> bytes:
    image = Macho()
    image.exports_trie(b"\0\2a\0\0b\0\0")
    return image.build()


def chained_imports_that_share_one_long_name() -> bytes:
    image = Macho()
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.chained(*(("", 1, False) for _ in range(30_000)), form=3)
    data = bytearray(image.build().ljust(900_000, b"a") + b"\0")
    begin = data.index(pack("<II", 2, 0), LINK)
    for number in range(30_000):
        pack_into("<Q", data, begin + 16 + 24 + 4 + 16 * number, 1 | (2 + number) << 32)
    return bytes(data)


def chained_names_that_unpack_to_gigabytes() -> bytes:
    image = Macho()
    image.chained(("_a", -2, False), packed=zlib.compress(bytes(200_000_000), 9))
    return image.build()


def binds_without_number() -> bytes:
    image = Macho()
    image.dylib(0xC, "/usr/lib/liba.dylib")
    image.dyld_info(binds=b"".join(bind(f"_{i:x}", 1) for i in range(60_000)))
    return image.build()


def symbols_that_share_one_long_name() -> bytes:
    image = Macho()
    at = image.put(b"".join(image.pack("IBBHQ", 300_000 + i, 1, 0, 1 << 8, 0) for i in range(30_000)))
    text = image.put(b"a" * 400_000 + b"\0")
    image.command(2, image.pack("IIII", at, 30_000, text, 400_001))
    return image.build()


def a_signature_of_digests_of_nothing() -> bytes:
    image = everything()
    return image.sign("Us", page_bits=10).replace(pack(">I", 0xFADE0C02), pack(">I", 0xFADE0C02)).ljust(990_000, b"\0")


def a_signature_of_many_directories() -> bytes:
    data = bytearray(everything().sign("Us"))
    begin = data.index(pack(">I", 0xFADE0CC0))
    where = int.from_bytes(data[begin + 16 : begin + 20], "big")
    pack_into(">I", data, begin + 8, 0xFFFF_FFFF)
    for number in range(64):
        pack_into(">II", data, begin + 12 + 8 * number, 0x1000 + number % 6, where)
    return bytes(data)


def initialisers_without_number() -> bytes:
    image = Macho()
    image.section("__DATA", "__mod_init_func", 0, 0xFFFF_FFFF, 0x9)
    return image.build().ljust(990_000, b"\1")


def slices_without_number() -> bytes:
    inner = Macho().build()
    data = bytearray(universal(*((ARM64, i, inner) for i in range(40)), wide=True))
    pack_into(">I", data, 4, 0xFFFF_FFFF)
    return bytes(data)


BOMBS: list[Callable[[], bytes]] = [
    commands_without_size,
    commands_without_number,
    libraries_without_number,
    one_command_full_of_sections,
    a_trie_of_long_names,
    a_trie_whose_nodes_overlap,
    a_trie_of_labels_that_share_their_bytes,
    a_trie_with_a_cycle,
    chained_imports_that_share_one_long_name,
    chained_names_that_unpack_to_gigabytes,
    binds_without_number,
    symbols_that_share_one_long_name,
    a_signature_of_digests_of_nothing,
    a_signature_of_many_directories,
    initialisers_without_number,
    slices_without_number,
]


LONG = (chained_names_that_unpack_to_gigabytes, chained_imports_that_share_one_long_name, initialisers_without_number)
"""They cost the most of what is allowed."""


@pytest.mark.parametrize(
    "bomb", mostly_slow(BOMBS, quick=[b for b in BOMBS if b not in LONG]), ids=lambda bomb: bomb.__name__
)
def test_a_file_made_to_cost_much_costs_little(bomb: Callable[[], bytes]) -> None:
    data = bomb()
    call = partial(outcome, partial(lambda data: images(data)[0], data))
    assert steps(call) < MAX_STEPS
    assert peak_memory(call) < MAX_MEMORY


def test_a_trie_may_be_as_large_as_its_names() -> None:
    """What bounds hostile tries must not bound honest ones: every name of many is there."""
    image = Macho()
    names = [f"_a_name_of_usual_length_{i:05}" for i in range(12_000)]
    groups = [names[i : i + 100] for i in range(0, len(names), 100)]
    prefixes = [group[0][:-2] for group in groups]
    head = bytearray((0, len(groups)))
    blocks, at = bytearray(), 2 + sum(len(prefix) + 4 for prefix in prefixes)
    for prefix, group in zip(prefixes, groups, strict=True):
        leaves = [(name[len(prefix) :], uleb(0) + uleb(4)) for name in group]
        head += prefix.encode() + b"\0" + uleb(at + len(blocks), 3)
        block = bytearray(b"\0" + bytes((len(leaves),)))
        begin = at + len(blocks) + 2 + sum(len(label) + 4 for label, _ in leaves)
        for number, (label, _) in enumerate(leaves):
            block += label.encode() + b"\0" + uleb(begin + 4 * number, 3)
        for _, information in leaves:
            block += bytes((len(information),)) + information + b"\0"
        blocks += block
    image.exports_trie(bytes(head + blocks))
    code = bytes(24 * len(names))  # a function takes more than that
    found = read(image.build() + code)
    assert found.damage == ()
    assert sorted(s.name for s in found.exports) == names


def test_one_name_more_than_nothing() -> None:
    image = Macho()
    image.exports_trie(trie(("_a", uleb(0) + uleb(4))))
    assert [s.name for s in read(image.build()).exports] == ["_a"]


def test_a_slice_that_is_no_image_is_told_by_the_others() -> None:
    data = bytearray(_VARIANTS["universal"])
    sound = read(bytes(data))
    other = next(part for part in sound.slices if part.architecture != sound.slices[0].architecture)
    data[other.offset : other.offset + 4] = b"nope"
    for image in images(bytes(data)):
        assert [damage.field for damage in image.damage] == [f"slice for {other.architecture}"]
    with pytest.raises(MalformedImage, match="not a binary"):
        images(bytes(data), strict=True)
