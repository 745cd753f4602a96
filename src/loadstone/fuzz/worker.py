"""The worker: an exec'd process of its own that forks the fuzzed child, watches it from outside, and reports.

It has one thread and needs the standard library only. Parent and worker share a stream socket: the job comes in as one
line, records go out as lines of JSON. Everything found is said at once, so nothing is lost when the worker is killed.
Records: ``ready`` (layers and observers as they turned out), ``new`` (an input that reached new blocks), ``found`` (a
crash, hang, exit or memory use, with the inputs before it), ``status`` (once a second), ``done``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from loadstone.fuzz.arena import Arena
from loadstone.fuzz.child import EXIT_CANNOT_LOAD, EXIT_DONE, run_child
from loadstone.fuzz.plan import Job
from loadstone.fuzz.tracer import Stop, Traced, Untraced, let_me_be_traced
from loadstone.probe.confine_linux import Fence, raise_fence

__all__ = ["main"]

_CRASHES: Final = frozenset(
    {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS}
)
_CALLS_A_CHILD: Final = 20_000
"""After so many calls a fresh child begins: leaks and state do not pile up, and forking costs about 1 %."""
_POLL_S: Final = 0.1
_STATUS_S: Final = 1.0
_LOAD_S: Final = 10.0
_MAX_BACKOFF_FINDINGS: Final = 2000

Say = Callable[[dict[str, Any]], None]


class _Campaign:
    """One job under way. Invariant: at most one child lives, and it is ours to kill."""

    def __init__(self, job: Job, say: Say) -> None:
        self.job = job
        self.say = say
        self.arena = Arena(job.max_size)
        self.left = dict(job.blocks)
        self.corpus = list(job.inputs)
        self.runs = 0
        self.started = time.monotonic()
        self.said = self.started
        self.told: set[tuple[object, ...]] = set()
        status = os.stat(job.library)
        self.file = (status.st_dev, status.st_ino)
        self.refused = _tracing_refused()
        self.ready = False

    def run(self) -> None:
        generation = 0
        findings = 0
        while not self._over() and findings < _MAX_BACKOFF_FINDINGS:
            generation += 1
            findings += self._generation(generation)
            if self.job.replay:
                break
        self._status(final=True)

    def _over(self) -> bool:
        if time.monotonic() - self.started >= self.job.time_s:
            return True
        return 0 < self.job.runs <= self.runs + self.arena.runs

    def _generation(self, number: int) -> int:
        """One child from fork to end; 1 when it ended in a finding."""
        self.arena.reset()
        pid = self._fork(number)
        traced: Traced | Untraced | None = None
        try:
            stop = _wait(pid, _LOAD_S)
            if stop.signal is None:  # it died, or hangs, before the first call: loading is what fails
                self._load_failed(stop)
                return self._give_up()
            self._say_ready()
            if self.refused:
                traced = Untraced(pid)
            else:
                traced = Traced(pid, self.file, self.job.first_address)
                traced.arm(self.left)
            traced.resume()
            return self._watch(traced)
        finally:
            self.runs += self.arena.runs
            self.arena.reset()
            if traced is not None:
                traced.close()
            else:
                _reap(pid)
            os.close(self.words)

    def _give_up(self) -> int:
        return _MAX_BACKOFF_FINDINGS

    def _fork(self, number: int) -> int:
        words_in, words_out = os.pipe()
        worker = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(words_in)
                self._become_child(number, words_out, worker)
            finally:
                os._exit(EXIT_CANNOT_LOAD)
        os.close(words_out)
        self.words = words_in
        return pid

    def _become_child(self, number: int, words: int, worker: int) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        if not self.refused:
            let_me_be_traced()
        layers = _fence(self.job, worker)
        if not self.ready:
            os.write(words, json.dumps(layers).encode() + b"\n")
        run_child(
            self.job, self.arena, self.corpus, self.job.seed * 1_000_003 + number,
            words,
        )  # fmt: skip

    def _load_failed(self, stop: Stop) -> None:
        text = self._said().rpartition("\n")[2]
        self.say({"record": "cannot_load", "text": text, "signal": stop.killed_by, "exited": stop.exited})

    def _say_ready(self) -> None:
        """Once, from the first child that got as far: its layers, and whether it can be watched."""
        if self.ready:
            return
        self.ready = True
        layers, _, _ = self._said().partition("\n")
        coverage = f"unavailable: {self.refused}" if self.refused else "active"
        observers = [("coverage", coverage), ("crash stop", coverage), ("wait status", "active")]
        self.say({"record": "ready", "layers": json.loads(layers or "[]"), "observers": observers})

    def _said(self) -> str:
        """What the child wrote before foreign code ran."""
        os.set_blocking(self.words, False)
        try:
            return os.read(self.words, 1 << 16).decode(errors="replace")
        except BlockingIOError:
            return ""

    def _watch(self, traced: Traced | Untraced) -> int:
        """Follow a running child to its end, its replacement or a finding."""
        seen, since = -1, time.monotonic()
        hits: list[int] = []
        while True:
            signal.sigtimedwait([signal.SIGCHLD], _POLL_S)
            while not (stop := traced.poll()).running:
                if stop.signal == signal.SIGTRAP and (block := traced.hit()) is not None:
                    self.left.pop(block, None)
                    hits.append(block)
                    self._news(hits)
                    traced.resume()
                elif stop.signal is not None and stop.signal not in _CRASHES:
                    traced.resume(0 if stop.signal in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN) else stop.signal)
                else:
                    return self._ended(traced, stop)
                since = time.monotonic()
            now = time.monotonic()
            runs = self.arena.runs
            if runs != seen:
                seen, since = runs, now
                hits.clear()
            elif now - since > self.job.hang_s:
                return self._found(traced, "hang", frames=_stopped_frames(traced))
            if _resident(traced.pid) > self.job.memory:
                return self._found(traced, "memory", frames=_stopped_frames(traced))
            if now - self.said >= _STATUS_S:
                self._status()
            if self._over() or ((runs > _CALLS_A_CHILD or self.arena.log_full) and not self.job.replay):
                return 0

    def _news(self, hits: list[int]) -> None:
        self.arena.tell_news()
        data = self.arena.current
        if not self.corpus or self.corpus[-1] != data:
            self.corpus.append(data)
        self.say({"record": "new", "input": data.hex(), "block": hits[-1], "run": self.runs + self.arena.runs})

    def _ended(self, traced: Traced | Untraced, stop: Stop) -> int:
        if stop.exited == EXIT_DONE and self.job.replay:
            return 0
        if stop.signal is not None:
            fault = traced.fault_address()
            guard = self.arena.guard_name(fault)
            stack = abs(fault - traced.stack_pointer()) < 65536 and stop.signal == signal.SIGSEGV and not guard
            return self._found(
                traced, signal.Signals(stop.signal).name, fault=fault, guard=guard, frames=traced.frames(), stack=stack
            )
        if stop.exited is not None:
            return self._found(traced, "exit", status=stop.exited)
        return self._found(traced, signal.Signals(stop.killed_by or signal.SIGKILL).name)

    def _found(self, traced: Traced | Untraced, kind: str, **facts: Any) -> int:
        ended_it = self.arena.current
        self.corpus = [data for data in self.corpus if data != ended_it] or [b""]  # else each child begins with it
        mark = (kind, facts.get("guard"), facts.get("frames", ())[:1])
        inputs = (ended_it,) if mark in self.told else self.arena.history()
        self.told.add(mark)
        self.say(
            {
                "record": "found",
                "kind": kind,
                "inputs": [data.hex() for data in inputs],
                "run": self.runs + self.arena.runs,
                "base": traced.base,
                **facts,
            }
        )
        return 1

    def _status(self, *, final: bool = False) -> None:
        self.said = time.monotonic()
        self.say(
            {
                "record": "done" if final else "status",
                "runs": self.runs + self.arena.runs,
                "seconds": self.said - self.started,
                "blocks": len(self.job.blocks) - len(self.left),
            }
        )


def _stopped_frames(traced: Traced | Untraced) -> tuple[int, ...]:
    """The frames of a child that runs on: stop it, look, leave it to be killed."""
    os.kill(traced.pid, signal.SIGSTOP)
    stop = _wait(traced.pid, 1.0)
    return traced.frames() if stop.signal is not None else ()


def _wait(pid: int, limit: float) -> Stop:
    """Wait for a child to stop or end, ``limit`` seconds at most."""
    end = time.monotonic() + limit
    while True:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            if os.WIFSTOPPED(status):
                return Stop(signal=os.WSTOPSIG(status))
            return Stop(exited=os.WEXITSTATUS(status)) if os.WIFEXITED(status) else Stop(killed_by=os.WTERMSIG(status))
        if time.monotonic() > end:
            return Stop()
        signal.sigtimedwait([signal.SIGCHLD], 0.05)


def _reap(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def _resident(pid: int) -> int:
    """Resident memory in bytes (proc(5), statm); 0 once the process is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


def _fence(job: Job, worker: int) -> list[tuple[str, str]]:
    """Raise the probe's layers round the child; what became of each. Output goes nowhere: it would fill the disk."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(job.scratch)
    fence = Fence(
        scratch=job.scratch,
        outside=os.path.dirname(job.scratch),
        user=0,
        seconds=int(job.time_s) + 60,
        helper=worker,
        unshared="the fuzzed process shares them with its tracer",
        notify=False,
    )
    layers, _ = raise_fence(fence)
    kept = ("user", "unavailable: it keeps the user of its tracer")
    return [(layer.name, f"{layer.state}: {layer.reason}") if layer.name != "user" else kept for layer in layers]


def _tracing_refused() -> str:
    """Why a child cannot be traced here, in the system's words; "" when it can. Tried, not assumed."""
    pid = os.fork()
    if pid == 0:
        try:
            let_me_be_traced()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.strerror(os.waitstatus_to_exitcode(status)) if status else ""


def main(descriptor: int) -> None:
    """Take a job from the socket, run it, and report on the same socket. The entry point of the exec'd process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when a campaign is over
    channel = socket.socket(fileno=descriptor)
    with channel.makefile("r", encoding="ascii") as incoming:
        job = Job.from_json(incoming.readline())

    def say(record: dict[str, Any]) -> None:
        channel.sendall(json.dumps(record).encode() + b"\n")

    _Campaign(job, say).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
