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
from typing import Final

from loadstone.probe.confine_linux import enter_namespaces
from loadstone.probe.linux import proc
from loadstone.probe.linux.process import become_subreaper
from loadstone.probe.tree import Tree
from loadstone.probe.warden import Warden

__all__ = ["Offspring", "family"]

_ENDING_S: Final = 0.2


class Offspring:
    """The calling process becomes the one its descendants fall back to. Make it before anything is forked.

    ``unshared`` is why there are no namespaces, or "". In a process namespace the first process adopts what is left,
    and takes all of it along when it ends, however the caller did.
    """

    def __init__(self) -> None:
        become_subreaper()
        self.unshared = enter_namespaces()
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


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False
