"""Is what was taken given back when what lies between fails?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.use_after_close import CLOSES
from loadstone.review.walk import blocks, calls, expressions, parts_of, statements

__all__ = ["RULE"]

_MANAGERS: Final = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_GIVES: Final = frozenset({"get", "get_nowait", "popleft", "pop", "acquire", "checkout"})
_TAKES: Final = frozenset({"put", "put_nowait", "append", "appendleft", "release", "checkin"})
_MODULES: Final = "sys.modules"


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        for function in unit.functions:
            if function.marks & _MANAGERS:
                yield from _after_yield(rule, facts, unit, function)
            yield from _borrowed(rule, unit, function, function.body)
        if "exec_module" in unit.text and _MODULES in unit.text:
            yield from _half_imported(rule, unit)


# What stands behind the yield of a context manager.


def _after_yield(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``handle = open(); yield handle; close(handle)``: an exception of the block is raised at the yield."""
    bindings = facts.bindings[unit.path]
    for body in _unguarded(function.body):
        for number, statement in enumerate(body):
            if not _yields(statement):
                continue
            taken = {name for s in body[:number] for name in _names(s)}
            for late in body[number + 1 :]:
                call = next((c for c in calls((late,)) if _closes(c, taken)), None)
                if call is not None and bindings.symbol(call, function.owner) is not None:
                    return  # foreign-resource-leak tells it
                if call is not None and isinstance(late, ir.Evaluate | ir.Assign):
                    yield rule.no(
                        f"{simple(function.name)} ends what it gave out only when the block ends well: an exception "
                        "comes out of the yield, and this line is passed over.",
                        Location.lines(unit.path, statement.line),
                        why=(
                            FlowStep(Location.lines(unit.path, statement.line), "the block runs here", "call"),
                            FlowStep(
                                Location.lines(unit.path, call.line), "ended only if nothing was raised", "release"
                            ),
                        ),
                        fix="try: yield ... finally: close it.",
                        context=function.name,
                    )
                    return


def _unguarded(block: ir.Block) -> Iterator[Sequence[ir.Statement]]:
    """The blocks of a function that no ``try`` is around."""
    yield block.body
    for statement in block.body:
        if isinstance(statement, ir.If | ir.Loop | ir.With):
            for inner in blocks(statement):
                yield from _unguarded(inner)


def _yields(statement: ir.Statement) -> bool:
    given = statement.expression if isinstance(statement, ir.Evaluate) else getattr(statement, "value", None)
    return isinstance(given, ir.Call) and given.name == "yield"


def _names(statement: ir.Statement) -> Iterator[str]:
    for part in parts_of(statement):
        if isinstance(part, ir.Name | ir.Member) and (name := spelled(part)):
            yield name


def _closes(call: ir.Call, taken: set[str]) -> bool:
    """Whether a call ends one of the things that were taken, by its own name or by that which it is given."""
    texts = [a.value for a in call.arguments if isinstance(a, ir.Literal) and isinstance(a.value, str)]
    about = ({spelled(a) for a in call.arguments} | {spelled(call.receiver)}) - {"", "self", "cls"}
    return any(CLOSES.search(word) for word in (simple(call.name), *texts)) and bool(about & taken)


# What is borrowed from a store and put back.


def _borrowed(rule: Rule, unit: ir.Unit, function: ir.Function, block: ir.Block) -> Iterator[Claim]:
    """``db = pool.get(); rows = db.execute(...); pool.put(db)``: the pool runs dry when the use raises."""
    for number, statement in enumerate(block.body):
        for inner in blocks(statement):
            yield from _borrowed(rule, unit, function, inner)
        found = _taken(statement)
        if found is None:
            continue
        name, store = found
        used = 0
        for later in block.body[number + 1 :]:
            if _puts_back(later, name, store):
                if used:
                    yield rule.no(
                        f"{name} goes back to {store} only when line {used} does not raise.",
                        Location.lines(unit.path, used),
                        why=(
                            FlowStep(Location.lines(unit.path, statement.line), f"taken from {store}", "acquire"),
                            FlowStep(Location.lines(unit.path, used), "may raise", "use"),
                            FlowStep(Location.lines(unit.path, later.line), "put back", "release"),
                        ),
                        fix="Put it back in a finally.",
                        context=function.name,
                    )
                break
            if isinstance(later, ir.Try | ir.With):
                break
            if not used and isinstance(later, ir.Assign | ir.Evaluate):
                works = (c for c in calls((later,)) if name in _names_of_call(c))
                used = next((c.line for c in works), 0)


def _taken(statement: ir.Statement) -> tuple[str, str] | None:
    if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name):
        return None
    value = uncast(statement.value)
    while isinstance(value, ir.Operation) and value.operator == "await":
        value = uncast(value.operands[0])
    if not isinstance(value, ir.Call) or simple(value.name) not in _GIVES or value.arguments:
        return None
    store = spelled(value.receiver)
    return (statement.target.name, store) if "." in store else None


def _puts_back(statement: ir.Statement, name: str, store: str) -> bool:
    return isinstance(statement, ir.Evaluate) and any(
        simple(c.name) in _TAKES and spelled(c.receiver) == store and name in map(spelled, c.arguments)
        for c in calls((statement,))
    )


def _names_of_call(call: ir.Call) -> Iterator[str]:
    """What a call works on: its arguments, what it is a method of, and what a lambda it is given works on."""
    for given in (call.receiver, *call.arguments):
        for part in expressions(given):
            if isinstance(part, ir.Name):
                yield part.name
            elif isinstance(part, ir.Closure):
                for inner in calls(part.function.body.body):
                    yield from _names_of_call(inner)


# Modules that stay in the table when they fail.


def _half_imported(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``sys.modules[name] = module; loader.exec_module(module)`` in a file that looks a module up there first."""
    every = [s for f in unit.functions for s in statements(f.body.body)]
    given = any(isinstance(s, ir.Return) and _is_entry(s.value) for s in every)
    if not given and not any(_looks_up(part) for s in every for part in parts_of(s)):
        return
    for function in unit.functions:
        for body in _unguarded(function.body):
            stored = 0
            for statement in body:
                match statement:
                    case ir.Assign(target=ir.Item(base=base)) if spelled(base) == _MODULES:
                        stored = statement.line
                    case ir.Evaluate(expression=ir.Call(name=name)) if stored and simple(name) == "exec_module":
                        yield rule.no(
                            "A module whose code fails here stays in sys.modules, and is handed out next time.",
                            Location.lines(unit.path, statement.line),
                            cwe=459,
                            why=(
                                FlowStep(Location.lines(unit.path, stored), "put into the table", "store"),
                                FlowStep(Location.lines(unit.path, statement.line), "may raise", "call"),
                            ),
                            fix="Take it out again when exec_module() raises.",
                            context=function.name,
                        )
                        break


def _is_entry(value: ir.Expression | None) -> bool:
    """``return sys.modules[name]``."""
    bare = uncast(value)
    return isinstance(bare, ir.Item) and spelled(bare.base) == _MODULES


def _looks_up(part: ir.Expression) -> bool:
    match part:
        case ir.Operation(operator="in" | "not in", operands=(_, table)):
            return spelled(table) == _MODULES
        case ir.Call(name=name, receiver=receiver) if receiver is not None:
            return simple(name) == "get" and spelled(receiver) == _MODULES
    return False


RULE: Final = Rule(
    id="not-given-back-on-failure",
    question="Is what was taken given back when what lies between fails?",
    practice=Practice.OWNERSHIP,
    cwe=772,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why="Each failure keeps a session, a connection or a half-made module; after a few of them nothing is left.",
    fix="Give it back in a finally, or where the exception passes.",
    bad="@contextmanager\ndef session():\n    handle = module.open()\n    yield handle\n    module.close(handle)\n",
    good=(
        "@contextmanager\ndef session():\n    handle = module.open()\n    try:\n        yield handle\n    finally:\n"
        "        module.close(handle)\n"
    ),
    references=(
        "https://docs.python.org/3/library/contextlib.html#contextlib.contextmanager",
        "https://cwe.mitre.org/data/definitions/772.html",
        "https://cwe.mitre.org/data/definitions/459.html",
    ),
    answer=_answer,
)
