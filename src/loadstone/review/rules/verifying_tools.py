"""Tools that verify a file and say so in their exit status: is the status looked at?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import module_value, values_given
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, statements, tops

__all__ = ["dropped_tool_verdicts"]

_VERIFY: Final = {
    **dict.fromkeys(("gpgv", "gpgv2", "sqv", "slsa-verifier", "debsums"), ""),
    **dict.fromkeys(("gpg", "gpg2"), "--verify"),
    **dict.fromkeys(("signify", "minisign"), "-V"),
    **dict.fromkeys(("rpm", "rpmkeys"), "-K|--checksig"),
    **dict.fromkeys(("sha256sum", "sha512sum", "shasum", "b2sum"), "-c|--check"),
    **dict.fromkeys(("signtool", "signtool.exe", "osslsigncode", "ssh-keygen"), "verify"),
    "openssl": "-verify|verify",
    "cosign": "verify|verify-blob",
    "codesign": "-v|--verify|-vv|-vvv",
    "spctl": "--assess|-a",
    "dpkg-sig": "--verify|-c",
    "jarsigner": "-verify",
}
"""Tools by name, and the arguments of which one makes them verify. Source: their manual pages."""

_STATUS_ONLY: Final = frozenset({"subprocess.call", "os.system", "os.spawnv", "os.spawnvp", "os.spawnl", "os.spawnlp"})
_RUNS: Final = _STATUS_ONLY | {"subprocess.run", "subprocess.Popen", "sh.run", "asyncio.create_subprocess_exec"}
"""Ways to start a program that say how it ended and raise nothing by themselves. ``run(check=True)`` raises."""

_ENDS: Final = frozenset({"returncode", "check_returncode"})


def dropped_tool_verdicts(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``subprocess.run(["gpgv", ...])`` with the exit status never asked for."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not any(tool in unit.text for tool in _VERIFY):
            continue
        for function in unit.functions:
            for statement, call, name in _runs(function):
                tool = _tool(unit, function, call)
                checks = dict(call.keywords).get("check")
                raises = isinstance(checks, ir.Literal) and checks.value is True
                if tool and not raises and (not name or not _is_asked(function, name, call)):
                    yield rule.no(
                        f"{tool} says by its exit status whether the file is good, and nobody looks at it.",
                        Location.lines(unit.path, statement.line, call.end_line or None),
                        cwe=347,
                        fix="Pass check=True, or refuse the file when the status is not 0.",
                        context=function.name,
                    )


def _runs(function: ir.Function) -> Iterator[tuple[ir.Statement, ir.Call, str]]:
    """Calls that start a program, and the variable that gets what they give; empty when it is dropped."""
    for statement in statements(function.body.body):
        value: ir.Expression | None = None
        name = ""
        match statement:
            case ir.Evaluate(expression=expression):
                value = expression
            case ir.Assign(target=ir.Name(name=target), value=given):
                value, name = given, target
        call = uncast(value)
        if isinstance(call, ir.Call) and call.name in _RUNS:
            yield statement, call, name


def _tool(unit: ir.Unit, function: ir.Function, call: ir.Call) -> str:
    """The verifying tool that is started; empty for any other program."""
    command = uncast(call.arguments[0]) if call.arguments else None
    if isinstance(command, ir.Name):
        given = values_given(function.body, command.name)
        command = uncast(given[0] if given else module_value(unit, command.name))
    parts = [part.value for part in expressions(command) if isinstance(part, ir.Literal)]
    words = [word for part in parts if isinstance(part, str) for word in (part.split() if len(parts) == 1 else [part])]
    if not words:
        return ""
    name = re.split(r"[/\\]", words[0])[-1]
    asked = _VERIFY.get(name)
    return name if asked is not None and (not asked or {*asked.split("|")} & {*words[1:]}) else ""


def _is_asked(function: ir.Function, name: str, call: ir.Call) -> bool:
    """Whether the status in the variable is read: itself, when the call gives nothing else, or its ``returncode``."""
    status = call.name in _STATUS_ONLY
    for statement in statements(function.body.body):
        for part in (p for top in _read(statement) for p in expressions(top)):
            held = isinstance(part, ir.Member) and part.name in _ENDS and _is_named(part.base, name)
            handed = isinstance(part, ir.Call) and any(_is_named(a, name) for a in part.arguments)
            if held or handed or (status and _is_named(part, name)):
                return True
            if isinstance(part, ir.Call) and part.name.rpartition(".")[2] in {*_ENDS, "wait", "poll"}:
                return True
        if isinstance(statement, ir.Return) and any(_is_named(p, name) for p in expressions(statement.value)):
            return True
    return False


def _read(statement: ir.Statement) -> tuple[ir.Expression, ...]:
    """The expressions a statement reads: the target of an assignment is not one."""
    return tops(statement)[:1] if isinstance(statement, ir.Assign) else tops(statement)


def _is_named(expression: ir.Expression | None, name: str) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Name) and bare.name == name
