"""What a fuzzing campaign found, as values."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from loadstone.core.claims import Claim, Confidence, Finding, Location, Settler, Severity, Undecided
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass

__all__ = ["MEMORY_ERRORS", "CrashSite", "FuzzFinding", "FuzzProgress", "FuzzReport", "Stopped", "fuzz_claims"]


MEMORY_ERRORS: Final = (
    "heap-buffer-overflow",
    "heap-use-after-free",
    "double-free",
    "bad-free",
    "memory-leak",
    "out-of-memory",
    "use-of-uninitialized-value",
    "global-buffer-overflow",
    "stack-buffer-overflow",
)
"""Errors in the use of memory, by the names that AddressSanitizer and its kin (and libFuzzer) give them."""


class Stopped(StrEnum):
    """Why a campaign ended."""

    TIME = "time"
    RUNS = "runs"
    FIRST = "first finding"
    INTERRUPTED = "interrupted"
    CANNOT_LOAD = "cannot load"
    NOT_RUN = "not run"  # a required layer of the sandbox is missing
    LOST = "lost worker"


@dataclass(frozen=True, slots=True)
class CrashSite:
    """One frame inside the library: virtual address, function ("" when stripped), offset in that function."""

    address: int
    function: str
    offset: int

    def __str__(self) -> str:
        return f"{self.function}+{self.offset:#x}" if self.function else f"{self.address:#x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzFinding:
    """One distinct way to break the function.

    ``kind`` is one of :data:`MEMORY_ERRORS`, ``stack-overflow``, ``descriptor-leak``, a signal's name, ``hang``,
    ``exit``, ``memory`` or ``check``; ``signal`` is what it died of, "" where it did not; ``detail`` says more: how
    far past which block, or what a check said; ``words`` the last it wrote to standard error; ``guard`` says which
    guard page of the input was touched (``over``, ``under``); ``heap`` how the heap was guarded; ``slack`` how many
    bytes of 0 lay behind the input, which it reads past; ``allocated`` and ``freed`` are the calls in the library
    that lead to the allocation and the free of the block;
    ``inputs`` is the shortest sequence found that shows it, the last one doing so; ``repeated`` of ``tries`` fresh
    processes showed it again; ``folder`` is where it was saved.
    """

    kind: str
    stack_hash: str
    frames: tuple[CrashSite, ...]
    inputs: tuple[bytes, ...]
    guard: str = ""
    heap: str = "plain"
    slack: int = 0
    fault_address: int = 0
    run: int = 0
    repeated: int = 0
    tries: int = 0
    folder: str = ""
    detail: str = ""
    words: str = ""
    signal: str = ""
    allocated: tuple[CrashSite, ...] = ()
    freed: tuple[CrashSite, ...] = ()

    @property
    def reproducible(self) -> bool:
        return 0 < self.tries == self.repeated

    @property
    def title(self) -> str:
        """One line: what happened, and where."""
        if self.frames:
            where = f" in {self.frames[0]}"
        else:
            where = f", allocated in {self.allocated[0]}" if self.allocated else ""
        by = f" ({self.signal})" if self.signal not in ("", self.kind) else ""
        said = f": {self.detail}" if self.detail else ""
        past = ", after reading past the input" if self.slack else ""
        return f"{self.kind}{by}{where}{said}{past}"


@dataclass(frozen=True, slots=True)
class FuzzProgress:
    """The state of a campaign under way; times are seconds.

    ``confirmed`` is how many findings were tried again; None while it searches.
    """

    seconds: float
    runs: int
    blocks: int
    blocks_total: int
    corpus: int
    findings: int
    since_new_s: float
    confirmed: int | None = None

    @property
    def runs_per_s(self) -> float:
        return self.runs / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzReport:
    """The whole campaign. ``flaky`` ones were seen once and not again in fresh processes: told, not counted."""

    library: str
    sha256: str
    prototype: str
    seed: int
    stopped: Stopped
    level: str
    progress: FuzzProgress
    findings: tuple[FuzzFinding, ...] = ()
    flaky: tuple[FuzzFinding, ...] = ()
    observers: tuple[tuple[str, str], ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    loader_message: str = ""
    curve: tuple[FuzzProgress, ...] = ()


_WEAKNESS: Final = {
    "over": 125, "under": 125, "hang": 835, "memory": 400, "exit": 248, "SIGABRT": 119, "heap-buffer-overflow": 122,
    "heap-use-after-free": 416, "double-free": 415, "bad-free": 763, "memory-leak": 401, "out-of-memory": 789,
    "use-of-uninitialized-value": 908, "stack-overflow": 674, "descriptor-leak": 775,
}  # fmt: skip
_MEDIUM: Final = ("hang", "memory", "exit", "descriptor-leak", "memory-leak", "out-of-memory")


def fuzz_claims(report: FuzzReport) -> tuple[Claim, ...]:
    """The findings as claims, so that they meet the same verdict and the same reports as all others."""
    place = Location(report.library)
    claims: list[Claim] = [
        Finding(
            rule=f"fuzz-{finding.kind.lower()}",
            message=f"{finding.title}, shown by an input of {len(finding.inputs[-1])} bytes",
            location=place,
            practice=Practice.RUNTIME,
            context=report.prototype,
            subject=finding.stack_hash,
            severity=Severity.MEDIUM if finding.kind in _MEDIUM else Severity.HIGH,
            cwe=_WEAKNESS.get(finding.guard) or _WEAKNESS.get(finding.kind, 119),
            fix=f"run {finding.folder}/repro.py" if finding.folder else "",
        )
        for finding in report.findings
    ]
    claims += [
        Undecided(
            rule=f"fuzz-{finding.kind.lower()}",
            message=f"{finding.title}, seen once",
            location=place,
            practice=Practice.RUNTIME,
            confidence=Confidence.POSSIBLE,
            context=report.prototype,
            subject=finding.stack_hash,
            reason=f"{finding.repeated} of {finding.tries} fresh processes showed it again",
            settled_by=Settler.HUMAN,
        )
        for finding in report.flaky
    ]
    if report.stopped in (Stopped.CANNOT_LOAD, Stopped.NOT_RUN):
        claims.append(
            Undecided(
                rule="fuzz-not-run",
                message=f"it was not fuzzed: {report.loader_message or report.stopped}",
                location=place,
                practice=Practice.RUNTIME,
                context=report.prototype,
                reason=report.loader_message or report.stopped.value,
                settled_by=Settler.HUMAN,
            )
        )
    return tuple(claims)
