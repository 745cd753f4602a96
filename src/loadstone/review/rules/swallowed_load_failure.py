"""Is a failed load acted on in Python? An empty handler lets the program go on as if the library were there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel import SinkKind
from loadstone.review.analyses.travel.deferred import deferred
from loadstone.review.analyses.travel.names import PythonNames, Routine
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, dotted, expressions, statements, tops

__all__ = ["LOADS", "RULE", "entered", "reaching_loads"]

LOADS: Final = frozenset(
    {
        *("ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.OleDLL", "ctypes.cdll.LoadLibrary"),
        *("ctypes.windll.LoadLibrary", "ctypes.pydll.LoadLibrary", "ctypes.oledll.LoadLibrary", "cffi.FFI.dlopen"),
        *("numpy.ctypeslib.load_library", "importlib.import_module", "_ctypes.dlopen"),
    }
)
"""What loads a library, or a module that may be one, and raises when it cannot."""

_FAILURES: Final = frozenset(
    {"OSError", "Exception", "BaseException", "ImportError", "FileNotFoundError", "WindowsError"}
)
_TALK: Final = ("print", "logging.", "warnings.warn", "logger.", "log.", "sys.stderr.write", "traceback.print")


def _only_talks(block: ir.Block) -> bool:
    """Whether the block does nothing but say something: no value set, no way out."""
    return all(
        isinstance(s, ir.Evaluate) and isinstance(s.expression, ir.Call) and _is_talk(s.expression) for s in block.body
    )


def _is_talk(call: ir.Call) -> bool:
    last = call.name.rpartition(".")[2]
    return call.name.startswith(_TALK) or last in ("debug", "info", "warning", "error", "exception", "log", "warn")


def _bound(body: Sequence[ir.Statement]) -> str:
    """The name the load is bound to in the try body: what is missing afterwards."""
    for statement in statements(body):
        if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Call) and statement.value.name in LOADS:
            return dotted(statement.target)
    return ""


def _in_loops(body: Sequence[ir.Statement]) -> set[int]:
    """Statements inside a loop: a handler there goes on to the next candidate."""
    return {id(inner) for s in statements(body) if isinstance(s, ir.Loop) for inner in statements(s.body.body)}


def _tested_later(function: ir.Function, name: str, line: int) -> bool:
    """Whether a condition after the handler looks at the name, which was given a value before."""
    given = any(
        isinstance(s, ir.Assign) and s.line < line and dotted(s.target) == name and isinstance(s.value, ir.Literal)
        for s in statements(function.body.body)
    )
    for statement in statements(function.body.body):
        if statement.line > line and isinstance(statement, (ir.If, ir.Loop)):
            for top in tops(statement):
                if any(isinstance(e, (ir.Name, ir.Member)) and dotted(e) == name for e in expressions(top)):
                    return True
    return given and name.startswith(("_", "self."))


def _noted(unit: ir.Unit, function: ir.Function, attempt: ir.Try) -> bool:
    """A module that sets a name where the load works, and whose functions ask about it."""
    if function.name != "<module>":
        return False
    names = {dotted(s.target) for s in statements(attempt.body.body) if isinstance(s, ir.Assign)}
    return any(
        isinstance(part, ir.Name | ir.Member) and dotted(part) in names
        for other in unit.functions
        for s in statements(other.body.body)
        if isinstance(s, ir.If)
        for part in expressions(s.condition)
    )


def _goes_on_looking(function: ir.Function, attempt: ir.Try) -> bool:
    """``try: return CDLL(a) except OSError: pass``, and after it another load, or an error or a no for the caller."""
    given = [s.value for s in statements(attempt.body.body) if isinstance(s, ir.Return)]
    if not given:
        return False
    says_yes = any(isinstance(value, ir.Literal) and value.value is True for value in given)
    end = max((handler.body.end_line for handler in attempt.handlers), default=attempt.body.end_line)
    return any(
        s.line > end
        and (
            isinstance(s, ir.Raise)
            or any(call.name in LOADS for call in calls((s,)))
            or (says_yes and isinstance(s, ir.Return) and isinstance(s.value, ir.Literal) and s.value.value is False)
        )
        for s in statements(function.body.body)
    )


def _used_later(function: ir.Function, name: str, line: int) -> int:
    """The line of the first use after the handler; 0 when there is none."""
    for statement in statements(function.body.body):
        given = statement.target if isinstance(statement, ir.Assign) else None
        for node in (n for top in tops(statement) if top is not given for n in expressions(top)):
            if node.line > line and isinstance(node, (ir.Name, ir.Member)) and dotted(node) == name:
                return node.line
    return 0


def _used_unasked(unit: ir.Unit, setting: ir.Function, name: str) -> bool:
    """Whether another function goes through a name of the file that may be None, and none ever asks about it."""
    if name not in setting.globals and setting.name != "<module>":
        return False
    used = False
    for function in (f for f in unit.functions if f is not setting):
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign) and dotted(statement.target) == name and not _is_none(statement.value):
                return False
            tests = [getattr(statement, "condition", None)]
            for part in (p for top in tops(statement) for p in expressions(top)):
                if isinstance(part, ir.Operation) and part.operator in {"?:", "&&", "||", "!", "=="}:
                    tests += part.operands
                if isinstance(part, ir.Member) and dotted(part.base) == name:
                    used = True
            if any(dotted(part) == name for test in tests for part in expressions(test) if isinstance(part, ir.Name)):
                return False
    return used


def _tries(function: ir.Function) -> Iterator[tuple[ir.Try, ir.Call]]:
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Try):
            for call in calls(statement.body.body):
                if call.name in LOADS:
                    yield statement, call
                    break


def _vanishing(
    rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, reaching: frozenset[tuple[str, str]]
) -> Iterator[Claim]:
    """``except Exception: pass`` round work that is about libraries: nobody ever hears that it failed."""
    if _CLEANS.search(function.name):
        return
    if not any(isinstance(s, ir.Try) for s in statements(function.body.body)):
        return
    names = facts.travels.names
    routine = next((r for r in names.routines if r.function is function), None)
    served = {
        id(inner)
        for s in statements(function.body.body)
        if isinstance(s, ir.Loop) and s.each is None
        for inner in statements(s.body.body)
    }
    each = {
        id(inner)
        for s in statements(function.body.body)
        if isinstance(s, ir.Loop) and s.each is not None and not _looks_for_one(s)
        for inner in statements(s.body.body)
    }
    retried = {
        id(inner)
        for loop in (s for s in function.body.body if isinstance(s, ir.Loop) and s.each is not None)
        if not any(isinstance(s, ir.Raise | ir.Return) and s.line > loop.body.end_line for s in function.body.body)
        and isinstance(loop.each[1], ir.Call)  # type: ignore[index]
        and loop.each[1].name == "range"  # type: ignore[index]
        for inner in statements(loop.body.body)
    }
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.Try) or routine is None:
            continue
        inside = [*calls(statement.body.body)]
        if any(call.name in LOADS for call in inside) or _goes_on_looking(function, statement):
            continue  # asked about below, or told in the end
        for handler in statement.handlers:
            broad = not handler.catches or bool({"Exception", "BaseException"} & set(handler.catches))
            goes_on = _only_goes_on(handler.body) and broad and id(statement) in served
            drops_item = _only_goes_on(handler.body) and broad and id(statement) in each
            drops_item = drops_item or (broad and _only_goes_on(handler.body) and id(statement) in retried)
            gives_none = _only_gives_nothing(handler.body) and not handler.catches
            silent = not handler.body.body or goes_on or drops_item or gives_none
            if not silent or not (broad or _FAILURES & set(handler.catches)):
                continue
            known = [(r.unit.path, r.function.name) for call in inside for r in entered(names, routine, call)]
            local = {
                name.name for call in inside if isinstance(name := call.function, ir.Name) and (".") not in name.name
            }
            known += [(unit.path, function.name)] if any(simple(call.name) in _RUNS for call in inside) else []
            unknown = broad and any(name in routine.locals for name in local)
            speaks = not handler.body.body and broad and any(_is_foreign(facts, unit, function, c) for c in inside)
            speaks = speaks or (broad and any(_loads_entry_point(unit, c) for c in inside))
            if unknown or speaks or any(key in reaching for key in known):
                yield rule.no(
                    "Whatever fails here vanishes: nothing is reported, returned or set.",
                    Location.lines(unit.path, handler.line, handler.body.end_line),
                    cwe=390,
                    severity=Severity.MEDIUM,
                    context=function.name,
                )


def _is_foreign(facts: Facts, unit: ir.Unit, function: ir.Function, call: ir.Call) -> bool:
    return facts.bindings[unit.path].symbol(call, function.owner) is not None


def _loads_entry_point(unit: ir.Unit, call: ir.Call) -> bool:
    """``entry.load()`` of an installed plug-in. Source: importlib.metadata, pkg_resources."""
    return simple(call.name) == "load" and not call.arguments and bool(_ENTRY_POINTS.search(unit.text))


_ENTRY_POINTS: Final = re.compile(r"\b(?:iter_)?entry_points\b|\bEntryPoint\b")


def _looks_for_one(loop: ir.Loop) -> bool:
    """Whether a loop ends with the first candidate that does."""
    return any(
        isinstance(s, ir.Return) or (isinstance(s, ir.Jump) and s.kind == "break") for s in statements(loop.body.body)
    )


_PASSES_OVER: Final = re.compile(r"except\b[^\n]*\s+(?:#[^\n]*\s+)*(?:pass|continue|return)\b")
_RUNS: Final = frozenset({"exec_module"})


def _only_goes_on(block: ir.Block) -> bool:
    """``continue`` and nothing else."""
    return len(block.body) == 1 and isinstance(block.body[0], ir.Jump) and block.body[0].kind == "continue"


def _only_gives_nothing(block: ir.Block) -> bool:
    """``return None`` and nothing else."""
    only = block.body[0] if len(block.body) == 1 else None
    return isinstance(only, ir.Return) and (only.value is None or _is_none(only.value))


def _is_none(value: ir.Expression | None) -> bool:
    return isinstance(value, ir.Literal) and value.value is None


_CLEANS: Final = re.compile(r"(?i)close|__exit__|__del__|shut|clean|stop|release|finali[sz]e|destroy|tear")


def entered(names: PythonNames, routine: Routine, call: ir.Call) -> list[Routine]:
    """The functions of the program that a call enters.

    The one it names, the ``__init__`` of the class it names, or the one it hands to a thread or a pool.
    """
    made = names.made(routine, call.name)
    if found := names.called(routine, call):
        return found
    if made is not None:
        return [made[2]] if made[2] is not None else []
    later = deferred(call, [*call.arguments], lambda one: one, routine.function.owner)
    return names.named(routine, later[0]) if later is not None else []


def reaching_loads(facts: Facts) -> frozenset[tuple[str, str]]:
    """The functions that load something, or that call one that does."""
    found = {(s.spot.path, s.spot.function) for s in facts.travels.sinks if s.kind is SinkKind.LOAD}
    names = facts.travels.names
    called = {
        (r.unit.path, r.function.name): {
            (c.unit.path, c.function.name) for call in calls(r.function.body.body) for c in entered(names, r, call)
        }
        for r in names.routines
    }
    while True:
        more = {key for key, into in called.items() if key not in found and into & found}
        if not more:
            return frozenset(found)
        found |= more


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    python = [unit for unit in facts.program.units if unit.language is ir.Language.PYTHON]
    reaching = reaching_loads(facts) if any(_PASSES_OVER.search(unit.text) for unit in python) else frozenset()
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        handled: list[Location] = []
        dropped = 0
        for function in unit.functions:
            looping = _in_loops(function.body.body)
            yield from _vanishing(rule, facts, unit, function, reaching)
            for attempt, call in _tries(function):
                for handler in attempt.handlers:
                    if handler.catches and not _FAILURES & set(handler.catches):
                        continue
                    place = Location.lines(unit.path, handler.line, handler.body.end_line)
                    name = _bound(attempt.body.body)
                    moves_on = (
                        id(attempt) in looping
                        or (name and _tested_later(function, name, handler.line))
                        or _goes_on_looking(function, attempt)
                        or (handler.body.body and _noted(unit, function, attempt))
                    )
                    optional = call.name == "importlib.import_module" and not _used_unasked(unit, function, name)
                    if not _only_talks(handler.body) or moves_on or optional:
                        handled.append(place)
                        continue
                    dropped += 1
                    yield _no(rule, unit, function, call, handler, name)
        if handled:
            yield rule.yes(
                _ANSWERED, handled[0], met=len(handled), sites=len(handled) + dropped, places=tuple(handled[1:])
            )


def _no(rule: Rule, unit: ir.Unit, function: ir.Function, call: ir.Call, handler: ir.Handler, name: str) -> Claim:
    place = Location.lines(unit.path, handler.line, handler.body.end_line)
    load = Location.lines(unit.path, call.line)
    used = _used_later(function, name, handler.body.end_line) if name else 0
    why = [
        FlowStep(load, ("the load fails"), ("acquire")),
        FlowStep(place, ("the failure is caught and dropped"), ("handler")),
    ]
    if used:
        why.append(FlowStep(Location.lines(unit.path, used), f"{name} is used as if it were there", "use"))
        message = f"Failure at {call.line} is caught and dropped; execution reaches line {used} as if it had worked"
    else:
        message = f"Failure at {call.line} is caught and dropped, so nobody learns that the library is missing"
    return rule.no(
        message,
        place,
        why=tuple(why),
        context=function.name,
        confidence=Confidence.CERTAIN if used else Confidence.LIKELY,
    )


_ANSWERED: Final = Share(
    "handler of a failed load",
    "sets a value, falls back or raises",
    "set a value, fall back or raise",
    "handlers of a failed load",
)

RULE: Final = Rule(
    id="swallowed-load-failure",
    question="Does the program act when a library cannot be loaded?",
    practice=Practice.ERROR_HANDLING,
    cwe=390,
    severity=Severity.MEDIUM,
    languages=(ir.Language.PYTHON,),
    why="What follows an empty handler runs without the library, and fails later with an error that names nothing.",
    fix="Return, raise, fall back to another library, or set a value that is tested before use.",
    bad='try:\n    lib = ctypes.CDLL("libfoo.so.1")\nexcept OSError:\n    pass\nlib.start()\n',
    good=(
        'try:\n    lib = ctypes.CDLL("libfoo.so.1")\nexcept OSError as error:\n'
        '    raise RuntimeError("libfoo is needed") from error\nlib.start()\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/390.html",),
    answer=_answer,
)
