"""Writes past the end of an array whose size the text says: more is told than it has, and nothing counts what comes.

Sources: the functions' manual pages, snprintf(3), strncat(3); CWE-131, CWE-787, CWE-120.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.array_rooms import Rooms
from loadstone.review.walk import expressions, parts_of

__all__ = ["PastEnd", "past_ends"]

_TOLD: Final = {
    **dict.fromkeys(("snprintf", "vsnprintf", "_snprintf", "strlcpy", "strlcat", "fgets", "getcwd"), (0, 1)),
    **dict.fromkeys(("gethostname", "strcpy_s", "strcat_s", "sprintf_s", "StringCchCopyA", "StringCchCatA"), (0, 1)),
    **dict.fromkeys(("strncpy", "memcpy", "memmove", "memset", "lstrcpynA", "CopyMemory", "RtlCopyMemory"), (0, 2)),
    **dict.fromkeys(("read", "pread", "recv", "recvfrom", "readlink", "SSL_read", "getxattr"), (1, 2)),
    "readlinkat": (2, 3),
}  # fmt: skip
"""Functions that write as many bytes as they are told: the target, and the number."""

_APPENDS: Final = frozenset({"strncat", "wcsncat", "_tcsncat", "_mbsncat"})
_STARTS: Final = frozenset(
    {"strcpy", "snprintf", "sprintf", "strncpy", "strlcpy", "strcat", "strncat", "getcwd", "memcpy"}
)
_PRINTS: Final = frozenset({"snprintf", "vsnprintf", "swprintf", "g_snprintf", "apr_snprintf"})
_FILLS: Final = {
    **dict.fromkeys(
        ("read", "pread", "recv", "recvfrom", "SSL_read", "BIO_read", "readlink", "gzread", "_read"), (1, 2)
    ),
    **dict.fromkeys(("fread",), (0, 2)),
    **dict.fromkeys(("fgets",), (0, 1)),
}
"""Functions that fill an array with what comes from outside: the array, and how much may come."""

_COPIES: Final = frozenset({"strcpy", "strcat", "stpcpy", "lstrcpyA", "lstrcatA", "lstrcpy", "lstrcat"})
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_COMPARES: Final = _ORDERS | {"==", "!="}
_FLEXIBLE: Final = 1
"""Elements of an array that stands for one of any length."""


@dataclass(frozen=True, slots=True)
class PastEnd:
    """A write that may go past the end of an array."""

    line: int
    message: str
    fix: str
    cwe: int = 787


def past_ends(rooms: Rooms, measured: set[str]) -> Iterator[PastEnd]:
    """The writes of one function that go past an end, or have none.

    Args:
        rooms: The arrays and constants that the function sees.
        measured: The places whose length the function asks for.
    """
    calls = [*calls_in(rooms.function.body)]
    compared = _compared(rooms.function)
    for call in calls:
        yield from _told_more(rooms, call)
        yield from _appended(rooms, call, calls)
        yield from _copied(rooms, call, calls, measured)
    yield from _wanted(rooms, compared)
    yield from _unbounded(rooms, compared, measured)


def _told_more(rooms: Rooms, call: ir.Call) -> Iterator[PastEnd]:
    """``char lib[32]; snprintf(lib, 64, ...)``."""
    places = _TOLD.get(last_word(call.name))
    if places is None or len(call.arguments) <= max(places):
        return
    target = uncast(call.arguments[places[0]])
    told, room = rooms.number(call.arguments[places[1]]), _room(rooms, target)
    if told is not None and room is not None and told > room:
        yield PastEnd(
            call.line,
            f"{last_word(call.name)} is told that {place_named(target)} has room for {told} bytes; it has {room}.",
            f"sizeof {place_named(target)}.",
        )


def _appended(rooms: Rooms, call: ir.Call, calls: list[ir.Call]) -> Iterator[PastEnd]:
    """``strncat(path, name, sizeof path)``: it takes how much may come, not how large the whole is."""
    if last_word(call.name) not in _APPENDS or len(call.arguments) < 3:
        return
    target = uncast(call.arguments[0])
    more, room = rooms.number(call.arguments[2]), rooms.of(target)
    name = place_named(target)
    begun = any(
        c.line < call.line and last_word(c.name) in _STARTS and c.arguments and place_named(c.arguments[0]) == name
        for c in calls
    ) or _begins_with_text(rooms.function, name)  # fmt: skip
    if more is None or room is None or more < room - begun:
        return
    yield PastEnd(
        call.line,
        f"{last_word(call.name)} is told the room of the whole of {name}, not what is left behind what it holds.",
        f"sizeof {name} - strlen({name}) - 1.",
    )


def _begins_with_text(function: ir.Function, name: str) -> bool:
    given = (s for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares)
    return any(
        place_named(s.target) == name and isinstance(v := uncast(s.value), ir.Literal) and v.value for s in given
    )


def _copied(rooms: Rooms, call: ir.Call, calls: list[ir.Call], measured: set[str]) -> Iterator[PastEnd]:
    """``recv(fd, text, 256, 0); strcpy(name, text)`` with ``char name[32]``: the longer array into the shorter."""
    name = last_word(call.name)
    if name in _COPIES and len(call.arguments) > 1:
        given = [call.arguments[1]]
    elif name == "sprintf" and len(call.arguments) > 2:
        layout = uncast(call.arguments[1])
        plain = isinstance(layout, ir.Literal) and isinstance(layout.value, str) and "%s" in layout.value
        given = [*call.arguments[2:]] if plain else []
    else:
        return
    target = uncast(call.arguments[0])
    room = _room(rooms, target)
    for source in map(uncast, given):
        have = _comes(rooms, source, [c for c in calls if c.line < call.line])
        if have is not None and room is not None and have > room and place_named(source) not in measured:
            yield PastEnd(
                call.line,
                f"{name} writes {place_named(source)}, which may hold {have - 1} characters from outside, to "
                f"{place_named(target)}, which has room for {room}.",
                "snprintf, and test its result against the size.",
                120,
            )
            return


def _comes(rooms: Rooms, source: ir.Expression, before: list[ir.Call]) -> int | None:
    """The bytes of the text that an array may hold since it was filled from outside; None when it was not."""
    have, place = _room(rooms, source), place_named(source)
    for call in before:
        array, size = _FILLS.get(last_word(call.name), (0, len(call.arguments)))
        if have is not None and size < len(call.arguments) and place_named(call.arguments[array]) == place:
            told = rooms.number(call.arguments[size])
            return have if told is None else min(have, told + 1)
    return None


def _room(rooms: Rooms, array: ir.Expression) -> int | None:
    """The bytes of an array that is named whole; none of one that stands for any length."""
    found = rooms.bytes(array) if isinstance(array, ir.Name | ir.Member) else None
    return None if found == _FLEXIBLE else found


def _wanted(rooms: Rooms, compared: set[str]) -> Iterator[PastEnd]:
    """``n = snprintf(path, sizeof path, ...); path[n] = '/'``: it gives how much there would have been."""
    wanted: dict[str, str] = {}
    for statement in every_statement(rooms.function.body):
        made = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(made, ir.Call) and isinstance(statement, ir.Assign) and last_word(made.name) in _PRINTS:
            if _prints_texts(made) and not statement.operator:
                wanted[place_named(statement.target)] = place_named(made.arguments[0])
            continue
        for target in _stored(statement) if wanted else ():
            length = place_named(_counter(target.index))
            array = place_named(target.base)
            if wanted.get(length) == array and array and length not in compared and rooms.of(uncast(target.base)):
                yield PastEnd(
                    statement.line,
                    f"{length} is how long the text would have been; when {array} was too short it is past its end.",
                    f"Test that {length} is less than sizeof {array} first.",
                )
                del wanted[length]


def _prints_texts(call: ir.Call) -> bool:
    """Whether there is a text among what is printed: numbers are short."""
    layouts = (uncast(a) for a in call.arguments)
    return any(isinstance(a, ir.Literal) and isinstance(a.value, str) and "%s" in a.value for a in layouts)


def _stored(statement: ir.Statement) -> Iterator[ir.Item]:
    """The elements that a statement writes to."""
    if isinstance(statement, ir.Assign) and isinstance(item := uncast(statement.target), ir.Item):
        yield item
    for part in parts_of(statement):
        if isinstance(part, ir.AssignmentExpression) and isinstance(item := uncast(part.target), ir.Item):
            yield item


def _counter(index: ir.Expression) -> ir.Expression:
    """``n`` of ``n++`` and ``++n``."""
    bare = uncast(index)
    if isinstance(bare, ir.Operation) and bare.operator == "post" and bare.operands:
        bare = uncast(bare.operands[0])
    bare = uncast(bare.target) if isinstance(bare, ir.AssignmentExpression) else bare
    return bare if isinstance(bare, ir.Name | ir.Member) else ir.Literal(index.line, None)


def _unbounded(rooms: Rooms, compared: set[str], measured: set[str]) -> Iterator[PastEnd]:
    """``while (read(fd, &c, 1) == 1) line[n++] = c;``: what comes says when it ends."""
    measured = measured | {v.name for v in rooms.unit.variables if v.value is not None}  # whose end its text has
    measured = measured | {
        place_named(s.target)
        for s in every_statement(rooms.function.body)
        if isinstance(s, ir.Assign) and any(place_named(e) in measured - {""} for e in expressions(s.value))
    }
    for loop in every_statement(rooms.function.body):
        if not isinstance(loop, ir.Loop) or loop.each is not None or not _ends_by_data(loop, measured):
            continue
        counted = {place_named(_counter(e)) for s in every_statement(loop.body) for e in _moved(s)}
        counted |= {place_named(_counter(e)) for e in loop.step}
        for statement in every_statement(loop.body):
            for item in _stored(statement):
                counter, array = place_named(_counter(item.index)), place_named(item.base)
                moves = counter in counted or isinstance(uncast(item.index), ir.Operation)
                if counter and moves and counter not in compared and _is_long_enough_to_ask(rooms, item.base):
                    yield PastEnd(
                        statement.line,
                        f"What comes says when the loop ends, and nothing compares {counter} with the size of {array}.",
                        f"End the loop when {counter} reaches sizeof {array} - 1.",
                    )
                    return


def _is_long_enough_to_ask(rooms: Rooms, array: ir.Expression) -> bool:
    room = rooms.of(uncast(array))
    return room is not None and room > _FLEXIBLE


def _moved(statement: ir.Statement) -> Iterator[ir.Expression]:
    """What a statement counts up: ``n++`` and ``n += 1``."""
    if isinstance(statement, ir.Assign) and statement.operator == "+":
        yield statement.target
    for part in parts_of(statement):
        if isinstance(part, ir.AssignmentExpression) and part.operator == "+":
            yield part.target


_READS_ONE: Final = frozenset(
    {"read", "recv", "getchar", "getc", "fgetc", "getc_unlocked", "getwc", "fgetwc", "gzgetc"}
)


def _ends_by_data(loop: ir.Loop, measured: set[str]) -> bool:
    """Whether only what is read, or where a text of unknown length ends, ends a loop."""
    if loop.condition is None:
        asked = [s.condition for s in every_statement(loop.body) if isinstance(s, ir.If)]
        reads = any(last_word(c.name) in _READS_ONE for c in calls_in(loop.body))
    else:
        asked = [loop.condition, *(s.condition for s in every_statement(loop.body) if isinstance(s, ir.If))]
        parts = [*expressions(loop.condition)]
        reads = any(isinstance(p, ir.Call) and last_word(p.name) in _READS_ONE for p in parts) or any(
            isinstance(p, ir.Operation) and p.operator == "deref" and place_named(p.operands[0]) not in measured
            for p in parts
        )  # fmt: skip
    return reads and not any(_counts(condition) for condition in asked)


def _counts(condition: ir.Expression | None) -> bool:
    """Whether a condition compares something that is counted: neither what a call gives nor a character."""
    return any(
        isinstance(p, ir.Operation)
        and p.operator in _ORDERS
        and not any(isinstance(e, ir.Call | ir.AssignmentExpression) for o in p.operands for e in expressions(o))
        and not all(isinstance(o, ir.Literal) or _is_character(o) for o in map(uncast, p.operands))
        for p in expressions(condition)
    )


def _is_character(expression: ir.Expression) -> bool:
    """``*p``, an element."""
    return isinstance(expression, ir.Item) or (isinstance(expression, ir.Operation) and expression.operator == "deref")


def _compared(function: ir.Function) -> set[str]:
    """The places that are compared with something that is no plain end of a text."""
    found: set[str] = set()
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in _COMPARES:
            found |= {place_named(_counter(e)) for operand in part.operands for e in expressions(operand)}
        elif isinstance(part, ir.Call) and last_word(part.name).lower() in {
            "min",
            "max",
            "clamp",
            "g_assert",
            "assert",
        }:
            found |= {place_named(e) for argument in part.arguments for e in expressions(argument)}
    return found - {""}
