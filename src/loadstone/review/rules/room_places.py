"""What the places of a function hold: numbers, sizes of containers, lengths of texts; what other code changes."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from loadstone.review import ir
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.rules.amounts import Amount, UnknownNumber, constant, of_symbol
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.rules.identities import NamesInSight
from loadstone.review.rules.outside_numbers import is_integer, is_unsigned
from loadstone.review.rules.room_sizes import STRING
from loadstone.review.rules.room_state import Counter, Known

__all__ = ["Holdings"]


class Holdings:
    """The places of one function, asked of what is known on a path."""

    def __init__(self, scope: NamesInSight, rooms: Rooms) -> None:
        self.scope = scope
        self.rooms = rooms
        self.counter = Counter()

    def fresh(self, name: str, lowest: int | None = None) -> Amount:
        """A number that nobody knows yet."""
        spelled = f"{name}#{self.counter.next()}"
        return of_symbol(UnknownNumber(spelled) if lowest is None else UnknownNumber(spelled, lowest))

    def read(self, place: ir.Expression, known: Known) -> Amount | None:
        """The number that a place holds."""
        path = place_named(place)
        if not path or "[]" in path:
            return None
        if path in known.values:
            return known.values[path]
        if isinstance(place, ir.Name) and (number := self.rooms.number(place)) is not None:
            return constant(number)
        spelled = self.scope.type_of(place)
        if spelled and not is_integer(spelled):
            return None
        era = f"@{known.era}" if known.era and not self.is_own(path) else ""
        return of_symbol(
            UnknownNumber(path + era, 0) if spelled and is_unsigned(spelled) else UnknownNumber(path + era)
        )

    def is_own(self, path: str) -> bool:
        """Whether no other code can change a place: a variable of the function whose address nobody has."""
        return "." not in path and path in self.scope.local

    def forget(self, path: str, known: Known) -> None:
        """Nothing is known of a place any more, nor of what is reached through it."""
        for there in [p for p in known.values if p == path or p.startswith((f"{path}.", f"{path}*"))]:
            known.values[there] = self.fresh(there)
        for blocks in [p for p in known.blocks if p == path or p.startswith(f"{path}.")]:
            known.blocks[blocks] = None
        for texts in [p for p in known.texts if p == path or p.startswith(f"{path}.")]:
            self.rewritten(texts, known)
        if f"{path}.size()" not in known.values:
            known.values[f"{path}.size()"] = self.fresh(f"{path}.size()", 0)

    def rewritten(self, path: str, known: Known) -> None:
        """A place holds another text."""
        if path:
            known.texts[path] = self.fresh(f"strlen({path})", 0)

    def others_run(self, known: Known, left: AbstractSet[str] = frozenset()) -> None:
        """Code of elsewhere runs: what it can reach may be anything, but for the variables that it leaves alone."""
        eras = {p: self.read(ir.Name(0, p), known) for p in left}
        known.era = self.counter.next()
        for path in [p for p in known.values if not self.is_own(p.removesuffix(".size()")) and p not in eras]:
            del known.values[path]
        known.values |= {path: number for path, number in eras.items() if number is not None}
        for path in [p for p, b in known.blocks.items() if b is not None and not self.is_own(p)]:
            known.blocks[path] = None
        for path in [p for p in known.texts if not self.is_own(p)]:
            self.rewritten(path, known)

    def size_of(self, path: str, known: Known) -> Amount:
        """The elements of a container."""
        size = UnknownNumber(self._in_era(f"{path}.size()", path, known), 0)
        return known.values.setdefault(f"{path}.size()", of_symbol(size))

    def length(self, text: ir.Expression, known: Known) -> Amount | None:
        """The characters of a text."""
        bare = uncast(text)
        if isinstance(bare, ir.Literal):
            return constant(len(bare.value)) if isinstance(bare.value, str) else None
        if isinstance(bare, ir.Operation) and bare.operator == "?:":
            return None
        path = place_named(bare)
        if not path or "[]" in path:
            return None
        spelled = self.scope.type_of(bare.receiver if isinstance(bare, ir.Call) else bare)
        if STRING.match(spelled):
            return self.size_of(path, known)
        if path not in known.texts:
            known.texts[path] = of_symbol(UnknownNumber(self._in_era(f"strlen({path})", path, known), 0))
        return known.texts[path]

    def _in_era(self, name: str, path: str, known: Known) -> str:
        """A name for what a place holds until other code runs."""
        since = [str(known.era)] if known.era and not self.is_own(path) else []
        if known.roots and "." in path:
            parts = path.split(".")
            since += [str(known.roots[r]) for n in range(1, len(parts)) if (r := ".".join(parts[:n])) in known.roots]
        return "@".join((name, *since))
