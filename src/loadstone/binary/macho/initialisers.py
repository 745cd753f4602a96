"""Code that runs when a Mach-O image is loaded or unloaded. Source: mach-o/loader.h, S_MOD_INIT_FUNC_POINTERS and kin.

With chained fixups a pointer in the file is not an address but a link of a chain; what it will become is decoded here
from the pointer's format (mach-o/fixup-chains.h).
"""

from __future__ import annotations

from typing import Final

from loadstone.binary.macho.layout import LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.core.image import Initialiser, Section

__all__ = ["read_initialisers"]

_KINDS: Final = {
    "mod init func pointers": ("mod_init_func", False),
    "mod term func pointers": ("mod_term_func", True),
    "init func offsets": ("init_offsets", False),
    "thread-local init function pointers": ("thread_local_init", False),
}
_MAX_FUNCTIONS: Final = 65_536
_ARM64E: Final = frozenset({1, 7, 9, 10, 12})  # DYLD_CHAINED_PTR_ARM64E and its variants
_PLAIN_TARGET, _PLAIN_OFFSET = 2, 6  # DYLD_CHAINED_PTR_64, DYLD_CHAINED_PTR_64_OFFSET


def read_initialisers(view: MachoView, formats: tuple[int, ...]) -> tuple[Initialiser, ...]:
    """Initialisers and terminators in the order of their sections; ``formats`` are those of chained pointers."""
    found: list[Initialiser] = []
    for section in view.sections:
        if section.kind in _KINDS:
            found += _functions(view, section, formats)
    for command in view.all(LoadCommandKind.ROUTINES, LoadCommandKind.ROUTINES_64):
        address = view.number(command, 8, view.layout.word)
        found.append(Initialiser("routine", address, "", command.offset))
    return tuple(found)


def _functions(view: MachoView, section: Section, formats: tuple[int, ...]) -> list[Initialiser]:
    kind, final = _KINDS[section.kind]
    offsets = kind == "init_offsets"
    size = 4 if offsets else view.layout.word
    count = section.size // size
    allowed = min(count, _MAX_FUNCTIONS, view.budget.items_left)
    view.budget.items(allowed)
    data = view.cursor.upto(section.offset, allowed * size)
    if len(data) < count * size:
        view.damage.add("initialisers", f"{count} in {section.name} are not all there", section.header_offset)
    base = view.base()
    found = []
    for at in range(0, len(data) - size + 1, size):
        value = view.layout.number(data, at, size)
        address = base + value if offsets else _target(value, base, formats)
        found.append(Initialiser(kind, address, "", section.offset + at, final))
    return found


def _target(pointer: int, base: int, formats: tuple[int, ...]) -> int:
    """The address a pointer in the file will hold, before the image is moved."""
    form = formats[0] if formats else 0
    if form in _ARM64E:
        if pointer >> 63:  # authenticated: 32 bits of offset
            return base + (pointer & 0xFFFF_FFFF)
        target = pointer & 0x7FF_FFFF_FFFF
        return target if form == 1 else base + target
    if form in (_PLAIN_TARGET, _PLAIN_OFFSET):
        target = pointer & 0xF_FFFF_FFFF
        return target if form == _PLAIN_TARGET else base + target
    return pointer
