"""The first process of the namespace the probed children live in: it adopts what they leave behind, and ends it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NoReturn

from loadstone.probe.linux.process import close_descriptors_but, die_with_parent

__all__ = ["Warden"]


class Warden:
    """The helper's handle on its warden. When the warden ends, the kernel ends everything in the namespace."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe2(os.O_CLOEXEC)
        self._answers, answers = os.pipe2(os.O_CLOEXEC)
        self.process: int = os.fork()
        if not self.process:
            os.close(self._orders)  # or reading orders would not end when the helper does
            os.close(self._answers)
            _guard(orders, answers)
        os.close(orders)
        os.close(answers)

    def end_all(self) -> None:
        """SIGKILL for every process of the namespace but the warden. Raises OSError when the warden is gone."""
        os.write(self._orders, b"k")
        if not os.read(self._answers, 1):
            raise ChildProcessError("the warden of the process namespace has ended")


def _guard(orders: int, answers: int) -> NoReturn:
    try:
        die_with_parent()
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps what is adopted
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        close_descriptors_but(orders, answers)
        while os.read(orders, 1):
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            os.write(answers, b"k")
    finally:
        os._exit(0)
