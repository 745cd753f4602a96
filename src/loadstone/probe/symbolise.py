"""Addresses of a crash to functions, by the symbols of the files they lie in. Reads files, runs nothing."""

from __future__ import annotations

import signal
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.binary import read
from loadstone.binary.elf.link_symbols import debug_twin, read_link_symbols
from loadstone.core.image import Format, Image, SymbolKind, SymbolTable
from loadstone.core.observations import CrashRecord, StackFrame, ThreadStack
from loadstone.errors import LoadstoneError
from loadstone.probe.answer import CodePlace, TracedCrash, TracedThread

__all__ = ["crash_record", "function_at", "thread_stacks"]

_CODE: Final = (SymbolKind.FUNCTION, SymbolKind.IFUNC)
_KINDS: Final = tuple(SymbolKind)
_FAR: Final = 64 << 10
"""Beyond this distance from a symbol without a size, an address is not taken to be in it."""


def function_at(symbols: SymbolTable, offset: int) -> tuple[str, SymbolKind] | None:
    """The function that holds the address ``offset`` (relative to where the image is loaded), if one of these does."""
    return _among(_functions(symbols), offset)


_Function = tuple[int, int, str, SymbolKind]
"""Address, size, name and kind."""


def _functions(symbols: SymbolTable) -> list[_Function]:
    """The functions of an ELF symbol table by address. Works on its columns: some have a hundred thousand rows."""
    columns = zip(symbols.values, symbols.sizes, symbols.names, symbols.kinds, symbols.defined, strict=True)
    rows = ((value, size, name, _KINDS[kind]) for value, size, name, kind, defined in columns if defined and value)
    return sorted((row for row in rows if row[3] in _CODE), key=lambda row: row[0])


def _among(functions: list[_Function], offset: int) -> tuple[str, SymbolKind] | None:
    at = bisect_right(functions, offset, key=lambda row: row[0]) - 1
    if at < 0:
        return None
    value, size, name, kind = functions[at]
    return (name, kind) if offset < value + (size or _FAR) else None


class _Names:
    """Names for addresses in files; each table is read when those before it had no name, and once."""

    def __init__(self) -> None:
        self._known: dict[str, list[list[_Function]]] = {}
        self._unread: dict[str, Iterator[list[_Function]]] = {}

    def frames(self, places: Sequence[CodePlace]) -> tuple[tuple[StackFrame, ...], list[SymbolKind | None]]:
        """A stack with names, and the kinds of its functions.

        A return address lies behind the call, which may be the last instruction of its function.
        """
        frames, kinds = [], []
        for position, place in enumerate(places):
            name, kind = self._function(place.path, place.offset - 1 if position else place.offset)
            frames.append(StackFrame(place.address, place.path, place.offset, name, place.likely))
            kinds.append(kind)
        return tuple(frames), kinds

    def _function(self, path: str, offset: int) -> tuple[str, SymbolKind | None]:
        known = self._known.setdefault(path, [])
        unread = self._unread.setdefault(path, map(_functions, _symbol_tables(path)))
        found = next((hit for functions in known if (hit := _among(functions, offset))), None)
        while found is None and (functions := next(unread, None)) is not None:
            known.append(functions)
            found = _among(functions, offset)
        return found or ("", None)


def _symbol_tables(path: str) -> Iterator[SymbolTable]:
    """Exported ones first; then those only the link editor had names for, in the file or its twin for debuggers."""
    image = _image(path)
    if image is None or image.format is not Format.ELF:
        return
    yield image.symbols
    yield read_link_symbols(path)
    twin = debug_twin(image.build_id or "")
    if twin is not None:
        yield read_link_symbols(twin)


def crash_record(crash: TracedCrash, subject: str) -> CrashRecord:
    """What the tracer read, with names."""
    frames, kinds = _Names().frames(crash.frames)
    return CrashRecord(
        signal=crash.signal,
        name=_name(crash.signal),
        phase=crash.phase,
        code=crash.code,
        address=crash.address,
        kind=_refined(crash.kind, kinds),
        subject=subject,
        frames=frames,
    )


def thread_stacks(threads: Sequence[TracedThread]) -> tuple[ThreadStack, ...]:
    """The threads of a hang with names."""
    names = _Names()
    return tuple(ThreadStack(t.main, t.name, t.does, names.frames(t.frames)[0]) for t in threads)


def _refined(kind: str, kinds: Sequence[SymbolKind | None]) -> str:
    """An IFUNC's resolver is what its symbol points at: code that runs while the library is still being relocated."""
    return f"{kind} in an IFUNC resolver".strip() if kinds and kinds[0] is SymbolKind.IFUNC else kind


def _image(path: str) -> Image | None:
    try:
        return read(path)
    except LoadstoneError:  # anonymous names such as [vdso], and files removed since
        return None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
