"""A symbol without a definition: where else it is, why that one does not count, and what to do."""

from __future__ import annotations

from loadstone.core.image import SymbolBinding, Visibility
from loadstone.core.trace import Diagnosis
from loadstone.linker.alternatives import taken_by
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.overruling import overruled
from loadstone.linker.graph import Refusal

__all__ = ["undefined"]


def undefined(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """A strong reference that nothing in its scope defines."""
    asking = refusal.requester
    assert asking is not None
    name, file = refusal.name, leaf(asking.path)
    hidden = _hidden_in(case, name)
    if hidden and refusal.fatal:
        text = f"{file} wants the symbol {name}; {leaf(hidden)} has it, but keeps it to itself (hidden visibility)."
        advice = 'export it there: __attribute__((visibility("default"))), or drop it from the version script'
        return blocking(case, refusal, text, advice, code="hidden-symbol")
    if refusal.code == "unversioned-provider":
        text = (
            f"{file} wants {name} in a version, and the library it was linked against has been replaced by a build"
            " without any versions: the loader's own check fails and ends the process."
        )
        return blocking(case, refusal, text, "install the build that has the versions, or relink against this one")
    when = "the first call of it ends the process" if not refusal.fatal else "nothing it needs defines it"
    text = f"{file} wants the symbol {_spoken(refusal)}, and {when}."
    if not refusal.fatal:
        text = f"{file} wants the function {_spoken(refusal)}, which nothing defines: it loads, and {when}."
    return blocking(case, refusal, text, _advice(case, refusal))


def _spoken(refusal: Refusal) -> str:
    tail = refusal.failure.text.partition(", version ")[2]
    return f"{refusal.name} (version {tail})" if tail else refusal.name


def _hidden_in(case: SimulatedLoad, name: str) -> str | None:
    """The object of the load that defines ``name`` without letting others see it."""
    for loaded in case.searchlist:
        for symbol in loaded.image.symbols.named(name):
            invisible = symbol.visibility in (Visibility.HIDDEN, Visibility.INTERNAL)
            if symbol.defined and (invisible or symbol.binding is SymbolBinding.LOCAL):
                return loaded.path
    return None


def _advice(case: SimulatedLoad, refusal: Refusal) -> str:
    name = refusal.name
    if name.startswith(("Py", "_Py")):
        return "it is provided by the Python interpreter: import it there, with the version it was built for"
    for loaded in (*case.searchlist, *case.process.namespace.objects):
        for symbol in loaded.image.symbols.named(name):
            if symbol.exported and symbol.version is not None:
                return f"{leaf(loaded.path)} offers it only as {name}@{symbol.version.name}: rebuild against that one"
    shadowed = _shadowed(case, refusal)
    if shadowed:
        return shadowed
    if _of_other_strings(case, name):
        return "it is of the other C++ string ABI: build both sides with the same _GLIBCXX_USE_CXX11_ABI"
    return "link the file with the library that defines it (-l...), or load that one first with RTLD_GLOBAL"


def _shadowed(case: SimulatedLoad, refusal: Refusal) -> str:
    """What puts a library that lacks the symbol before one of the same name that has it; empty when nothing does."""
    asking = refusal.requester
    assert asking is not None
    for _, needed in asking.needed:
        taken = taken_by(case.process, needed.path) if needed is not None else None
        advice = overruled(case, taken, lambda image: any(s.exported for s in image.symbols.named(refusal.name)))
        if advice:
            return advice
    return ""


def _of_other_strings(case: SimulatedLoad, name: str) -> bool:
    """Whether something that is loaded defines the same function for the other C++ string."""
    new = "__cxx11" in name
    stem = name.partition("NSt7__cxx11")[0] if new else name.partition("Ss")[0]
    if len(stem) < len("_Z1f") or (not new and "Ss" not in name):
        return False
    return any(
        other.startswith(stem) and ("__cxx11" in other) is not new and ("Ss" in other) is new
        for loaded in case.searchlist
        for other, defined in zip(loaded.image.symbols.names, loaded.image.symbols.defined, strict=True)
        if defined
    )
