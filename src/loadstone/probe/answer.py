"""What the helper answers: how one course went, as a frozen value on both sides of their socket.

Addresses are files and offsets here; the caller has the symbols that turn them into functions, and the words for
people.
"""

from __future__ import annotations

from loadstone.core.observations import (
    LayerStatus,
    MappedObject,
    ObservationKind,
    Phase,
    ProbeOutcome,
    Witness,
)
from loadstone.quick_dataclass import dataclass

__all__ = [
    "CodePlace",
    "CountedObservation",
    "HelperHello",
    "HelperReply",
    "ProbeAnswer",
    "TracedCrash",
    "TracedThread",
]


@dataclass(frozen=True, slots=True)
class HelperHello:
    """The first message of a helper: its process id."""

    process: int


@dataclass(frozen=True, slots=True)
class CountedObservation:
    """An observation, and how often it was made."""

    kind: ObservationKind
    phase: Phase
    witness: Witness
    detail: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class CodePlace:
    """An address as a file and the offset from where it was loaded; ``likely`` when it was found by scanning."""

    address: int
    path: str
    offset: int
    likely: bool


@dataclass(frozen=True, slots=True)
class TracedCrash:
    """What the tracer read when a deadly signal stopped a thread; ``code`` and ``address`` as sigaction(2) has them."""

    signal: int
    phase: Phase
    code: int | None = None
    address: int | None = None
    kind: str = ""
    frames: tuple[CodePlace, ...] = ()


@dataclass(frozen=True, slots=True)
class TracedThread:
    """A thread of a process that hung: whether it was its first, its name, what it did, and its frames."""

    main: bool
    name: str
    does: str
    frames: tuple[CodePlace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """How one course of one library went.

    ``signal`` ended it, and ``crash`` is what the tracer read then; ``symbol`` was being resolved or called.
    ``stacks`` are those of a hang. ``traced`` and ``notified`` say why there was no tracer and no notification, or "";
    ``traced`` is None when none was asked for. ``blind``, ``shared`` and ``unlisted`` say why /proc, the unload or the
    loader's list could not be looked at, or "". ``mapped`` files came with the library, ``objects`` of the loader's
    list too, ``kept`` ones stayed when it had been unloaded; ``unmapped`` says whether its own pages went. ``series``
    are the looks of a soak by quantity, over ``cycles``.
    """

    outcome: ProbeOutcome
    phase: Phase
    signal: int | None = None
    crash: TracedCrash | None = None
    symbol: str = ""
    stacks: tuple[TracedThread, ...] = ()
    observations: tuple[CountedObservation, ...] = ()
    layers: tuple[LayerStatus, ...] = ()
    traced: str | None = None
    notified: str = ""
    loaded_as: str = ""
    mapped: tuple[str, ...] = ()
    objects: tuple[MappedObject, ...] = ()
    unmapped: bool | None = None
    kept: tuple[str, ...] = ()
    blind: str = ""
    shared: str = ""
    unlisted: str = ""
    cycles: int = 0
    series: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class HelperReply:
    """The answer to one request, or why there is none: the system's words and its error number."""

    answer: ProbeAnswer | None = None
    failure: str = ""
    error: int = 0
