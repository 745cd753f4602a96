"""C front end: any file, without its headers."""

from __future__ import annotations

from loadstone.review.frontends.c.unit import parse_source
from loadstone.review.ir import Language, Unit

__all__ = ["parse"]


def parse(path: str, text: bytes, wanted: frozenset[str] = frozenset()) -> Unit:
    """Read one C file; ``wanted`` names further functions whose users matter. Never raises on any bytes."""
    return parse_source(path, text, Language.C, wanted)
