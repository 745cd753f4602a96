"""How text reports look: a handful of marks and colours, the same in every report.

Colour is a decision of the caller; without it the same text stands, mark for mark, so nothing is said by colour alone.
Everything that came from a file passes through :func:`loadstone.escape.printable` before it gets here.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadstone.core.claims import Claim, Finding, Outcome, Severity
from loadstone.quick_dataclass import dataclass

__all__ = ["MARKS", "Style", "columns", "mark_of"]

MARKS = {
    Outcome.YES: "+",
    Outcome.NO: "-",
    Outcome.CANNOT_TELL: "?",
    Outcome.NOT_APPLICABLE: " ",
}
"""The first column of a claim: yes, no, cannot tell, does not apply."""


@dataclass(frozen=True, slots=True)
class Style:
    """Terminal attributes (ECMA-48 SGR), or none of them."""

    colour: bool = False

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def good(self, text: str) -> str:
        return self._paint("32", text)

    def warn(self, text: str) -> str:
        return self._paint("33", text)

    def bad(self, text: str) -> str:
        return self._paint("1;31", text)

    def heading(self, text: str) -> str:
        return self.bold(text)

    def mark(self, claim: Claim) -> str:
        """The claim's mark in the colour of its weight."""
        return self.weigh(claim, mark_of(claim))

    def weigh(self, claim: Claim, text: str) -> str:
        """``text`` in the colour of the claim's weight."""
        if claim.outcome is Outcome.YES:
            return self.good(text)
        if isinstance(claim, Finding):
            return self.bad(text) if claim.blocking or claim.severity.rank >= Severity.HIGH.rank else self.warn(text)
        return self.dim(text)


def mark_of(claim: Claim) -> str:
    """The claim's mark: ``+`` yes, ``!`` blocking, ``-`` no, ``?`` cannot tell."""
    return "!" if isinstance(claim, Finding) and claim.blocking else MARKS[claim.outcome]


def columns(rows: Sequence[tuple[str, ...]], indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows of plain cells as aligned lines; the last column is left ragged."""
    if not rows:
        return []
    widths = [
        max((len(cell) for cell in column if len(cell) <= 48), default=0)
        for column in zip(*(row[:-1] for row in rows), strict=True)
    ]
    return [
        (indent + gap.join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), row[-1]])).rstrip()
        for row in rows
    ]
