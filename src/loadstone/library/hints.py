"""Load hints: what the caller asks of a load, with the values of QLibrary."""

from __future__ import annotations

from enum import IntFlag

__all__ = ["LoadHint"]


class LoadHint(IntFlag):
    """What is asked of the system's loader. ``LoadHint(0)`` binds lazily and keeps symbols local.

    A hint the platform has no way to honour is refused with :class:`~loadstone.errors.Unsupported`, never dropped.
    """

    RESOLVE_ALL_SYMBOLS = 1
    """Bind every symbol at load (RTLD_NOW), so that an undefined one fails the load and not a later call."""
    EXPORT_EXTERNAL_SYMBOLS = 2
    """Offer its symbols to libraries loaded later (RTLD_GLOBAL)."""
    LOAD_ARCHIVE_MEMBER = 4
    """The name ends in ``(member)``: a member of an archive. AIX only."""
    PREVENT_UNLOAD = 8
    """Keep it mapped until the process ends (RTLD_NODELETE); unload then answers resident."""
    DEEP_BIND = 16
    """Let its own symbols win over global ones (RTLD_DEEPBIND). glibc and FreeBSD."""
