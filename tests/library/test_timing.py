"""A call is timed in every way there is here, and each way really makes it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from loadstone.library import Library
from loadstone.library.typed import timing
from loadstone.library.typed.arguments import from_words
from loadstone.library.typed.prototype import parse

_CFFI = ["cffi, ABI mode"] if find_spec("cffi") else []


@pytest.mark.parametrize(
    ("prototype", "words"),
    [
        ("int abs(int)", ["3"]),
        ("size_t strlen(const char *)", ["text"]),
        ("void *memset(void *, int, size_t)", ["out:4", "65", "4"]),
        ("double atof(const char *)", ["1.5"]),
    ],
)
def test_every_way_is_timed_ours_first(prototype: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "CALLS", 10)
    values = from_words(parse(prototype), words)
    told = timing.timings(Library("c", 6), prototype, values)
    assert [one.how for one in told] == ["loadstone", "loadstone, lock kept", "ctypes", *_CFFI]
    assert all(one.nanoseconds > 0 for one in told)
    if words[0] == "out:4":
        assert bytes(values[0]) == b"AAAA"
