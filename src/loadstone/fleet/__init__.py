"""A distribution, a package repository, a fleet of containers: scanned once into tables, asked as often as wanted.

:func:`scan` reads every distinct binary of its sources once and adds a snapshot to a :class:`Store`: Parquet files that
DuckDB, Polars, Spark and pandas read without Loadstone. :meth:`Store.ask` answers the named questions of
``questions/*.sql``. Reading only: nothing is loaded, run or fetched that was not named. Needs the extra ``fleet``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from loadstone.lazy_exports import homes_by_name, imported

if TYPE_CHECKING:
    from loadstone.fleet.limits import ScanLimits as ScanLimits
    from loadstone.fleet.scan import ScanProgress as ScanProgress
    from loadstone.fleet.scan import ScanReport as ScanReport
    from loadstone.fleet.scan import scan as scan
    from loadstone.fleet.store import Store as Store

_HOME_OF: Final = homes_by_name(
    {
        "loadstone.fleet.limits": ("ScanLimits",),
        "loadstone.fleet.scan": ("ScanProgress", "ScanReport", "scan"),
        "loadstone.fleet.store": ("Store",),
    }
)

__all__ = ["ScanLimits", "ScanProgress", "ScanReport", "Store", "scan"]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)
