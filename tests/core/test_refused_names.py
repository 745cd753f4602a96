"""Each refusal of a name in full: what was given, what is wrong with it, what to give; and the last name let in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loadstone.core.names import Platform, candidates, platform_named, validate_name, validate_symbol, validate_version
from loadstone.errors import InvalidName

LIKE = 'give something like "z", "libz.so.1" or "/opt/app/libz.so.1"'
VERSION = "a version has 1 to 64 letters, digits and . _ + ~ -, and starts with a letter or digit"
LIKE_VERSION = 'give something like 1 or "1.2.13"'
LIKE_SYMBOL = "give the name of a function or variable, as C has it"
LIST = [0] * 60
LONG = "a" * 4097
LONG_PART = "x/" + "a" * 256


@pytest.mark.parametrize(
    ("validate", "given", "name", "reason", "advice"),
    [
        (validate_name, 1, "1", "a library name is text or a path, not int", LIKE),
        (validate_name, LIST, repr(LIST)[:80], "a library name is text or a path, not list", LIKE),
        (validate_name, "", "", "it is empty", "give the name or the path of a library"),
        (validate_name, LONG, LONG, "it has 4097 characters, a path may have 4096",
         "give the name or the path of a library, not its content"),
        (validate_name, "ab\x1fc", "ab\x1fc", "it has the control character 0x1f at position 2",
         "the system would see another name than you do; remove it"),
        (validate_name, LONG_PART, LONG_PART, "one part of it is longer than 255 bytes", "no file can have that name"),
        (validate_version, True, "True", "a version is a whole number or text, not bool", LIKE_VERSION),
        (validate_version, LIST, repr(LIST)[:80], "a version is a whole number or text, not list", LIKE_VERSION),
        (validate_version, "", "", VERSION, LIKE_VERSION),
        (validate_version, "1" * 65, "1" * 65, VERSION, LIKE_VERSION),
        (validate_symbol, b"x", "b'x'", "a symbol name is text, not bytes", LIKE_SYMBOL),
        (validate_symbol, LIST, repr(LIST)[:80], "a symbol name is text, not list", LIKE_SYMBOL),
        (validate_symbol, "", "", "it is empty", LIKE_SYMBOL),
        (validate_symbol, "a" * 65537, "a" * 65537, "it is longer than 64 KiB", LIKE_SYMBOL),
        (validate_symbol, "a\0b", "a\0b", "it has a NUL in it", LIKE_SYMBOL),
        (platform_named, "Amiga", "amiga", "no such platform", f"use one of: {', '.join(Platform)}"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_why_and_what_instead(
    validate: Callable[[object], object], given: object, name: str, reason: str, advice: str
) -> None:
    with pytest.raises(InvalidName) as caught:
        validate(given)
    assert (caught.value.name, caught.value.reason, caught.value.advice) == (name, reason, advice)


@pytest.mark.parametrize(
    ("validate", "longest"),
    [
        (validate_name, "/".join(["a" * 255] * 16)[:4096]),
        (validate_name, "x/" + "a" * 255),
        (validate_version, "1" * 64),
        (validate_symbol, "a" * 65536),
    ],
)
def test_the_longest_name_is_let_in(validate: Callable[[object], object], longest: str) -> None:
    assert validate(longest) == longest


def test_versions_that_ask_for_none() -> None:
    assert [validate_version(version) for version in (None, -1, 0, "0")] == [None, None, "0", "0"]


@pytest.mark.parametrize(
    ("name", "version", "platform", "expected"),
    [
        ("/d/X.framework", None, Platform.MACOS, "/d/X.framework/X"),
        ("X.bundle", None, Platform.MACOS, "X.bundle/Contents/MacOS/X"),
        ("d/x.y.bundle", None, Platform.MACOS, "d/x.y.bundle/Contents/MacOS/x.y"),
        ("d/noext", None, Platform.MACOS, "d/noext"),
        ("/d/libfoo.so", "1", Platform.LINUX, "/d/libfoo.so.1"),
        (r"C:\d\foo", None, Platform.WINDOWS, r"C:\d\foo.dll"),
    ],
)
def test_the_name_that_is_tried_last(name: str, version: str | None, platform: Platform, expected: str) -> None:
    assert candidates(name, version, platform)[-1].name == expected


@pytest.mark.parametrize(
    ("name", "version", "platform", "expected"),
    [
        ("foo", "1", Platform.LINUX, [("libfoo.so.1", True), ("libfoo", False), ("foo.so.1", True), ("foo", False)]),
        ("/d/foo", "1", Platform.LINUX,
         [("/d/foo", False), ("/d/foo.so.1", True), ("/d/libfoo", False), ("/d/libfoo.so.1", True)]),
        ("foo.so", "1", Platform.LINUX, [("foo.so.1", True)]),
    ],
)  # fmt: skip
def test_candidates_say_whether_they_keep_the_version(
    name: str, version: str, platform: Platform, expected: list[tuple[str, bool]]
) -> None:
    found = candidates(name, version, platform)
    assert [(each.name, each.carries_version) for each in found] == expected


def test_a_version_that_contradicts_the_name_is_told_in_full() -> None:
    with pytest.raises(InvalidName) as caught:
        candidates("libz.so.1", "2", Platform.LINUX)
    assert caught.value.name == "libz.so.1"
    assert caught.value.reason == "it carries a version of its own, and version 2 is asked for"
    assert caught.value.advice == "leave out one of the two"
