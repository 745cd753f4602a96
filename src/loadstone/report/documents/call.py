"""One typed call as JSON: schema ``loadstone.call/1``."""

from __future__ import annotations

from loadstone.report.json import Document

__all__ = ["CallDocument"]


class CallDocument(Document, frozen=True, kw_only=True):
    """What was called and what it gave: a number, a text (escaped where it is not UTF-8), true or false, or null."""

    library: str
    prototype: str
    arguments: list[str]
    result: int | float | str | bool | None
    nanoseconds: float | None
