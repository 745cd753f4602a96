"""The table of simulated loaders: adding one is adding its rules and a row.

glibc's is simulated down to its bindings, in modules of its own; the others are :class:`~loadstone.linker.walk.Rules`
over one walk. A module is imported when its loader is first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from loadstone.core.trace import Explanation, Trace
from loadstone.linker.glibc_answer import explain_glibc, search_glibc
from loadstone.linker.glibc_load import SharedLoads
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.walk import Rules, walk

__all__ = ["explain_with", "rules_of", "search_with"]

_RULES: Final = {
    LoaderKind.MUSL: ("loadstone.linker.musl", "MuslRules"),
    LoaderKind.BIONIC: ("loadstone.linker.bionic", "BionicRules"),
    LoaderKind.DYLD: ("loadstone.linker.dyld", "DyldRules"),
    LoaderKind.WINDOWS: ("loadstone.linker.windows", "WindowsRules"),
}
"""The loaders besides glibc's: a module and the rules in it."""


def rules_of(model: LoaderModel) -> Rules:
    """The rules of the loader a model describes, which is not glibc's."""
    module, name = _RULES[model.kind]
    rules: Rules = getattr(import_module(module), name)(model)
    return rules


def explain_with(
    name: str, model: LoaderModel, *, as_library: bool, bindings: bool, shared: SharedLoads | None = None
) -> Explanation:
    """The answer of the simulator of the model's kind.

    ``shared`` is what the loads of one survey have in common; its bindings are left out.
    """
    if model.kind is LoaderKind.GLIBC:
        return explain_glibc(name, model, as_library=as_library, bindings=bindings, shared=shared)
    return walk(name, rules_of(model))


def search_with(name: str, model: LoaderModel) -> Trace:
    """The search of the simulator of the model's kind."""
    if model.kind is LoaderKind.GLIBC:
        return search_glibc(name, model)
    found = rules_of(model).locate(name, None, ())
    return Trace(name, found.steps, found.path, found.how)
