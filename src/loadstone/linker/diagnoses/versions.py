"""A symbol version that is needed is not offered: by whom, for which symbols, and what would offer it."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from loadstone.core.image import Image
from loadstone.core.trace import Diagnosis
from loadstone.linker.alternatives import taken_by, usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.environments import from_source, newer_of_conda, older_build, reinstall_both
from loadstone.linker.diagnoses.interpreters import OF_GO
from loadstone.linker.diagnoses.overruling import linked_anew, loaded_before, overruled, preloaded
from loadstone.linker.diagnoses.owners import newer_runtime
from loadstone.linker.diagnoses.whereabouts import copies, is_same_library, lead_to, name_it, similar
from loadstone.linker.graph import Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import OpenedFile
from loadstone.shell import quoted_path

__all__ = ["version_not_found"]

_GLIBC = re.compile(r"GLIBC_(\d+\.\d+)")
_NUMBERED = re.compile(r"(.*?)(\d{1,9}(?:[._]\d{1,9})*)[a-z]?")
_UNPACKED = re.compile(r"/_MEI\w+/")
_SHOWN = 6


def version_not_found(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """Which symbols want the version, and the smallest release that has it."""
    consumer, provider = refusal.requester, refusal.opened
    assert consumer is not None
    assert provider is not None
    table = consumer.image.symbols
    users = sorted({s.name for s in table.imports if s.version is not None and s.version.name == refusal.name})
    shown = ", ".join(users[:_SHOWN]) + (f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else "")
    whose = f" for {shown}" if users else ", though no symbol of it uses it"
    is_younger = _has(case.model.view.image(provider), refusal.name)  # than the release that is asked about
    lacking = f"glibc {'.'.join(map(str, case.model.release))}" if is_younger else provider.path
    text = f"{leaf(consumer.path)} needs the version {refusal.name}{whose}; {lacking} does not have it."
    loaded = next((o for o in case.process.namespace.objects if o.opened is refusal.opened), None)
    calls_itself = _under_another_name(case, provider)
    if calls_itself:
        text += f" It is a link to a library that calls itself {calls_itself}: another interface under this name."
    advice = preloaded(case, consumer)
    advice = advice or (_put_right(case, consumer, loaded, refusal.name) if loaded is not None else "")
    release = _GLIBC.fullmatch(refusal.name)
    if release and is_younger:
        return blocking(
            case, refusal, text, _for_older_glibc(case, consumer, provider, release[1]), code="glibc-too-old"
        )
    if release:
        advice = advice or _other_consumer(case, consumer, refusal.name)
        advice = advice or _for_older_glibc(case, consumer, provider, release[1])
        return blocking(case, refusal, text, advice, code="glibc-too-old")
    name = leaf(provider.path)
    advice = advice or _of_another_build(case, consumer, provider, refusal.name)
    if calls_itself:
        advice = f"rm {quoted_path(provider.path)}, the link, where the {name} it stands for is installed; or {advice}"
    return blocking(case, refusal, text, advice)


def _of_another_build(case: SimulatedLoad, consumer: LoadedObject, provider: OpenedFile, version: str) -> str:
    """A copy near by that has the version, another consumer that does without it, else where a build comes from."""
    near = copies(case, leaf(provider.path), consumer)
    other = next((path for path in near if _file_has(case, path, version)), None)
    if other is not None:
        return f"{other} has it: {lead_to(case, other, consumer)}"
    name = leaf(provider.path)
    unlinked = (p for p in similar(case, name, consumer) if is_same_library(case, name, p))
    other = next((path for path in unlinked if _file_has(case, path, version)), None)
    if other is not None:
        return f"{other} is that library under another name, and has it: {name_it(case, name, other, consumer)}"
    return _other_consumer(case, consumer, version) or _newer(case.model, provider, consumer, version)


def _newer(model: LoaderModel, provider: OpenedFile, consumer: LoadedObject, version: str) -> str:
    """Where the provider's newer build comes from: from where the consumer does, when both lie in one folder."""
    name, who = leaf(provider.path), leaf(consumer.path)
    of_conda = newer_of_conda(model, provider.path)
    runtime = "" if of_conda else newer_runtime(model, name, version)
    built_here = from_source(model, consumer.path) if runtime else ""
    runtime = f"{built_here}; or {runtime}" if built_here else runtime
    both = runtime or reinstall_both(model, consumer.path, provider.path) or of_conda
    if both:
        return both
    folder, beside = (posixpath.dirname(posixpath.normpath(path)) for path in (provider.path, consumer.path))
    if folder != beside:
        return _of_its_age(model.view.image(provider), name, who, version)
    return f"{folder} has {name} and {who} of two builds: put the {name} there that {who} was linked with"


def _of_its_age(image: Image, name: str, who: str, version: str) -> str:
    """Whether a newer, an older or another build has a version, by the provider's own of the same family."""
    family, number = _family_of(version)
    own = [_family_of(node.name) for node in image.version_definitions]
    mine = [numbers for other, numbers in own if other == family]
    if mine and min(mine) > number:
        return (
            f"it was built for an older {name}, which is another interface: build {who} here, or take a build for this"
            f" system; or keep that {name} in a folder of its own, and LD_LIBRARY_PATH=it for {who} alone"
        )
    others = sorted({other for other, _ in own if other and other[0].isalpha() and not name.startswith(other)})
    if not mine and others:
        there = ", ".join(f"{other}*" for other in others[:_SHOWN])
        return f"{name} is of another make: its versions are called {there}; {who} needs the one with {family}*"
    return f"install a newer {name}"


def _family_of(version: str) -> tuple[str, tuple[int, ...]]:
    """A version's name without its number, and the number: ``CURL_OPENSSL_`` and 3."""
    found = _NUMBERED.fullmatch(version)
    if found is None:
        return version, ()
    return found[1], tuple(int(part) for part in re.split("[._]", found[2]) if part)


def _other_consumer(case: SimulatedLoad, consumer: LoadedObject, version: str) -> str:
    """How a variable leads to no consumer that needs the version, where another one does without; else empty."""

    def does_without(image: Image) -> bool:
        return all(need.name != version for need in image.version_needs)

    taken = taken_by(case.process, consumer.path)
    by_variable = taken is not None and taken[0].rule == "ld_library_path"
    return overruled(case, taken, does_without, f"which does without {version}") if by_variable else ""


def _under_another_name(case: SimulatedLoad, provider: OpenedFile) -> str:
    """The SONAME of a library that was reached by a symbolic link of another name; empty for any other."""
    soname = case.model.view.image(provider).identity or ""
    name = leaf(provider.path)
    is_link = leaf(case.model.view.real_path(case.model.absolute(provider.path))) != name
    return soname if is_link and ".so." in name and soname and soname != name else ""


_MAX_COMMENT: Final = 65_536
_NVM: Final = re.compile(r"/versions/node/v\d+[^/]*/bin/node$")
_OF_NODE_16, _OF_NODE_18 = (2, 17), (2, 28)
"""The glibc that the builds of nodejs.org need (its BUILDING.md)."""


def _for_older_glibc(case: SimulatedLoad, consumer: LoadedObject, provider: OpenedFile, wanted: str) -> str:
    """Where a build comes from that does with the C library that is there."""
    nodes = (_GLIBC.fullmatch(d.name) for d in case.model.view.image(provider).version_definitions)
    newest = max((tuple(map(int, node[1].split("."))) for node in nodes if node), default=case.model.release)
    have = min(newest, case.model.release)
    here = ".".join(map(str, have[:2]))
    command = older_build(case.model, consumer.path, have)
    unpacked = _UNPACKED.search(consumer.path)
    older = (
        command
        or (unpacked and f"the PyInstaller program that unpacked it is to be built where glibc is {here} or older")
        or from_source(case.model, consumer.path)
        or _of_its_compiler(case.model, consumer)
        or _of_nvm(case, consumer.path, have)
        or f"build it where glibc is {here} or older, or take a build for such a system"
    )
    return f"it needs glibc {wanted} or newer, here is {here}: {older}; or run it in a container of a newer system"


def _of_its_compiler(model: LoaderModel, consumer: LoadedObject) -> str:
    """How a program of Go or of Rust is built to need no C library, or an older one; empty for all others."""
    names = {section.name: section for section in consumer.image.sections}
    if not OF_GO.isdisjoint(names):
        return "build it without C, and it needs no glibc: CGO_ENABLED=0 go build; or build it on the older system"
    comment = names.get(".comment")
    if comment is None or comment.size > _MAX_COMMENT:
        return ""
    text = model.view.read_bytes(model.absolute(consumer.path))[comment.offset : comment.offset + comment.size]
    musl = "build it for musl, and it needs no glibc: cargo build --target x86_64-unknown-linux-musl"
    return f"{musl}; or build it on the older system" if b"rustc" in text else ""


def _of_nvm(case: SimulatedLoad, path: str, release: tuple[int, ...]) -> str:
    """The command for a Node.js that does with an older C library, where nvm has installed one that does not."""
    if not _NVM.search(case.model.absolute(path)) or release < _OF_NODE_16:
        return ""
    return "nvm install 16, whose builds need no more than glibc 2.17" if release < _OF_NODE_18 else "nvm install 18"


def _put_right(case: SimulatedLoad, consumer: LoadedObject, provider: LoadedObject, version: str) -> str:
    """What puts the wrong file first, and how one that has the version comes before it; empty when nothing does."""

    def serves(image: Image) -> bool:
        return _has(image, version)

    return (
        preloaded(case, provider)
        or linked_anew(case, provider.path, serves)
        or overruled(case, taken_by(case.process, provider.path), serves)
        or loaded_before(case, provider, consumer, serves)
    )


def _has(image: Image, version: str) -> bool:
    return any(d.name == version for d in image.version_definitions)


def _file_has(case: SimulatedLoad, path: str, version: str) -> bool:
    image = usable_image(case.model, path)
    return image is not None and _has(image, version)
