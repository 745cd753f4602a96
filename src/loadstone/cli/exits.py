"""Exit statuses, the same for every command and every format."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitStatus"]


class ExitStatus(IntEnum):
    """What the shell is told."""

    CLEAN = 0  # nothing against it
    FINDINGS = 1  # findings at or above --fail-on, or it would not load, or was not found
    USAGE = 2  # the call was wrong
    UNDECIDED = 3  # could not decide, or could not read
    FAULT = 4  # our fault: a bug in Loadstone
