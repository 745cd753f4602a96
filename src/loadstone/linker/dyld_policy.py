"""What dyld demands of one file before it maps it, which grew with the SDKs: a file is held to the rules of its own.

Source: mach_o/Policy.cpp and Header.cpp of dyld-1378, read for their rules; for library validation Apple's "Hardened
Runtime" and "Disable Library Validation Entitlement", and the words of public reports. An older dyld does not
know the later rules, so each row names the macOS from which it is enforced.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.binary.macho.facts import BuildVersion, MachoFacts
from loadstone.core.image import DependencyKind, Image, ImageKind
from loadstone.quick_dataclass import dataclass
from loadstone.shell import quoted_path

__all__ = ["Demand", "build_for_macos", "numbers_of", "of_another_team", "unmet"]

_Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a file lacks: dyld's words, the macOS that first says them, and the command that mends it."""

    words: str
    since: _Version
    advice: str


def unmet(image: Image, path: str) -> Iterator[Demand]:
    """The demands that a file does not meet, of those its SDK binds it to."""
    facts = image.native
    build = build_for_macos(image)
    if not isinstance(facts, MachoFacts) or build is None:
        return
    for since, find in _DEMANDS:
        if numbers_of(build.sdk) < since:
            continue
        found = find(image, facts, quoted_path(path))
        if found is not None:
            yield Demand(found[0], since, found[1])


def of_another_team(image: Image, program: Image) -> bool:
    """Whether a program loads only what Apple or its own team signed, and a file is of neither (library validation)."""
    own, others = (i.native.signature if isinstance(i.native, MachoFacts) else None for i in (program, image))
    if own is None or not own.validates_libraries:
        return False
    return others is None or not others.team or others.team != own.team


def build_for_macos(image: Image) -> BuildVersion | None:
    """The macOS an image was built for, and with which SDK; None for another platform or an image that does not say."""
    facts = image.native
    builds = facts.builds if isinstance(facts, MachoFacts) else ()
    return next((build for build in builds if build.platform.casefold() == "macos"), None)


def numbers_of(version: str) -> _Version:
    """A version as numbers without the zeros at its end; empty, and so below all others, for one that is none.

    >>> numbers_of("15.4.0"), numbers_of("11.0"), numbers_of("n/a")
    ((15, 4), (11,), ())
    """
    parts = version.split(".")
    if not all(part.isdigit() for part in parts):
        return ()
    numbers = [int(part) for part in parts]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


_Found = tuple[str, str] | None


def _repeated_search_dir(image: Image, _: MachoFacts, file: str) -> _Found:
    name = _repeated([directory.text for directory in image.search_dirs])
    if name is None:
        return None
    return f"duplicate LC_RPATH '{name}'", f"install_name_tool -delete_rpath {shlex.quote(name)} {file}"


def _repeated_dylib(image: Image, _: MachoFacts, file: str) -> _Found:  # noqa: ARG001  the rows are called alike
    name = _repeated([d.name for d in image.needed if d.kind is not DependencyKind.LAZY])
    return None if name is None else (f"duplicate linked dylib '{name}'", f"link it once: drop the second {name}")


def _no_dylib(image: Image, _: MachoFacts, file: str) -> _Found:  # noqa: ARG001
    if image.needed or image.kind is ImageKind.OBJECT or (image.identity or "").startswith("/usr/lib/system/"):
        return None
    return "missing LC_LOAD_DYLIB (must link with at least libSystem.dylib)", "link it with -lSystem"


def _no_uuid(image: Image, _: MachoFacts, file: str) -> _Found:  # noqa: ARG001
    return None if image.build_id else ("missing LC_UUID", "link it without -no_uuid")


_DEMANDS: Final[tuple[tuple[_Version, Callable[[Image, MachoFacts, str], _Found]], ...]] = (
    ((12,), _no_uuid),
    ((15,), _repeated_dylib),
    ((15, 4), _no_dylib),
    ((15, 4), _repeated_search_dir),
)
"""From which SDK, and with it which macOS, each is demanded."""


def _repeated(names: list[str]) -> str | None:
    return next((name for at, name in enumerate(names) if name in names[:at]), None)
