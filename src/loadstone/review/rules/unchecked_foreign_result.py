"""Is what a foreign function returns tested, in the way it reports failure, before it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings, ForeignPrototype, ForeignResult
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.foreign_buffer_overflow import BUFFERS
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

_MAKES: Final = re.compile(
    r"(?i)open|new|create|init|load|alloc|begin|connect|start|acquire|parse|make|find|lookup|dup|clone|attach"
)
"""Words of functions whose handle is null when they fail."""

_SYSTEM: Final = ("ctypes.WinDLL.", "ctypes.OleDLL.")
"""Windows answers a null handle with an error."""

_UNTOLD: Final = re.compile(
    r"(?i)verbose|log|print|debug|level|wait|sleep|poll|get|count|size|length|unlock|flush|sync"
)
"""Words of functions whose number is not a status, or one that nobody asks for."""

_LASTS: Final = re.compile(
    r"(?i)(?:\A|_)(?:write|flash|program|burn|erase|commit|save|store|flush|send|apply|install|sign|verify|authenticate"
    r"|encrypt|decrypt|mount|format)(?:_|\Z)|[a-z](?:Write|Flash|Commit|Save|Send|Apply|Install|Verify|Encrypt)(?:[A-Z]|\Z)"
)
"""Words of functions whose failure means that something the user counts on did not happen."""

_CLEANS: Final = re.compile(r"(?i)close|__exit__|__del__|shut|clean|stop|release|finali[sz]e|destroy|tear|abort|cancel")

_DROPPABLE: Final = re.compile(r"\A(?:set(?:res|re|e)?[ug]id|setgroups|initgroups|chroot|unshare|cap_set_proc)\Z")
"""Functions whose failure leaves more rights than were meant. Source: their manual pages."""

_TRUTHS: Final = frozenset({"true", "compared", "allowed", "tested"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    results = _results(facts)
    for call, visit in facts.travels.calls.values():
        yield from _null_use(rule, facts, call, visit, results)
    for found in facts.foreign_calls:
        yield from _comparison(rule, found)
        yield from _stored_comparison(rule, found)
        yield from _rights(rule, found)
    yield from _null_handles(rule, facts, results)
    yield from _missing_libraries(rule, facts)
    yield from _forgotten_statuses(rule, facts)
    yield from _dropped_statuses(rule, facts)


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
    if given is not None and given.result in _NULLABLE and not _tested_inside(visit, used):
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
            new = given.result in {ForeignResult.ADDRESS, ForeignResult.POINTER} and _MAKES.search(given.symbol)
            system = made.call.name.startswith(_SYSTEM) or CLOSES.search(found.prototype.symbol)
            if not new or system or visit.checks(name) & _TRUTHS or _asked(visit.function, name, bindings):
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
            if name and used and not _asked(routine.function, name):
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


def _asked(function: ir.Function, name: str, bindings: Bindings | None = None) -> bool:
    """Whether some condition of the function is about the name, wherever it stands.

    With the bindings of its file, what a foreign call in the condition is handed has not been asked about.
    """
    for statement in statements(function.body.body):
        for top in tops(statement):
            for part in expressions(top):
                asks = isinstance(part, ir.Operation) and part.operator in {"?:", "&&", "||", "!", "==", "!="}
                if asks and _is_about(part, name, function, bindings):
                    return True
        if isinstance(statement, ir.If) and _is_about(statement.condition, name, function, bindings):
            return True
    return False


def _is_about(condition: ir.Expression, name: str, function: ir.Function, bindings: Bindings | None) -> bool:
    handed = {
        id(inner)
        for part in expressions(condition)
        if bindings is not None and isinstance(part, ir.Call) and bindings.symbol(part, function.owner) is not None
        for argument in part.arguments
        for inner in expressions(argument)
    }
    return any(id(e) not in handed and spelled(e) == name for e in expressions(condition))


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
        if not isinstance(part, ir.Operation) or len(part.operands) != 2 or uncast(part.operands[0]) is not found.call:
            continue
        reason = _never_sees(found.prototype, part.operator, part.operands[1])
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
    asking = next((s for s in later if name and _is_about(s.condition, name, function, None)), None)
    condition = uncast(asking.condition) if asking is not None else None
    if not isinstance(condition, ir.Operation) or len(condition.operands) != 2:
        return
    reason = _never_sees(found.prototype, condition.operator, condition.operands[1])
    if reason and spelled(condition.operands[0]) == name:
        yield rule.no(
            f"The test of {name} never sees a failure of {found.prototype.symbol}: {reason}.",
            Location.lines(found.visit.unit.path, condition.line),
            cwe=253,
            fix="Compare with the value that means failure.",
            context=function.name,
        )


def _never_sees(given: ForeignPrototype, operator: str, other: ir.Expression) -> str:
    bare = uncast(other)
    value = bare.value if isinstance(bare, ir.Literal) else ...
    if operator == "<" and value == 0:
        if _POSITIVE_ERRORS.match(given.symbol):
            return "it reports errors as positive numbers"
        if given.result in {ForeignResult.UNSIGNED, ForeignResult.ADDRESS}:
            return f"its result was declared {given.result.value}, which is not below 0"
    if operator in {"==", "!="} and value == -1 and given.result in {ForeignResult.UNSIGNED, ForeignResult.ADDRESS}:
        return f"its result was declared {given.result.value}, which is never -1"
    if (
        operator in {"==", "!="}
        and value == 0
        and not isinstance(value, bool)
        and given.result is ForeignResult.ADDRESS
    ):
        return "ctypes gives None, not 0, for a null pointer"
    return ""


# Statuses nobody looks at.


def _dropped_statuses(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A call whose declared status is dropped, in a file that looks at the statuses of the same library elsewhere."""
    by_unit: dict[str, list[ForeignCall]] = {}
    for found in facts.foreign_calls:
        if ".errcheck" in found.visit.unit.text:
            continue
        if _is_plain_int(found.prototype) and _is_dropped(found) and _fills_what_is_used(facts, found):
            yield _unfilled(rule, found)
        if found.prototype.result is ForeignResult.SIGNED:
            by_unit.setdefault(found.visit.unit.path, []).append(found)
    for calls in by_unit.values():
        dropped = [c for c in calls if _is_dropped(c)]
        quiet = {c.prototype.symbol for c in dropped}
        looked = {c.prototype.symbol for c in calls if not _is_dropped(c)}
        for found in dropped:
            symbol = found.prototype.symbol
            family = {one for one in looked if _family(one) == _family(symbol)}
            others = {one for one in quiet - looked if _family(one) == _family(symbol)}
            habit = symbol in looked or (len(family) > 1 and len(family) >= 2 * len(others))
            lasts = bool(_LASTS.search(symbol)) and not found.prototype.by_cffi
            if lasts and not habit and not _UNTOLD.search(symbol) and not _is_clean_up(found):
                yield rule.no(
                    f"{symbol} was declared to return a status, which is dropped: what follows goes on as if it had "
                    "worked.",
                    Location.lines(found.visit.unit.path, found.call.line),
                    context=found.visit.function.name,
                )
            if _fills_what_is_used(facts, found):
                yield _unfilled(rule, found)
                continue
            if habit and not _UNTOLD.search(symbol) and not CLOSES.search(symbol) and not _is_clean_up(found):
                yield rule.no(
                    f"The status of {symbol} is dropped, though the file looks at "
                    + ("it elsewhere." if symbol in looked else f"those of {len(family)} others of this library."),
                    Location.lines(found.visit.unit.path, found.call.line),
                    context=found.visit.function.name,
                )


def _is_plain_int(given: ForeignPrototype) -> bool:
    """Arguments were declared and no result: ctypes takes it for an int. What copies text answers with its target."""
    declared = given.arguments is not None and not given.by_cffi
    return given.result is ForeignResult.UNKNOWN and declared and not _COPIES_TEXT.match(given.symbol)


_COPIES_TEXT: Final = re.compile(r"_?(?:str|mem|wcs|lstr|wmem|stp)[a-z]+\Z")


def _unfilled(rule: Rule, found: ForeignCall) -> Claim:
    return rule.no(
        f"The status of {found.prototype.symbol} is dropped, and what it was to fill is used as if it had.",
        Location.lines(found.visit.unit.path, found.call.line),
        fix="Test the status before what it fills is used.",
        context=found.visit.function.name,
    )


def _fills_what_is_used(facts: Facts, found: ForeignCall) -> bool:
    """``lib.db_open(path, out)`` with its status dropped, and ``out``, made empty for it, read in what follows."""
    if _is_clean_up(found):
        return False
    function = found.visit.function
    empty = {
        s.target.name
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.target, ir.Name)
        and isinstance(value := uncast(s.value), ir.Call)
        and not value.arguments
        and not value.keywords
    }
    made = {
        s.target.name
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and _is_place(uncast(s.value))
    }
    rooms = (
        set()
        if _UNTOLD.search(found.prototype.symbol)
        else {
            s.target.name
            for s in statements(function.body.body)
            if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and _is_room(uncast(s.value))
        }
    )
    outs, makes = set(), bool(_MAKES.search(found.prototype.symbol))
    for argument in found.call.arguments:
        of = uncast(argument)
        if isinstance(of, ir.Call) and of.name in {"ctypes.byref", "ctypes.pointer"} and of.arguments:
            if makes or spelled(of.arguments[0]) in empty:
                outs.add(spelled(of.arguments[0]))
        elif isinstance(of, ir.Name) and of.name in (rooms | made if makes else rooms):
            outs.add(of.name)
    bindings = facts.bindings[found.visit.unit.path]
    asked = {n for n in outs if n and _asked(function, n, bindings)}
    later = (p for s in statements(function.body.body) if s.line > found.call.line for p in parts_of(s))
    return any(isinstance(part, ir.Name) and part.name in outs - asked for part in later)


def _is_room(made: ir.Expression | None) -> bool:
    """``create_string_buffer(64)``, ``(c_double * n)()``: an empty buffer of the program's."""
    if not isinstance(made, ir.Call):
        return False
    kind = uncast(made.function)
    if isinstance(kind, ir.Operation) and kind.operator == "*":
        return not made.arguments
    first = uncast(made.arguments[0]) if made.arguments else None
    text = isinstance(first, ir.Literal) and isinstance(first.value, str | bytes)
    return made.name in BUFFERS and not text and len(made.arguments) == 1


def _is_place(made: ir.Expression | None) -> bool:
    """``ffi.new("db **")``: room for one pointer."""
    first = made.arguments[0] if isinstance(made, ir.Call) and made.name.endswith(".new") and made.arguments else None
    return isinstance(first, ir.Literal) and str(first.value).rstrip().endswith("*")


def _is_dropped(found: ForeignCall) -> bool:
    statement = found.visit.statement
    return isinstance(statement, ir.Evaluate) and statement.expression is found.call and not statement.discards


def _is_clean_up(found: ForeignCall) -> bool:
    """Whether the call stands where nothing can be done about a failure: a handler, a finally, a method that closes."""
    function, line = found.visit.function, found.call.line
    if _CLEANS.search(function.name):
        return True
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Try):
            late = [h.body for h in statement.handlers] + ([statement.final] if statement.final is not None else [])
            if any(block.line <= line <= block.end_line for block in late):
                return True
    return False


def _family(symbol: str) -> str:
    return symbol.partition("_")[0].lower() if "_" in symbol else symbol[:3].lower()


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


def _forgotten_statuses(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A status that is kept in a variable like its neighbours, which are tested, and never looked at itself."""
    by_function: dict[int, list[ForeignCall]] = {}
    for found in facts.foreign_calls:
        by_function.setdefault(id(found.visit.function), []).append(found)
    for calls in by_function.values():
        function = calls[0].visit.function
        stored = [
            (spelled(c.visit.statement.target), c)
            for c in calls
            if isinstance(c.visit.statement, ir.Assign) and uncast(c.visit.statement.value) is c.call
        ]
        for name, call in stored:
            if (
                name
                and call.prototype.result is ForeignResult.SIGNED
                and (message := _forgotten(function, name, call, [c.call.line for other, c in stored if other == name]))
            ):
                yield rule.no(
                    message,
                    Location.lines(call.visit.unit.path, call.call.line),
                    context=function.name,
                )


def _forgotten(function: ir.Function, name: str, call: ForeignCall, lines: list[int]) -> str:
    """Why the status in a variable counts for nothing; empty when it is looked at, or may be."""
    symbol = call.prototype.symbol
    if len(lines) > 1:
        others = f"The status of {symbol} is never checked, though others of {name} are."
        return "" if _looked_at(function, name, call, lines) else others
    if "." in name or name.startswith("_") or name in function.globals or function.name == "<module>":
        return ""
    reads = (part for s in statements(function.body.body) for part in _read(s))
    unread = not any(isinstance(part, ir.Name) and part.name == name for part in reads)
    return f"The status of {symbol} goes into {name}, which nothing reads." if unread and not _is_clean_up(call) else ""


def _read(statement: ir.Statement) -> Iterator[ir.Expression]:
    """The parts of a statement that are read; a plain variable that is set is not."""
    for top in tops(statement):
        if not (isinstance(statement, ir.Assign) and top is statement.target and isinstance(top, ir.Name)):
            yield from expressions(top)


def _looked_at(function: ir.Function, name: str, call: ForeignCall, lines: list[int]) -> bool:
    """Whether a condition or a return uses the variable before it is set again."""
    until = min((line for line in lines if line > call.call.line), default=1 << 30)
    for statement in statements(function.body.body):
        asked: list[ir.Expression] = []
        match statement:
            case ir.If(condition=condition):
                asked = [condition]
            case ir.Loop(condition=condition) if condition is not None:
                asked = [condition]
            case ir.Return(value=value) | ir.Raise(value=value) if value is not None:
                asked = [value]
            case _:
                asked = [
                    part
                    for top in tops(statement)
                    for part in expressions(top)
                    if isinstance(part, ir.Operation)
                    and part.operator in {("=="), ("!="), ("<"), (">"), ("<="), (">="), ("?:"), ("!")}
                ]
        for condition in asked:
            line = condition.line
            here = call.call.line < line <= until or (isinstance(statement, ir.Return) and line > call.call.line)
            if here and name in map(spelled, _places(condition)):
                return True
    return False


def _places(expression: ir.Expression) -> Iterator[ir.Expression]:
    return (part for part in expressions(expression) if isinstance(part, (ir.Name, ir.Member)))


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
