"""Helpers: started once by exec, used for many probes, one caller at a time, gone when this process is.

The caller's process is left as it was: no fork of it, no signal handler, no child that its own ``wait`` could meet -
the helper is started by a short-lived process that is waited for by its id.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.core.plain_values import UnfitValue, from_plain, to_plain
from loadstone.errors import ProbeFailed
from loadstone.probe.answer import HelperHello, HelperReply
from loadstone.probe.protocol import ChannelClosed, receive_message, send_message
from loadstone.probe.request import ProbeRequest
from loadstone.probe.scratch import home_of_scratch, prefix, remove
from loadstone.quick_dataclass import dataclass, field

__all__ = ["Helper", "ask", "close_helpers"]

_START: Final = """\
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
sys.path.insert(0, sys.argv[1])
from loadstone.probe.helper import main
main(int(sys.argv[2]))
"""
_ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "LC_ALL": "C.UTF-8",
    # a library built with AddressSanitizer brings its run-time along; nobody can put that first
    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0",
}
_ROOT: Final = str(Path(__file__).resolve().parents[2])
_START_SECONDS: Final = 20.0
_ANSWER_GRACE: Final = 5.0  # seconds beyond the probe's own limit after which the helper itself is given up
_ENDING_SECONDS: Final = 1.0
_PROBES_PER_HELPER: Final = 200
_MOST_IDLE: Final = 4


@dataclass(slots=True)
class Helper:
    """A running helper: our end of the socket, and a descriptor that names its process and no other.

    Where there are no such descriptors (pidfd_open(2), Linux 5.3) it is -1: then the helper ends when the socket is
    closed, and cannot be ended otherwise.
    """

    channel: socket.socket
    process: int
    number: int
    owner: int = field(default_factory=os.getpid)
    probes: int = 0

    @classmethod
    def start(cls) -> Helper:
        """Start one. Raises ProbeFailed."""
        if not sys.executable:
            raise ProbeFailed(reason="this interpreter does not know its own program", advice="set sys.executable")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(_START_SECONDS)
        number = theirs.fileno()
        try:
            with theirs:
                subprocess.run(
                    [sys.executable, "-I", "-S", "-c", _START, _ROOT, str(number)],
                    pass_fds=(number,),
                    env=_ENVIRONMENT,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=None if os.environ.get("LOADSTONE_TRACEBACK") else subprocess.DEVNULL,
                    timeout=_START_SECONDS,
                    check=True,
                )
            raw, descriptors = receive_message(ours)
            hello = from_plain(HelperHello, raw)
        except (OSError, subprocess.SubprocessError, ChannelClosed, UnfitValue) as error:
            ours.close()
            raise ProbeFailed(
                reason=f"the helper did not start: {str(error) or 'it ended at once'}",
                advice="set LOADSTONE_TRACEBACK=1 to see what it says",
            ) from error
        return cls(ours, descriptors[0] if descriptors else -1, hello.process)

    def begin(self, request: ProbeRequest, file: int) -> None:
        """Ask for one probe, and do not wait for it. Raises ProbeFailed when the helper is gone."""
        self.probes += 1
        self.channel.settimeout(request.timeout + _ANSWER_GRACE)
        try:
            send_message(self.channel, to_plain(request), (file,))
        except (OSError, ChannelClosed) as error:
            raise _lost(error) from error

    def finish(self) -> HelperReply:
        """The reply. Raises ProbeFailed when the helper is gone or does not answer in time."""
        try:
            reply, descriptors = receive_message(self.channel)
            for descriptor in descriptors:
                os.close(descriptor)
            return from_plain(HelperReply, reply)
        except (OSError, ChannelClosed, UnfitValue) as error:
            raise _lost(error) from error

    def has_ended(self) -> bool:
        """Whether it is gone, by its own fault or another's."""
        heard = self.process if self.process >= 0 else self.channel  # which an idle helper never writes to
        return bool(select.select([heard], [], [], 0)[0])

    def close(self) -> None:
        """Let it end by itself."""
        self.channel.close()
        if self.process >= 0:
            with suppress(OSError):
                os.close(self.process)

    def kill(self) -> None:
        """End it at once, and with it everything it forked; remove the files it can no longer remove itself."""
        if self.process >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self.process, signal.SIGKILL)
                select.select([self.process], [], [], _ENDING_SECONDS)
        self.close()
        folder, begins = home_of_scratch(), prefix(self.number)
        with suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith(begins):
                    remove(os.path.join(folder, name))


def _lost(error: Exception) -> ProbeFailed:
    return ProbeFailed(reason=f"the helper was lost: {str(error) or 'it ended'}", advice="try again")


_idle: list[Helper] = []
_lock: Final = ForkSafeLock()
"""Guards the list of idle helpers; never held while one is started or asked."""


def _take() -> Helper:
    with _lock:
        while _idle:
            helper = _idle.pop()
            if helper.owner != os.getpid():  # over a fork: it belongs to the parent
                helper.close()
            elif helper.has_ended():
                helper.kill()  # somebody did already: its files are left to remove
            else:
                return helper
    return Helper.start()


def _give_back(helper: Helper) -> None:
    with _lock:
        if helper.probes < _PROBES_PER_HELPER and len(_idle) < _MOST_IDLE:
            _idle.append(helper)
            return
    helper.close()


def ask(requests: Sequence[ProbeRequest], file: int) -> list[HelperReply]:
    """Have these probes of one file done at the same time, each by a helper of its own; the replies in order.

    Thread-safe. Raises ProbeFailed.
    """
    helpers: list[Helper] = []
    try:
        for request in requests:
            helpers.append(_take())
            helpers[-1].begin(request, file)
        replies = [helper.finish() for helper in helpers]
    except BaseException:
        for helper in helpers:
            helper.kill()
        raise
    for helper in helpers:
        _give_back(helper)
    return replies


def close_helpers() -> None:
    """End every idle helper; the next probe starts a new one. Done by itself when the interpreter ends."""
    with _lock:
        helpers = [*_idle]
        _idle.clear()
    for helper in helpers:
        helper.close()


atexit.register(close_helpers)
