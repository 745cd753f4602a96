"""Is what a child process writes read before its end is waited for?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["RULE"]

_PIPE: Final = "subprocess.PIPE"
_ENDS: Final = frozenset({"stdout", "stderr"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and "PIPE" in unit.text and ".wait(" in unit.text:
            for function in unit.functions:
                yield from _of_function(rule, unit, function)


def _of_function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    for name, started in _started(function):
        for call in calls(function.body.body):
            if simple(call.name) != "wait" or spelled(call.receiver) != name or call.line < started:
                continue
            if not call.arguments and not call.keywords and not _is_read(function, name, call.line):
                waited = Location.lines(unit.path, call.line)
                yield rule.no(
                    f"{name}.wait() waits for a child whose output nobody reads: it stops when the pipe is full, and "
                    "both wait for ever.",
                    waited,
                    why=(
                        FlowStep(Location.lines(unit.path, started), "started with a pipe", "acquire"),
                        FlowStep(waited, "waited for, unread", "use"),
                    ),
                    context=function.name,
                )
                break


def _started(function: ir.Function) -> Iterator[tuple[str, int]]:
    """The names of child processes whose output goes into a pipe."""
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Call):
            call, name = statement.value, spelled(statement.target)
            piped = any(key in _ENDS and spelled(value) == _PIPE for key, value in call.keywords)
            if name and piped and call.name == "subprocess.Popen":
                yield name, statement.line


def _is_read(function: ir.Function, name: str, line: int) -> bool:
    """Whether anything is done with the pipe before a line: it is read, or handed to who does."""
    for statement in statements(function.body.body):
        if statement.line >= line:
            continue
        for part in parts_of(statement):
            if isinstance(part, ir.Member) and part.name in _ENDS and spelled(part.base) == name:
                return True
            if isinstance(part, ir.Call):
                if simple(part.name) == "communicate" and spelled(part.receiver) == name:
                    return True
                if any(spelled(e) == name for a in part.arguments for e in expressions(a)):
                    return True
    return False


RULE: Final = Rule(
    id="unread-child-pipe",
    question="Is what a child process writes read before its end is waited for?",
    practice=Practice.LIFECYCLE,
    cwe=833,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why="A pipe holds 64 KiB. A child that writes more waits for a reader, and the parent waits for the child.",
    fix="communicate() reads and waits; or send the output to a file or to DEVNULL.",
    bad="tool = Popen(command, stdout=PIPE)\ntool.wait()\ntext = tool.stdout.read()\n",
    good="tool = Popen(command, stdout=PIPE)\ntext, _ = tool.communicate()\n",
    references=(
        "https://docs.python.org/3/library/subprocess.html#subprocess.Popen.wait",
        "https://cwe.mitre.org/data/definitions/833.html",
    ),
    answer=_answer,
)
