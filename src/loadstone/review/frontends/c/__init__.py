"""C front end: any file; of its headers, the macros they define."""

from __future__ import annotations

from collections.abc import Mapping

from loadstone.review.frontends.c.directives import MacroDefinition
from loadstone.review.frontends.c.unit import parse_source
from loadstone.review.ir import Language, Unit

__all__ = ["parse"]


def parse(
    path: str,
    text: bytes,
    wanted: frozenset[str] = frozenset(),
    macros: Mapping[str, MacroDefinition] | None = None,
    language: Language = Language.C,
) -> Unit:
    """Read one file of C, or of C++. Never raises on any bytes.

    ``wanted`` names further functions whose users matter; ``macros`` are those that its headers define.
    """
    return parse_source(path, text, language, wanted, macros or {})
