"""What is refused once the header was accepted: segments, kind, flags, place."""

from __future__ import annotations

import struct

from tests.linker.workshop import Question, Workshop, case
from tests.tools import needed

from loadstone.binary import read


def _segment(w: Workshop, name: str, kind: str) -> int:
    """Where the program header of that kind stands in the file."""
    return next(s.header_offset for s in read(w.path(name)).segments if s.kind == kind)


FOR_A_NEWER_KERNEL = """
__asm__(".section .note.ABI-tag, \\"a\\", @note\\n.balign 4\\n.long 4, 16, 1\\n.asciz \\"GNU\\"\\n.long 0, 99, 0, 0\\n"
        ".previous\\n");
"""


@case
def a_program_is_not_opened(w: Workshop) -> Question:
    w.program("prog", "int main(void){return 0;}", "-pie", "-fPIE")
    return w.ask("prog")


@case
def a_fixed_program_is_not_opened(w: Workshop) -> Question:
    w.program("prog", "int main(void){return 0;}", "-no-pie")
    return w.ask("prog")


@case
def a_program_needed_as_a_library(w: Workshop) -> Question:
    w.program("prog", "int main(void){return 0;}", "-pie", "-fPIE")
    w.library("stub/prog")
    w.library("liba.so", needs=["stub/prog"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_library_that_must_not_be_opened(w: Workshop) -> Question:
    w.library("liba.so", "", "-Wl,-z,nodlopen")
    return w.ask("liba.so")


@case
def a_library_that_must_not_be_opened_but_is_needed(w: Workshop) -> Question:
    w.library("libb.so", "", "-Wl,-z,nodlopen")
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def no_dynamic_section(w: Workshop) -> Question:
    w.library("liba.so")
    w.patch("liba.so", _segment(w, "liba.so", "DYNAMIC"), struct.pack("<I", 0))
    return w.ask("liba.so")


@case
def no_segments_to_load(w: Workshop) -> Question:
    w.library("liba.so")
    for segment in read(w.path("liba.so")).segments:
        if segment.kind == "LOAD":
            w.patch("liba.so", segment.header_offset, struct.pack("<I", 0))
    return w.ask("liba.so")


@case
def a_segment_that_is_not_aligned(w: Workshop) -> Question:
    w.library("liba.so")
    w.patch("liba.so", _segment(w, "liba.so", "LOAD") + 8, struct.pack("<Q", 8))
    return w.ask("liba.so")


@case
def debug_information_alone(w: Workshop) -> Question:
    from tests.linker.workshop import run

    w.library("whole.so", "int f(void){return 1;}", "-g")
    run([needed("objcopy"), "--only-keep-debug", w.path("whole.so"), w.path("liba.so")])
    return w.ask("liba.so")


@case
def a_file_cut_before_its_data(w: Workshop) -> Question:
    w.library("whole.so", "int big[5000] = {1}; int zero[100];")
    w.file("liba.so", (w.folder / "whole.so").read_bytes()[:9000])
    return w.ask("liba.so")


@case
def a_file_cut_in_its_sections(w: Workshop) -> Question:
    w.library("whole.so", "int f(void){return 1;}")
    image = read(w.path("whole.so"))
    end = max(s.offset + s.file_size for s in image.segments if s.kind == "LOAD")
    w.file("liba.so", (w.folder / "whole.so").read_bytes()[:end])
    return w.ask("liba.so")


@case
def a_truncated_dependency(w: Workshop) -> Question:
    w.library("libb.so", "int big[5000] = {1}; int zero[100];")
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    w.file("libb.so", (w.folder / "libb.so").read_bytes()[:9000])
    return w.ask("liba.so")


@case
def an_executable_stack(w: Workshop) -> Question:
    w.library("liba.so", "", "-Wl,-z,execstack")
    return w.ask("liba.so")


@case
def a_file_system_without_execution(w: Workshop) -> Question:
    w.library("mounted/liba.so", "int f(void){return 1;}")
    return w.ask("mounted/liba.so", mount=(w.path("mounted"),))


@case
def a_file_system_without_execution_for_a_dependency(w: Workshop) -> Question:
    w.library("mounted/libb.so", "int f(void){return 1;}")
    w.library("liba.so", needs=["mounted/libb.so"], runpath="$ORIGIN/mounted")
    return w.ask("liba.so", mount=(w.path("mounted"),))


@case
def text_relocations_are_allowed(w: Workshop) -> Question:
    source = 'int f(void){return 1;}\n__asm__(".text\\n.quad f\\n");'
    w.library("liba.so", source, "-Wl,-z,notext")
    return w.ask("liba.so")


@case
def packed_relocations_declared(w: Workshop) -> Question:
    source = 'extern int puts(const char*); static int x; int *p = &x; int f(void){return puts("");}'
    w.library("liba.so", source, "-Wl,-z,pack-relative-relocs", libc=True)
    return w.ask("liba.so")


@case
def a_library_for_a_newer_processor(w: Workshop) -> Question:
    w.library("liba.so", "int f(void){return 1;}", "-Wl,-z,x86-64-v4")
    return w.ask("liba.so")


@case
def a_newer_kernel_that_is_asked_for_is_no_reason_since_2_36(w: Workshop) -> Question:
    w.library("liba.so", FOR_A_NEWER_KERNEL)
    return w.ask("liba.so")


def _with_flags(w: Workshop, holder: str, flags: int) -> Question:
    """A library of which the segment that has ``holder`` in it gets other flags: 4 to read, 2 to write, 1 to run."""
    w.library("liba.so", "int v = 3; int *p = &v; int f(void) { return *p; }", libc=True)
    image = read(w.path("liba.so"))
    places = {section.name: section.address for section in image.sections}
    place = places[holder]
    loads = [s for s in image.segments if s.kind == "LOAD" and s.address <= place < s.address + s.memory_size]
    w.patch("liba.so", loads[0].header_offset + 4, struct.pack("<I", flags))
    return w.ask("liba.so")


@case
def tables_that_must_not_be_read(w: Workshop) -> Question:
    return _with_flags(w, ".dynsym", 0)


@case
def tables_that_may_only_be_run(w: Workshop) -> Question:
    return _with_flags(w, ".dynsym", 1)


@case
def data_that_must_not_be_written(w: Workshop) -> Question:
    return _with_flags(w, ".dynamic", 4)


@case
def code_that_must_not_be_run(w: Workshop) -> Question:
    return _with_flags(w, ".text", 4)


@case
def constants_that_nobody_may_read(w: Workshop) -> Question:
    return _with_flags(w, ".eh_frame", 0)
