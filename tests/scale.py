"""How much the heavy tests do: ``LOADSTONE_TEST_SCALE`` is a number (1 when unset), or ``full`` for everything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

__all__ = ["FULL", "SCALE", "mostly_slow", "sample"]

_ASKED = os.environ.get("LOADSTONE_TEST_SCALE", "1")

FULL = _ASKED == "full"
SCALE = 100 if FULL else int(_ASKED)

T = TypeVar("T")


def sample(items: Sequence[T], count: int) -> Sequence[T]:
    """``count`` times the scale of the items, evenly spread and always the same; all of them when asked for."""
    wanted = count * SCALE
    if FULL or len(items) <= wanted:
        return items
    return [items[i * len(items) // wanted] for i in range(wanted)]


def mostly_slow(items: Sequence[T], *, quick: Sequence[T]) -> list[Any]:
    """Parameters of a test that is slow for all but these few."""
    return [pytest.param(item, marks=() if item in quick else pytest.mark.slow) for item in items]
