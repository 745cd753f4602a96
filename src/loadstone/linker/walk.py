"""Loaders other than glibc's: their rules behind one protocol, and the closure that all of them walk breadth first.

A loader is a :class:`Rules`: how it finds one name, what it says when it does not, and which symbols must be there.
The real loader stops at its first refusal; the walk notes it and goes on, so that one answer names all that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from loadstone.core.image import Dependency, DependencyKind, Image
from loadstone.core.limits import MAX_GRAPH_NODES
from loadstone.core.trace import (
    DependencyEdge,
    DependencyGraph,
    DependencyNode,
    Diagnosis,
    Explanation,
    LoadVerdict,
    SearchStep,
    StepOutcome,
    Trace,
)
from loadstone.errors import LoadstoneError
from loadstone.linker.request import LoaderModel
from loadstone.quick_dataclass import dataclass, field

__all__ = ["ResolvedName", "Rules", "SimulatedLibrary", "members_below", "simulated_by", "walk"]


@dataclass(slots=True, eq=False)
class SimulatedLibrary:
    """One library of the simulated process: its path, its image (None when only its name is known), who brought it in.

    ``assumed`` marks a library of the system that this machine does not have and that the loader would find.
    """

    path: str
    image: Image | None
    above: SimulatedLibrary | None = None
    depth: int = 0
    assumed: bool = False
    needs: list[tuple[Dependency, SimulatedLibrary | None]] = field(default_factory=list)

    @property
    def stack(self) -> tuple[SimulatedLibrary, ...]:
        """This library, what brought it in, and so on up to the first."""
        found: list[SimulatedLibrary] = [self]
        while found[-1].above is not None:
            found.append(found[-1].above)
        return tuple(found)

    @property
    def chain(self) -> tuple[str, ...]:
        return tuple(member.path for member in reversed(self.stack))


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """Where a name was found: the steps, then an image at a path, or a system library that is taken for granted."""

    steps: tuple[SearchStep, ...]
    path: str | None = None
    image: Image | None = None
    how: str = ""
    assumed: bool = False


class Rules(Protocol):
    """One loader's rules."""

    name: str
    assumptions: tuple[str, ...]

    def locate(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> ResolvedName:
        """Find one name for a requester (None: the target itself)."""

    def followed(self, image: Image) -> Iterable[Dependency]:
        """The dependencies that are opened while loading."""

    def missing(self, dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName) -> Diagnosis | None:
        """What a name that was not found means; None when the loader does not mind."""

    def unopenable(self, target: str, located: ResolvedName, reason: str) -> Diagnosis:
        """What a target that cannot be opened means."""

    def check(self, member: SimulatedLibrary, target: SimulatedLibrary) -> Iterable[Diagnosis]:
        """What the loader would refuse in a library that was found, once everything is."""


def walk(target: str, rules: Rules) -> Explanation:
    """Simulate the load of ``target`` and everything it needs."""
    located, reason = _first(target, rules)
    if located.image is None or located.path is None:
        refused = rules.unopenable(target, located, reason)
        return Explanation(
            target=target, verdict=LoadVerdict.FAILS, diagnoses=(refused,),
            graph=DependencyGraph((DependencyNode(target, None, None),)),
            assumptions=rules.assumptions, loader=rules.name, search=Trace(target, located.steps),
        )  # fmt: skip
    root = SimulatedLibrary(located.path, located.image)
    members, edges, diagnoses, assumed = _close(root, rules)
    for member in members:
        diagnoses += rules.check(member, root)
    nodes = tuple(DependencyNode(m.path, m.image.identity if m.image else m.path, m.image, m.depth) for m in members)
    return Explanation(
        target=target,
        verdict=_verdict(diagnoses),
        diagnoses=tuple(diagnoses),
        graph=DependencyGraph(nodes, tuple(edges)),
        assumptions=(*rules.assumptions, *assumed),
        loader=rules.name,
        search=Trace(target, located.steps, located.path, located.how),
    )


def _first(target: str, rules: Rules) -> tuple[ResolvedName, str]:
    try:
        return rules.locate(target, None, ()), ""
    except LoadstoneError as error:
        step = SearchStep("explicit", target, StepOutcome.FATAL, str(error))
        return ResolvedName((step,)), str(error)


def _verdict(diagnoses: list[Diagnosis]) -> LoadVerdict:
    if any(d.blocking for d in diagnoses):
        return LoadVerdict.FAILS
    return LoadVerdict.LOADS_WITH_RISK if diagnoses else LoadVerdict.LOADS


def _close(
    root: SimulatedLibrary, rules: Rules
) -> tuple[list[SimulatedLibrary], list[DependencyEdge], list[Diagnosis], tuple[str, ...]]:
    """Everything the root needs, breadth first; system libraries taken for granted are named once."""
    members, edges, diagnoses = [root], [], []
    granted: dict[str, None] = {}
    position = 0
    while position < len(members) <= MAX_GRAPH_NODES:
        member = members[position]
        position += 1
        for dependency in rules.followed(member.image) if member.image else ():
            located = rules.locate(dependency.name, member, tuple(members))
            found = next((m for m in members if m.path == located.path), None)
            if found is None and located.path is not None:
                found = SimulatedLibrary(located.path, located.image, member, member.depth + 1, located.assumed)
                members.append(found)
            member.needs.append((dependency, found))
            edges.append(
                DependencyEdge(member.path, dependency.name, located.path, located.how, dependency.kind, located.steps)
            )
            if located.assumed:
                granted[dependency.name] = None
            if found is None:
                diagnosis = rules.missing(dependency, member, located)
                diagnoses += [diagnosis] if diagnosis is not None else []
    said = (f"of the system, taken for granted: {', '.join(granted)}",) if granted else ()
    return members, edges, diagnoses, said


def members_below(root: SimulatedLibrary) -> tuple[SimulatedLibrary, ...]:
    """A library and all that it brings in, breadth first."""
    found, position = [root], 0
    while position < len(found):
        found += [m for _, m in found[position].needs if m is not None and m not in found]
        position += 1
    return tuple(found)


def simulated_by(model: LoaderModel, name: str) -> str:
    """The loader's name with the processor, as explanations show it."""
    return f"{name}, {model.abi.name}"


OPTIONAL = frozenset((DependencyKind.WEAK, DependencyKind.DELAY, DependencyKind.LAZY, DependencyKind.AUXILIARY))
"""Dependencies without which a load goes on."""
