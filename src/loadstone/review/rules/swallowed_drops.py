"""Python: privileges that stay when giving them up fails, because the exception ends in a handler that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["loading_left_on", "swallowed_drops"]

_DROPS: Final = frozenset({"os.setuid", "os.setreuid", "os.setresuid"})
_LEAVES: Final = frozenset(
    {"exit", "_exit", "abort", "quit", "kill", "error", "fail", "fatal", "die", "execv", "execve"}
)
_MAX_DEPTH: Final = 3


def swallowed_drops(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``try: drop() except OSError as error: print(error)`` with the rest of the program behind it."""
    for routine in facts.travels.names.routines:
        if "setuid" not in routine.unit.text and "setgid" not in routine.unit.text:
            continue
        for statement in statements(routine.function.body.body):
            if not isinstance(statement, ir.Try):
                continue
            drop = next((c for c in calls(statement.body.body) if _drops(facts, routine, c, _MAX_DEPTH)), None)
            if drop is None:
                continue
            for handler in statement.handlers:
                if _may_catch(handler) and not _leaves(facts, routine, handler.body):
                    where = Location.lines(routine.unit.path, handler.line)
                    yield rule.no(
                        "When the change of user fails the program goes on with the rights it has.",
                        where,
                        cwe=273,
                        severity=Severity.HIGH,
                        fix="End the program there.",
                        why=(
                            FlowStep(
                                Location.lines(routine.unit.path, drop.line), "privileges are given up", "release"
                            ),
                            FlowStep(where, "a failure ends here, and nothing else does", "use"),
                        ),
                        context=routine.function.name,
                    )
                    break


def loading_left_on(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``db.enable_load_extension(True)`` in a file that never takes it back: any later statement loads code.

    Source: SQLite, sqlite3_enable_load_extension; Python library reference, sqlite3.
    """
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or "enable_load_extension" not in unit.text:
            continue
        asked = [
            (function, call, bool(getattr(uncast(call.arguments[0]), "value", False)))
            for function in unit.functions
            for call in calls(function.body.body)
            if simple(call.name) == "enable_load_extension"
            and call.arguments
            and _is_kept(function, spelled(call.receiver))
        ]
        on = next(((function, call) for function, call, value in asked if value), None)
        if on is not None and all(value for _, _, value in asked):
            yield rule.no(
                "Loading stays allowed on this connection: load_extension() in any later statement runs code.",
                Location.lines(unit.path, on[1].line),
                cwe=250,
                severity=Severity.LOW,
                fix="enable_load_extension(False) once the extensions are loaded.",
                context=on[0].name,
            )


def _is_kept(function: ir.Function, connection: str) -> bool:
    """Whether others may use a connection later: it came from outside the function, or goes there."""
    opened = gone = False
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(target=target, value=value):
                opened = opened or spelled(target) == connection
                gone = gone or ("." in spelled(target) and spelled(value) == connection)
            case ir.Return(value=value):
                gone = gone or spelled(value) == connection
            case ir.Evaluate(expression=ir.Call(arguments=arguments)):
                gone = gone or connection in map(spelled, arguments)
    return not opened or gone or "." in connection


def _drops(facts: Facts, routine: Routine, call: ir.Call, left: int) -> bool:
    """Whether a call gives up rights, itself or through a function of the program that does not catch the failure."""
    if call.name in _DROPS:
        return True
    return any(
        _drops(facts, called, inner, left - 1)
        for called in (facts.travels.names.called(routine, call)[:1] if left else ())
        if not any(isinstance(s, ir.Try) for s in statements(called.function.body.body))
        for inner in calls(called.function.body.body)
    )


def _may_catch(handler: ir.Handler) -> bool:
    caught = {name.rpartition(".")[2] for name in handler.catches}
    return not caught or bool(caught & {"OSError", "PermissionError", "Exception", "BaseException", "EnvironmentError"})


def _leaves(facts: Facts, routine: Routine, block: ir.Block) -> bool:
    """Whether a handler leaves, by itself or through a function that never returns."""
    if any(isinstance(s, ir.Raise | ir.Return | ir.Jump) for s in statements(block.body)):
        return True
    return any(
        simple(c.name) in _LEAVES or facts.travels.names.never_returns(routine, c) or _drops(facts, routine, c, 1)
        for c in calls(block.body)
    )
