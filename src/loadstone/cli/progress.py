"""Progress on standard error, on a terminal only, and only when there is more than one thing to wait for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from loadstone.escape import printable

__all__ = ["each"]

T = TypeVar("T")


def each(items: Iterable[T], doing: str, *, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while a bar says how far it is; ``doing`` is the word in front (``examining``).

    ``total`` is asked for when ``items`` has no length. Nothing is drawn when standard error is no terminal.
    """
    count = total if total is not None else len(items) if isinstance(items, (list, tuple)) else None
    if not sys.stderr.isatty() or (count is not None and count < 2):
        yield from items
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(doing, total=count)
        for item in items:
            bar.update(task, description=f"{doing} {escape(printable(str(item), 40))}")
            yield item
            bar.advance(task)
