"""Where a name leads in a system that is not the running one: its loader's search, for each file name it may have."""

from __future__ import annotations

import posixpath
import re

from loadstone.core.names import Platform, candidates, validate_name, validate_version
from loadstone.core.trace import SearchStep, StepOutcome, Trace
from loadstone.linker.explanation import search
from loadstone.linker.request import LoaderKind, LoaderModel

__all__ = ["find_in"]

_PLATFORMS = {LoaderKind.DYLD: Platform.MACOS, LoaderKind.WINDOWS: Platform.WINDOWS}
_USUAL = ("/lib", "/usr/local/lib", "/usr/lib")  # where musl looks


def find_in(model: LoaderModel, name: str, version: str | None = None) -> Trace:
    """Every candidate in the system of ``model``, in order, and the file taken; ``path`` is None when there is none.

    A name without a version also finds the newest versioned file in the loader's directories and cache, as the
    run-time packages of a distribution have no other.

    Raises:
        InvalidName: the name or the version can be none.
    """
    validate_name(name)
    validate_version(version)
    steps: list[SearchStep] = []
    platform = _PLATFORMS.get(model.kind, Platform.LINUX)
    asked = [name] if "/" in name else [c.name for c in candidates(name, version, platform)]
    for candidate in (*asked, *(_versioned(model, asked) if version is None else ())):
        found = search(candidate, model)
        steps += found.steps
        if found.path is not None:
            return Trace(name, tuple(steps), found.path, found.how)
    if not steps:
        steps.append(SearchStep("name", name, StepOutcome.ABSENT, "no file name was tried"))
    return Trace(name, tuple(steps))


def _versioned(model: LoaderModel, asked: list[str]) -> list[str]:
    """The versioned names of a library that the system has, the newest first."""
    stems = {n for n in map(posixpath.basename, asked) if n.endswith(".so")}
    known = {entry.name for entry in model.cache.entries}
    for directory in model.system_dirs or _USUAL:
        try:
            known.update(model.view.names(directory))
        except OSError:
            continue
    found = [n for n in known if any(n.startswith(f"{stem}.") for stem in stems)]
    return sorted(found, key=_numbers, reverse=True)


def _numbers(name: str) -> tuple[int, ...]:
    """The first number after ``.so`` decides; of equal ones the shorter name, which is the SONAME."""
    numbers = [int(part) for part in re.findall(r"\d+", name.partition(".so")[2])]
    return (*numbers[:1], -len(numbers), *numbers[1:])
