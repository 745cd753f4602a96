"""The one way a file is opened to be read: regular, bounded, and never waited for.

A FIFO that nobody writes, a device that never ends, a file that grows: each is refused here with a typed error, for
whatever reads - images, sources, baselines, settings, pins, waivers. Settings are bounded in depth as well. What tells
one file from another, and who has it to itself, is here too.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import IO, Any, Final

from loadstone.errors import InvalidConfiguration, Unreadable

__all__ = [
    "MAX_TEXT_FILE",
    "FileId",
    "FileStamp",
    "file_id",
    "file_stamp",
    "open_regular",
    "parse_toml",
    "read_bytes",
    "read_text",
    "read_toml",
    "try_lock",
]

FileId = tuple[int, int]
"""Device and inode: the file itself, whatever it is called, for as long as somebody holds it open or mapped.

Afterwards the next file may get the same.
"""

FileStamp = tuple[int, int, int, int, int]
"""What changes when a file does, or another one has taken its name or its inode: for whatever is remembered of it."""

MAX_TEXT_FILE: Final = 64 << 20
"""Bytes of a file that is read whole: settings, pins, baselines."""

_MAX_SETTINGS: Final = 4 << 20
_MAX_DEPTH: Final = 32
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS_OF_FILE: Final = (
    (stat.S_ISDIR, "it is a directory"),
    (stat.S_ISFIFO, "it is a FIFO, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a character device, not a file"),
    (stat.S_ISBLK, "it is a block device, not a file"),
)
_NO_KEY: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'|#[^\n]*")
_DOTTED: Final = re.compile(rf"(?:[\w-]*[ \t]*\.[ \t]*){{{_MAX_DEPTH}}}")


def file_id(status: os.stat_result) -> FileId:
    """The file itself, from what stat(2) says."""
    return status.st_dev, status.st_ino


def file_stamp(status: os.stat_result) -> FileStamp:
    """Device, inode, size, and the times of content and inode; the last one nobody can set back (inode(7))."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def open_regular(path: str | os.PathLike[str], _flags: int = 0) -> int:
    """A descriptor of a regular file, for reading; the caller closes it. An ``opener`` of :func:`open` as well.

    Raises:
        Unreadable: the system refuses (with its words), or it is not a regular file.

    Thread-safe. Opening never blocks, and has no effect on a device (open(2), O_NONBLOCK).
    """
    name = os.fspath(path)
    try:
        descriptor = os.open(name, _FLAGS)
    except OSError as error:
        raise Unreadable(path=name, reason=error.strerror or str(error), code=error.errno) from error
    except ValueError as error:  # a NUL in the path
        raise Unreadable(path=name, reason=str(error)) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    reason = next((words for test, words in _KINDS_OF_FILE if test(mode)), "it is not a regular file")
    code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise Unreadable(path=name, reason=reason, code=code, advice="give the path of a file")


def try_lock(stream: IO[bytes]) -> bool:
    """Take an open file to oneself until it is closed, or its process ends; whether nobody else has it (flock(2)).

    Where there are no locks - on Windows, on some file systems - nobody is ever said to.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def read_bytes(path: str | os.PathLike[str], limit: int = MAX_TEXT_FILE) -> bytes:
    """The whole file, of ``limit`` bytes at most.

    Raises:
        Unreadable: as :func:`open_regular`, and when it is larger.
    """
    name = os.fspath(path)
    with open(open_regular(name), "rb") as stream:
        try:
            data = stream.read(limit + 1)
        except OSError as error:
            raise Unreadable(path=name, reason=error.strerror or str(error), code=error.errno) from error
    if len(data) > limit:
        raise Unreadable(path=name, reason=f"it is larger than the {limit:,} bytes that are read")
    return data


def read_text(path: str | os.PathLike[str], limit: int = MAX_TEXT_FILE) -> str:
    """The same as UTF-8 text. Raises Unreadable, and InvalidConfiguration when it is no such text."""
    try:
        return read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidConfiguration(path=os.fspath(path), reason=f"not UTF-8: {error}") from error


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a TOML file. Raises Unreadable, InvalidConfiguration."""
    name = os.fspath(path)
    try:
        return parse_toml(read_text(name, _MAX_SETTINGS))
    except ValueError as error:
        raise InvalidConfiguration(path=name, reason=f"not TOML: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of TOML text, keys of few parts and values of little depth: both cost more than their length.

    Raises ValueError (which :class:`tomllib.TOMLDecodeError` is).

    >>> parse_toml("a.b = [1]")
    {'a': {'b': [1]}}
    >>> parse_toml(".".join("a" * 100) + " = 1")
    Traceback (most recent call last):
    ...
    ValueError: a key has more than 32 parts
    """
    import tomllib  # noqa: PLC0415  most files that are read are no settings

    if _DOTTED.search(_NO_KEY.sub("q", text)):
        raise ValueError(f"a key has more than {_MAX_DEPTH} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
