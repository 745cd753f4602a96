"""What glibc checks between opening a candidate and having it in memory, in its order and its words.

Source: elf/dl-load.c of glibc, read for its rules; gABI chapter 5 "Program Header". Section headers play no part.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, Segment
from loadstone.linker.releases import Behaviour, behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import dataclass

__all__ = [
    "MappingRefused",
    "check_mapping",
    "check_program",
    "lost_pages",
    "stack_allowed",
    "wants_executable_stack",
]

_ET_DYN: Final = 3
_EXECUTABLE: Final = 1  # PF_X
_STACK_TUNABLE: Final = re.compile(r"(?:^|:)glibc\.rtld\.execstack=(\d)")
_NOT_MAPPED: Final = "failed to map segment from shared object"
_DT_INIT: Final = 12
_READ: Final = (4, 5, 6, 7, 17, 23, 25, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE)
"""Tags of tables the loader reads: hash tables, names, symbols, relocations, the initialisers' array, versions."""
_RELOCATED: Final = (3, 25)  # DT_PLTGOT, DT_INIT_ARRAY: always among what relocations write
_NOTHING_ALLOWED: Final = "---"
_NEVER, _AT_START, _ALWAYS = 0, 1, 2  # what the tunable allows


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
    opened: OpenedFile, image: Image, model: LoaderModel, *, during_dlopen: bool, stack_granted: bool = False
) -> MappingRefused | None:
    """The first thing that stops the mapping of a library, None when nothing does. Pure.

    ``stack_granted``: an executable stack is no matter, since the process has one already or may still get one.
    """
    facts = image.native
    assert isinstance(facts, ElfFacts)
    behaviour = behaviour_of(model.release)
    loads = [s for s in image.segments if s.kind == "LOAD"]
    misaligned = _check_alignment(loads, model, behaviour)
    if misaligned is not None:
        return misaligned
    if not loads:
        return MappingRefused("bad-headers", "object file has no loadable segments", 16)
    if facts.type != _ET_DYN:
        return MappingRefused("is-executable", "cannot dynamically load executable", 16)
    executable = next((s for s in loads if "x" in s.flags), None)
    if executable is not None and not model.view.is_executable_mount(opened):
        return MappingRefused("noexec-mount", _NOT_MAPPED, executable.header_offset)
    return (
        _check_room(loads, model, behaviour)
        or _check_pages(opened, image, loads, model.page_size)
        or _check_dynamic(image, facts, behaviour.pie_refused, during_dlopen=during_dlopen)
        or _check_access(image, facts, loads)
        or _check_stack(image, model, refused=behaviour.executable_stack_refused and not stack_granted)
    )


def _check_alignment(loads: list[Segment], model: LoaderModel, behaviour: Behaviour) -> MappingRefused | None:
    """Addresses and offsets must agree within a page; in releases before 2.35 within the alignment stated."""
    for segment in loads:
        if behaviour.alignment_checked and segment.alignment % model.page_size:
            return MappingRefused("bad-headers", "ELF load command alignment not page-aligned", segment.header_offset)
        unit = segment.alignment if behaviour.alignment_checked and segment.alignment else model.page_size
        if (segment.address - segment.offset) & (unit - 1):
            code = "page-size" if _fits_smaller_pages(segment, model) else "bad-headers"
            return MappingRefused(code, behaviour.misaligned, segment.header_offset)
    return None


def _fits_smaller_pages(segment: Segment, model: LoaderModel) -> bool:
    """Whether it is only this system's larger pages that it was not linked for."""
    smallest = 4096
    return model.page_size > smallest and segment.alignment < model.page_size


def _check_room(loads: list[Segment], model: LoaderModel, behaviour: Behaviour) -> MappingRefused | None:
    """Whether there is address space for the alignment asked for: of 47 bits, half cannot be had in one piece."""
    if not behaviour.alignment_reserved:
        return None
    huge = 1 << (model.abi.address_bits - 1)
    found = next((s for s in loads if s.alignment >= huge and not s.alignment & (s.alignment - 1)), None)
    return MappingRefused("alignment-huge", _NOT_MAPPED, found.header_offset) if found is not None else None


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


def _check_access(image: Image, facts: ElfFacts, loads: list[Segment]) -> MappingRefused | None:
    """Whether the loader reads, writes or calls where a segment's own flags forbid it, and so dies by SIGSEGV.

    What may be written or run may be read on the processors at hand, so only a segment without any flag is unreadable.
    """
    values, dynamic = facts.dynamic, next(s for s in image.segments if s.kind == "DYNAMIC")
    holder = _holder(loads, dynamic.address)
    read = [_holder(loads, values.value(tag)) for tag in _READ]
    lacking = next((s for s in read if s is not None and s.flags == _NOTHING_ALLOWED), None)
    if holder is not None and "w" in dynamic.flags and "w" not in holder.flags:
        lacking = lacking or holder
    usage = facts.usage
    relocated = usage.relative or usage.immediate or usage.lazy or facts.packed_relocations
    for tag in _RELOCATED if relocated and not facts.text_relocations else ():
        holder = _holder(loads, values.value(tag))
        lacking = holder if lacking is None and holder is not None and "w" not in holder.flags else lacking
    started = _holder(loads, values.value(_DT_INIT) or None)
    if started is not None and "x" not in started.flags:
        lacking = lacking or started
    if lacking is None:
        return None
    return MappingRefused("segment-access", "Segmentation fault", lacking.header_offset, crashes=True)


def _holder(loads: list[Segment], address: int | None) -> Segment | None:
    """The segment an address of the file lies in."""
    if address is None:
        return None
    return next((s for s in loads if s.address <= address < s.address + s.memory_size), None)


def wants_executable_stack(image: Image, model: LoaderModel) -> bool:
    """Whether a file asks for a stack whose bytes can be run: by PT_GNU_STACK, or by saying nothing where that asks."""
    facts = image.native
    flags = facts.stack_flags if isinstance(facts, ElfFacts) else None
    return model.abi.stack_executable if flags is None else bool(flags & _EXECUTABLE)


def stack_allowed(model: LoaderModel, *, at_start: bool, has_one: bool) -> bool:
    """Whether a library may ask for an executable stack: at the start, when there is one already, or by the tunable."""
    found = _STACK_TUNABLE.search(model.variable("GLIBC_TUNABLES") or "")
    allowed = int(found[1]) if found else _AT_START
    return allowed != _NEVER and (at_start or has_one or allowed == _ALWAYS)


def check_program(image: Image, model: LoaderModel) -> MappingRefused | None:
    """Whether the loader ends a program that asks for an executable stack: where the tunable allows none at all.

    Source: elf/rtld.c of glibc 2.41; the words are those of its loader.
    """
    refused = behaviour_of(model.release).executable_stack_refused
    if not refused or stack_allowed(model, at_start=True, has_one=False) or not wants_executable_stack(image, model):
        return None
    header = next((s.header_offset for s in image.segments if s.kind == "GNU_STACK"), 16)
    text = "Fatal glibc error: executable stack is not allowed"
    return MappingRefused("program-exec-stack", text, header, crashes=True)


def _check_stack(image: Image, model: LoaderModel, *, refused: bool) -> MappingRefused | None:
    if not refused or not wants_executable_stack(image, model):
        return None
    header = next((s.header_offset for s in image.segments if s.kind == "GNU_STACK"), 16)
    return MappingRefused("exec-stack", "cannot enable executable stack as shared object requires", header, errno=22)


def lost_pages(opened: OpenedFile, loads: list[Segment], page_size: int = 4096) -> tuple[int, Segment] | None:
    """Where pages begin that the segments map and the file does not have, and the first segment that has them."""
    last = -(-opened.size // page_size) * page_size
    for segment in loads:
        if segment.file_size and segment.offset + segment.file_size > last:
            return last, segment
    return None


def _check_pages(opened: OpenedFile, image: Image, loads: list[Segment], page_size: int) -> MappingRefused | None:
    """Whether the loader itself would touch a page the file does not have, and die by SIGBUS."""
    lost = lost_pages(opened, loads, page_size)
    if lost is None:
        return None
    start, segment = lost
    dynamic = next((s for s in image.segments if s.kind == "DYNAMIC"), None)
    touched = dynamic is not None and dynamic.offset + dynamic.file_size > start
    cleared = any(s.memory_size > s.file_size and s.offset + s.file_size > start for s in loads)
    if touched or cleared or image.damage:
        return MappingRefused("truncated", "Bus error", segment.header_offset, crashes=True)
    return None
