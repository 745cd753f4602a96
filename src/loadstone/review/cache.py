"""What was found before, by the content it was found in and the rules that were asked.

A cache entry is JSON, never code, in a folder that only its owner can write; a folder somebody else may write is not
used. Nothing in it needs to be kept: an entry that cannot be read is an entry that is not there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from loadstone.core.claims import Claim, Evidence, Finding, NotApplicable, Undecided
from loadstone.core.review import Limit, Result, ReviewedFile, Waiver
from loadstone.quick_dataclass import dataclass
from loadstone.review.batch import Batch, BatchOutcome

__all__ = ["Cache", "default_folder"]

_KINDS: Final[dict[str, type[Claim]]] = {kind.__name__: kind for kind in (Evidence, Finding, NotApplicable, Undecided)}


class _Entry(msgspec.Struct, frozen=True):
    """A result, its claim kept as (kind, fields): a union of dataclasses carries no tag of its own."""

    kind: str
    claim: dict[str, Any]
    fingerprint: str
    waiver: Waiver | None


class _Stored(msgspec.Struct, frozen=True):
    results: list[_Entry]
    limits: list[Limit]
    files: list[ReviewedFile]


def default_folder() -> Path:
    """Where entries live unless told otherwise: the user's cache folder (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "loadstone" / "review"


@cache
def _rule_set() -> str:
    """A digest of everything that decides: the source and data of this package."""
    seen = hashlib.sha256()
    root = Path(__file__).parent
    for file in sorted(root.rglob("*")):
        if file.suffix in (".py", ".toml"):
            seen.update(f"{file.relative_to(root)}\0".encode())
            seen.update(file.read_bytes())
    return seen.hexdigest()


def _name(batch: Batch) -> str:
    seen = hashlib.sha256(_rule_set().encode())
    for table in batch.tables:
        seen.update(Path(table).read_bytes() + b"\0")
    for source in batch.sources:
        seen.update(f"{source.path}\0{source.language}\0{source.digest}\0".encode("utf-8", "surrogateescape"))
    return seen.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Entries in one folder. ``get`` and ``put`` never raise; processes may share it (entries appear whole)."""

    folder: Path

    def _usable(self) -> bool:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.stat()
        except OSError:
            return False
        own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        return own and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    def get(self, batch: Batch) -> BatchOutcome | None:
        """The outcome of this very content under these very rules, if it is known and holds today."""
        try:
            packed = (self.folder / f"{_name(batch)}.json").read_bytes() if self._usable() else b""
            stored = msgspec.json.decode(packed, type=_Stored)
            results = tuple(
                Result(msgspec.convert(entry.claim, _KINDS[entry.kind]), entry.fingerprint, entry.waiver)
                for entry in stored.results
            )
        except (OSError, msgspec.DecodeError, msgspec.ValidationError, KeyError):
            return None
        if any(result.waiver and result.waiver.until for result in results):
            return None  # a day may have passed
        return BatchOutcome(results, tuple(stored.limits), tuple(stored.files))

    def put(self, batch: Batch, outcome: BatchOutcome) -> None:
        """Keep an outcome. One that ran out of time is not kept: it may not, next time."""
        if any(limit.kind.value == "time limit" for limit in outcome.limits) or not self._usable():
            return
        entries = [
            _Entry(type(r.claim).__name__, msgspec.to_builtins(r.claim), r.fingerprint, r.waiver)
            for r in outcome.results
        ]
        target = self.folder / f"{_name(batch)}.json"
        partial = target.with_suffix(f".{os.getpid()}")
        try:
            partial.write_bytes(msgspec.json.encode(_Stored(entries, [*outcome.limits], [*outcome.files])))
            partial.replace(target)
        except (OSError, UnicodeEncodeError):  # JSON has no place for a path that is not UTF-8
            partial.unlink(missing_ok=True)
