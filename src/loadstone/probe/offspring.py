"""What the children of a helper leave behind, found and ended: in a process namespace where there is one, else by kin.

Shared by the probe's helper and by the fuzzer's worker: both fork children that run foreign code, and neither is left
before all that those forked has ended.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Final, NamedTuple

from loadstone.probe.confine_linux import MEMORY_LIMIT, enter_namespaces
from loadstone.probe.linux import proc
from loadstone.probe.linux.process import become_subreaper
from loadstone.probe.tree import Tree
from loadstone.probe.warden import Warden

__all__ = ["FAMILY_MEMORY", "FamilyUse", "Offspring", "family"]

FAMILY_MEMORY: Final = 2 * MEMORY_LIMIT
"""Resident bytes of all processes together, shared memory included."""

_ENDING_S: Final = 0.4


class FamilyUse(NamedTuple):
    """What processes use together: how many there are, and how many bytes of memory are resident."""

    processes: int
    memory: int


class Offspring:
    """The calling process becomes the one its descendants fall back to. Make it before anything is forked.

    ``unshared`` is why there are no namespaces, or "". In a process namespace the first process adopts what is left,
    and takes all of it along when it ends, however the caller did.
    """

    def __init__(self) -> None:
        become_subreaper()
        self.unshared: str = enter_namespaces()
        self._warden = None if self.unshared else Warden()

    def tree(self, scratch: str, readable: Iterable[str], *, user: int, home: str = "") -> Tree:
        """A mount tree for children to enter (:meth:`Tree.build`). Raises OSError where there are no namespaces."""
        if self.unshared:
            raise OSError(errno.EPERM, self.unshared)
        return Tree.build(scratch, readable, user=user, home=home)

    def left(self) -> set[int]:
        """Processes that outlived the child that started them."""
        while _reaped():
            pass
        if self._warden is not None:
            return set(proc.children(self._warden.process))
        return family(os.getpid()) - {os.getpid()}

    def use(self, child: int) -> FamilyUse:
        """What a child, all that it started, and what those left behind have together.

        Pages in common are counted once, but only where counting them for each would be too much: that takes longer.
        """
        processes = family(child) | self.adopted()
        resident = sum(_resident(process) for process in processes)
        if resident > FAMILY_MEMORY and len(processes) > 1:
            resident = sum(proc.memory_share(process) for process in processes)
        return FamilyUse(len(processes), resident)

    def adopted(self) -> set[int]:
        """What was left behind and lives, with all that it started in turn."""
        if self._warden is None:
            return set()  # they are among the helper's own children, which only waiting tells from the child
        return family(self._warden.process) - {self._warden.process}

    def end(self) -> tuple[int, int]:
        """End whatever is left; how many there were, and how many could not be ended."""
        left = self.left()
        found = len(left)
        until = monotonic() + _ENDING_S
        while left and monotonic() < until:
            if self._warden is not None:
                self._warden.end_all()
            else:
                for process in left:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            left = self.left()
        return found, len(left)

    def is_own(self, target: int, child: int) -> bool:
        """Whether a process or thread, as a child names it, is of its own: in a namespace there are no others."""
        return not self.unshared or (target > 0 and proc.leader(target) in family(child))


def family(process: int) -> set[int]:
    """A process and all its descendants."""
    known, fresh = {process}, [process]
    while fresh:
        with suppress(OSError):
            found = [p for p in proc.children(fresh.pop()) if p not in known]
            known.update(found)
            fresh += found
    return known


def _resident(process: int) -> int:
    try:
        return proc.held(process)
    except (OSError, IndexError, ValueError):
        return 0


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False
