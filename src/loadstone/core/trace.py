"""What a simulated search and load looked like: steps, traces, the graph, diagnoses and the explanation."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from loadstone.core.claims import Confidence, Finding, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.core.image import DependencyKind, Image

__all__ = [
    "Binding",
    "DependencyEdge",
    "DependencyGraph",
    "DependencyNode",
    "Diagnosis",
    "Explanation",
    "LoadVerdict",
    "SearchStep",
    "StepOutcome",
    "Trace",
]


class StepOutcome(StrEnum):
    """What came of one candidate."""

    TAKEN = "taken"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    SKIPPED = "skipped"  # it is there, and the search goes on all the same: other class or machine, not trusted
    FATAL = "fatal"  # it is there, unusable, and ends the search
    NOT_CONSULTED = "not consulted"  # the rule exists but did not apply here; the reason says why


@dataclass(frozen=True, slots=True)
class SearchStep:
    """One candidate of a search: which rule produced it, from whose element, what came of it and why.

    ``rule`` is a stable word (``rpath``, ``runpath``, ``ld_library_path``, ``cache``, ``default``, ``loaded-soname``,
    ``same-inode``, ``explicit`` ...); ``candidate`` the path tried; ``source`` the image or setting the rule was read
    from; ``element`` the raw search-path element before expansion; ``errno`` the system's number where there was one.
    """

    rule: str
    candidate: str
    outcome: StepOutcome
    reason: str = ""
    source: str = ""
    element: str = ""
    errno: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The search for one name: every candidate in order, and the path taken (None when nothing was).

    ``how`` is the rule of the step that won.
    """

    name: str
    steps: tuple[SearchStep, ...] = ()
    path: str | None = None
    how: str = ""

    @property
    def found(self) -> bool:
        return self.path is not None


@dataclass(frozen=True, slots=True)
class DependencyNode:
    """A library in the graph: the path it was opened by, what was read from it (None when it could not be read)."""

    path: str
    identity: str | None
    image: Image | None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class DependencyEdge:
    """One dependency: who asked for which name, what was chosen (None: unresolved), by which rule, after what steps.

    ``note`` is what the file says about it: for a declared dlopen its priority and feature.
    """

    requester: str
    name: str
    chosen: str | None
    how: str
    kind: DependencyKind
    steps: tuple[SearchStep, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """Nodes in the order the loader would load them (breadth first), and an edge a dependency, in the same order."""

    nodes: tuple[DependencyNode, ...] = ()
    edges: tuple[DependencyEdge, ...] = ()

    @property
    def root(self) -> DependencyNode:
        return self.nodes[0]

    def node(self, path: str) -> DependencyNode | None:
        """The node opened by ``path``, or None."""
        return next((n for n in self.nodes if n.path == path), None)

    def needs(self, path: str) -> tuple[DependencyEdge, ...]:
        """The edges of one requester, in its own order."""
        return tuple(e for e in self.edges if e.requester == path)


@dataclass(frozen=True, slots=True)
class Binding:
    """One import matched to the export the loader would choose; ``shadowed`` lists later definitions that lost.

    ``linked_file`` is the file the import's version says it was linked against.
    """

    consumer: str
    symbol: str
    version: str | None
    provider: str | None
    weak: bool = False
    lazy: bool = False
    shadowed: tuple[str, ...] = ()
    linked_file: str | None = None


class LoadVerdict(StrEnum):
    """Whether the loader would load the target."""

    LOADS = "loads"
    LOADS_WITH_RISK = "loads with risk"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One reason a load fails or is at risk.

    ``code`` is a stable word (``dep-not-found``, ``version-not-found`` ...), ``subject`` the file or name concerned,
    ``chain`` how the target reaches it, ``evidence`` the bytes that show it, ``steps`` the search that missed,
    ``loader_message`` the words the system's loader is predicted to say, ``explanation`` a sentence for a newcomer,
    ``advice`` what to do, as a command where there is one.
    """

    code: str
    blocking: bool
    subject: str
    explanation: str
    loader_message: str = ""
    advice: str = ""
    chain: tuple[str, ...] = ()
    evidence: tuple[Location, ...] = ()
    steps: tuple[SearchStep, ...] = ()
    severity: Severity = Severity.MEDIUM
    cwe: int | None = None
    confidence: Confidence = Confidence.CERTAIN

    def finding(self) -> Finding:
        """The same thing as a claim, so that one verdict function and one report serve it."""
        place = self.evidence[0] if self.evidence else Location(self.subject)
        return Finding(
            rule=self.code,
            message=self.explanation,
            location=place,
            practice=Practice.LOADABILITY,
            confidence=self.confidence,
            severity=Severity.CRITICAL if self.blocking else self.severity,
            cwe=self.cwe,
            fix=self.advice,
            blocking=self.blocking,
            subject="" if place.path == self.subject else self.subject.rpartition("/")[2],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Will it load, and if not, why: the verdict, the reasons in the order the loader would meet them, the graph.

    ``assumptions`` says which outside facts were taken for granted; ``loader`` which loader was simulated; ``search``
    how the target itself was found (None when a program was started).
    """

    target: str
    verdict: LoadVerdict
    diagnoses: tuple[Diagnosis, ...] = ()
    graph: DependencyGraph = DependencyGraph()
    bindings: tuple[Binding, ...] = ()
    assumptions: tuple[str, ...] = ()
    loader: str = ""
    search: Trace | None = None

    @property
    def first_blocking(self) -> Diagnosis | None:
        """The diagnosis that stops the load first, or None."""
        return next((d for d in self.diagnoses if d.blocking), None)
