"""Results remembered by what was probed: a library that hangs its host is not run again at every start to see that.

A result holds for the same bytes, the same question, and the same files mapped with it; whatever else may have changed
is why ``fresh`` exists. What depends on the moment (not run, refused by the loader or the sandbox) is not kept.
The folder is the user's own cache; one that others may write to is not used. Sources: XDG Base Directory Specification.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from loadstone.core.observations import ProbeOutcome, ProbeReport
from loadstone.files import FileStamp, file_stamp
from loadstone.quick_dataclass import replace

__all__ = ["Question", "forget", "recall", "remember"]

_REVISION: Final = 3
"""Raised when a report of an older Loadstone would mislead."""

_MAX_SIZE: Final = 1 << 20
_KEPT: Final = frozenset(ProbeOutcome) - {ProbeOutcome.NOT_RUN, ProbeOutcome.LOAD_ERROR, ProbeOutcome.DENIED}


class Question(msgspec.Struct, frozen=True):
    """What was asked: of which bytes, under which name, how hard, by whom, and with which layers required.

    ``path`` and ``readable`` are hexadecimal: file names need not be text.
    """

    sha256: str
    path: str
    cycles: int
    threads: bool
    calls: str
    require: tuple[str, ...]
    user: int
    timeout: float
    soak: int = 0
    readable: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()

    def name(self) -> str:
        """The file name it is kept under."""
        packed = msgspec.json.encode((_REVISION, self))
        return f"{self.sha256[:16]}-{hashlib.sha256(packed).hexdigest()[:16]}.json"


class _Kept(msgspec.Struct, frozen=True):
    """A report, and the files it was made with."""

    report: ProbeReport
    files: tuple[tuple[str, FileStamp], ...]


def recall(question: Question) -> ProbeReport | None:
    """The remembered report, if there is one and every file it was made with is still the same."""
    folder = _folder(make=False)
    if folder is None:
        return None
    try:
        with open(os.path.join(folder, question.name()), "rb") as file:
            kept = msgspec.json.decode(file.read(_MAX_SIZE), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    if any(_stamp(path) != stamp for path, stamp in kept.files):
        return None
    return replace(kept.report, remembered=True)


def remember(question: Question, report: ProbeReport, files: Iterable[str]) -> None:
    """Keep a report for the next time. What cannot be kept is not: a cache is no place to fail."""
    stamps = [(path, _stamp(path)) for path in files]
    known = tuple((path, stamp) for path, stamp in stamps if stamp is not None)
    if report.outcome not in _KEPT or len(known) != len(stamps):
        return
    folder = _folder(make=True)
    try:
        packed = msgspec.json.encode(_Kept(report, known))
    except UnicodeEncodeError:  # a name in it is no text
        return
    if folder is None or len(packed) > _MAX_SIZE:
        return
    target = os.path.join(folder, question.name())
    temporary = f"{target}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        with open(temporary, "xb") as file:
            file.write(packed)
        with suppress(FileNotFoundError):  # ext4 has a file that takes another's place written to the disk
            os.unlink(target)
        os.replace(temporary, target)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def forget() -> None:
    """Remove every remembered report."""
    folder = _folder(make=False)
    for name in os.listdir(folder) if folder is not None else ():
        with suppress(OSError):
            os.unlink(os.path.join(folder or "", name))


def _stamp(path: str) -> FileStamp | None:
    try:
        return file_stamp(os.stat(path))
    except OSError:
        return None


def _folder(*, make: bool) -> str | None:
    """Our folder in the user's cache; None where there is none, or somebody else could write to it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(home):
        return None
    folder = os.path.join(home, "loadstone", "probe")
    try:
        if make:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        there = os.lstat(folder)
    except OSError:
        return None
    own = there.st_uid == os.geteuid() and not there.st_mode & 0o022
    return folder if stat.S_ISDIR(there.st_mode) and own else None
