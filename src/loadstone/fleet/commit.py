"""A snapshot made of parts: each file's facts kept once, each input's rows taken from one part, the manifest last.

What a crash can leave behind is files that no manifest lists; the next commit writes over them or removes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

from loadstone.core.counting import counted
from loadstone.errors import Unwritable
from loadstone.fleet.folder import StoreFolder
from loadstone.fleet.parts import PARTS, StorePart
from loadstone.fleet.schema import FACTS, TABLES
from loadstone.fleet.store import FleetSnapshot, Store, connected, no_rows, select_from, store_faults
from loadstone.fleet.writing import write_rows
from loadstone.quick_dataclass import replace

__all__ = ["commit", "compact", "done_before"]

_GRAPH: Final = "graph"
_HOME: Final = "regexp_extract(filename, '(parts/[0-9a-f]+|snapshots/[^/]+)/', 1)"
_BY_PLACE: Final = tuple(name for name in TABLES if name not in FACTS)


def done_before(store: Store, *, retry: bool) -> set[tuple[str, str]]:
    """The (source, stamp) of every input that some snapshot has; with ``retry`` without those put aside."""
    found: set[tuple[str, str]] = set()
    for name in store.snapshots:
        with store_faults(store.folder), closing(store.connect(name)) as connection:
            found |= set(connection.sql("SELECT source, item FROM inputs").fetchall())
            if retry:
                found -= set(connection.sql("SELECT source, item FROM errors WHERE is_quarantined").fetchall())
    return found


def commit(
    store: Store, name: str, sources: Sequence[str], wanted: Iterable[tuple[str, str]], parts: Sequence[StorePart]
) -> FleetSnapshot:
    """Write down a snapshot of the wanted inputs from what is in parts and earlier snapshots.

    Raises:
        Unwritable: the disk is full, or another scan took parts of this one where there are no locks; no snapshot
            comes of it, and the parts stay for another try.
    """
    pairs = sorted(set(wanted))
    with store_faults(store.folder), closing(connected(store.folder)) as connection:
        columns = {"source": [pair[0] for pair in pairs], "item": [pair[1] for pair in pairs]}
        unpacked = "unnest($source::VARCHAR[]) AS source, unnest($item::VARCHAR[]) AS item"
        connection.execute(f"CREATE TABLE wanted AS SELECT {unpacked}", columns)  # register() would import pandas
        made = _Commit(store, connection, name, parts)
        made.check_complete()
        tables: dict[str, tuple[str, ...]] = {}
        for table in FACTS:
            tables[table] = made.facts(table)
        for table in _BY_PLACE:
            tables[table] = made.places(table)
        for table, files in made.graph(tables).items():
            tables[table] += files
        whole = covers_facts(connection, store.folder, tables)
        snapshot = FleetSnapshot(
            name=name,
            created=datetime.now(UTC).isoformat(timespec="microseconds"),
            sources=tuple(sources),
            tables=tables,
            rows={table: rows_in(connection, store.folder, table, tables, whole=whole) for table in tables},
            covers_facts=whole,
        )
    store.publish(snapshot)
    for part in parts:
        for file in (*map(part.path, part.tables), f"{PARTS}/{part.key}/part.json"):
            store.folder.remove(file)
    return snapshot


def compact(store: Store) -> int:
    """Write the facts of all snapshots into few large files, remove what no snapshot lists; returns the bytes freed.

    Raises:
        Unwritable: the disk is full, or a scan writes to the store; every snapshot is as it was.

    A crash leaves every snapshot whole, on the old files or the new ones.
    """
    with store.folder.reserved():
        return _compact(store)


def _compact(store: Store) -> int:
    snapshots = [store.snapshot(name) for name in store.snapshots]
    before = store.folder.size()
    generation = f"compact-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S%fZ')}"
    with store_faults(store.folder), closing(connected(store.folder)) as connection:
        made: dict[str, tuple[str, ...]] = {}
        for table in FACTS:
            files = sorted({file for snapshot in snapshots for file in snapshot.tables.get(table, ())})
            query = f"SELECT * FROM {select_from(store.folder, files)}"
            place = f"facts/{table}"
            made[table] = write_rows(connection, store.folder, table, query, generation, place) if files else ()
        for snapshot in snapshots:
            tables = {**snapshot.tables, **made}
            whole = covers_facts(connection, store.folder, tables)
            store.publish(replace(snapshot, tables=tables, covers_facts=whole))
    listed = {file for name in store.snapshots for files in store.snapshot(name).tables.values() for file in files}
    for name in (*store.folder.names("facts"), *store.folder.names("snapshots")):
        if name.endswith(".parquet") and name not in listed:
            store.folder.remove(name)
    return before - store.folder.size()


class _Commit:
    """One commit: the connection that has the wanted inputs, and the names of what it writes."""

    def __init__(self, store: Store, connection: Any, name: str, parts: Sequence[StorePart]) -> None:
        self.store = store
        self.folder = store.folder
        self.connection = connection
        self.name = name
        self.parts = parts
        snapshots = [store.snapshot(known) for known in store.snapshots]
        self.before = {t: [f for s in snapshots for f in s.tables.get(t, ()) if f"/{_GRAPH}/" not in f] for t in TABLES}
        connection.execute("CREATE TABLE known (file VARCHAR)")
        files = sorted(set(self.before["files"]))
        if files:
            connection.execute(f"INSERT INTO known SELECT DISTINCT file FROM {select_from(self.folder, files)}")
        self._own("fresh", ("file",), [part.path("files") for part in parts if "files" in part.tables])
        named = [part.path("inputs") for part in parts if "inputs" in part.tables]
        self._own("chosen", ("source", "item"), sorted({*self.before["inputs"], *named}))

    def _own(self, made: str, key: Sequence[str], files: Sequence[str]) -> None:
        """A table that says from which part or snapshot the rows of each key are taken: the first that has them."""
        columns = ", ".join(key)
        rows = select_from(self.folder, files, named=True) if files else f"(SELECT {_nulls(key)} WHERE false)"
        self.connection.execute(
            f"CREATE TABLE {made} AS SELECT {columns}, min({_HOME}) AS home FROM {rows} GROUP BY ALL"
        )

    def check_complete(self) -> None:
        """Raise Unwritable where a wanted input is in no part and no snapshot."""
        lost = rows_of(self.connection, "wanted ANTI JOIN chosen USING (source, item)")
        if lost:
            reason = f"what was read of {counted(lost, 'input')} is gone: another scan wrote to it at the same time"
            raise Unwritable(path=self.folder.place, reason=reason, advice="run the same scan again")

    def facts(self, table: str) -> tuple[str, ...]:
        """The files of a table of facts: those there were, and what is new in its own."""
        paths = [part.path(table) for part in self.parts if table in part.tables]
        old = tuple(sorted(set(self.before[table])))
        if not paths:
            return old
        rows = select_from(self.folder, paths, named=True)
        columns = ", ".join(f"t.{field.name}" for field in TABLES[table].schema)
        query = (
            f"SELECT {columns} FROM {rows} t JOIN fresh ON fresh.file = t.file AND fresh.home = {_HOME}"
            " WHERE t.file NOT IN (SELECT file FROM known)"  # rows of a file stand together, as in its part
        )
        return (*old, *self._write(table, query, f"facts/{table}"))

    def places(self, table: str) -> tuple[str, ...]:
        """The files of a table of this snapshot."""
        named = [part.path(table) for part in self.parts if table in part.tables]
        paths = sorted({*self.before[table], *named})
        if not paths:
            return ()
        rows = select_from(self.folder, paths, named=True)
        columns = ", ".join(f"t.{field.name}" for field in TABLES[table].schema)
        query = (
            f"SELECT {columns} FROM {rows} t"
            f" JOIN chosen ON chosen.source = t.source AND chosen.item = t.item AND chosen.home = {_HOME}"
            " SEMI JOIN wanted ON wanted.source = t.source AND wanted.item = t.item"
        )
        return self._write(table, f"{query} ORDER BY ALL", f"snapshots/{self.name}/{table}")

    def graph(self, tables: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Resolutions and diagnoses among packages that need each other, from the whole snapshot, each time anew."""
        for name in ("packages", "files", "needs", "versions"):
            files = tables[name]
            if not files and name != "versions":
                return {}
            rows = select_from(self.folder, files) if files else no_rows(TABLES[name].schema)
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {rows}")
        self.connection.execute(f"CREATE TABLE graph AS {_query('graph.sql')}")
        queries = {"resolutions": "SELECT * FROM graph", "diagnoses": _query("diagnoses.sql")}
        return {
            table: self._write(table, f"{query} ORDER BY ALL", f"snapshots/{self.name}/{table}/{_GRAPH}")
            for table, query in queries.items()
        }

    def _write(self, table: str, query: str, place: str) -> tuple[str, ...]:
        return write_rows(self.connection, self.folder, table, query, self.name, place)


def _query(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def rows_in(
    connection: Any, folder: StoreFolder, table: str, tables: Mapping[str, Sequence[str]], *, whole: bool
) -> int:
    """How many rows of a table are of the snapshot with these files; ``whole``: it has every file of the store."""
    if not tables[table]:
        return 0
    only = "" if whole or table not in FACTS else f" SEMI JOIN ({_files_of(folder, tables)}) USING (file)"
    return rows_of(connection, f"{select_from(folder, tables[table])}{only}")


def _files_of(folder: StoreFolder, tables: Mapping[str, Sequence[str]]) -> str:
    """The query for the files that a snapshot has."""
    places = tables["packages"]
    return f"SELECT DISTINCT file FROM {select_from(folder, places)}" if places else "SELECT NULL::VARCHAR AS file"


def rows_of(connection: Any, what: str) -> int:
    """How many rows a FROM clause has."""
    ((rows,),) = connection.sql(f"SELECT count(*) FROM {what}").fetchall()
    return int(rows)


def covers_facts(connection: Any, folder: StoreFolder, tables: Mapping[str, Sequence[str]]) -> bool:
    """Whether every file of the tables of facts is in this snapshot."""
    if not tables["files"]:
        return True
    files = select_from(folder, tables["files"])
    return not rows_of(connection, f"{files} ANTI JOIN ({_files_of(folder, tables)}) USING (file)")


def _nulls(names: Sequence[str]) -> str:
    return ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in (*names, "filename"))
