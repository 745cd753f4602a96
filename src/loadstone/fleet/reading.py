"""One input read: every binary in it to facts, every place of one to a row, what fails to an error row."""

from __future__ import annotations

import hashlib
import os
import posixpath
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Final

from loadstone.archives import UnpackBudget, format_of, walk
from loadstone.archives.held import Content
from loadstone.core.host import read_at
from loadstone.errors import LoadstoneError, TooLarge, Unreadable
from loadstone.files import FileStamp, file_stamp, open_regular
from loadstone.fleet.facts import FileFacts, digest_of, facts_of, is_binary
from loadstone.fleet.inputs import ScanInput, is_remote
from loadstone.fleet.limits import ScanExtent, ScanLimits
from loadstone.fleet.locations import fetched
from loadstone.fleet.resolving import Resolved, resolved_file, resolved_package
from loadstone.fleet.rows import TableRows, add_facts
from loadstone.quick_dataclass import dataclass

__all__ = ["TooSlow", "read_input"]

_HEAD: Final = 8192
_INSTALLED: Final = frozenset(("Debian package", "RPM package", "Alpine package"))
"""Packages whose dependencies are in other packages: they are resolved when all are there, at the commit."""

_NOT_WALKED: Final = frozenset(("static library",))


class TooSlow(Exception):
    """An input took longer than it may."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A path of an input, the file that is there (None: a link), the target of a link."""

    path: str
    file: str | None
    link: str | None = None


def read_input(found: ScanInput, rows: TableRows, known: set[str], limits: ScanLimits, extent: ScanExtent) -> None:
    """Add everything one input has to the rows.

    Args:
        found: what to read.
        rows: where it goes.
        known: digests that have their facts already; those of this input are added.
        limits: bounds of memory and time.
        extent: what is asked beside the facts.

    Whatever is wrong with the input becomes rows of ``errors``; only a full disk, memory or a bug of ours is raised.
    """
    reading = _Reading(found, rows, known, limits)
    try:
        with _in_time(limits.seconds):
            reading.read(extent)
    except (LoadstoneError, TooSlow, RecursionError, OSError) as error:
        reading.add_error(found.location, error, is_quarantined=True)
    reading.add_places()


def _too_large(path: str, size: int, most: int) -> TooLarge:
    return UnpackBudget(path).too_large(f"a file of {size:,} bytes, more than {most:,}")


def _digest_here(path: str) -> str | None:
    """The digest of a file of this machine, links followed; None where it cannot be read."""
    try:
        real = os.path.realpath(path)
        return _digest_of_file(real, file_stamp(os.stat(real)))
    except (OSError, LoadstoneError):
        return None


@lru_cache(maxsize=1 << 14)
def _digest_of_file(path: str, _stamp: FileStamp) -> str:
    with open(path, "rb", opener=open_regular) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    """Raise :class:`TooSlow` in the block when it takes too long. Only where signals reach us: POSIX, main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Reading:
    """One input while it is read."""

    def __init__(self, found: ScanInput, rows: TableRows, known: set[str], limits: ScanLimits) -> None:
        self.found = found
        self.rows = rows
        self.known = known
        self.limits = limits
        self.places: list[_Place] = []
        self.kind = "file"
        self.is_binary = False  # itself, not a package of some

    def read(self, extent: ScanExtent) -> None:
        location = self.found.location
        if is_remote(location):
            with fetched(location, self.found.size, self.limits.input) as content:
                self._read(content)
            return
        with open(location, "rb", opener=open_regular) as stream:
            before = file_stamp(os.fstat(stream.fileno()))
            self._read(stream.fileno())
            if file_stamp(os.fstat(stream.fileno())) != before:
                raise Unreadable(path=location, reason="it was changed while it was read", advice="scan again")
        if extent.resolve and self.kind == "file" and self.places:
            self._add_resolved(resolved_file(location))
        elif extent.resolve and self.kind not in {"file", *_INSTALLED}:
            self._add_resolved(resolved_package(location))
        if extent.review and not self.is_binary:
            from loadstone.fleet.reviewing import reviewed_sources  # noqa: PLC0415  a second of rules, seldom asked for

            for row in reviewed_sources(location):
                self.rows.add("reviews", self.found.source, self.found.stamp, *row)

    def _read(self, content: Content) -> None:
        """The files in it, or what it is itself."""
        location = self.found.location
        head = content[:_HEAD] if isinstance(content, bytes) else read_at(content, _HEAD, 0)
        container = format_of(head[:4096], location)
        if container is not None and container.name not in _NOT_WALKED:
            self.kind = container.name
            self._read_members(content)
        elif is_binary(head):
            if self.found.size > self.limits.input:
                raise _too_large(location, self.found.size, self.limits.input)
            self.is_binary = True
            self._add_binary(location, self._facts(location, content))

    def _read_members(self, content: Content) -> None:
        location = self.found.location
        source = content if is_remote(location) else location  # what is a file can be entered anywhere
        for member in walk(source, path=location, bounds=self.limits.bounds):
            if member.link is not None:
                self.places.append(_Place(member.name, None, member.link))
            elif member.same_as is not None:
                self.places.append(_Place(member.name, None, f"/{member.same_as}"))
            elif member.size > self.limits.member:  # the rest of a package is not lost for one file
                self.add_error(
                    member.name, _too_large(member.path, member.size, self.limits.member), is_quarantined=True
                )
            elif member.size and is_binary(member.head(_HEAD)):
                with member.held() as unpacked:
                    facts = self._facts(member.name, unpacked)
                self._add_binary(member.name, facts)

    def _facts(self, path: str, content: Content) -> FileFacts | str | None:
        """What is new in a file, or its digest where that is known; None, with an error row, where it cannot be read.

        Rows are made when its bytes are gone, as a library may be the largest thing a worker holds.
        """
        digest = digest_of(content)
        if digest in self.known:
            return digest
        try:
            return facts_of(content, posixpath.basename(path), digest)
        except LoadstoneError as error:
            self.add_error(path, error, is_quarantined=False)
            return None

    def _add_binary(self, path: str, found: FileFacts | str | None) -> None:
        if found is None:
            return
        digest = found if isinstance(found, str) else found.digest
        if not isinstance(found, str):
            add_facts(self.rows, found)
            self.known.add(digest)
        self.places.append(_Place(path, digest))

    def _add_resolved(self, resolved: Resolved) -> None:
        files = {place.path: place.file for place in self.places}
        found = _digest_here if self.kind == "file" else files.get  # a loose file's dependencies lie around it
        for row in resolved.edges:
            requester, chosen = found(row.requester), found(row.chosen) if row.chosen else None
            self.rows.add(
                "resolutions", self.found.source, self.found.stamp, row.root, row.requester, requester,
                row.name, row.kind, row.chosen, chosen, row.how,
            )  # fmt: skip
        for root, verdict, diagnosis in resolved.diagnoses:
            self.rows.add(
                "diagnoses", self.found.source, self.found.stamp, root, files.get(root), verdict, diagnosis.code,
                diagnosis.blocking, diagnosis.subject, diagnosis.explanation, diagnosis.advice,
            )  # fmt: skip

    def add_error(self, path: str, error: BaseException, *, is_quarantined: bool) -> None:
        kind = type(error).__name__
        self.rows.add("errors", self.found.source, self.found.stamp, path, kind, str(error), is_quarantined)

    def add_places(self) -> None:
        """What was read, and where its files are. Links of an input without a binary lead to nothing."""
        found, package = self.found, self.found.package
        self.rows.add("inputs", found.source, found.stamp, found.location, found.size, self.kind)
        if not any(place.file for place in self.places):
            return
        for place in self.places:
            self.rows.add(
                "packages", found.source, found.stamp, package.name, package.version, package.architecture,
                self.kind, place.path, place.file, place.link,
            )  # fmt: skip
