"""The symbols of an image: what each names, and a table of many thousand in little memory.

:mod:`loadstone.core.image` has them under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import overload

from loadstone.quick_dataclass import dataclass, field

__all__ = ["ImageSymbol", "SymbolBinding", "SymbolKind", "SymbolTable", "SymbolVersion", "Visibility"]


class SymbolKind(StrEnum):
    """What a symbol names."""

    UNTYPED = "untyped"
    FUNCTION = "function"
    OBJECT = "object"
    SECTION = "section"
    FILE = "file"
    COMMON = "common"
    TLS = "thread-local"
    IFUNC = "indirect function"
    OTHER = "other"

    @property
    def may_be_called(self) -> bool:
        """Whether it is, or may be, the address of code."""
        return self in (SymbolKind.FUNCTION, SymbolKind.IFUNC, SymbolKind.UNTYPED, SymbolKind.OTHER)

    @property
    def may_be_data(self) -> bool:
        """Whether it is, or may be, the address of a variable that every thread shares."""
        return self in (SymbolKind.OBJECT, SymbolKind.COMMON, SymbolKind.UNTYPED, SymbolKind.OTHER)


class SymbolBinding(StrEnum):
    """How a symbol takes part in lookup."""

    LOCAL = "local"
    GLOBAL = "global"
    WEAK = "weak"
    UNIQUE = "unique"  # STB_GNU_UNIQUE: pins its library
    OTHER = "other"


class Visibility(StrEnum):
    """ELF st_other visibility; other formats have only default and hidden."""

    DEFAULT = "default"
    INTERNAL = "internal"
    HIDDEN = "hidden"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class SymbolVersion:
    """The version tag of a symbol: its name, the file it is wanted from (imports), whether it is the default one."""

    name: str
    file: str | None = None
    is_default: bool = True


@dataclass(frozen=True, slots=True)
class ImageSymbol:
    """One dynamic symbol. ``value`` is a virtual address, ``offset`` the entry's place in the file.

    ``library`` is the dependency an import is tied to (PE, Mach-O), ``forward`` the ``OTHER.Name`` a PE export is
    forwarded to, ``ordinal`` its export ordinal.
    """

    name: str
    kind: SymbolKind = SymbolKind.UNTYPED
    binding: SymbolBinding = SymbolBinding.GLOBAL
    visibility: Visibility = Visibility.DEFAULT
    defined: bool = True
    value: int = 0
    size: int = 0
    offset: int = 0
    version: SymbolVersion | None = None
    library: str | None = None
    forward: str | None = None
    ordinal: int | None = None

    @property
    def exported(self) -> bool:
        """Whether another image can bind to it."""
        return (
            self.defined
            and self.binding is not SymbolBinding.LOCAL
            and self.visibility in (Visibility.DEFAULT, Visibility.PROTECTED)
        )


_KINDS = tuple(SymbolKind)
_BINDINGS = tuple(SymbolBinding)
_VISIBILITIES = tuple(Visibility)
_NOT_ZERO = bytes((0, *(1 for _ in range(255))))
_NOT_LOCAL = bytes(at != _BINDINGS.index(SymbolBinding.LOCAL) for at in range(256))
_VISIBLE = bytes(_VISIBILITIES[at : at + 1] in ((Visibility.DEFAULT,), (Visibility.PROTECTED,)) for at in range(256))


@dataclass(frozen=True, slots=True, eq=False)
class SymbolTable(Sequence[ImageSymbol]):
    """The dynamic symbols of an image, kept as columns; :class:`ImageSymbol` values are made on demand.

    All columns have one entry a symbol. ``kinds``, ``bindings`` and ``visibilities`` hold positions in the enums'
    definition order; ``defined`` holds 0 or 1; ``versions`` positions in ``version_names`` (0: none). A library with
    80,000 symbols would otherwise cost 80,000 objects that nobody looks at. Columns a format does not have stay empty
    and read as the field's default; ``offsets`` replaces ``offset`` and ``entry_size`` where entries are not evenly
    spaced, ``libraries`` holds positions in ``library_names``, ``ordinals`` -1 where there is none, ``forwards`` the
    few rows that have one.
    """

    names: tuple[str, ...] = ()
    values: Sequence[int] = ()
    sizes: Sequence[int] = ()
    kinds: bytes = b""
    bindings: bytes = b""
    visibilities: bytes = b""
    defined: bytes = b""
    versions: Sequence[int] = ()
    version_names: tuple[SymbolVersion | None, ...] = (None,)
    offset: int = 0  # of the first entry, in the file
    entry_size: int = 0
    offsets: Sequence[int] = ()
    libraries: Sequence[int] = ()
    library_names: tuple[str | None, ...] = (None,)
    ordinals: Sequence[int] = ()
    forwards: Mapping[int, str] = field(default_factory=dict)
    extra: tuple[ImageSymbol, ...] | None = None  # rows of formats whose symbols are not a fixed-size table
    _index: tuple[dict[str, int], dict[str, tuple[int, ...]]] | None = field(default=None, init=False, repr=False)
    """By name: the last row of each, and all rows of names that have several. Built whole, then published by one
    assignment: threads may build it twice, none sees half of it."""

    @classmethod
    def of(cls, symbols: Sequence[ImageSymbol]) -> SymbolTable:
        """A table of ready-made symbols (PE and Mach-O exports and imports)."""
        rows = tuple(symbols)
        return cls(
            names=tuple(s.name for s in rows),
            defined=bytes(s.defined for s in rows),
            kinds=bytes(_KINDS.index(s.kind) for s in rows),
            bindings=bytes(_BINDINGS.index(s.binding) for s in rows),
            visibilities=bytes(_VISIBILITIES.index(s.visibility) for s in rows),
            extra=rows,
        )

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> ImageSymbol: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ImageSymbol, ...]: ...
    def __getitem__(self, index: int | slice) -> ImageSymbol | tuple[ImageSymbol, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.extra is not None:
            return self.extra[index]
        return ImageSymbol(
            name=self.names[index],
            kind=_KINDS[self.kinds[index]] if self.kinds else SymbolKind.UNTYPED,
            binding=_BINDINGS[self.bindings[index]] if self.bindings else SymbolBinding.GLOBAL,
            visibility=_VISIBILITIES[self.visibilities[index]] if self.visibilities else Visibility.DEFAULT,
            defined=bool(self.defined[index]),
            value=self.values[index] if self.values else 0,
            size=self.sizes[index] if self.sizes else 0,
            offset=self.offsets[index] if self.offsets else self.offset + index * self.entry_size,
            version=self.version_names[self.versions[index]] if self.versions else None,
            library=self.library_names[self.libraries[index]] if self.libraries else None,
            forward=self.forwards.get(index),
            ordinal=self.ordinals[index] if self.ordinals and self.ordinals[index] >= 0 else None,
        )

    def __iter__(self) -> Iterator[ImageSymbol]:
        return (self[i] for i in range(len(self)))

    def positions(self, name: str) -> tuple[int, ...]:
        """Where symbols of that name stand; one name can be exported in several versions."""
        last, repeated = self._index or self._indexed()
        if name in repeated:
            return repeated[name]
        return (last[name],) if name in last else ()

    def _indexed(self) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
        last = dict(zip(self.names, range(len(self.names)), strict=True))  # nearly all names stand once
        rows: dict[str, list[int]] = {}
        if len(last) < len(self.names):
            for row, name in enumerate(self.names):
                if last[name] != row or name in rows:
                    rows.setdefault(name, []).append(row)
        index = last, {name: tuple(at) for name, at in rows.items()}
        object.__setattr__(self, "_index", index)
        return index

    def named(self, name: str) -> tuple[ImageSymbol, ...]:
        """Every symbol of that name."""
        return tuple(self[i] for i in self.positions(name))

    @property
    def exported(self) -> bytes:
        """For each row 1 where another image can bind to the symbol, else 0: whole columns at once."""
        bits = int.from_bytes(self.defined.translate(_NOT_ZERO), "little")
        if self.bindings:
            bits &= int.from_bytes(self.bindings.translate(_NOT_LOCAL), "little")
        if self.visibilities:
            bits &= int.from_bytes(self.visibilities.translate(_VISIBLE), "little")
        column = bytearray(bits.to_bytes(len(self), "little"))
        for row in self.positions(""):
            column[row] = 0
        return bytes(column)

    @property
    def exports(self) -> tuple[ImageSymbol, ...]:
        """Those another image can bind to, in file order."""
        return tuple(self[i] for i, exported in enumerate(self.exported) if exported)

    @property
    def imports(self) -> tuple[ImageSymbol, ...]:
        """Those this image wants from others, in file order."""
        return tuple(self[i] for i, d in enumerate(self.defined) if not d and self.names[i])
