"""What a fuzzer wants to know about machine code: where blocks begin, what is compared, which strings there are.

Functions come from the exception table (``.eh_frame``), which stripped libraries keep because unwinding needs it, and
from symbols. Each function is decoded from its own first byte, so data between functions is never taken for code and
a breakpoint is only ever placed on an instruction. With capstone (the ``fuzz`` extra) blocks and compared constants are
found; without it coverage counts functions, and the report says so. Reads bytes only; runs nothing.
Sources: Linux Standard Base, exception frames (.eh_frame, .eh_frame_hdr); DWARF 5 section 7.24 (pointer encodings).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal

from loadstone.core.image import ByteOrder, Image, Segment, SymbolKind, SymbolTable
from loadstone.errors import InvalidConfiguration
from loadstone.fuzz.code.compare import MAX_COMPARES, compare_of
from loadstone.fuzz.plan import Compare

__all__ = ["CodeFunction", "CodeMap", "Level", "analyse"]

MAX_FUNCTIONS: Final = 400_000
MAX_WORDS: Final = 4_000
MAX_DECODED: Final = 100_000
"""Blocks of a library that are found by decoding: some three seconds; other functions are one block each."""
MAX_ENTRIES: Final = 20_000
"""Functions of a library whose entry is watched, nearest first."""
_EH_FRAME_HDR: Final = "GNU_EH_FRAME"

# Pointer encodings of .eh_frame_hdr that link editors write: signed 4 bytes, relative to the field or to the table.
_PCREL_SDATA4: Final = 0x1B
_DATAREL_SDATA4: Final = 0x3B
_UDATA4: Final = 0x03

_MACHINES: Final = {"x86-64": ("CS_ARCH_X86", "CS_MODE_64"), "i386": ("CS_ARCH_X86", "CS_MODE_32")}
_STRING = re.compile(rb"[\x20-\x7e\t\n\r]{3,32}(?=\0)")
_CONDITION = re.compile(r"^(?:j[a-z]+|loop[a-z]*)$")
_COMPARES: Final = frozenset({"cmp", "sub", "xor", "test", "mov", "movabs", "imul", "add", "and"})


class Level(StrEnum):
    """How fine the coverage is."""

    BLOCKS = "blocks"
    FUNCTIONS = "functions"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CodeFunction:
    """A function: virtual address, size in bytes, name ("" when stripped)."""

    address: int
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class CodeMap:
    """``blocks``: (virtual address, first byte) of each; ``words``: the dictionary; ``functions``: by address.

    ``compares``: the comparing instructions whose operands are understood.
    """

    level: Level
    blocks: tuple[tuple[int, int], ...]
    words: tuple[bytes, ...]
    functions: tuple[CodeFunction, ...]
    compares: tuple[Compare, ...] = ()

    def with_names(self, symbols: SymbolTable) -> CodeMap:
        """The same with names of functions that are not exported, from the table of the link editor or a debugger."""
        names = {s.value: s.name for s in symbols if s.kind is SymbolKind.FUNCTION and s.defined}
        functions = (f if f.name else replace(f, name=names.get(f.address, "")) for f in self.functions)
        return replace(self, functions=tuple(functions))

    def entries(self) -> set[int]:
        """The blocks that functions begin with, and the first block of those that begin outside ``blocks``."""
        starts = [function.address for function in self.functions]
        known = {address for address, _ in self.blocks}
        firsts: dict[int, int] = {}
        for address, _ in self.blocks:
            owner = bisect_right(starts, address) - 1
            firsts.setdefault(starts[owner] if owner >= 0 else address, address)
        return {start if start in known else first for start, first in firsts.items()}

    def only(self, wanted: Sequence[str]) -> CodeMap:
        """The same with the blocks and comparisons of some functions, or ranges (``0x1000-0x2000``), only.

        Raises :class:`InvalidConfiguration` for a name that no function has.
        """
        ranges = [self._range(text) for text in wanted]

        def inside(address: int) -> bool:
            return any(low <= address < high for low, high in ranges)

        blocks = tuple(block for block in self.blocks if inside(block[0]))
        return replace(self, blocks=blocks, compares=tuple(c for c in self.compares if inside(c.address)))

    def _range(self, text: str) -> tuple[int, int]:
        low, _, high = text.partition("-")
        if low.startswith("0x") and high.startswith("0x"):
            with suppress(ValueError):
                return int(low, 16), int(high, 16)
        found = next((f for f in self.functions if f.name == text), None)
        if found is None:
            raise InvalidConfiguration(
                path="--only", reason=f"there is no function {text}", advice="Give an exported name, or 0x1000-0x2000."
            )
        return found.address, found.address + found.size

    def function_at(self, address: int) -> CodeFunction | None:
        """The function that holds a virtual address, or None."""
        at = bisect_right(self.functions, address, key=lambda f: f.address) - 1
        if at < 0:
            return None
        found = self.functions[at]
        return found if address < found.address + max(found.size, 1) else None


def analyse(image: Image, content: bytes, first: Sequence[int] = ()) -> CodeMap:
    """Find blocks, functions and dictionary words in an ELF image; ``content`` is its whole file.

    ``first`` are functions that are called: they, and what they call directly, are decoded before the others, because
    of a very large library only :data:`MAX_DECODED` blocks of :data:`MAX_ENTRIES` functions are. Damage gives
    fewer functions, never an exception. Linear in the size of the code; a second for some 40,000 blocks.
    """
    functions = _functions(image, content)
    strings = tuple(_strings(image, content))
    arch = _MACHINES.get(image.machine.name)
    if arch is None or find_spec("capstone") is None:
        starts = tuple((f.address, _byte_at(image, content, f.address)) for f in functions)
        level = Level.FUNCTIONS if arch else Level.NONE
        return CodeMap(level, starts if arch else (), strings[:MAX_WORDS], functions)
    blocks, constants, compares = _decode(image, content, functions, arch, first)
    words = tuple(dict.fromkeys((*sorted(constants, key=lambda w: (-len(w), w)), *strings)))
    return CodeMap(Level.BLOCKS, blocks, words[:MAX_WORDS], functions, compares)


def _decode(
    image: Image, content: bytes, functions: tuple[CodeFunction, ...], arch: tuple[str, str], first: Sequence[int]
) -> tuple[tuple[tuple[int, int], ...], set[bytes], tuple[Compare, ...]]:
    """Block starts, compared constants and comparing instructions of every function."""
    capstone: Any = import_module("capstone")
    decoder = capstone.Cs(getattr(capstone, arch[0]), getattr(capstone, arch[1]))
    blocks: dict[int, int] = {}
    constants: set[bytes] = set()
    compares: list[Compare] = []
    waiting = _Order(functions, first)
    entered = 0
    for function in waiting:
        offset = _offset_of(image, function.address)
        if offset is None:
            continue
        entered += 1
        if entered > MAX_ENTRIES:
            break
        if len(blocks) >= MAX_DECODED:
            blocks[function.address] = content[offset]
            continue
        code = content[offset : offset + function.size]
        decoded: set[int] = set()
        leaders = {function.address}
        after_branch = False
        for address, size, mnemonic, operands in decoder.disasm_lite(code, function.address):
            decoded.add(address)
            if after_branch:
                leaders.add(address)
            after_branch = mnemonic[0] == "j" or mnemonic in ("ret", "ud2", "hlt")
            if after_branch or _CONDITION.match(mnemonic):
                after_branch = True
                if operands.startswith("0x"):
                    leaders.add(int(operands, 16))
            elif mnemonic == "call":
                if operands.startswith("0x"):
                    waiting.soon(int(operands, 16))
            elif mnemonic in _COMPARES:
                constants |= _constants(mnemonic, operands)
                if mnemonic == "cmp" and len(compares) < MAX_COMPARES:
                    compare = compare_of(address, size, code[address - function.address], operands)
                    if compare is not None:
                        compares.append(compare)
        blocks |= {a: code[a - function.address] for a in leaders & decoded}
    return tuple(sorted(blocks.items())), constants, tuple(compares)


class _Order:
    """Functions in the order in which they are decoded: what is called first, and what those call; then by address."""

    def __init__(self, functions: tuple[CodeFunction, ...], first: Sequence[int]) -> None:
        self._left = {function.address: function for function in functions}
        self._soon = deque(first)

    def soon(self, address: int) -> None:
        """Somebody calls that function."""
        if address in self._left:
            self._soon.append(address)

    def __iter__(self) -> Iterator[CodeFunction]:
        while self._left:
            address = self._soon.popleft() if self._soon else next(iter(self._left))
            function = self._left.pop(address, None)
            if function is not None:
                yield function


def _constants(mnemonic: str, operands: str) -> set[bytes]:
    """The immediate of an instruction as the bytes an input would have to hold, both byte orders."""
    first, _, last = operands.rpartition(", ")
    if not last.startswith(("0x", "-0x")) or not first:
        return set()
    number = int(last, 16)
    if mnemonic != "cmp" and abs(number) <= 0xFFFF:
        return set()  # small numbers in moves and additions are sizes and offsets, not what inputs are compared with
    width = _width(first)
    number &= (1 << 8 * width) - 1
    if width == 8 and number <= 0xFFFFFFFF:
        width = 4
    little = number.to_bytes(width, "little")
    made = {little, little[::-1]}
    if number < 256:
        made.add(bytes((number,)))
    elif number < 65536:
        made |= {number.to_bytes(2, "little"), number.to_bytes(2, "big")}
    return made


_PTR_WIDTHS: Final = {"byte": 1, "word": 2, "dword": 4, "qword": 8}
_LOW_BYTES: Final = re.compile(r"^(?:[abcd][lh]|[sd]il|[sb]pl|r\d+b)$")
_WORDS: Final = re.compile(r"^(?:[abcd]x|[sd]i|[sb]p|r\d+w)$")


def _width(operand: str) -> int:
    """Bytes of the first operand: by its ``ptr`` prefix or its register."""
    head = operand.partition(" ")[0]
    if head in _PTR_WIDTHS:
        return _PTR_WIDTHS[head]
    if _LOW_BYTES.match(head):
        return 1
    if _WORDS.match(head):
        return 2
    return 8 if head.startswith("r") and not head.endswith("d") else 4


def _functions(image: Image, content: bytes) -> tuple[CodeFunction, ...]:
    """Functions by address: from the exception table, with the names and sizes of symbols where there are any."""
    found: dict[int, CodeFunction] = {a: CodeFunction(a, s, "") for a, s in _frames(image, content)}
    for symbol in image.symbols:
        if symbol.kind is SymbolKind.FUNCTION and symbol.defined and symbol.value:
            known = found.get(symbol.value)
            size = known.size if known else symbol.size
            found[symbol.value] = CodeFunction(symbol.value, size, symbol.name)
    executable = [s for s in image.segments if s.kind == "LOAD" and "x" in s.flags]
    inside = (f for f in found.values() if f.size and any(_holds(s, f.address, f.size) for s in executable))
    return tuple(sorted(inside, key=lambda f: f.address))[:MAX_FUNCTIONS]


def _holds(segment: Segment, address: int, size: int) -> bool:
    return segment.address <= address and address + size <= segment.address + segment.file_size


def _frames(image: Image, content: bytes) -> Iterator[tuple[int, int]]:
    """(address, size) of every function the exception table lists, through its sorted index (.eh_frame_hdr)."""
    header = next((s for s in image.segments if s.kind == _EH_FRAME_HDR), None)
    if header is None or header.file_size < 12:
        return
    table = content[header.offset : header.offset + header.file_size]
    if table[:1] != b"\1" or table[1] != _PCREL_SDATA4 or table[2] != _UDATA4 or table[3] != _DATAREL_SDATA4:
        return
    order = _order(image)
    count = min(int.from_bytes(table[8:12], order), (len(table) - 12) // 8, MAX_FUNCTIONS)
    for i in range(count):
        at = 12 + 8 * i
        start = header.address + int.from_bytes(table[at : at + 4], order, signed=True)
        record = header.address + int.from_bytes(table[at + 4 : at + 8], order, signed=True)
        size = _frame_size(image, content, record)
        if size:
            yield start, size


def _frame_size(image: Image, content: bytes, record: int) -> int:
    """The range of one frame record: length, CIE pointer, start, size - 4 bytes each in the usual encoding."""
    offset = _offset_of(image, record)
    if offset is None or offset + 16 > len(content):
        return 0
    order = _order(image)
    length = int.from_bytes(content[offset : offset + 4], order)
    if not 12 <= length < 0xFFFFFFF0:
        return 0
    return int.from_bytes(content[offset + 12 : offset + 16], order)


def _order(image: Image) -> Literal["little", "big"]:
    return "big" if image.byte_order is ByteOrder.BIG else "little"


def _strings(image: Image, content: bytes) -> Iterator[bytes]:
    """Texts of the read-only data."""
    for segment in image.segments:
        if segment.kind == "LOAD" and "x" not in segment.flags and "w" not in segment.flags:
            part = content[segment.offset : segment.offset + min(segment.file_size, 4 << 20)]
            for _, match in zip(range(MAX_WORDS), _STRING.finditer(part), strict=False):
                yield match[0]


def _offset_of(image: Image, address: int) -> int | None:
    for s in image.segments:
        if s.kind == "LOAD" and s.address <= address < s.address + s.file_size:
            return s.offset + address - s.address
    return None


def _byte_at(image: Image, content: bytes, address: int) -> int:
    offset = _offset_of(image, address)
    return content[offset] if offset is not None and offset < len(content) else 0
