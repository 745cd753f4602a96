"""The package's own source text, parsed once a process for the tests that read all of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["PACKAGE", "parsed"]

PACKAGE = Path(__file__).parents[1] / "src/loadstone"


@cache
def parsed() -> Mapping[str, ast.Module]:
    """Every module by its path from the package on (``core/image.py``)."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))
    }
