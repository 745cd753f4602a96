"""Macros that the headers of a program define, for the files of the program that include them.

Only the files given are known: a header of the system is not looked for. A header is found by what the include says of
its path; of several, the one whose folder is nearest to who includes it. Of two definitions under two conditions the
first that does something is taken. A name that the interface tables know keeps its meaning, whatever a header for
another system makes of it. Source: C17 6.10.2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review.apis import tables
from loadstone.review.frontends.c.directives import MacroDefinition, read, without_comments

__all__ = ["ProjectHeaders", "leading"]

_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_INCLUDED: Final = re.compile(rb'^[ \t]*#[ \t]*(?:include|import)[ \t]*[<"]([^">\n]+)[">]', re.MULTILINE)
_MAX_HEADER: Final = 1 << 20
"""Bytes of a header whose macros are read; what is larger lists numbers of registers or glyphs."""


@dataclass(frozen=True, slots=True)
class _Header:
    macros: Mapping[str, MacroDefinition]
    includes: tuple[str, ...]


class ProjectHeaders:
    """The headers among some files, by name. Read whole when made; safe to share between threads."""

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        contents = dict(files)
        self._includes = {path: _included(data) for path, data in contents.items()}
        wanted = {_base(name) for names in self._includes.values() for name in names}
        self._by_name: dict[str, list[str]] = {}
        self._headers: dict[str, _Header] = {}
        known = tables()
        for path, data in contents.items():
            if _base(path) in wanted and len(data) <= _MAX_HEADER:
                macros = read(without_comments(data), {}).macros
                kept = {name: macro for name, macro in macros.items() if known.get(name) is None}
                self._headers[path] = _Header(kept, self._includes[path])
                self._by_name.setdefault(_base(path), []).append(path)

    def macros(self, path: str, data: bytes) -> dict[str, MacroDefinition]:
        """The macros that a file of these uses, itself or through other macros, and its headers define."""
        seen = [self._headers[one] for one in self._seen_by(path)]
        found: dict[str, MacroDefinition] = {}
        words = {*_WORD.findall(data.decode(errors="replace"))} if seen else set[str]()
        while words:
            fresh: dict[str, MacroDefinition] = {}
            for header in seen:
                for name in sorted(
                    words & header.macros.keys() - found.keys()
                ):  # in one order, whatever a run hashes to
                    fresh.setdefault(name, header.macros[name])
            found |= fresh
            words = {word for macro in fresh.values() for word in _WORD.findall(macro.body)}
        return found

    def _seen_by(self, path: str) -> Iterator[str]:
        """The headers that a file includes, and those that they do, each once, in the order of their inclusion."""
        met = {path}
        work = [(path, name) for name in reversed(self._includes.get(path, ()))]
        while work:
            one = self._meant(*work.pop())
            if one and one not in met:
                met.add(one)
                yield one
                work += [(one, name) for name in reversed(self._headers[one].includes)]

    def _meant(self, path: str, name: str) -> str:
        """The header that an include of a file means; empty for one that is none of these."""
        clean = os.path.normpath(name).replace(os.sep, "/")
        while clean.startswith("../"):
            clean = clean.removeprefix("../")
        fitting = [one for one in self._by_name.get(_base(clean), ()) if f"/{one}".endswith(f"/{clean}")]
        return max(fitting, key=lambda one: _shared(one, path), default="")


def leading(macros: Mapping[str, MacroDefinition], names: frozenset[str]) -> frozenset[str]:
    """The macros whose bodies lead to one of the names, by themselves or through other macros."""
    words = {name: frozenset(_WORD.findall(macro.body)) for name, macro in macros.items()}
    found = frozenset[str]()
    while more := {name for name in words.keys() - found if words[name] & (names | found)}:
        found |= more
    return found


def _included(data: bytes) -> tuple[str, ...]:
    return tuple(name.decode(errors="replace") for name in _INCLUDED.findall(data))


def _shared(one: str, other: str) -> int:
    """How many folders two paths begin with alike."""
    pairs = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _base(path: str) -> str:
    return path.rpartition("/")[2]
