"""A preload the loader went on without: in its words, and where the library is that was meant.

Source: elf/rtld.c of glibc (do_preload): what cannot be opened is told on standard error, and the program starts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Severity
from loadstone.core.trace import Diagnosis
from loadstone.linker.alternatives import alternatives, usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf, risk
from loadstone.linker.diagnoses.mistyped import near_names
from loadstone.linker.diagnoses.nowhere import install
from loadstone.linker.diagnoses.whereabouts import copies
from loadstone.linker.graph import IgnoredPreload
from loadstone.shell import quoted_path

__all__ = ["ignored_preloads", "preload_names", "without_preload"]

_OTHER_CLASS: Final = "wrong ELF class"


def ignored_preloads(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """Each preload that is not there in the process, although it was asked for."""
    for ignored in case.process.ignored:
        said = ignored.refusal.failure.text if ignored.refusal is not None else ""
        why = said or "a privileged program takes no paths"
        yield risk(
            "preload-ignored",
            ignored.name,
            f"The preload of {ignored.name} is ignored: {why}. The program starts without it.",
            _advice(case, ignored, said),
            loader_message=f"ERROR: ld.so: object '{ignored.name}' from {ignored.source} cannot be preloaded ({said}):"
            " ignored."
            if said
            else "",
            severity=Severity.MEDIUM,
        )


def _advice(case: SimulatedLoad, ignored: IgnoredPreload, said: str) -> str:
    meant = _meant(case, ignored.name)
    if meant is not None:
        return _set(case, ignored, meant)
    if said.startswith(_OTHER_CLASS):
        return f"harmless where it is meant for programs of the other class; else: {_set(case, ignored, '')}"
    if "/" not in ignored.name:
        return f"{_set(case, ignored, '')}; or bring it: {install(case, ignored.name, case.process.program)}"
    near = near_names(case.model, ignored.name)
    return (
        f"did you mean {', '.join(map(quoted_path, near))}? Else: {_set(case, ignored, '')}"
        if near
        else _set(case, ignored, "")
    )


def _meant(case: SimulatedLoad, name: str) -> str | None:
    """The library that was meant: the path without what stands before it, or the same file name elsewhere."""
    start = name.find("/")
    written = name[start:].strip("'\"") if start >= 0 else ""
    if written and written != name and usable_image(case.model, written) is not None:
        return written
    program = case.process.program
    by_rule = (found.path for found in alternatives(case.process.search, leaf(name), program))
    others = (path for path in (*by_rule, *copies(case, leaf(name), program)) if path != name)
    return next((posixpath.normpath(case.model.absolute(path)) for path in others), None)


def _set(case: SimulatedLoad, ignored: IgnoredPreload, instead: str) -> str:
    """The setting with another name in the place of the one that is ignored, or without it."""
    if ignored.source != "LD_PRELOAD":
        what = f"write {quoted_path(instead)} for it" if instead else f"take {quoted_path(ignored.name)} out"
        return f"{what} in {ignored.source}"
    return without_preload(case, {ignored.name}, instead)


def preload_names(case: SimulatedLoad) -> list[str]:
    """What LD_PRELOAD names, in the environment and in what was said of it."""
    of_variable = re.split("[ :]", case.model.variable("LD_PRELOAD") or "")
    return [part for part in (*of_variable, *case.model.preload) if part]


def without_preload(case: SimulatedLoad, names: set[str], instead: str = "") -> str:
    """The command that sets LD_PRELOAD without some of its names, or with another one in their place."""
    rest = [instead if part in names else part for part in preload_names(case)]
    value = ":".join(part for part in rest if part) or instead
    return f"LD_PRELOAD={quoted_path(value)}" if value else "unset LD_PRELOAD"
