"""Is what a foreign function returns tested, in the way it reports failure, before it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignPrototype, ForeignResult
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import gives_hresult, uncast
from loadstone.review.rules.conditions import asked, is_about
from loadstone.review.rules.dropped_statuses import MAKES, dropped_statuses, forgotten_statuses
from loadstone.review.rules.failure_values import failure_of, sees
from loadstone.review.rules.missing_names import missing_names
from loadstone.review.rules.negative_lengths import negative_lengths
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.swallowed_load_failure import LOADS
from loadstone.review.rules.use_after_close import CLOSES
from loadstone.review.walk import expressions, parts_of, statements, tops

__all__ = ["RULE"]

_NULLABLE: Final = frozenset({ForeignResult.ADDRESS, ForeignResult.TEXT})
"""Results that are None when null. A null POINTER(T), and a null of cffi, raise when they are read through."""

_POSITIVE_ERRORS: Final = re.compile(
    r"\A(?:pthread_|pam_|posix_(?:spawn|memalign|fadvise|fallocate)|getaddrinfo\Z|getnameinfo\Z|mtx_|thrd_|cnd_"
    r"|SSL_CTX_use_"
    r"|sqlite3_|curl_easy_|Reg(?:Open|Query|Set|Create|Close|Delete|Enum)\w*|git_cred_)"
)
"""Functions that report an error as a positive number. Source: their manual pages."""

_SYSTEM: Final = ("ctypes.WinDLL.", "ctypes.OleDLL.")
"""Windows answers a null handle with an error."""

_DROPPABLE: Final = re.compile(r"\A(?:set(?:res|re|e)?[ug]id|setgroups|initgroups|chroot|unshare|cap_set_proc)\Z")
"""Functions whose failure leaves more rights than were meant. Source: their manual pages."""

_TRUTHS: Final = frozenset({"true", "compared", "allowed", "tested"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    results = _results(facts)
    for call, visit in facts.travels.calls.values():
        yield from _null_use(rule, facts, call, visit, results)
    for found in facts.foreign_calls:
        yield from _turned_round(rule, found)
        yield from _comparison(rule, found)
        yield from _stored_comparison(rule, found)
        yield from _rights(rule, found)
    yield from _null_handles(rule, facts, results)
    yield from _null_members(rule, facts)
    yield from _missing_libraries(rule, facts)
    yield from missing_names(rule, facts)
    yield from forgotten_statuses(rule, facts)
    yield from dropped_statuses(rule, facts)
    yield from negative_lengths(rule, facts)


# Results that may be null.


def _results(facts: Facts) -> dict[tuple[int, str], ForeignCall]:
    """Variables of a function that hold what a foreign function gave, by the function and their spelling."""
    found: dict[tuple[int, str], ForeignCall] = {}
    for call in facts.foreign_calls:
        statement = call.visit.statement
        if (
            isinstance(statement, ir.Assign)
            and uncast(statement.value) is call.call
            and (name := spelled(statement.target))
        ):
            found.setdefault((id(call.visit.function), name), call)
    return found


def _null_use(
    rule: Rule, facts: Facts, part: ir.Call, visit: Visit, results: dict[tuple[int, str], ForeignCall]
) -> Iterator[Claim]:
    used = _read_through(part)
    if used is None:
        return
    bare = uncast(used)
    if isinstance(bare, ir.Call):
        given, since = facts.bindings[visit.unit.path].prototype(bare, visit.function.owner), bare.line
    else:
        name = spelled(bare)
        call = results.get((id(visit.function), name))
        if call is None or visit.checks(name) & _TRUTHS or call.visit.statement.line > part.line:
            return
        given, since = call.prototype, call.call.line
    raw = part.name in {"ctypes.string_at", "ctypes.wstring_at"}
    nullable = _NULLABLE | {ForeignResult.POINTER} if raw else _NULLABLE
    if given is not None and given.result in nullable and not _tested_inside(visit, used):
        yield rule.no(
            f"{given.symbol} (line {since}) may return a null pointer, and it is used here unchecked.",
            Location.lines(visit.unit.path, part.line),
            cwe=690,
            severity=Severity.HIGH,
            fix="Test the result first; ctypes gives None for a null c_void_p.",
            context=visit.function.name,
        )


def _null_handles(rule: Rule, facts: Facts, results: dict[tuple[int, str], ForeignCall]) -> Iterator[Claim]:
    """A handle that may be null, and goes on into the library that gave it."""
    said: set[tuple[int, str]] = set()
    for found in facts.foreign_calls:
        visit, owner = found.visit, id(found.visit.function)
        bindings = facts.bindings[visit.unit.path]
        for argument in found.call.arguments[:1]:
            name = spelled(argument)
            made = results.get((owner, name))
            if made is None or (owner, name) in said or made.call.line >= found.call.line:
                continue
            given = made.prototype
            new = given.result in {ForeignResult.ADDRESS, ForeignResult.POINTER} and MAKES.search(given.symbol)
            system = made.call.name.startswith(_SYSTEM) or CLOSES.search(found.prototype.symbol)
            if not new or system or visit.checks(name) & _TRUTHS or asked(visit.function, name, bindings):
                continue
            if _is_told(visit.function, made.call, found.call.line):
                continue
            said.add((owner, name))
            yield rule.no(
                f"{given.symbol} (line {made.call.line}) may return a null handle, and {found.prototype.symbol} "
                "gets it unchecked.",
                Location.lines(visit.unit.path, found.call.line),
                cwe=690,
                fix="Test the handle where it is made.",
                why=(
                    step(Spot(visit.unit.path, made.call.line, visit.function.name), "may be null", "acquire"),
                    step(Spot(visit.unit.path, found.call.line, visit.function.name), "handed on untested", "use"),
                ),
                context=visit.function.name,
            )


def _is_told(function: ir.Function, made: ir.Call, before: int) -> bool:
    """``create(..., byref(code))``, and ``code.value`` is tested, or handed to what tests it, before the result is."""
    names = {
        place
        for argument in made.arguments
        if isinstance(one := uncast(argument), ir.Call) and simple(one.name) in {"byref", "pointer"}
        for place in map(spelled, one.arguments)
        if place
    }
    if not names:
        return False
    told = {*names, *(f"{name}.value" for name in names)}
    for statement in statements(function.body.body):
        if made.line < statement.line <= before:
            tests = [getattr(statement, "condition", None)]
            handed = [p for p in parts_of(statement) if isinstance(p, ir.Call) and p.line != before]
            tests += [a for call in handed for a in call.arguments]
            if any(spelled(part) in told for test in tests for part in expressions(test)):
                return True
    return False


def _null_members(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``self.ref = lib.open(...)``, asked about by no method, and handed to the library by another one."""
    made: dict[tuple[str, str, str], ForeignCall] = {}
    for found in facts.foreign_calls:
        visit = found.visit
        target = spelled(visit.statement.target) if isinstance(visit.statement, ir.Assign) else ""
        fails = found.prototype.result in {ForeignResult.ADDRESS, ForeignResult.POINTER}
        if target.startswith("self.") and visit.function.owner and fails and MAKES.search(found.prototype.symbol):
            known = uncast(visit.statement.value) is found.call  # type: ignore[union-attr]
            if known and not found.prototype.by_cffi and not found.call.name.startswith(_SYSTEM):
                made.setdefault((visit.unit.path, visit.function.owner, target), found)
    for found in facts.foreign_calls if made else ():
        visit = found.visit
        for argument in found.call.arguments[:1]:
            key = (visit.unit.path, visit.function.owner, spelled(argument))
            given = made.get(key)
            if given is None or visit.function is given.visit.function or CLOSES.search(found.prototype.symbol):
                continue
            del made[key]
            if not any(_mentions_in_test(f, key[2]) for f in visit.unit.functions if f.owner == visit.function.owner):
                yield rule.no(
                    f"{given.prototype.symbol} (line {given.call.line}) may give a null handle, no method asks, and "
                    f"{found.prototype.symbol} gets it.",
                    Location.lines(visit.unit.path, found.call.line),
                    cwe=690,
                    fix="Test the handle where it is made.",
                    why=(
                        step(
                            Spot(visit.unit.path, given.call.line, given.visit.function.name), "may be null", "acquire"
                        ),
                        step(Spot(key[0], found.call.line, visit.function.name), "handed on untested", "use"),
                    ),
                    context=visit.function.name,
                )


def _mentions_in_test(function: ir.Function, name: str) -> bool:
    """Whether a method asks about an attribute, or hands it to something that may."""
    if asked(function, name):
        return True
    return any(
        isinstance(part, ir.Call) and part.name == "assert" and any(spelled(e) == name for e in expressions(part))
        for s in statements(function.body.body)
        for part in parts_of(s)
    )


def _missing_libraries(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A function gives a library, or None when it cannot be loaded; who calls it uses the library either way."""
    names = facts.travels.names
    perhaps = {id(r.function) for r in names.routines if _gives_library_or_none(r.function)}
    for routine in names.routines if perhaps else ():
        for statement in statements(routine.function.body.body):
            value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
            if not isinstance(value, ir.Call) or not isinstance(statement, ir.Assign):
                continue
            name = spelled(statement.target)
            if not any(id(r.function) in perhaps for r in names.called(routine, value)):
                continue
            used = _member_used(routine.function, name, statement.line)
            if name and used and not asked(routine.function, name):
                yield rule.no(
                    f"{value.name} returns None when the library cannot be loaded, and {name} is used unchecked.",
                    Location.lines(routine.unit.path, used),
                    cwe=690,
                    fix=f"Test {name}, or let the failure of the load through.",
                    context=routine.function.name,
                )


def _gives_library_or_none(function: ir.Function) -> bool:
    nothing = library = False
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Return) and statement.value is not None:
            value = uncast(statement.value)
            nothing = nothing or (isinstance(value, ir.Literal) and value.value is None)
            library = library or (isinstance(value, ir.Call) and value.name in LOADS)
    return nothing and library


def _member_used(function: ir.Function, name: str, since: int) -> int:
    """The first line after which something of an object is asked for; 0 when nothing is."""
    for statement in statements(function.body.body):
        for part in (p for p in parts_of(statement) if statement.line > since):
            looks = isinstance(part, ir.Call) and part.name == "getattr" and part.arguments
            if (isinstance(part, ir.Member) and spelled(part.base) == name) or (
                looks and spelled(part.arguments[0]) == name  # type: ignore[union-attr]
            ):
                return part.line
    return 0


def _tested_inside(visit: Visit, used: ir.Expression) -> bool:
    """``string_at(p) if p else b""``."""
    name = spelled(used)
    return bool(name) and any(
        isinstance(part, ir.Operation)
        and part.operator in {"?:", "&&", "||"}
        and any(spelled(inner) == name for inner in expressions(part.operands[0]))
        for top in tops(visit.statement)
        for part in expressions(top)
    )


def _read_through(part: ir.Expression) -> ir.Expression | None:
    """The pointer an expression reads or calls through; None when it does neither."""
    match part:
        case ir.Call(name="ctypes.string_at" | "ctypes.wstring_at", arguments=(pointer, *_)):
            return pointer
        case ir.Call(name="ctypes.CFUNCTYPE.__call__", arguments=(pointer,)):
            return pointer
        case _:
            return None


# Tests that never see the failure.


def _comparison(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    condition = getattr(found.visit.statement, "condition", None)
    if condition is None:
        return
    for part in expressions(condition):
        asked_for = _asked_for(part)
        if asked_for is None or uncast(asked_for[0]) is not found.call:
            continue
        reason = _never_sees(found.prototype, *asked_for[1:])
        if reason:
            yield rule.no(
                f"The test of {found.prototype.symbol} never sees a failure: {reason}.",
                Location.lines(found.visit.unit.path, part.line),
                cwe=253,
                fix="Compare with the value that means success.",
                context=found.visit.function.name,
            )


def _stored_comparison(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``self.handle = lib.open(...)``, and the next statement that asks about it asks in vain."""
    statement, function = found.visit.statement, found.visit.function
    if not isinstance(statement, ir.Assign) or uncast(statement.value) is not found.call:
        return
    name = spelled(statement.target)
    later = (s for s in statements(function.body.body) if isinstance(s, ir.If) and s.line > statement.line)
    asking = next((s for s in later if name and is_about(s.condition, name, function, None)), None)
    condition = uncast(asking.condition) if asking is not None else None
    asked_for = _asked_for(condition)
    if condition is None or asked_for is None:
        return
    reason = _never_sees(found.prototype, *asked_for[1:])
    if reason and spelled(asked_for[0]) == name:
        yield rule.no(
            f"The test of {name} never sees a failure of {found.prototype.symbol}: {reason}.",
            Location.lines(found.visit.unit.path, condition.line),
            cwe=253,
            fix="Compare with the value that means failure.",
            context=function.name,
        )


def _turned_round(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``if not lib.mount(...): raise``: zero is how it says that it worked."""
    statement, function = found.visit.statement, found.visit.function
    asking: ir.Statement | None = statement
    asked_of = {id(found.call)}
    if isinstance(statement, ir.Assign) and uncast(statement.value) is found.call and spelled(statement.target):
        name = spelled(statement.target)
        later = (s for s in statements(function.body.body) if isinstance(s, ir.If) and s.line > statement.line)
        asking = next((s for s in later if is_about(s.condition, name, function, None)), None)
        asked_of |= {id(p) for p in expressions(getattr(asking, "condition", None)) if spelled(p) == name}
    if not isinstance(asking, ir.If) or not asking.then.body or not isinstance(asking.then.body[-1], ir.Raise):
        return
    bare = uncast(asking.condition)
    zero = isinstance(bare, ir.Operation) and (
        bare.operator == "!" or (bare.operator == "==" and _is_zero(bare.operands[-1]))
    )
    if not zero or not isinstance(bare, ir.Operation) or id(uncast(bare.operands[0])) not in asked_of:
        return
    symbol, failure = found.prototype.symbol, failure_of(found.prototype.symbol)
    system = symbol in _OF_THE_SYSTEM or symbol[:1].isupper()
    if gives_hresult(symbol) or (system and failure is not None and failure.works == 0):
        yield rule.no(
            f"{symbol} gives zero when it worked; this test raises then, and goes on when it failed.",
            Location.lines(found.visit.unit.path, bare.line),
            cwe=253,
            fix="Compare with the value that means failure.",
            context=function.name,
        )


def _is_zero(value: ir.Expression) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Literal) and bare.value == 0 and isinstance(bare.value, int) and bare.value is not False


def _asked_for(condition: ir.Expression | None) -> tuple[ir.Expression, str, ir.Expression | None] | None:
    """What a test is about, how it compares it, and with what: None where it asks whether that is nothing."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and len(bare.operands) == 2 and bare.operator not in {"&&", "||"}:
        return bare.operands[0], bare.operator, bare.operands[1]
    if isinstance(bare, ir.Operation) and bare.operator == "!":
        return bare.operands[0], "!", None
    return (bare, "", None) if isinstance(bare, ir.Name | ir.Member | ir.Call) else None


_OF_THE_SYSTEM: Final = frozenset(
    {"mount", "umount", "umount2", "pivot_root", "chroot", "setns", "unshare", "sethostname", "prctl"}
)
"""Functions of the C library whose names no other library has. What begins with a capital is of Windows."""


def _never_sees(given: ForeignPrototype, operator: str, other: ir.Expression | None) -> str:
    failure = failure_of(given.symbol)
    if failure is not None and (given.symbol in _OF_THE_SYSTEM or given.symbol[:1].isupper()):
        blind = not sees(failure, (operator, uncast(other)) if other is not None else None)
        if blind:
            return f"it reports failure by {failure.told}"
    if other is None:
        return ""
    bare = uncast(other)
    value = bare.value if isinstance(bare, ir.Literal) else ...
    if operator == "<" and value == 0:
        if _POSITIVE_ERRORS.match(given.symbol):
            return "it reports errors as positive numbers"
        if given.result in {ForeignResult.UNSIGNED, ForeignResult.ADDRESS}:
            return f"its result was declared {given.result.value}, which is not below 0"
    if operator in {"==", "!="} and value == -1 and given.result in {ForeignResult.UNSIGNED, ForeignResult.ADDRESS}:
        return f"its result was declared {given.result.value}, which is never -1"
    pointer = given.result is ForeignResult.POINTER or (given.by_cffi and given.result is ForeignResult.TEXT)
    if operator in {"==", "!="} and pointer and isinstance(bare, ir.Literal) and value is None:
        return "a null pointer is NULL of cffi, not None" if given.by_cffi else "a null POINTER is false, and not None"
    if (
        operator in {"==", "!="}
        and value == 0
        and not isinstance(value, bool)
        and given.result is ForeignResult.ADDRESS
    ):
        return "ctypes gives None, not 0, for a null pointer"
    return ""


def _rights(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    statement = found.visit.statement
    if (
        isinstance(statement, ir.Evaluate)
        and statement.expression is found.call
        and _DROPPABLE.match(found.prototype.symbol)
    ):
        yield rule.no(
            f"{found.prototype.symbol} can fail, and then the privileges stay; its result is ignored.",
            Location.lines(found.visit.unit.path, found.call.line),
            severity=Severity.HIGH,
            fix="Use the function of the os module, which raises; group first, then user.",
            context=found.visit.function.name,
        )


RULE: Final = Rule(
    id="unchecked-foreign-result",
    question="Is what a foreign function returns tested, in the way it reports failure, before it is used?",
    practice=Practice.ERROR_HANDLING,
    cwe=252,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why=(
        "A foreign function raises nothing. Its failure is a number or a null pointer, and ctypes reads "
        "through one as "
        "readily as through any other."
    ),
    fix="Test the result in the next statement, with the value the function's manual names.",
    bad=("lib.name_of.restype = ctypes.c_void_p\naddress = lib.name_of(7)\nprint(ctypes.string_at(address))\n"),
    good=(
        "lib.name_of.restype = ctypes.c_void_p\naddress = lib.name_of(7)\nif not address:\n    raise KeyError(7)\n"
        "print(ctypes.string_at(address))\n"
    ),
    references=(
        "https://docs.python.org/3/library/ctypes.html#return-types",
        "https://cwe.mitre.org/data/definitions/252.html",
        "https://cwe.mitre.org/data/definitions/253.html",
        "https://cwe.mitre.org/data/definitions/690.html",
    ),
    answer=_answer,
)
