"""How one part of an input reaches a parameter: in memory of its own, as a file's path, a descriptor or a stream.

Child process only. What the callee may have closed is closed only where it is still open.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.parts import as_text
from loadstone.fuzz.plan import Argument, Role

__all__ = ["Delivery", "delivery_of"]

_PAGE: Final = mmap.PAGESIZE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Delivery(Protocol):
    """One parameter's way to its part; ``size`` is what a length beside it says."""

    size: int

    def give(self, data: bytes, *, at_start: bool) -> int | None:
        """Take the part; what is passed."""

    def end(self) -> None:
        """The run is over."""


class _Memory:
    """Bytes against a guard page: behind them, or before them."""

    def __init__(self, most: int, blocks: BlockTable) -> None:
        self._blocks, self._most = blocks, most
        self._area = -(-(most + 1) // _PAGE) * _PAGE
        self._map = mmap.mmap(-1, self._area + 2 * _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        for guard in (self._start, self._start + _PAGE + self._area):
            if _libc.mprotect(guard, _PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self._row = blocks.add(self._start, self._area + 2 * _PAGE, self._start + _PAGE, 0)
        self.size = 0

    def give(self, data: bytes, *, at_start: bool) -> int:
        data = self._shaped(data[: self._most])
        self.size = len(data)
        at = _PAGE if at_start else _PAGE + self._area - self.size
        self._map[at : at + self.size] = data
        self._blocks.move(self._row, self._start + at, self.size)
        return self._start + at

    def _shaped(self, data: bytes) -> bytes:
        return data

    def end(self) -> None:
        pass


class _Text(_Memory):
    def _shaped(self, data: bytes) -> bytes:
        return as_text(data)


class _Record(_Memory):
    """A struct of numbers: exactly its size, what is missing is 0."""

    def __init__(self, size: int, blocks: BlockTable) -> None:
        super().__init__(size, blocks)
        self._whole = size

    def _shaped(self, data: bytes) -> bytes:
        return data.ljust(self._whole, b"\0")


class _Path:
    """A file in the scratch folder, written anew for each run."""

    def __init__(self, position: int, suffix: str) -> None:
        self._path = os.path.abspath(f"input{position}{suffix}").encode()
        self._text = ctypes.create_string_buffer(self._path)
        self.size = len(self._path)

    def give(self, data: bytes, *, at_start: bool) -> int:  # noqa: ARG002 - of the protocol
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(file, data)
        os.close(file)
        return ctypes.addressof(self._text)

    def end(self) -> None:
        pass


class _Descriptor:
    """A file of the scratch folder without a name, at its beginning. The sandbox has no files in memory here."""

    def __init__(self) -> None:
        self.size = 0
        self._file = -1
        self._path = os.path.abspath(".input").encode()

    def give(self, data: bytes, *, at_start: bool) -> int | None:  # noqa: ARG002 - of the protocol
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(self._path)
        os.write(self._file, data)
        os.lseek(self._file, 0, os.SEEK_SET)
        self.size = len(data)
        return self._file

    def end(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1


class _Stream(_Descriptor):
    """A ``FILE *`` on such a file."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: int | None = None
        _libc.fdopen.restype, _libc.fclose.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def give(self, data: bytes, *, at_start: bool) -> int | None:
        self._stream = _libc.fdopen(super().give(data, at_start=at_start), b"r+b")
        return self._stream

    def end(self) -> None:
        if self._file < 0:
            return
        with suppress(OSError):
            os.fstat(self._file)  # fails where the callee has closed it
            _libc.fclose(self._stream)
        self._file = -1


def delivery_of(argument: Argument, position: int, most: int, blocks: BlockTable) -> Delivery:
    """The way to the parameter at ``position``; ``most`` is the largest input."""
    return _DELIVERIES[argument.role](argument, position, most, blocks)


_DELIVERIES: Final[Mapping[Role, Callable[[Argument, int, int, BlockTable], Delivery]]] = {
    Role.BUFFER: lambda _argument, _position, most, blocks: _Memory(most, blocks),
    Role.CSTRING: lambda _argument, _position, most, blocks: _Text(most, blocks),
    Role.RECORD: lambda argument, _position, _most, blocks: _Record(argument.size, blocks),
    Role.PATH: lambda argument, position, _most, _blocks: _Path(position, argument.slot),
    Role.DESCRIPTOR: lambda *_: _Descriptor(),
    Role.FILE: lambda *_: _Stream(),
}
"""How a part of the input reaches its parameter, by the role that takes it."""
