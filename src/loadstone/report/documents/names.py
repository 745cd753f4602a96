"""The names a library may have, as JSON."""

from __future__ import annotations

import msgspec

from loadstone.core.names import Candidate, Platform
from loadstone.report.json import Document

__all__ = ["NamesDocument", "names_document"]


class CandidateDocument(msgspec.Struct, frozen=True):
    """A file name; ``carries_version`` is false where it cannot tell the version asked for."""

    name: str
    carries_version: bool


class NamesDocument(Document, frozen=True, kw_only=True):
    """What a name stands for on a platform. ``is_library`` says whether it already is a library's file name there."""

    name: str
    version: str | None
    platform: str
    is_library: bool
    candidates: list[CandidateDocument]


def names_document(
    name: str, version: str | None, platform: Platform, found: tuple[Candidate, ...], *, is_library: bool
) -> NamesDocument:
    """The candidates, in the order they are tried."""
    return NamesDocument(
        schema="loadstone.names/1",
        name=name,
        version=version,
        platform=platform.value,
        is_library=is_library,
        candidates=[CandidateDocument(c.name, c.carries_version) for c in found],
    )
