"""The CBOR reader against an independent encoder, and against damage."""

from __future__ import annotations

import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadstone.plugin.cbor import MAX_DEPTH, MAX_ITEMS, CborMap, DataItem, Decoded, Undefined, decode


def plain(item: DataItem) -> Any:
    match item.value:
        case CborMap(pairs):
            return {plain(k): plain(v) for k, v in pairs}
        case tuple(items):
            return [plain(i) for i in items]
        case _:
            return item.value


keys = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)


@given(values, st.booleans())
def test_whatever_an_independent_encoder_writes_is_read_back(value: Any, canonical: bool) -> None:
    data = cbor2.dumps(value, canonical=canonical)
    decoded = decode(data)
    assert decoded.problems == ()
    assert decoded.end == len(data)
    assert decoded.item is not None
    assert plain(decoded.item) == value


@given(values)
def test_truncation_anywhere_is_a_problem_inside_the_data_and_never_an_exception(value: Any) -> None:
    data = cbor2.dumps(value)
    for size in range(len(data)):
        decoded = decode(data[:size], base=1000)
        assert decoded.problems
        assert all(1000 <= p.offset <= 1000 + size for p in decoded.problems)


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    decoded = decode(data)
    assert decoded.item is not None or decoded.problems
    assert decode(data) == decoded or "nan" in repr(decoded)


def only_problem(decoded: Decoded) -> str:
    assert len(decoded.problems) == 1
    return decoded.problems[0].what


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "an item of 1 bytes where 0 are left"),
        (b"\x7a\xff\xff\xff\xffab", "a text of 4294967295 bytes where 2 are left"),
        (b"\x5b" + b"\xff" * 8, "a byte string of 18446744073709551615 bytes where 0 are left"),
        (b"\x9a\xff\xff\xff\xff", "an array of 4294967295 items where 0 bytes are left"),
        (b"\xba\xff\xff\xff\xff", "a map of 8589934590 items where 0 bytes are left"),
        (b"\x1c", "a reserved length code 28"),
        (b"\xfc", "a reserved simple value 28"),
        (b"\xff", "a break outside a container of indefinite length"),
        (b"\x81\xff", "a break outside a container of indefinite length"),
        (b"\xbf\x01\xff", "a key without a value"),
        (b"\x7f\x41a\xff", "a chunk of another type inside a string"),
        (b"\x62\xff\xfe", "text that is not UTF-8: byte 0xff at position 0"),
        (b"\x81" * (MAX_DEPTH + 1) + b"\x01", f"nested deeper than {MAX_DEPTH}"),
        (b"\x9f" + b"\x01" * (MAX_ITEMS + 1) + b"\xff", f"more than {MAX_ITEMS} items"),
    ],
)
def test_each_kind_of_damage_is_named(data: bytes, problem: str) -> None:
    assert only_problem(decode(data)) == problem


def test_what_was_read_before_the_damage_is_kept() -> None:
    decoded = decode(b"\xa2\x02\x63abc\x04\xa1\x61k\x7a\xff\xff\xff\xff")
    assert decoded.item is not None
    assert plain(decoded.item) == {2: "abc", 4: {}}
    assert decoded.problems[0].offset == 10


def test_duplicate_keys_are_all_there() -> None:
    item = decode(b"\xa2\x02\x61a\x02\x61b").item
    assert item is not None
    assert isinstance(item.value, CborMap)
    assert [(k.value, v.value, v.offset) for k, v in item.value.pairs] == [(2, "a", 2), (2, "b", 5)]


def test_indefinite_strings_tags_and_simple_values_are_read() -> None:
    data = b"\x85\x7f\x61a\x61b\xff\x5f\x41\x00\xff\xc1\x18\x2a\xf7\xf8\x63"
    item = decode(data).item
    assert item is not None
    assert plain(item) == ["ab", b"\x00", 42, Undefined(), Undefined(0x63)]


@pytest.mark.parametrize(("data", "number"), [(b"\xf9\x3c\x00", 1.0), (b"\xfa\x7f\x80\x00\x00", math.inf)])
def test_short_floats_are_read(data: bytes, number: float) -> None:
    item = decode(data).item
    assert item is not None
    assert item.value == number
