"""What a DLL exports, and which imports of another it does not: by name or by ordinal.

Source: Microsoft, "PE Format", the import lookup table.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from loadstone.core.claims import Confidence, Location, Severity
from loadstone.core.image import Dependency, DependencyKind, Image
from loadstone.core.trace import Diagnosis
from loadstone.linker.walk import SimulatedLibrary
from loadstone.linker.windows_words import no_entry

__all__ = ["exported", "missing_entries"]

_MAX_MISSING: Final = 20


@lru_cache(maxsize=256)
def exported(image: Image) -> tuple[frozenset[str], frozenset[int]]:
    """The names and the ordinals a DLL exports."""
    names = zip(image.symbols.names, image.symbols.defined, strict=True)
    numbers = (s.ordinal for s in image.symbols if s.defined and s.ordinal is not None)
    return frozenset(name for name, defined in names if defined), frozenset(numbers)


def missing_entries(
    member: SimulatedLibrary, dependency: Dependency, provider: SimulatedLibrary, image: Image
) -> Iterator[Diagnosis]:
    """Imports that the chosen DLL does not export, by name or by ordinal."""
    names, numbers = exported(image)
    absent = [
        wanted
        for wanted in dependency.symbols
        if (int(wanted[1:]) not in numbers if wanted.startswith("#") and wanted[1:].isdigit() else wanted not in names)
    ]
    folder, name = posixpath.split(provider.path)
    advice = f"put the version of {dependency.name} that it was built with beside it"
    if folder == posixpath.dirname(member.path):
        who = posixpath.basename(member.path)
        advice = f"{advice}: {name} and {who} are of two releases, so take both from one, installed anew"
    for wanted in absent[:_MAX_MISSING]:
        yield Diagnosis(
            code="pe-missing-entry",
            blocking=dependency.kind is not DependencyKind.DELAY,
            subject=wanted,
            explanation=f"{member.path} imports {wanted}, which {provider.path} does not export.",
            loader_message=no_entry(wanted, member),
            advice=advice,
            chain=provider.chain,
            evidence=(Location.bytes(member.path, dependency.offset, 20),),
            confidence=Confidence.LIKELY if image.damage else Confidence.CERTAIN,
            severity=Severity.HIGH,
        )
