"""flawfinder: risky function names in C and C++. Its CSV has a header line. Source: flawfinder(1)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Severity
from loadstone.review.engines.tool import Engine, Foreign
from loadstone.review.ir import Language

__all__ = ["FLAWFINDER"]

_LEVELS: Final = (Severity.NOTE, Severity.NOTE, Severity.LOW, Severity.LOW, Severity.MEDIUM, Severity.HIGH)
_CWE: Final = re.compile(r"CWE-(\d+)")


def _read(said: str) -> Iterator[Foreign]:
    for row in csv.DictReader(io.StringIO(said)):
        weakness = _CWE.search(row["CWEs"])
        yield Foreign(
            path=row["File"],
            line=int(row["Line"]),
            id=row["Name"],
            message=f"{row['Name']}: {row['Warning']}",
            severity=_LEVELS[min(int(row["Level"]), len(_LEVELS) - 1)],
            cwe=int(weakness[1]) if weakness else None,
        )


FLAWFINDER: Final = Engine(
    name="flawfinder",
    program="flawfinder",
    languages=frozenset({Language.C, Language.CPP}),
    arguments=("--csv", "--quiet", "--dataonly", "--"),
    read=_read,
)
