"""What one task of a scan may hold, how long one input may take, and what is asked of each."""

from __future__ import annotations

from loadstone.archives import Bounds
from loadstone.quick_dataclass import dataclass

__all__ = ["ScanExtent", "ScanLimits"]

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanExtent:
    """What is asked of an input beside the facts of its binaries: its graph resolved, its sources reviewed."""

    resolve: bool = True
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanLimits:
    """Bounds on memory and time, in bytes, counts and seconds.

    ``input`` is the largest file or package that is looked at; ``member`` the largest binary in one; ``unpacked`` what
    a package may become. ``task_bytes`` and ``task_inputs`` bound the inputs of one task; ``seconds`` is how long one
    input may take before it is put aside.
    """

    input: int = 1024 * _MIB
    member: int = 1024 * _MIB
    unpacked: int = 4096 * _MIB
    task_bytes: int = 48 * _MIB
    task_inputs: int = 64
    seconds: float = 120.0

    @property
    def bounds(self) -> Bounds:
        """The same as bounds of an archive."""
        return Bounds(total=self.unpacked, member=self.member, nested=self.member)
