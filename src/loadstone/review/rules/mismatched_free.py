"""Does memory of a library go back to that library, and only what is the program's to give back?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeGuard

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignPrototype, ForeignResult, result_of
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.lookups import family
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, statements

__all__ = ["RULE"]

_C_FREE: Final = frozenset(
    {("free"), ("g_free"), ("LocalFree"), ("GlobalFree"), ("HeapFree"), ("CoTaskMemFree"), ("SysFreeString")}
)
_C_ALLOCATES: Final = frozenset(
    {
        *("malloc", "calloc", "realloc", "strdup", "strndup", "asprintf", "realpath", "getline", "posix_memalign"),
        *("aligned_alloc", "g_malloc", "g_strdup", "wcsdup", "_strdup", "getcwd", "get_current_dir_name"),
        *(
            "LocalAlloc",
            ("GlobalAlloc"),
            ("HeapAlloc"),
            ("CoTaskMemAlloc"),
            ("SysAllocString"),
            ("FormatMessageW"),
            ("open_memstream"),
        ),
    }
)
"""Functions whose memory the C library's own ``free``, or its counterpart, takes back. Source: manual pages."""

_FREES_TEXT: Final = re.compile(
    r"(?i)(?:str(?:ing)?s?|(?<!con)text|buf(?:fer)?|mem(?:ory)?|data|result|name|msg|message|error|value|ptr)?_?(?:free"
    r"|release|dispose|dealloc)(?:_?(?:str|string|text|mem|buf|buffer|result|name|msg|message|error|value))?\Z"
)
_BORROWED: Final = frozenset(
    {
        ("GetModuleHandleW"),
        ("GetModuleHandleA"),
        ("GetCurrentProcess"),
        ("GetCurrentThread"),
        ("GetStdHandle"),
        ("dlerror"),
        ("getenv"),
    }
)
"""Functions whose result belongs to somebody else. Source: Microsoft; POSIX."""

_COPIES: Final = frozenset({"string_at", "wstring_at", "string", "unpack", "buffer"})

_GIVES_BACK: Final = frozenset({"FreeLibrary", "CloseHandle", "free", "dlclose", "LocalFree"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    made = _made(facts)
    freed = {
        id(source.call)
        for found in facts.foreign_calls
        if found.prototype.symbol in _C_FREE or _FREES_TEXT.search(found.prototype.symbol)
        for source in _given(found, made)
    }
    for found in facts.foreign_calls:
        yield from _wrong_allocator(rule, facts, found, made)
        yield from _borrowed(rule, found, made)
        yield from _copy_freed(rule, found, made)
        yield from () if id(found.call) in freed else _converted(rule, facts, found)
        yield from _copied_only(rule, facts, found)
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON:
            yield from _never_given_back(rule, unit, facts, freed)


def _made(facts: Facts) -> dict[tuple[int, str], list[ForeignCall]]:
    """The foreign calls whose result a variable of a function may hold."""
    made: dict[tuple[int, str], list[ForeignCall]] = {}
    for found in facts.foreign_calls:
        statement = found.visit.statement
        if isinstance(statement, ir.Assign) and uncast(statement.value) is found.call:
            made.setdefault((id(found.visit.function), spelled(statement.target)), []).append(found)
    return made


def _given(found: ForeignCall, made: dict[tuple[int, str], list[ForeignCall]]) -> list[ForeignCall]:
    """Where the first argument of a call came from."""
    if not found.call.arguments:
        return []
    first = uncast(found.call.arguments[0])
    if isinstance(first, ir.Call) and first.name.startswith("ctypes.c_") and first.arguments:
        first = uncast(first.arguments[0])
    return made.get((id(found.visit.function), spelled(first)), [])


def _spot(found: ForeignCall) -> Spot:
    return Spot(found.visit.unit.path, found.call.line, found.visit.function.name)


def _wrong_allocator(
    rule: Rule, facts: Facts, found: ForeignCall, made: dict[tuple[int, str], list[ForeignCall]]
) -> Iterator[Claim]:
    if found.prototype.symbol not in _C_FREE:
        return
    for source in _given(found, made):
        if source.prototype.symbol not in _C_ALLOCATES and _counterparts(facts, source):
            yield rule.no(
                f"What {source.prototype.symbol} gave (line {source.call.line}) goes to "
                f"{found.prototype.symbol} of the "
                "C library; only the library that made it knows how it was allocated.",
                Location.lines(found.visit.unit.path, found.call.line),
                why=(
                    step(_spot(source), "allocated by the library", "acquire"),
                    step(_spot(found), "freed by another one", "release"),
                ),
                context=found.visit.function.name,
            )


def _borrowed(rule: Rule, found: ForeignCall, made: dict[tuple[int, str], list[ForeignCall]]) -> Iterator[Claim]:
    if found.prototype.symbol not in _GIVES_BACK:
        return
    for source in _given(found, made):
        if source.prototype.symbol in _BORROWED and source.call.line < found.call.line:
            yield rule.no(
                f"{found.prototype.symbol} gives back what {source.prototype.symbol} (line {source.call.line}) "
                f"only lent: "
                "another owner's count drops.",
                Location.lines(found.visit.unit.path, found.call.line),
                cwe=911,
                fix="Give back only what this code has opened.",
                why=(
                    step(_spot(source), "borrowed", "acquire"),
                    step(_spot(found), "given back", "release"),
                ),
                context=found.visit.function.name,
            )


def _copy_freed(rule: Rule, found: ForeignCall, made: dict[tuple[int, str], list[ForeignCall]]) -> Iterator[Claim]:
    """``restype = c_char_p`` gave bytes of Python's own: these, and not the library's text, go to its ``free``."""
    symbol = found.prototype.symbol
    if found.prototype.by_cffi or not (symbol in _C_FREE or _FREES_TEXT.search(symbol)):
        return
    for source in _given(found, made):
        if source.prototype.result is ForeignResult.TEXT and not source.prototype.by_cffi:
            yield rule.no(
                f"What {source.prototype.symbol} gave was copied into bytes of Python's own (restype c_char_p, line "
                f"{source.call.line}); {symbol} frees the copy.",
                Location.lines(found.visit.unit.path, found.call.line),
                fix="Declare restype c_void_p, copy with string_at, then free the address.",
                why=(
                    step(_spot(source), "copied into bytes", "acquire"),
                    step(_spot(found), "the copy is freed", "release"),
                ),
                context=found.visit.function.name,
            )


def _converted(rule: Rule, facts: Facts, found: ForeignCall) -> Iterator[Claim]:
    """``restype = c_char_p`` copies the text and forgets the address: what the caller should free is lost."""
    if found.prototype.result is not ForeignResult.TEXT or found.prototype.by_cffi:
        return
    freeing = _counterparts(facts, found)
    if not freeing and not _LENT.search(found.prototype.symbol):
        freeing = [one for one in _never_called(facts, found) if _OF_ALL.match(one.symbol)]
    if freeing and not any(isinstance(p, ir.Call) and p is not found.call for p in expressions(found.call.function)):
        other = freeing[0]
        yield rule.no(
            f"The text {found.prototype.symbol} returns is copied and its address forgotten (restype c_char_p), so "
            f"{other.symbol} is never given it.",
            Location.lines(found.visit.unit.path, found.call.line),
            cwe=401,
            severity=Severity.MEDIUM,
            fix=f"Declare restype c_void_p, copy with string_at, then call {other.symbol}.",
            context=found.visit.function.name,
        )


_LENT: Final = re.compile(r"(?i)error|version|name|desc|info|const|static|get|type|kind|unit|label|title|code")
"""Words of functions whose text is most often the library's own."""

_OF_ALL: Final = re.compile(r"(?i)[a-z0-9]+_(?:mem_?)?free\Z")
"""The one function of a library that takes back whatever it gave out: ``xx_free``."""


def _copied_only(rule: Rule, facts: Facts, found: ForeignCall) -> Iterator[Claim]:
    """A text of the library is copied, and the text itself is never given back, though there is a function for it."""
    given, statement, function = found.prototype, found.visit.statement, found.visit.function
    owned = given.result is (ForeignResult.TEXT if given.by_cffi else ForeignResult.ADDRESS)
    freeing = {one.symbol for one in (*_counterparts(facts, found), *_never_called(facts, found))} if owned else set()
    name = spelled(statement.target) if isinstance(statement, ir.Assign) else ""
    if not freeing or not name or "." in name or uncast(statement.value) is not found.call:  # type: ignore[union-attr]
        return
    bindings = facts.bindings[found.visit.unit.path]
    copied = False
    for call in calls(function.body.body):
        mine = any(spelled(part) == name for argument in call.arguments for part in expressions(argument))
        if not mine:
            continue
        if call.name.rpartition(".")[2] not in _COPIES:
            symbol = bindings.symbol(call, function.owner)
            if symbol is None or symbol in freeing or symbol in _C_FREE:
                return
        else:
            copied = True
    handed_on = any(
        (isinstance(s, ir.Return) and spelled(s.value) == name)
        or (isinstance(s, ir.Assign) and isinstance(s.target, ir.Member | ir.Item) and spelled(s.value) == name)
        for s in statements(function.body.body)
    )
    if copied and not handed_on:
        other = min(freeing)
        yield rule.no(
            f"The text {given.symbol} returns is copied, and {other} is never given it.",
            Location.lines(found.visit.unit.path, found.call.line),
            cwe=401,
            severity=Severity.MEDIUM,
            fix=f"Copy in a try, and call {other} in its finally.",
            context=function.name,
        )


_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_BACK: Final = frozenset({"free", "release", "dispose", "destroy", "delete"})
_MAKING: Final = frozenset({"get", "new", "create", "make", "alloc", "read", "copy", "dup"})


def _never_given_back(rule: Rule, unit: ir.Unit, facts: Facts, freed: set[int]) -> Iterator[Claim]:
    """``xx_list`` is called, and ``xx_list_free``, which the file declares, nowhere."""
    bindings = facts.bindings[unit.path]
    ends = {_stem(symbol): symbol for symbol in bindings.prototypes if symbol.isidentifier() and _words(symbol) & _BACK}
    if not ends:
        return
    for found in facts.foreign_calls:
        symbol = found.prototype.symbol
        end = ends.get(_stem(symbol), "") if found.visit.unit is unit and not _words(symbol) & _BACK else ""
        if end and id(found.call) not in freed and _gives(found) and not _is_used(unit, end):
            ends.pop(_stem(symbol))
            yield rule.no(
                f"What {symbol} gives is taken back by {end}, which is declared and never called.",
                Location.lines(unit.path, found.call.line),
                cwe=401,
                severity=Severity.MEDIUM,
                fix=f"Call {end} when what it gave is done with.",
                context=found.visit.function.name,
            )


def _words(symbol: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(symbol))


def _stem(symbol: str) -> frozenset[str]:
    return _words(symbol) - _BACK - _MAKING


def _is_used(unit: ir.Unit, symbol: str) -> bool:
    """Whether a file mentions a function of a library otherwise than to declare its types."""
    declares = r"(?!\s*\.(?:argtypes|restype|errcheck))"
    return bool(re.search(rf"\.{symbol}\b{declares}|[\"']{symbol}[\"']", unit.text))


def _gives(found: ForeignCall) -> bool:
    """Whether a call gives memory: as its result, or through a pointer to a pointer."""
    if found.prototype.result in {ForeignResult.ADDRESS, ForeignResult.POINTER, ForeignResult.TEXT}:
        return not isinstance(found.visit.statement, ir.Evaluate)
    kinds = found.prototype.arguments or ()
    return any(
        isinstance(kind, ir.Call)
        and kind.name == "ctypes.POINTER"
        and kind.arguments
        and (isinstance(uncast(kind.arguments[0]), ir.Call) or result_of(kind.arguments[0]) is ForeignResult.ADDRESS)
        for kind in kinds
    )


def _counterparts(facts: Facts, found: ForeignCall) -> list[ForeignPrototype]:
    """The functions of the same library that take back what it gave out, as far as the file declares them."""
    return [
        other
        for other in facts.bindings[found.visit.unit.path].prototypes.values()
        if other.symbol not in _C_FREE
        and _FREES_TEXT.search(other.symbol)
        and (other.arguments is None or len(other.arguments) == 1)
        and family(other.symbol) == family(found.prototype.symbol)
        and re.search(r"(?i)str|(?<!con)text|mem|buf|msg|name|result", other.symbol)
        and not re.search(r"(?i)context", other.symbol)
    ]


_FREE: Final = re.compile(r"(?i)(?:\A|_)free\Z|[a-z]Free\Z")


def _never_called(facts: Facts, found: ForeignCall) -> Iterator[ForeignPrototype]:
    """Functions of the library that free what they are given, declared in the file and called nowhere in it."""
    unit, bindings = found.visit.unit, facts.bindings[found.visit.unit.path]
    declared = [
        other
        for other in bindings.prototypes.values()
        if other.symbol not in _C_FREE
        and _FREE.search(other.symbol)
        and _takes_memory(other)
        and family(other.symbol) == family(found.prototype.symbol)
    ]
    if declared:
        used = {p.name for f in unit.functions for c in calls(f.body.body) for p in expressions(c) if _names(p)}
        yield from (other for other in declared if other.symbol not in used)


def _takes_memory(other: ForeignPrototype) -> bool:
    """Whether a function takes one address of anything, or a text, and nothing else."""
    if other.by_cffi:
        return bool(re.match(r"(?:void|char)\s*\*\s*\w*\Z", other.takes))
    given = [result_of(one) for one in other.arguments or ()]
    return given in ([ForeignResult.ADDRESS], [ForeignResult.TEXT])


def _names(part: ir.Expression) -> TypeGuard[ir.Member | ir.Name]:
    return isinstance(part, ir.Member | ir.Name)


RULE: Final = Rule(
    id="mismatched-free",
    question="Does memory of a library go back to that library, and only what is the program's to give back?",
    practice=Practice.OWNERSHIP,
    cwe=763,
    severity=Severity.HIGH,
    languages=PYTHON,
    why=(
        "Each library may have an allocator of its own. Memory given to another one's free, or never given "
        "back because "
        "ctypes has turned it into bytes, corrupts the heap or leaks with every call."
    ),
    fix="Take results that must be freed as c_void_p, copy them, and call the library's own counterpart.",
    bad="address = lib.text_of(7)\nctypes.CDLL(None).free(address)\n",
    good="address = lib.text_of(7)\nlib.text_free(address)\n",
    references=(
        "https://docs.python.org/3/library/ctypes.html#fundamental-data-types",
        "https://cwe.mitre.org/data/definitions/763.html",
        "https://cwe.mitre.org/data/definitions/401.html",
        "https://cwe.mitre.org/data/definitions/911.html",
    ),
    answer=_answer,
)
