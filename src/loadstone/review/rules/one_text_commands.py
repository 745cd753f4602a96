"""Commands that the program puts into one text: of a shell it starts itself, and of what parts a text at its blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RUNS", "SHELLS", "commands_in_one_text"]

SHELLS: Final = re.compile(r"(?i)(?:\A|[/\\])(?:sh|bash|dash|zsh|ksh|cmd|cmd\.exe|powershell|powershell\.exe)\Z")
RUNS: Final = frozenset({"-c", "/c", "/C", "/k", "-Command"})
_JOINS: Final = frozenset({"arg", "append", "concat", "format", "toStdString", "str"})


def commands_in_one_text(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """The claims about such commands of a file."""
    yield from _own_shell(rule, unit)
    if unit.language in NATIVE:
        yield from _own_path(rule, facts, unit)
        yield from _one_text(rule, unit)


def _own_shell(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A program is started without a shell, and the program is one: ``start("/bin/sh", {"-c", tool + " " + file})``."""
    for function in unit.functions:
        for call in calls_in(function.body):
            given = [e for argument in call.arguments for e in _flat(argument)]
            texts = [e.value if isinstance(e, ir.Literal) and isinstance(e.value, str) else "" for e in given]
            shell = next((n for n, text in enumerate(texts) if SHELLS.search(text)), -1)
            runs = next((n for n, text in enumerate(texts) if shell >= 0 and n > shell and text in RUNS), -1)
            if runs >= 0 and runs + 1 < len(given) and _is_put_together(given[runs + 1]):
                yield rule.no(
                    "What is put together here is a command that a shell reads.",
                    Location.lines(unit.path, call.line),
                    severity=Severity.MEDIUM,
                    fix="Start the tool itself, with a list of arguments.",
                    context=function.name,
                    condition=function.condition,
                )


_LINES: Final = {"CreateService": 7, "ChangeServiceConfig": 4, "CreateProcess": 1}
"""Windows calls that part a text at its blanks, and which argument that is."""


def _own_path(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``GetModuleFileName(NULL, path, n); CreateService(..., path, ...)``: the program's own path, and no quotes."""
    for function in unit.functions:
        calls = [*calls_in(function.body)]
        own = {word(c.arguments[1]) for c in calls if _plain(c) == "GetModuleFileName" and len(c.arguments) > 1} - {""}
        for call in calls if own else ():
            number = _LINES.get(_plain(call), -1)
            given = word(call.arguments[number]) if 0 <= number < len(call.arguments) else ""
            named = number != 1 or _is_null(call.arguments[0])
            if given in own and named and not any(_changes(facts, c, given) for c in calls):
                yield rule.no(
                    "The path of the program itself is used as a command line with no quotes; where it has a space, "
                    "another program is started.",
                    Location.lines(unit.path, call.line),
                    cwe=428,
                    severity=Severity.MEDIUM,
                    fix="Put quotes round the path.",
                    context=function.name,
                    condition=function.condition,
                )  # fmt: skip


def _plain(call: ir.Call) -> str:
    """The name of a Windows call without the letter for its texts."""
    name = last_word(call.name)
    return name[:-1] if name.endswith(("A", "W")) else name


def _is_null(expression: ir.Expression) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Literal) and not bare.value


def _changes(facts: Facts, call: ir.Call, name: str) -> bool:
    """Whether a call may put quotes round a text."""
    first = word(call.arguments[0]) if call.arguments else ""
    return first == name and (plays(facts, call, ApiRole.JOIN) or "Quote" in call.name or not facts.apis.get(call.name))


_ONE_TEXT: Final = frozenset({"start", "startDetached", "execute", "startCommand"})


def _one_text(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``process.start("readelf -d " + file)``: Qt parts the text at its blanks, and those of the name as well."""
    for function in unit.functions:
        for call in calls_in(function.body):
            owner, _, name = call.name.rpartition("::")
            if owner.rpartition("::")[2] != "QProcess" or name not in _ONE_TEXT or len(call.arguments) != 1:
                continue
            given = _given_once(function, call.arguments[0])
            texts = [e.value for e in expressions(given) if isinstance(e, ir.Literal) and isinstance(e.value, str)]
            if (
                _is_put_together(given)
                and any(" " in text for text in texts)
                and not any('"' in text for text in texts)
            ):
                yield rule.no(
                    "The command is one text, which Qt parts at its blanks: a blank in the name makes two arguments.",
                    Location.lines(unit.path, call.line),
                    cwe=88,
                    severity=Severity.MEDIUM,
                    fix="Give the program and a list of its arguments.",
                    context=function.name,
                    condition=function.condition,
                )


def _given_once(function: ir.Function, expression: ir.Expression) -> ir.Expression:
    """What a variable is given, where that is one value."""
    name = word(expression)
    given = [
        s.value
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.value is not None and name and word(s.target) == name
    ]
    return given[0] if len(given) == 1 else expression


def _flat(expression: ir.Expression) -> Iterator[ir.Expression]:
    """The items of a list of arguments, however the list is written."""
    bare = uncast(expression)
    if isinstance(bare, ir.Display):
        for item in bare.items:
            yield from _flat(item)
    elif isinstance(bare, ir.Operation) and bare.operator in {"<<", ","}:
        for operand in bare.operands:
            yield from _flat(operand)
    elif isinstance(bare, ir.Call) and len(bare.arguments) == 1 and bare.receiver is None:
        yield from _flat(bare.arguments[0])  # QStringLiteral("x"), std::string("x")
    else:
        yield bare


def _is_put_together(expression: ir.Expression) -> bool:
    """Whether a text has a part that is no constant, beside one that is."""
    parts = [*expressions(expression)]
    joined = any(isinstance(p, ir.Operation) and p.operator == "+" for p in parts) or any(
        isinstance(p, ir.Call) and last_word(p.name) in _JOINS and p.arguments for p in parts
    )
    return joined and any(isinstance(p, ir.Name | ir.Member) and not isinstance(p, ir.Call) for p in parts)
