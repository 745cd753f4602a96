"""Do passwords and PINs stay out of what is logged?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls

__all__ = ["RULE"]

_LEVELS: Final = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})
_LOGGER: Final = re.compile(r"(?i)(?:\A|[._])log(?:ger|ging)?\Z")
_SECRET: Final = re.compile(r"(?i)(?:\A|_)(?:pin|passw(?:or)?d|passphrase|secret|api_?key|private_?key|credentials?)\Z")
_FORMATS: Final = frozenset({"format", "%", "+"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and "log" in unit.text:
            for function in unit.functions:
                for call in calls(function.body.body):
                    if simple(call.name) not in _LEVELS or not _LOGGER.search(_logger(call)):
                        continue
                    secret = next((name for a in call.arguments for name in _shown(a) if _SECRET.search(name)), "")
                    if secret:
                        yield rule.no(
                            f"{secret} is written to the log.",
                            Location.lines(unit.path, call.line),
                            context=function.name,
                        )


def _logger(call: ir.Call) -> str:
    return spelled(call.receiver) if call.receiver is not None else call.name.rpartition(".")[0]


def _shown(expression: ir.Expression) -> Iterator[str]:
    """The names whose values a text shows; what a function makes of one is not it."""
    bare = uncast(expression)
    match bare:
        case ir.Name() | ir.Member():
            yield spelled(bare).rpartition(".")[2]
        case ir.Operation(operator=operator, operands=operands) if operator in _FORMATS:
            for operand in operands:
                yield from _shown(operand)
        case ir.Call(name=name, receiver=receiver) if receiver is not None and simple(name) in {"decode", "strip"}:
            yield from _shown(receiver)


RULE: Final = Rule(
    id="secret-in-log",
    question="Do passwords and PINs stay out of what is logged?",
    practice=Practice.ENCAPSULATION,
    cwe=532,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why="Logs are kept, copied and read by people who may not use the key.",
    fix="Log which slot or account was opened, and what came of it.",
    bad='log.debug("login with %s: %d", pin, code)\n',
    good='log.debug("login on slot %d: %d", slot, code)\n',
    references=("https://cwe.mitre.org/data/definitions/532.html",),
    answer=_answer,
)
