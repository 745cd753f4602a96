"""An answer as text for people, CSV, JSON or Parquet. Names in it come from files: they are shown as text only."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

from loadstone.errors import Unwritable
from loadstone.escape import printable
from loadstone.fleet.parts import parquet

__all__ = ["table_as_csv", "table_as_json", "table_as_text", "write_parquet"]

_WIDEST: Final = 60


def table_as_text(table: Any) -> str:
    """Columns under their names, numbers to the right, the number of rows below."""
    head = list(table.column_names)
    rows = [[_shown(value) for value in row.values()] for row in table.to_pylist()]
    is_number = [_is_number(str(field.type)) for field in table.schema]
    widths = [max([len(name), *(min(len(row[at]), _WIDEST) for row in rows)]) for at, name in enumerate(head)]
    lines = [_line(head, widths, is_number), _line(["-" * width for width in widths], widths, is_number)]
    lines += [_line(row, widths, is_number) for row in rows]
    return "\n".join((*lines, f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"))


def _line(cells: list[str], widths: list[int], is_number: list[bool]) -> str:
    padded = (
        f"{cell:>{width}}" if right else f"{cell:<{width}}"
        for cell, width, right in zip(cells, widths, is_number, strict=True)
    )
    return "  ".join(padded).rstrip()


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return printable(text)


def _is_number(kind: str) -> bool:
    return kind.startswith(("int", "uint", "double", "float", "decimal"))


def table_as_csv(table: Any) -> str:
    """RFC 4180 with a line of names. A cell a spreadsheet would take for a formula has an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([_cell(value) for value in row.values()])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = _shown(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def table_as_json(table: Any) -> str:
    """An array of objects, one a row."""
    return json.dumps(table.to_pylist(), indent=2, default=str)


def write_parquet(table: Any, output: Path) -> None:
    """The table as a Parquet file. Raises Unwritable."""
    try:
        output.write_bytes(parquet(table))
    except OSError as error:
        raise Unwritable(path=str(output), reason=error.strerror or str(error)) from error
