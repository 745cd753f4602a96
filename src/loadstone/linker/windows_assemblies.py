"""Side-by-side assemblies: what a manifest in a DLL or a program asks for, and whether it lies beside the file.

Source: Microsoft, "Assembly Searching Sequence" and "Manifests". A private assembly NAME is ``NAME.dll``,
``NAME.manifest`` or ``NAME/NAME.manifest`` in the folder of the file; a shared one is in WinSxS, which Windows fills
with its own, and the redistributable packages of Visual C++ 2005 and 2008 with theirs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.binary.pe.facts import AssemblyReference, PeFacts
from loadstone.core.claims import Location, Severity
from loadstone.core.image import ImageKind
from loadstone.core.trace import Diagnosis
from loadstone.linker.walk import SimulatedLibrary

__all__ = ["missing_assemblies", "private_folders", "without_manifest"]

_OF_PROGRAM, _OF_LIBRARY = 1, 2  # CREATEPROCESS_MANIFEST_RESOURCE_ID, ISOLATIONAWARE_MANIFEST_RESOURCE_ID
_OF_WINDOWS: Final = "microsoft.windows."
_SIDE_BY_SIDE: Final = {"80": "2005", "90": "2008"}
_VISUAL_C: Final = {"microsoft.vc80.": "2005", "microsoft.vc90.": "2008"}
_WORDS: Final = (
    "[WinError 14001] The application has failed to start because its side-by-side configuration is incorrect"
)


def _wanted(member: SimulatedLibrary) -> Iterator[tuple[AssemblyReference, int]]:
    """The assemblies that the manifest which counts asks for, and where that manifest stands."""
    facts = member.image.native if member.image is not None else None
    if member.image is None or not isinstance(facts, PeFacts):
        return
    counts = _OF_LIBRARY if member.image.kind is ImageKind.SHARED else _OF_PROGRAM
    for manifest in facts.manifests:
        if manifest.resource_id == counts:
            yield from ((assembly, manifest.offset) for assembly in manifest.dependencies)


def private_folders(member: SimulatedLibrary, folder: str) -> tuple[str, ...]:
    """The folders of assemblies beside a file, whose DLLs come before all others."""
    return tuple(posixpath.join(folder, assembly.name) for assembly, _ in _wanted(member))


def without_manifest(member: SimulatedLibrary, dll: str, beside: str) -> str:
    """What to do about a run-time of 2005 or 2008 for a file that asks for no assembly; empty for all else.

    Args:
        member: the file that imports it.
        dll: the run-time.
        beside: what it would lie beside: the program, or the library.
    """
    year = next((y for number, y in _SIDE_BY_SIDE.items() if dll.casefold().endswith(f"{number}.dll")), None)
    if year is None or any(a.name.casefold().startswith(tuple(_VISUAL_C)) for a, _ in _wanted(member)):
        return ""
    return (
        f"put {dll} beside the {beside}: the redistributable of {year} installs it for manifests alone (WinSxS), and"
        f" {posixpath.basename(member.path)} has none that asks for it"
    )


def missing_assemblies(member: SimulatedLibrary, folder: str, has: Callable[[str, str], bool]) -> Iterator[Diagnosis]:
    """A diagnosis for each assembly that is neither of Windows nor beside the file.

    ``has`` says whether a folder has a file of that name, whatever its case.
    """
    for assembly, offset in _wanted(member):
        name = assembly.name
        inside = posixpath.join(folder, name)
        beside = has(folder, f"{name}.dll") or has(folder, f"{name}.manifest") or has(inside, f"{name}.manifest")
        if name.casefold().startswith(_OF_WINDOWS) or beside:
            continue
        year = next((y for begin, y in _VISUAL_C.items() if name.casefold().startswith(begin)), None)
        shared = f"install the Visual C++ {year} redistributable ({assembly.architecture})" if year else ""
        private = f"put its folder {name} with {name}.manifest beside {posixpath.basename(member.path)}"
        yield Diagnosis(
            code="pe-assembly",
            blocking=True,
            subject=name,
            explanation=f"The manifest of {member.path} asks for the side-by-side assembly {name} {assembly.version},"
            " which is not part of Windows and is not beside it.",
            loader_message=_WORDS,
            advice=f"{shared}, or {private}" if shared else private,
            chain=member.chain,
            evidence=(Location.bytes(member.path, offset, 1),),
            severity=Severity.HIGH,
        )
