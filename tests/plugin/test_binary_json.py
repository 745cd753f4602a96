"""Qt 5's binary JSON: documents written by Qt itself, and damage."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from loadstone.plugin.binary_json import decode_binary_json

# QJsonDocument::fromJson(TEXT).toBinaryData() of Qt 5.15.
TEXT = (
    '{"IID":"org.qt-project.x","n":5,"neg":-7,"big":123456789012,"f":1.5,"b":true,"nul":null,'
    '"a":[1,2,["x",{}],{"k":"ü€"}],"MetaData":{"Keys":["a","b"],"é":1}}'
)
WRITTEN_BY_QT = bytes.fromhex(
    "71626a73010000005801000013000000340100001b030000030049494400000010006f72672e71742d70726f6a6563742e780000950700"
    "0008004d65746144617461000044000000050000003c0000001403000004004b65797300001c0000000400000014000000010061000100"
    "62008b0100000b0200003a0000000100e9000c00000034000000141100000100610060000000080000005000000024000000040000001c"
    "000000010078000c00000001000000000000008b0100000502000020000000030000001c0000009302000001006b0002000000fc00ac20"
    "0c0000002a0000004a00000084010000050600003100000001006200921f000003006269670000000000141a99be3c4292210000010066"
    "00000000000000f83fba00000001006e003affffff03006e65670000001000000003006e756c0000000c0000002c00000080000000e800"
    "0000f000000004010000140100001c01000028010000"
)


def test_what_qt_wrote_is_read() -> None:
    assert decode_binary_json(WRITTEN_BY_QT) == (json.loads(TEXT), ())


def test_truncation_anywhere_is_a_problem_and_never_an_exception() -> None:
    for size in range(len(WRITTEN_BY_QT)):
        _, problems = decode_binary_json(WRITTEN_BY_QT[:size])
        assert problems, size


@given(st.integers(0, len(WRITTEN_BY_QT) - 1), st.integers(0, 255), st.integers(0, 2**40))
def test_any_byte_changed_gives_an_answer_with_offsets_in_the_file(at: int, byte: int, base: int) -> None:
    damaged = bytearray(WRITTEN_BY_QT)
    damaged[at] = byte
    _, problems = decode_binary_json(bytes(damaged), base)
    assert all(base <= p.offset <= base + len(damaged) for p in problems)


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_tag_give_an_answer(tail: bytes) -> None:
    decode_binary_json(b"qbjs\x01\0\0\0" + tail)


def test_siblings_that_share_one_child_do_not_multiply_without_end() -> None:
    # Arrays of two entries that both point at the next array, 60 levels down: 2**60 containers if followed blindly.
    levels, head = 60, 20
    body = bytearray()
    for level in range(levels):
        size = head * (levels - level) + 12
        body += size.to_bytes(4, "little") + (2 << 1).to_bytes(4, "little") + (12).to_bytes(4, "little")
        body += ((head << 5) | 4).to_bytes(4, "little") * 2
    body += (12).to_bytes(4, "little") + (0).to_bytes(4, "little") + (12).to_bytes(4, "little")
    _, problems = decode_binary_json(b"qbjs\x01\0\0\0" + bytes(body))
    assert any("more than" in p.what for p in problems)
