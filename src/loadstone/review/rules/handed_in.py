"""Writes through a parameter: how much a function writes to where its caller tells it, and whether anybody asked.

A summary for each function says which of its parameters it writes a text of any length to, itself or through a
function it calls; the summaries are computed over the file to a fixed point, and there are no more of them than
parameters. A claim is made where one meets an array of fixed size, or where the function is told how much room there
is and never looks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, measures_text, uncast
from loadstone.review.rules.identities import sized_parameters
from loadstone.review.rules.own_texts import is_own_text
from loadstone.review.walk import expressions, kept, tops

__all__ = ["Write", "handed_in_writes", "known_to_callers"]

_EXTENTS: Final = frozenset({"strspn", "strcspn", "size", "length", "Size", "Length"})
_ROOM: Final = re.compile(
    r"(?i)(?:\A|_)(?:cap|capacity|cch\w*|cb\w*|room|avail|max|(?:buf|out|dst)?_?(?:size|len|sz))\Z|\An\Z"
)
_INTEGER: Final = re.compile(r"\b(?:size_t|int|unsigned|DWORD|UINT|long|u?int\d+_t|SIZE_T)\b")
_BLOCKS: Final = frozenset({"memcpy", "memmove", "CopyMemory", "wmemcpy"})


@dataclass(frozen=True, slots=True)
class Write:
    """One write that nothing bounds: where, what it says, and where the caller gave the place, 0 if none did."""

    function: str
    line: int
    message: str
    told_line: int = 0


def handed_in_writes(unit: ir.Unit, copies: frozenset[str]) -> Iterator[Write]:
    """The writes of a file through parameters that nothing bounds; ``copies`` are functions that copy whole texts."""
    own = {(f.name, p.name): c for f in unit.functions for p, c in _writes(f, copies)}
    measured = _measured(unit)
    told = set()
    for function in unit.functions:
        yield from _into_sized(unit, function, copies)
        for parameter, write in _writes(function, copies | _BLOCKS):
            room = _told_in_vain(function, parameter)
            if room:
                said = f"{room} says how much room {parameter.name} has, and nothing checks it."
                told.add((function.name, parameter.name))
                yield Write(function.name, write.line, said, function.line)
    unbounded = {
        (f.name, i): copy
        for f in unit.functions
        for i, p in enumerate(f.parameters)
        if (f.name, p.name) not in told
        and (copy := own.get((f.name, p.name))) is not None
        and not _is_bounded(copy, measured)
    }
    _handed_on(unit, unbounded)
    done = set()
    for function in unit.functions:
        arrays = {
            s.target.name
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name) and "[]" in s.type
        }
        for call in calls_in(function.body):
            for index, argument in enumerate(call.arguments):
                found = unbounded.get((call.name, index))
                given = uncast(argument)
                if found is None or not isinstance(given, ir.Name) or given.name not in arrays or found.line in done:
                    continue
                done.add(found.line)
                said = (
                    f"{last_word(found.name)} writes a text of any length; line {call.line} gives it {given.name}, "
                    "whose size is fixed."
                )
                yield Write(call.name, found.line, said, call.line)


def _into_sized(unit: ir.Unit, function: ir.Function, copies: frozenset[str]) -> Iterator[Write]:
    """``void set(char name[32], const char *text) { strcpy(name, text); }``: the declaration says the room."""
    sized = sized_parameters(unit, function)
    for parameter, call in _writes(function, copies, sized) if sized else ():
        known = _measured_in(function) | known_to_callers(unit, function)
        own = len(call.arguments) > 1 and is_own_text(unit, function, call.arguments[1])
        if parameter.name in sized and not own and not _is_bounded(call, known):
            said = (
                f"{last_word(call.name)} writes a text of any length to {parameter.name}, whose size its declaration "
                "says; nothing asks how long the text is."
            )
            yield Write(function.name, call.line, said)


def known_to_callers(unit: ir.Unit, function: ir.Function) -> set[str]:
    """The parameters that are given texts of the program by every caller in the file, or ones whose length it asks."""
    given = _callers(unit).get(function.name, ())
    return {
        parameter.name
        for number, parameter in enumerate(function.parameters)
        if given and all(number < len(a) and _is_known(a[number], _measured_in(f)) for a, f in given)
    }


@kept
def _callers(unit: ir.Unit) -> dict[str, list[tuple[tuple[ir.Expression, ...], ir.Function]]]:
    """The calls in a file by the name that is called: what each is given, and the function it stands in."""
    found: dict[str, list[tuple[tuple[ir.Expression, ...], ir.Function]]] = {}
    for function in unit.functions:
        for call in calls_in(function.body):
            found.setdefault(call.name, []).append((call.arguments, function))
    return found


def _is_known(argument: ir.Expression, measured: Collection[str]) -> bool:
    """Whether an argument is a text of the program, or one whose length something asks for."""
    bare = uncast(argument)
    if isinstance(bare, ir.Literal):
        return True
    named = [e.name for e in expressions(bare) if isinstance(e, ir.Name | ir.Member)]
    return bool(named) and (named[0].isupper() or any(name in measured for name in named))


def _handed_on(unit: ir.Unit, unbounded: dict[tuple[str, int], ir.Call]) -> None:
    """Add the parameters that are handed on to one that is written to without a bound, until there are no more."""
    grown = True
    while grown:
        grown = False
        for function in unit.functions:
            places = {p.name: i for i, p in enumerate(function.parameters)}
            for call in calls_in(function.body):
                for index, argument in enumerate(call.arguments):
                    bare = uncast(argument)
                    write = unbounded.get((call.name, index))
                    own = places.get(bare.name) if isinstance(bare, ir.Name) else None
                    if write is not None and own is not None and (function.name, own) not in unbounded:
                        unbounded[function.name, own] = write
                        grown = True


def _writes(
    function: ir.Function, copies: frozenset[str], arrays: frozenset[str] = frozenset()
) -> Iterator[tuple[ir.Parameter, ir.Call]]:
    """The parameters that a function copies to, each with the first copy of what is not a constant.

    They are pointers, and those declared as ``arrays``.
    """
    pointers = {
        p.name: p
        for p in function.parameters
        if p.name in arrays or ("*" in p.type and "const" not in p.type.split("*")[0])
    }
    for call in calls_in(function.body):
        if last_word(call.name) not in copies or len(call.arguments) < 2:
            continue
        target, source = uncast(call.arguments[0]), uncast(call.arguments[1])
        constant = isinstance(source, ir.Literal) or (isinstance(source, ir.Name) and source.name.isupper())
        if isinstance(target, ir.Name) and target.name in pointers and not constant:
            yield pointers.pop(target.name), call


def _told_in_vain(function: ir.Function, parameter: ir.Parameter) -> str:
    """The parameter behind a buffer that says how large it is, when nothing in the function mentions it."""
    position = function.parameters.index(parameter)
    following = function.parameters[position + 1 : position + 2]
    if not following or not _ROOM.search(following[0].name) or not _INTEGER.search(following[0].type):
        return ""
    name = following[0].name
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Evaluate) and isinstance(uncast(statement.expression), ir.Name):
            continue  # (void)size;
        if any(isinstance(e, ir.Name) and e.name == name for top in tops(statement) for e in expressions(top)):
            return ""
    return name


def _measured(unit: ir.Unit) -> set[str]:
    """The last words of everything whose length something in the file asks for."""
    return {name for function in unit.functions for name in _measured_in(function)}


@kept
def _measured_in(function: ir.Function) -> frozenset[str]:
    """The same of one function."""
    found: set[str] = set()
    for call in calls_in(function.body):
        if measures_text(call.name) or last_word(call.name) in _EXTENTS:
            given = (*call.arguments, *((call.receiver,) if call.receiver is not None else ()))
            found |= {e.name for a in given for e in expressions(a) if isinstance(e, ir.Name | ir.Member)}
    return frozenset(found)


def _is_bounded(call: ir.Call, measured: Collection[str]) -> bool:
    return any(isinstance(e, ir.Name | ir.Member) and e.name in measured for e in expressions(call.arguments[1]))
