"""How places and values of a walk over lifetimes are spelled in reports, and what they consist of."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.objects import (
    AddressOf,
    Computed,
    HeldIn,
    Inside,
    Made,
    PartOf,
    Text,
    Value,
    VariableOf,
    origin,
)
from loadstone.review.analyses.words import uncast

__all__ = ["is_own", "made_line", "named", "own_address", "parts_of", "place_name", "root", "spelled"]


def root(place: object) -> object:
    """The variable or the value that a place is a part of."""
    while isinstance(place, PartOf):
        place = place.base
    return place


def is_own(place: object) -> bool:
    """Whether a place is the function's own: nothing else writes to it unless it is handed on."""
    start = root(place)
    return (isinstance(start, VariableOf) and start.local) or isinstance(start, Made)


def parts_of(value: object) -> set[Value]:
    """The values that a value was computed of."""
    found: set[Value] = set()
    stack = [value]
    while stack and len(found) < 16:
        match stack.pop():
            case Inside(block=block) as inside:
                found.add(inside)
                stack.append(block)
            case Computed(of=of) as computed:
                found.add(computed)
                stack.extend(of)
            case AddressOf(place=place) as address:  # of a member: it leads to the whole block
                found.add(address)
                stack.append(root(place))
            case Made() | HeldIn() as plain:
                found.add(plain)
    return found


def own_address(value: object) -> VariableOf | None:
    """The variable of the function that a value is the address of, or lies in."""
    block = origin(value)
    start = root(block.place) if isinstance(block, AddressOf) else None
    return start if isinstance(start, VariableOf) and start.local else None


def spelled(expression: ir.Expression) -> str:
    """An expression as a report names it."""
    match uncast(expression):
        case ir.Name(name=name):
            return name
        case ir.Member(base=base, name=name, through=through):
            return f"{spelled(base)}{'->' if through else '.'}{name}"
        case ir.Item(base=base):
            return f"{spelled(base)}[]"
        case ir.Operation(operator="address" | "deref", operands=(inner,)):
            return spelled(inner)
    return "it"


def place_name(place: object) -> str:
    """A place as a report names it."""
    match place:
        case VariableOf(name=name):
            return name
        case PartOf(base=base, name=str(name)):
            start = place_name(base.place if isinstance(base, HeldIn) else base)
            return f"*{start}" if name == "*" else f"{start}->{name}" if isinstance(base, HeldIn) else f"{start}.{name}"
        case PartOf(base=base):
            return f"{place_name(base.place if isinstance(base, HeldIn) else base)}[]"
    return "it"


def named(value: object) -> str:
    """A value as a report names it."""
    match origin(value):
        case HeldIn(place=place):
            return place_name(place)
        case Made(line=line):
            return f"what line {line} made"
    return "it"


def made_line(value: object) -> int:
    """The line where a value was made, or stands; 0 when it is neither."""
    block = origin(value)
    return block.line if isinstance(block, Made | Text) else 0
