"""The content of one file held as it fits: small in memory, large in a temporary file that has no name.

A worker that reads a package holds the bytes of one of its files beside its rows. Files of a gigabyte are not rare in
packages, and of a binary only some tables are looked at.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from loadstone.errors import LoadstoneError, Unreadable

__all__ = ["Content", "held"]

Content = bytes | int
"""The bytes, or the descriptor of a file that has them, open as long as it is held."""

_IN_MEMORY: Final = 64 << 20


@contextmanager
def held(size: int, write: Callable[[IO[bytes]], object], path: str) -> Iterator[Content]:
    """What ``write`` puts into the file it is given.

    Args:
        size: how much that will be, in bytes: where it is held.
        write: puts the content into a file.
        path: what it is the content of, for messages.

    Raises:
        Unreadable: there is no room for the temporary file.

    The file has no name where the system can do that (open(2), O_TMPFILE), and is gone with the block in any case.
    """
    if size <= _IN_MEMORY:
        memory = io.BytesIO()
        write(memory)
        yield memory.getvalue()
        return
    import tempfile  # noqa: PLC0415  few archives have such a file

    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed below
    except OSError as error:
        raise _no_room(size, path, error) from error
    with file:
        try:
            write(file)
            file.flush()
        except OSError as error:
            if isinstance(error, LoadstoneError):
                raise
            raise _no_room(size, path, error) from error
        yield file.fileno()


def _no_room(size: int, path: str, error: OSError) -> Unreadable:
    return Unreadable(
        path=path,
        reason=f"its {size:,} bytes cannot be put into a temporary file: {error.strerror or error}",
        code=error.errno,
        advice="make room in the folder for temporary files, or name another: TMPDIR=FOLDER",
    )
