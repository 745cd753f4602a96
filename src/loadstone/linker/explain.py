"""Will it load, and if not, why: one simulated load turned into a verdict, its reasons and the graph.

Nothing is run, opened by a loader, or asked of the network. What was taken for granted is listed in the answer.
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from typing import Final

from loadstone.core.names import validate_name
from loadstone.core.trace import Diagnosis, Explanation, Graph, LoadVerdict, Node, Trace
from loadstone.linker.choice import loader_for
from loadstone.linker.diagnoses import Case, diagnose, risks
from loadstone.linker.glibc_load import Load, simulate
from loadstone.linker.graph import Process
from loadstone.linker.request import BindingMode, LoaderKind, LoaderModel
from loadstone.linker.walk import Rules, walk

__all__ = ["explain", "search"]


def explain(
    target: str | os.PathLike[str],
    *,
    model: LoaderModel | None = None,
    mode: str = "now",
    as_library: bool = False,
    bindings: bool = True,
) -> Explanation:
    """Say whether ``target`` would load, and why not.

    Args:
        target: a path, used as it is, or a bare name, which goes through the loader's search. A program is started,
            anything else is opened as ``dlopen`` would.
        model: the process and system to load it in; a fresh start of this process when left out.
        mode: ``now`` or ``lazy``: when calls between libraries are bound.
        as_library: open a program as dlopen would, instead of starting it.
        bindings: bind every symbol as well; without, versions are checked and symbols are not.

    Raises:
        InvalidName: the name is empty, too long, or has NUL or control characters in it.

    A target that is missing, unreadable or no binary is an answer, not an error. Thread-safe: each call simulates a
    process of its own. Runs on every platform. Source: ld.so(8), and the rules named in each module.

    >>> explain("libdoesnotexist.so.9").verdict
    <LoadVerdict.FAILS: 'fails'>
    """
    name = os.fspath(target)
    validate_name(name)
    chosen = loader_for(name, model)
    if chosen.model is None:
        return Explanation(
            target=name,
            verdict=LoadVerdict.UNKNOWN,
            assumptions=chosen.assumptions,
            loader=chosen.loader,
        )
    if chosen.model.kind in _RULES:
        return walk(name, rules_of(chosen.model))
    asked = replace(chosen.model, mode=BindingMode(mode)) if mode != chosen.model.mode else chosen.model
    return _explain_glibc(name, asked, as_library=as_library, bindings=bindings)


_RULES: Final = {
    LoaderKind.MUSL: ("loadstone.linker.musl", "MuslRules"),
    LoaderKind.DYLD: ("loadstone.linker.dyld", "DyldRules"),
    LoaderKind.WINDOWS: ("loadstone.linker.windows", "WindowsRules"),
}
"""The loaders besides glibc's: a module and the rules in it, imported when first asked for."""


def rules_of(model: LoaderModel) -> Rules:
    """The rules of the loader a model describes, which is not glibc's."""
    module, name = _RULES[model.kind]
    rules: Rules = getattr(import_module(module), name)(model)
    return rules


def _explain_glibc(name: str, model: LoaderModel, *, as_library: bool, bindings: bool) -> Explanation:
    load = simulate(name, model, as_library=as_library, bindings=bindings)
    case = Case(name, load.process, load.searchlist, load.starts_program)
    diagnoses = [diagnose(case, refusal) for refusal in load.refusals]
    if load.root is not None:
        diagnoses += risks(case)
    return Explanation(
        target=name,
        verdict=_verdict(diagnoses),
        diagnoses=tuple(diagnoses),
        graph=_graph(load, name),
        bindings=tuple(load.bindings),
        assumptions=_assumptions(load, model),
        loader=f"glibc {model.release[0]}.{model.release[1]}, {model.abi.name}",
        search=_trace(name, load),
    )


def _verdict(diagnoses: list[Diagnosis]) -> LoadVerdict:
    if any(d.blocking for d in diagnoses):
        return LoadVerdict.FAILS
    if any(d.code == "damaged" for d in diagnoses):  # the loader trusts its input: it may as well crash
        return LoadVerdict.UNKNOWN
    return LoadVerdict.LOADS_WITH_RISK if diagnoses else LoadVerdict.LOADS


def _graph(load: Load, name: str) -> Graph:
    nodes = tuple(Node(o.path, o.image.identity, o.image, o.depth) for o in load.searchlist)
    if not nodes:
        nodes = (Node(name, None, None),)
    listed = {node.path for node in nodes}
    return Graph(nodes, tuple(edge for edge in load.edges if edge.requester in listed))


def _trace(name: str, load: Load) -> Trace | None:
    if load.opening is None:
        return None
    return Trace(name, load.opening.steps, load.opening.chosen, load.opening.how)


def _assumptions(load: Load, model: LoaderModel) -> tuple[str, ...]:
    said = [*model.assumptions]
    if not load.starts_program:
        said.append(f"it is opened by {model.main_image}" if model.main_image else "it is opened by a bare program")
    return (*said, *load.process.notes)


def search(name: str, model: LoaderModel | None = None) -> Trace:
    """Where the loader would find ``name``: every candidate in order, the path taken, by which rule.

    Only the search: what is found is checked as far as the loader does while it searches, its needs are not followed.
    Arguments, errors and thread-safety as :func:`explain`.
    """
    validate_name(name)
    asked = model or LoaderModel.this_process()
    if asked.kind in _RULES:
        found = rules_of(asked).locate(name, None, ())
        return Trace(name, found.steps, found.path, found.how)
    if asked.kind is not LoaderKind.GLIBC:
        return Trace(name)
    process = Process(asked)
    if asked.main_image:
        process.start(asked.main_image)
    located = process.search.locate(name, process.program)
    path = located.steps[-1].candidate if located.opened is not None else None
    return Trace(name, located.steps, path, located.how)
