"""C++ front end: the C one with the C++ grammar."""

from __future__ import annotations

from functools import partial
from typing import Final

from loadstone.review.frontends import c
from loadstone.review.ir import Language

__all__ = ["parse"]

parse: Final = partial(c.parse, language=Language.CPP)
"""Read one C++ file, as ``c.parse`` reads one of C."""
