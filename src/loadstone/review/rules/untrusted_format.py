"""Is every format of a printing function a text of the program's own?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import MAINS, last_word, terms, uncast
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, steps
from loadstone.review.rules.lookups import called_through, looked_up, made_by_library, word
from loadstone.review.rules.origins import weighed
from loadstone.review.rules.places import ALL, NATIVE, at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_FORMAT_AT: Final = {
    "printf": 0, "wprintf": 0, "warnx": 0, "warn": 0, "fprintf": 1, "dprintf": 1, "syslog": 1, "sprintf": 1,
    "err": 1, "errx": 1, "asprintf": 1, "snprintf": 2, "swprintf": 2, "printw": 0, "wprintw": 1,
    "g_print": 0, "g_printerr": 0, "g_warning": 0, "g_message": 0, "g_critical": 0, "g_log": 2, "g_strdup_printf": 0,
    "SDL_Log": 0, "qWarning": 0, "qDebug": 0, "qCritical": 0, "qInfo": 0, "luaL_error": 1, "wsprintf": 1,
}  # fmt: skip
"""Functions that read a format, and which argument it is. Source: their manual pages and references."""

_FILLS: Final = {
    "snprintf": (0, 2), "sprintf": (0, 1), "strcpy": (0, 1), "strncpy": (0, 1), "strcat": (0, 1), "strncat": (0, 1),
    "strlcpy": (0, 1), "memcpy": (0, 1), "fgets": (0, 0), "read": (1, 1), "recv": (1, 1), "fread": (0, 0),
    "recvfrom": (1, 1), "getline": (0, 0), "strerror_r": (1, 1), "vsnprintf": (0, 2),
}  # fmt: skip
"""Functions that fill a text: which argument, and the first of those that decide what is in it."""

_PRINTS: Final = frozenset({"snprintf", "sprintf", "vsnprintf"})
_TEXT: Final = re.compile(r"(?<!%)(?:%%)*%[-0-9.*]*l?s")
"""A conversion that takes a text as it is; numbers bring no per cent sign."""

_GIVE: Final = frozenset(
    {
        *("dlerror", "getenv", "strerror", "fgets", "readline", "g_module_error", "lt_dlerror"),
        *("what", "errorString", "toString", "readLine", "readAll", "displayText"),
    }
)
"""Functions and methods whose text is not the program's. Source: their manual pages and references."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _native(rule, facts)
    for arrival, unchecked in by_sink(facts, SinkKind.FORMAT):
        sink, kind = arrival.sink, arrival.source.kind
        own = last_word(sink.name) in {"format", "format_map"}  # patterns are often settings, of what is put in, too
        if unchecked and (kind == "network" or not (own or kind in WEAK)):
            yield rule.no(
                f"The format of {last_word(sink.name)} comes from {from_where(arrival)}.",
                at(sink.spot),
                severity=weighed(Severity.MEDIUM if own else Severity.HIGH, kind, facts, ir.Language.PYTHON),
                fix="Give a format of the program's own, and the text as its argument.",
                why=steps(arrival, "read as a format"),
                context=sink.spot.function,
                condition=sink.spot.condition,
            )


def _native(rule: Rule, facts: Facts) -> Iterator[Claim]:
    native = [u for u in facts.program.units if u.language in NATIVE]
    own = dict(_printers(native))
    for unit in native:
        for function in unit.functions:
            foreign = looked_up(facts, function)
            for call in calls_in(function.body):
                known = {} if facts.is_defined(call.name) else _FORMAT_AT
                place = (known | own).get(last_word(call.name), -1)
                if place < 0 or len(call.arguments) != place + 1:
                    continue  # with arguments behind it, somebody thought of it as a format
                given = call.arguments[place]
                since = _made_elsewhere(function, given, foreign, call.line) or _of_library(facts, unit, function, call)
                if since:
                    yield _finding(rule, unit, function, call, since)


_MAX_CALLERS: Final = 3
"""Calls between the function that has a library's object and the one that prints a text of it."""


def _of_library(facts: Facts, unit: ir.Unit, function: ir.Function, call: ir.Call) -> int:
    """The line of a call whose format is a text that a library gave, keeps in what it gave, or wrote; zero if not."""
    bare = _unwrapped(call.arguments[-1])
    if isinstance(bare, ir.Literal):
        return 0
    made = _made(facts, unit, function, _MAX_CALLERS)
    if isinstance(bare, ir.Call):
        return bare.line if called_through(bare, made) else 0
    if isinstance(bare, ir.Name):
        filled = bare.name in made or _written_through(function, bare.name, call.line, made)
        return call.line if filled else 0
    names = {e.name for e in expressions(bare) if isinstance(e, ir.Name)}
    return call.line if isinstance(bare, ir.Member) and names & made else 0


def _made(facts: Facts, unit: ir.Unit, function: ir.Function, left: int) -> frozenset[str]:
    """What a library gave, in one function: also what callers in the same file hand it."""
    found = made_by_library(facts, unit, function)
    parameters = {n: p.name for n, p in enumerate(function.parameters) if "*" in p.type}
    for caller in unit.functions if left and parameters else ():
        for call in calls_in(caller.body) if caller is not function else ():
            if last_word(call.name) == last_word(function.name):
                theirs = _made(facts, unit, caller, left - 1)
                given = ((n, _unwrapped(a)) for n, a in enumerate(call.arguments) if n in parameters)
                found |= {parameters[n] for n, one in given if _is_theirs(one, theirs)}
    return found


def _written_through(function: ir.Function, name: str, until: int, made: AbstractSet[str]) -> bool:
    """Whether a text of the function's own is handed to a function that a variable holds: to an entry of a plug-in."""
    pointers = {p.name for p in function.parameters if "*" in p.type} | {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and "*" in s.type and isinstance(s.target, ir.Name)
    }
    return any(
        c.line <= until
        and ((isinstance(c.function, ir.Name) and c.function.name in pointers) or _is_entry(c.function, made))
        and any(word(a) == name for a in c.arguments)
        for c in calls_in(function.body)
    )


def _is_theirs(given: ir.Expression, made: AbstractSet[str]) -> bool:
    """Whether an argument is a text of a library, or of a call that gives others' texts."""
    if isinstance(given, ir.Call):
        return last_word(given.name) in _GIVE or called_through(given, made)
    return word(given) in made


def _is_entry(called: ir.Expression, made: AbstractSet[str]) -> bool:
    """``reader.poll(text, size)``: whether a member that a lookup filled is called."""
    bare = uncast(called)
    return isinstance(bare, ir.Member) and bare.name in made


_WRAPS: Final = frozenset({"c_str", "data", "constData", "toUtf8", "toLocal8Bit", "toLatin1", "toStdString"})


def _unwrapped(expression: ir.Expression) -> ir.Expression:
    """A text without what turns it into characters: ``qPrintable(text)``, ``text.c_str()``."""
    bare = uncast(expression)
    while isinstance(bare, ir.Call):
        if bare.name == "qPrintable" and bare.arguments:
            bare = uncast(bare.arguments[0])
        elif bare.receiver is not None and last_word(bare.name) in _WRAPS:
            bare = uncast(bare.receiver)
        else:
            break
    return bare


_READS_FORMAT: Final = {"vprintf": 0, "vfprintf": 1, "vdprintf": 1, "vsyslog": 1, "vsnprintf": 2, "vasprintf": 1}


def _printers(units: list[ir.Unit]) -> Iterator[tuple[str, int]]:
    """The functions of the program that hand a parameter on as a format, and which parameter that is."""
    for function in (f for u in units for f in u.functions):
        names = [p.name for p in function.parameters]
        for call in calls_in(function.body):
            at = _READS_FORMAT.get(last_word(call.name), len(call.arguments))
            name = word(call.arguments[at]) if at < len(call.arguments) else ""
            if name in names and names.index(name) in {len(names) - 1, len(names) - 2}:
                yield last_word(function.name), names.index(name)


def _made_elsewhere(function: ir.Function, given: ir.Expression, foreign: AbstractSet[str], until: int) -> int:
    """The line from which a format holds a text that others decide about; zero where nothing says so."""
    bare = _unwrapped(given)
    if _gives(bare, foreign) or (function.name in MAINS and _is_argument(function, bare)):
        return bare.line
    name = word(bare)
    if not name:
        return 0
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and word(statement.target) == name and statement.line <= until:
            value = uncast(statement.value)
            taken = uncast(value.operands[0]) if isinstance(value, ir.Operation) and value.operator == "?:" else value
            if any(_gives(one, foreign) for one in (value, taken, *_joined(value))):
                return statement.line
    filled = (c for c in calls_in(function.body) if c.line <= until)
    return next((c.line for c in filled if _fills(c, name)), 0)


def _joined(value: ir.Expression) -> Iterator[ir.Expression]:
    """The texts that a text is put together from: ``"cannot load " + name``, ``std::format("{}", name)``."""
    if isinstance(value, ir.Operation) and value.operator == "+":
        yield from map(_unwrapped, terms(value))
    elif isinstance(value, ir.Call) and value.name in {"std::format", "fmt::format"}:
        yield from map(_unwrapped, value.arguments[1:])


def _is_argument(function: ir.Function, value: ir.Expression) -> bool:
    """``argv[1]`` of the function a program begins with."""
    vector = function.parameters[1].name if len(function.parameters) > 1 else ""
    return isinstance(value, ir.Item) and bool(vector) and word(value.base) == vector


def _fills(call: ir.Call, name: str) -> bool:
    """Whether a call puts into a text what the program does not decide about."""
    target, first = _FILLS.get(last_word(call.name), (-1, 0))
    if not 0 <= target < len(call.arguments) or word(_start(call.arguments[target])) != name:
        return False
    if target == first:
        return True
    layout, *given = call.arguments[first:] or (call,)
    if last_word(call.name) not in _PRINTS:
        return _is_open(layout)
    shown = uncast(layout)
    takes_text = not isinstance(shown, ir.Literal) or bool(_TEXT.search(str(shown.value)))
    return takes_text and any(map(_is_open, given))


def _gives(value: ir.Expression, foreign: AbstractSet[str]) -> bool:
    """Whether a text comes from a call that gives others' texts, or is one that a lookup found: ``*banner``."""
    if isinstance(value, ir.Call):
        return last_word(value.name) in _GIVE or word(value.function) in foreign
    if isinstance(value, ir.Operation) and value.operator == "deref":
        value = uncast(value.operands[0])
    base = uncast(value.base) if isinstance(value, ir.Member) and value.through else value
    return isinstance(base, ir.Name) and base.name in foreign


def _start(target: ir.Expression) -> ir.Expression:
    """The text that a place lies in: ``&line[n]``, ``line + n``."""
    bare = uncast(target)
    while isinstance(bare, ir.Operation) and bare.operator in {"+", "address"}:
        bare = uncast(bare.operands[0])
    return uncast(bare.base) if isinstance(bare, ir.Item) else bare


def _is_open(argument: ir.Expression) -> bool:
    """Whether what is put into a text is more than a constant or a number that the program counts."""
    bare = uncast(argument)
    return not isinstance(bare, ir.Literal) and not (isinstance(bare, ir.Name) and bare.name.isupper())


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, call: ir.Call, since: int) -> Claim:
    made, used = (Spot(unit.path, line, function.name) for line in (since, call.line))
    came = "" if since == call.line else f" (it comes from line {since})"
    return rule.no(
        f"The format of {last_word(call.name)} is a text that others control{came}.",
        Location.lines(unit.path, call.line),
        why=(step(made, "the text is made", "source"), step(used, "read as a format", "use")),
        context=function.name,
        condition=function.condition,
    )


RULE: Final = Rule(
    id="untrusted-format",
    question="Is every format of a printing function a text of the program's own?",
    practice=Practice.INPUT_VALIDATION,
    cwe=134,
    severity=Severity.HIGH,
    languages=ALL,
    why="A per cent sign in a name or in a library's message reads, and with %n writes, memory that nobody gave.",
    fix='Print the text through "%s".',
    bad="void tell(void) {\n    syslog(LOG_ERR, dlerror());\n}\n",
    good='void tell(void) {\n    syslog(LOG_ERR, "%s", dlerror());\n}\n',
    references=("https://cwe.mitre.org/data/definitions/134.html",),
    answer=_answer,
)
