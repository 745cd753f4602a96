"""``loadstone fleet sql``: any query over the tables of a snapshot."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from loadstone.cli.exits import ExitStatus
from loadstone.cli.fleet_options import TableFormat, add_snapshot, add_store, add_table, emit_table


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("query", metavar="QUERY", help="SQL; tables and columns are on the page docs/schema/fleet.md")
    add_store(parser)
    add_snapshot(parser)
    add_table(parser)


def run(
    *, query: str, store: str, snapshot: str, before: str, output_format: TableFormat, output: Path | None
) -> ExitStatus:
    """Run a query over the tables of a snapshot, those of --before in the schema `before`. It only reads the store."""
    from loadstone.fleet.store import Store

    emit_table(Store(store).sql(query, None, snapshot, before), output_format, output)
    return ExitStatus.CLEAN
