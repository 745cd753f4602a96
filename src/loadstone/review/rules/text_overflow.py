"""Is a text no longer than the place it is written to? Asked of copies, of ``%s``, of ends of texts and of sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.scanned import scanned
from loadstone.review.analyses.words import last_word, measures_text, place_named, terms, uncast
from loadstone.review.rules.array_ends import past_ends
from loadstone.review.rules.array_rooms import rooms_of
from loadstone.review.rules.ends_written import ends_behind, stores
from loadstone.review.rules.handed_in import handed_in_writes, known_to_callers
from loadstone.review.rules.identities import names_in_sight, sized_parameters
from loadstone.review.rules.lookups import called_through, made_by_library
from loadstone.review.rules.measured_copies import copied_by_length
from loadstone.review.rules.own_texts import given_to, is_own_text
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.printed_texts import declared_room, printed_without_room, sized_by_text
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.summed_copies import summed_copies
from loadstone.review.rules.unended_texts import unended_texts
from loadstone.review.rules.wanted_lengths import lengths_added
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_COPIES: Final = frozenset(
    {"strcpy", "strcat", "stpcpy", "wcscpy", "wcscat", "lstrcpy", "lstrcpyA", "lstrcpyW", "lstrcat", "lstrcatA"}
    | {"lstrcatW", "_tcscpy", "_tcscat", "_mbscpy"}
)
"""Functions that copy up to the end of the text, whatever room there is. Source: their manual pages."""

_ASKS_ELSE: Final = re.compile(
    r"(?i)cmp|open|load|stat\Z|access|exist|printf|gets|read|pbrk|spn\Z|IsRelative|IsFileSpec"
)
"""Names of calls whose answer says nothing about the length of a text they are given."""

_ALLOCATES: Final = frozenset({"malloc", "realloc", "alloca", "g_malloc", "xmalloc", "HeapAlloc", "CoTaskMemAlloc"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    sized = _sized_members(facts.program)
    for unit in facts.program.units:
        if unit.language not in NATIVE:
            continue
        shared = {v.name for v in unit.variables if "[]" in v.type}
        members = {m.name for c in unit.classes for m in c.members if "[]" in m.type}
        for function in unit.functions:
            local = _local_arrays(unit, function)
            arrays = shared | local
            yield from _copied(rule, unit, function, arrays, members, local, sized)
            yield from _told_by_library(rule, facts, unit, function, arrays, members)
            yield from _by_length(rule, facts, unit, function)
            room = arrays | members | sized_parameters(unit, function)
            yield from _printed(rule, unit, function, room, sized)
            yield from _scanned(rule, unit, function, arrays, members)
            yield from _summed(rule, unit, function)
            yield from _past_ends(rule, facts, unit, function)
            yield from _sized(rule, unit, function)
        yield from _handed_in(rule, unit)
        yield from _unended(rule, unit)


def _summed(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    counts = (c for c in calls_in(function.body) if measures_text(c.name))
    for found in summed_copies(unit, function, {place_named(a) for c in counts for a in c.arguments}):
        yield _no(
            rule, unit, function, found.line,
            f"What is put together in {found.target}, which has room for {found.room} characters, may need "
            f"{found.needed} and more.",
            787, "Put it together with a bound, and test whether it fitted.",
        )  # fmt: skip


def _past_ends(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    rooms = rooms_of(facts.program, unit, function)
    for found in (*past_ends(rooms, _measured(function)), *ends_behind(function), *lengths_added(function)):
        yield _no(rule, unit, function, found.line, found.message, found.cwe, found.fix)


def _sized_members(program: ir.Program) -> frozenset[str]:
    """The names of members that are arrays in every class of the program that has one: what is in them has an end."""
    kinds = [(m.name, "[]" in m.type) for u in program.units for c in u.classes for m in c.members]
    return frozenset(name for name, sized in kinds if sized) - {name for name, sized in kinds if not sized}


def _handed_in(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A function writes a text of any length to where it is told, and is told an array, or is told the room in vain."""
    for write in handed_in_writes(unit, _COPIES):
        yield rule.no(
            write.message,
            Location.lines(unit.path, write.line),
            cwe=787 if write.told_line else 120,
            fix="Compare the length with the room first, or copy with a bound and terminate the text.",
            why=(
                FlowStep(Location.lines(unit.path, write.told_line or write.line), "the room is given here", "acquire"),
                FlowStep(Location.lines(unit.path, write.line), "written to", "use"),
            ),
            context=write.function,
        )


def _unended(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """Bytes of a file or a peer are read as a text, and nothing says that they end."""
    for function, text in unended_texts(unit):
        filled, read = Location.lines(unit.path, text.filled), Location.lines(unit.path, text.read)
        yield rule.no(
            f"{text.filler} may fill {text.name} to its last byte at line {text.filled}; {text.reader} reads it at "
            f"line {text.read} up to an end that may not be there.",
            read,
            cwe=170,
            fix="Write a NUL into its last byte, refuse what has none (memchr), or print it with a precision.",
            why=(FlowStep(filled, "filled whole", "acquire"), FlowStep(read, "read as a text", "use")),
            context=function.name,
            condition=function.condition,
        )


def _local_arrays(unit: ir.Unit, function: ir.Function) -> set[str]:
    return {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name) and "[]" in s.type
        if not sized_by_text(unit, s, s.target.name)
    }


def _by_length(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    known = known_to_callers(unit, function)
    for line, message in copied_by_length(names_in_sight(facts.program, unit, function), known):
        yield _no(rule, unit, function, line, message, 787, "Refuse a text that is longer than there is room for.")


def _is_array(expression: ir.Expression, arrays: set[str], members: set[str]) -> bool:
    bare = uncast(expression)
    if isinstance(bare, ir.Member):
        return bare.name in members
    return isinstance(bare, ir.Name) and bare.name in arrays


def _is_of_row(function: ir.Function, source: ir.Expression, sized: AbstractSet[str]) -> bool:
    """``char *name = list->names[0];`` of ``char names[8][64];``: a variable that only leads to texts of a size."""
    given = given_to(function, source.name) if isinstance(source, ir.Name) else []
    rows = [uncast(value) for value in given]
    return bool(rows) and all(isinstance(r, ir.Item) and _is_array(r.base, set(), set(sized)) for r in rows)


def _no(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, message: str, cwe: int, fix: str) -> Claim:
    return rule.no(
        message,
        Location.lines(unit.path, line),
        cwe=cwe,
        fix=fix,
        context=function.name,
        condition=function.condition,
    )


def _copied(
    rule: Rule,
    unit: ir.Unit,
    function: ir.Function,
    arrays: set[str],
    members: set[str],
    local: set[str],
    sized: frozenset[str],
) -> Iterator[Claim]:
    """``strcpy(entry->name, theirs)``: into an array, of a text nobody measured."""
    calls = [c for c in calls_in(function.body) if last_word(c.name) in _COPIES and len(c.arguments) > 1]
    if not calls:
        return
    measured = _measured(function)
    parameters = {p.name for p in function.parameters}
    for call in calls:
        target, source = call.arguments[0], _whole_text(call.arguments[1])
        name = place_named(source)
        constant = isinstance(source, ir.Name) and source.name.isupper()  # a macro: its text is in the program
        own = constant or _is_array(source, arrays, members | sized) or name in measured
        own = own or is_own_text(unit, function, source) or _is_of_row(function, source, members | sized)
        asked = isinstance(source, ir.Name) and source.name in parameters and place_named(target) in local
        if own or asked or not name or not _is_array(target, arrays, members):
            continue  # what a parameter is copied to locally is asked about as a path
        yield _no(
            rule, unit, function, call.line,
            f"{last_word(call.name)} copies {name.replace('[]', '')} into an array of fixed size; nothing asks how "
            "long it is.",
            120, "Compare its length with the size first, or copy with a bound and terminate the text.",
        )  # fmt: skip


def _told_by_library(
    rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, arrays: set[str], members: set[str]
) -> Iterator[Claim]:
    """``strcpy(title, plugin->name())``: into an array, as much as a function of the library gives."""
    calls = [c for c in calls_in(function.body) if last_word(c.name) in _COPIES and len(c.arguments) > 1]
    foreign = made_by_library(facts, unit, function) if calls else set()
    for call in calls:
        given = uncast(call.arguments[1])
        if (
            isinstance(given, ir.Call)
            and called_through(given, foreign)
            and _is_array(call.arguments[0], arrays, members)
        ):
            yield _no(
                rule, unit, function, call.line,
                f"{last_word(call.name)} copies what {last_word(given.name)} of the library gives into an array of "
                "fixed size; nothing asks how long it is.",
                120, "Compare its length with the size first, or copy with a bound and terminate the text.",
            )  # fmt: skip


def _ends_of_texts(function: ir.Function) -> set[int]:
    """The calls in ``text + strlen(text)`` and ``text[strlen(text) - 1]``: they find an end, they compare nothing."""
    found = set()
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator == "+":
            base, rest = part.operands[0], part.operands[1:]
        elif isinstance(part, ir.Item):
            base, rest = part.base, (part.index,)
        else:
            continue
        found |= {
            id(call)
            for operand in rest
            for call in expressions(operand)
            if isinstance(call, ir.Call)
            and call.arguments
            and place_named(call.arguments[0]) == place_named(base) != ""
        }
    return found


def _measured(function: ir.Function) -> set[str]:
    """The places whose length, or what else they are, a function asks for."""
    ends = _ends_of_texts(function)
    found = {
        place_named(argument)
        for call in calls_in(function.body)
        if (measures_text(call.name) and id(call) not in ends)
        or last_word(call.name) in {"size", "length", "memchr", "strchr"}
        for argument in (*call.arguments, *([call.receiver] if call.receiver is not None else []))
    }
    asking = (c for c in _conditions(function) if not _ASKS_ELSE.search(last_word(c.name)))
    return found | {place_named(argument) for call in asking for argument in call.arguments}


def _printed(
    rule: Rule, unit: ir.Unit, function: ir.Function, arrays: set[str], sized: frozenset[str]
) -> Iterator[Claim]:
    for line, message in printed_without_room(unit, function, arrays, sized, _measured(function)):
        fix = "snprintf, StringCchPrintf or a precision, and test what it gives."
        yield _no(rule, unit, function, line, message, 787, fix)


def _whole_text(expression: ir.Expression) -> ir.Expression:
    """The text that a piece is taken of by a call: of ``PathFindFileName(path)`` the path."""
    bare = uncast(expression)
    if isinstance(bare, ir.Call) and last_word(bare.name) in _PIECES and bare.arguments:
        return uncast(bare.arguments[0])
    return bare


_PIECES: Final = frozenset(
    {
        "PathFindFileName",
        "PathFindFileNameA",
        "PathFindFileNameW",
        "basename",
        "g_basename",
        "strrchr",
        "wcsrchr",
        "strchr",
    }
)


def _conditions(function: ir.Function) -> Iterator[ir.Call]:
    """The calls that decide something: one that is given a text may ask how long it is."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If | ir.Loop) and statement.condition is not None:
            yield from (e for e in expressions(statement.condition) if isinstance(e, ir.Call))


def _scanned(rule: Rule, unit: ir.Unit, function: ir.Function, arrays: set[str], members: set[str]) -> Iterator[Claim]:
    """``sscanf(line, "load %s", word)``: a word of any length."""
    for call in calls_in(function.body):
        if last_word(call.name).endswith("_s"):
            continue  # the room of each text is told
        filled = scanned(call) or ()
        of_text = bool(filled) and filled[0].target is not call.arguments[1]  # of scanf, the layout stands first
        for target, width, kind in filled:
            if not kind or (of_text and _fits(unit, function, call.arguments[0], target)):
                continue
            room = declared_room(unit, place_named(target), function) if width else ""
            if kind in "sS[" and width and _is_array(target, arrays, members) and room == width:
                yield _no(
                    rule, unit, function, call.line,
                    f"{last_word(call.name)} writes {width} characters and an end into {place_named(target)}, "
                    f"which has room for {width}.",
                    787, "Give %s the width of the array, less one for the end.",
                )  # fmt: skip
            if kind in "sS[" and not width and _is_array(target, arrays, members):
                yield _no(
                    rule, unit, function, call.line,
                    f"{last_word(call.name)} writes a word of any length into {place_named(target)},"
                    " whose size is fixed.",
                    120, "Give %s the width of the array, less one for the end.",
                )  # fmt: skip


def _fits(unit: ir.Unit, function: ir.Function, source: ir.Expression, target: ir.Expression) -> bool:
    """Whether the text that is scanned is in an array no larger than the target, counted from where it begins."""
    bare, skipped = uncast(source), 0
    if (
        isinstance(bare, ir.Operation)
        and bare.operator == "+"
        and isinstance(step := uncast(bare.operands[-1]), ir.Literal)
    ):
        bare, skipped = uncast(bare.operands[0]), step.value if isinstance(step.value, int) else 0
    have = declared_room(unit, _walked(function, place_named(bare)), function)
    room = declared_room(unit, place_named(target), function)
    if have.isdigit() and room.isdigit():
        return int(have) - skipped <= int(room)
    return have == room != ""


def _walked(function: ir.Function, name: str) -> str:
    """The array that a pointer walks along: ``line = buffer; while (isspace(*line)) line++;``."""
    begins = {place_named(value) for target, value, _ in stores(function) if place_named(target) == name}
    return begins.pop() if len(begins) == 1 and "" not in begins else name


def _sized(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``malloc(strlen(a) + strlen(b) + 1)``, and then more than that is put together in it."""
    for target, value, line in stores(function):
        call = uncast(value)
        if not isinstance(call, ir.Call) or last_word(call.name) not in _ALLOCATES or not call.arguments:
            continue
        room = _room(call.arguments[-1])
        if room is None:
            continue
        name = place_named(target)
        made_again = [n for other, _, n in stores(function) if n > line and place_named(other) == name]
        calls = [c for c in calls_in(function.body) if line < c.line < min(made_again, default=1 << 30)]
        needed, writes = _most_written(name, call, calls)
        if writes and room < needed:
            place = Location.lines(unit.path, line)
            yield rule.no(
                f"{name} has room for {room} bytes beside the texts; {needed} are written.",
                place,
                cwe=131,
                fix="Count every separator and suffix, and one for the terminating NUL.",
                why=(
                    FlowStep(place, "allocated", "acquire"),
                    *(FlowStep(Location.lines(unit.path, at), "written to", "use") for at, _ in writes[:8]),
                ),
                context=function.name,
                condition=function.condition,
            )


def _room(size: ir.Expression) -> int | None:
    """The bytes of a size that are no text's length; None when it is no sum of lengths and numbers."""
    added = [*terms(size)]
    lengths = [t for t in added if isinstance(t, ir.Call) and measures_text(t.name)]
    fixed = 0
    for term in added:
        if isinstance(term, ir.Literal) and type(term.value) is int:
            fixed += term.value
        elif term in lengths:
            given = uncast(term.arguments[0]) if isinstance(term, ir.Call) and term.arguments else None
            fixed += len(given.value) if isinstance(given, ir.Literal) and isinstance(given.value, str) else 0
        elif isinstance(term, ir.Operation) and term.operator == "sizeof" and term.operands:
            given = uncast(term.operands[0])
            if not isinstance(given, ir.Literal) or not isinstance(given.value, str):
                return None
            fixed += len(given.value) + 1
        else:
            return None
    return fixed if lengths and len(lengths) < len(added) else None


def _most_written(name: str, made: ir.Call, calls: list[ir.Call]) -> tuple[int, list[tuple[int, int]]]:
    """The bytes beside texts of the longest text put together in a block, with the lines that do it.

    ``sprintf`` and ``strcpy`` begin anew. A text in which one of those measured is missing leaves room for others.
    """
    measured = {place_named(e) for e in _lengths_in(made.arguments[-1])}
    there = {place_named(a) for a in made.arguments[:-1]}  # realloc: the text it is given is there already
    most: tuple[int, list[tuple[int, int]]] = (0, [])
    writes: list[tuple[int, int]] = []
    seen: set[str] = set()
    for call in calls:
        fixed = _fixed(call, name)
        if fixed is None:
            continue
        if not last_word(call.name).endswith("cat"):
            writes, seen = [], set()
        writes = [*writes, (call.line, fixed)]
        seen |= {place_named(a) for a in call.arguments[1:]}
        needed = sum(n for _, n in writes) + 1
        if needed > most[0] and measured <= seen | there:
            most = needed, writes
    return most


def _lengths_in(size: ir.Expression) -> Iterator[ir.Expression]:
    """The texts whose lengths are in a size; a literal's length is known."""
    for term in terms(size):
        if isinstance(term, ir.Call) and measures_text(term.name):
            yield from (a for a in term.arguments[:1] if not isinstance(uncast(a), ir.Literal))


def _fixed(call: ir.Call, name: str) -> int | None:
    """The bytes a call adds to a text beside other texts; None when it writes elsewhere, or nobody knows what."""
    word = last_word(call.name)
    if not call.arguments or place_named(call.arguments[0]) != name or len(call.arguments) < 2:
        return None
    given = uncast(call.arguments[1])
    text = given.value if isinstance(given, ir.Literal) and isinstance(given.value, str) else None
    if word in {"strcpy", "strcat", "stpcpy"}:
        return len(text) if text is not None else 0
    if word == "sprintf" and text is not None and set(re.findall(r"%[^a-zA-Z%]*(.)", text)) <= {"s"}:
        return len(re.sub(r"%s", "", text))
    return None


RULE: Final = Rule(
    id="text-overflow",
    question="Is a text no longer than the place it is written to?",
    practice=Practice.INPUT_VALIDATION,
    cwe=120,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A name from a module, a file or a client is as long as somebody made it; behind the array lies something "
    "else.",
    fix="Bound every copy by the size of the target, the terminating NUL included.",
    bad='char word[40];\nsscanf(line, "load %s", word);\n',
    good='char word[40];\nsscanf(line, "load %39s", word);\n',
    references=(
        "https://cwe.mitre.org/data/definitions/120.html",
        "https://cwe.mitre.org/data/definitions/131.html",
        "https://cwe.mitre.org/data/definitions/193.html",
    ),
    answer=_answer,
)
