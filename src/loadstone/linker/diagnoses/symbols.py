"""A symbol without a definition: where else it is, why that one does not count, and what to do."""

from __future__ import annotations

import posixpath
import re
import shlex
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, compress, islice
from typing import Final

from loadstone.core.image import Image, SymbolBinding, Visibility
from loadstone.core.symbols import SymbolTable
from loadstone.core.trace import Diagnosis
from loadstone.linker.alternatives import taken_by, usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.environments import anew, import_first, interpreter_of, reinstall, reinstall_both
from loadstone.linker.diagnoses.hosts import built_for_another_host
from loadstone.linker.diagnoses.namesakes import library_of_prefix
from loadstone.linker.diagnoses.one_build import PRIVATE, one_build
from loadstone.linker.diagnoses.overruling import loaded_before, overruled, preloaded, unset_variable
from loadstone.linker.diagnoses.whereabouts import (
    chosen_alternative,
    copies,
    lead_to,
    libraries_near,
    names_in,
    searched,
)
from loadstone.linker.extension import is_host_symbol
from loadstone.linker.graph import Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.shell import quoted_path

__all__ = ["undefined"]

_LAST_NUMBER: Final = re.compile(r"(.{3,}?)_?\d+(?:_\d+)*$")
_NESTED: Final = re.compile(r"_ZNK?(\d+)")
_LEAST_PREFIX: Final = 3
_LEAST_NAMES: Final = 2
_MAX_SCANNED: Final = 32
"""Libraries near by whose every name is looked at: in a survey each that fails asks for it."""
_FAST_MATH: Final = re.compile(r"(?:_ZG\w+_)?__\w+_finite$")
_OF_THE_SYSTEM: Final = (
    "libm.so.6", "libmvec.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "libutil.so.1",
    "libcrypt.so.1", "libatomic.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libgomp.so.1", "libz.so.1",
)  # fmt: skip
"""What people forget to link with: each is looked into before the advice is left to them."""


_BUNDLE: Final = re.compile(r"[^/]\.(?:libs|dylibs)$")
"""The folder that a wheel's repair fills with copies for that wheel alone."""


def undefined(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """A strong reference that nothing in its scope defines."""
    asking = refusal.requester
    assert asking is not None
    name, file = refusal.name, leaf(asking.path)
    hidden = _hidden_in(case, name)
    if hidden and refusal.fatal:
        text = f"{file} imports the symbol {name}; {leaf(hidden)} has it, but does not export it (hidden visibility)."
        advice = 'export it there: __attribute__((visibility("default"))), or drop it from the version script'
        return blocking(case, refusal, text, advice, code="hidden-symbol")
    if refusal.code == "unversioned-provider":
        text = (
            f"{file} imports {name} with a version, and the library it was linked against has been replaced by a build"
            " without any versions: the loader's own check fails and ends the process."
        )
        return blocking(case, refusal, text, "install the build that has the versions, or relink against this one")
    when = "the first call of it ends the process" if not refusal.fatal else "none of its dependencies defines it"
    text = f"{file} imports the symbol {_spoken(refusal)}, and {when}.{_of_another_build(asking, name)}"
    if not refusal.fatal:
        text = f"{file} imports the function {_spoken(refusal)}, which nothing defines: it loads, and {when}."
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
    name, asking = refusal.name, refusal.requester
    assert asking is not None
    if is_host_symbol(name):
        python = interpreter_of(case)
        if python:
            again = reinstall(case.model, asking.path)
            return f"it is not a symbol of {python}: the file was built for another one; {again}"
        shadowed = _shadowed(case, refusal)
        if shadowed:
            return shadowed
        return "it is provided by the Python interpreter: import it there, with the version it was built for"
    for loaded in (*case.searchlist, *case.process.namespace.objects):
        for symbol in loaded.image.symbols.named(name):
            if symbol.exported and symbol.version is not None:
                return f"{leaf(loaded.path)} exports it only as {name}@{symbol.version.name}: rebuild against that one"
    linked = _linked(asking, name)
    if linked is not None and refusal.failure.text.endswith(PRIVATE):
        return one_build(case, asking, linked)
    shadowed = _shadowed(case, refusal)
    if shadowed:
        return shadowed
    if _FAST_MATH.match(name):
        return (
            "-ffast-math with glibc before 2.31 emitted this name, which newer releases lack:"
            f" rebuild {leaf(asking.path)} on this system"
        )
    strings = _of_other_strings(case, asking, name)
    if strings:
        return strings
    sibling = _of_the_same_family(case, asking, name)
    if sibling:
        return sibling
    if linked is not None:
        other = next((path for path in copies(case, leaf(linked.path), asking) if _defines(case, path, name)), None)
        if other is not None:
            preload = f"LD_PRELOAD={quoted_path(case.model.absolute(other))}"
            return f"{other} has it: {preload}, or {lead_to(case, other, asking)}, or put it in its place"
        return _fitting_build(case, asking, linked)
    for _, needed in asking.needed:
        near = copies(case, leaf(needed.path), asking, wide=True) if needed is not None else iter(())
        other = next((path for path in near if _defines(case, path, name)), None)
        if needed is not None and other is not None:
            chosen = chosen_alternative(case.model, leaf(needed.path), other) or lead_to(case, other, asking)
            return f"{needed.path} lacks it, and {other} has it: {chosen}"
    return (
        built_for_another_host(case, asking, name, akin=True)
        or _definer(case, asking, name)
        or _of_another_number(case, asking, name)
        or _build_of_prefix(case, asking, name)
        or _namesake(case, asking, name)
        or _build_of_scope(case, asking, name)
        or _missing_of_its_own(asking, name)
        or built_for_another_host(case, asking, name, akin=False)
        or ("link the file with the library that defines it (-l...), or load that one first with RTLD_GLOBAL")
    )


def _fitting_build(case: SimulatedLoad, asking: LoadedObject, linked: LoadedObject) -> str:
    both = reinstall_both(case.model, asking.path, linked.path)
    if both:
        return both
    build = f"install the build of {leaf(linked.path)} that {leaf(asking.path)} was linked with"
    again = anew(case.model, asking.path)
    build = f"{build}; or build {leaf(asking.path)} anew for this one: {again}" if again else build
    by_variable = unset_variable(case, linked.path)
    return f"{build}; {by_variable}" if by_variable else build


def _build_of_prefix(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """What to do where one needed library has other names of the same prefix; empty where none or several have."""
    linked = _of_prefix(asking, name)
    if linked is None:
        return ""
    has = f"{leaf(linked.path)} has others of its prefix and not this one"
    return f"{has}: {_fitting_build(case, asking, linked)}"


def _of_another_number(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """What to do where a needed library has the same name with another number at its end, as ICU's of each release."""
    for needed in (needed for _, needed in asking.needed if needed is not None):
        other = _numbered_otherwise(_defined_names(needed.image.symbols), name)
        if other:
            again = _anew_or_other(case, asking, needed)
            who = leaf(asking.path)
            return f"{leaf(needed.path)} has {other}, so {who} was built for another release: {again}"
    return ""


def _numbered_otherwise(names: list[str], name: str) -> str:
    """The first of some names, in order, that differs in the number at its end alone; empty for none."""
    wanted = _LAST_NUMBER.fullmatch(name)
    stem = wanted[1] if wanted is not None else ""
    for other in names[bisect_left(names, stem) :] if stem else ():
        same = _LAST_NUMBER.fullmatch(other)
        if same is not None and same[1] == stem:
            return other
        if not other.startswith(stem):
            break
    return ""


def _anew_or_other(case: SimulatedLoad, asking: LoadedObject, needed: LoadedObject) -> str:
    """The command that builds a file anew for the library that is there; failing that the words."""
    again = reinstall_both(case.model, asking.path, needed.path) or anew(case.model, asking.path)
    return again or f"build {leaf(asking.path)} anew with the {leaf(needed.path)} that is there"


def _build_of_scope(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """What to do where a library that is loaded or near, and that it does not name, has others of the C++ scope."""
    scope = _scope(name)
    if scope is None:
        return ""
    loaded = ((o.path, o.image) for o in case.process.namespace.objects if o is not asking)
    paths = islice(libraries_near(case.model, asking), _MAX_SCANNED)
    near = ((path, usable_image(case.model, path)) for path in paths)
    for path, image in chain(loaded, near):
        if image is not None and path != case.model.absolute(asking.path) and _counts(image, scope):
            both = reinstall_both(case.model, asking.path, path)
            who = leaf(asking.path)
            anew_with_it = f"{who} was built for another release of it: build {who} anew with the one that is there"
            return f"{path} has others of its scope and not this one: {both or anew_with_it}"
    return ""


def _missing_of_its_own(asking: LoadedObject, name: str) -> str:
    """That a definition is missing from the file's own sources, which have others of the C++ scope; else empty."""
    scope = _scope(name)
    if scope is None or not _counts(asking.image, scope):
        return ""
    return (
        f"{leaf(asking.path)} has others of its scope itself, so this one is declared and not defined in its own"
        " sources: define it, or link the object file that does"
    )


def _linked(asking: LoadedObject, name: str) -> LoadedObject | None:
    """The library a symbol was linked to, as its version says; failing that the one with others of its C++ scope."""
    version = next((s.version for s in asking.image.symbols.named(name) if s.version is not None), None)
    if version is not None and version.file:
        return next((o for _, o in asking.needed if o is not None and o.answers_to(version.file)), None)
    scope = _scope(name)
    return _with_others(asking, scope) if scope else None


def _with_others(asking: LoadedObject, scope: tuple[str, ...], least: int = 1) -> LoadedObject | None:
    """The one needed library that has names of a scope; None where none or several have."""
    found = [o for _, o in asking.needed if o is not None and _counts(o.image, scope) >= least]
    return found[0] if len(found) == 1 else None


def _counts(image: Image, prefixes: tuple[str, ...]) -> int:
    """How many names a library defines that begin with one of these, none of which begins another."""
    names = _defined_names(image.symbols)
    return sum(bisect_left(names, f"{prefix}\U0010ffff") - bisect_left(names, prefix) for prefix in prefixes)


@lru_cache(maxsize=64)
def _defined_names(symbols: SymbolTable) -> list[str]:
    """In order: each of a hundred symbols that are missing is asked about."""
    return sorted(compress(symbols.names, symbols.defined))


def _of_prefix(asking: LoadedObject, name: str) -> LoadedObject | None:
    """The one needed library that has several names of the same prefix, as C libraries have: ``g_utf8_`` of GLib's."""
    words = name.split("_")
    for count in range(len(words) - 1, 0, -1):
        prefix = "_".join(words[:count]) + "_"
        if len(prefix.strip("_")) < _LEAST_PREFIX:
            break
        if any(o is not None and _counts(o.image, (prefix,)) >= _LEAST_NAMES for _, o in asking.needed):
            return _with_others(asking, (prefix,), _LEAST_NAMES)
    return None


def _scope(name: str) -> tuple[str, ...] | None:
    """What the C++ names of the same outermost namespace or class begin with; None for all other names."""
    found = _NESTED.match(name)
    if found is None:
        return None
    size = int(found[1])
    word = name[found.end() : found.end() + size]
    return (f"_ZN{size}{word}", f"_ZNK{size}{word}") if len(word) == size else None


def _of_another_build(asking: LoadedObject, name: str) -> str:
    """What a library that should define it has instead, in a sentence; empty when none is known."""
    linked = _linked(asking, name)
    if linked is None:
        return ""
    version = next((s.version.name for s in asking.image.symbols.named(name) if s.version is not None), "")
    has = f"has {version}" if version else "has others of its scope"
    return f" {linked.path} {has} and not this one: it is not the build it was linked against."


def _definer(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """The command that adds a need for a library which defines the symbol: of the C library's family, or near by."""
    for path in (*_family(case), *libraries_near(case.model, asking)):
        is_of_others = _BUNDLE.search(posixpath.dirname(path)) is not None and not _brings(asking, path)
        if path == case.model.absolute(asking.path) or is_of_others or not _defines(case, path, name):
            continue
        return _link_with(case, asking, path)
    return ""


def _of_the_same_family(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """How to link with the part of a library that has the symbol where a needed one is another: libxcb, libxcb-dri3."""
    for _, needed in asking.needed:
        folder, stem = posixpath.split(needed.path.partition(".so")[0]) if needed is not None else ("", "")
        for part in names_in(case.model, folder) if stem else ():
            path = f"{folder}/{part}"
            if part.startswith((f"{stem}-", f"{stem}_")) and ".so" in part and _defines(case, path, name):
                return _link_with(case, asking, path)
    return ""


def _link_with(case: SimulatedLoad, asking: LoadedObject, path: str) -> str:
    """How a file comes to need a library that defines its symbol."""
    image = usable_image(case.model, path)
    needed = (image.identity if image is not None else None) or leaf(path)
    command = f"patchelf --add-needed {shlex.quote(needed)} {quoted_path(asking.path)}"
    folder = posixpath.dirname(path)
    if folder not in searched(case, asking):
        command += f" && {lead_to(case, path, asking)}"
    package = import_first(case, path, asking)
    first = f"import {package} before it, if that opens it for all (RTLD_GLOBAL); or " if package else ""
    if _is_module(image, path):
        first = f"load {leaf(path)} first, in what configures the program; or "
    return f"{path} defines it: {first}link with {_option(path)}, or {command}"


def _is_module(image: Image | None, path: str) -> bool:
    """Whether a file is one that a program opens by its path, and not a library that others are linked with."""
    return image is not None and image.identity is None and not leaf(path).startswith("lib")


def _namesake(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """What to do where the prefix of a C name tells whose it is, and the file was not linked with that library."""
    library = library_of_prefix(name)
    if not library or any(d.name.startswith(f"{library}.") for d, _ in asking.needed):
        return ""
    cached = (entry.path for entry in case.model.cache.entries if entry.name.startswith(f"{library}.so"))
    folders = case.model.system_dirs
    there = (f"{d}/{n}" for d in folders for n in names_in(case.model, d) if n.startswith(f"{library}.so"))
    path = next((path for path in chain(cached, there) if _defines(case, path, name)), None)
    if path is not None:
        return _link_with(case, asking, path)
    return f"it is of {library}, which {leaf(asking.path)} does not need: link it with -l{library.removeprefix('lib')}"


def _brings(asking: LoadedObject, path: str) -> bool:
    """Whether a folder of bundled libraries is the own one of the package that a file is in."""
    folder = posixpath.dirname(path)
    return posixpath.normpath(asking.path).startswith((f"{folder}/", f"{folder.rpartition('.')[0]}/"))


def _family(case: SimulatedLoad) -> Iterator[str]:
    """The libraries of the C library's family and of the compiler, where the loader finds them."""
    for name in _OF_THE_SYSTEM:
        yield from (entry.path for entry in case.model.cache.named(name))


def _defines(case: SimulatedLoad, path: str, name: str) -> bool:
    image = usable_image(case.model, path)
    return image is not None and any(symbol.exported for symbol in image.symbols.named(name))


def _option(path: str) -> str:
    stem = leaf(path).partition(".so")[0]
    return shlex.quote(f"-l{stem.removeprefix('lib')}") if stem.startswith("lib") else quoted_path(path)


def _shadowed(case: SimulatedLoad, refusal: Refusal) -> str:
    """What puts a library that lacks the symbol before one of the same name that has it; empty when nothing does."""
    asking = refusal.requester
    assert asking is not None

    def serves(image: Image) -> bool:
        return any(symbol.exported for symbol in image.symbols.named(refusal.name))

    for _, needed in asking.needed:
        if needed is None:
            continue
        advice = overruled(case, taken_by(case.process, needed.path), serves)
        advice = advice or loaded_before(case, needed, asking, serves)
        if advice:
            return preloaded(case, needed) or advice
    return ""


def _of_other_strings(case: SimulatedLoad, asking: LoadedObject, name: str) -> str:
    """How to build the file where something loaded defines the same function for the other C++ string; else empty.

    A parameter may have become a value or a reference meanwhile: only what stands before the string is compared.
    """
    new = "__cxx11" in name
    if not new and "Ss" not in name:
        return ""
    stem = name.partition("NSt7__cxx11" if new else "Ss")[0].rstrip("RK")
    if len(stem) < len("_Z1f"):
        return ""
    for loaded in case.searchlist:
        names = zip(loaded.image.symbols.names, loaded.image.symbols.defined, strict=True)
        for other, defined in names:
            mark = "Ss" if new else "NSt7__cxx11"
            if defined and mark in other and other.partition(mark)[0].rstrip("RK") == stem:
                return (
                    f"{leaf(loaded.path)} has it for the other C++ string ABI: build {leaf(asking.path)} with"
                    f" -D_GLIBCXX_USE_CXX11_ABI={0 if new else 1}"
                )
    return ""
