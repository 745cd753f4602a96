"""The caller's side: which bytes, which checks before anything runs, and the report from what the helper saw."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

from loadstone.binary import read
from loadstone.core.image import Format, Image
from loadstone.core.observations import (
    LayerState,
    Observation,
    ObservationKind,
    ObserverStatus,
    Phase,
    ProbeOutcome,
    ProbeReport,
    Soak,
    Witness,
)
from loadstone.errors import MalformedImage, ProbeFailed
from loadstone.files import open_regular
from loadstone.probe import pool
from loadstone.probe.answer import CountedObservation, HelperReply, ProbeAnswer
from loadstone.probe.compilers import compiler_of
from loadstone.probe.memory import Question, recall, remember
from loadstone.probe.readable import readable_for
from loadstone.probe.request import ProbeRequest
from loadstone.probe.residence import reasons
from loadstone.probe.scratch import home_of_scratch
from loadstone.probe.surroundings import require_proc
from loadstone.probe.symbolise import crash_record, thread_stacks
from loadstone.probe.trends import GROWTH, growth, soak_of
from loadstone.quick_dataclass import dataclass, replace

if TYPE_CHECKING:
    from loadstone.probe.calls import ProbeCall

__all__ = ["probe"]

DEFAULT_CYCLES: Final = 16
_MACHINES: Final = {"x86_64": ("x86-64", 64), "aarch64": ("aarch64", 64)}


def probe(
    target: str | os.PathLike[str],
    *,
    timeout: float = 10.0,
    fresh: bool = False,
    require: Iterable[str] = (),
    cycles: int = DEFAULT_CYCLES,
    threads: bool = False,
    calls: Iterable[str | ProbeCall] = (),
    soak: int = 0,
    allow_read: Iterable[str | os.PathLike[str]] = (),
    preload: Iterable[str | os.PathLike[str]] = (),
    host: str | os.PathLike[str] = "",
) -> ProbeReport:
    """Load a library in a confined child, resolve its exports, unload it, load it again, and say what was seen.

    Args:
        target: a path (it has a separator), or a name, searched for and never taken from the current directory.
        timeout: seconds of wall time for all of it; the call returns at most half a second later.
        fresh: ignore the cached result for the same bytes.
        require: names of layers (``landlock``, ``seccomp`` ...) without which nothing may run.
        cycles: how often to load and unload; 16 or more show what grows, 1 only loads once.
        threads: also let threads load and unload it at the same time.
        calls: functions of it to call once it is loaded, and from those threads: prototypes with arguments
            (:class:`~loadstone.probe.calls.ProbeCall`), or names of functions ``int f(void)``. Only you can know that
            they may be called.
        soak: how often to load and unload it in a process of its own besides, to see what grows; 64 or more, or 0.
        preload: libraries to load before it, with their symbols for all, and to keep: what its host would bring.
        host: the program that loads it otherwise, by name or path: a copy of it is loaded before it as a library, its
            symbols for all, and its ``main`` is not run. What came of it is not remembered.
        allow_read: files and folders that it may read besides the system's and those of its own folder.

    Raises:
        NotFound, InvalidName: there is no such library.
        Unreadable: the file cannot be read.
        InvalidPrototype: a call is no prototype, or its arguments do not fit.
        ProbeFailed: no helper could be started, or it was lost. What the library does is a result, never this.

    Thread-safe; the caller's process neither forks nor loads anything. Linux only so far; elsewhere ProbeFailed.
    """
    if host:
        from loadstone.probe.host_program import host_as_library  # noqa: PLC0415 - few need one

        with host_as_library(os.fspath(host)) as library:
            preload = [library, *preload]
            return probe(
                target, timeout=timeout, fresh=True, require=require, cycles=cycles, threads=threads, calls=calls,
                soak=soak, allow_read=allow_read, preload=preload,
            )  # fmt: skip
    began = monotonic()
    path = _located(target)
    require_proc()
    with _Opened(path) as subject:
        refusal = _unloadable_here(subject.image)
        if refusal:
            return _not_run(subject, refusal)
        layers = tuple(sorted(require))
        hosts = tuple(_located(name) for name in preload)
        readable = readable_for(path, subject.image, [*hosts, *(os.fspath(name) for name in allow_read)])
        question = Question(
            subject.sha256,
            os.fsencode(path).hex(),
            cycles,
            threads,
            _packed([*calls]),
            layers,
            os.geteuid(),
            timeout,
            soak,
            tuple(os.fsencode(name).hex() for name in readable),
            tuple(os.fsencode(name).hex() for name in hosts),
        )
        known = None if fresh else recall(question)
        if known is not None:
            return known
        run = _Run(subject, began + timeout, layers, cycles, question.calls, readable, hosts)
        report, files = run.report(threads=threads, soak=soak)
        remember(question, report, files)
        return report


def _packed(calls: Sequence[str | ProbeCall]) -> str:
    if not calls:
        return "[]"
    from loadstone.probe.calls import packed  # noqa: PLC0415 - most probes parse no prototype

    return packed(calls)


def _located(target: str | os.PathLike[str]) -> str:
    from loadstone.library.target import absolute, locate  # noqa: PLC0415 - most of a probe needs no search

    found = locate(target).path
    assert found is not None, "locate raises when there is none"
    return absolute(found)


class _Opened:
    """The file: opened once, so that what is hashed, read and loaded is one and the same."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = -1
        self.sha256 = ""
        self.image: Image | None = None

    def __enter__(self) -> Self:
        self.file = open_regular(self.path)
        try:
            try:
                opened = read(f"/proc/self/fd/{self.file}")  # first: it bounds the size of what is then hashed
                self.image = replace(opened, path=self.path)
            except MalformedImage:  # the loader will say so in its own words
                self.image = None
            with open(self.file, "rb", closefd=False) as stream:
                self.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except BaseException:
            os.close(self.file)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)


def _unloadable_here(image: Image | None) -> str:
    """Why no loader of this process could take the file, or ""."""
    if image is None:
        return ""
    if image.format is not Format.ELF:
        return f"wrong format: it is {image.format.value.upper()}, this system loads ELF"
    machine, bits = _MACHINES.get(platform.machine(), (image.machine.name, image.bits))
    if image.bits != bits:
        return f"wrong class: it is {image.bits}-bit, this process is {bits}-bit"
    if image.machine.name != machine:
        return f"wrong machine: it is for {image.machine.name}, this is {machine}"
    return ""


def _not_run(subject: _Opened, why: str) -> ProbeReport:
    return ProbeReport(
        target=subject.path,
        outcome=ProbeOutcome.NOT_RUN,
        phase=Phase.SETUP,
        observations=(Observation(ObservationKind.NOT_RUN, Phase.SETUP, Witness.FILE, why),),
        sha256=subject.sha256,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The runs that make up one probe, within one deadline."""

    subject: _Opened
    deadline: float
    require: tuple[str, ...]
    cycles: int
    calls: str
    readable: tuple[str, ...]
    preload: tuple[str, ...] = ()

    def report(self, *, threads: bool, soak: int) -> tuple[ProbeReport, list[str]]:
        """What was seen, and the files that were mapped for it.

        The full course runs at the same time as a short one without a tracer; what is asked for besides, after that.
        """
        full, short = self._ask(self._request("full", calls=self.calls), self._request("short", trace=False))
        if full.outcome is ProbeOutcome.NOT_RUN:
            return self._report(full, full.observations), []
        observations, last = list(full.observations), full
        if full.outcome in _THROUGH:
            last = self._short(full, short, observations)
        elif full.traced == "" and short.outcome is ProbeOutcome.OK and full.phase in _IN_BOTH:
            observations.append(_differs(full, short))
        thread_test = ""
        late = monotonic() > self.deadline - _LEAST_S
        if threads and not late and last.outcome in _THROUGH:
            last, thread_test = self._threads(last, observations)
        soaked = None
        if soak and not late and last.outcome in _THROUGH:
            last, soaked = self._soak(last, observations, soak)
        report = self._report(_ending_as(full, last), observations, thread_test, soaked)
        return report, [path for path in full.mapped if path.startswith("/")]

    def _left(self) -> float:
        return max(_LEAST_S, self.deadline - monotonic())

    def _request(self, script: str, **options: Any) -> ProbeRequest:
        image = self.subject.image
        common = ProbeRequest(
            script=script,
            path=self.subject.path,
            symbols=_names(image) if image is not None else (),
            timeout=self._left(),
            deadline=self.deadline,
            cycles=self.cycles,
            require=self.require,
            run_times=_run_times(image),
            preload=self.preload,
            readable=self.readable,
            home=os.path.realpath(os.path.expanduser("~")),
            scratch=home_of_scratch(),
        )
        return replace(common, **options)

    def _ask(self, *requests: ProbeRequest) -> list[ProbeAnswer]:
        return [_answer(reply) for reply in pool.ask(requests, self.subject.file)]

    def _short(self, full: ProbeAnswer, short: ProbeAnswer, observations: list[CountedObservation]) -> ProbeAnswer:
        """The full course came through; the short one, not traced, ends as programs do: unload, then exit."""
        if short.outcome is ProbeOutcome.NOT_RUN:
            return full
        _add_new(observations, short.observations)
        if short.outcome is ProbeOutcome.OK:
            return full
        if full.traced != "":
            return short
        (traced,) = self._ask(self._request("short"))
        if traced.outcome is ProbeOutcome.OK:
            observations.append(_differs(traced, short))
            return short
        return traced

    def _threads(self, last: ProbeAnswer, observations: list[CountedObservation]) -> tuple[ProbeAnswer, str]:
        """The thread test, several times: what goes wrong seldom is not seen by one."""
        cycles = 0
        for _ in range(_THREAD_RUNS):
            if cycles and monotonic() > self.deadline - _LEAST_S:
                break
            seconds = min(_THREAD_SECONDS, self._left() / 2)
            (run,) = self._ask(self._request("threads", threads=_THREADS, seconds=seconds, calls=self.calls))
            cycles += run.cycles
            if run.outcome is not ProbeOutcome.OK:
                _add_new(observations, run.observations)
                return run, ""
        return last, f"{_THREAD_RUNS} runs of {_THREADS} threads, {cycles:,} load cycles: nothing seen is not safe"

    def _soak(
        self, last: ProbeAnswer, observations: list[CountedObservation], asked: int
    ) -> tuple[ProbeAnswer, Soak | None]:
        """Many cycles in a process of their own: what they tell of growth takes the place of what few cycles told."""
        (run,) = self._ask(self._request("soak", cycles=asked))
        if run.outcome is not ProbeOutcome.OK:
            _add_new(observations, run.observations)
            return run, None
        soaked = soak_of(dict(run.series), asked, run.cycles)
        if soaked.trends:
            observations[:] = [seen for seen in observations if seen.kind not in GROWTH]
        observations += growth(soaked)
        return last, soaked

    def _report(
        self,
        answer: ProbeAnswer,
        observations: Sequence[CountedObservation],
        thread_test: str = "",
        soaked: Soak | None = None,
    ) -> ProbeReport:
        image = self.subject.image
        told = [_with_compiler(_observation(seen), image) for seen in observations]
        if answer.unmapped is False and image is not None:
            because = "; ".join(reasons(image, answer.kept))
            told.append(
                Observation(
                    ObservationKind.NOT_UNLOADED, Phase.UNLOAD, Witness.KERNEL, f"still mapped after unload: {because}"
                )
            )
        crash = answer.crash
        return ProbeReport(
            target=self.subject.path,
            outcome=answer.outcome,
            phase=answer.phase,
            signal=answer.signal,
            crash=crash_record(crash, answer.symbol) if crash is not None else None,
            observations=tuple(told),
            observers=_observers(answer, self.subject.path, self.cycles, thread_test, soaked),
            layers=answer.layers,
            sha256=self.subject.sha256,
            soak=soaked,
            stacks=thread_stacks(answer.stacks),
            objects=answer.objects,
        )


_IN_BOTH: Final = (Phase.LOAD, Phase.UNLOAD)
"""Phases of both courses whose difference can only come from being watched."""

_LOOK: Final = "look whether the temporary folder can be written"
_ADVICE: Final = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close files: the system has no more",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
    errno.ENOMEM: "free memory",
}
_AMOUNTS: Final = frozenset({ObservationKind.DAEMON_LEFT, ObservationKind.MEMORY_PEAK, ObservationKind.OUTPUT})
"""What is there in every run, more of it in one with more cycles."""
_THROUGH: Final = (ProbeOutcome.OK, ProbeOutcome.SLOW)
_LEAST_S: Final = 0.2
"""Seconds that a run has at least; nothing that was asked for besides is begun with less."""

_NOT_TOLD: Final = "in the many cycles of threads and soak, what the loader's own code opens is not told"

_THREADS: Final = 8
_THREAD_SECONDS: Final = 1.0
_THREAD_RUNS: Final = 3
_SANITIZERS: Final = ("libasan.", "libtsan.", "libubsan.", "liblsan.", "libhwasan.", "libclang_rt.")


def _names(image: Image) -> tuple[str, ...]:
    """What can be asked for by name, each once."""
    return tuple(dict.fromkeys(s.name for s in image.exports if s.version is None or s.version.is_default))


def _run_times(image: Image | None) -> tuple[str, ...]:
    """The sanitizers' run-time libraries it needs."""
    return tuple(d.name for d in image.needed if d.name.startswith(_SANITIZERS)) if image is not None else ()


def _answer(reply: HelperReply) -> ProbeAnswer:
    if reply.answer is None:
        raise ProbeFailed(reason=reply.failure, advice=_ADVICE.get(reply.error, _LOOK))
    return reply.answer


def _ending_as(answer: ProbeAnswer, last: ProbeAnswer) -> ProbeAnswer:
    """What was seen in one run, with the end of another."""
    return replace(
        answer, outcome=last.outcome, phase=last.phase, signal=last.signal, crash=last.crash, stacks=last.stacks,
        symbol=last.symbol,
    )  # fmt: skip


def _add_new(observations: list[CountedObservation], others: Iterable[CountedObservation]) -> None:
    """Add what another run saw and the first did not; of what is only another amount, the first stands."""
    known = {_what(seen) for seen in observations}
    observations += [seen for seen in others if _what(seen) not in known]


def _what(seen: CountedObservation) -> tuple[ObservationKind, str]:
    return seen.kind, "" if seen.kind in _AMOUNTS else seen.detail


def _differs(traced: ProbeAnswer, untraced: ProbeAnswer) -> CountedObservation:
    text = f"traced it ends with {traced.outcome}, not traced with {untraced.outcome}: it may notice being watched"
    return CountedObservation(ObservationKind.DIFFERS_UNTRACED, traced.phase, Witness.KERNEL, text)


def _with_compiler(seen: Observation, image: Image | None) -> Observation:
    """Code that may be written to is what a run-time compiler makes: said where the library has one."""
    if seen.kind is not ObservationKind.CODE_WRITABLE or image is None:
        return seen
    compiler = compiler_of(image.symbols.names)
    return replace(seen, detail=f"{seen.detail}; it has a run-time compiler, {compiler}") if compiler else seen


def _observation(seen: CountedObservation) -> Observation:
    text = f"{seen.detail} ({seen.count} times)" if seen.count > 1 else seen.detail
    return Observation(seen.kind, seen.phase, seen.witness, text)


def _observers(
    answer: ProbeAnswer, path: str, cycles: int, thread_test: str, soaked: Soak | None
) -> tuple[ObserverStatus, ...]:
    active = LayerState.ACTIVE
    looks = (LayerState.DEGRADED, answer.blind) if answer.blind else (active, "")
    maps = (LayerState.DEGRADED, answer.shared) if answer.shared else looks
    notified, traced = answer.notified, answer.traced
    loaded_as = answer.loaded_as
    own = ObserverStatus("link map", *looks)
    if answer.unlisted:
        own = replace(own, state=LayerState.DEGRADED, reason=f"read in /proc/PID/maps only: {answer.unlisted}")
    if loaded_as and loaded_as != path:
        own = replace(
            own, state=LayerState.DEGRADED, reason=f"loaded as {loaded_as}: the confined user cannot open its path"
        )
    stacks = (active, "") if traced == "" else (LayerState.DEGRADED, "read in /proc/PID/task: what runs is not seen")
    heard = (active, "") if notified == "" else (LayerState.UNAVAILABLE, notified)
    if heard == (active, "") and (thread_test or soaked is not None):
        heard = (LayerState.DEGRADED, _NOT_TOLD)
    level = (active, "") if cycles >= DEFAULT_CYCLES else (LayerState.UNAVAILABLE, f"{cycles} cycles show no slope")
    threads = (active, thread_test) if thread_test else (LayerState.UNAVAILABLE, "not asked for")
    soak = (active, f"{soaked.cycles:,} cycles") if soaked is not None else (LayerState.UNAVAILABLE, "not asked for")
    return (
        ObserverStatus("wait status", active),
        ObserverStatus("notification", *heard),
        ObserverStatus("crash stop", active if traced == "" else LayerState.UNAVAILABLE, traced or ""),
        ObserverStatus("hang stacks", *stacks),
        ObserverStatus("maps", *maps),
        *(ObserverStatus(name, *looks) for name in ("descriptors", "threads", "process state", "signal table")),
        ObserverStatus("memory slope", *level),
        ObserverStatus("output", active),
        ObserverStatus("time", active),
        own,
        ObserverStatus("thread test", *threads),
        ObserverStatus("soak", *soak),
    )
