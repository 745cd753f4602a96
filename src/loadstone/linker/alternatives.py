"""What else a search could have come to: every usable file of a name in the loader's own order, past the one it took.

Where the right library lies behind the wrong one, the rule that put the wrong one first is what is to be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from loadstone.core.image import Image, SearchKind
from loadstone.core.trace import StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.glibc import Directory, Search
from loadstone.linker.graph import Process
from loadstone.linker.header import HeaderOutcome, check_header
from loadstone.linker.objects import LoadedObject
from loadstone.linker.request import LoaderModel
from loadstone.quick_dataclass import dataclass

__all__ = ["Alternative", "alternatives", "first_that", "taken_by", "usable_image"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A file of the right class and machine, and the rule that would lead to it: its source and its element."""

    path: str
    rule: str
    source: str = ""
    element: str = ""


def alternatives(search: Search, name: str, requester: LoadedObject | None) -> Iterator[Alternative]:
    """Every usable file the loader's rules lead to for a name, in their order, each once."""
    seen: set[str] = set()
    for rule, source, directories in _lists(search, requester):
        for directory, element in directories:
            for subdirectory in search.subdirectories:
                path = f"{directory}{subdirectory}{name}"
                if path not in seen and usable_image(search.model, path) is not None:
                    seen.add(path)
                    yield Alternative(path, rule, source, element)
    for entry in search.model.cache.named(name):
        if entry.path not in seen and usable_image(search.model, entry.path) is not None:
            seen.add(entry.path)
            yield Alternative(entry.path, "cache", search.model.cache.path)


def _lists(search: Search, requester: LoadedObject | None) -> Iterator[tuple[str, str, tuple[Directory, ...]]]:
    """Rule, source and directories of each list that counts for a requester."""
    current = requester if requester is not None and not requester.has_runpath else None
    while current is not None:
        if not current.has_runpath:
            yield "rpath", current.path, search.directories(current, SearchKind.RPATH)
        current = current.loader
    yield "ld_library_path", "LD_LIBRARY_PATH", search.library_path()
    if requester is not None:
        yield "runpath", requester.path, search.directories(requester, SearchKind.RUNPATH)
    yield "default", "built into the loader", tuple((f"{d}/", d) for d in search.model.system_dirs)


def usable_image(model: LoaderModel, path: str) -> Image | None:
    """What is in a file that the loader would take: there, of its class and machine, and readable; else None."""
    try:
        opened = model.view.open(model.absolute(path))
        if check_header(opened, model.abi).outcome is not HeaderOutcome.USABLE:
            return None
        return model.view.image(opened)
    except (OSError, LoadstoneError):
        return None


def taken_by(process: Process, path: str) -> tuple[Alternative, LoadedObject | None, str] | None:
    """How a loaded file was found: the rule, who asked for it, and under which name; None for one opened by path."""
    edge = next((e for e in process.edges if e.chosen == path and e.steps and "/" not in e.name), None)
    if edge is None:
        return None
    step = next((s for s in reversed(edge.steps) if s.outcome is StepOutcome.TAKEN), edge.steps[-1])
    asking = next((o for o in process.namespace.objects if o.path == edge.requester), None)
    return Alternative(path, step.rule, step.source, step.element), asking, edge.name


def first_that(
    process: Process, taken: tuple[Alternative, LoadedObject | None, str], serves: Callable[[Image], bool]
) -> Alternative | None:
    """The first other file of the name, by the loader's rules, that would serve; None when there is none."""
    winner, asking, name = taken
    for other in alternatives(process.search, name, asking):
        image = usable_image(process.model, other.path)
        if other.path != winner.path and image is not None and serves(image):
            return other
    return None
