"""Python: the elements of a search path that an expression builds for this process or for a child.

``env["LD_LIBRARY_PATH"] = f"{libs}:{env.get('LD_LIBRARY_PATH', '')}"`` ends with an empty element where the variable
was not set, and an empty element is the current directory. Source: ld.so(8), dyld(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import module_value, values_given
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["empty_elements"]

_PATHS: Final = re.compile(r"\A(?:LD_LIBRARY_PATH|DYLD_(?:FALLBACK_)?(?:LIBRARY|FRAMEWORK)_PATH|LIBPATH|SHLIB_PATH)\Z")
_READERS: Final = frozenset({"get", "getenv", "pop", "setdefault"})
_PROCESS: Final = frozenset({"os.environ", "os.environb"})
"""What the walk of paths already judges, element by element."""


def empty_elements(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Values of a search path that hold an empty element where the variable was not set before."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not re.search(r"LD_LIBRARY_PATH|DYLD_|LIBPATH", unit.text):
            continue
        for function in unit.functions:
            for variable, value in _set(unit, function):
                line = value.line if _has_empty(function, value) else _empty_in_helper(unit, value)
                if line:
                    yield rule.no(
                        f"The search path {variable} gains an empty element (= current directory) when it was unset.",
                        Location.lines(unit.path, line),
                        cwe=427,
                        severity=Severity.MEDIUM,
                        fix="Join only non-empty parts.",
                        context=function.name,
                    )


def _set(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[str, ir.Expression]]:
    """Search paths of the loader that a function sets, in an environment of any name, and what they are set to."""
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(target=ir.Item(base=base, index=index), value=value) if value is not None:
                literal = isinstance(uncast(index), ir.Literal)
                for name in _names(unit, function, index):
                    if not (literal and spelled(base) in _PROCESS):
                        yield name, value
        for part in parts_of(statement):
            match part:
                case ir.Display(items=items, keys=keys):
                    yield from ((key, item) for key, item in zip(keys, items, strict=False) if _PATHS.match(key))
                case ir.Call(name=called, keywords=keywords) if simple(called) in {"dict", "update"}:
                    for keyword, given in keywords:
                        if _PATHS.match(keyword):
                            yield keyword, given
                case _:
                    pass


def _names(unit: ir.Unit, function: ir.Function, index: ir.Expression) -> tuple[str, ...]:
    """The search path an expression names: a constant, or a variable that is only ever given constants."""
    bare = uncast(index)
    given: list[ir.Expression | None] = [bare]
    if isinstance(bare, ir.Name):
        local = values_given(function.body, bare.name)
        given = local or [module_value(unit, bare.name)]
    texts = [e.value for one in given for e in expressions(one) if isinstance(e, ir.Literal)]
    return tuple(dict.fromkeys(t for t in texts if isinstance(t, str) and _PATHS.match(t)))[:1]


def _empty_in_helper(unit: ir.Unit, value: ir.Expression) -> int:
    """Where a function of the file, whose result a value is, returns what may hold an empty element; 0 if nowhere."""
    bare = uncast(value)
    helper = next((f for f in unit.functions if isinstance(bare, ir.Call) and f.name == bare.name), None)
    returned = [s.value for s in statements(helper.body.body) if isinstance(s, ir.Return)] if helper else []
    lines = (one.line for one in returned if one is not None and helper is not None and _has_empty(helper, one))
    return next(lines, 0)


def _only_value(function: ir.Function, value: ir.Expression) -> ir.Expression:
    """What a variable was given, where it was given one thing; anything else itself."""
    bare = uncast(value)
    if isinstance(bare, ir.Name):
        given = [v for v in values_given(function.body, bare.name) if v is not None]
        return uncast(given[0]) if len(given) == 1 else bare
    return bare


def _has_empty(function: ir.Function, value: ir.Expression) -> bool:
    """Whether a value joins what may be empty to something else, with a separator between."""
    bare = _only_value(function, value)
    listed = uncast(bare.arguments[0]) if isinstance(bare, ir.Call) and len(bare.arguments) == 1 else None
    if isinstance(listed, ir.Name) and _is_joined_by_call(bare):  # parts = [...]; ":".join(parts)
        return any(_may_be_empty(function, part) for part in _joined(_only_value(function, listed)))
    parts = _joined(bare)
    if not any(_may_be_empty(function, part) for part in parts):
        return False
    return _is_joined_by_call(bare) or any(_separates(part) for part in parts)


def _joined(value: ir.Expression) -> list[ir.Expression]:
    """The pieces of a text in order: of ``a + b``, an f-string, ``sep.join([...])``, ``"%s:%s" % (a, b)``."""
    match value:
        case ir.Operation(operator="+" | "format" | "%", operands=operands):
            return [piece for operand in operands for piece in _joined(uncast(operand))]
        case ir.Display(items=items):
            return [piece for item in items for piece in _joined(uncast(item))]
        case ir.Call(arguments=(ir.Display(items=items),)) if _is_joined_by_call(value):
            return [uncast(item) for item in items]
        case ir.Call(receiver=ir.Literal() as form, arguments=arguments) if simple(value.name) == "format":
            return [form, *(uncast(argument) for argument in arguments)]
        case _:
            return [value]


def _is_joined_by_call(value: ir.Expression) -> bool:
    if not isinstance(value, ir.Call) or simple(value.name) != "join":
        return False
    receiver = value.receiver
    return _separates(uncast(receiver)) if receiver is not None else value.name.endswith("pathsep.join")


def _separates(part: ir.Expression) -> bool:
    if isinstance(part, ir.Literal):
        return isinstance(part.value, str) and (":" in part.value or ";" in part.value)
    return spelled(part) in {"os.pathsep", "os.path.pathsep", "pathsep"}


def _may_be_empty(function: ir.Function, part: ir.Expression) -> bool:
    """``env.get(name, "")``, ``os.getenv(name) or ""``, and a variable that holds one and is never asked about."""
    if isinstance(part, ir.Name):
        given = [uncast(v) for v in values_given(function.body, part.name)]
        return len(given) == 1 and _may_be_empty_itself(given[0]) and not _asked(function, part.name)
    return _may_be_empty_itself(part)


def _may_be_empty_itself(part: ir.Expression) -> bool:
    match part:
        case ir.Call(name=name, arguments=(_, ir.Literal(value=""))):
            return simple(name) in _READERS
        case ir.Operation(operator="||", operands=(ir.Call(name=name), ir.Literal(value=""))):
            return simple(name) in _READERS
        case _:
            return False


def _asked(function: ir.Function, name: str) -> bool:
    for statement in statements(function.body.body):
        conditions = [getattr(statement, "condition", None)]
        conditions += [p.operands[0] for p in parts_of(statement) if isinstance(p, ir.Operation) and p.operator == "?:"]
        if any(isinstance(p, ir.Name) and p.name == name for c in conditions for p in expressions(c)):
            return True
    return False
