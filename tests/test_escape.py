from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadstone.escape import escaped_in_json, printable, quoted


@given(st.text())
def test_what_is_shown_has_no_control_format_or_surrogate_character(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\u2028\ufeff" for c in shown)


@given(st.binary(max_size=40))
def test_bytes_of_a_file_name_are_shown_as_the_bytes_they_were(name: bytes) -> None:
    printable(os.fsdecode(name)).encode("utf-8")


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert printable(text) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_json_document_is_read_as_before_and_shows_no_such_character(text: str) -> None:
    shown = escaped_in_json(json.dumps([text], ensure_ascii=False, indent=2))
    assert json.loads(shown) == [text]
    assert printable(shown.replace("\n", "")) == shown.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0041", "\\U000e0041"),
        ("ünï", "ünï"),
    ],
)
def test_each_class_of_character_has_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert printable("x" * 5000, limit=10) == "x" * 10 + "… (+4990)"
    assert quoted("a\n") == r"'a\x0a'"
