"""Where inputs lie: the seeds of each parser, and what once broke it and must not again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["CORPUS", "FOUND", "inputs"]

CORPUS: Final = Path(__file__).parent / "corpus"
FOUND: Final = Path(__file__).parent / "found"


def inputs(parser: str) -> list[Path]:
    """Every committed input of a parser, in a fixed order."""
    return sorted(path for folder in (CORPUS, FOUND) for path in (folder / parser).glob("*") if path.is_file())
