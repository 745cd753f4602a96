"""What came of an unload: verified against what the system has mapped, not assumed from its return value."""

from __future__ import annotations

from enum import StrEnum

from loadstone.errors import Holder
from loadstone.quick_dataclass import dataclass

__all__ = ["UnloadOutcome", "UnloadState"]


class UnloadState(StrEnum):
    """Where the library is now."""

    CLOSED = "closed"  # the system unmapped it
    HELD = "held"  # other handles of ours still have it loaded
    RESIDENT = "resident"  # given back to the system, which keeps it mapped
    NOT_LOADED = "not loaded"  # this handle had nothing to give back


@dataclass(frozen=True, slots=True)
class UnloadOutcome:
    """What :meth:`Library.unload` achieved. True only when the library is no longer mapped.

    ``held_by`` lists the other handles; ``reason`` says why it is resident, or held.

    >>> bool(UnloadOutcome(UnloadState.RESIDENT, reason="marked never to be unloaded"))
    False
    """

    state: UnloadState
    held_by: tuple[Holder, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        return self.state is UnloadState.CLOSED
