"""One campaign in the worker: child after child is forked, watched from outside, and judged by how it ended."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Final

from loadstone.fuzz.child.arena import Arena
from loadstone.fuzz.child.blocks import GuardedBlock
from loadstone.fuzz.child.main import (
    DEEPER,
    EXIT_CANNOT_LOAD,
    EXIT_CHECK,
    EXIT_DONE,
    EXIT_HEAP,
    EXIT_HOOK,
    EXIT_NO_MEMORY,
    Words,
    run_child,
)
from loadstone.fuzz.parts import as_text
from loadstone.fuzz.plan import CallPlan, Heap, Job, Role, SharedInput
from loadstone.fuzz.worker.aside import REPLAY_S
from loadstone.fuzz.worker.confinement import Place, confine, reachable
from loadstone.fuzz.worker.ends import CRASHES, crash, heap_error, stopped_frames
from loadstone.fuzz.worker.garbage import DECIDED, GARBAGE, GarbageWitness
from loadstone.fuzz.worker.inbox import Inbox
from loadstone.fuzz.worker.pipes import ChildEnds, WorkerEnds, pipes
from loadstone.fuzz.worker.solver import Solver
from loadstone.fuzz.worker.tracer import ChildStop, Traced, Tracer, Untraced, go_on, let_me_be_traced
from loadstone.fuzz.worker.vitals import hangs, open_descriptors, patience_of, reap, resident, taken, used_time, wait
from loadstone.fuzz.worker.watched import Watched
from loadstone.probe.observers.snapshot import signal_name
from loadstone.probe.offspring import FAMILY_MEMORY, Offspring
from loadstone.probe.promises import DESCRIPTOR_LIMIT

__all__ = ["WorkerCampaign"]

_CALLS_A_CHILD: Final = 20_000
"""After so many calls a fresh child begins: leaks and state do not pile up, and forking costs about 1 %."""
_POLL_S: Final = 0.1
_STATUS_S: Final = 1.0
_LOAD_S: Final = 10.0
_SOLVE_AFTER_S: Final = 0.3
_LAYOUTS: Final = (Heap.PLAIN, Heap.ALIGNED, Heap.PLAIN, Heap.EXACT, Heap.PLAIN, Heap.UNDER)
"""How children's heaps lie in a mixed campaign: every other one is fast, the ones between see more."""
_GUARDED_S: Final = (0.25, 1.0)
"""Seconds that a guarded child gets, the first of each layout and later ones: more would be taken from the others."""
_OFTEN: Final = 3
_SLACK: Final = 256
"""Bytes that a read past the input may go without ending the child, once such reads were seen often."""
_STRICT_SHARE: Final = 0.3
"""Share of a campaign that is left to children without slack all the same: others are to be seen."""
_SURVIVED: Final = ("descriptor-leak", "memory-leak", "out-of-memory", "use-of-uninitialized-value")
_MOST_OPEN: Final = DESCRIPTOR_LIMIT // 2
"""Descriptors open in a child after which a fresh one takes over: those that a call returns, nobody closes."""
_SPARE: Final = 8
_DEEPER_BY: Final = 1.1
"""How much deeper a child's mark lies each time it is passed, at least (see StackMark)."""
_FOREIGN: Final = 3
"""Guarded children whose blocks the C library refuses before no more are started: another library frees them."""

Say = Callable[[dict[str, Any]], None]


class _After(Enum):
    """What comes after a child: another one, or the end of the campaign, since every other would end as it did."""

    ANOTHER = auto()
    END = auto()


class WorkerCampaign:
    """One job under way. Invariant: at most one child lives, and it is ours to kill."""

    def __init__(self, job: Job, say: Say, offspring: Offspring, standing: tuple[str, Place], inbox: Inbox) -> None:
        self.job = replace(job, compares=(), compare_slots=())
        self.say, self.inbox = say, inbox
        self.refused, self.place = standing
        self.offspring = offspring
        self.forged = 0
        self.arena = Arena(job.max_size)
        self.left = Watched(job.blocks, job.entries)
        self.corpus = list(job.inputs)
        self.solver = Solver(job, self.corpus, self.left, self._replaying)
        self.garbage = GarbageWitness(job, self.left, self._replaying) if self._sees_blocks() else None
        self.runs = 0
        self.started = time.monotonic()
        self.said = self.started
        self.told: set[tuple[object, ...]] = set()
        status = os.stat(job.library)
        self.file = (status.st_dev, status.st_ino)
        self.replayed: Counter[Heap] = Counter()
        self.slow: list[bytes] = []
        self.entries = [call.address for call in job.calls]
        self.recording = False
        self.hung = 0
        self.past_input, self.slack, self.strict_s = 0, 0, 0.0
        self.depth = 0
        self.errors_at: Counter[tuple[str, int]] = Counter()
        self.layout = job.heap
        self.gives_away = _gives_away(job.calls)
        self.foreign = 0
        self.ready = False
        self.missing: list[str] = []

    def run(self) -> None:
        if self.job.replay and self.garbage:
            self._ask_about_garbage(self.garbage)
            self._status(final=True)
            return
        generation = 0
        while not self._over():
            generation += 1
            for line in self.inbox.waiting():
                self._learn(line)
            if self._generation(generation) is _After.END or self.job.replay:
                break
            self._look_again()
        self._status(final=True)

    def _learn(self, line: bytes) -> None:
        """An input of another worker: its block is no news any more, and its bytes are worth mutating here too."""
        told = SharedInput.from_json(line.decode())
        self.left.reached(told.block)
        if self.corpus[-1] != told.share:
            self.corpus.append(told.share)

    def _sees_blocks(self) -> bool:
        return bool(self.job.blocks) and self.job.heap is not Heap.PLAIN and not self.refused

    def _over(self) -> bool:
        if time.monotonic() - self.started >= self.job.time_s:
            return True
        return 0 < self.job.runs <= self.runs + self.arena.runs

    def _generation(self, number: int) -> _After:
        """One child from fork to end."""
        self.arena.reset()
        self.born = time.monotonic()
        self.generation, self.layout = number, self._layout(number)
        job = replace(self.job, heap=self.layout, recording=self.recording, passed=self._passed())
        self.slack = self._slack()
        pid = self._fork(replace(job, slack=self.slack), number)
        traced: Tracer | None = None
        before = len(self.corpus)
        try:
            stop = self._set_up(pid)
            if not stop.running and stop.signal is not None:
                stop = _loaded(pid)
            if stop.signal is None:  # it died, or hangs, before the first call: loading is what fails
                self._load_failed(stop)
                return _After.END
            if self.refused:
                traced = Untraced(pid)
            else:
                traced = Traced(pid, self.file, self.job.first_address, self.entries)
                traced.arm(self.left.now())
            traced.resume()
            return self._watch(traced)
        finally:
            self.strict_s += 0 if self.slack else time.monotonic() - self.born
            self._count_replayed(before)
            self.forged += self.arena.forged
            self.runs += self.arena.runs
            self.arena.reset()
            self._clear(pid, traced)

    def _count_replayed(self, before: int) -> None:
        """Of the ``before`` inputs a child began with, those that it has run need not be run with that heap again."""
        begun = self.replayed[self.layout]
        ran = min(before - begun, self.arena.runs)
        self.replayed[self.layout] = min(begun + ran, len(self.corpus))

    def _layout(self, number: int) -> Heap:
        """The heap of a generation."""
        if not self.job.heap_slots and not self.job.gaps:
            return Heap.PLAIN
        if self.job.heap is not Heap.MIXED:
            return self.job.heap
        return Heap.PLAIN if self.foreign >= _FOREIGN else _LAYOUTS[(number - 1) % len(_LAYOUTS)]

    def _slack(self) -> int:
        """Room behind the input for the next child: one that reads past it on every input finds nothing else."""
        if self.job.replay:
            return self.job.slack
        enough = self.strict_s > _STRICT_SHARE * (time.monotonic() - self.started)
        return _SLACK if self.past_input >= _OFTEN and enough else 0

    def _passed(self) -> tuple[tuple[str, int], ...]:
        """Errors of the heap that a campaign has seen often enough: the library goes on after them."""
        if self.job.replay:
            return ()
        return tuple(at for at, times in self.errors_at.items() if times >= _OFTEN and at[0] in _SURVIVED)

    def _clear(self, pid: int, traced: Tracer | None) -> None:
        """End the child and all that it started."""
        if traced is not None:
            traced.close()
        else:
            reap(pid)
        self.ends.close()
        self.offspring.end()

    def _set_up(self, pid: int) -> ChildStop:
        """Wait until the child's sandbox stands, say which layers it has, and let it load the library."""
        stop = wait(pid, _LOAD_S)
        if stop.signal is not None:
            self._say_ready()
            if self.missing:
                return ChildStop()
            go_on(pid)
        return stop

    def _fork(self, job: Job, number: int) -> int:
        self.ends, child_ends = pipes()
        worker = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(self.ends.words)
                os.dup2(child_ends.errors, 2)
                self._become_child(job, number, child_ends, worker)
            finally:
                os._exit(EXIT_CANNOT_LOAD)
        child_ends.close()
        return pid

    def _become_child(self, job: Job, number: int, child_ends: ChildEnds, worker: int) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        if not self.refused:
            let_me_be_traced()
        file = os.open(job.library, os.O_RDONLY)
        said = Words(child_ends.words, child_ends.secret.encode())
        layers = confine(job, worker, self.place, child_ends.words, file)
        said.say(json.dumps([(layer.name, f"{layer.state}: {layer.reason}") for layer in layers]))
        os.kill(os.getpid(), signal.SIGSTOP)  # the worker reads that before foreign code could write there
        run_child(
            replace(job, library=reachable(job.library, file)), self.arena, self.corpus, self.replayed[job.heap],
            self.solver.tries, job.seed * 1_000_003 + number, said,
        )  # fmt: skip

    @contextmanager
    def _replaying(self, job: Job) -> Iterator[tuple[Traced | None, WorkerEnds]]:
        """A child of its own, loaded and stopped before the first call, with what it says; without a tracer it ran."""
        self.arena.reset()
        pid = self._fork(job, 0)
        traced: Tracer = Untraced(pid)
        try:
            if self._set_up(pid).signal is None or _loaded(pid).signal is None:
                yield None, self.ends
            elif self.refused:
                traced.resume()
                wait(pid, REPLAY_S)
                yield None, self.ends
            else:
                traced = watched = Traced(pid, self.file, self.job.first_address, self.entries)
                yield watched, self.ends
        finally:
            self.arena.reset()
            self._clear(pid, traced)

    def _look_again(self) -> None:
        """Between two children: solve what new inputs were compared with, and ask whether garbage decides over them."""
        self.solver.solve(self._slack())
        if self.garbage:
            self.garbage.add(*self.solver.tries)
            self._ask_about_garbage(self.garbage)

    def _ask_about_garbage(self, witness: GarbageWitness) -> None:
        for data, block in witness.look():
            self._say_found(GARBAGE, (data,), heap=Heap.EXACT.value, detail=DECIDED, frames=(block,))

    def _load_failed(self, stop: ChildStop) -> None:
        if self.missing:
            self.say({"record": "refused", "text": f"required, but not available here: {', '.join(self.missing)}"})
            return
        text = self.ends.vouched()
        self.say({"record": "cannot_load", "text": text, "signal": stop.killed_by, "exited": stop.exited})

    def _say_ready(self) -> None:
        """Once, from the first child that got as far: its layers, and whether it can be watched."""
        layers = self.ends.vouched()
        if self.ready:
            return
        self.ready = True
        coverage = f"unavailable: {self.refused}" if self.refused else "active"
        observers = [("coverage", coverage), ("crash stop", coverage), ("wait status", "active")]
        standing = dict(json.loads(layers or "[]"))
        self.missing = [name for name in self.job.require if not standing.get(name, "").startswith("active")]
        self.say({"record": "ready", "layers": json.loads(layers or "[]"), "observers": observers})

    def _watch(self, traced: Tracer) -> _After:
        """Follow a running child to its end, its replacement or a finding."""
        seen, since, used = -1, time.monotonic(), 0.0
        patience = patience_of(self.generation, self.hung, self.job.hang_s)
        hits: list[int] = []
        taken_before = taken(traced.pid)
        while True:
            signal.sigtimedwait([signal.SIGCHLD], _POLL_S)
            self.ends.errors()
            while not (stop := traced.poll()).running:
                if stop.signal == signal.SIGTRAP and (block := traced.hit()) is not None:
                    traced.arm(self.left.reached(block))
                    hits.append(block)
                    self._news(hits)
                    traced.resume()
                elif stop.signal == DEEPER:
                    if self.arena.take_slow():
                        self._keep_apart()
                    elif self.arena.depth > _DEEPER_BY * self.depth:  # else the library sent it to itself
                        self.depth = self.arena.depth
                        self._keep()
                    traced.resume()
                elif stop.signal is not None and stop.signal not in CRASHES:
                    traced.resume(0 if stop.signal in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN) else stop.signal)
                else:
                    try:
                        return self._ended(traced, stop)
                    except ProcessLookupError:  # another thread has ended it: that is seen next
                        continue
                since = time.monotonic()
            now = time.monotonic()
            runs = self.arena.runs
            if runs != seen:
                seen, since, used = runs, now, used_time(traced.pid)
                hits.clear()
            elif now - since > patience and hangs(traced.pid, now - since, used, patience):
                if patience < self.job.hang_s:
                    return _After.ANOTHER  # the hang that is known, most likely: a fresh child begins
                self.hung += 1
                return self._found("hang", frames=stopped_frames(traced))
            if max(resident(traced.pid), taken(traced.pid) - taken_before) > self.job.memory:
                return self._took_too_much(stopped_frames(traced))
            if now - self.said >= _STATUS_S:
                self._status()
                if self.offspring.use(traced.pid).memory > FAMILY_MEMORY:
                    return self._found("memory", frames=stopped_frames(traced))
            if self._over() or (self._old(now, traced.pid) and not self.job.replay):
                return _After.ANOTHER

    def _took_too_much(self, frames: tuple[int, ...] = ()) -> _After:
        if self.gives_away and self.arena.runs > 1:
            return _After.ANOTHER  # what it returned and nobody freed, most likely: a fresh child begins
        return self._found("memory", frames=frames)

    def _old(self, now: float, pid: int) -> bool:
        """Whether a fresh child had better take over."""
        waiting = now - self.born > _SOLVE_AFTER_S and self.solver.is_waiting
        limit = _GUARDED_S[self.generation > len(_LAYOUTS)]
        if self.job.heap is Heap.MIXED and self.layout is not Heap.PLAIN and now - self.born > limit:
            return True
        full = self.arena.log_full or open_descriptors(pid) > _MOST_OPEN
        return waiting or self.arena.runs > _CALLS_A_CHILD or full

    def _keep(self) -> bytes:
        """The input at hand joins the corpus."""
        data = self.arena.current
        if not self.corpus or self.corpus[-1] != data:
            self.corpus.append(data)
            self.solver.add(data)
            if self.garbage:
                self.garbage.add(data)
        return data

    def _keep_apart(self) -> None:
        """The input at hand takes too long to be mutated: it leaves the corpus, for every child to come."""
        data = self.arena.current
        at = next((i for i, kept in enumerate(self.corpus) if data in (kept, as_text(kept))), -1)
        if at >= 0 and len(self.corpus) > 1:
            del self.corpus[at]
            for layout, count in self.replayed.items():
                self.replayed[layout] = count - (at < count)
            self.slow.append(data)

    def _news(self, hits: list[int]) -> None:
        self.arena.tell_news()
        data = self._keep()
        self.say({"record": "new", "input": data.hex(), "block": hits[-1], "run": self.runs + self.arena.runs})

    def _ended(self, traced: Tracer, stop: ChildStop) -> _After:
        if stop.exited == EXIT_DONE and self.job.replay:
            return _After.ANOTHER
        if stop.signal is not None and stop.signal in CRASHES:
            return self._crashed(traced, stop.signal)
        if stop.exited == EXIT_HEAP and (told := heap_error(self.ends.vouched())):
            row = self.arena.blocks.at(told.row) if told.row >= 0 else None
            self.errors_at[told.kind, (*told.frames, *(row.allocated_by if row else ()), 0)[0]] += 1
            self.recording = True  # from now on: else all that is noticed late would look the same
            return self._found(told.kind, detail=told.detail, frames=told.frames, block=row)
        if stop.exited == EXIT_NO_MEMORY:
            return self._took_too_much()
        if stop.exited in (EXIT_CHECK, EXIT_HOOK) and self.job.hooks and (said := self.ends.vouched().strip()):
            if stop.exited == EXIT_HOOK:
                self.say({"record": "hook_failed", "text": said})
                return _After.END
            return self._found("check", detail=said)
        if stop.exited is not None:
            return self._found("exit", status=stop.exited, detail=self.ends.vouched().strip())
        return self._found(signal_name(stop.killed_by or signal.SIGKILL))

    def _crashed(self, traced: Tracer, number: int) -> _After:
        if open_descriptors(traced.pid) >= DESCRIPTOR_LIMIT - _SPARE:
            return _After.ANOTHER  # it got no more, and failed for that: the sandbox's doing
        end = crash(traced, number, self.arena, self.ends.errors(), self.job.memory)
        self.foreign += self.layout is not Heap.PLAIN and end.foreign
        return self._found(end.kind, end.block, **end.facts)

    def _found(self, kind: str, block: GuardedBlock | None = None, **facts: Any) -> _After:
        ended_it = self.arena.current
        self.past_input += facts.get("guard") == "over"
        if self.past_input < _OFTEN:  # else each child begins with it; later on most children can go past it
            self.corpus[:] = [data for data in self.corpus if data != ended_it] or [b""]
        if block:
            facts |= {"allocated": block.allocated_by, "freed": block.freed_by}
        mark = (kind, facts.get("guard"), facts.get("frames", ())[:1], facts.get("allocated", ())[:1])
        inputs = (ended_it,) if mark in self.told else self.arena.history()
        self.told.add(mark)
        self._say_found(kind, inputs, words=self.ends.errors(), heap=self.layout.value, slack=self.slack, **facts)
        return _After.ANOTHER

    def _say_found(self, kind: str, inputs: Sequence[bytes], **facts: Any) -> None:
        run = self.runs + self.arena.runs
        self.say({"record": "found", "kind": kind, "inputs": [data.hex() for data in inputs], "run": run, **facts})

    def _status(self, *, final: bool = False) -> None:
        self.said = time.monotonic()
        self.say(
            {
                "record": "done" if final else "status",
                "runs": self.runs + self.arena.runs,
                "seconds": self.said - self.started,
                "blocks": len(self.job.blocks) - self.left.total,
                "forged": self.forged,
                "slow": len(self.slow),
            }
        )


def _gives_away(calls: Sequence[CallPlan]) -> bool:
    """Whether a call returns a pointer that no later call takes: memory that the caller ought to free, and does not."""
    taken = {argument.slot for call in calls for argument in call.arguments if argument.role is Role.HANDLE}
    stored = {argument.slot for call in calls for argument in call.arguments if argument.role is Role.INTO}
    return not stored <= taken or any(call.returns == "pointer" and call.into not in taken for call in calls)


def _loaded(pid: int) -> ChildStop:
    """Wait until the child says that the library is loaded, passing on the signals its constructors get meanwhile."""
    until = time.monotonic() + _LOAD_S
    while True:
        stop = wait(pid, until - time.monotonic())
        if stop.signal in (None, signal.SIGSTOP) or stop.signal in CRASHES:
            return stop
        go_on(pid, stop.signal or 0)
