"""Numbers in sentences, with a noun and a verb that agree: one is singular."""

from __future__ import annotations

__all__ = ["agreeing", "counted", "share"]


def agreeing(number: int, one: str, many: str) -> str:
    """The number and the words that fit it.

    >>> agreeing(1, "lock is taken", "locks are taken"), agreeing(1200, "lock is taken", "locks are taken")
    ('1 lock is taken', '1,200 locks are taken')
    """
    return f"{number:,} {one if number == 1 else many}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun; ``plural`` where an s is not enough.

    >>> counted(1, "library", "libraries"), counted(0, "line")
    ('1 library', '0 lines')
    """
    return agreeing(number, noun, plural or f"{noun}s")


def share(part: int, whole: int, noun: str, one: str, many: str, plural: str = "") -> str:
    """How many of how many, and what holds for that many. The noun goes with the whole, the verb with the part.

    >>> share(1, 1, "call", "binds", "bind"), share(1, 3, "call", "binds", "bind"), share(2, 3, "call", "binds", "bind")
    ('1 of 1 call binds', '1 of 3 calls binds', '2 of 3 calls bind')
    """
    return f"{part:,} of {counted(whole, noun, plural)} {one if part == 1 else many}"
