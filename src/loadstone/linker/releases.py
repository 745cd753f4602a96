"""What changed from one release of glibc to the next, as a table.

A row states a behaviour and the release it came with or went with; everything else is the same in all of them. The
rows were read from the release notes and the history of elf/dl-load.c, elf/dl-open.c and elf/dl-hwcaps.c. The tests
hold them against the loader at hand, and at full scale every case against those of 2.31, 2.35, 2.39 and 2.41.
"""

from __future__ import annotations

from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["Behaviour", "behaviour_of"]

_Release = tuple[int, ...]

_GLIBC_HWCAPS_FROM: Final = (2, 33)
_ISA_LEVEL_FROM: Final = (2, 33)
_LEGACY_HWCAPS_UNTIL: Final = (2, 36)
_LINKED_FILE_CHECKED_UNTIL: Final = (2, 29)  # sourceware bug 24741
_PIE_REFUSED_FROM: Final = (2, 30)
_PIE_OWN_WORDS_FROM: Final = (2, 31)
_PAGE_ALIGNED_FROM: Final = (2, 35)
_RELR_FROM: Final = (2, 36)
_AUDIT_ENTRIES_FROM: Final = (2, 32)  # sourceware bug 24943
_KERNEL_COMPARED_UNTIL: Final = (2, 35)
_DEPTH_FIRST_SORT_FROM: Final = (2, 35)
_FILTER_OPENED_FROM: Final = (2, 32)  # sourceware bug 16272
_LOST_VERSIONS_ABORT_UNTIL: Final = (2, 40)
_EXECUTABLE_STACK_REFUSED_FROM: Final = (2, 41)
_STORAGE_TUNABLE_FROM: Final = (2, 31)  # as Debian and Ubuntu ship it; upstream: 2.32
_RESTARTABLE_IN_POOL_FROM: Final = (2, 41)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one release behaves where releases differ.

    ``misaligned`` are its words for a segment whose address and offset differ within a page; ``pie_refused`` those
    for a position-independent program given to dlopen, empty where it is loaded; ``depth_first_sort`` whether objects
    are relocated in depth-first order; ``linked_file_checked`` whether a versioned symbol must be in the very file it
    was linked against; ``audit_entries`` whether a program's own DT_AUDIT counts beside LD_AUDIT; ``kernel_compared``
    whether a file that asks for a newer kernel (.note.ABI-tag) is passed over; ``filter_opened`` whether dlopen takes a
    library that is itself a filter; ``lost_versions_abort`` whether a provider without versions fails an assertion;
    ``alignment_checked`` whether each segment must keep to the alignment it states, ``alignment_reserved`` whether that
    much address space is asked for instead; ``storage_tunable`` whether tunables size the reserve of static
    thread-local storage, ``restartable_in_pool`` whether the area of restartable sequences lies in it too.
    """

    glibc_hwcaps: bool
    legacy_hwcaps: bool
    isa_level_checked: bool
    relr: bool
    audit_entries: bool
    kernel_compared: bool
    depth_first_sort: bool
    filter_opened: bool
    lost_versions_abort: bool
    executable_stack_refused: bool
    linked_file_checked: bool
    alignment_checked: bool
    alignment_reserved: bool
    storage_tunable: bool
    restartable_in_pool: bool
    pie_refused: str
    misaligned: str


def behaviour_of(release: _Release) -> Behaviour:
    """The row of a release.

    >>> behaviour_of((2, 41)).executable_stack_refused, behaviour_of((2, 28)).pie_refused
    (True, '')
    """
    pie = "cannot dynamically load executable"
    if release >= _PIE_OWN_WORDS_FROM:
        pie = "cannot dynamically load position-independent executable"
    return Behaviour(
        glibc_hwcaps=release >= _GLIBC_HWCAPS_FROM,
        legacy_hwcaps=release <= _LEGACY_HWCAPS_UNTIL,
        isa_level_checked=release >= _ISA_LEVEL_FROM,
        audit_entries=release >= _AUDIT_ENTRIES_FROM,
        kernel_compared=release <= _KERNEL_COMPARED_UNTIL,
        relr=release >= _RELR_FROM,
        depth_first_sort=release >= _DEPTH_FIRST_SORT_FROM,
        filter_opened=release >= _FILTER_OPENED_FROM,
        lost_versions_abort=release <= _LOST_VERSIONS_ABORT_UNTIL,
        executable_stack_refused=release >= _EXECUTABLE_STACK_REFUSED_FROM,
        linked_file_checked=release <= _LINKED_FILE_CHECKED_UNTIL,
        alignment_checked=release < _PAGE_ALIGNED_FROM,
        alignment_reserved=release >= _PAGE_ALIGNED_FROM,
        storage_tunable=release >= _STORAGE_TUNABLE_FROM,
        restartable_in_pool=release >= _RESTARTABLE_IN_POOL_FROM,
        pie_refused=pie if release >= _PIE_REFUSED_FROM else "",
        misaligned="ELF load command address/offset not page-aligned"
        if release >= _PAGE_ALIGNED_FROM
        else "ELF load command address/offset not properly aligned",
    )
