"""Is what outlives a call tested before it is used, counted while it is used, and put away at the end?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import Asks, simple, words_in
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.observed import Spans, guards, observed
from loadstone.review.rules.places import ALL
from loadstone.review.rules.python_locks import is_lock
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import parts_of, statements

__all__ = ["RULE"]

_COUNTS: Final = re.compile(
    r"(?i)\A(?:ref|deref|unref|retain|add_?ref|release|.*_(?:ref|unref|retain|get|put)|interlocked(?:in"
    r"|de)crement|fetch_(?:add|sub)(?:_\w+)?"
    r"|fetchAndAdd\w*|fetchAndSub\w*|atomic_(?:inc|dec|fetch)\w*|g_atomic_int_\w+)\Z"
)
_COUNTER: Final = re.compile(
    r"(?i)ref|count|uses?|users?|loads?|pins?|pending|open|live|active|inflight|attached|holders"
)
_GIVES_BACK: Final = re.compile(
    r"(?i)(?:close|free|release|destroy|unload|delete|dispose|unref|shutdown|terminate|unmap|munmap|unlink"
    r"|rmtree|unregister|deregister"
    r"|unsubscribe|clean_?up|finali[sz]e|fini|deinit|uninit\w*|detach|rollback|closehandle|freelibrary"
    r"|waitforsingleobject\w*"
    r"|waitformultipleobjects\w*|make_?resident|deleteall|erase|drop)\Z"
    r"|\A(?:free|close|release|destroy|unload|delete|drop|unregister|forget)_?\w*\Z"
)
"""Names of calls that end what another one began."""

_AT_THE_END: Final = frozenset(
    {"atexit.register", "weakref.finalize", "contextlib.ExitStack.callback", "atexit", "os.replace"}
)
"""What arranges for the end, or makes a whole thing appear in one step."""

_OWNING_TYPE: Final = re.compile(
    r"unique_ptr|shared_ptr|scoped_?ptr|ScopedPointer|unique_\w+|lock_guard|QSharedPointer|ExitStack|_ptr<"
    r"|Guard\b|scope_exit|ComPtr|CComPtr|Holder\b"
)
_DESCRIPTOR: Final = re.compile(r"(?i)fd|sock|desc|handle")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    def tested(unit: ir.Unit) -> Spans:
        return ((g.line, g.end_line) for g in guards(facts, unit, Asks.STATE))

    yield from observed(
        rule, facts, "Unloading is guarded by counts and in-use tests", lambda unit: _guarded_unload(facts, unit)
    )
    yield from observed(rule, facts, "State that outlives the call is tested before it is used", tested)
    yield from observed(rule, facts, "Uses are counted", _uses_counted)
    yield from observed(rule, facts, "What was taken is given back, or forgotten once it is gone", _each(_given_back))


_ENDS: Final = re.compile(r"(?i)unload|dlclose|free_?library|unref|(?:\A|_)(?:close|release|put|detach|drop|destroy)")


def _guarded_unload(facts: Facts, unit: ir.Unit) -> Spans:
    """In what unloads: tests of what is loaded or in use, and counts taken down, before the library goes."""
    for function in unit.functions:
        if not _ENDS.search(simple(function.name)):
            continue
        last = max((line for line, _ in _unloads(function)), default=0)
        for guard in facts.guards[unit.path]:
            if guard.function is function and Asks.STATE in guard.asks and guard.line <= last:
                yield guard.line, guard.end_line
        yield from (span for span in _counted(function) if span[0] <= last)


def _unloads(function: ir.Function) -> Spans:
    """The calls of a function that let a library go: of the system, or of a function named after that."""
    known = tables()
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            if isinstance(part, ir.Call):
                api = known.get(part.name)
                if (api is not None and api.role is ApiRole.UNLOAD) or re.search(
                    r"(?i)unload|dlclose", simple(part.name)
                ):
                    yield part.line, part.line


def _each(spans_of: Callable[[ir.Function], Spans]) -> Callable[[ir.Unit], Spans]:
    return lambda unit: (span for function in unit.functions for span in spans_of(function))


def _uses_counted(unit: ir.Unit) -> Spans:
    """What is counted in a file; a getter of Python and the release of a lock count nothing."""
    native = unit.language is not ir.Language.PYTHON
    return (span for f in unit.functions for span in _counted(f, calls=native))


def _counted(function: ir.Function, *, calls: bool = True) -> Spans:
    for statement in statements(function.body.body):
        if (
            isinstance(statement, ir.Assign)
            and statement.operator in {"+", "-"}
            and any(_COUNTER.search(word) for word in words_in(statement.target))
        ):
            yield statement.line, statement.line
        for part in parts_of(statement):
            match part:
                case ir.Call(name=name, line=line) if _COUNTS.match(simple(name)) and (
                    calls or simple(name).lower().endswith(("ref", "retain"))
                ):
                    yield line, line
                case ir.AssignmentExpression(operator="+" | "-", target=target, line=line) if any(
                    _COUNTER.search(word) for word in words_in(target)
                ):
                    yield line, line


def _given_back(function: ir.Function) -> Spans:
    known = tables()
    for statement in statements(function.body.body):
        match statement:
            case ir.With(items=items, line=line) if not all(is_lock(spelled(context)) for context, _ in items):
                yield line, line
            case ir.Assign(cleanup=cleanup, type=kind, line=line) if cleanup or _OWNING_TYPE.search(kind):
                yield line, line
            case ir.Assign(line=line) if _forgets(statement):
                yield line, line
        for part in parts_of(statement):
            if not isinstance(part, ir.Call):
                continue
            api = known.get(part.name)
            released = api is not None and api.role in {
                ApiRole.UNLOAD,
                ApiRole.CLOSE,
                ApiRole.FREE,
                ApiRole.PIN,
                ApiRole.UNREGISTER,
            }
            word = simple(part.name)
            text = part.receiver is None or part.arguments  # ``", ".join(names)``, ``os.path.join(...)``
            joined = word in {"pthread_join", "thrd_join"} or (word == "join" and not text)
            if released or joined or part.name in _AT_THE_END or _GIVES_BACK.search(word) or _zeroed(part):
                yield part.line, max(part.line, part.end_line)


def _forgets(statement: ir.Assign) -> bool:
    """``p = NULL``, ``self.fd = -1``: nobody can use what is gone."""
    target, value = statement.target, statement.value
    if not isinstance(value, ir.Literal) or isinstance(value.value, bool | str | bytes):
        return False
    if isinstance(target, ir.Name) and statement.declares:
        return False
    words = " ".join(words_in(target))
    return value.value is None or (value.value == -1 and bool(_DESCRIPTOR.search(words)))


def _zeroed(call: ir.Call) -> bool:
    """``memset(&slot, 0, sizeof slot)``."""
    return simple(call.name) in {"memset", "bzero", "ZeroMemory", "SecureZeroMemory"} and (
        len(call.arguments) < 3 or isinstance(call.arguments[1], ir.Literal)
    )


RULE: Final = Rule(
    id="lifecycle-guards",
    question="Is what outlives a call tested before use, counted while in use, and put away at the end?",
    practice=Practice.LIFECYCLE,
    cwe=None,
    severity=Severity.LOW,
    languages=ALL,
    why=(
        "A library, and everything that came from it, may be used from when it was loaded until it is closed and "
        "at no other time."
    ),
    fix="Test that it is loaded, count the users, close with the last of them, and clear the variable.",
    bad="void stop(struct host *h) { dlclose(h->lib); }\n",
    good=(
        "void stop(struct host *h) {\n    if (!h->lib || --h->users)\n        return;\n    dlclose(h->lib);\n    "
        "h->lib = NULL;\n}\n"
    ),
    references=("https://cwe.mitre.org/data/definitions/672.html",),
    answer=_answer,
)
