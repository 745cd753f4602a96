"""The most needed libraries as a drawing: who needs whom among them, from those on top of others to what all rest on.

A library stands one column right of the last one that needs it, so that arrows point right; circles are cut by not
going round more often than there are libraries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from loadstone.escape import printable
from loadstone.fleet.store import Store
from loadstone.quick_dataclass import dataclass

__all__ = ["DrawnLibrary", "GraphDrawing", "drawn", "needed_graph"]

_COLUMN, _ROW, _MARGIN, _SMALLEST, _LARGEST = 190, 34, 24, 4.0, 14.0

_GRAPH: Final = """
    WITH most AS (
        SELECT name, count(DISTINCT file) AS users FROM needs WHERE kind = 'needed'
        GROUP BY name ORDER BY users DESC, name LIMIT 24)
    SELECT m.name, m.users, list(DISTINCT n.name ORDER BY n.name) FILTER (n.name IN (SELECT name FROM most)) AS needs
    FROM most m LEFT JOIN files f ON f.identity = m.name LEFT JOIN needs n ON n.file = f.file AND n.kind = 'needed'
    GROUP BY m.name, m.users ORDER BY m.users DESC, m.name"""


@dataclass(frozen=True, slots=True)
class DrawnLibrary:
    """A circle: its centre and radius, its name, a sentence, the row of the table it leads to."""

    x: int
    y: int
    radius: float
    name: str
    title: str
    row: int


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """What to draw, in pixels; ``arrows`` are paths as SVG writes them."""

    width: int
    height: int
    libraries: tuple[DrawnLibrary, ...]
    arrows: tuple[str, ...]


def needed_graph(store: Store, snapshot: str = "") -> GraphDrawing:
    """The drawing of a snapshot. Raises as :meth:`Store.sql`."""
    rows = store.sql(_GRAPH, None, snapshot).to_pylist()
    return drawn({row["name"]: row["users"] for row in rows}, {row["name"]: row["needs"] or () for row in rows})


def drawn(users: Mapping[str, int], needs: Mapping[str, Collection[str]]) -> GraphDrawing:
    """A drawing of libraries.

    Args:
        users: how many need each, most first.
        needs: the names each needs; names that are not in ``users`` are left out.
    """
    columns = _columns(list(users), needs)
    rows_taken: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for name in users:
        row = rows_taken.get(columns[name], 0)
        rows_taken[columns[name]] = row + 1
        places[name] = (_MARGIN + columns[name] * _COLUMN, _MARGIN + row * _ROW)
    most = max(users.values(), default=1)
    libraries = tuple(
        DrawnLibrary(
            *places[name],
            round(_SMALLEST + (_LARGEST - _SMALLEST) * (count / most) ** 0.5, 1),
            printable(name, 24),
            f"{printable(name, 200)}: needed by {count:,} files",
            number,
        )
        for number, (name, count) in enumerate(users.items())
    )
    arrows = tuple(_arrow(places[a], places[b]) for a in users for b in needs.get(a, ()) if b in places and b != a)
    width = _MARGIN + (max(columns.values(), default=0) + 1) * _COLUMN
    return GraphDrawing(width, 2 * _MARGIN + max(rows_taken.values(), default=0) * _ROW, libraries, arrows)


def _columns(names: list[str], needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """For each library the length of the longest chain of users that leads to it."""
    column = dict.fromkeys(names, 0)
    for _ in names:
        before = dict(column)
        for user in names:
            for used in needs.get(user, ()):
                if used in column and used != user:
                    column[used] = min(max(column[used], before[user] + 1), len(names))
        if column == before:
            break
    used_columns = {at: number for number, at in enumerate(sorted(set(column.values())))}
    return {name: used_columns[at] for name, at in column.items()}


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (u, v) = start, end
    middle = (x + u) // 2
    return f"M{x} {y}C{middle} {y} {middle} {v} {u} {v}"
