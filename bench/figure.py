"""What a benchmark says: a figure, its peers' figures of the same run, and the bar it has to reach.

A module of this folder has ``FIGURES``, a tuple of :class:`Figure`. Each is measured by itself: one that fails is
named and the rest go on. Ours and the peers take turns (:func:`alternate`), so a busy machine slows all alike.
"""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

__all__ = [
    "Bar",
    "Figure",
    "Row",
    "Sample",
    "alternate",
    "at_least",
    "at_most",
    "beside",
    "cpu_of",
    "each_call",
    "faster_than",
    "processor_seconds",
    "times_of",
]


_OURS = "loadstone"


@dataclass(frozen=True, slots=True)
class Sample:
    """Several measurements of one thing: the median and the quartiles around it, in the unit of the row."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """The summary of one or more measurements."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def scaled(self, factor: float) -> Sample:
        """The same in another unit."""
        return Sample(self.middle * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach, and whether it did; None where the peer was not there to compare with."""

    text: str
    met: Callable[[Row], bool | None]
    reason: str = ""
    """Why it is missed, and what would help; said when it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its peers. A peer that is not installed has None. ``note`` says what a peer leaves out."""

    what: str
    unit: str
    ours: Sample
    peers: Mapping[str, Sample | None] = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()
    more_is_better: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that can be measured: ``measure`` gives one row or several that share a set-up."""

    what: str
    measure: Callable[[], Iterable[Row]]


def at_most(limit: float, reason: str = "") -> Bar:
    """Ours is no more than ``limit``, in the unit of the row."""
    return Bar(f"<= {limit:,g}", lambda row: row.ours.middle <= limit, reason)


def at_least(limit: float, reason: str = "") -> Bar:
    """Ours is no less than ``limit``, in the unit of the row."""
    return Bar(f">= {limit:,g}", lambda row: row.ours.middle >= limit, reason)


def times_of(peer: str, most: float, reason: str = "") -> Bar:
    """Ours is no more than so many times the peer's."""

    def met(row: Row) -> bool | None:
        theirs = row.peers.get(peer)
        return None if theirs is None else row.ours.middle <= most * theirs.middle

    return Bar(f"<= {most:g}x {peer}", met, reason)


def faster_than(peer: str, least: float = 1.0, reason: str = "") -> Bar:
    """Ours is better than the peer's by this factor: less time, or a higher rate."""

    def met(row: Row) -> bool | None:
        theirs = row.peers.get(peer)
        if theirs is None:
            return None
        ours, other = row.ours.middle, theirs.middle
        return ours >= least * other if row.more_is_better else ours * least <= other

    return Bar(f"{least:g}x better than {peer}", met, reason)


def alternate(
    measures: Mapping[str, Callable[[], float] | None], *, rounds: int = 7, warm_up: int = 1
) -> dict[str, Sample | None]:
    """Measure in turns, A B C A B C; a ``measure`` returns one measurement, None stands for a peer that is missing."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(warm_up + rounds):
        for name, measure in measures.items():
            if measure is None:
                continue
            value = measure()
            if number >= warm_up:
                found[name].append(value)
    return {name: Sample.of(values) if values else None for name, values in found.items()}


def beside(
    what: str,
    unit: str,
    ours: Callable[[], float],
    peers: Mapping[str, Callable[[], float] | None],
    bars: tuple[Bar, ...] = (),
    *,
    scale: float = 1.0,
    rounds: int = 7,
    more_is_better: bool = False,
    note: str = "",
) -> Row:
    """Ours and the peers measured in turns, as one row; ``scale`` brings a measurement to the row's unit."""
    samples = {n: s and s.scaled(scale) for n, s in alternate({_OURS: ours, **peers}, rounds=rounds).items()}
    mine = samples.pop(_OURS)
    assert mine is not None
    return Row(what, unit, mine, samples, bars, more_is_better=more_is_better, note=note)


def each_call(
    call: Callable[[], object], number: int = 1, *, clock: Callable[[], float] = time.process_time
) -> Callable[[], float]:
    """A measurement of seconds per call over ``number`` calls; processor time unless another clock is given."""

    def measure() -> float:
        start = clock()
        for _ in range(number):
            call()
        return (clock() - start) / number

    return measure


def processor_seconds() -> float:
    """Processor time so far of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def cpu_of(*words: str) -> Callable[[], float]:
    """A measurement of a whole process: seconds of processor time, user and system, its children included."""

    def measure() -> float:
        before = processor_seconds()
        subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return processor_seconds() - before

    return measure
