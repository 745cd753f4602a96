"""Which rule put the wrong library first, and what would be found if it did not."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from loadstone.core.image import Image, SearchKind
from loadstone.linker.alternatives import Alternative, alternatives, first_that, taken_by, usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf
from loadstone.linker.diagnoses.environments import newer_of_conda
from loadstone.linker.diagnoses.owners import package_of, put_aside
from loadstone.linker.diagnoses.preloads import preload_names, without_preload
from loadstone.linker.diagnoses.whereabouts import copies, names_in
from loadstone.linker.objects import LoadedObject
from loadstone.shell import quoted_entry, quoted_path

__all__ = ["led_to", "linked_anew", "loaded_before", "overruled", "preloaded", "unset_variable"]

_SPOKEN = {
    "rpath": "the RPATH of {source}",
    "runpath": "the RUNPATH of {source}",
    "ld_library_path": "LD_LIBRARY_PATH",
    "cache": "the loader's cache",
    "loaded-name": "what is loaded already",
    "loaded-soname": "what is loaded already",
    "default": "a directory built into the loader",
}


def overruled(
    case: SimulatedLoad,
    taken: tuple[Alternative, LoadedObject | None, str] | None,
    serves: Callable[[Image], bool],
    virtue: str = "which has it",
) -> str:
    """What to change so that a file which serves is found; empty when the loader's rules lead to none."""
    if taken is None:
        return ""
    winner, asking, _ = taken
    other = first_that(case.process, taken, serves)
    if other is None:
        return ""
    first, then = _rule(winner), _rule(other)
    said = f"{first} comes first and leads to {winner.path}; {then} leads to {other.path}, {virtue}: "
    change = _beside_its_own(case, winner, other) or _without(case, winner) or _put_aside(case, winner, other)
    if change:
        return said + change
    command = f"LD_LIBRARY_PATH={quoted_path(other.path.rpartition('/')[0])}"
    return said + command if asking is not None else ""


def led_to(case: SimulatedLoad, winner: Alternative) -> str:
    """The rule that led to a file and how it does no more; empty for the loader's own cache and directories."""
    change = _without(case, winner)
    return f"{_rule(winner)} leads to it: {change}" if change else ""


def unset_variable(case: SimulatedLoad, path: str) -> str:
    """That LD_LIBRARY_PATH leads to a file which does not serve, and how it does no more; empty for other rules."""
    taken = taken_by(case.process, path)
    by_variable = taken is not None and taken[0].rule == "ld_library_path"
    return f"{led_to(case, taken[0])}, where another copy is installed" if taken is not None and by_variable else ""


def preloaded(case: SimulatedLoad, provider: LoadedObject) -> str:
    """That LD_PRELOAD put a library before all others, and the value without it; empty when it did not."""
    named = {p for p in preload_names(case) if p == provider.path or (leaf(p) == p and provider.answers_to(p))}
    if not named or provider.loader not in (None, case.process.program):
        return ""
    return f"LD_PRELOAD brings {provider.path} into every program: {without_preload(case, named)}"


def linked_anew(case: SimulatedLoad, provider: str, serves: Callable[[Image], bool]) -> str:
    """How a link leads to a file beside it, of the same library, that serves; empty where none does."""
    path = posixpath.normpath(case.model.absolute(provider))
    folder, name = posixpath.split(path)
    old = leaf(case.model.view.real_path(path))
    if old == name:  # it is no link
        return ""
    for other in names_in(case.model, folder):
        image = usable_image(case.model, f"{folder}/{other}") if other.startswith(f"{name}.") else None
        if image is not None and serves(image):
            return (
                f"{path} leads to {old}, and {other} beside it has it: ln -sfn {quoted_path(other)} {quoted_path(path)}"
            )
    return ""


def loaded_before(
    case: SimulatedLoad, provider: LoadedObject, asking: LoadedObject, serves: Callable[[Image], bool]
) -> str:
    """That another object brought the wrong file in, and how the right one comes first; empty when none did.

    A search path of the one that asks changes nothing then: what answers to the name is loaded already.
    """
    if provider.loader is None or provider.loader is asking:
        return ""
    name = posixpath.basename(provider.path)
    candidates = (*(a.path for a in alternatives(case.process.search, name, asking)), *copies(case, name, asking))
    for path in candidates:
        image = usable_image(case.model, path)
        if path != provider.path and image is not None and serves(image):
            who = leaf(provider.loader.path)
            said = f"{who} loaded {provider.path} before, and nothing else is loaded under that name; {path} has it"
            return f"{said}: LD_PRELOAD={quoted_path(case.model.absolute(path))}"
    return ""


def _beside_its_own(case: SimulatedLoad, winner: Alternative, other: Alternative) -> str:
    """How one file of a folder is passed over that is needed for others; empty where it is needed for no others."""
    folder, rest = posixpath.dirname(winner.path), posixpath.dirname(other.path)
    loaded = case.process.namespace.objects
    others = [o for o in loaded if posixpath.dirname(o.path) == folder and o.path != winner.path]
    lost = [o for o in others if not case.model.view.exists(case.model.absolute(f"{rest}/{leaf(o.path)}"))]
    program = case.process.program
    is_its = program is not None and winner.rule in ("rpath", "runpath") and winner.source == program.path
    by_variable = winner.rule == "ld_library_path"
    newer = newer_of_conda(case.model, winner.path)
    if newer and winner.rule in ("rpath", "runpath"):
        return f"{newer}, or LD_PRELOAD={quoted_path(other.path)}"
    if not is_its and not (by_variable and lost):
        return ""
    path = quoted_path(posixpath.normpath(winner.path))
    whose = leaf(winner.source) if is_its else f"the program in {posixpath.dirname(folder)}"
    return f"{newer or f'leave {path} out of what {whose} brings with it'}, or LD_PRELOAD={quoted_path(other.path)}"


def _put_aside(case: SimulatedLoad, winner: Alternative, other: Alternative) -> str:
    """The command that takes away a file of no package that hides one of a package; empty for all others."""
    if package_of(case.model, winner.path) or not package_of(case.model, other.path):
        return ""
    return f"{winner.path} is of no package: {put_aside(case.model, winner.path)}"


def _rule(found: Alternative) -> str:
    return _SPOKEN.get(found.rule, found.rule).format(source=leaf(found.source))


def _without(case: SimulatedLoad, winner: Alternative) -> str:
    if winner.rule == "ld_library_path":
        return _without_element(case, winner)
    return _without_directory(case, winner) if winner.rule in ("rpath", "runpath") else ""


def _without_element(case: SimulatedLoad, winner: Alternative) -> str:
    value = case.model.variable("LD_LIBRARY_PATH") or ""
    rest = [part for part in value.replace(";", ":").split(":") if part != winner.element]
    if not rest:
        return "unset LD_LIBRARY_PATH"
    return f"drop {winner.element or 'the empty element'} from it: LD_LIBRARY_PATH={quoted_path(':'.join(rest))}"


def _without_directory(case: SimulatedLoad, winner: Alternative) -> str:
    holder = next((o for o in case.process.namespace.objects if o.path == winner.source), None)
    kind = SearchKind.RPATH if winner.rule == "rpath" else SearchKind.RUNPATH
    rest = [d.text for d in holder.image.search_dirs if d.kind is kind and d.text != winner.element] if holder else []
    if not rest:
        return f"patchelf --remove-rpath {quoted_path(winner.source)}"
    force = "--force-rpath " if winner.rule == "rpath" else ""
    return f"patchelf {force}--set-rpath {quoted_entry(':'.join(rest))} {quoted_path(winner.source)}"
