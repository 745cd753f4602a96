"""What a child says: on a pipe of ours, and on its standard error. The worker's ends; none of them blocks."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = ["ChildEnds", "WorkerEnds", "pipes"]

_MOST_HEARD: Final = 2000


class ChildEnds(NamedTuple):
    """The child's ends: the pipe for its own words, and its standard error; the secret that its own words follow."""

    words: int
    errors: int
    secret: str

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.words)
        os.close(self.errors)


class WorkerEnds:
    """The worker's ends of one child's pipes."""

    def __init__(self, words: int, errors: int, secret: str) -> None:
        self.words = words
        self._errors, self._secret = errors, secret
        self._heard = b""
        os.set_blocking(words, False)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.words)
        os.close(self._errors)

    def said(self) -> str:
        """Whatever was written to its pipe, by itself or by foreign code."""
        try:
            return os.read(self.words, 1 << 16).decode(errors="replace")
        except BlockingIOError:
            return ""

    def vouched(self) -> str:
        """What the child's own code wrote last; "" when that is not there."""
        _, own, text = self.said().rpartition(self._secret)
        return text if own else ""

    def errors(self) -> str:
        """The last of what it wrote to standard error."""
        with suppress(BlockingIOError):
            while piece := os.read(self._errors, 1 << 16):
                self._heard = (self._heard + piece)[-_MOST_HEARD:]
        return self._heard.decode(errors="replace").strip()


def pipes() -> tuple[WorkerEnds, ChildEnds]:
    """Both sides of the pipes of a child to be forked."""
    secret = os.urandom(16).hex()
    words_in, words_out = os.pipe2(os.O_CLOEXEC)
    errors_in, errors_out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)  # what does not fit is lost, and nobody waits
    return WorkerEnds(words_in, errors_in, secret), ChildEnds(words_out, errors_out, secret)
