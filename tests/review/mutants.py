"""Damaged source files: real ones with bytes, words and lines broken, moved, repeated and thrown in.

The same number gives the same mutant on every system, so that one that fails can be looked at:
``python -m tests.review.mutants NUMBER`` prints it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from loadstone.review import frontends
from loadstone.review.batch import SourceFile
from loadstone.review.ir import Language

__all__ = ["MUTANTS", "mutant"]

MUTANTS: Final = 10_000

_TESTS: Final = Path(__file__).parents[1]
_WORD: Final = re.compile(rb"\w+|[^\w\s]")

_THROWN_IN: Final = (
    b"\x00",
    b"\xff\xfe",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\r",
    b"\\\n",
    b'"',
    b"'''",
    b"/*",
    b"#if X\n",
    b"#else\n",
    b"#endif\n",
    b"\n#define A(x) x {\n",
    b"(" * 300,
    b"{" * 300,
    b"!" * 500,
    b"+1" * 500,
    b"if (x) " * 200,
    b"else if (x) y(); " * 200,
    b"\n    " * 50,
    b"lambda: " * 100,
    b"*&" * 200,
    b"a." * 300,
    b"\xe2\x80\xae",
    b'R"x(',
    b"dlclose(handle);",
    b"goto out;",
)


@cache
def _originals() -> tuple[SourceFile, ...]:
    folders = (_TESTS / "review" / "corpus", _TESTS / "rules")
    paths = sorted(p for folder in folders for p in folder.glob("*/*") if p.suffix in frontends.SUFFIXES)
    return tuple(SourceFile(p.name, _language(p), p.read_bytes()) for p in paths)


def _language(path: Path) -> Language:
    language = frontends.language_of(path.name)
    assert language is not None, path
    return language


def mutant(number: int) -> SourceFile:
    """The mutant of that number."""
    random = Random(number)
    original = random.choice(_originals())
    content = original.content
    for _ in range(random.randint(1, 4)):
        content = random.choice(_DAMAGES)(content, random)
    return SourceFile(original.path, original.language, content)


def _flip(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(min(random.randint(1, 8), len(changed))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _cut(content: bytes, random: Random) -> bytes:
    start = random.randint(0, len(content))
    return content[:start] + content[start + random.randint(1, 200) :]


def _end_early(content: bytes, random: Random) -> bytes:
    return content[: random.randint(0, len(content))]


def _repeat(content: bytes, random: Random) -> bytes:
    start = random.randint(0, len(content))
    part = content[start : start + random.randint(1, 400)]
    return content[:start] + part * random.randint(2, 20) + content[start:]


def _throw_in(content: bytes, random: Random) -> bytes:
    place = random.randint(0, len(content))
    return content[:place] + random.choice(_THROWN_IN) + content[place:]


def _swap_words(content: bytes, random: Random) -> bytes:
    words = list(_WORD.finditer(content))
    if len(words) < 2:
        return content
    one, other = sorted(random.sample(words, 2), key=lambda m: m.start())
    between = content[one.end() : other.start()]
    return content[: one.start()] + other.group() + between + one.group() + content[other.end() :]


def _shuffle_lines(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    start = random.randint(0, len(lines))
    moved = lines[start : start + random.randint(2, 12)]
    random.shuffle(moved)
    lines[start : start + len(moved)] = moved
    return b"\n".join(lines)


def _graft(content: bytes, random: Random) -> bytes:
    """A part of another file, in whatever language that is."""
    other = random.choice(_originals()).content
    start = random.randint(0, len(other))
    place = random.randint(0, len(content))
    return content[:place] + other[start : start + random.randint(10, 600)] + content[place:]


_DAMAGES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _flip,
    _cut,
    _end_early,
    _repeat,
    _throw_in,
    _swap_words,
    _shuffle_lines,
    _graft,
)


if __name__ == "__main__":
    sys.stdout.buffer.write(mutant(int(sys.argv[1])).content)
