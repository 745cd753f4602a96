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
) -> Unit:
    """Read one C file; ``wanted`` names further functions whose users matter, ``macros`` are those of its headers.

    Never raises on any bytes.
    """
    return parse_source(path, text, Language.C, wanted, macros or {})
