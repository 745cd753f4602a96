"""The package's own source text, for the tests that read all of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["modules", "sources"]

_PACKAGE = Path(__file__).parents[1] / "src/loadstone"


def sources() -> Iterator[tuple[str, str]]:
    """Every module: its path from the package on (``core/image.py``) and its text."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield path.relative_to(_PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def modules() -> Iterator[tuple[str, ast.Module]]:
    """The same, parsed. Keep no tree: two million objects would slow every later garbage collection down."""
    for home, text in sources():
        yield home, ast.parse(text)
