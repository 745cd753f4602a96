"""Numbers in sentences, with a noun and a verb that agree: one is singular."""

from __future__ import annotations

from loadstone.quick_dataclass import dataclass

__all__ = ["Share", "agreeing", "counted"]


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


@dataclass(frozen=True, slots=True)
class Share:
    """What holds for some of the things of a kind. The noun goes with the whole, the verb with the part.

    Kept as words without a number, so that what is said of several files can be said once, of all of them.

    >>> binds = Share("call", "binds", "bind")
    >>> binds.of(1, 1), binds.of(1, 3), binds.of(2, 3)
    ('1 of 1 call binds', '1 of 3 calls binds', '2 of 3 calls bind')

    ``alone``: only those for which it holds are counted, and the whole is not told.

    >>> Share("lock", "is taken", "are taken", alone=True).of(2, 2)
    '2 locks are taken'
    """

    noun: str
    one: str
    many: str
    plural: str = ""
    alone: bool = False

    def of(self, part: int, whole: int) -> str:
        """The sentence for so many of so many."""
        things = counted(part if self.alone else whole, self.noun, self.plural)
        holds = f"{things} {self.one if part == 1 else self.many}"
        return holds if self.alone else f"{part:,} of {holds}"
