"""How a command ends: exit statuses, the same for every command and format, and the error of a wrong call."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitStatus", "UsageError"]


class ExitStatus(IntEnum):
    """What the shell is told."""

    CLEAN = 0  # no findings
    FINDINGS = 1  # findings at or above --fail-on, or it would not load, or was not found
    USAGE = 2  # the call was wrong
    UNDECIDED = 3  # could not decide, could not read or could not write
    FAULT = 4  # internal error: a bug in Loadstone
    INTERRUPTED = 130  # ended by Ctrl-C; what shells report: 128 + SIGINT


class UsageError(Exception):
    """The words of the command line do not fit together; the message says which and how they would."""
