"""One part of a run: source files that are read and asked about together, within their time."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from types import FrameType
from typing import Final, TypeVar

from loadstone.core.claims import Claim, Location
from loadstone.core.fingerprints import fingerprints, statements
from loadstone.core.review import Limit, LimitKind, Result, ReviewedFile
from loadstone.forks import forked
from loadstone.quick_dataclass import dataclass
from loadstone.review import frontends, ir, rules, walk
from loadstone.review.frontends import python
from loadstone.review.frontends.c.directives import MacroDefinition
from loadstone.review.frontends.c.headers import ProjectHeaders
from loadstone.review.reached import with_reached
from loadstone.review.suppress import Directive, apply, directives

__all__ = ["Batch", "BatchOutcome", "SourceFile", "review_batch"]

T = TypeVar("T")

Macros = Mapping[str, Mapping[str, MacroDefinition]]
"""The macros of headers that each file uses, by its path."""

_UNREAD_SHARE: Final = 0.1
"""Share of a file's lines in gaps from which no clean verdict is given for it."""

_TOGETHER_SHARE: Final = 0.5
"""Of the time that files have: the rest is left to ask of each alone, where all together take too long."""

_WORTH_A_COPY: Final = 32 << 10
"""Bytes of source from which it pays to copy this process: a copy costs some milliseconds, four times a batch."""

_LEAST_S: Final = 0.001
"""An interval timer of 0 would never ring."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One source file: its path as it will be reported, and its bytes."""

    path: str
    language: ir.Language
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Batch:
    """Files whose functions may know each other, and the seconds of processor time one of them may take, all in all.

    ``tables`` are paths of the user's own interface tables.
    """

    sources: tuple[SourceFile, ...]
    seconds_per_file: float
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What came of a batch."""

    results: tuple[Result, ...] = ()
    limits: tuple[Limit, ...] = ()
    files: tuple[ReviewedFile, ...] = ()


class _TimeUp(BaseException):
    """The clock rang. Not an Exception, so that no handler on the way takes it for one of its own."""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise :class:`_TimeUp` in the body after ``seconds`` of processor time, so that a busy system changes nothing.

    Without effect off the main thread, and on systems without interval timers (Windows).
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGPROF, ring)  # type: ignore[attr-defined,unused-ignore]
    signal.setitimer(signal.ITIMER_PROF, seconds)  # type: ignore[attr-defined,unused-ignore]
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)  # type: ignore[attr-defined,unused-ignore]
        signal.signal(signal.SIGPROF, before)  # type: ignore[attr-defined,unused-ignore]


@contextmanager
def _collector_off() -> Iterator[None]:
    """Trees are large, alive, and nearly free of cycles: looking for these again and again doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _spent() -> float:
    """The processor time of this process and of those it has started and seen end."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


class _Budget:
    """The processor time that each file has left, for whatever is done with it. Used by one thread."""

    def __init__(self, batch: Batch) -> None:
        self._seconds = batch.seconds_per_file
        self._left = {source.path: self._seconds for source in batch.sources}

    def attempt(self, paths: Sequence[str], work: Callable[[], T], *, share: float = 1.0) -> T | str:
        """The result of ``work`` on these files within that share of what they have left, or why there is none."""
        made, used = self._timed(share * sum(self._left[path] for path in paths), work)
        for path in paths:
            self._left[path] -= used / len(paths)
        return made

    def attempt_each(self, work: Sequence[tuple[str, Callable[[], T]]], processes: int) -> list[T | str]:
        """As :meth:`attempt`, of pieces of work on one file each, by up to that many processes."""
        made = forked(lambda one: self._timed(self._left[one[0]], one[1]), work, processes=processes)
        for (path, _), (_, used) in zip(work, made, strict=True):
            self._left[path] -= used
        return [found for found, _ in made]

    def _timed(self, seconds: float, work: Callable[[], T]) -> tuple[T | str, float]:
        began = _spent()
        made: T | str
        try:
            with _within(max(seconds, _LEAST_S)):
                made = work()
        except _TimeUp:
            made = f"not finished within {self._seconds:g} s of processor time"
        except RecursionError:
            made = "nested deeper than can be followed"
        return made, _spent() - began


def review_batch(batch: Batch, processes: int = 1) -> BatchOutcome:
    """Read every file of the batch and ask every rule of them together; failing that, one by one.

    Up to ``processes`` share the work; what comes of it is the same.
    """
    with _collector_off():
        try:
            size = sum(len(source.content) for source in batch.sources)
            return _review(batch, processes if size >= _WORTH_A_COPY else 1)
        finally:
            walk.forget()


def _review(batch: Batch, processes: int) -> BatchOutcome:
    units: list[ir.Unit] = []
    limits: list[Limit] = []
    budget = _Budget(batch)
    native = [source for source in batch.sources if source.language is not ir.Language.PYTHON]
    headers = ProjectHeaders((source.path, source.content) for source in native)
    macros = {source.path: headers.macros(source.path, source.content) for source in native}
    parse = partial(_parse, macros=macros, everything=bool(batch.tables))
    parsed = budget.attempt_each([(source.path, partial(parse, source)) for source in batch.sources], processes)
    for source, unit in zip(batch.sources, parsed, strict=True):
        if isinstance(unit, str):
            limits.append(Limit(LimitKind.TIME, Location(source.path), unit, gap=True))
        else:
            units.append(unit)
    units = _with_reached(units, batch, macros, budget, processes)
    claims: list[Claim] = []
    for together in _alone_if_need_be(units, budget, batch.tables, processes):
        if isinstance(together, Limit):
            limits.append(together)
        else:
            claims += together
    limits += [limit for unit in units for limit in _gaps(unit)]
    written = [d for unit in units for d in directives(unit.path, unit.text, unit.language)]
    results, unused = _waived(_named(claims, units), written)
    digests = {source.path: source.digest for source in batch.sources}
    files = tuple(
        ReviewedFile(unit.path, unit.language.value, unit.line_count, digest=digests[unit.path]) for unit in units
    )
    return BatchOutcome(results, (*limits, *unused), files)


def _alone_if_need_be(
    units: Sequence[ir.Unit], budget: _Budget, tables: tuple[str, ...], processes: int
) -> Iterator[Sequence[Claim] | Limit]:
    """What the rules say of all files together; where that takes too long, of each by itself."""
    share = 1.0 if len(units) < 2 else _TOGETHER_SHARE
    paths = [unit.path for unit in units]
    program = ir.Program(tuple(units))
    whole = budget.attempt(paths, lambda: rules.ask(program, tables=tables, processes=processes), share=share)
    if not isinstance(whole, str):
        yield whole
    elif len(units) == 1:
        yield Limit(LimitKind.TIME, Location(units[0].path), whole, gap=True)
    else:
        for unit in units:
            alone = budget.attempt([unit.path], lambda u=unit: rules.ask(ir.Program((u,)), tables=tables))  # type: ignore[misc]
            yield Limit(LimitKind.TIME, Location(unit.path), alone, gap=True) if isinstance(alone, str) else alone


def _parse(source: SourceFile, *, macros: Macros, everything: bool) -> ir.Unit:
    """The unit; with tables of the project's own, a Python file need not speak of libraries to be read through."""
    if everything and source.language is ir.Language.PYTHON:
        return python.parse(source.path, source.content, everything=True)
    return frontends.parse(source.path, source.content, source.language, macros=macros.get(source.path))


def _with_reached(
    units: Sequence[ir.Unit], batch: Batch, macros: Macros, budget: _Budget, processes: int
) -> list[ir.Unit]:
    """The units, with those read through that a file which handles libraries leads to."""
    contents = {source.path: source.content for source in batch.sources}

    def again(wanted: Sequence[tuple[ir.Unit, frozenset[str]]]) -> list[ir.Unit | None]:
        work: list[tuple[str, Callable[[], ir.Unit]]] = []
        for unit, names in wanted:
            path, language = unit.path, unit.language
            read = partial(frontends.parse, path, contents[path], language, wanted=names, macros=macros.get(path))
            work.append((path, read))
        return [made if isinstance(made, ir.Unit) else None for made in budget.attempt_each(work, processes)]

    return with_reached(units, again)


def _waived(results: Sequence[Result], written: Sequence[Directive]) -> tuple[tuple[Result, ...], tuple[Limit, ...]]:
    return apply(results, written, date.today())  # noqa: DTZ011 - a day in the calendar of whoever asks


def _named(claims: Sequence[Claim], units: Sequence[ir.Unit]) -> tuple[Result, ...]:
    """The claims with their fingerprints, made from the text of the statements they are about."""
    lines: dict[str, list[str]] = {unit.path: unit.text.split("\n") for unit in units}
    statement = statements(lambda path: lines.get(path, ()))
    named = zip(claims, fingerprints(claims, statement), strict=True)
    return tuple(Result(claim, fingerprint) for claim, fingerprint in named)


def _gaps(unit: ir.Unit) -> Iterator[Limit]:
    """Each reason once a file, with how much of the file it covers."""
    grouped: defaultdict[str, list[ir.Gap]] = defaultdict(list)
    for gap in unit.gaps:
        grouped[gap.why].append(gap)
    for why, gaps in grouped.items():
        covered = sum(gap.end_line - gap.line + 1 for gap in gaps)
        place = Location.lines(unit.path, gaps[0].line, gaps[0].end_line)
        further = f", in {len(gaps)} places" if len(gaps) > 1 else ""
        message = f"{covered} of {unit.line_count} lines were not read{further}: {why}"
        yield Limit(LimitKind.PARSE_GAP, place, message, gap=covered > _UNREAD_SHARE * max(unit.line_count, 1))
