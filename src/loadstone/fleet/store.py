"""A store opened for questions: snapshots, tables as Arrow, SQL over them.

On disk: ``facts/TABLE/MACHINE/*.parquet`` hold what is in files, by digest, written once;
``snapshots/NAME/TABLE/SOURCE/*.parquet`` what a scan found where; ``snapshots/NAME.json``, the manifest, lists both and
makes the snapshot exist.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from loadstone.errors import InvalidName, InvalidQuery, MalformedImage, NotFound, Unreadable, Unsupported
from loadstone.escape import is_utf8, quoted
from loadstone.fleet.extra import needed_for
from loadstone.fleet.folder import StoreFolder
from loadstone.fleet.questions import question_named
from loadstone.fleet.schema import FACTS, TABLES, VERSION
from loadstone.quick_dataclass import dataclass

__all__ = ["FleetSnapshot", "Store", "connected", "no_rows", "select_from", "store_faults"]

_SNAPSHOTS: Final = "snapshots"
_NEAR: Final = 4  # names that are told when one is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSnapshot:
    """What a scan found: its name, when (UTC), of which sources, and the files of each table, below the store.

    ``covers_facts``: every file in the tables of facts is of this snapshot, so that they need no filter.
    """

    name: str
    created: str
    sources: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    covers_facts: bool
    schema: int = VERSION


class Store:
    """A folder of tables that scans filled, on this machine or in an object store.

    Args:
        place: a path, or an address that fsspec knows.

    Opening reads nothing; a store without a snapshot is empty. Each question opens a connection of its own, so that
    threads may share a store.
    """

    def __init__(self, place: str) -> None:
        self.folder: StoreFolder = StoreFolder(place)

    @property
    def snapshots(self) -> tuple[str, ...]:
        """The names of all snapshots, oldest first."""
        names = self.folder.names(_SNAPSHOTS)
        found = [name.removeprefix(f"{_SNAPSHOTS}/").removesuffix(".json") for name in names if name.endswith(".json")]
        return tuple(sorted(found, key=lambda name: (self.snapshot(name).created, name)))

    def snapshot(self, name: str = "") -> FleetSnapshot:
        """One snapshot; the newest when no name is given.

        Raises:
            NotFound: there is none of that name, or none at all.
            MalformedImage: its manifest cannot be understood.
            Unsupported: another version of Loadstone wrote it.
        """
        if not name:
            names = self.snapshots
            if not names:
                advice = "fill it: loadstone fleet scan SOURCE... --store PLACE"
                raise NotFound(name=f"a snapshot in {self.folder.place}", advice=advice)
            name = names[-1]
        checked_name(name)
        file = f"{_SNAPSHOTS}/{name}.json"
        if file not in self.folder.names(_SNAPSHOTS):
            raise NotFound(name=f"snapshot {name} in {self.folder.place}", advice="`fleet sql` without one lists them")
        try:
            told = json.loads(self.folder.read(file))
            if told["schema"] != VERSION:
                raise Unsupported(
                    feature=f"reading the snapshot {name}",
                    reason=f"its tables are of version {told['schema']}, these are of {VERSION}",
                    advice="scan again into another folder",
                )
            tables = {table: tuple(map(_inside, files)) for table, files in told.pop("tables").items()}
            return FleetSnapshot(tables=tables, sources=tuple(told.pop("sources")), **told)
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedImage(what=f"not a snapshot's manifest: {error}", path=self.folder.path(file)) from error

    def publish(self, snapshot: FleetSnapshot) -> None:
        """Make a snapshot exist. All its files are there already."""
        text = json.dumps(asdict(snapshot), indent=1, sort_keys=True)
        self.folder.write(f"{_SNAPSHOTS}/{snapshot.name}.json", text.encode())

    def digests(self) -> frozenset[str]:
        """Every file whose facts are kept, of all snapshots."""
        files = sorted({file for name in self.snapshots for file in self.snapshot(name).tables.get("files", ())})
        if not files:
            return frozenset()
        with store_faults(self.folder), connected(self.folder) as connection:
            rows = connection.sql(f"SELECT DISTINCT file FROM {select_from(self.folder, files)}").fetchall()
        return frozenset(file for (file,) in rows)

    def table(self, name: str, snapshot: str = "") -> Any:
        """A table of a snapshot as a ``pyarrow.Table`` of the documented schema; :mod:`~loadstone.fleet.schema`.

        Polars takes it with ``polars.from_arrow``, pandas with ``.to_pandas()``. Raises as :meth:`snapshot`, and
        :class:`~loadstone.errors.InvalidQuery` for a table that is not there.
        """
        if name not in TABLES:
            raise InvalidQuery(question=name, reason="no such table", advice=f"there are: {', '.join(TABLES)}")
        with store_faults(self.folder), self.connect(snapshot) as connection:
            made = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
        return made.cast(TABLES[name].schema)

    def connect(self, snapshot: str = "", before: str = "") -> Any:
        """A DuckDB connection with a view for each table of a snapshot, and of ``before`` in the schema ``before``.

        It reads this store and nothing else, has no network, and is the caller's to close.
        """
        connection = connected(self.folder)
        try:
            with store_faults(self.folder):
                self._add_views(connection, "main", self.snapshot(snapshot))
                connection.execute("CREATE SCHEMA before")
                self._add_views(connection, "before", self.snapshot(before or snapshot))
            if not self.folder.is_remote:
                connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        except BaseException:
            connection.close()
            raise
        return connection

    def sql(
        self, query: str, parameters: Mapping[str, object] | None = None, snapshot: str = "", before: str = ""
    ) -> Any:
        """The answer of any query as a ``pyarrow.Table``.

        Raises:
            InvalidQuery: the database does not understand the query; the reason is in its own words.
            Unreadable: a file of the store is damaged or gone.
        """
        duckdb = needed_for("asking a fleet", "duckdb")
        with self.connect(snapshot, before) as connection:
            try:
                with store_faults(self.folder):
                    return connection.sql(query, params=dict(parameters) if parameters else None).to_arrow_table()
            except duckdb.Error as error:
                raise InvalidQuery(question=query, reason=str(error)) from error

    def ask(self, question: str, *values: str, snapshot: str = "", before: str = "", **named: str) -> Any:
        """The answer to a named question; its parameters in order or by name.

        Raises:
            InvalidQuery: a parameter is missing or too many, or there is no answer because a name is like none of the
                snapshot's; ``advice`` has those that are near to it.
        """
        asked = question_named(question)
        bound = asked.bound(values, named)
        for value in (*bound.values(), snapshot, before):
            if not is_utf8(value):
                raise InvalidQuery(question=question, reason=f"{quoted(value)} is not UTF-8")
        answer = self.sql(asked.query, bound, snapshot, before)
        for parameter in asked.parameters if not answer.num_rows else ():
            value = bound[parameter.name]
            if parameter.known and not (parameter.is_optional and value == parameter.example):
                found = self.sql(parameter.nearest(_NEAR), {"value": value}, snapshot, before)
                is_known, near = (column[0].as_py() for column in found.columns)
                if not is_known:
                    raise asked.unknown(parameter.name, value, near or ())
        return answer

    def _add_views(self, connection: Any, schema: str, snapshot: FleetSnapshot) -> None:
        for name in sorted(TABLES, key=lambda name: name in FACTS):  # facts are filtered by the tables of the snapshot
            table = TABLES[name]
            files = snapshot.tables.get(name, ())
            rows = select_from(self.folder, files) if files else no_rows(table.schema)
            only = ""
            if name in FACTS and files and not snapshot.covers_facts:
                only = f" SEMI JOIN (SELECT DISTINCT file FROM {schema}.packages) USING (file)"
            connection.execute(f"CREATE VIEW {schema}.{name} AS SELECT * FROM {rows}{only}")


def checked_name(name: str) -> str:
    """A snapshot's name, if it can be one. Raises InvalidName."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", name):
        raise InvalidName(name=name, reason="a snapshot's name has letters, digits, dots, dashes and underscores only")
    return name


def _inside(file: str) -> str:
    if os.path.isabs(file) or ".." in file.split("/"):
        raise ValueError(f"{file!r} is not below the store")
    return file


@contextmanager
def store_faults(folder: StoreFolder) -> Iterator[None]:
    """Raise :class:`Unreadable` in the block where the database cannot read a file of the store."""
    duckdb = needed_for("asking a fleet", "duckdb")
    try:
        yield
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        named = isinstance(error, (duckdb.IOException, duckdb.InvalidInputException)) and folder.place in reason
        if not named and type(error) is not duckdb.Error:  # of no kind: what it says of the encoding of a file
            raise
        advice = "a file of it is damaged or gone: bring it back from a copy, or scan into another folder"
        raise Unreadable(path=folder.place, reason=reason, advice=advice) from error


def connected(folder: StoreFolder) -> Any:
    """A DuckDB connection in memory that may read one store and fetches no extension."""
    duckdb = needed_for("asking a fleet", "duckdb")
    connection = duckdb.connect(":memory:")
    connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    if folder.is_remote:
        connection.register_filesystem(folder.system)
    else:
        connection.execute(f"SET allowed_directories = [{_text(folder.place + '/')}]")
    return connection


def select_from(folder: StoreFolder, files: Sequence[str], *, named: bool = False) -> str:
    """The FROM clause that reads Parquet files of a store, with the column ``filename`` when ``named``."""
    listed = ", ".join(_text(folder.path(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false, filename = {str(named).lower()})"


def _text(text: str) -> str:
    quote = "'"
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"


def no_rows(schema: Any) -> str:
    """The FROM clause of a table that has none."""
    columns = ", ".join(f"CAST(NULL AS {_sql_type(str(field.type))}) AS {field.name}" for field in schema)
    return f"(SELECT {columns} WHERE false)"


def _sql_type(arrow: str) -> str:
    if arrow.startswith("list"):
        return "UBIGINT[]" if "uint64" in arrow else "VARCHAR[]"
    return {"int32": "INTEGER", "int64": "BIGINT", "bool": "BOOLEAN"}.get(arrow, "VARCHAR")
