"""From a source file to the intermediate representation, by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from loadstone.review.ir import Language, Unit

if TYPE_CHECKING:
    from loadstone.review.frontends.c.directives import MacroDefinition

__all__ = ["SUFFIXES", "language_of", "parse"]

SUFFIXES: Final[dict[str, Language]] = {
    ".c": Language.C,
    ".h": Language.C,
    ".inc": Language.C,
    ".cc": Language.CPP,
    ".cpp": Language.CPP,
    ".cxx": Language.CPP,
    ".c++": Language.CPP,
    ".hh": Language.CPP,
    ".hpp": Language.CPP,
    ".hxx": Language.CPP,
    ".mm": Language.CPP,
    ".py": Language.PYTHON,
    ".pyi": Language.PYTHON,
    ".pyw": Language.PYTHON,
}
"""Which language a file name promises."""

_FRONT_ENDS: Final = {Language.C: "c", Language.CPP: "cpp", Language.PYTHON: "python"}


def language_of(path: str) -> Language | None:
    """The language a file name promises; None for one that is not reviewed.

    >>> language_of("src/loader.cc")
    <Language.CPP: 'cpp'>
    """
    return SUFFIXES.get(PurePath(path).suffix.lower())


def parse(
    path: str,
    text: bytes,
    language: Language | None = None,
    *,
    wanted: frozenset[str] = frozenset(),
    macros: Mapping[str, MacroDefinition] | None = None,
) -> Unit:
    """Read one file. Never raises on any bytes: what cannot be read is a gap of the unit.

    ``language`` defaults to what the file name promises, C if it promises nothing. ``wanted`` are names for whose sake
    a file is read through that speaks of no interface itself. ``macros`` are those that headers define for a file of C
    or C++.
    """
    chosen = language or language_of(path) or Language.C
    front_end: Callable[..., Unit] = import_module(f"loadstone.review.frontends.{_FRONT_ENDS[chosen]}").parse
    return front_end(path, text, wanted=wanted, **({"macros": macros} if macros else {}))
