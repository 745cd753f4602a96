"""Pinned libraries, and what became of them: values that loading and reports share."""

from __future__ import annotations

from enum import StrEnum

from loadstone.quick_dataclass import dataclass

__all__ = ["Pin", "PinCheck", "PinState"]


@dataclass(frozen=True, slots=True)
class Pin:
    """One library: the name others need it by (its SONAME, or its file name), where it was, and what it was."""

    name: str
    path: str
    sha256: str
    size: int
    build_id: str = ""
    needed: tuple[str, ...] = ()


class PinState(StrEnum):
    """What became of a pinned file."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class PinCheck:
    """One pin compared with the file as it is now. ``actual`` is the digest found, or why there is none."""

    pin: Pin
    state: PinState
    actual: str = ""
    build_id: str = ""
