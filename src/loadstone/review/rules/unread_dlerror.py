"""Is the system's own reason read when a load or lookup fails?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Tables, tables
from loadstone.review.rules.places import ALL, NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import blocks, expressions, tops

__all__ = ["RULE"]

_TEXTS: Final = frozenset(
    {
        "errorString",
        "strerror",
        "FormatMessageA",
        "FormatMessageW",
        "FormatMessage",
        "get_last_error",
        "qt_error_string",
        "ctypes.get_last_error",
        "ctypes.FormatError",
        "ctypes.WinError",
    }
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    known = tables()
    for unit in facts.program.units:
        for function in unit.functions if unit.language in NATIVE else ():
            called = {call.name for call in calls_in(function.body)}
            if any((api := known.get(name)) is not None and api.role is ApiRole.ERROR for name in called):
                yield from _late(rule, unit, function, known)
                yield from _of_an_earlier_one(rule, unit, function)
            if called & _ERRNO_TEXTS:
                yield from _by_errno(rule, unit, function, known)
        lines = []
        for function in unit.functions:
            for expression in every_expression(function.body):
                if isinstance(expression, ir.Call):
                    api = known.get(expression.name)
                    word = expression.name.rpartition("::")[2]
                    if (api is not None and api.role is ApiRole.ERROR) or word in _TEXTS:
                        lines.append(expression.line)
        if lines:
            lines = sorted(set(lines))
            yield rule.yes(
                f"The system's reason for a failure is read (lines {', '.join(map(str, lines))})",
                Location.lines(unit.path, lines[0]),
                met=len(lines),
                sites=len(lines),
                places=tuple(Location.lines(unit.path, line) for line in lines),
            )


def _late(rule: Rule, unit: ir.Unit, function: ir.Function, known: Tables) -> Iterator[Claim]:
    """``dlclose(h); report(dlerror());``: each call of the loader, and each reading, replaces the reason."""
    inner = (block for statement in every_statement(function.body) for block in blocks(statement))
    for block in (function.body, *inner):
        closed = 0
        for statement in block.body:
            roles = [api.role for e in _calls(statement) if (api := known.get(e.name)) is not None]
            if closed and ApiRole.ERROR in roles and not {ApiRole.LOAD, ApiRole.RESOLVE} & set(roles):
                yield _replaced(rule, unit, function, statement.line, f"the close at line {closed}", closed)
                closed = 0
            elif {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.ERROR} & set(roles):
                closed = 0
            if isinstance(statement, ir.Evaluate) and roles == [ApiRole.UNLOAD]:
                closed = statement.line if _calls(statement)[0].name == "dlclose" else 0
            elif not isinstance(statement, ir.Evaluate | ir.Assign):
                closed = 0
            yield from _read_twice(rule, unit, function, statement)


def _of_an_earlier_one(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``value = dlsym(h, name); if (dlerror() == NULL) use(*value);`` with no reading before the lookup."""
    if any(c.name in {"dlopen", "dlmopen"} for c in calls_in(function.body)):
        return  # what it loaded just now worked: as good as certain that no older reason waits
    cleared = min((c.line for c in calls_in(function.body) if c.name == "dlerror"), default=0)
    inner = (block for statement in every_statement(function.body) for block in blocks(statement))
    for block in (function.body, *inner):
        looked: tuple[int, str] | None = None
        for statement in block.body:
            calls = _calls(statement)
            if looked is not None and any(c.name == "dlerror" for c in calls):
                if _decides(statement, function) and looked[0] < cleared and not _asked_itself(function, looked[1]):
                    yield _not_cleared(rule, unit, function, *looked, calls[0].line)
                break
            if any(c.name in {"dlsym", "dlvsym"} for c in calls):
                target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
                looked = (statement.line, target.name) if isinstance(target, ir.Name) else None


def _decides(statement: ir.Statement, function: ir.Function) -> bool:
    """Whether what dlerror gave is asked to be null: in the statement, or by the name that it got there."""
    if isinstance(statement, ir.If):
        return True
    kept = uncast(statement.target) if isinstance(statement, ir.Assign) else None
    return isinstance(kept, ir.Name) and _asked_itself(function, kept.name)


_ASKS: Final = frozenset({"!", "==", "!=", "&&", "||", "?:"})


def _asked_itself(function: ir.Function, name: str) -> bool:
    """Whether a condition of a function asks if a variable is null."""
    for part in every_expression(function.body):
        asks = part.operands if isinstance(part, ir.Operation) and part.operator in _ASKS else ()
        if any(isinstance(o, ir.Name) and o.name == name for o in map(uncast, asks)):
            return True
    asking = (s for s in every_statement(function.body) if isinstance(s, ir.If))
    return any(isinstance(c := uncast(s.condition), ir.Name) and c.name == name for s in asking)


def _not_cleared(rule: Rule, unit: ir.Unit, function: ir.Function, looked: int, name: str, asked: int) -> Claim:
    place = Location.lines(unit.path, asked)
    return rule.no(
        f"Only dlerror tells at line {asked} whether the lookup of {name} failed, and nothing cleared it before: the "
        "reason may be an older one.",
        place,
        cwe=253,
        fix="Call dlerror once before dlsym.",
        why=(
            FlowStep(Location.lines(unit.path, looked), "looked up with an older reason in place", "acquire"),
            FlowStep(place, "the reason decides", "test"),
        ),
        context=function.name,
        condition=function.condition,
    )


def _by_errno(rule: Rule, unit: ir.Unit, function: ir.Function, known: Tables) -> Iterator[Claim]:
    """``if (!h) fprintf(stderr, "%s", strerror(errno));``: the dl functions leave errno as it was."""
    inner = (block for statement in every_statement(function.body) for block in blocks(statement))
    for block in (function.body, *inner):
        called: ir.Call | None = None
        for statement in block.body:
            asked = _dl_call(statement, known) or called
            if isinstance(statement, ir.If) and asked is not None and _asks_of(statement, asked):
                told = [c for s in every_statement(statement.then) for c in _calls(s)]
                wrong = next((c for c in told if c.name in _ERRNO_TEXTS), None)
                if wrong is not None and not any(c.name in {"dlerror", *_SETS_ERRNO} for c in told):
                    yield _not_of_errno(rule, unit, function, asked, wrong.line)
            called = _dl_call(statement, known) if isinstance(statement, ir.Assign) else None


_ERRNO_TEXTS: Final = frozenset({"perror", "strerror", "strerror_r"})
_SETS_ERRNO: Final = frozenset({"open", "fopen", "stat", "access", "read", "mmap", "malloc", "fstat"})
"""Functions behind whose failure the reading of errno is right."""


def _dl_call(statement: ir.Statement, known: Tables) -> ir.Call | None:
    """A load or a lookup of the dl family that a statement makes itself."""
    for call in _calls(statement):
        api = known.get(call.name)
        if call.name in {"dlopen", "dlsym", "dlmopen", "dlvsym"} and api is not None:
            return call
    return None


def _asks_of(statement: ir.If, call: ir.Call) -> bool:
    """Whether a test looks for the failure of a call: ``!h``, ``h == NULL``, ``!(h = dlopen(...))``."""
    bare = uncast(statement.condition)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"!", "=="}:
        return False
    parts = [*expressions(bare)]
    others = [e for e in parts if isinstance(e, ir.Call) and e is not call]
    return not others


def _not_of_errno(rule: Rule, unit: ir.Unit, function: ir.Function, call: ir.Call, line: int) -> Claim:
    place = Location.lines(unit.path, line)
    return rule.no(
        f"The failure of {call.name} at line {call.line} is told by errno, which it does not set; the reason is in "
        "dlerror.",
        place,
        fix="Print what dlerror returns.",
        why=(FlowStep(Location.lines(unit.path, call.line), "may fail", "acquire"), FlowStep(place, "told", "use")),
        context=function.name,
        condition=function.condition,
    )


def _read_twice(rule: Rule, unit: ir.Unit, function: ir.Function, statement: ir.Statement) -> Iterator[Claim]:
    """``if (dlerror()) puts(dlerror())``, ``dlerror() ? dlerror() : ""``: the second reading gives null."""
    for choice in (e for top in tops(statement) for e in expressions(top)):
        if isinstance(choice, ir.Operation) and choice.operator == "?:":
            asking, taken = ([*expressions(part)] for part in choice.operands[:2])
            if _reads(asking) and _reads(taken) and not any(isinstance(e, ir.AssignmentExpression) for e in asking):
                yield _replaced(rule, unit, function, choice.line, "the test of it", choice.line)
    if not isinstance(statement, ir.If):
        return
    asked = [e for e in expressions(statement.condition) if isinstance(e, ir.Call) and e.name == "dlerror"]
    kept = any(isinstance(e, ir.AssignmentExpression) for e in expressions(statement.condition))
    first = next((c for s in statement.then.body for c in _calls(s) if c.name.startswith("dl")), None)
    if asked and not kept and first is not None and first.name == "dlerror":
        yield _replaced(rule, unit, function, first.line, f"the reading at line {asked[0].line}", asked[0].line)


def _reads(parts: list[ir.Expression]) -> bool:
    return any(isinstance(e, ir.Call) and e.name == "dlerror" for e in parts)


def _calls(statement: ir.Statement) -> list[ir.Call]:
    return [e for top in tops(statement) for e in expressions(top) if isinstance(e, ir.Call)]


def _replaced(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, by: str, first: int) -> Claim:
    place = Location.lines(unit.path, line)
    return rule.no(
        f"dlerror is read at line {line} after {by}, which replaced the reason or left none: it may return NULL.",
        place,
        cwe=476,
        severity=Severity.MEDIUM,
        fix="Read dlerror once, into a variable, before any other call of the loader.",
        why=(
            FlowStep(Location.lines(unit.path, first), "the reason is replaced", "release"),
            FlowStep(place, "read", "use"),
        ),
        context=function.name,
        condition=function.condition,
    )


RULE: Final = Rule(
    id="unread-dlerror",
    question="Is the system's own reason read when a load or lookup fails?",
    practice=Practice.ERROR_HANDLING,
    cwe=391,
    severity=Severity.LOW,
    languages=ALL,
    why="Only the loader knows which of twenty reasons it was; without its words nobody can act.",
    fix="Read it on the failing branch, before any other call.",
    bad='if (!h) fprintf(stderr, "cannot load\\n");\n',
    good='if (!h) fprintf(stderr, "cannot load: %s\\n", dlerror());\n',
    references=("https://cwe.mitre.org/data/definitions/391.html",),
    answer=_answer,
)
