"""Does every text of C++ live as long as the pointer into it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_POINTS_INTO: Final = frozenset({"c_str", "data", "constData", "utf16", "unicode"})

_TEXT: Final = re.compile(
    r"\A(?:const\s+)?(?:std::|boost::|ghc::)*(?:\w+::)*"
    r"(?:basic_string<.*>|w?string|u(?:8|16|32)string|path|QString|QByteArray|CStringA?|CStringW)(?:\s+const)?\Z"
)
"""Types of texts that hold their own memory, by value."""

_POINTER: Final = re.compile(r"\*|\bauto\b|\bLPC?T?W?STR\b|\bLPCWSTR\b|\bPC?T?W?STR\b|\bPCWSTR\b")

_BY_VALUE: Final = frozenset(
    {"toStdString", "toStdWString", "toLocal8Bit", "toUtf8", "toLatin1", "toLower", "toUpper", "toString", "str"}
    | {"generic_string", "generic_wstring", "u8string", "parent_path", "replace_extension_copy", "absoluteFilePath"}
    | {"canonicalFilePath", "absolutePath", "applicationDirPath", "applicationFilePath", "toNativeSeparators"}
    | {"encodeName", "errorString", "to_string", "to_wstring", "fromUtf8", "fromLocal8Bit", "qgetenv"}
    | {"string", "wstring", "lexically_normal", "canonical", "weakly_canonical", "absolute"}
)
"""Functions that give a new text each time. Source: the references of C++ ([string], [fs.path]) and of Qt."""


_DECLARED: Final = re.compile(r"\b(?:std::w?string|QString|QByteArray|(?:fs|filesystem)::path)\s+(?:\w+::)*(\w+)\s*\(")
_REFERRED: Final = re.compile(r"\b(?:w?string|path|QString|QByteArray)\s*(?:const\s*)?&\s*(?:\w+::)*(\w+)\s*\(")
"""Functions that are declared to give a text, and those that give a reference to one."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    if not any(s.api.role in {ApiRole.LOAD, ApiRole.RESOLVE} for s in facts.reached):
        return
    made = _making(facts)
    for unit in (u for u in facts.program.units if u.language is ir.Language.CPP):
        for function in unit.functions:
            yield from _kept(rule, unit, function, made)
            yield from _given_back(rule, unit, function, made)


def _making(facts: Facts) -> set[str]:
    """The functions of the program that give a text by value, and none of the same name that does not."""
    units = [u for u in facts.program.units if u.language is ir.Language.CPP]
    every = [(last_word(f.name), bool(_TEXT.match(f.returns.strip()))) for u in units for f in u.functions]
    by_value = {name for name, gives in every if gives}.union(*(_DECLARED.findall(u.text) for u in units))
    other = {name for name, gives in every if not gives}.union(*(_REFERRED.findall(u.text) for u in units))
    return (by_value | _BY_VALUE) - other


def _kept(rule: Rule, unit: ir.Unit, function: ir.Function, made: set[str]) -> Iterator[Claim]:
    """``const char *path = (dir + "/" + name).c_str();``: the text ends with the statement."""
    types = _types(unit, function)
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign) or not _points(statement, types):
            continue
        if any(_is_temporary(text, made) for text in _texts(statement.value)):
            used = _next_use(function, statement)
            if used:
                yield _finding(
                    rule, unit, function, statement.line, used,
                    f"The text that this points into ends with the statement; line {used} reads it.",
                )  # fmt: skip


def _given_back(rule: Rule, unit: ir.Unit, function: ir.Function, made: set[str]) -> Iterator[Claim]:
    """``return path.c_str();`` of a local text."""
    if not _POINTER.search(function.returns):
        return
    own = {p.name for p in function.parameters if _TEXT.match(p.type.strip())} | {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and not s.static and isinstance(s.target, ir.Name)
        if _TEXT.match(s.type.strip())
    }
    for statement in every_statement(function.body):
        texts = [*_texts(statement.value)] if isinstance(statement, ir.Return) else []
        if any(_is_temporary(t, made) or (isinstance(t, ir.Name) and t.name in own) for t in texts):
            yield _finding(
                rule, unit, function, statement.line, statement.line,
                "The text that is pointed into ends with the function that gives the pointer back.",
            )  # fmt: skip


def _types(unit: ir.Unit, function: ir.Function) -> dict[str, str]:
    """The types of members, parameters and variables by name; a name with two types has none."""
    found: dict[str, str] = {}
    for one in unit.classes:
        for member in one.members:
            found[member.name] = member.type if found.get(member.name, member.type) == member.type else ""
    found.update((p.name, p.type) for p in function.parameters)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            found[statement.target.name] = statement.type
    return found


def _points(statement: ir.Assign, types: dict[str, str]) -> bool:
    """Whether what is stored to keeps a pointer, and not a text of its own."""
    target = uncast(statement.target)
    if statement.operator or not isinstance(target, ir.Name | ir.Member):
        return False
    return bool(_POINTER.search(statement.type if statement.declares else types.get(target.name, "")))


def _texts(value: ir.Expression | None) -> Iterator[ir.Expression]:
    """The texts that an expression may point into: ``x.c_str()``, either arm of ``?:``."""
    bare = uncast(value)
    if isinstance(bare, ir.Operation) and bare.operator == "?:":
        for arm in bare.operands[1:]:
            yield from _texts(arm)
    elif isinstance(bare, ir.Call) and last_word(bare.name) in _POINTS_INTO and bare.receiver is not None:
        yield uncast(bare.receiver)


def _is_temporary(text: ir.Expression, made: set[str]) -> bool:
    """Whether an expression makes a text that nothing keeps."""
    match text:
        case ir.Operation(operator="+"):
            return True
        case ir.Call(name=name):
            return last_word(name) in made or bool(_TEXT.match(name))
    return False


def _next_use(function: ir.Function, stored: ir.Assign) -> int:
    """The first line behind a store that reads what was stored."""
    target = uncast(stored.target)
    name = target.name if isinstance(target, ir.Name | ir.Member) else ""
    return min(
        (
            e.line
            for e in every_expression(function.body)
            if isinstance(e, ir.Name | ir.Member) and e.name == name and e.line > stored.line
        ),
        default=0,
    )


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, line: int, used: int, message: str) -> Claim:
    ended, read = (Spot(unit.path, number, function.name) for number in (line, used))
    return rule.no(
        message,
        Location.lines(unit.path, line),
        why=(step(ended, "the text ends", "release"), step(read, "read", "use")),
        context=function.name,
        condition=function.condition,
    )


RULE: Final = Rule(
    id="dangling-text",
    question="Does every text live as long as the pointer into it?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=(ir.Language.CPP,),
    why="A load through such a pointer reads freed memory: it fails at random, or opens another name.",
    fix="Keep the text in a variable of its own, and take the pointer from that.",
    bad=(
        "void *open(std::string dir) {\n"
        '    const char *path = (dir + "/a.so").c_str();\n'
        "    return dlopen(path, RTLD_NOW);\n}\n"
    ),
    good=(
        "void *open(std::string dir) {\n"
        '    const std::string path = dir + "/a.so";\n'
        "    return dlopen(path.c_str(), RTLD_NOW);\n}\n"
    ),
    references=(
        "https://cwe.mitre.org/data/definitions/416.html",
        "https://en.cppreference.com/w/cpp/string/basic_string/c_str",
    ),
    answer=_answer,
)
