"""No search step found the library: which of the many reasons it is, most telling first."""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.core.claims import Confidence
from loadstone.core.image import DependencyKind, SearchKind
from loadstone.core.trace import Diagnosis, SearchStep, StepOutcome
from loadstone.linker.alternatives import usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.environments import (
    anew,
    conda_prefix,
    import_first,
    python_module,
    restored,
    without_libpython,
)
from loadstone.linker.diagnoses.mistyped import first_gone
from loadstone.linker.diagnoses.nowhere import install, nowhere
from loadstone.linker.diagnoses.whereabouts import (
    copies,
    is_same_library,
    lead_to,
    names_in,
    similar,
)
from loadstone.linker.extension import HOST_SIGN
from loadstone.linker.graph import Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.process_number import process_number
from loadstone.linker.tokens import meant_from_origin, stray_tokens
from loadstone.shell import quoted_entry, quoted_path

__all__ = ["missing"]

_NO_PATH: Final = re.compile(r"""[:;,\s"'\\{}$+]+""")
"""What separates paths in a variable, and what is left there of quotes and of variables that no shell replaced."""
_OF_A_LEVEL: Final = re.compile(r"/glibc-hwcaps/([\w-]+)/")
_MAX_BESIDE: Final = 100
_MUSL: Final = ("libc.musl-", "ld-musl-")


def missing(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """Why a name was not found."""
    for detect in _REASONS:
        found = detect(case, refusal)
        if found is not None:
            return found
    return nowhere(case, refusal)


def _looked_at(refusal: Refusal, *outcomes: StepOutcome) -> Iterator[SearchStep]:
    return (step for step in refusal.steps if step.outcome in outcomes)


def _other_class(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    if not refusal.failure.text.startswith("wrong ELF class"):
        return None
    skipped = next(_looked_at(refusal, StepOutcome.SKIPPED))
    bits = case.model.abi.bits
    text = f"{case.wanted_by(refusal)}: the only one found, {skipped.candidate}, is not {bits}-bit as this process is."
    advice = f"install the {bits}-bit build of {leaf(refusal.name)}"
    right = next(_beside_the_wrong(case, skipped.candidate), None)
    if right is None and "/" not in refusal.name:
        right = next(copies(case, refusal.name, refusal.requester, wide=True), None)
    if right is not None:
        lead = lead_to(case, right, refusal.requester)
        return blocking(case, refusal, text, f"{right} is of {bits} bits: {lead}", code="wrong-class")
    if refusal.requester is not None or "/" not in refusal.name:
        advice = f"{advice}: {install(case, refusal.name, refusal.requester)}"
    if refusal.requester is None and case.model.main_image:
        advice += f"; or open it in a {96 - bits}-bit program instead of {case.model.main_image}"
    return blocking(case, refusal, text, advice, code="wrong-class")


def _beside_the_wrong(case: SimulatedLoad, candidate: str) -> Iterator[str]:
    """Files of the same name that fit, in the folders beside the one of a file that does not."""
    folder, name = posixpath.split(case.model.absolute(candidate))
    above = posixpath.dirname(folder)
    beside = names_in(case.model, above) if above not in ("", "/", "/usr") else ()
    paths = (posixpath.join(above, other, name) for other in beside[:_MAX_BESIDE])
    return (path for path in paths if usable_image(case.model, path) is not None)


def _other_machine(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    skipped = next((s for s in _looked_at(refusal, StepOutcome.SKIPPED) if "machine" in s.reason), None)
    if skipped is None:
        return None
    name = _machine_name(case, skipped.candidate)
    text = (
        f"{leaf(skipped.candidate)} is built for {name}, this process is {case.model.abi.name}. The loader skips such"
        " a file and then reports, misleadingly, that none exists."
    )
    build = f"install the {case.model.abi.name} build"
    again = restored(case.model, skipped.candidate)
    return blocking(case, refusal, text, f"{build}: {again}" if again else build, code="wrong-machine")


def _other_kernel(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    skipped = next((s for s in _looked_at(refusal, StepOutcome.SKIPPED) if "kernel" in s.reason), None)
    if skipped is None:
        return None
    text = (
        f"{case.wanted_by(refusal)}: {skipped.candidate} is {skipped.reason}. glibc before 2.36 then reports,"
        " misleadingly, that none exists."
    )
    advice = (
        f"if it needs nothing of a newer kernel: strip --remove-section=.note.ABI-tag {quoted_path(skipped.candidate)}"
    )
    return blocking(case, refusal, text, advice, code="kernel-too-old")


def _machine_name(case: SimulatedLoad, candidate: str) -> str:
    try:
        view = case.model.view
        return view.image(view.open(case.model.absolute(candidate))).machine.name
    except OSError:
        return "another machine"


def _unreadable(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    step = next(_looked_at(refusal, StepOutcome.UNREADABLE), None)
    if step is None:
        return None
    if step.errno == errno.EACCES:
        return _forbidden(case, refusal, step.candidate)
    where, code, what, advice = step.candidate, "unreadable", f"cannot be opened: {step.reason}", ""
    if step.errno == errno.ELOOP:
        where = first_gone(case.model, case.model.absolute(step.candidate))  # it may be a folder above that loops
        code, what = "symlink-loop", "is a symbolic link that leads back to itself"
        advice = f"replace the link: ls -l {quoted_path(where)}"
    return blocking(case, refusal, f"{case.wanted_by(refusal)}: {where} {what}.", advice, code=code)


def _forbidden(case: SimulatedLoad, refusal: Refusal, candidate: str) -> Diagnosis:
    """Which file or directory is closed to the user, and whether by its permission bits or its access control list."""
    closed = case.model.view.barrier(case.model.absolute(candidate))
    path = closed.path if closed else candidate
    by_list = closed is not None and closed.by_list
    why = ": its access control list says so" if by_list else ""
    if closed is not None and closed.is_directory:
        text = f"{case.wanted_by(refusal)}: this user has no search permission on {path}, above {candidate}{why}."
        permission, change = "x", f"give search permission: chmod a+x {quoted_path(path)}"
    else:
        text = f"{case.wanted_by(refusal)}: {candidate} is there, but this user may not read it{why}."
        permission, change = "r", f"give read permission: chmod a+r {quoted_path(path)}"
    file = quoted_path(path)
    advice = f"give permission: setfacl -m u:USER:{permission} {file}; see: getfacl {file}" if by_list else change
    return blocking(case, refusal, text, advice, code="permission")


def _dangling(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    for step in _looked_at(refusal, StepOutcome.ABSENT):
        path = case.model.absolute(step.candidate)
        directory, name = posixpath.split(path)
        if case.model.view.is_directory(directory) or name not in case.model.view.names(directory):
            continue
        text = f"{case.wanted_by(refusal)}: {step.candidate} is a symbolic link to a file that does not exist."
        return blocking(case, refusal, text, _link_put_right(case, refusal, path), code="dangling-link")
    return None


def _link_put_right(case: SimulatedLoad, refusal: Refusal, path: str) -> str:
    """Where a link that leads nowhere should lead, or what puts its file back."""
    target = case.model.view.real_path(path)
    beside = similar(case, leaf(refusal.name), refusal.requester)
    same = next((other for other in beside if is_same_library(case, leaf(refusal.name), other)), None)
    if same is not None:
        return f"ln -sfn {quoted_path(same)} {quoted_path(path)}"
    environment = posixpath.dirname(posixpath.dirname(path))
    if case.model.view.exists(f"{environment}/pyvenv.cfg"):
        folder = quoted_path(environment)
        again = f"python3 -m venv --clear {folder}, and install its packages again"
        return f"the Python of that environment is gone: {again}"
    again = restored(case.model, path) or restored(case.model, target)
    return again or f"put back {quoted_path(target)}, which it points to: it was not copied along, or it was removed"


def _stale_cache(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    step = next((s for s in _looked_at(refusal, StepOutcome.ABSENT) if s.rule == "cache"), None)
    if step is None:
        return None
    text = f"{case.wanted_by(refusal)}: the loader's cache says {step.candidate}, and that file is gone."
    found = next(copies(case, leaf(refusal.name), refusal.requester), None)
    there = f"{found} has it: {lead_to(case, found, refusal.requester)}" if found is not None else ""
    again = restored(case.model, step.candidate) or install(case, refusal.name, refusal.requester)
    return blocking(case, refusal, text, there or f"{again} && ldconfig", code="stale-cache")


def _no_defaults(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    asking = refusal.requester
    if asking is None or not asking.facts.no_default_directories:
        return None
    found = _found_in(case, refusal.name, case.model.system_dirs)
    if found is None:
        return None
    text = (
        f"{case.wanted_by(refusal)} and was linked with -z nodefaultlib, so {found} is not looked at:"
        " only its own RPATH or RUNPATH counts."
    )
    return blocking(case, refusal, text, "link it without -z nodefaultlib, or give it a RUNPATH", code="nodeflib")


def _ancestors(loaded: LoadedObject | None) -> Iterator[LoadedObject]:
    current = loaded.loader if loaded else None
    while current is not None:
        yield current
        current = current.loader


def _masked_rpath(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    asking = refusal.requester
    if asking is None or not asking.has_runpath:
        return None
    for above in (asking, *_ancestors(asking)):
        found = _found_by(case, refusal.name, above, SearchKind.RPATH)
        if found is not None:
            text = (
                f"{case.wanted_by(refusal)}: {found} is in the RPATH of {leaf(above.path)}, but {leaf(asking.path)} has"
                " a RUNPATH of its own, and that switches every RPATH off for what it needs."
            )
            advice = _added(asking, posixpath.dirname(found))
            return blocking(case, refusal, text, advice, code="rpath-masked")
    return None


def _runpath_of_ancestor(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    asking = refusal.requester
    ancestors = (*_ancestors(asking), *((case.process.program,) if case.process.program else ()))
    for above in ancestors:
        if above is asking:
            continue
        found = _found_by(case, refusal.name, above, SearchKind.RUNPATH)
        if found is not None and asking is not None:
            text = (
                f"{case.wanted_by(refusal)}; {found} is in the RUNPATH of {leaf(above.path)}, which"
                f" {leaf(asking.path)} does not inherit: a RUNPATH serves only the file it is in."
            )
            advice = _added(asking, posixpath.dirname(found))
            return blocking(case, refusal, text, advice, code="runpath-not-inherited")
    return None


def _added(asking: LoadedObject, directory: str) -> str:
    return f"patchelf --add-rpath {quoted_entry(_relative(asking, directory))} {quoted_path(asking.path)}"


def _relative(asking: LoadedObject, directory: str) -> str:
    relative = posixpath.relpath(directory, asking.origin)
    return "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}" if not directory.startswith("/usr") else directory


def _found_by(case: SimulatedLoad, name: str, loaded: LoadedObject, kind: SearchKind) -> str | None:
    return _found_in(case, name, [d.rstrip("/") for d, _ in case.process.search.directories(loaded, kind)])


def _found_in(case: SimulatedLoad, name: str, directories: Iterator[str] | tuple[str, ...] | list[str]) -> str | None:
    candidates = (f"{directory}/{name}" if directory else name for directory in directories)
    return next((path for path in candidates if case.model.view.exists(case.model.absolute(path))), None)


def _origin_through_link(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    asking = refusal.requester
    if asking is None or not any("ORIGIN" in d.text for d in asking.image.search_dirs):
        return None
    real = posixpath.dirname(case.model.view.real_path(case.model.absolute(asking.path)))
    if real == asking.origin:
        return None
    for directory in asking.image.search_dirs:
        there = directory.text.replace("${ORIGIN}", real).replace("$ORIGIN", real)
        found = _found_in(case, refusal.name, (there,))
        if found is not None:
            text = (
                f"{case.wanted_by(refusal)} in {directory.text}. It was opened through a symbolic link, and $ORIGIN is"
                f" the link's directory {asking.origin}; the library is at {found}."
            )
            advice = f"open it as {quoted_path(posixpath.join(real, leaf(asking.path)))}"
            return blocking(case, refusal, text, advice, code="origin-symlink")
    return None


def _lost_origin(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    """An element of a run path that was meant to begin with ``$ORIGIN``, and leads to the library if it does."""
    asking = refusal.requester
    if asking is None or "/" in refusal.name or case.model.secure:
        return None
    elements = asking.image.search_dirs
    for number, element in enumerate(elements):
        for why, tail in meant_from_origin(element.text):
            place = posixpath.normpath(f"{asking.origin}/{tail}")
            if usable_image(case.model, posixpath.join(place, refusal.name)) is None:
                continue
            text = f"{case.wanted_by(refusal)}, and its {element.kind.value.upper()} has {element.text}: {why}."
            right = [e.text for e in elements]
            right[number] = f"$ORIGIN/{tail}".rstrip("/")
            advice = f"patchelf --set-rpath {quoted_entry(':'.join(right))} {quoted_path(asking.path)}"
            return blocking(case, refusal, text, advice, code="token-unexpanded")
    return None


def _stray_token(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    asking = refusal.requester
    for directory in asking.image.search_dirs if asking else ():
        stray = stray_tokens(directory.text)
        if stray and asking is not None:
            text = (
                f"{case.wanted_by(refusal)}, and its {directory.kind.value.upper()} has {stray[0]} in it, which the"
                " loader does not know as a token and takes literally."
            )
            advice = "put '$ORIGIN' in single quotes when linking: -Wl,-rpath,'$ORIGIN'"
            return blocking(case, refusal, text, advice, code="token-unexpanded", confidence=Confidence.LIKELY)
    return None


def _other_libc(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    if not refusal.name.startswith(_MUSL):
        return None
    text = f"{case.wanted_by(refusal)}: it was built for musl, and this system's C library is glibc."
    return blocking(case, refusal, text, "install the manylinux (glibc) build of it", code="libc-mismatch")


def _filter(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    if refusal.dependency is None or refusal.dependency.kind is not DependencyKind.FILTER:
        return None
    text = f"{case.wanted_by(refusal)} as its filter (DT_FILTER), and a filter's library must be there."
    return blocking(case, refusal, text, install(case, refusal.name, refusal.requester), code="filter-missing")


def _process(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    """The number of a running process, given for a library."""
    number = process_number(refusal.name)
    if refusal.requester is not None or number is None or not case.model.view.exists(f"/proc/{number}/exe"):
        return None
    text = f"{number} is a running process, not a library."
    advice = (
        f"loadstone loaded {number} lists its libraries; loadstone explain --pid {number} TARGET asks what it can open"
    )
    return blocking(case, refusal, text, advice, code="process")


def _mistyped_variable(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    """An element of LD_LIBRARY_PATH that is no folder as it stands, and with less around it is the right one."""
    value = case.model.variable("LD_LIBRARY_PATH") or ""
    if "/" in refusal.name or case.model.secure:
        return None
    elements = [part for part in re.split("[:;]", value) if part]
    for part in filter(None, _NO_PATH.split(value)):
        folder = _folder_meant(case, part)
        if folder in map(posixpath.normpath, elements):
            continue
        if usable_image(case.model, posixpath.join(folder, refusal.name)) is not None:
            wrong = next((element for element in elements if part in element), value)
            text = f"{case.wanted_by(refusal)}, and {folder} has it: LD_LIBRARY_PATH has {wrong}, which is no folder."
            code = "dep-not-found" if refusal.requester else "not-found"
            return blocking(case, refusal, text, f"LD_LIBRARY_PATH={quoted_path(folder)}", code=code)
    return None


def _folder_meant(case: SimulatedLoad, part: str) -> str:
    """The folder that a piece of a variable names: below the home that no shell put in, or of the file it names."""
    home = case.model.variable("HOME") or "~"
    place = posixpath.normpath(home + part[1:] if part.startswith("~") else part)
    is_file = usable_image(case.model, place) is not None
    return posixpath.dirname(place) if is_file else place


def _python_module(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    """The name of a Python package or module, given for a library."""
    if refusal.requester is not None or not refusal.name.isidentifier():
        return None
    found = python_module(case, refusal.name)
    if found is None:
        return None
    text = f"{refusal.name} is a Python package or module, which no loader knows by that name: {found}."
    return blocking(case, refusal, text, f"loadstone explain {quoted_path(found)}")


def _elsewhere(case: SimulatedLoad, refusal: Refusal) -> Diagnosis | None:
    """It lies where no rule leads: near the file that asks, in a package's folder, in the current directory."""
    if "/" in refusal.name:
        return None
    here = posixpath.join(posixpath.curdir, refusal.name)
    if refusal.requester is None and case.model.view.exists(case.model.absolute(here)):
        text = f"{here} is a file of this folder, and a name without a slash is never looked for there."
        folder = quoted_path(case.model.cwd)
        advice = f"ask for it by its path: loadstone explain {quoted_path(here)}; or LD_LIBRARY_PATH={folder}"
        return blocking(case, refusal, text, advice)
    found = next(copies(case, refusal.name, refusal.requester, wide=True), None)
    if found is None:
        return None
    level = _OF_A_LEVEL.search(found)
    if level is not None:
        text = (
            f"{case.wanted_by(refusal)}; {found} is its build for {level[1]} alone, and this loader looks for builds of"
            f" {', '.join(case.model.hwcaps) or 'no level'}."
        )
        folder = quoted_path(found[: level.start()] or "/")
        advice = f"put the build for every processor (x86-64) into {folder} as well"
        return blocking(case, refusal, text, advice, code="dep-not-found" if refusal.requester else "not-found")
    if refusal.requester is None:
        text = f"No library called {refusal.name} was found where the loader looks; there is {found}."
        return blocking(case, refusal, text, lead_to(case, found, None))
    text = f"{case.wanted_by(refusal)}, and no rule leads to it; it is there all the same: {found}."
    if case.model.secure:
        text += " The program has privileges (AT_SECURE): neither LD_LIBRARY_PATH nor $ORIGIN counts."
    needless = without_libpython(refusal.name, refusal.requester)
    if needless and case.process.program is not None and case.process.program.image.symbols.positions(HOST_SIGN):
        return blocking(case, refusal, text, needless, code="dep-not-found")
    advice = lead_to(case, found, refusal.requester)
    conda = conda_prefix(case.model, found)
    if conda and not case.model.absolute(refusal.requester.path).startswith(f"{conda}/"):
        again = anew(case.model, refusal.requester.path)
        without = f"conda deactivate && {again}" if again else "build it anew, after conda deactivate"
        said = f"{leaf(refusal.requester.path)} was built while {conda} was active, as it seems"
        advice = f"{said}: {without}; or {advice}" if again else f"{advice}; or, as {said}: {without}"
    package = import_first(case, found, refusal.requester)
    if package:
        advice = f"{advice}; or import {package} before it, if that opens {refusal.name}"
    return blocking(case, refusal, text, advice, code="dep-not-found")


_REASONS: Final[tuple[Callable[[SimulatedLoad, Refusal], Diagnosis | None], ...]] = (
    _other_class,
    _other_machine,
    _other_kernel,
    _unreadable,
    _filter,
    _other_libc,
    _no_defaults,
    _masked_rpath,
    _runpath_of_ancestor,
    _origin_through_link,
    _dangling,
    _stale_cache,
    _lost_origin,
    _stray_token,
    _mistyped_variable,
    _process,
    _elsewhere,
    _python_module,
)
"""In this order; the first that recognises the case speaks."""
