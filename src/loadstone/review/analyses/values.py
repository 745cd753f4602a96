"""The domain of values and of places in memory: small frozen tuples, told apart by where they come from.

A *value* is what an expression gives on one path. Nothing is computed that no question needs: a number that came from
a call is the *result* of that call, whatever its bits are. What matters is identity. Two variables that hold one handle
hold one value, so aliases cost nothing; two handles from one call in a loop are the same value at two times, and
``State.renew`` makes room for the newer one (recency abstraction, Balakrishnan and Reps 2006).

============ ================================================ =========================================
value        stands for                                       comes from
============ ================================================ =========================================
Constant     a value the text decides                         literals, enumerators, folded operations
Initial      what a place held before the function ran        parameters, globals, fields nobody wrote
CallResult   what a call of a known interface gave            a load, a lookup, an allocation, a source
CallStatus   whether such a call succeeded, as it reports it  ``dlclose``, ``FreeLibrary``, ``setuid``
PlaceAddress the address of a place                           ``&x``, references
Code         a function of the program or of an interface     function names
LockGuard    an object that holds a lock while it lives       ``std::lock_guard``, ``QMutexLocker``
Answer       what was asked of a string                       ``strchr``, ``strcmp``, ``startsWith``
Object       an object built here, by call and frame          constructors
Unknown      anything else, by the expression it arose at     arithmetic, unknown calls, joins
============ ================================================ =========================================

A *place* is a local of one call of one function, a global of one file, or a field: a base (a place, or the value that
points at it) and a name, or an index that is itself a value. ``v[0]`` and ``v[1]`` are two places, ``v[i]`` and
``v[j]`` are while ``i`` and ``j`` are two values; members of unrelated structs and statics of different files never
are one. This is the access-path abstraction, cut at :data:`MAX_DEPTH` links.

Order and join. Values are flat: each is below ``Unknown`` of the place where paths meet, and below nothing else. The
join of two equal values is that value, of two different ones the ``Unknown`` of the place that holds them there (see
:func:`joined`). A place therefore changes at most twice at one node, which is what ends every loop.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = [
    "LEAVES",
    "MAX_DEPTH",
    "Answer",
    "CallResult",
    "CallStatus",
    "Code",
    "Constant",
    "Field",
    "Global",
    "Initial",
    "Local",
    "LockGuard",
    "Object",
    "Place",
    "PlaceAddress",
    "Spot",
    "This",
    "Unknown",
    "Value",
    "depth",
    "inside",
    "is_through_pointer",
    "joined",
    "mentions",
    "root",
]

MAX_DEPTH: Final = 4
"""Links of an access path that are told apart; lists longer than that are one element."""


class Spot(NamedTuple):
    """A line of one file, inside one function, under one build condition. A tuple, for it is hashed without end."""

    path: str
    line: int
    function: str = ""
    condition: str = ""


# Every kind carries its name last, so that no two kinds are ever equal: they are tuples.


class Local(NamedTuple):
    """A variable of one call of one function."""

    frame: int
    name: str
    kind: str = "local"


class Global(NamedTuple):
    """A variable at file scope, or a function's static; ``unit`` is empty for what this program does not define."""

    unit: str
    name: str
    kind: str = "global"


class Field(NamedTuple):
    """A member or an element of ``base``, which is a place or the value that points at it."""

    base: Any
    name: Any
    kind: str = "field"


Place: TypeAlias = Local | Global | Field


class Constant(NamedTuple):
    """A value the text decides; ``None`` is null. ``home`` is the array it is the first text of: each has its own."""

    value: object
    home: Any = None
    kind: str = "constant"


class Initial(NamedTuple):
    """What a place held before the function ran."""

    place: Place
    kind: str = "initial"


class CallResult(NamedTuple):
    """What the call with this number in the record gave."""

    site: int
    kind: str = "result"


class CallStatus(NamedTuple):
    """Whether the call with this number succeeded."""

    site: int
    kind: str = "status"


class PlaceAddress(NamedTuple):
    """The address of a place."""

    place: Place
    kind: str = "address"


class Code(NamedTuple):
    """A function, by name."""

    name: str
    kind: str = "code"


class LockGuard(NamedTuple):
    """An object that holds a lock."""

    lock: str
    kind: str = "guard"


class Answer(NamedTuple):
    """What was asked of a string: ``about`` is the string, ``needle`` what was looked for or compared with."""

    question: str
    about: Any
    needle: Any = None
    zero_is_same: bool = False
    spot: Spot = Spot("", 0)
    api: str = ""
    kind: str = "answer"


class Object(NamedTuple):
    """An object built by the constructor call with this identity."""

    frame: int
    call: int
    kind: str = "object"


class This(NamedTuple):
    """The object whose method runs."""

    owner: str
    kind: str = "this"


class Unknown(NamedTuple):
    """A value nothing is known of, told apart by where it arose."""

    frame: int
    source: object
    kind: str = "unknown"


Value: TypeAlias = (
    Constant
    | Initial
    | CallResult
    | CallStatus
    | PlaceAddress
    | Code
    | LockGuard
    | Answer
    | Object
    | This
    | Unknown
    | None
)


LEAVES: Final = frozenset({Constant, LockGuard})
"""What holds no other value."""


def depth(place: object) -> int:
    """How many links an access path has, values between them included.

    >>> depth(Field(Initial(Field(Global("a.c", "list"), "next")), "next"))
    2
    """
    links = 0
    current: object = place
    while True:
        if isinstance(current, Field):
            links += 1
            current = current.base
        elif isinstance(current, Initial | PlaceAddress):
            current = current.place
        else:
            return links


@lru_cache(1 << 15)
def root(place: object) -> object:
    """What an access path starts from: a variable, or the value that points at memory.

    >>> root(Field(Initial(Field(CallResult(3), "next")), "next"))
    CallResult(site=3, kind='result')
    """
    current: object = place
    while True:
        if isinstance(current, Field):
            current = current.base
        elif isinstance(current, Initial | PlaceAddress):
            current = current.place
        else:
            return current


@lru_cache(1 << 15)
def inside(thing: tuple[object, ...]) -> frozenset[object]:
    """The place or value and every one in it, constants and guards left out.

    >>> Global("a.c", "list") in inside(Field(Initial(Field(Global("a.c", "list"), "next")), "next"))
    True
    """
    found: set[object] = {thing}
    for part in thing:
        if isinstance(part, tuple) and type(part) not in LEAVES:
            found |= inside(part)
    return frozenset(found)


def mentions(thing: object, value: Value) -> bool:
    """Whether ``value`` is a part of a place or of another value."""
    if thing == value:
        return True
    if not isinstance(thing, tuple) or type(thing) in LEAVES:
        return False
    if type(value) in LEAVES:
        return any(mentions(part, value) for part in thing)
    return value in inside(thing)


def joined(first: Value, second: Value, frame: int, place: Place) -> Value:
    """The least value above both, where two paths meet.

    >>> joined(Constant(1), Constant(1), 0, Local(0, "n"))
    Constant(value=1, home=None, kind='constant')
    >>> joined(Constant(1), Constant(2), 0, Local(0, "n"))
    Unknown(frame=0, source=Local(frame=0, name='n', kind='local'), kind='unknown')
    """
    return first if first == second else Unknown(frame, place)


def is_through_pointer(place: object) -> bool:
    """Whether the path to a place follows a pointer that came from outside."""
    while isinstance(place, Field):
        place = place.base
    return isinstance(place, Initial)
