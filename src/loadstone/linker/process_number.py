"""The number of a process, however it is written."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["process_number"]

_PROCESS: Final = re.compile(r"(?:/proc/(?:\d+/task/)?)?(\d{1,10})")


def process_number(target: str) -> int | None:
    """What ``1234``, ``/proc/1234``, ``/proc/self`` and the thread ``/proc/1234/task/1235`` stand for; else None."""
    found = _PROCESS.fullmatch(os.path.realpath(target) if target.startswith("/proc/") else target)
    return int(found[1]) if found is not None else None
