"""Parts: what one task leaves behind, under a name made of what it read, complete when its last file is there.

``parts/KEY/TABLE.parquet`` and then ``parts/KEY/part.json``, which lists them with their digests. Two workers that do
the same task write the same; a part without its list, or whose files are not what the list says, does not count.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from loadstone.errors import Unreadable
from loadstone.fleet.extra import needed_for
from loadstone.fleet.folder import StoreFolder
from loadstone.fleet.rows import TableRows
from loadstone.fleet.schema import plain
from loadstone.quick_dataclass import dataclass

__all__ = ["PARTS", "StorePart", "parts_of", "write_part"]

PARTS = "parts"
_LIST = "part.json"
_GROUP = 1 << 16  # rows a reader can skip at once


@dataclass(frozen=True, slots=True)
class StorePart:
    """A complete part: its key, the (source, stamp) of its inputs, and the tables it has."""

    key: str
    inputs: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]

    def path(self, table: str) -> str:
        """Where a table of it is, below the store."""
        return f"{PARTS}/{self.key}/{table}.parquet"


def parquet(table: Any) -> bytes:
    """An Arrow table as the bytes of a Parquet file; the same table gives the same bytes."""
    writer = needed_for("a fleet's store", "pyarrow.parquet")
    out = io.BytesIO()
    writer.write_table(
        table.cast(plain(table.schema)),
        out,
        compression="zstd",
        use_dictionary=True,
        row_group_size=_GROUP,
    )
    return out.getvalue()


def write_part(folder: StoreFolder, key: str, inputs: Sequence[tuple[str, str]], rows: TableRows) -> int:
    """Write all tables, the list last. Returns the bytes written. Raises :class:`~loadstone.errors.Unwritable`."""
    digests: dict[str, str] = {}
    written = 0
    for name, table in rows.tables():
        data = parquet(table)
        folder.write(f"{PARTS}/{key}/{name}.parquet", data)
        digests[name] = hashlib.sha256(data).hexdigest()
        written += len(data)
    told = {"inputs": [list(pair) for pair in inputs], "tables": digests}
    folder.write(f"{PARTS}/{key}/{_LIST}", json.dumps(told, sort_keys=True).encode())
    return written


def parts_of(folder: StoreFolder) -> Iterator[StorePart]:
    """The complete parts of a store, by key."""
    for name in folder.names(PARTS):
        if name.endswith(f"/{_LIST}"):
            part = _checked(folder, name)
            if part is not None:
                yield part


def _checked(folder: StoreFolder, name: str) -> StorePart | None:
    key = name.split("/")[1]
    try:
        told = json.loads(folder.read(name))
        for table, digest in told["tables"].items():
            if hashlib.sha256(folder.read(f"{PARTS}/{key}/{table}.parquet")).hexdigest() != digest:
                return None
        return StorePart(key, tuple((source, stamp) for source, stamp in told["inputs"]), tuple(told["tables"]))
    except (Unreadable, ValueError, KeyError, AttributeError, TypeError):
        return None
