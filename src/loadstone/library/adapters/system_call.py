"""Whether the current thread is inside a system call of ours: it may hold the loader's lock then, and must not wait."""

from __future__ import annotations

import threading

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Final

__all__ = ["system_call"]


class _SystemCall(threading.local):
    """``with system_call:`` around whatever may run constructors, finalisers, or wait for the loader's lock."""

    depth: int = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.depth -= 1


system_call: Final = _SystemCall()
