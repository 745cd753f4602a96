"""The helper: a small program started once by the caller, which forks a child for every probe and watches it.

It never loads a library itself, has one thread, imports little (every fork copies its page tables) and ends when its
caller does: the socket they share is then closed. It stays outside the process namespace it makes for its children.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.plain_values import from_plain, to_plain
from loadstone.probe import child
from loadstone.probe.answer import HelperHello, HelperReply, ProbeAnswer
from loadstone.probe.confine_linux import SYSTEM, Sandbox, filter_program
from loadstone.probe.offspring import Offspring
from loadstone.probe.protocol import NONCE_SIZE, ChannelClosed, receive_message, send_message
from loadstone.probe.request import ProbeRequest
from loadstone.probe.scratch import Scratch, size_of
from loadstone.probe.scripts import Course, Findings, full, short, soaked, threaded
from loadstone.probe.tree import Tree
from loadstone.probe.trends import cycles_between_looks
from loadstone.probe.verdicts import settle
from loadstone.probe.watch import Ears, Watch

__all__ = ["main"]

_USER: Final = 0x6C6F6164  # "load": an id no user database gives out
_SCRIPTS: Final = {"full": full, "short": short, "soak": soaked, "threads": threaded}
_TOLD: Final = ("full", "short")
"""Courses in which what the loader's own code opens is told: the others load a thousand times, each costs a notice."""

_LEAST_S: Final = 0.2
_CYCLING_SHARE: Final = 0.8
"""Of the time there is: a soak ends its cycles in time to end well, and says how many there were."""


class HelperState:
    """The state of the helper: its ears, its offspring, the scratch folder at hand and the mount tree round it."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        wakes, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._ears = Ears(wakes, caller.fileno())
        self.offspring: Offspring = Offspring()
        self._user = _USER if os.geteuid() == 0 else 0
        self._scratch: Scratch | None = None
        self._tree: Tree | None = None
        self._shown: tuple[str, ...] = ()
        self._treeless = ""

    def serve(self) -> None:
        """Probe after probe, until the caller is gone."""
        while True:
            asked, descriptors = receive_message(self._caller)
            try:
                request = from_plain(ProbeRequest, asked)
                reply = HelperReply(self._run(request, descriptors[0], self._scratch_in(request.scratch)))
            except OSError as error:
                reply = HelperReply(None, f"{error.strerror or error} ({error.errno})", error.errno or 0)
            finally:
                for descriptor in descriptors:
                    with suppress(OSError):
                        os.close(descriptor)
            send_message(self._caller, to_plain(reply))

    def close(self) -> None:
        """Leave no file."""
        self._drop_tree()
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None

    def _scratch_in(self, parent: str) -> Scratch:
        """The scratch folder of the last probe if that did nothing to it, else a new one."""
        if self._scratch is None or not self._scratch.is_pristine():
            self.close()
            self._scratch = self._new_scratch(parent)
        return self._scratch

    def _new_scratch(self, parent: str) -> Scratch:
        try:
            return Scratch(parent, self._user)
        except PermissionError:  # a superuser who may give nothing away: then nobody else is become
            if not self._user:
                raise
            self._user = 0
            return Scratch(parent)

    def _tree_of(self, request: ProbeRequest, scratch: Scratch) -> Tree | None:
        """The mount tree of the last probe if that did nothing to it and this one may read the same, else a new one."""
        shown = (request.home, scratch.base, *request.readable)
        if self._tree is None or self._shown != shown or not self._tree.is_pristine():
            self._drop_tree()
            self._shown = shown
            try:
                readable = (*SYSTEM, *request.readable)
                self._tree = self.offspring.tree(scratch.home, readable, user=self._user, home=request.home)
            except OSError as error:
                self._treeless = f"{error.strerror} ({error.errno})"
        return self._tree

    def _drop_tree(self) -> None:
        if self._tree is not None:
            self._tree.close()
            self._tree = None

    def _run(self, request: ProbeRequest, file: int, scratch: Scratch) -> ProbeAnswer:
        timeout = request.timeout
        deadline = max(request.deadline, monotonic() + min(timeout, _LEAST_S))  # one clock for all processes
        nonce = os.urandom(NONCE_SIZE)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, output_end = os.pipe2(os.O_CLOEXEC)
        progress = mmap.mmap(-1, mmap.PAGESIZE)
        tree = self._tree_of(request, scratch)
        sandbox = Sandbox(
            scratch=scratch.home,
            outside=scratch.outside,
            user=self._user,
            seconds=int(timeout) + 2,
            helper=os.getpid(),
            unshared=self.offspring.unshared,
            notify=request.notify,
            roomy=bool(request.run_times),
            readable=request.readable,
            file=file,
            tree=-1 if tree is None else tree.namespace,
            treeless=self._treeless,
            loader_told=request.script in _TOLD,
        )
        calls = json.loads(request.calls)
        orders = child.Orders(
            nonce=nonce,
            path=os.fsencode(request.path),
            file=file,
            symbols=[os.fsencode(name) for name in request.symbols],
            sandbox=sandbox,
            progress=progress,
            threads=request.threads,
            seconds=request.seconds,
            calls=calls,
            stride=cycles_between_looks(request.cycles),
            preload=[os.fsencode(name) for name in (*request.run_times, *request.preload)],
        )
        process = os.fork()
        if not process:
            ours.close()
            child.run(orders, theirs, output_end)
        theirs.close()
        os.close(output_end)
        watch = Watch(process, ours, output, nonce, deadline)
        try:
            if request.trace:
                watch.trace()
            watch.judge_by(
                isolated=not self.offspring.unshared,
                visible=lambda target: self.offspring.is_own(target, process),
                use=lambda: self.offspring.use(process),
                written=lambda: size_of(scratch.home) if tree is None else 0,
            )
            there = os.fstat(file)
            course = Course(
                there.st_dev,
                there.st_ino,
                request.path,
                len(orders.symbols),
                request.cycles,
                request.require,
                deadline - (1 - _CYCLING_SHARE) * timeout,
                tuple(call[0] for call in calls),
            )
            found = Findings()
            watch.run(_SCRIPTS[request.script](watch, course, found), self._ears)
            self._clear(watch)
            return settle(watch, found, _symbol_at_work(progress, request.symbols, course.calls))
        finally:
            watch.close()
            progress.close()

    def _clear(self, watch: Watch) -> None:
        """End what the child left behind, and say so. The caller's processes are never among them."""
        left, lasting = self.offspring.end()
        if left:
            plural = "es were" if left > 1 else " was"
            watch.note(Kind.DAEMON_LEFT, f"{left} process{plural} left when it had ended")
        if lasting:
            watch.note(Kind.DAEMON_LEFT, f"{lasting} of them could not be ended")


def _symbol_at_work(progress: mmap.mmap, symbols: Sequence[str], calls: Sequence[str]) -> str:
    """The symbol that was being resolved or called, by what the child wrote down: foreign code may write any number."""
    for names, at in ((calls, 4), (symbols, 0)):
        index = int.from_bytes(progress[at : at + 4], "little")
        if 0 < index <= len(names):
            return names[index - 1]
    return ""


def _own_name() -> tuple[int, ...]:
    """A descriptor by which the caller can tell and end this process, where the system has such."""
    try:
        return (os.pidfd_open(os.getpid()),)
    except OSError:
        return ()


def main(descriptor: int) -> None:
    """Serve on a stream socket until the other side closes it. The first message tells who we are."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, 1024)
    os.chdir("/")
    with socket.socket(fileno=descriptor) as caller:
        helper = HelperState(caller)
        for loader_told in (True, False):  # made once, for every child
            filter_program(notify=True, isolated=not helper.offspring.unshared, loader_told=loader_told)
        gc.disable()  # nothing is made in cycles, and a collection in a child would copy every page
        gc.freeze()
        names = _own_name()
        send_message(caller, to_plain(HelperHello(os.getpid())), names)
        for name in names:
            os.close(name)
        try:
            with suppress(ChannelClosed):
                helper.serve()
        finally:
            helper.close()
    sys.exit(0)
