"""What a simulated glibc load means: a verdict, its reasons and the graph."""

from __future__ import annotations

from loadstone.core.trace import DependencyGraph, DependencyNode, Diagnosis, Explanation, LoadVerdict, Trace
from loadstone.linker.diagnoses import SimulatedLoad, auditors, diagnose, risks
from loadstone.linker.glibc_load import Load, SharedLoads, simulate
from loadstone.linker.graph import Process
from loadstone.linker.request import LoaderModel

__all__ = ["explain_glibc", "search_glibc"]


def explain_glibc(
    name: str, model: LoaderModel, *, as_library: bool, bindings: bool, shared: SharedLoads | None = None
) -> Explanation:
    """Load ``name`` as glibc would and say what came of it; arguments as :func:`loadstone.linker.explain`."""
    load = simulate(name, model, as_library=as_library, bindings=bindings, shared=shared)
    case = SimulatedLoad(name, load.process, load.searchlist, load.starts_program, load.bindings)
    diagnoses = [diagnose(case, refusal) for refusal in load.refusals]
    if load.root is not None:
        diagnoses += risks(case)
    if load.process.program is not None or not load.starts_program:
        diagnoses = [*auditors(case), *diagnoses]  # they come before anything is loaded
    answer = Explanation(
        target=name,
        verdict=_verdict(diagnoses),
        diagnoses=tuple(diagnoses),
        graph=_graph(load, name),
        bindings=tuple(load.bindings),
        assumptions=(*_left_open(diagnoses), *_assumptions(load, model)),
        loader=f"glibc {model.release[0]}.{model.release[1]}, {model.abi.name}",
        search=_trace(name, load),
    )
    if shared is not None:
        load.process.end()
    return answer


def _verdict(diagnoses: list[Diagnosis]) -> LoadVerdict:
    codes = {d.code for d in diagnoses}
    if "audit-redirects" in codes:  # whatever was found or missed, its code has the last word
        return LoadVerdict.UNKNOWN
    if any(d.blocking for d in diagnoses):
        return LoadVerdict.FAILS
    if "damaged" in codes:  # the loader trusts its input: it may as well crash
        return LoadVerdict.UNKNOWN
    return LoadVerdict.LOADS_WITH_RISK if diagnoses else LoadVerdict.LOADS


def _left_open(diagnoses: list[Diagnosis]) -> tuple[str, ...]:
    """Why the verdict is unknown, first of what is said about the answer."""
    if _verdict(diagnoses) is not LoadVerdict.UNKNOWN:
        return ()
    redirected = next((d for d in diagnoses if d.code == "audit-redirects"), None)
    if redirected is not None:
        return (f"{redirected.explanation} What its code decides is not simulated",)
    damaged = next(d for d in diagnoses if d.code == "damaged")
    return (f"{damaged.explanation} The loader would trust it: it may load, fail or crash",)


def _graph(load: Load, name: str) -> DependencyGraph:
    nodes = tuple(DependencyNode(o.path, o.image.identity, o.image, o.depth) for o in load.searchlist)
    if not nodes:
        nodes = (DependencyNode(name, None, None),)
    listed = {node.path for node in nodes}
    return DependencyGraph(nodes, tuple(edge for edge in load.edges if edge.requester in listed))


def _trace(name: str, load: Load) -> Trace | None:
    if load.opening is None:
        return None
    return Trace(name, load.opening.steps, load.opening.chosen, load.opening.how)


def _assumptions(load: Load, model: LoaderModel) -> tuple[str, ...]:
    said = [*model.assumptions]
    if not load.starts_program:
        said.append(f"it is opened by {model.main_image}" if model.main_image else "it is opened by a bare program")
    return (*said, *load.process.notes)


def search_glibc(name: str, model: LoaderModel) -> Trace:
    """The search for ``name`` alone, on behalf of the program of ``model``."""
    process = Process(model)
    if model.main_image:
        process.start(model.main_image)
    located = process.search.locate(name, process.program)
    path = located.steps[-1].candidate if located.opened is not None else None
    return Trace(name, located.steps, path, located.how)
