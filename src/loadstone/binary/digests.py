"""Digests that signatures record, computed anew from the bytes: only then does a signature say something about them."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DigestState"]


class DigestState(StrEnum):
    """What comparing a recorded digest with the bytes gave."""

    MATCHES = "matches"
    DIFFERS = "differs"
    UNKNOWN = "unknown"  # none was recorded, or of an algorithm Loadstone does not compute
