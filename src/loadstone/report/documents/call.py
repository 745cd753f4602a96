"""One typed call as JSON: schema ``loadstone.call/1``."""

from __future__ import annotations

import msgspec

from loadstone.report.json import Document

__all__ = ["CallDocument", "TimingDocument"]


class TimingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What one call cost when it was made in that way: ours first, then as others make it."""

    how: str
    nanoseconds: float


class CallDocument(Document, frozen=True, kw_only=True):
    """What was called and what it gave: a number, a text (escaped where it is not UTF-8), true or false, or null."""

    library: str
    prototype: str
    arguments: list[str]
    result: int | float | str | bool | None
    timings: list[TimingDocument]
