"""What the fleet's commands share: the store, a snapshot of it, and how a table is rendered."""

from __future__ import annotations

from argparse import ArgumentParser
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import UsageError
from loadstone.cli.options import add_format, add_output
from loadstone.cli.output import emit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TableFormat", "add_snapshot", "add_store", "add_table", "emit_table"]


class TableFormat(StrEnum):
    """How a table is rendered."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def add_store(parser: ArgumentParser) -> None:
    """``--store``, where the tables are."""
    parser.add_argument("--store", "-s", required=True, metavar="PLACE", help="folder or address of the store")


def add_snapshot(parser: ArgumentParser) -> None:
    """``--snapshot`` and ``--before``, what is asked about."""
    parser.add_argument("--snapshot", default="", metavar="NAME", help="which snapshot to ask [the newest]")
    parser.add_argument("--before", default="", metavar="NAME", help="an older snapshot to compare with")


def add_table(parser: ArgumentParser) -> None:
    """``--format`` and ``--output`` of a table."""
    add_format(parser, *TableFormat)
    add_output(parser)


def emit_table(table: Any, output_format: TableFormat, output: Path | None) -> None:
    """Render an Arrow table. Raises UsageError for Parquet without a file: it is no text."""
    from loadstone.fleet import render

    if output_format is TableFormat.PARQUET:
        if output is None:
            raise UsageError("Parquet is a binary format: name the file to write with --output FILE")
        render.write_parquet(table, output)
        return
    rendering: Callable[[Any], str] = getattr(render, f"table_as_{output_format.value}")
    emit(rendering(table), output)
