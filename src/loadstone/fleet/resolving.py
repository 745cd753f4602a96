"""The graph of one input that stands for itself: a wheel, an image of a container, a loose file.

Packages of a distribution need each other; theirs is made from the whole snapshot, see :mod:`loadstone.fleet.commit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from loadstone.core.trace import Diagnosis, Explanation
from loadstone.linker import explain
from loadstone.linker.surveys.survey import explanations
from loadstone.quick_dataclass import dataclass

__all__ = ["Resolved", "ResolvedEdge", "resolved_file", "resolved_package"]

_BETWEEN: Final = "!/"


@dataclass(frozen=True, slots=True)
class ResolvedEdge:
    """One dependency: who asks for what, on the way from which root, who won (None: nobody) and by which rule."""

    root: str
    requester: str
    name: str
    kind: str
    chosen: str | None
    how: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Every edge of some roots, and the diagnoses of each root with its verdict."""

    edges: tuple[ResolvedEdge, ...]
    diagnoses: tuple[tuple[str, str, Diagnosis], ...]


def resolved_package(path: str) -> Resolved:
    """Every library of an archive opened as its own system would. Raises as :func:`loadstone.archives.walk`."""
    return _resolved(((found.partition(_BETWEEN)[2], e) for found, e in explanations(path)), f"{path}{_BETWEEN}")


def resolved_file(path: str) -> Resolved:
    """One file as this system would open it."""
    return _resolved([(path, explain(path, as_library=True, bindings=False))], "")


def _resolved(found: Iterable[tuple[str, Explanation]], place: str) -> Resolved:
    edges: list[ResolvedEdge] = []
    diagnoses: list[tuple[str, str, Diagnosis]] = []
    for root, explained in found:
        for edge in explained.graph.edges:
            chosen = edge.chosen and _inside(edge.chosen, place)
            edges.append(
                ResolvedEdge(root, _inside(edge.requester, place), edge.name, edge.kind.value, chosen, edge.how)
            )
        diagnoses += [(root, explained.verdict.value, diagnosis) for diagnosis in explained.diagnoses]
    return Resolved(tuple(edges), tuple(diagnoses))


def _inside(path: str, place: str) -> str:
    """A path of an archive as it is called in it; any other as it is."""
    return path.rpartition(_BETWEEN)[2] if place and _BETWEEN in path else path
