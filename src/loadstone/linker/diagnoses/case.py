"""What a diagnosis may look at: the finished simulation, and helpers to put findings into words."""

from __future__ import annotations

from loadstone.core.claims import Confidence, Location, Severity
from loadstone.core.trace import Binding, Diagnosis, SearchStep
from loadstone.linker.graph import FailureStage, Process, Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.request import LoaderModel
from loadstone.quick_dataclass import dataclass, field

__all__ = ["SimulatedLoad", "blocking", "risk"]


@dataclass(slots=True)
class SimulatedLoad:
    """One simulated load: the process, the objects the target brought together in breadth-first order."""

    target: str
    process: Process
    searchlist: list[LoadedObject] = field(default_factory=list)
    starts_program: bool = False
    bindings: list[Binding] = field(default_factory=list)

    @property
    def model(self) -> LoaderModel:
        return self.process.model

    def chain_to(self, refusal: Refusal) -> tuple[str, ...]:
        """How the target leads to what was refused."""
        asking = refusal.requester
        if asking is None:
            return (refusal.name,)
        if refusal.dependency is None:
            return asking.chain
        return (*asking.chain, refusal.name)

    def wanted_by(self, refusal: Refusal) -> str:
        """``libb.so needs `` or nothing, to begin a sentence with."""
        return f"{leaf(refusal.requester.path)} needs {refusal.name}" if refusal.requester else refusal.name


def leaf(path: str) -> str:
    """The last component of a path."""
    return path.rpartition("/")[2] or path


def _evidence(refusal: Refusal) -> tuple[Location, ...]:
    """The entry of the file that asks, and the bytes of the file that is wrong, as far as there are any."""
    found = []
    if refusal.requester is not None and refusal.dependency is not None and refusal.dependency.offset:
        found.append(Location.bytes(refusal.requester.path, refusal.dependency.offset, 1))
    if refusal.opened is not None:
        found.append(Location.bytes(refusal.opened.path, refusal.failure.offset, 1))
    elif refusal.failure.offset and refusal.requester is not None:
        found.append(Location.bytes(refusal.requester.path, refusal.failure.offset, 1))
    return tuple(found)


def _spoken(case: SimulatedLoad, refusal: Refusal) -> str:
    """The words as they would be seen: from dlerror, or on standard error of a program that does not start."""
    message = refusal.failure.message
    if refusal.crashes:
        return message if refusal.failure.subject.startswith("Inconsistency") else refusal.failure.text
    if refusal.phase is FailureStage.KERNEL or (not case.starts_program and refusal.fatal):
        return message
    program = case.target if case.starts_program else case.model.main_image or "program"
    return f"{program}: {refusal.phase.value.lstrip()}{message}"


def blocking(
    case: SimulatedLoad,
    refusal: Refusal,
    explanation: str,
    advice: str = "",
    *,
    code: str = "",
    cwe: int | None = None,
    confidence: Confidence = Confidence.CERTAIN,
    steps: tuple[SearchStep, ...] | None = None,
) -> Diagnosis:
    """A diagnosis for a refusal, in the loader's words and ours."""
    return Diagnosis(
        code=code or refusal.code,
        blocking=refusal.fatal,
        subject=refusal.opened.path if refusal.opened else refusal.name,
        explanation=explanation,
        loader_message=_spoken(case, refusal),
        advice=advice,
        chain=case.chain_to(refusal),
        evidence=_evidence(refusal),
        steps=refusal.steps if steps is None else steps,
        severity=Severity.CRITICAL if refusal.fatal else Severity.MEDIUM,
        cwe=cwe,
        confidence=confidence,
    )


def risk(
    code: str,
    subject: str,
    explanation: str,
    advice: str = "",
    *,
    evidence: tuple[Location, ...] = (),
    chain: tuple[str, ...] = (),
    severity: Severity = Severity.LOW,
    cwe: int | None = None,
    confidence: Confidence = Confidence.CERTAIN,
    loader_message: str = "",
) -> Diagnosis:
    """A diagnosis that does not stop the load."""
    return Diagnosis(
        code=code,
        blocking=False,
        subject=subject,
        explanation=explanation,
        loader_message=loader_message,
        advice=advice,
        chain=chain,
        evidence=evidence,
        severity=severity,
        cwe=cwe,
        confidence=confidence,
    )
