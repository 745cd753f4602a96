"""Is every offset that a file gives compared with the file's size before it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.file_numbers import FileNumbers, reads_headers
from loadstone.review.rules.number_claims import numbers_that_read
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept

__all__ = ["RULE"]

_FIELDS: Final = re.compile(
    r"^(?:e_(?:shoff|phoff|shstrndx|shnum|phnum)|sh_(?:offset|size|name|link|info)|p_(?:offset|filesz)|st_name"
    r"|st_value|n_namesz|n_descsz"
    r"|e_lfanew|PointerToRawData|SizeOfRawData|VirtualAddress|cmdsize|fileoff|filesize|symoff|stroff|strsize"
    r"|nsyms|ncmds|offset|size|length|count|name_off|len)$"
)
_NARROW: Final = re.compile(
    r"\b(?:DWORD|ULONG|UINT|uint32_t|u_int32_t|quint32|guint32|unsigned int|Elf32_Off|Elf32_Word)\b|\Aunsigned\Z"
)
"""Unsigned types of 32 bits."""

_BOTH: Final = ("offset", "length")
_HEADER: Final = re.compile(r"Elf(?:32|64)?_|ElfW|IMAGE_|mach_header|section|header|hdr", re.IGNORECASE)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE)}
    for unit in facts.program.units:
        if unit.language in NATIVE and unit.path in handling:
            yield from _numbers(rule, unit)
        for function in unit.functions if reads_headers(unit) else ():
            yield from _function(rule, unit, function)
    yield from numbers_that_read(rule, facts)


def _numbers(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A reader of some other format, in a file that loads what the format names."""
    numbers = FileNumbers(unit)
    if not numbers.readers and not numbers.records and not numbers.pointers:
        return
    for function in unit.functions:
        for found in dict.fromkeys(numbers.untested(function)):
            yield rule.no(
                f"{found.name} from the file is the {found.use} of line {found.line}; nothing compares it first.",
                Location.lines(unit.path, found.line),
                cwe=787 if found.use == "size" else 125,
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                context=function.name,
                condition=function.condition,
            )
        for name, line in dict.fromkeys(numbers.small_blocks(function)):
            yield rule.no(
                f"{name} from the file is part of the size of a block, in 32 bits: near 2^32 the block is a small one.",
                Location.lines(unit.path, line),
                cwe=190,
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Refuse a number above what a file may hold, and add in size_t.",
                context=function.name,
                condition=function.condition,
            )
        for name, line in dict.fromkeys(numbers.small_products(function)):
            yield rule.no(
                f"{name} from the file is multiplied in 32 bits: near 2^32 the size is a small one.",
                Location.lines(unit.path, line),
                cwe=190,
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Compare the number with the size divided, or multiply in size_t.",
                context=function.name,
                condition=function.condition,
            )
        for name, line, used in dict.fromkeys(numbers.small_sums(function)):
            made, read = (Location.lines(unit.path, n) for n in (line, used))
            yield rule.no(
                f"{name} is a sum of 32 bits, and it alone is tested: near 2^32 a part of it passes, and line {used} "
                "goes by that part.",
                made,
                cwe=190,
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Test each part, and add in size_t.",
                why=(FlowStep(made, "the sum may wrap", "source"), FlowStep(read, "as much as one part says", "use")),
                context=function.name,
                condition=function.condition,
            )
        for names, line in numbers.wraps(function):
            yield rule.no(
                f"The sum {names} can wrap around before it is compared.",
                Location.lines(unit.path, line),
                cwe=190,
                severity=Severity.MEDIUM,
                fix="off <= size && len <= size - off.",
                context=function.name,
                condition=function.condition,
            )


def _function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    compared: dict[str, int] = {}
    met = total = 0
    first_good = 0
    aliases = _aliases(function)
    for condition in _conditions(function):
        for inner in expressions(condition):
            name = _field(inner, aliases)
            if name:
                compared.setdefault(_path(inner, name), condition.line)
    helped = {*_asked_by_helpers(unit, function)}
    for path, line in helped:
        compared.setdefault(path, line)
    reported: set[str] = set()
    for name, path, line in _uses(function, aliases):
        if path in reported:
            continue
        total += 1
        reported.add(path)
        if compared.get(path, 1 << 30) <= line:
            met += 1
            first_good = first_good or compared[path]
            continue
        yield rule.no(
            f"{name} from the file is used at line {line} before any comparison with the size.",
            Location.lines(unit.path, line),
            confidence=Confidence.LIKELY,
            context=function.name,
            condition=function.condition,
        )
    counts = {path.rpartition(".")[2] for path, _ in helped}
    for name, line in _counted(unit, function):
        if name in counts:
            continue
        yield rule.no(
            f"{name} from the file says how many entries are read at line {line}; nothing compares it with the size.",
            Location.lines(unit.path, line),
            confidence=Confidence.LIKELY,
            context=function.name,
            condition=function.condition,
        )
    if met:
        yield rule.yes(
            Share("offset", "read from the file is compared before use", "read from the file are compared before use"),
            Location.lines(unit.path, first_good),
            met=met,
            sites=total,
            context=function.name,
        )
    widths = _ANY_WIDTH if "Elf64" in unit.text else _NARROW  # a file of 64 bits names offsets near 2^64
    narrow = {p.name for p in function.parameters if widths.search(p.type) and "*" not in p.type}
    for condition in _conditions(function):
        wrap = _wraps(condition, aliases) or _wraps_narrow(condition, narrow)
        if wrap:
            yield rule.no(
                f"The sum {wrap} can wrap around before it is compared.",
                Location.lines(unit.path, condition.line),
                cwe=190,
                fix="off <= size && len <= size - off.",
                context=function.name,
            )


_ANY_WIDTH: Final = re.compile(r"\b(?:uint64_t|u64|Elf64_(?:Off|Xword|Addr)|unsigned long)\b|" + _NARROW.pattern)


def _asked_by_helpers(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[str, int]]:
    """``if (!header_ok(view, header)) return``: the fields that a helper's own conditions ask about, as named here."""
    helpers = _by_last_word(unit)
    for condition in _conditions(function):
        for call in (e for e in expressions(condition) if isinstance(e, ir.Call)):
            helper = next((f for f in helpers.get(last_word(call.name), ()) if f is not function), None)
            names = [p.name for p in helper.parameters] if helper is not None else []
            given = {n: place_named(a) for n, a in zip(names, call.arguments, strict=False)}
            for asked in _conditions(helper) if helper is not None else ():
                for part in expressions(asked):
                    start, _, rest = place_named(part).partition(".") if _field(part, {}) else ("", "", "")
                    if given.get(start):
                        yield f"{given[start]}.{rest}", condition.line


@kept
def _by_last_word(unit: ir.Unit) -> dict[str, list[ir.Function]]:
    """The functions of a file by their bare names, the last first."""
    found: dict[str, list[ir.Function]] = {}
    for function in reversed(unit.functions):
        found.setdefault(last_word(function.name), []).append(function)
    return found


_COUNTS: Final = re.compile(r"NumberOf(?:Names|Functions|Sections|RvaAndSizes)|e_(?:shnum|phnum)|ncmds|nsyms|nsects")
"""Members of headers that say how many entries a table has."""


def _counted(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[str, int]]:
    """``for (i = 0; i < exports->NumberOfNames; i++) names[i]``: as many entries as the file says, and nobody asks.

    Instead of an index a pointer may go through the table: ``++section``.
    """
    loops = (s for s in every_statement(function.body) if isinstance(s, ir.Loop))
    for loop in (s for s in loops if isinstance(s.condition, ir.Operation) and s.condition.operator in {"<", "!="}):
        assert isinstance(loop.condition, ir.Operation)
        first, *rest = loop.condition.operands
        bound = next(
            (e for r in rest for e in expressions(r) if isinstance(e, ir.Member) and _COUNTS.match(e.name)), None
        )
        if bound is None or bound.name in _asked_counts(function):
            continue
        if any(bound.name in _bounded_counts(other) for other in unit.functions if other is not function):
            continue
        anywhere = any(bound.name in _asked_counts(other) for other in unit.functions)
        walking = set() if anywhere else {place_named(p.target) for p in _moved(loop)}
        for part in every_expression(loop.body):
            indexed = isinstance(part, ir.Item) and place_named(part.index) == place_named(first) != ""
            walked = isinstance(part, ir.Member) and part.through and place_named(part.base) in walking
            if indexed or walked:
                yield bound.name, part.line
                break


@kept
def _asked_counts(function: ir.Function) -> frozenset[str]:
    """The counts of headers that a condition of a function asks about, also by the name of a local that holds one."""
    held: dict[str, str] = {}
    asked: set[str] = set()
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name):
            value = uncast(statement.value)
            if isinstance(value, ir.Member) and _COUNTS.match(value.name):
                held[statement.target.name] = value.name
        if isinstance(statement, ir.If):
            named = {e.name for e in expressions(statement.condition) if isinstance(e, ir.Member | ir.Name)}
            asked |= named | {held[name] for name in named & held.keys()}
    return frozenset(asked)


@kept
def _bounded_counts(function: ir.Function) -> frozenset[str]:
    """The counts of headers that decide, as part of a size, whether a function goes on: ``!within(off, count * 8)``."""
    found: set[str] = set()
    for statement in every_statement(function.body):
        for part in expressions(statement.condition) if isinstance(statement, ir.If) else ():
            orders = isinstance(part, ir.Operation) and part.operator in {"<", "<=", ">", ">="}
            sizes = (
                (e for e in expressions(part) if isinstance(e, ir.Operation) and e.operator == "*")
                if orders or isinstance(part, ir.Call)
                else ()
            )
            found.update(e.name for size in sizes for e in expressions(size) if isinstance(e, ir.Member))
    return frozenset(found)


def _moved(loop: ir.Loop) -> Iterator[ir.AssignmentExpression]:
    """What the step of a loop moves on."""
    parts = (p for step in loop.step for p in expressions(step))
    return (p for p in parts if isinstance(p, ir.AssignmentExpression) and p.operator == "+")


def _aliases(function: ir.Function) -> dict[str, str]:
    """Locals that hold a field of a header."""
    found: dict[str, str] = {}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            value: ir.Expression = statement.value
            while isinstance(value, ir.Cast):
                value = value.operand
            if isinstance(value, ir.Member) and value.through and _FIELDS.match(value.name) and "_" in value.name:
                found[statement.target.name] = value.name
    return found


def _path(expression: ir.Expression, name: str) -> str:
    """What tells a field of one header from that of another; a local that holds a field is named after the field."""
    return place_named(expression) if isinstance(expression, ir.Member) else name


def _field(expression: ir.Expression, aliases: dict[str, str]) -> str:
    if (
        isinstance(expression, ir.Member)
        and _FIELDS.match(expression.name)
        and ("_" in expression.name or expression.name[:1].isupper())
    ):
        return expression.name
    if isinstance(expression, ir.Name) and expression.name in aliases:
        return aliases[expression.name]
    return ""


def _conditions(function: ir.Function) -> Iterator[ir.Expression]:
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) or (isinstance(statement, ir.Loop) and statement.condition is not None):
            assert statement.condition is not None
            yield statement.condition
        elif isinstance(statement, ir.Return) and statement.value is not None:
            yield from (
                e
                for e in expressions(statement.value)
                if isinstance(e, ir.Operation) and e.operator in {"<", "<=", ">", ">=", "&&", "||"}
            )


def _uses(function: ir.Function, aliases: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """Fields that move a pointer or index an array: the field, the whole place it is, and the line."""
    for expression in every_expression(function.body):
        if isinstance(expression, ir.Operation) and expression.operator == "+" and _moves_pointer(expression):
            for operand in expression.operands:
                for inner in expressions(operand):
                    if name := _field(inner, aliases):
                        yield name, _path(inner, name), expression.line
        elif isinstance(expression, ir.Item):
            for inner in expressions(expression.index):
                if name := _field(inner, aliases):
                    yield name, _path(inner, name), expression.line
        elif (
            isinstance(expression, ir.Call)
            and expression.name in {"memcpy", "memmove"}
            and len(expression.arguments) == 3
        ):
            for inner in expressions(expression.arguments[2]):
                if name := _field(inner, aliases):
                    yield name, _path(inner, name), expression.line


def _moves_pointer(expression: ir.Operation) -> bool:
    first: ir.Expression = expression.operands[0]
    while isinstance(first, ir.Operation) and first.operator == "+":
        first = first.operands[0]
    is_cast = isinstance(first, ir.Cast) and "*" in first.type
    while isinstance(first, ir.Cast):
        first = first.operand
    if isinstance(first, ir.Call):
        return is_cast or last_word(first.name) in _BEGINS
    if isinstance(first, ir.Member) and _FIELDS.match(first.name):
        return is_cast
    return is_cast or (isinstance(first, ir.Name | ir.Member) and _ADDRESS.search(first.name) is not None)


_BEGINS: Final = frozenset({"data", "constData", "begin", "cbegin", "c_str", "constBits", "bytes"})
"""Methods that give where the bytes of their object begin."""

_ADDRESS: Final = re.compile(r"(?i)\Ap\Z|base|map|data\Z|data_|buf|image|mem|ptr(?!to)|bytes|start|file\Z")
"""Names of what points to where a file lies in memory."""


def _wraps(condition: ir.Expression, aliases: dict[str, str]) -> str:
    for expression in expressions(condition):
        if isinstance(expression, ir.Operation) and expression.operator in {">", ">=", "<", "<="}:
            for side in expression.operands:
                if isinstance(side, ir.Operation) and side.operator in {"+", "*"}:
                    names = [n for inner in expressions(side) if (n := _field(inner, aliases))]
                    if len(set(names)) >= 2 and not any(
                        isinstance(e, ir.Cast) and "64" in e.type for e in expressions(side)
                    ):
                        return f" {side.operator} ".join(dict.fromkeys(names))
    return ""


def _wraps_narrow(condition: ir.Expression, narrow: set[str]) -> str:
    """``off + len > size`` of two numbers of 32 bits: the sum is one of 32 bits too, whatever it is compared with."""
    for expression in expressions(condition):
        if isinstance(expression, ir.Operation) and expression.operator in {">", ">=", "<", "<="}:
            for side in expression.operands:
                names = _summed(side)
                if len(names) == len(_BOTH) and set(names) <= narrow:
                    return " + ".join(names)
    return ""


def _summed(expression: ir.Expression) -> list[str]:
    if not isinstance(expression, ir.Operation) or expression.operator != "+":
        return []
    return [operand.name for operand in expression.operands if isinstance(operand, ir.Name)]


RULE: Final = Rule(
    id="unchecked-file-offset",
    question="Is every offset that a file gives compared with the file's size before it is used?",
    practice=Practice.INPUT_VALIDATION,
    cwe=125,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A plugin file is input like any other: an offset it names may lie far outside what was mapped.",
    fix="off <= size && len <= size - off.",
    bad="const Elf64_Shdr *s = (const Elf64_Shdr *)(base + ehdr->e_shoff);\n",
    good="if (ehdr->e_shoff > size || sizeof *s > size - ehdr->e_shoff) return -1;\n",
    references=("https://cwe.mitre.org/data/definitions/125.html", "https://cwe.mitre.org/data/definitions/190.html"),
    answer=_answer,
)
