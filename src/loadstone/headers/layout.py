"""Where the members of a struct or union lie: what gcc and clang do, for one platform.

Pure: from a :class:`StructOrUnion` and an :class:`DataModel` to offsets. What the rules do not cover is refused.
Sources: System V ABI x86-64 3.1.2, i386 3.1.2, AAPCS64 8.1.8, the section "Microsoft Windows structures" of GCC's
manual (``ms_struct``, ``packed``, ``aligned``, ``#pragma pack``); held to gcc by ``tests/headers/test_layout.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadstone.core.limits import MAX_RECORD_SIZE
from loadstone.errors import InvalidPrototype
from loadstone.headers.abi import DataModel
from loadstone.headers.types import (
    Array,
    Complex,
    CType,
    Enumeration,
    FunctionType,
    Integer,
    Pointer,
    Real,
    StructMember,
    StructOrUnion,
    Void,
)
from loadstone.quick_dataclass import dataclass

__all__ = ["Layout", "Layouts", "MemberPosition"]


@dataclass(frozen=True, slots=True)
class MemberPosition:
    """One member: its offset in bytes and, of a bit field, the bit in the record where it starts and its width."""

    member: StructMember
    offset: int
    bit: int = 0
    width: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Size and alignment in bytes, and every member that holds something, in order."""

    size: int
    align: int
    spots: tuple[MemberPosition, ...]


class Layouts:
    """The layouts of one set of declarations on one platform. Thread-safe: what is filled in twice is equal."""

    def __init__(self, records: Mapping[str, StructOrUnion], abi: DataModel, text: str = "") -> None:
        self._records = records
        self._text = text
        self._made: dict[StructOrUnion, Layout] = {}
        self.abi = abi

    def whole(self, record: StructOrUnion) -> StructOrUnion | None:
        """The complete record of that tag, None when only its name is known."""
        return record if record.members is not None else self._records.get(record.key)

    def size(self, kind: CType) -> int:
        """``sizeof``, in bytes. Raises InvalidPrototype for what has none."""
        return self.measure(kind)[0]

    def measure(self, kind: CType) -> tuple[int, int]:
        """``sizeof`` and ``_Alignof``, in bytes. Raises InvalidPrototype for what has none."""
        abi = self.abi
        match kind:
            case Integer(size=size) | Enumeration(size=size):
                return size, size
            case Real():
                return kind.size, abi.long_double[1] if kind.name == "long double" else kind.size
            case Complex():
                return kind.size, self.measure(kind.part)[1]
            case Pointer():
                return abi.pointer, abi.pointer
            case Array():
                size, align = self.measure(kind.element)
                return self._bounded(size * (kind.length or 0)), align
            case StructOrUnion():
                made = self.of(kind)
                return made.size, made.align
            case Void() | FunctionType():
                raise self._refused(f"{kind} has no size")

    def of(self, record: StructOrUnion) -> Layout:
        """The layout of a struct or union.

        Raises:
            InvalidPrototype: it is incomplete, holds itself, is larger than any object, or nested too deeply.
        """
        whole = self.whole(record)
        if whole is None or whole.members is None:
            raise self._refused(
                f"{record} is used by value and its members are not known",
                f"define it in the text: '{record.key} {{ ... }};'",
            )
        made = self._made.get(whole)
        if made is None:
            try:
                made = self._made[whole] = _Placing(self, whole).done()
            except RecursionError as error:
                raise self._refused(f"{record} holds itself, or is nested too deeply") from error
        return made

    def natural(self, member: StructMember) -> tuple[int, int, bool]:
        """Size and alignment of a member's type, and whether that alignment was asked for by somebody."""
        size, align = self.measure(member.type)
        if member.type_align:
            return size, member.type_align, True
        inner = member.type
        while isinstance(inner, Array):
            inner = inner.element
        if isinstance(inner, StructOrUnion):
            whole = self.whole(inner)
            return size, align, bool(whole and whole.align)
        if isinstance(inner, (Integer, Enumeration, Pointer, Complex)) or (
            isinstance(inner, Real) and inner.name != "_Float128"
        ):
            align = min(align, self.abi.member_align)
        return size, align, False

    def _bounded(self, size: int) -> int:
        if size > MAX_RECORD_SIZE:
            raise self._refused(f"an object of {size} bytes, more than there is room for")
        return size

    def _refused(self, reason: str, advice: str = "") -> InvalidPrototype:
        return InvalidPrototype(text=self._text, reason=reason, advice=advice)


class _Placing:
    """One record on its way to its layout. All positions are in bits."""

    def __init__(self, layouts: Layouts, record: StructOrUnion) -> None:
        self.layouts = layouts
        self.record = record
        self.position = 0
        self.end = 0
        self.align = 8 * max(1, record.align)
        self.spots: list[MemberPosition] = []
        self.run: StructMember | None = None  # Microsoft's: the bit field before, whose storage unit is still open
        self.left = 0  # and the bits left in that unit

    def done(self) -> Layout:
        record = self.record
        microsoft = self.layouts.abi.microsoft if record.microsoft is None else record.microsoft
        place = self._microsoft if microsoft else self._system_v
        for member in record.members or ():
            if record.kind == "union":
                self.position, self.run, self.left = 0, None, 0
            place(member)
            open_unit = self.left if microsoft and record.kind == "struct" else 0
            self.end = max(self.end, self.position + open_unit)
        size = _up(_up(self.end, 8), self.align) // 8
        self.layouts._bounded(size)  # noqa: SLF001  one module
        return Layout(size, self.align // 8, tuple(self.spots))

    def _limits(self, member: StructMember) -> tuple[int, int, bool]:
        """Size and type alignment of a member in bits, and whether it is packed."""
        size, align, _ = self.layouts.natural(member)
        return 8 * size, 8 * align, member.packed or self.record.packed

    def _desired(self, member: StructMember, type_align: int, *, packed: bool) -> int:
        """The alignment of a member that is no bit field."""
        asked = 8 * member.align
        align = asked or 8 if packed else max(type_align, asked)
        return min(align, 8 * self.record.pack) if self.record.pack else align

    def _put(self, member: StructMember, size: int) -> None:
        if member.bits is None:
            self.spots.append(MemberPosition(member, self.position // 8))
        elif member.name:
            self.spots.append(MemberPosition(member, self.position // 8, self.position, member.bits))
        self.position += size if member.bits is None else member.bits

    def _system_v(self, member: StructMember) -> None:
        """Bit fields share what is there, but never cross a boundary of their own type, unless packed."""
        size, type_align, packed = self._limits(member)
        if member.bits is None:
            align = self._desired(member, type_align, packed=packed)
            self.position = _up(self.position, align)
            self.align = max(self.align, align)
        else:
            self._system_v_bits(member, size, type_align, packed=packed)
        self._put(member, size)

    def _system_v_bits(self, member: StructMember, size: int, type_align: int, *, packed: bool) -> None:
        pack, bits = 8 * self.record.pack, member.bits or 0
        if bits == 0:  # not influenced by packing
            self.position = _up(self.position, max(type_align, 8 * member.align))
            limited = type_align
        else:
            limited = min(type_align, pack) if pack else min(type_align, 8) if packed else type_align
            if member.align and pack:
                raise self.layouts._refused(  # noqa: SLF001  one module
                    f"gcc and clang do not agree where {member.name}, an aligned bit field under #pragma pack, lies"
                )
            if member.align:
                self.position = _up(self.position, 8 * member.align)
                limited = max(limited, 8 * member.align)
            crosses = (self.position % type_align + bits + type_align - 1) // type_align > size // type_align
            if crosses and not packed and not pack:
                if member.align:
                    raise self.layouts._refused(  # noqa: SLF001  one module
                        f"gcc and clang do not agree where {member.name}, an aligned bit field across its unit, lies"
                    )
                self.position = _up(self.position, type_align)
        if member.name or self.layouts.abi.anonymous_bits_align:
            self.align = max(self.align, limited)

    def _microsoft(self, member: StructMember) -> None:
        """Bit fields of equal type size share a unit of that type; any other member starts behind the whole unit."""
        size, type_align, packed = self._limits(member)
        bits, run = member.bits, self.run
        if bits and run is not None and self.layouts.size(run.type) * 8 == size:
            if self.left < bits:
                self.position, self.left = self.position + self.left, size
            self.left -= bits
            self.run = member
            self.align = max(self.align, self._desired(member, type_align, packed=packed))
            self._put(member, size)
            return
        self.position, self.left, self.run = self.position + self.left, 0, None
        if bits == 0 and run is None:
            return  # only one that ends a run means anything
        if run is not None and packed and member.align:
            raise self.layouts._refused(  # noqa: SLF001  one module
                f"the rules of Microsoft do not say where {member.name}, packed and aligned behind a bit field, lies"
            )
        if bits == 0:  # it aligns the record even where that is packed, but then nothing behind it
            self.align = max(self.align, self._desired(member, type_align, packed=False))
        align = self._desired(member, type_align, packed=packed)
        if bits != 0:
            self.align = max(self.align, align)
        self.position = _up(self.position, align)
        if bits:
            self.run, self.left = member, size - bits
        self._put(member, size)


def _up(position: int, align: int) -> int:
    """The next multiple of ``align``."""
    return (position + align - 1) // align * align
