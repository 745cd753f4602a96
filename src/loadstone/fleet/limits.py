"""What one task of a scan may hold and how long one input may take."""

from __future__ import annotations

from loadstone.archives import Bounds
from loadstone.quick_dataclass import dataclass

__all__ = ["ScanLimits"]

_MIB = 1 << 20


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
