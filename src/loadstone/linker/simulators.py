"""The table of simulated loaders: a kind, and the module that answers for it.

A simulator is a module with two functions: ``explain_<kind>(name, model, *, as_library, bindings) -> Explanation`` and
``search_<kind>(name, model) -> Trace``. Adding one is adding the module and a row; it is imported when first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol

from loadstone.core.trace import Explanation, Trace
from loadstone.linker.request import LoaderKind, LoaderModel

__all__ = ["SIMULATORS", "explain_with", "search_with"]

SIMULATORS: Final = {
    LoaderKind.GLIBC: "loadstone.linker.glibc_answer",
}
"""A loader, and where it is simulated."""


class _Explainer(Protocol):
    def __call__(self, name: str, model: LoaderModel, *, as_library: bool, bindings: bool) -> Explanation: ...


class _Searcher(Protocol):
    def __call__(self, name: str, model: LoaderModel) -> Trace: ...


def explain_with(name: str, model: LoaderModel, *, as_library: bool, bindings: bool) -> Explanation:
    """The answer of the simulator of the model's kind, which must be in the table."""
    function: _Explainer = getattr(import_module(SIMULATORS[model.kind]), f"explain_{model.kind}")
    return function(name, model, as_library=as_library, bindings=bindings)


def search_with(name: str, model: LoaderModel) -> Trace:
    """The search of the simulator of the model's kind; an empty trace for one that is not in the table."""
    home = SIMULATORS.get(model.kind)
    if home is None:
        return Trace(name)
    function: _Searcher = getattr(import_module(home), f"search_{model.kind}")
    return function(name, model)
