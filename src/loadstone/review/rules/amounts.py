"""Amounts: sums of products of unknown numbers, and how large one may be by what was compared on the way to it.

An amount is a constant and a polynomial over symbols: ``2 * len + 1``. A symbol stands for a number that nobody
knows, such as a parameter, the length of a text or the size of a struct. What a path has compared is kept as upper
ends of polynomials: ``n > MAX`` that did not hold is ``n <= MAX``. :func:`most` adds up such ends until only a number
is left. Design: linear arithmetic over difference bounds (Mine, The Octagon Abstract Domain, 2006), of which a proof
of few steps is looked for, and nothing is said where none is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["ONE", "ZERO", "Amount", "Parts", "UnknownNumber", "constant", "least", "most", "of_symbol"]

_STEPS: Final = 3
"""Comparisons that one proof may need."""

_TERMS: Final = 6
"""Products of a sum that is gone on with."""

_LARGEST: Final = 1 << 40


@dataclass(frozen=True, slots=True, order=True)
class UnknownNumber:
    """A number that nobody knows; ``least`` is what it is never below, by its type or what it counts."""

    name: str
    least: int = -_LARGEST

    @property
    def has_least(self) -> bool:
        """Whether anything is known of its lower end."""
        return self.least > -_LARGEST


Parts = tuple[tuple[tuple[UnknownNumber, ...], int], ...]
"""Products of symbols with their factors, in order."""


@dataclass(frozen=True, slots=True)
class Amount:
    """``constant`` and ``parts``."""

    constant: int
    parts: Parts = ()

    def plus(self, other: Amount, times: int = 1) -> Amount:
        """The sum with another, ``times`` over."""
        if not other.parts:
            return Amount(self.constant + times * other.constant, self.parts)
        found = dict(self.parts)
        for product, factor in other.parts:
            found[product] = found.get(product, 0) + times * factor
        return Amount(self.constant + times * other.constant, tuple(sorted((p, f) for p, f in found.items() if f)))

    def minus(self, other: Amount) -> Amount:
        """The difference."""
        return self.plus(other, -1)

    def times(self, other: Amount) -> Amount | None:
        """The product; None where it grows out of hand."""
        if len(self.parts) * len(other.parts) > _TERMS or max(abs(self.constant), abs(other.constant)) > _LARGEST:
            return None
        found: dict[tuple[UnknownNumber, ...], int] = {}
        for one, factor in (((), self.constant), *self.parts):
            for two, more in (((), other.constant), *other.parts):
                product = tuple(sorted((*one, *two)))
                found[product] = found.get(product, 0) + factor * more
        whole = found.pop((), 0)
        return Amount(whole, tuple(sorted((p, f) for p, f in found.items() if f)))

    def divided(self, by: Amount) -> Amount | None:
        """The quotient by a number or a single symbol; None where it leaves a rest."""
        if not by.parts and by.constant > 0:
            whole = [self.constant, *(f for _, f in self.parts)]
            if any(n % by.constant for n in whole):
                return None
            return Amount(self.constant // by.constant, tuple((p, f // by.constant) for p, f in self.parts))
        if by.constant or len(by.parts) != 1 or by.parts[0][1] != 1 or self.constant:
            return None
        (taken, _), found = by.parts[0], Amount(0)
        for product, factor in self.parts:
            rest = [*product]
            for symbol in taken:
                if symbol not in rest:
                    return None
                rest.remove(symbol)
            found = found.plus(Amount(0, ((tuple(rest), factor),)) if rest else Amount(factor))
        return found

    @property
    def symbols(self) -> frozenset[UnknownNumber]:
        """The symbols in it."""
        return frozenset(symbol for product, _ in self.parts for symbol in product)


ZERO: Final = Amount(0)
ONE: Final = Amount(1)


def constant(number: int) -> Amount:
    """A number as an amount."""
    return Amount(number)


def of_symbol(symbol: UnknownNumber) -> Amount:
    """A symbol as an amount."""
    return Amount(0, (((symbol,), 1),))


def most(amount: Amount, ends: Mapping[Parts, int], steps: int = _STEPS, *, compared: bool = False) -> int | None:
    """The largest that an amount may be, as far as upper ends tell; None where they do not.

    ``compared``: what is said rests on comparisons alone, not on that a count is no less than zero.

    >>> n = UnknownNumber("n")
    >>> most(of_symbol(n).plus(ONE), {of_symbol(n).parts: 16})
    17
    """
    rising = [(p, f) for p, f in amount.parts if f > 0 or not all(s.least >= 0 for s in p)]
    open_ended = bool(amount.parts) if compared else bool(rising)
    found = None if open_ended else amount.constant + sum(f * _smallest(p) for p, f in amount.parts)
    if not steps:
        return found
    for wanted, factor in rising[:1] or amount.parts:
        for parts, end in ends.items():
            mine = next((f for p, f in parts if p == wanted), 0)
            if compared and mine < 0 and len(parts) == 1:
                continue
            if not mine or factor % mine or factor // mine < 0:
                continue
            times = factor // mine
            rest = most(amount.plus(Amount(0, parts), -times), ends, steps - 1 if rising else 0, compared=compared)
            if rest is not None and (found is None or rest + times * end < found):
                found = rest + times * end
    return found


def least(amount: Amount, ends: Mapping[Parts, int]) -> int | None:
    """The smallest that an amount may be, as far as is known."""
    found = most(ZERO.minus(amount), ends)
    return None if found is None else -found


def _smallest(product: tuple[UnknownNumber, ...]) -> int:
    number = 1
    for symbol in product:
        number *= symbol.least
    return number
