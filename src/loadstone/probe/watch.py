"""One child from fork to the last of what it left: commands out, and everything observed in.

The helper drives: it commands a phase, so it knows which one is under way whatever the child says; while the child
waits for the next command, it looks at it from outside. One loop serves signals of ended and stopped threads, waiting
system calls, records and output, until the script is done, the child is gone, or a limit is reached. The wait never
hangs on a pipe's end: a daemon may hold that for ever.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from time import monotonic
from typing import Any, Final, NamedTuple

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase, Witness
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe.answer import TracedCrash, TracedThread
from loadstone.probe.child import CHANNEL_LOST
from loadstone.probe.confine_linux import PROCESS_LIMIT
from loadstone.probe.linux import proc, ptrace
from loadstone.probe.observers import crashes, hangs, notices
from loadstone.probe.offspring import FAMILY_MEMORY, FamilyUse
from loadstone.probe.promises import FILE_LIMIT
from loadstone.probe.protocol import MAX_RECORD, NONCE_SIZE, unpack_record
from loadstone.probe.tree import SCRATCH_LIMIT

__all__ = ["Ears", "Script", "Watch"]

Script = Generator[tuple[Phase, str], dict[str, Any], None]
"""Yields a phase and a command, gets the child's reply; ends when there is nothing left to command.

The first thing it yields is the set-up, which needs no command; the reply to it says how that went.
"""

_OUTPUT_KEPT: Final = 64 << 10
_OUTPUT_LIMIT: Final = 16 << 20
_TICK: Final = 0.02  # seconds between looks at memory
_ENDING: Final = 1.0  # seconds a process may take to end after its descriptors are closed
_GRACE: Final = 0.25  # seconds for a killed process to be gone
_MAX_OBSERVATIONS: Final = 400
_MAX_CRASHES: Final = 4
_SLOWER: Final = 2.0  # times as long as the longest load so far: not stuck yet
_RECORDS_AT_ONCE: Final = 64
_HOLDERS: Final = ("socket:", "/memfd:")
_SHARED: Final = ("/dev/zero", "/memfd:")  # as proc(5) names what is mapped to be shared


class Ears(NamedTuple):
    """What the helper listens on besides the child: ended children, and its own caller."""

    children: int
    caller: int


class Watch:
    """Observes one child. Invariant: ``process`` is reaped by nobody else, so its id stays its own until ``ended``."""

    def __init__(self, process: int, channel: socket.socket, output: int, nonce: bytes, deadline: float) -> None:
        self.process = process
        self.phase: Phase = Phase.SETUP
        self.observations: dict[tuple[Kind, Phase, Witness, str], int] = {}
        self.crashes: list[TracedCrash] = []
        self.faults: Counter[tuple[int, Phase]] = Counter()  # all of them; ``crashes`` are the first
        self.stacks: list[TracedThread] = []  # when it hung
        self.outcome: Outcome | None = None
        self.words: str = ""  # the child's own, when it failed
        self.slow = False  # there was no time for every cycle
        self.sent_by_itself: set[int] = set()  # signals that no handler of its own took
        self.status: int | None = None
        self.memory_peak: int = 0
        self.mapped: set[str] = set()  # when it crashed or was ended
        self.traced: str | None = None
        self.unnotified = ""
        self.output: bytearray = bytearray()
        self.output_size: int = 0
        self.forged: int = 0
        self.opened_by_loader: set[str] = set()
        self.exit_status: int | None = None
        self.executable: tuple[int, int] | None = self._executable()
        self.renamed: bool = False
        self._name = proc.command(process)
        self._channel = channel
        self._channel_open = True
        self._output = output
        self._nonce = nonce
        self._deadline = deadline
        self._listener: int | None = None
        self._awaited = ""
        self._output_open = True
        self._commanded = monotonic()
        self._longest = 0.0
        self._lost_since = 0.0
        self.exec_seen: bool = False
        self._unseen = 0
        self._judge = notices.Judge(process, False, lambda _process: False, self._may_have)
        self._use: Callable[[], FamilyUse] = lambda: FamilyUse(1, 0)
        self._written: Callable[[], int] = lambda: 0
        self._weighed = 0.0
        channel.setblocking(False)
        os.set_blocking(output, False)

    # -- what the helper does with it

    def trace(self) -> None:
        """Attach, so that crashes are seen before the library's own handlers are."""
        try:
            ptrace.attach(self.process)
        except OSError as error:
            self.traced = f"{error.strerror} ({error.errno})"
        else:
            self.traced = ""

    def judge_by(
        self,
        *,
        isolated: bool,
        visible: Callable[[int], bool],
        use: Callable[[], FamilyUse],
        written: Callable[[], int],
    ) -> None:
        """How calls that wait are judged; the child may act on those processes alone that are ``visible`` to it.

        ``use`` tells what it and all it started use together, ``written`` how many bytes are in its scratch folder.
        """
        self._judge = notices.Judge(self.process, isolated, visible, self._may_have)
        self._use, self._written = use, written

    def _may_have(self, size: int) -> bool:
        """Whether it may have so much more memory that no process is seen to have: files in memory, and what is shared.

        Whoever has touched it can let go of its pages, and they stay. What was given back is not seen: it is looked for
        when there is too much, which a thousand loads come to.
        """
        self._unseen += size
        if self._unseen > FAMILY_MEMORY:
            self._unseen = min(self._unseen, self._unseen_now() + size)
        return self._unseen <= FAMILY_MEMORY

    def _unseen_now(self) -> int:
        """How much of such memory there is, where it can only be in what is open and mapped; else more than allowed.

        A descriptor may be on its way through a socket, and a process that was started may hold what this one let go.
        """
        try:
            opened = [what for what in proc.descriptors(self.process).values() if what.startswith(_HOLDERS)]
            shared = [m.end - m.start for m in proc.mappings(self.process) if m.path.startswith(_SHARED)]
        except OSError:
            return FAMILY_MEMORY
        hidden = self._use().processes > 1 or sum(what.startswith("socket:") for what in opened) > 1  # one is ours
        files = sum(what.startswith("/memfd:") for what in opened)
        return FAMILY_MEMORY if hidden else files * FILE_LIMIT + sum(shared)

    def note(
        self,
        kind: Kind,
        detail: str,
        witness: Witness = Witness.KERNEL,
        phase: Phase | None = None,
        times: int = 1,
    ) -> None:
        """Record an observation; equal ones are counted, and no more than a fixed number of different ones kept."""
        key = (kind, phase or self.phase, witness, detail)
        if key in self.observations or len(self.observations) < _MAX_OBSERVATIONS:
            self.observations[key] = self.observations.get(key, 0) + times

    def note_once(self, kind: Kind, detail: str) -> None:
        """Record how something is, unless a call that was seen said the same already."""
        if (kind, self.phase, Witness.KERNEL, detail) not in self.observations:
            self.note(kind, detail)

    def run(self, script: Script, ears: Ears) -> None:
        """Drive the child through the script until it is done or gone; afterwards the child has ended."""
        self.phase, self._awaited = next(script)
        poll = select.poll()
        for descriptor in (ears.children, ears.caller, self._channel.fileno(), self._output):
            poll.register(descriptor, select.POLLIN)
        while self.status is None:
            left = self._deadline - monotonic()
            if left <= 0:
                self._end(Outcome.SLOW if self._is_slow() else Outcome.HANG)
                break
            if self._lost_since and monotonic() > self._lost_since + _ENDING:
                self._end(Outcome.EXEC_REPLACED if self.exec_seen else Outcome.LOST_CHANNEL)
                break
            ready = dict(poll.poll(max(1.0, min(left, _TICK) * 1000)))
            if ears.caller in ready:
                self._end(Outcome.NOT_RUN)
                break
            if monotonic() > self._weighed + _TICK:
                self._weigh()
            if self._channel_open and self._channel.fileno() in ready:
                self._records(script, poll)
            if self._output in ready:
                self._take_output(poll)
            if self._listener is not None and self._listener in ready:
                self._notice(poll, ready[self._listener])
            if ears.children in ready or not ready:
                _drain(ears.children)
                self._stops()
        self._last_looks(script, poll)

    def close(self) -> None:
        """Give back every descriptor."""
        self._channel.close()
        os.close(self._output)
        if self._listener is not None:
            os.close(self._listener)

    # -- records and commands

    def _records(self, script: Script, poll: select.poll) -> None:
        try:
            packed, descriptors, _flags, _address = socket.recv_fds(self._channel, MAX_RECORD + NONCE_SIZE, 1)
        except BlockingIOError:
            return
        except ConnectionError:
            packed, descriptors = b"", []
        if packed:
            self._record(packed, descriptors, script, poll)
            return
        self._channel_open = False
        poll.unregister(self._channel.fileno())
        self._lost()

    def _record(self, packed: bytes, descriptors: list[int], script: Script, poll: select.poll) -> None:
        fields = unpack_record(self._nonce, packed)
        if fields is not None and self._awaited == "setup" and "listener" in fields and descriptors:
            self._listener = descriptors[0]
            poll.register(self._listener, select.POLLIN)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        if fields is None or fields.get("done") != self._awaited:
            if fields is not None and self._awaited == "setup" and "failed" in fields:
                self.words = fields["failed"]
            else:
                self.forged += 1
            return
        self._step(script, fields)

    def _step(self, script: Script, reply: dict[str, Any]) -> None:
        try:
            self.phase, command = script.send(reply)
        except StopIteration:
            self._awaited = ""
            self._kill()
            return
        except (FileNotFoundError, ProcessLookupError):  # gone while it was looked at: the wait tells its end
            self._awaited = ""
            self._lost_since = monotonic()
            return
        except OSError as error:
            if self._alive():
                self.words = f"it could not be looked at: {error.strerror}"
                self._end(Outcome.NOT_RUN)
            return
        self._longest = max(self._longest, monotonic() - self._commanded)
        self._commanded = monotonic()
        self._awaited = command
        try:
            self._channel.send(command.encode())
        except OSError:
            self._lost()

    def _lost(self) -> None:
        """The channel is closed: the child is ending, or another program runs, or it was closed by force.

        An ending process closes its descriptors a moment before its end can be seen; that moment is given.
        """
        if self._executable() not in (self.executable, None):
            self._end(Outcome.EXEC_REPLACED)
        elif self.phase is not Phase.EXIT:
            self._lost_since = self._lost_since or monotonic()

    # -- everything else that is heard

    def _notice(self, poll: select.poll, event: int) -> None:
        assert self._listener is not None
        if not event & select.POLLIN:  # nobody is left who could call
            poll.unregister(self._listener)
            return
        try:
            call = notices.watch(self._listener, self._judge)
        except OSError:
            poll.unregister(self._listener)
            return
        if call is None or self.phase is Phase.SETUP:  # the sandbox tries itself
            return
        if call.own and call.exit_status is not None:
            self.exit_status = call.exit_status
            if self.phase is not Phase.EXIT:
                self._remember_files()
            if self._awaited == "exit" or call.exit_status == CHANNEL_LOST:
                return
        elif call.exit_status is not None:  # of a process that it started: that is how those end
            return
        if call.by_loader and len(self.opened_by_loader) < _MAX_OBSERVATIONS:
            self.opened_by_loader.add(call.by_loader)
        if call.own and call.exec_:
            self.exec_seen = True
        if call.kind is not None and not (self.phase is Phase.THREADS and call.kind is Kind.THREAD_STARTED):
            self.note(call.kind, call.detail if call.own else f"{call.detail} (by a process it started)")

    def _take_output(self, poll: select.poll) -> None:
        try:
            piece = os.read(self._output, 1 << 16)
        except BlockingIOError:
            return
        if not piece:
            self._output_open = False
            poll.unregister(self._output)
            return
        self.output_size += len(piece)
        self.output += piece[: _OUTPUT_KEPT - len(self.output)]
        if self.output_size > _OUTPUT_LIMIT:
            self._end(Outcome.OUTPUT_LIMIT)

    def _stops(self) -> None:
        """Every thread that stopped, every child that ended."""
        while self.status is None:
            self._last_name()
            try:
                thread, status = os.waitpid(-1, os.WNOHANG | ptrace.WALL)
            except ChildProcessError:
                return
            if not thread:
                return
            if os.WIFSTOPPED(status):
                self._stopped(thread, status)
            elif thread == self.process:
                self.status = status

    def _last_name(self) -> None:
        """Which program the child was when it ended: what nobody saw it start may have run instead of it."""
        with suppress(OSError):
            if os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self.renamed = proc.command(self.process) != self._name

    def _stopped(self, thread: int, status: int) -> None:
        stop = ptrace.decode(status)
        if stop.execed:
            self._end(Outcome.EXEC_REPLACED)
        elif stop.held:
            ptrace.listen(thread)
        elif stop.signal in crashes.FATAL:
            self._crashed(thread, stop.signal)
        else:
            if stop.signal:
                self._signalled(thread, stop.signal)
            ptrace.resume(thread, stop.signal)

    def _signalled(self, thread: int, number: int) -> None:
        """A signal is about to be delivered: did the child send it to itself, with nobody of its own to take it?"""
        with suppress(OSError):
            info = ptrace.signal_info(thread)
            own = info.sender in (self.process, proc.status(self.process).inner_id)
            if info.code <= 0 and own and not proc.status(self.process).caught >> (number - 1) & 1:
                self.sent_by_itself.add(number)

    def _is_slow(self) -> bool:
        """Whether what the time limit cut short is a further load that was no longer under way than loads take.

        A first load that does not come back is a hang, and so is one that is stuck at its tenth.
        """
        under_way = monotonic() - self._commanded
        return self.phase is Phase.RELOAD and under_way < _SLOWER * self._longest

    def _remember_files(self) -> None:
        """Which files are mapped, for as long as there is a process that maps them."""
        with suppress(OSError):
            self.mapped = {m.path for m in proc.mappings(self.process) if m.inode} or self.mapped

    def _crashed(self, thread: int, number: int) -> None:
        self.faults[number, self.phase] += 1
        if len(self.crashes) < _MAX_CRASHES:
            try:
                seen = crashes.look(self.process, thread, self.phase)
            except OSError:
                seen = TracedCrash(number, self.phase)
            self._weigh(end=False)
            self._remember_files()
            self.crashes.append(seen)
        ptrace.resume(thread, number)

    def _weigh(self, *, end: bool = True) -> None:
        """Look at the memory: how much it ever was, and whether it is too much."""
        try:
            now = proc.memory(self.process)
        except (OSError, IndexError):
            return
        self.memory_peak = max(self.memory_peak, min(now.data, now.resident))  # what is only reserved is not used
        self._weighed = monotonic()
        if end:
            self._weigh_family()

    def _weigh_family(self) -> None:
        """End it when it and all it started have too much together."""
        use = self._use()
        if use.memory > FAMILY_MEMORY:
            self._end(Outcome.MEMORY_LIMIT)
        elif use.processes > PROCESS_LIMIT:
            self.note(Kind.PROCESS_STARTED, f"more than {PROCESS_LIMIT} processes at once, and was killed for it")
            self._end(Outcome.DENIED)
        elif self._written() > SCRATCH_LIMIT:
            self.note(Kind.FILE_WRITE, f"wrote more than {SCRATCH_LIMIT >> 20} MiB to its scratch folder")
            self._end(Outcome.OUTPUT_LIMIT)

    # -- ends

    def _alive(self) -> bool:
        self._stops()
        return self.status is None

    def _executable(self) -> tuple[int, int] | None:
        try:
            return proc.executable(self.process)
        except OSError:
            return None

    def _end(self, outcome: Outcome) -> None:
        self._weigh(end=False)
        self._remember_files()
        if outcome is Outcome.HANG:
            with suppress(OSError):
                self.stacks = hangs.look(self.process, traced=self.traced == "")
        self.outcome = outcome
        self._kill()

    def _kill(self) -> None:
        try:
            os.kill(self.process, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _last_looks(self, script: Script, poll: select.poll) -> None:
        """The child is ended or about to: wait for that, then read what it had sent before."""
        until = monotonic() + _GRACE
        while self.status is None and monotonic() < until:
            self._stops()
            if self.status is None:
                select.select([], [], [], 0.001)
        if self._channel_open:
            self._awaited = self._awaited if self.status is None else ""
            self._drain_forgeries()
        for _ in range(_OUTPUT_LIMIT >> 16):
            before = self.output_size
            if self._output_open:
                self._take_output(poll)
            if self.output_size == before:
                break
        script.close()

    def _drain_forgeries(self) -> None:
        for _ in range(_RECORDS_AT_ONCE):
            try:
                packed, descriptors, _flags, _address = socket.recv_fds(self._channel, MAX_RECORD + NONCE_SIZE, 1)
            except OSError:
                return
            for descriptor in descriptors:
                os.close(descriptor)
            if not packed:
                return
            fields = unpack_record(self._nonce, packed)
            if fields is None:
                self.forged += 1
            elif "failed" in fields:
                self.words = fields["failed"]


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 512):
            pass
    except BlockingIOError:
        return
