"""C values in memory: what is written is what ctypes and struct would write there, and nothing beside it changes."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest

from loadstone.library.typed.memory import (
    BitField,
    Character,
    ComplexPair,
    LongDouble,
    Number,
    Truth,
    WideCharacter,
    WideInteger,
    truth,
)

SIGNED, UNSIGNED = (
    BitField(11, 5, signed=signed, is_bool=False, name="a bit field") for signed in (True, False)
)  # its first bit is the fourth of the second byte


@pytest.mark.parametrize(
    ("codec", "value", "content"),
    [
        (Number("d", "double"), 1.5, struct.pack("d", 1.5)),
        (Number.integer(2, True, "short"), -2, b"\xfe\xff"),
        (Truth(), True, b"\1"),
        (Truth(), False, b"\0"),
        (Character(), b"x", b"x"),
        (WideCharacter(2, "char16_t"), "\u20ac", b"\xac\x20"),
        (WideCharacter(4, "wchar_t"), "\U0001f600", b"\x00\xf6\x01\x00"),
        (WideInteger(16, True), -(1 << 127), bytes(15) + b"\x80"),
        (WideInteger(16, False), (1 << 128) - 1, b"\xff" * 16),
        pytest.param(LongDouble(), 0.1, bytes(ctypes.c_longdouble(0.1)), id="long double"),  # its padding is anything
        (ComplexPair(Number("f", "float")), 1.5 - 2j, struct.pack("ff", 1.5, -2)),
    ],
)
def test_a_value_is_written_in_its_place_and_read_back(codec: Any, value: object, content: bytes) -> None:
    place = bytearray(b"\xa5" * (len(content) + 4))
    codec.write(place, 2, value)
    memory = bytes(place)
    assert codec.size == len(content)
    if isinstance(codec, LongDouble):  # the bytes that fill it up are of no value
        assert (memory[:2], memory[-2:], memory[2:12]) == (b"\xa5\xa5", b"\xa5\xa5", content[:10])
    else:
        assert memory == b"\xa5\xa5" + content + b"\xa5\xa5"
    assert (type(codec.read(memory, 2)), codec.read(memory, 2)) == (type(value), value)


@pytest.mark.parametrize(
    ("field", "value", "content"),
    [
        (SIGNED, -16, b"\xff\x87\xff"),
        (SIGNED, 15, b"\xff\x7f\xff"),
        (SIGNED, -1, b"\xff\xff\xff"),
        (UNSIGNED, 0, b"\xff\x07\xff"),
        (UNSIGNED, 31, b"\xff\xff\xff"),
        (BitField(6, 4, signed=False, is_bool=False, name="across bytes"), 0b1001, b"\x7f\xfe\xff"),
        (BitField(7, 1, signed=False, is_bool=True, name="a flag"), False, b"\x7f\xff\xff"),
    ],
)
def test_a_bit_field_leaves_the_bits_beside_it_alone(field: BitField, value: int, content: bytes) -> None:
    memory = bytearray(b"\0" + b"\xff" * 3)
    field.write(memory, 1, value)
    assert bytes(memory) == b"\0" + content
    assert (type(field.read(memory, 1)), field.read(memory, 1)) == (type(value), value)


@pytest.mark.parametrize(
    ("codec", "value", "error"),
    [
        (Number.integer(1, True, "char"), 128, OverflowError),
        (Number.integer(1, True, "char"), "1", TypeError),
        (Truth(), 2, OverflowError),
        (Truth(), "yes", TypeError),
        (Truth(), b"\1", TypeError),
        (Character(), b"xy", TypeError),
        (Character(), "x", TypeError),
        (WideCharacter(2, "char16_t"), "\U0001f600", OverflowError),
        (WideCharacter(2, "char16_t"), "xy", TypeError),
        (WideCharacter(2, "char16_t"), 120, TypeError),
        (WideInteger(16, True), 1 << 127, OverflowError),
        (WideInteger(16, False), -1, OverflowError),
        (WideInteger(16, True), 1.0, TypeError),
        (SIGNED, 16, OverflowError),
        (SIGNED, -17, OverflowError),
        (UNSIGNED, 32, OverflowError),
        (UNSIGNED, -1, OverflowError),
        (UNSIGNED, 1.0, TypeError),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(codec: Any, value: object, error: type[Exception]) -> None:
    memory = bytearray(32)
    with pytest.raises(error):
        codec.write(memory, 4, value)
    assert memory == bytes(32)


def test_numbers_that_are_no_characters_are_refused_and_truth_may_be_lent() -> None:
    with pytest.raises(ValueError, match="0x110000 is not a character"):
        WideCharacter(4, "wchar_t").read(struct.pack("I", 0x110000), 0)
    assert [truth(ctypes.c_bool(value)) for value in (True, False)] == [True, False]
    assert Truth().read(b"\0\2", 1) is True
