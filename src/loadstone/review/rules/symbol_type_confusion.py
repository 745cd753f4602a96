"""Is a symbol always seen as the same type? Two prototypes for one function cannot both be what was compiled."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.escape import printable
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.apis import ApiRole
from loadstone.review.rules.interface_offsets import wrong_tables
from loadstone.review.rules.loader_objects import blind_casts
from loadstone.review.rules.places import ALL, NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.tagged_unions import confused_members
from loadstone.review.rules.unread_versions import unread_versions
from loadstone.review.rules.untested_kinds import untested_kinds

__all__ = ["RULE"]

_POINTER: Final = re.compile(
    r"^(?P<result>.*?)\(\s*(?P<convention>[\w\s]*)\*\s*\)\s*\((?P<parameters>.*)\)$", re.DOTALL
)
_SPACE: Final = re.compile(r"\s+")
_GENERIC: Final = ("void", "", 0)
"""``void (*)(void)``: what a symbol is often kept as until its real type is known."""


@dataclass(frozen=True, slots=True)
class _View:
    """One place where a symbol is given a type: ``shape`` is what two places must agree in."""

    spot: Spot
    shape: tuple[object, ...]
    type: str


def _arity(parameters: str) -> int:
    """How many parameters a list has; commas inside brackets belong to one of them.

    >>> _arity("int, void (*)(int, int)"), _arity("void")
    (2, 0)
    """
    if parameters.strip() in ("", "void"):
        return 0
    depth = commas = 0
    for letter in parameters:
        depth += (letter in "(<[") - (letter in ")>]")
        commas += letter == "," and depth == 0
    return commas + 1


def _shape(spelled: str) -> tuple[object, ...] | None:
    """Result, calling convention and number of parameters of a pointer to function; None for any other type.

    Names of types are not compared with what they stand for: only what is written out in full can be told apart.

    >>> _shape("const char *(*)(int, long)")
    ('char*', '', 2)
    """
    found = _POINTER.fullmatch(spelled.strip())
    if found is None:
        return None
    result = _SPACE.sub("", re.sub(r"\bconst\b|\bstruct\b", "", found["result"]))
    return result, _SPACE.sub("", found["convention"]), _arity(found["parameters"])


def _native(facts: Facts, unit: ir.Unit) -> Iterator[tuple[tuple[str, ...], _View]]:
    """Casts of lookups. Two functions' local handles may be two libraries, so only one function's are compared."""
    lookups = {id(s.call): s for s in facts.of(ApiRole.RESOLVE) if s.spot.path == unit.path}
    for function in unit.functions:
        for cast in every_expression(function.body):
            if not isinstance(cast, ir.Cast) or (site := lookups.get(id(cast.operand))) is None:
                continue
            arguments = site.call.arguments
            shape = _shape(cast.type)
            if shape in (None, _GENERIC) or site.api.symbol is None or len(arguments) <= site.api.symbol:
                continue
            handle, symbol = arguments[0], arguments[site.api.symbol]
            if shape and isinstance(handle, ir.Name) and isinstance(symbol, ir.Literal):
                key = (function.name, site.spot.condition, handle.name, str(symbol.value))
                yield key, _View(site.spot, shape, cast.type)


def _name(value: ir.Expression) -> str | None:
    """A type as ctypes code names it; None for what has to be computed."""
    match value:
        case ir.Name(name=name):
            return name
        case ir.Literal(value=None):
            return "None"
        case ir.Call(name="ctypes.POINTER", arguments=(inner,)):
            pointed = _name(inner)
            return pointed and f"ctypes.POINTER({pointed})"
        case _:
            return None


def _locals(function: ir.Function) -> Iterator[str]:
    """Names that mean something else outside of the function."""
    if function.name == "<module>":
        return
    yield from (parameter.name for parameter in function.parameters)
    for statement in every_statement(function.body):
        target = statement.target if isinstance(statement, ir.Assign) else None
        if isinstance(target, ir.Name) and target.name not in function.globals:
            yield target.name


def _foreign(unit: ir.Unit) -> Iterator[tuple[tuple[str, ...], _View]]:
    """``lib.f.restype = ...`` that always happens: branches may well be about different systems.

    The last one of a function: who changes it between two calls of one function means to.
    """
    for function in unit.functions:
        own = set(_locals(function))
        last: dict[tuple[str, ...], _View] = {}
        for statement in function.body.body:
            if not isinstance(statement, ir.Assign):
                continue
            match statement.target:
                case ir.Member(name="restype", base=ir.Member(name=symbol, base=ir.Name(name=library))):
                    type_ = _name(statement.value) if statement.value is not None else None
                    if type_ is not None:
                        scope = function.name if library in own else ""
                        spot = Spot(unit.path, statement.line, function.name)
                        last[scope, library, symbol] = _View(spot, (type_,), type_)
        yield from last.items()


def _tagged(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A member of a union is used for more kinds than the one it belongs to."""
    handling = {s.unit.path for s in facts.of(ApiRole.LOAD, ApiRole.RESOLVE)}
    for unit in facts.program.units:
        for function, found in confused_members(unit) if unit.path in handling and unit.language in NATIVE else ():
            yield rule.no(
                f"{found.member} of a union is used at line {found.line} while {found.tag} may be "
                f"{' or '.join(found.values)}: for all but one of them the union holds something else.",
                Location.lines(unit.path, found.line),
                severity=Severity.MEDIUM,
                fix="Compare the tag with the one value the member belongs to, and refuse the rest.",
                context=function.name,
                condition=function.condition,
            )


def _unasked(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What a caller gives may be of several kinds, and is used as one."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in untested_kinds(facts, unit):
            yield rule.no(
                f"{found.used} is taken for what was given, and {found.tag}, which says what it is, is not asked here.",
                Location.lines(unit.path, found.line),
                severity=Severity.MEDIUM,
                fix=f"Compare {found.tag} first, and refuse other kinds.",
                context=found.function.name,
                condition=found.function.condition,
            )


def _of_another_kind(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What a library gives is seen as a type that nothing has asked about: its version, or where the interface lies."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in unread_versions(facts, unit):
            yield rule.no(
                f"{found.struct} says in {found.member} which version it is, and nobody reads that: a library of "
                "another version is called by the wrong prototypes.",
                Location.lines(unit.path, found.line),
                severity=Severity.MEDIUM,
                fix=f"Compare {found.member} before anything else of it is used.",
                context=found.function.name,
                condition=found.function.condition,
            )
        for wrong in wrong_tables(unit):
            yield rule.no(
                f"The object begins with {wrong.first}; who asks for {wrong.interface} gets the table of "
                f"{wrong.first} here.",
                Location.lines(unit.path, wrong.line),
                cwe=704,
                severity=Severity.MEDIUM,
                fix=f"static_cast<{wrong.interface} *>(this)",
                context=wrong.function.name,
                condition=wrong.function.condition,
            )
        for function, line, name in blind_casts(unit):
            yield rule.no(
                f"The root object of a plug-in is a QObject; a plain cast sees {name} where it need not lie.",
                Location.lines(unit.path, line),
                severity=Severity.MEDIUM,
                fix=f"Use qobject_cast<{name} *>, and test what it gives.",
                context=function.name,
                condition=function.condition,
            )


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _tagged(rule, facts)
    yield from _of_another_kind(rule, facts)
    yield from _unasked(rule, facts)
    for unit in facts.program.units:
        seen: defaultdict[tuple[str, ...], list[_View]] = defaultdict(list)
        for key, view in _foreign(unit) if unit.language is ir.Language.PYTHON else _native(facts, unit):
            seen[key].append(view)
        repeated = {key: views for key, views in seen.items() if len(views) > 1}
        agreeing = [views for views in repeated.values() if len({view.shape for view in views}) == 1]
        for key, views in repeated.items():
            if views not in agreeing:
                yield _disagreement(rule, key[-1], views)
        if agreeing:
            spots = sorted({view.spot for views in agreeing for view in views})
            yield rule.yes(
                Share(
                    "symbol",
                    "that is typed more than once gets the same type",
                    "that are typed more than once get the same type",
                ),
                at(spots[0]),
                lines=resolve_lines(spots),
                met=len(agreeing),
                sites=len(repeated),
                places=tuple(at(spot) for spot in spots[1:]),
            )


def _disagreement(rule: Rule, symbol: str, views: list[_View]) -> Claim:
    first = views[0]
    other = next(view for view in views if view.shape != first.shape)
    one, two = printable(first.type), printable(other.type)
    return rule.no(
        f"{printable(symbol)} is taken for {two}, but for {one} at line {first.spot.line}.",
        at(other.spot),
        why=(step(first.spot, f"typed as {one}"), step(other.spot, f"typed as {two}")),
        context=other.spot.function,
        condition=other.spot.condition,
    )


RULE: Final = Rule(
    id="symbol-type-confusion",
    question="Is a symbol always seen as the same type?",
    practice=Practice.TYPE_DECLARATIONS,
    cwe=843,
    severity=Severity.MEDIUM,
    languages=ALL,
    why=(
        "A function was compiled with one prototype. Called through another, it reads registers nobody filled or"
        " leaves a result nobody reads; ctypes keeps one function object a name, so a later type replaces the first."
    ),
    fix="Declare the type once, and use that name wherever the symbol is resolved.",
    bad=(
        'int (*count)(int) = (int (*)(int))dlsym(h, "count");\n'
        'char *(*name)(int) = (char *(*)(int))dlsym(h, "count");\n'
    ),
    good='count_function count = (count_function)dlsym(h, "count");\n',
    references=(
        "https://cwe.mitre.org/data/definitions/843.html",
        "https://cwe.mitre.org/data/definitions/704.html",
        (
            "https://wiki.sei.cmu.edu/confluence/display/c/EXP37-C.+Call+functions+with+the+correct+number+and+type"
            "+of+arguments"
        ),
    ),
    answer=_answer,
)
