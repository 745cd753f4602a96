"""Is every foreign function given its argument and result types before it is called?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from loadstone.core.claims import Claim, Confidence, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.paths import every_expression
from loadstone.review.apis import Role, tables
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_LOADERS: Final = frozenset({"ctypes.CDLL", "ctypes.WinDLL", "ctypes.OleDLL", "ctypes.PyDLL", "ctypes.cdll.LoadLibrary", "ctypes.windll.LoadLibrary", "numpy.ctypeslib.load_library"})  # fmt: skip
_DECLARATIONS: Final = frozenset({"argtypes", "restype", "errcheck"})
_POINTERS: Final = ("alloc", "create", "new", "open", "get_ptr", "_ptr", "handle", "strdup", "version", "string", "name", "getenv", "error", "dup", "find", "init_ctx", "ctx_new", "make", "fopen", "buffer", "address")  # fmt: skip
_TYPED: Final = frozenset({"CFUNCTYPE", "WINFUNCTYPE", "PYFUNCTYPE"})
_INTERNAL: Final = frozenset({"_handle", "_name", "_FuncPtr", "LoadLibrary", "_func_flags_", "__getattr__", "__getitem__"})


@dataclass(slots=True)
class _Foreign:
    name: str
    first_call: int
    arguments: int
    result_used: bool
    declared: set[str] = field(default_factory=set)
    lines: list[int] = field(default_factory=list)
    function: str = ""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON:
            yield from _unit(rule, unit)


def _unit(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    libraries = _libraries(unit)
    if not libraries:
        return
    foreign, declared, aliases = _foreign(unit, libraries)
    used = [f for f in foreign.values() if f.first_call]
    for one in used:
        one.declared = set(declared.get(one.name, ()))
    missing = [f for f in used if not _is_declared(f)]
    good = [f for f in used if _is_declared(f)]
    for one in sorted(missing, key=lambda f: f.first_call):
        pointer = "restype" not in one.declared and one.result_used and any(w in one.name.lower() for w in _POINTERS)
        lacks = " or ".join(sorted({"argtypes", "restype"} - one.declared)) or "restype"
        through = "; it returns a pointer through int" if pointer else ""
        yield rule.no(
            f"{len(missing)} of {len(used)} foreign functions are called without all their types; {one.name} has no {lacks}{through}.",
            Location.lines(unit.path, one.first_call),
            severity=Severity.HIGH if pointer else Severity.MEDIUM,
            confidence=Confidence.CERTAIN,
            context=one.function,
        )
    if good:
        lines = sorted(line for f in good for line in f.lines)
        yield rule.yes(
            f"{len(good)} of {len(used)} foreign functions declare argtypes and restype",
            Location.lines(unit.path, lines[0] if lines else good[0].first_call),
            met=len(good),
            sites=len(used),
            places=tuple(Location.lines(unit.path, line) for line in lines),
        )
    del aliases


def _is_declared(one: _Foreign) -> bool:
    if "prototype" in one.declared:
        return True
    needs = {"argtypes"} if one.arguments else set()
    if one.result_used:
        needs.add("restype")
    return needs <= one.declared and bool(one.declared or not needs)


def _libraries(unit: ir.Unit) -> set[str]:
    """Names, as written, that hold a ctypes library: variables, attributes, and functions that return one."""
    found: set[str] = set()
    for function in unit.functions:
        for expression in every_expression(function.body):
            if isinstance(expression, ir.Store):
                _note(expression.target, expression.value, found)
        for statement in _assigns(function.body):
            if statement.value is not None:
                _note(statement.target, statement.value, found)
    return found


def _note(target: ir.Expression, value: ir.Expression, found: set[str]) -> None:
    if isinstance(value, ir.Call) and value.name in _LOADERS:
        name = _written(target)
        if name:
            found.add(name)
    if isinstance(value, ir.Name | ir.Member) and _written(value) in found and (name := _written(target)):
        found.add(name)


def _written(expression: ir.Expression) -> str:
    if isinstance(expression, ir.Name):
        return expression.name
    if isinstance(expression, ir.Member):
        return f"{_written(expression.base)}.{expression.name}"
    return ""


def _foreign(unit: ir.Unit, libraries: set[str]) -> tuple[dict[str, _Foreign], dict[str, set[str]], dict[str, str]]:
    foreign: dict[str, _Foreign] = {}
    declared: dict[str, set[str]] = {}
    aliases: dict[str, str] = {}
    for function in unit.functions:
        discarded = _discarded(function.body)
        for statement in _assigns(function.body):
            _declaration(statement, libraries, declared, aliases)
        for expression in every_expression(function.body):
            if not isinstance(expression, ir.Call):
                continue
            name = _symbol(expression.function, libraries, aliases)
            if not name or name in _INTERNAL:
                continue
            one = foreign.setdefault(name, _Foreign(name, 0, 0, result_used=False, function=function.name))
            one.first_call = min(one.first_call or expression.line, expression.line)
            one.arguments = max(one.arguments, len(expression.arguments))
            one.result_used = one.result_used or id(expression) not in discarded
    for name, words in declared.items():
        if name in foreign:
            foreign[name].declared |= words
    return foreign, declared, aliases


def _declaration(statement: ir.Assign, libraries: set[str], declared: dict[str, set[str]], aliases: dict[str, str]) -> None:
    target, value = statement.target, statement.value
    if isinstance(target, ir.Member) and target.name in _DECLARATIONS:
        name = _symbol(target.base, libraries, aliases)
        if name:
            declared.setdefault(name, set()).add(target.name)
    elif value is not None and (name := _symbol(value, libraries, aliases)):
        written = _written(target)
        if written:
            aliases[written] = name


def _symbol(expression: ir.Expression, libraries: set[str], aliases: dict[str, str]) -> str:
    """The foreign function an expression names; empty when it names none."""
    written = _written(expression)
    if written in aliases:
        return aliases[written]
    if isinstance(expression, ir.Member) and _written(expression.base) in libraries:
        return expression.name
    if isinstance(expression, ir.Member) and isinstance(expression.base, ir.Call) and expression.base.name in _LOADERS:
        return expression.name
    if isinstance(expression, ir.Item) and _written(expression.base) in libraries and isinstance(expression.index, ir.Literal):
        return str(expression.index.value)
    if isinstance(expression, ir.Call) and expression.name == "getattr" and len(expression.arguments) > 1:
        second = expression.arguments[1]
        if _written(expression.arguments[0]) in libraries and isinstance(second, ir.Literal):
            return str(second.value)
    return ""


def _discarded(block: ir.Block) -> set[int]:
    return {id(s.expression) for s in _statements(block) if isinstance(s, ir.Evaluate)}


def _assigns(block: ir.Block) -> Iterator[ir.Assign]:
    return (s for s in _statements(block) if isinstance(s, ir.Assign))


def _statements(block: ir.Block) -> Iterator[ir.Statement]:
    from loadstone.review.analyses.paths import every_statement

    return every_statement(block)


RULE: Final = Rule(
    id="prototypes-declared",
    code="LS-686-no-prototype",
    question="Is every foreign function given its argument and result types before it is called?",
    practice=Practice.TYPE_DECLARATIONS,
    cwe=686,
    severity=Severity.MEDIUM,
    languages=PYTHON,
    why="Without restype a pointer comes back as a 32-bit int: half an address. Without argtypes a wrong argument is "
    "passed as it is.",
    fix="Declare both next to the load.",
    bad='lib = ctypes.CDLL("libfoo.so.1")\nhandle = lib.foo_open(name)\n',
    good='lib.foo_open.argtypes = [ctypes.c_char_p]\nlib.foo_open.restype = ctypes.c_void_p\nhandle = lib.foo_open(name)\n',
    references=("https://cwe.mitre.org/data/definitions/686.html", "https://docs.python.org/3/library/ctypes.html#return-types"),
    answer=_answer,
)

