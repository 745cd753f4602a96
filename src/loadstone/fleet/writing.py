"""The rows of a query written as Parquet files of a store: apart by a column, of bounded size, in a useful order.

Symbols are sorted by name within a file, so that a question about one name skips nearly all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from loadstone.fleet.extra import needed_for
from loadstone.fleet.folder import StoreFolder
from loadstone.fleet.parts import parquet
from loadstone.fleet.schema import TABLES

__all__ = ["write_rows"]

pa: Any = needed_for("a fleet's store", "pyarrow")

_FILE_ROWS: Final = 1_000_000
"""Rows of one Parquet file; they are in memory while it is written."""

_ORDER: Final = {"symbols": [("name", "ascending"), ("file", "ascending"), ("slice", "ascending")]}


def write_rows(connection: Any, folder: StoreFolder, table: str, query: str, name: str, place: str) -> tuple[str, ...]:
    """Write them below ``place``, in files that begin with ``name``; returns the files, below the store.

    Raises:
        Unwritable: the disk is full.
    """
    by = TABLES[table].partition
    values = connection.sql(f"SELECT DISTINCT {by} FROM ({query}) ORDER BY 1").fetchall()
    files: list[str] = []
    for (value,) in values:
        only = f"SELECT * FROM ({query}) WHERE {by} = $value"
        reader = connection.sql(only, params={"value": value}).to_arrow_reader(_FILE_ROWS // 8)
        for number, batches in enumerate(_gathered(reader, _FILE_ROWS)):
            rows = pa.Table.from_batches(batches)
            if table in _ORDER:
                rows = rows.sort_by(_ORDER[table])
            files.append(f"{place}/{_leaf(value)}/{name}-{number}.parquet")
            folder.write(files[-1], parquet(rows.cast(TABLES[table].schema)))
    return tuple(files)


def _gathered(batches: Iterable[Any], most: int) -> Iterator[list[Any]]:
    """Batches together, up to so many rows."""
    held: list[Any] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        held.append(batch)
        if sum(each.num_rows for each in held) >= most:
            yield held
            held = []
    if held:
        yield held


def _leaf(value: str) -> str:
    """The name of a folder for a source or a machine."""
    return (
        "_" + quote(value, safe="+@").replace("%2F", "_")[-100:]
        if value.startswith((".", "/"))
        else quote(value, safe="+@")[-100:] or "_"
    )
