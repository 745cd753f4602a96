"""Steps of a decision that are left out when they cannot be asked: who is let in is decided without them.

``for (each module) { if (!module.check) continue; if (module.check(user) != 0) return refused; } return agreed;``: to
make a module unloadable is to be rid of its refusal. Source: CWE-636, and PAM's rule for modules that are required.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions, statements

__all__ = ["LeftOut", "left_out"]

_DECIDES: Final = re.compile(
    r"(?i)auth(?!or\b|ors\b)|log_?in|verif|permi(?:t|ssion)|allow|grant|polic|licen[cs]e|signature|credential|password|access_check"
)
_STORES: Final = re.compile(
    r"(?i)(?:\A(?:p?fn_?)?(?:set|put|store|add|save|write|update|clear|reset|free|close))"
    r"|_(?:set|put|store|add|save|write|update|clear|reset|free|close)(?:_|\Z)"
)
"""Steps that keep something: to go on without one decides nothing."""

_OPTIONAL: Final = re.compile(r"(?i)optional")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Where a step is left out, what is not there, and where it would have been asked."""

    function: ir.Function
    line: int
    step: str
    asked: int


def left_out(unit: ir.Unit) -> Iterator[LeftOut]:
    """The loops of a file that decide about somebody and go on without a step that could not be loaded."""
    for function in unit.functions:
        words = {last_word(function.name), *(p.name for p in function.parameters)}
        words |= {last_word(c.name) for c in calls_in(function.body)}
        words |= {e.name for e in every_expression(function.body) if isinstance(e, ir.Name | ir.Member)}
        words |= {s.type for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares}
        decides = any(_DECIDES.search(w) for w in words) and not any(_OPTIONAL.search(w) for w in words)
        for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop) and decides):
            for position, statement in enumerate(loop.body.body):
                missing = _missing(statement)
                answers = missing and not _STORES.search(missing)
                asked = _asked(loop.body.body[position + 1 :], missing) if answers else 0
                if asked:
                    yield LeftOut(function, statement.line, missing, asked)


def _missing(statement: ir.Statement) -> str:
    """``if (step == NULL) continue;``: what is not there; empty for any other statement."""
    if not isinstance(statement, ir.If) or statement.otherwise is not None or not statement.then.body:
        return ""
    *before, last = statement.then.body
    goes_on = isinstance(last, ir.Jump) and last.kind == "continue"
    says = all(isinstance(s, ir.Evaluate) and isinstance(uncast(s.expression), ir.Call) for s in before)
    if not goes_on or not says:  # it counts what it leaves out, or asks whether it may
        return ""
    match uncast(statement.condition):
        case ir.Operation(operator="!", operands=(one,)):
            return word(one)
        case ir.Operation(operator="==", operands=(one, other)):
            bare = uncast(other)
            nothing = isinstance(bare, ir.Literal) and bare.value in {None, 0}
            return word(one) if nothing else ""
    return ""


def _asked(body: tuple[ir.Statement, ...], step: str) -> int:
    """The line where the step would have been called, for an answer that refuses; 0 when it is not."""
    answers: dict[str, int] = {}
    for statement in statements(body):
        if isinstance(statement, ir.Assign):
            call = uncast(statement.value)
            if isinstance(call, ir.Call) and word(call.function) == step:
                answers[word(statement.target)] = call.line
        if not isinstance(statement, ir.If):
            continue
        for part in expressions(statement.condition):
            if isinstance(part, ir.Call) and word(part.function) == step:
                return part.line
            if word(part) in answers:
                return answers[word(part)]
    return 0
