"""Statuses of foreign functions that nobody looks at: dropped, or kept in a variable that nothing tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignResult
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.buffer_sizes import BUFFERS
from loadstone.review.rules.conditions import asked
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import CLOSES
from loadstone.review.walk import expressions, parts_of, statements, tops

__all__ = ["MAKES", "dropped_statuses", "forgotten_statuses"]

_UNTOLD: Final = re.compile(
    r"(?i)verbose|log(?!_?[io])|print|debug|level|wait|sleep|poll|get|count|size|length|unlock|flush|sync"
)
"""Words of functions whose number is not a status, or one that nobody asks for."""


_LASTS: Final = re.compile(
    r"(?i)(?:\A|_)(?:write|flash|program|burn|erase|delete|remove|login|commit|save|store|flush|send|apply|install|sign"
    r"|verify|authenticate"
    r"|encrypt|decrypt|mount|format)(?:_|\Z)|[a-z](?:Write|Flash|Commit|Save|Send|Apply|Install|Verify|Encrypt)(?:[A-Z]|\Z)"
)
"""Words of functions whose failure means that something the user counts on did not happen."""


_CLEANS: Final = re.compile(r"(?i)close|__exit__|__del__|shut|clean|stop|release|finali[sz]e|destroy|tear|abort|cancel")


MAKES: Final = re.compile(
    r"(?i)open|new|create|init|load|alloc|begin|connect|start|acquire|parse|make|find|lookup|dup|clone|attach"
)
"""Words of functions whose handle is null when they fail."""


_COPIES_TEXT: Final = re.compile(r"_?(?:str|mem|wcs|lstr|wmem|stp)[a-z]+\Z")


def dropped_statuses(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A call whose declared status is dropped, in a file that looks at the statuses of the same library elsewhere."""
    by_unit: dict[str, list[ForeignCall]] = {}
    for found in facts.foreign_calls:
        if ".errcheck" in found.visit.unit.text:
            yield from _only_said(rule, found)
            continue
        if _is_plain_int(found) and _is_dropped(found) and _fills_what_is_used(facts, found):
            yield _unfilled(rule, found)
        signed = found.prototype.result is ForeignResult.SIGNED
        if signed or (found.prototype.result is ForeignResult.UNSIGNED and (_is_dropped(found) or _is_judged(found))):
            by_unit.setdefault(found.visit.unit.path, []).append(found)
    for calls in by_unit.values():
        dropped = [c for c in calls if _is_dropped(c)]
        quiet = {c.prototype.symbol for c in dropped if not _ends(c) and not _is_clean_up(c)}
        looked = {c.prototype.symbol for c in calls if not _is_dropped(c)}
        for found in dropped:
            symbol = found.prototype.symbol
            family = {one for one in looked if _family(one) == _family(symbol)}
            others = {o for o in quiet - looked if _family(o) == _family(symbol) and not _UNTOLD.search(o)}
            habit = symbol in looked or (len(family) > 1 and len(family) >= 2 * len(others))
            signed = found.prototype.result is ForeignResult.SIGNED
            lasts = signed and bool(_LASTS.search(symbol)) and not found.prototype.by_cffi
            if lasts and not habit and not _UNTOLD.search(symbol) and not _is_clean_up(found):
                yield rule.no(
                    f"{symbol} was declared to return a status, which is dropped: what follows goes on as if it had "
                    "worked.",
                    Location.lines(found.visit.unit.path, found.call.line),
                    context=found.visit.function.name,
                )
            if signed and _fills_what_is_used(facts, found):
                yield _unfilled(rule, found)
                continue
            if habit and not _UNTOLD.search(symbol) and not _ends(found) and not _is_clean_up(found):
                yield rule.no(
                    f"The status of {symbol} is dropped, though the file looks at "
                    + ("it elsewhere." if symbol in looked else f"those of {len(family)} others of this library."),
                    Location.lines(found.visit.unit.path, found.call.line),
                    context=found.visit.function.name,
                )


def _only_said(rule: Rule, found: ForeignCall) -> Iterator[Claim]:
    """``lib.put.errcheck = check``, where ``check`` asks about the result, says so, and gives it back all the same."""
    unit, symbol = found.visit.unit, found.prototype.symbol
    if not _is_dropped(found) or _is_clean_up(found):
        return
    by_name = {function.name: function for function in unit.functions}
    for function in unit.functions:
        for statement in statements(function.body.body):
            target = statement.target if isinstance(statement, ir.Assign) else None
            if (
                not isinstance(target, ir.Member)
                or target.name != "errcheck"
                or last_word(spelled(target.base)) != symbol
            ):
                continue
            check = by_name.get(spelled(statement.value))  # type: ignore[union-attr]
            tests = [s for s in statements(check.body.body) if isinstance(s, ir.If)] if check is not None else []
            if check is not None and tests and all(_only_talks(test) for test in tests) and not _raises(check):
                yield rule.no(
                    f"{symbol} is checked by {check.name} (line {check.line}), which says that it failed and gives the "
                    "result back; here that is dropped.",
                    Location.lines(unit.path, found.call.line),
                    fix=f"Raise in {check.name}.",
                    context=found.visit.function.name,
                )


def _raises(function: ir.Function) -> bool:
    return any(isinstance(s, ir.Raise) for s in statements(function.body.body))


def _only_talks(test: ir.If) -> bool:
    """Whether an arm only writes what happened somewhere."""
    return test.otherwise is None and all(
        isinstance(s, ir.Evaluate) and isinstance(s.expression, ir.Call) and is_talk(s.expression)
        for s in test.then.body
    )


_TALKS: Final = frozenset({"print", "debug", "info", "warning", "warn", "error", "exception", "log", "critical"})


def is_talk(call: ir.Call) -> bool:
    """Whether a call tells somebody something and does nothing else."""
    return last_word(call.name) in _TALKS and (call.receiver is not None or "." in call.name or call.name == "print")


def _is_judged(found: ForeignCall) -> bool:
    """Whether an unsigned number is taken for a status: compared with one value, or handed to a function for that.

    ``if lib.card_open(slot) != OK:``, ``need(lib.card_open(slot), "open")``.
    """
    for part in parts_of(found.visit.statement):
        match part:
            case ir.Operation(operator="==" | "!=", operands=operands) if any(
                uncast(o) is found.call for o in operands
            ):
                return True
            case ir.Call(arguments=(first, *_)) if uncast(first) is found.call:
                alone = isinstance(found.visit.statement, ir.Evaluate) and found.visit.statement.expression is part
                return alone and part.receiver is None
    return False


def _is_plain_int(found: ForeignCall) -> bool:
    """Arguments were declared and no result: ctypes takes it for an int. What copies text answers with its target."""
    given = found.prototype
    declared = given.arguments is not None and not given.by_cffi
    if found.call.name.startswith("ctypes.OleDLL.") or f"{given.symbol}.restype" in found.visit.unit.text:
        return False  # ctypes raises by itself, or it is of a type of its own
    return given.result is ForeignResult.UNKNOWN and declared and not _COPIES_TEXT.match(given.symbol)


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
    outs, makes = set(), bool(MAKES.search(found.prototype.symbol))
    for argument in found.call.arguments:
        of = uncast(argument)
        if isinstance(of, ir.Call) and of.name in {"ctypes.byref", "ctypes.pointer"} and of.arguments:
            if makes or spelled(of.arguments[0]) in empty:
                outs.add(spelled(of.arguments[0]))
        elif isinstance(of, ir.Name) and of.name in (rooms | made if makes else rooms):
            outs.add(of.name)
    bindings = facts.bindings[found.visit.unit.path]
    tested = {n for n in outs if n and asked(function, n, bindings)}
    later = (p for s in statements(function.body.body) if s.line > found.call.line for p in parts_of(s))
    return any(isinstance(part, ir.Name) and part.name in outs - tested for part in later)


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


_ITEMS: Final = re.compile(r"(?i)(?:\A|_)(?:delete|remove|erase|drop)(?:_|\Z)")


def _ends(found: ForeignCall) -> bool:
    """Whether a call ends the object it is given; what deletes one item of that, which it is told, does not."""
    symbol = found.prototype.symbol
    return bool(CLOSES.search(symbol)) and not (_ITEMS.search(symbol) and len(found.call.arguments) > 1)


def _family(symbol: str) -> str:
    return symbol.partition("_")[0].lower() if "_" in symbol else symbol[:3].lower()


def forgotten_statuses(rule: Rule, facts: Facts) -> Iterator[Claim]:
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
    reads = (
        part for s in statements(function.body.body) if not (_LASTS.search(symbol) and _says(s)) for part in _read(s)
    )
    unread = not any(isinstance(part, ir.Name) and part.name == name for part in reads)
    return (
        f"The status of {symbol} goes into {name}, which nothing asks about."
        if unread and not _is_clean_up(call)
        else ""
    )


def _says(statement: ir.Statement) -> bool:
    """``logging.info("verify: %d", rc)``: whoever reads the log is too late."""
    return (
        isinstance(statement, ir.Evaluate)
        and isinstance(statement.expression, ir.Call)
        and is_talk(statement.expression)
    )


def _read(statement: ir.Statement) -> Iterator[ir.Expression]:
    """The parts of a statement that are read; a plain variable that is set is not."""
    for top in tops(statement):
        if not (isinstance(statement, ir.Assign) and top is statement.target and isinstance(top, ir.Name)):
            yield from expressions(top)


def _looked_at(function: ir.Function, name: str, call: ForeignCall, lines: list[int]) -> bool:
    """Whether a condition or a return uses the variable before it is set again."""
    apart = [arms for s in statements(function.body.body) if isinstance(s, ir.If) and (arms := _arms(s))]
    here = call.call.line
    instead = {line for line in lines for yes, no in apart if here in yes and line in no}
    until = min((line for line in lines if line > here and line not in instead), default=1 << 30)
    again = _next_round(function, here, {*lines} - instead)
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
            after = here < line <= until or line in again or (isinstance(statement, ir.Return) and line > here)
            if after and name in map(spelled, _places(condition)):
                return True
    return False


def _next_round(function: ir.Function, here: int, lines: set[int]) -> set[int]:
    """The lines at which a variable set at one line of a loop is read in its next round, before it is set again."""
    found: set[int] = set()
    for loop in statements(function.body.body):
        if isinstance(loop, ir.Loop) and loop.body.line <= here <= loop.body.end_line:
            inside = {line for line in lines if loop.body.line <= line <= loop.body.end_line}
            if max(inside) == here:
                found |= {*range(loop.line, min(inside) + 1)}
    return found


def _arms(statement: ir.If) -> tuple[range, range] | None:
    """The lines of the two arms of an ``if``, of which one runs."""
    if statement.otherwise is None:
        return None
    yes, no = statement.then, statement.otherwise
    return range(yes.line, yes.end_line + 1), range(no.line, no.end_line + 1)


def _places(expression: ir.Expression) -> Iterator[ir.Expression]:
    return (part for part in expressions(expression) if isinstance(part, (ir.Name, ir.Member)))
