"""What a probe saw: a library was loaded, resolved, unloaded and loaded again in a confined child, and watched.

Every observation carries its witness. What the kernel said (wait status, system call notification, trace stop, the
files under /proc read from outside) can be relied on; what the child said of itself after foreign code ran in it
cannot, and is marked so. A probe is one run: absence of an observation is not absence of a behaviour.
"""

from __future__ import annotations

from enum import StrEnum

from loadstone.quick_dataclass import dataclass

__all__ = [
    "CrashRecord",
    "LayerState",
    "LayerStatus",
    "MappedObject",
    "Observation",
    "ObservationKind",
    "ObserverStatus",
    "Phase",
    "ProbeOutcome",
    "ProbeReport",
    "Soak",
    "StackFrame",
    "ThreadStack",
    "Trend",
    "Witness",
]


class ProbeOutcome(StrEnum):
    """How the run ended. Only ``ok`` and ``slow`` say that phases were completed; an exit status of 0 never does."""

    OK = "ok"
    LOAD_ERROR = "load_error"  # the loader refused, and said why
    CRASH = "crash"  # ended by a signal, or survived one by its own handler
    HANG = "hang"  # the time or processor limit ended it
    SLOW = "slow"  # every phase came through, with fewer cycles than asked for: there was no time for more
    EXITED = "exited"  # the library ended the process
    EXEC_REPLACED = "exec_replaced"  # the library replaced the program
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    LOST_CHANNEL = "lost_channel"  # the library closed the descriptors the probe talks through
    DENIED = "denied"  # the sandbox, not the library, made it fail
    NOT_RUN = "not_run"  # nothing of the library ran; the observation says why


class Phase(StrEnum):
    """What was under way, in order."""

    SETUP = "setup"
    LOAD = "load"
    RESOLVE = "resolve"
    CALLS = "calls"
    THREADS = "threads"
    UNLOAD = "unload"
    RELOAD = "reload"
    EXIT = "exit"


class Witness(StrEnum):
    """Who says so."""

    KERNEL = "kernel"
    CHILD = "child"  # the child of itself, after foreign code ran: a hint, no proof
    FILE = "file"  # read in the library's own bytes


class LayerState(StrEnum):
    """Whether a layer or an observer was at work."""

    ACTIVE = "active"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class ObservationKind(StrEnum):
    """What was seen; the values are stable words of the JSON contract."""

    CALL_REFUSED = "call-refused"  # a call that right libraries make too, and that the sandbox does not have
    CALL_RETURNED = "call-returned"  # a call that was asked for came back, and with what
    CODE_UNLISTED = "unlisted-code"
    CODE_WRITABLE = "writable-code"
    CRASH_HIDDEN = "crash-hidden"
    CWD_CHANGED = "cwd-changed"
    DAEMON_LEFT = "process-left"
    DESCRIPTOR_CLOSED = "descriptor-closed"
    DESCRIPTOR_LEFT = "descriptor-left"
    DESCRIPTOR_GROWTH = "descriptor-growth"
    DIFFERS_UNTRACED = "differs-untraced"
    ENVIRONMENT_CHANGED = "environment-changed"
    EXEC = "exec"
    EXIT_CALLED = "exit-called"
    FILE_READ = "file-read"
    FILE_WRITE = "file-write"
    FILE_CHANGED = "file-changed"  # removed, renamed, linked, its mode or owner set
    FORBIDDEN_CALL = "forbidden-call"
    FORGED_RECORD = "forged-record"
    LAZY_UNDEFINED = "lazy-undefined"
    LOAD_ERROR = "load-error"
    MEMORY_GROWTH = "memory-growth"
    MEMORY_PEAK = "memory-peak"
    MEMORY_REFUSED = "memory-refused"  # the sandbox has less than it asked for
    NEEDS_HOST = "needs-host"
    NETWORK = "network"
    NOT_RUN = "not-run"
    NOT_UNLOADED = "not-unloaded"
    OUTPUT = "output"
    PROCESS_CHANGED = "process-changed"  # how it counts with fractions, its locale, its limits
    PROCESS_STARTED = "process-started"
    RESOLVE_FAILED = "resolve-failed"
    SESSION_CHANGED = "session-changed"
    SIGNAL_HANDLER = "signal-handler"
    SIGNAL_MASK = "signal-mask"
    SIGNAL_SENT = "signal-sent"
    SLOW = "slow"
    THREAD_GROWTH = "thread-growth"
    THREAD_KEPT = "thread-kept"  # outlives the unload, and so does its code
    THREAD_LEFT = "thread-left"
    THREAD_STARTED = "thread-started"
    UMASK_CHANGED = "umask-changed"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen: its kind, the phase under way, who says so, and a sentence (raw text, not escaped)."""

    kind: ObservationKind
    phase: Phase
    witness: Witness
    detail: str


@dataclass(frozen=True, slots=True)
class _Status:
    """What is told of a layer and of an observer."""

    name: str
    state: LayerState
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else str(self.state)


@dataclass(frozen=True, slots=True)
class LayerStatus(_Status):
    """A layer of the sandbox. Active means that a trial inside the child was denied before the library was loaded.

    >>> str(LayerStatus("landlock", LayerState.UNAVAILABLE, "no such system call"))
    'unavailable: no such system call'
    """


@dataclass(frozen=True, slots=True)
class ObserverStatus(_Status):
    """A source of observations, and whether it was at work."""


@dataclass(frozen=True, slots=True)
class StackFrame:
    """A place in code: the file, the offset in it, the function when known; ``likely`` when found by scanning."""

    address: int
    library: str = ""
    offset: int = 0
    symbol: str = ""
    likely: bool = False

    def __str__(self) -> str:
        if not self.library:
            return f"{self.address:#x} (unmapped)"
        place = f"{self.library}+{self.offset:#x}"
        return f"{place} ({self.symbol})" if self.symbol else place


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashRecord:
    """The signal that stopped the child, as its tracer saw it.

    ``code`` is si_code; ``address`` the fault address, for the signals that have one; ``kind`` a short word for the
    common causes (``null page``, ``stack exhaustion``, ``unmapped code``, ``abort`` ...) or empty; ``subject`` the
    symbol being resolved or called, when one was. Source: sigaction(2).
    """

    signal: int
    name: str
    phase: Phase
    code: int | None = None
    address: int | None = None
    kind: str = ""
    subject: str = ""
    frames: tuple[StackFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class ThreadStack:
    """Where a thread was when the time limit ended the process: its name, what it did, its callers."""

    main: bool
    name: str
    does: str
    frames: tuple[StackFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class MappedObject:
    """A file the loader brought with the library: its path, the name the loader has for it, its base in that run.

    ``namespace`` is 0 but for what was loaded by dlmopen(3).
    """

    path: str
    name: str
    base: int
    namespace: int = 0


@dataclass(frozen=True, slots=True)
class Trend:
    """How much of one thing was in use over many cycles: at the ``first`` and ``last`` look after the warm-up.

    ``slope`` is how much more there was with every cycle; ``grows`` says that it kept growing to the end, and is not
    only a cache that filled.
    """

    quantity: str
    unit: str
    witness: Witness
    first: int
    last: int
    slope: float
    grows: bool


@dataclass(frozen=True, slots=True)
class Soak:
    """Cycles of load and unload that were made, of those ``asked`` for, and the trend of each thing looked at.

    >>> Soak(500, 500, (Trend("descriptors", "", Witness.KERNEL, 5, 5, 0.0, False),)).verdict
    'level'
    >>> Soak(7, 500, ()).verdict
    'cannot tell'
    """

    cycles: int
    asked: int
    trends: tuple[Trend, ...]

    @property
    def verdict(self) -> str:
        """``leaks``, ``level``, or ``cannot tell`` when too few cycles could be made."""
        if not self.trends:
            return "cannot tell"
        return "leaks" if any(trend.grows for trend in self.trends) else "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What one probe saw.

    ``phase`` is the last phase begun; ``signal`` the number that ended the child or None; ``sha256`` of the bytes that
    were probed ("" when none were); ``remembered`` tells a result of an earlier run of the same bytes from a new one;
    ``soak`` is None unless it was asked for and came through; ``stacks`` holds every thread of a run that hung;
    ``objects`` what was mapped with the library, itself included, in the loader's order.
    """

    target: str
    outcome: ProbeOutcome
    phase: Phase
    signal: int | None = None
    crash: CrashRecord | None = None
    observations: tuple[Observation, ...] = ()
    observers: tuple[ObserverStatus, ...] = ()
    layers: tuple[LayerStatus, ...] = ()
    sha256: str = ""
    remembered: bool = False
    soak: Soak | None = None
    stacks: tuple[ThreadStack, ...] = ()
    objects: tuple[MappedObject, ...] = ()

    @property
    def hid_its_crash(self) -> bool:
        """Whether the fault that was seen did not end it: the library's own handler took it, and it went on."""
        return self.outcome is ProbeOutcome.CRASH and self.crash is not None and self.signal is None

    @property
    def came_through(self) -> bool:
        """Whether every phase was completed, be it slowly."""
        return self.outcome in (ProbeOutcome.OK, ProbeOutcome.SLOW)

    def seen(self, kind: ObservationKind) -> tuple[Observation, ...]:
        """The observations of one kind."""
        return tuple(o for o in self.observations if o.kind is kind)
