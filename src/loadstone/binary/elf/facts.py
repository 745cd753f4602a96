"""What only an ELF image has: the facts a simulation of its loader asks for beyond the common model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from loadstone.binary.deferred import Deferred
from loadstone.core.image import Native
from loadstone.quick_dataclass import dataclass, field

if TYPE_CHECKING:
    from loadstone.binary.elf.core import CoreDump

__all__ = ["DF_1_PIE", "DynamicTable", "ElfFacts", "ThreadStorage", "Usage"]


@dataclass(frozen=True, slots=True)
class DynamicTable:
    """The dynamic section as written, up to its DT_NULL: tags and values side by side, and where each entry stands."""

    tags: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    offset: int = 0  # of the first entry, in the file
    entry_size: int = 16

    def value(self, tag: int) -> int | None:
        """The value of the last entry with that tag, which is the one loaders use; None when there is none."""
        for position in range(len(self.tags) - 1, -1, -1):
            if self.tags[position] == tag:
                return self.values[position]
        return None

    def place(self, tag: int) -> int:
        """Where the last entry with that tag stands in the file, or where the table begins when there is none."""
        for position in range(len(self.tags) - 1, -1, -1):
            if self.tags[position] == tag:
                return self.offset + position * self.entry_size
        return self.offset

    def __contains__(self, tag: int) -> bool:
        return tag in self.tags


@dataclass(frozen=True, slots=True)
class ThreadStorage:
    """PT_TLS: bytes of thread-local storage and their alignment; ``file_size`` of them have initial values."""

    size: int
    alignment: int
    file_size: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How relocations use symbols, as positions in the symbol table.

    ``immediate`` ones are bound while loading whatever the mode; ``lazy`` ones only from jump slots, so a lazy load
    does not need them; ``copied`` ones are data an executable holds a copy of. ``relative`` counts relocations that
    need no symbol, RELR entries not among them; ``irelative`` those that run a resolver function of the image.
    ``order`` has all of them as relocations first name them, which is the order a loader binds them in.
    ``initial_exec_tls`` says that thread-local storage is reached by an offset fixed at load, ``thread_locals`` whose
    (0: the image's own, without a symbol).
    """

    immediate: frozenset[int] = frozenset()
    lazy: frozenset[int] = frozenset()
    copied: frozenset[int] = frozenset()
    order: tuple[int, ...] = ()
    relative: int = 0
    irelative: int = 0
    initial_exec_tls: bool = False
    thread_locals: frozenset[int] = frozenset()


# DT_FLAGS and DT_FLAGS_1: gABI chapter 5; Solaris Linker and Libraries Guide; glibc elf.h
_DF_SYMBOLIC, _DF_TEXTREL, _DF_BIND_NOW, _DF_STATIC_TLS = 0x2, 0x4, 0x8, 0x10
_DF_1_NOW, _DF_1_NODELETE, _DF_1_INITFIRST, _DF_1_NOOPEN = 0x1, 0x8, 0x20, 0x40
_DF_1_NODEFLIB: Final = 0x800
DF_1_PIE: Final = 0x0800_0000
_DT_SYMBOLIC, _DT_TEXTREL, _DT_BIND_NOW, _DT_RELR = 16, 22, 24, 36


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ElfFacts(Native):
    """ELF-only facts of one image, as the file states them.

    ``version_indexes`` is the raw DT_VERSYM column (bit 15: hidden), one entry a symbol, or empty. ``isa_needed`` is
    the x86 property of that name (bit 1: x86-64-v2 and so on), ``features`` the x86 or AArch64 feature property,
    None without one. ``stack_flags`` are the p_flags of PT_GNU_STACK, None without that segment.
    ``abi_tag`` is the system .note.ABI-tag asks for (0: Linux) and the oldest release of its kernel, () without it.
    ``packed_relocations`` counts the relocations in DT_RELR; ``module_info`` has the texts of a kernel module's
    ``.modinfo``, by key; ``core`` has what a core dump says of its process.
    """

    type: int
    os_abi: int
    abi_version: int
    ident_version: int
    ident_padding: bytes
    version: int
    processor_flags: int
    entry: int
    header_size: int
    program_header_size: int
    flags: int = 0
    flags_1: int = 0
    dynamic: DynamicTable = DynamicTable()
    stack_flags: int | None = None
    tls: ThreadStorage | None = None
    version_indexes: Sequence[int] = ()
    deferred_usage: Deferred[Usage] = field(default_factory=lambda: Deferred(Usage))
    packed_relocations: int = 0
    features: int | None = None
    isa_needed: int = 0
    abi_tag: tuple[int, ...] = ()
    debug_link: str | None = None
    comments: tuple[str, ...] = ()
    module_info: tuple[tuple[str, str], ...] = ()
    core: CoreDump | None = None

    @property
    def usage(self) -> Usage:
        """How relocations use symbols; worked out when first asked for."""
        return self.deferred_usage.get()

    @property
    def bind_now(self) -> bool:
        return bool(self.flags & _DF_BIND_NOW or self.flags_1 & _DF_1_NOW or _DT_BIND_NOW in self.dynamic)

    @property
    def symbolic(self) -> bool:
        return bool(self.flags & _DF_SYMBOLIC or _DT_SYMBOLIC in self.dynamic)

    @property
    def text_relocations(self) -> bool:
        return bool(self.flags & _DF_TEXTREL or _DT_TEXTREL in self.dynamic)

    @property
    def static_tls(self) -> bool:
        return bool(self.flags & _DF_STATIC_TLS) or self.usage.initial_exec_tls

    @property
    def no_delete(self) -> bool:
        return bool(self.flags_1 & _DF_1_NODELETE)

    @property
    def init_first(self) -> bool:
        return bool(self.flags_1 & _DF_1_INITFIRST)

    @property
    def no_open(self) -> bool:
        return bool(self.flags_1 & _DF_1_NOOPEN)

    @property
    def no_default_directories(self) -> bool:
        return bool(self.flags_1 & _DF_1_NODEFLIB)

    @property
    def pie(self) -> bool:
        return bool(self.flags_1 & DF_1_PIE)

    @property
    def relr(self) -> bool:
        return _DT_RELR in self.dynamic
