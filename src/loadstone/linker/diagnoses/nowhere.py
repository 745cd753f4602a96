"""A library that was found nowhere: what is there of it under another name, and what brings it."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Final

from loadstone.core.trace import Diagnosis, StepOutcome
from loadstone.linker.alternatives import usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.dotnet import native_of_dotnet
from loadstone.linker.diagnoses.environments import anew, conda_install, libpython, original_of
from loadstone.linker.diagnoses.mistyped import library_meant, meant
from loadstone.linker.diagnoses.other_families import of_another_family
from loadstone.linker.diagnoses.owners import may_be_packaged
from loadstone.linker.diagnoses.standard_modules import module_not_built
from loadstone.linker.diagnoses.vendors import brought_by
from loadstone.linker.diagnoses.whereabouts import (
    copies,
    is_same_library,
    lead_to,
    name_it,
    names_in,
    similar,
)
from loadstone.linker.graph import Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.package_systems import system_of
from loadstone.linker.packages import (
    apt_install,
    has_other_files,
    install_by_system,
    lists_are_compressed,
    of_older_releases,
    of_plain_name,
    package_of_missing,
)
from loadstone.shell import quoted_path

__all__ = ["install", "nowhere"]

_SHOWN: Final = 3
_REPAIRED: Final = re.compile(r"(lib.+?)-[0-9a-f]{8}\.so[.\d]*")
"""How auditwheel names what it puts into a wheel."""
_RELEASED: Final = re.compile(r"(lib.+?)-(\d[.\d]*)\.so")
"""How libtool's ``-release`` names a library, each release of which is another interface."""
_DIGITS: Final = "0123456789."
_ROS: Final = re.compile(r"/opt/ros/(\w+)/")
_LEAST_WORD: Final = 3
_LIBTOOL: Final = {".dll": re.compile(r"lib(.+)-(\d+)"), ".dylib": re.compile(r"lib([^.]+)\.(\d+)")}
_OF_ANOTHER_SYSTEM: Final = "That is a library's name on another system, and nothing is known to stand for it here."


def nowhere(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """A name that was found in none of the places searched, nor near them."""
    if "/" in refusal.name:
        return _no_such_path(case, refusal)
    tried = len({(s.rule, s.source, s.element) for s in refusal.steps if s.outcome is StepOutcome.ABSENT})
    places = f"{tried} places" if tried != 1 else "one place"
    text = f"{case.wanted_by(refusal)}: looked for in {places}, found in none."
    if refusal.requester is None:
        text = f"No library called {refusal.name} was found in {places} the loader looks."
    called = _as_called_here(refusal.name)
    short = library_meant(case.model, called.partition(".so")[0] or refusal.name)
    if ".so." in called and short != called:  # another interface
        short = ""
    if called and refusal.requester is None:
        bring = short or _known_install(case, called, None)
        if not bring:
            return blocking(case, refusal, f"{text} {_OF_ANOTHER_SYSTEM}", _as_the_other_system(refusal.name))
        text += f" That is its name on another system: here it is {short or called}."
        return blocking(case, refusal, text, f"ask for {short or f'{called}: {bring}'}")
    published = native_of_dotnet(case.model, refusal.name) if refusal.requester is None else ""
    if published:
        return blocking(case, refusal, text, published)
    lacks, built = module_not_built(case.model, refusal.name) if refusal.requester is None else ("", "")
    if lacks:
        text = f"{refusal.name} is a module of Python's own library, and the Python of {lacks} was built without it."
        return blocking(case, refusal, text, built)
    if short and refusal.requester is None:
        return blocking(case, refusal, text, f"did you mean {short}? A loader takes the whole name of a file")
    beside = similar(case, refusal.name, refusal.requester)
    near = beside or _nearest(case, refusal.name)
    if near:
        text += f" There is {', '.join(near)}."
    code = "dep-not-found" if refusal.requester else "not-found"
    same = next((path for path in beside if is_same_library(case, refusal.name, path)), None)
    versioned = next((path for path in beside if leaf(path).startswith(f"{refusal.name}.")), None)
    if same is None and versioned is not None and refusal.requester is None:
        advice = f"ask for {leaf(versioned)}; the name without a version is of its package for building (-dev, -devel)"
        link = posixpath.join(posixpath.dirname(versioned), refusal.name)
        advice += f", or ln -s {quoted_path(leaf(versioned))} {quoted_path(link)}"
        return blocking(case, refusal, text, advice, code=code)
    if same is None:
        variants = _variants(case, refusal.name)
        if variants:
            advice = f"{name_it(case, refusal.name, variants[0], refusal.requester)}, if it is built the same way"
            return blocking(case, refusal, f"{text} There is {', '.join(variants)}.", advice, code=code)
        if versioned is not None and refusal.requester is not None:
            link = name_it(case, refusal.name, versioned, refusal.requester)
            brings = "the name without a version is brought by the package for building (-dev, -devel)"
            return blocking(case, refusal, text, f"{link}; {brings}", code=code)
        bare = next((path for path in beside if _is_unnumbered(case, path, f"{_stem(refusal.name)}.so")), None)
        if bare is not None and refusal.requester is not None:
            link = name_it(case, refusal.name, bare, refusal.requester)
            who, by_system = leaf(refusal.requester.path), install(case, refusal.name, refusal.requester)
            advice = f"link {who} anew with {bare}; or {link}, where it is of that release; or {by_system}"
            return blocking(case, refusal, text, advice, code=code)
        own = libpython(case, refusal.name, refusal.requester) or _of_a_repaired_wheel(case, refusal)
        conda = conda_install(case, refusal.name, refusal.requester, beside)
        if not own and conda and not brought_by(case.model, leaf(refusal.name), ""):
            by_system = install(case, refusal.name, refusal.requester)
            own = conda if beside else f"{conda}; or of this system: {by_system}"
        advice = own or _install_or_rebuild(case, refusal, near)
        return blocking(case, refusal, text, advice, code=code)
    text += f" {leaf(same)} is that library under another name."
    return blocking(case, refusal, text, name_it(case, refusal.name, same, refusal.requester), code=code)


def _is_unnumbered(case: SimulatedLoad, path: str, name: str) -> bool:
    """Whether a file of that name says no number of an interface: a link for the linker leads to one that does."""
    image = usable_image(case.model, path) if leaf(path) == name else None
    return image is not None and (image.identity or name) == name


def _as_called_here(name: str) -> str:
    """What a library with the name of Windows or of macOS is called where ELF is used; empty for any other name.

    The number is that of the interface where libtool put one: ``libpng16-16.dll``, ``libpng16.16.dylib``.
    """
    stem, ending = posixpath.splitext(name)
    if ending.casefold() not in (".dll", ".dylib"):
        return ""
    number = _LIBTOOL[ending.casefold()].fullmatch(stem)
    if number is not None:
        return f"lib{number[1]}.so.{number[2]}"
    return f"lib{stem.removeprefix('lib')}.so"


def _as_the_other_system(name: str) -> str:
    """How a name of Windows or macOS that nothing here stands for is asked about."""
    loader = "windows" if name.casefold().endswith(".dll") else "dyld"
    return (
        "use its build for this system, by the name it has here; what the other system would say of it: loadstone"
        f" explain --loader {loader} {shlex.quote(name)}"
    )


def _of_a_repaired_wheel(case: SimulatedLoad, refusal: Refusal) -> str:
    """What to do about a copy that a wheel's repair renamed: it is of that wheel alone; empty for all other names."""
    found = _REPAIRED.fullmatch(refusal.name)
    if found is None or refusal.requester is None:
        return ""
    who = leaf(refusal.requester.path)
    again = anew(case.model, refusal.requester.path) or f"build {who} anew with the wheel that is there"
    return f"that is a copy of {found[1]} which one release of a wheel brought along, and {who} was built with: {again}"


def _install_or_rebuild(case: SimulatedLoad, refusal: Refusal, near: tuple[str, ...]) -> str:
    """The package; and where another major version is there: that it is another interface, and what is built for it."""
    wanted, bring = _major(refusal.name), install(case, refusal.name, refusal.requester)
    stem = _stem(refusal.name)
    others = (path for path in near if _stem(path) != stem or (_major(path) and _major(path) != wanted))
    other = next(others, None) if wanted else None
    if other is None:
        return bring
    name = leaf(refusal.name)
    if refusal.requester is None:
        link = f"ln -s {quoted_path(leaf(other))} {quoted_path(posixpath.join(posixpath.dirname(other), name))}"
        return f"ask for {leaf(other)}, or {link}, where its interface will do; or {name} as well: {bring}"
    who = leaf(refusal.requester.path)
    rebuild = f"a build of {who} for {leaf(other)}, which is another interface than {name}"
    again = anew(case.model, refusal.requester.path)
    if "/" in other and posixpath.dirname(other) not in case.model.system_dirs:  # of the program, not of the system
        return f"install {rebuild}{f': {again}' if again else ''}; or {name} as well: {bring}"
    system = system_of(case.model.view)
    is_packaged = may_be_packaged(case.model, refusal.requester.path)
    by_system = system is not None and system.rebuild and is_packaged
    if again and not (by_system and " -m pip " in again):
        return f"{again}, which builds it for {leaf(other)}; or {name} as well: {bring}"
    if system is not None and by_system:
        return f"{system.rebuild}: it takes {rebuild}; a link under that name does not make it one"
    return f"{bring}; or {rebuild}: a link under that name does not make it one"


def _variants(case: SimulatedLoad, name: str) -> tuple[str, ...]:
    """Libraries of the same name and version with a word in between: ``libboost_python-py27.so.1.61.0``."""
    stem, _, version = leaf(name).partition(".so.")
    if "." not in version:
        return ()
    folders = case.model.system_dirs
    names = ((folder, other) for folder in folders for other in names_in(case.model, folder))
    return tuple(
        f"{folder}/{other}"
        for folder, other in names
        if other.startswith(f"{stem}-") and other.endswith(f".so.{version}") and other != name
    )[:_SHOWN]


def _major(name: str) -> str:
    """The version of the interface in a file's name: ``3`` of ``libssl.so.3``, ``2.25`` of ``libbfd-2.25.so``."""
    released = _RELEASED.fullmatch(leaf(name))
    return released[2] if released is not None else leaf(name).partition(".so.")[2]


def _no_such_path(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """A path that was written out is no package's business: what is spelled alike, and what it is relative to."""
    if refusal.requester is None:
        text = f"There is no such file: {refusal.name}."
        lacks, built = module_not_built(case.model, refusal.name)
        if lacks:
            text = f"{text} It is a module of Python's own library, and this Python was built without it."
            return blocking(case, refusal, text, built, code="no-such-file")
        return blocking(case, refusal, text, meant(case.model, refusal.name), code="no-such-file")
    asking = refusal.requester
    text = f"{case.wanted_by(refusal)}, a path that is not there (relative ones start where the program is run)."
    found = next(copies(case, leaf(refusal.name), asking), None)
    if found is None:
        return blocking(case, refusal, text, meant(case.model, refusal.name), code="dep-not-found")
    original = original_of(case.model, asking.path)
    if original:
        text += f" {asking.path} is a copy of {original}, which has it beside it."
        advice = f"ln -sf {quoted_path(original)} {quoted_path(asking.path)}"
        return blocking(case, refusal, text, advice, code="dep-not-found")
    names = shlex.join((_needed_as(refusal), leaf(found)))
    advice = f"patchelf --replace-needed {names} {quoted_path(asking.path)}"
    if posixpath.dirname(found) not in case.model.system_dirs:
        advice += f" && {lead_to(case, found, asking)}"
    return blocking(case, refusal, f"{text} There is {found}.", advice, code="dep-not-found")


def _needed_as(refusal: Refusal) -> str:
    """The name as the file has it, with the tokens that stand in it."""
    return refusal.dependency.name if refusal.dependency is not None else refusal.name


def install(case: SimulatedLoad, name: str, asking: LoadedObject | None) -> str:
    """What brings a library, as a command where one is known: a vendor's kit, or a package of this system."""
    return _known_install(case, name, asking) or (
        f"install the package that has {leaf(name)} (apt-file search {shlex.quote(leaf(name))}, dnf provides"
        f" {shlex.quote(f'*/{leaf(name)}')})"
    )


def _known_install(case: SimulatedLoad, name: str, asking: LoadedObject | None) -> str:
    """The command of :func:`install`; empty where none is known."""
    vendor = brought_by(case.model, leaf(name), asking.path if asking is not None else "")
    who = leaf(asking.path) if asking is not None else "what needs it"
    foreign = vendor or of_another_family(case.model.view, leaf(name), who)
    if foreign:
        return foreign
    package = package_of_missing(case.model.view, leaf(name), compressed=case.model.thorough)
    has_others = package is not None and has_other_files(case.model.view, package, leaf(name))
    if package and not has_others:
        return apt_install(case.model.view, package, case.model.abi)
    if not case.model.thorough and lists_are_compressed(case.model.view):
        return (
            f"`loadstone explain {shlex.quote(case.target)}` looks in apt's lists for the package that has {leaf(name)}"
        )
    by_system = "" if has_others else install_by_system(case.model.view, leaf(name), case.model.abi)
    by_system = by_system or of_older_releases(case.model.view, leaf(name))
    plain = of_plain_name(case.model.view, leaf(name), case.model.abi, compressed=case.model.thorough)
    is_private = asking is not None and name.endswith(".so") and not plain.startswith("apt ")
    return by_system or (_of_its_project(case, name, asking.path) if is_private and asking is not None else plain)


def _of_its_project(case: SimulatedLoad, name: str, path: str) -> str:
    """Where a library comes from whose name has no version, which those of systems have: from what asks for it."""
    ros = _ROS.match(case.model.absolute(path))
    if ros is not None:
        package = _stem(name).removeprefix("lib").replace("_", "-")
        return f"source /opt/ros/{ros[1]}/setup.bash; where it is not installed: apt-get install ros-{ros[1]}-{package}"
    again = anew(case.model, path)
    said = f"{leaf(name)} has no version in its name, as the libraries of one project: it belongs to {leaf(path)}"
    whole = again or f"install or build all of what {leaf(path)} is part of"
    return f"{said}: {whole}; or LD_LIBRARY_PATH=the folder that has it"


def _stem(name: str) -> str:
    return leaf(name).partition(".so")[0]


def _nearest(case: SimulatedLoad, name: str) -> tuple[str, ...]:
    """Files of the same library in another version, in the directories built into the loader and in the cache.

    The number may be part of the name: ``libpng12.so.0`` and ``libpng16.so.16``, ``libboost_python39`` and ``..._311``.
    """
    stem = _stem(name)
    if not stem:
        return ()
    known = {entry.name for entry in case.model.cache.entries}
    exact = sorted(n for n in known if _stem(n) == stem and n != name)
    bare = stem.rstrip(_DIGITS)
    if exact or bare == stem or len(bare.removeprefix("lib")) < _LEAST_WORD:
        return tuple(exact[:_SHOWN])
    there = (f"{folder}/{n}" for folder in case.model.system_dirs for n in names_in(case.model, folder))
    released = _RELEASED.fullmatch(leaf(name)) is not None
    numbered = (
        n
        for n in (*sorted(known), *there)
        if (_RELEASED.fullmatch(leaf(n)) if released else ".so." in n) and _stem(n).rstrip(_DIGITS) == bare
    )
    return tuple(dict.fromkeys(n for n in numbered if _stem(n) != stem))[:_SHOWN]
