"""Progress on standard error, on a terminal that can rewrite a line only: one line, which is gone at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, TypeVar

from loadstone.escape import printable

__all__ = ["clear", "each", "show", "wanted"]

T = TypeVar("T")

_START_OF_EMPTY_LINE: Final = "\r\x1b[K"  # ECMA-48: carriage return, EL (erase to the end of the line)


def wanted() -> bool:
    """Whether somebody watches: standard error is a terminal, and not a dumb one, which cannot erase a line."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def show(text: str) -> None:
    """Replace the line of progress, cut to the width of the terminal: a line that wraps could not be erased."""
    from shutil import get_terminal_size

    columns = get_terminal_size().columns
    with suppress(OSError):  # who no longer watches misses nothing
        sys.stderr.write(_START_OF_EMPTY_LINE + text[: max(columns - 1, 0)])
        sys.stderr.flush()


def clear() -> None:
    """Take the line of progress away, so that what follows starts at the margin."""
    show("")


def each(items: Iterable[T], doing: str, *, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while a line says how far it is; ``doing`` is the word in front (``examining``).

    ``total`` is asked for when ``items`` has no length. Nothing is drawn when nobody watches, or for one item.
    """
    count = total if total is not None else len(items) if isinstance(items, (list, tuple)) else None
    if not wanted() or (count is not None and count < 2):
        yield from items
        return
    of = "" if count is None else f"/{count}"
    try:
        for number, item in enumerate(items, 1):
            show(f"{doing} {number}{of} {printable(str(item), 40)}")
            yield item
    finally:
        clear()
