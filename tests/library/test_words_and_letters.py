"""Small pure functions between C and Python, at the ends of their ranges: words, letters, the lines of a pin file."""

from __future__ import annotations

from typing import Any

import pytest

from loadstone.errors import InvalidPrototype, MalformedImage
from loadstone.library.trust.pin_file import PinFile
from loadstone.library.typed.arguments import from_words
from loadstone.library.typed.likeness import letter_of, letter_of_items
from loadstone.library.typed.prototype import parse


def value(declared: str, word: str) -> Any:
    (found,) = from_words(parse(f"void f({declared})"), [word])
    return getattr(found, "raw", found)


@pytest.mark.parametrize(
    ("declared", "word", "expected"),
    [
        ("_Bool", "true", True),
        ("_Bool", "false", False),
        ("_Bool", "0x10", True),
        ("_Bool", "0", False),
        ("char", "a", b"a"),
        ("char", "7", 7),
        ("int8_t", "127", 127),
        ("int8_t", "-128", -128),
        ("uint8_t", "255", 255),
        ("uint8_t", "0", 0),
        ("int", "0b101", 5),
        ("long long", "9223372036854775807", 2**63 - 1),
        ("enum e { A } e", "2147483647", 2**31 - 1),
        ("float", "-1.5", -1.5),
        ("void *", "NULL", None),
        ("const char *", "", b""),
        ("const void *", "hex:00ff", b"\x00\xff"),
        ("char *", "text", b"text\0"),
        ("char *", "out:3", bytes(3)),
        ("const char *", "out:x", b"out:x"),
    ],
)
def test_a_word_is_the_value_its_type_makes_of_it(declared: str, word: str, expected: object) -> None:
    found = value(declared, word)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("declared", "word"),
    [
        ("int8_t", "128"),
        ("int8_t", "-129"),
        ("uint8_t", "256"),
        ("uint8_t", "-1"),
        ("enum e { A } e", "2147483648"),
        ("_Bool", "yes"),
        ("int", "1.0"),
        ("double", "one"),
        ("const void *", "hex:0"),
        ("struct s { int a; } s", "1"),
    ],
)
def test_a_word_that_is_no_value_of_its_type_is_refused(declared: str, word: str) -> None:
    with pytest.raises(InvalidPrototype):
        value(declared, word)


def test_a_letter_says_which_kind_of_number_it_is() -> None:
    kinds = {"i": "bhilqn", "u": "BHILQN", "f": "efdg"}
    assert {code: letter_of(code) for codes in kinds.values() for code in codes} == {
        code: kind for kind, codes in kinds.items() for code in codes
    }
    assert [letter_of(code) for code in ("", "?", "P")] == ["", "?", "P"]
    assert [letter_of_items(form) for form in (None, "<i", "@H", "=d", "T{i:a:}", "2i", "?")] == [
        "u", "i", "u", "f", "}", "2i", "?",
    ]  # fmt: skip


ROW = {"name": "x", "path": "/x", "sha256": "0" * 64}


def pins(**fields: str) -> PinFile:
    rows = {name: f'"{text}"' for name, text in ROW.items()} | fields
    return PinFile.parse("version = 1\n[[library]]\n" + "".join(f"{name} = {row}\n" for name, row in rows.items()))


def test_what_a_pin_leaves_out_is_empty_and_a_list_of_bytes_is_a_name() -> None:
    (pin,) = pins(name="[1, 255]", needed='["a.so", [120, 128]]').pins
    assert (pin.name, pin.path, pin.needed) == ("\x01\udcff", "/x", ("a.so", "x\udc80"))
    assert (pin.size, pin.build_id) == (0, "")


@pytest.mark.parametrize(
    "field", [{"name": "[0]"}, {"name": "[256]"}, {"name": "[]"}, {"path": "1"}, {"sha256": '"00"'}, {"needed": '"a"'}]
)
def test_a_pin_of_the_wrong_kind_is_refused(field: dict[str, str]) -> None:
    with pytest.raises(MalformedImage):
        pins(**field)
