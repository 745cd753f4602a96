"""What glibc checks between opening a candidate and having it in memory, in its order and its words.

Source: elf/dl-load.c of glibc, read for its rules; gABI chapter 5 "Program Header". Section headers play no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, Segment
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import OpenedFile

__all__ = ["MappingRefused", "check_mapping", "lost_pages"]

_ET_DYN: Final = 3
_PAGE: Final = 4096
_EXECUTABLE: Final = 1  # PF_X


@dataclass(frozen=True, slots=True)
class MappingRefused:
    """Why the object is not mapped: a diagnosis code, the loader's words, and where in the file the reason stands.

    ``crashes`` means there are no words: the process dies by a signal.
    """

    code: str
    text: str
    offset: int = 0
    errno: int = 0
    crashes: bool = False


def check_mapping(
    opened: OpenedFile, image: Image, model: LoaderModel, *, during_dlopen: bool
) -> MappingRefused | None:
    """The first thing that stops the mapping of a library, None when nothing does. Pure."""
    facts = image.native
    assert isinstance(facts, ElfFacts)
    behaviour = behaviour_of(model.release)
    loads = [s for s in image.segments if s.kind == "LOAD"]
    misaligned = next((s for s in loads if (s.address - s.offset) % _PAGE), None)
    if misaligned is not None:
        return MappingRefused("bad-headers", behaviour.misaligned, misaligned.header_offset)
    if not loads:
        return MappingRefused("bad-headers", "object file has no loadable segments", 16)
    if facts.type != _ET_DYN:
        return MappingRefused("is-executable", "cannot dynamically load executable", 16)
    executable = next((s for s in loads if "x" in s.flags), None)
    if executable is not None and not model.view.is_executable_mount(opened):
        return MappingRefused("noexec-mount", "failed to map segment from shared object", executable.header_offset)
    return (
        _check_pages(opened, image, loads)
        or _check_dynamic(image, facts, behaviour.pie_refused, during_dlopen=during_dlopen)
        or _check_stack(image, facts, model, refused=behaviour.executable_stack_refused)
    )


def _check_dynamic(image: Image, facts: ElfFacts, pie_refused: str, *, during_dlopen: bool) -> MappingRefused | None:
    dynamic = next((s for s in image.segments if s.kind == "DYNAMIC" and s.file_size), None)
    if dynamic is None:
        code = "debug-only" if any(s.kind == "DYNAMIC" for s in image.segments) else "bad-headers"
        return MappingRefused(code, "object file has no dynamic section", 16)
    if facts.pie and pie_refused:
        return MappingRefused("is-executable", pie_refused, dynamic.offset)
    if facts.no_open and during_dlopen:
        return MappingRefused("nodlopen", "shared object cannot be dlopen()ed", dynamic.offset)
    return None


def _check_stack(image: Image, facts: ElfFacts, model: LoaderModel, *, refused: bool) -> MappingRefused | None:
    if not refused:
        return None
    flags = facts.stack_flags
    wants = model.abi.stack_executable if flags is None else bool(flags & _EXECUTABLE)
    if not wants:
        return None
    header = next((s.header_offset for s in image.segments if s.kind == "GNU_STACK"), 16)
    return MappingRefused("exec-stack", "cannot enable executable stack as shared object requires", header, errno=22)


def lost_pages(opened: OpenedFile, loads: list[Segment]) -> tuple[int, Segment] | None:
    """Where pages begin that the segments map and the file does not have, and the first segment that has them."""
    last = -(-opened.size // _PAGE) * _PAGE
    for segment in loads:
        if segment.file_size and segment.offset + segment.file_size > last:
            return last, segment
    return None


def _check_pages(opened: OpenedFile, image: Image, loads: list[Segment]) -> MappingRefused | None:
    """Whether the loader itself would touch a page the file does not have, and die by SIGBUS."""
    lost = lost_pages(opened, loads)
    if lost is None:
        return None
    start, segment = lost
    dynamic = next((s for s in image.segments if s.kind == "DYNAMIC"), None)
    touched = dynamic is not None and dynamic.offset + dynamic.file_size > start
    cleared = any(s.memory_size > s.file_size and s.offset + s.file_size > start for s in loads)
    if touched or cleared or image.damage:
        return MappingRefused("truncated", "Bus error", segment.header_offset, crashes=True)
    return None
