"""Archives under review: the sources and binaries of a wheel, a package or a tar archive, read where they are.

Nothing is unpacked to disk. A place is told as ``X.whl!/pkg/module.py``. What the file system around a file would say
- who may replace it, where its search path leads - is not asked: that is settled where it is installed.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from typing import Final

from loadstone.archives import PackedFile, walk
from loadstone.binary import identify
from loadstone.core.claims import Location
from loadstone.core.review import Limit, LimitKind
from loadstone.errors import LoadstoneError
from loadstone.quick_dataclass import dataclass
from loadstone.review.batch import BatchOutcome, SourceFile
from loadstone.review.binary import PretendedPlaces
from loadstone.review.files import (
    BINARY_KINDS,
    is_excluded,
    looks_binary,
    most_read,
    other_language,
    unread_languages,
)
from loadstone.review.frontends import language_of
from loadstone.review.images import review_binary
from loadstone.review.ir import Language

__all__ = ["PackedSources", "read_archive"]

_MAX_TEXT: Final = 512 << 20
"""Bytes of source held of one archive: thirty times CPython's own."""

_NOWHERE: Final = PretendedPlaces({})
_PASSED_OVER: Final = frozenset({"__pycache__", "node_modules", "CMakeFiles"})


@dataclass(frozen=True, slots=True)
class PackedSources:
    """What is in an archive: its sources, still to be asked about, and what came of everything else."""

    sources: tuple[SourceFile, ...]
    outcomes: tuple[BatchOutcome, ...]


def read_archive(path: str, exclude: Sequence[str] = ()) -> PackedSources:
    """Read an archive once, in its order, bounded as :mod:`loadstone.archives` bounds it.

    Args:
        path: the archive.
        exclude: shell patterns of whole paths or their ends.

    An archive that is damaged or beyond the bounds gives a gap, with all that was read before.
    """
    reading = _Reading(path)
    try:
        for member in walk(path, path=path):
            if member.opener is not None and not _is_passed_over(member, exclude):
                reading.take(member)
    except LoadstoneError as error:
        reading.limits.append(Limit(LimitKind.UNREADABLE, Location(path), error.message, gap=True))
    return PackedSources(tuple(reading.sources), (*reading.outcomes, reading.told()))


def _is_passed_over(member: PackedFile, exclude: Sequence[str]) -> bool:
    folders = member.name.split("/")[:-1]
    hidden = any(f in _PASSED_OVER or (f.startswith(".") and not f.endswith(".libs")) for f in folders)
    return hidden or is_excluded(member.path, exclude)


class _Reading:
    """One archive on its way: what was taken from it so far."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sources: list[SourceFile] = []
        self.outcomes: list[BatchOutcome] = []
        self.limits: list[Limit] = []
        self._others: Counter[str] = Counter()
        self._held = 0

    def take(self, member: PackedFile) -> None:
        """One member, read if it is a source or a binary."""
        language = language_of(member.name)
        other = other_language(member.name)
        if language is not None:
            self._take_source(member, language)
        elif other is not None:
            self._others[other] += 1
        elif _may_be_binary(member) and identify(member.head()).kind in BINARY_KINDS:
            self.outcomes.append(review_binary(member.path, member.read(), _NOWHERE))

    def told(self) -> BatchOutcome:
        """What was not reviewed."""
        if self._others:
            nothing = not self.sources and not self.outcomes
            self.limits.append(unread_languages(self.path, self._others, gap=nothing))
        return BatchOutcome(limits=tuple(self.limits))

    def _take_source(self, member: PackedFile, language: Language) -> None:
        most = min(most_read(language), _MAX_TEXT - self._held)
        if member.size > most:
            message = f"{member.size:,} bytes; files beyond {most:,} are not read"
            self.limits.append(Limit(LimitKind.TOO_BIG, Location(member.path), message, gap=True))
            return
        content = member.read()
        self._held += len(content)
        self.sources.append(SourceFile(member.path, language, content))


def _may_be_binary(member: PackedFile) -> bool:
    """By its name, or because it may be run, or because the archive does not say what may be run."""
    leaf = posixpath.basename(member.name)
    if looks_binary(leaf) or leaf.endswith((".o", ".obj")):
        return True
    return "." not in leaf and (bool(member.mode & 0o111) or not member.mode)
