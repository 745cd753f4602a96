"""Foreign functions of a Python file: which symbols of ctypes libraries are declared, and how each is called.

A symbol is followed by name through attribute, subscript, ``getattr`` and variables that stand for it; a prototype made
with CFUNCTYPE declares both its arguments and its result. Names that are looked up with a computed name cannot be told
apart: their declarations count for the whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import module_value
from loadstone.review.walk import dotted, parts, parts_of, statements

__all__ = ["COMPUTED", "ForeignFunction", "ForeignUse", "foreign_functions", "is_foreign", "symbol_of"]

_LIBRARIES: Final = ("ctypes.CDLL.", "ctypes.WinDLL.", "ctypes.OleDLL.", "ctypes.PyDLL.")
_NOT_SYMBOLS: Final = frozenset({"LoadLibrary", "_handle", "_name", "_FuncPtr", "__getitem__", "__getattr__"})
COMPUTED: Final = "__getattr__"
"""Stands for every symbol whose name is computed."""


def symbol_of(name: str) -> str | None:
    """The symbol a resolved name stands for: ``ctypes.CDLL.crc32`` is ``crc32``; None for anything else.

    >>> symbol_of("ctypes.CDLL.crc32")
    'crc32'
    """
    for prefix in _LIBRARIES:
        rest = name.removeprefix(prefix)
        if rest != name and rest and "." not in rest:
            return rest
    return None


def is_foreign(call: ir.Call) -> bool:
    """Whether the call goes to a symbol of a ctypes library."""
    symbol = symbol_of(call.name)
    return symbol is not None and symbol not in _NOT_SYMBOLS


@dataclass(frozen=True, slots=True)
class ForeignUse:
    """A call of a foreign function, the function it stands in, and what becomes of its result."""

    call: ir.Call
    function: ir.Function
    result: str  # dropped, pointer (used as an address), handle (given to another foreign function) or value


@dataclass(slots=True)
class ForeignFunction:
    """A symbol: where its arguments and its result are declared (0: nowhere), and its calls."""

    symbol: str
    arguments_line: int = 0
    result_line: int = 0
    uses: list[ForeignUse] = field(default_factory=list)


_POINTER_TAKERS: Final = frozenset(
    {
        *("ctypes.cast", "ctypes.string_at", "ctypes.wstring_at", "ctypes.c_void_p", "ctypes.c_char_p"),
        *("ctypes.POINTER", "ctypes.memmove", "ctypes.memset", "ctypes.addressof", "ctypes.py_object"),
    }
)
"""What takes an address: a result that ends here was one, and was cut to 32 bits on the way."""


def foreign_functions(unit: ir.Unit) -> dict[str, ForeignFunction]:
    """The foreign functions a unit names, by symbol."""
    found: dict[str, ForeignFunction] = {}
    variables = dict(_variables(unit))
    for function in unit.functions:
        listed = _listed(unit, function)
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign):
                _declare(statement, variables, found, listed)
        passed = _passed_on(function)
        for statement in statements(function.body.body):
            for node in parts_of(statement):
                if isinstance(node, ir.Call):
                    _use(node, function, statement, passed, found)
    return found


def _variables(unit: ir.Unit) -> Iterator[tuple[str, str]]:
    """Names that stand for a symbol: ``crc = lib.crc32``, ``self.crc = lib.crc32``."""
    for function in unit.functions:
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign) and (symbol := symbol_of(statement.type)):
                yield dotted(statement.target), symbol


def _every_symbol(
    base: ir.Expression, variables: dict[str, str], listed: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The symbols an expression stands for: several where a loop goes through their names."""
    match base:
        case ir.Call(name="getattr", arguments=(_, ir.Name(name=name), *_)) | ir.Item(index=ir.Name(name=name)):
            if name in listed:
                return listed[name]
    symbol = _declared_symbol(base, variables)
    return () if symbol is None else (symbol,)


def _declared_symbol(base: ir.Expression, variables: dict[str, str]) -> str | None:
    """The symbol whose ``argtypes`` or ``restype`` is set through this expression."""
    known = variables.get(dotted(base))
    if known is not None:
        return known
    match base:
        case ir.Member():
            return base.name
        case ir.Name(name=name) if name.startswith("ctypes."):  # ctypes.windll.kernel32.FreeLibrary
            return name.rpartition(".")[2]
        case ir.Item():
            return (
                base.index.value
                if isinstance(base.index, ir.Literal) and isinstance(base.index.value, str)
                else COMPUTED
            )
        case ir.Call(name="getattr", arguments=(_, ir.Literal(value=str(symbol)), *_)):
            return symbol
        case ir.Call() | ir.Name():
            return COMPUTED
        case _:
            return None


def _listed(unit: ir.Unit, function: ir.Function) -> dict[str, tuple[str, ...]]:
    """``for name in ("open", "close"): ...``: the loop's variable and every value it takes."""
    found = {}
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Loop) and statement.each is not None:
            target, values = statement.each
            values = (module_value(unit, values.name) or values) if isinstance(values, ir.Name) else values
            items = values.items if isinstance(values, ir.Display) else ()
            texts = [item.value for item in items if isinstance(item, ir.Literal)]
            if isinstance(target, ir.Name) and texts and all(isinstance(text, str) for text in texts):
                found[target.name] = tuple(map(str, texts))
    return found


def _declare(
    statement: ir.Assign,
    variables: dict[str, str],
    found: dict[str, ForeignFunction],
    listed: dict[str, tuple[str, ...]],
) -> None:
    target = statement.target
    if isinstance(target, ir.Member) and target.name in ("argtypes", "restype", "errcheck"):
        for symbol in _every_symbol(target.base, variables, listed):
            entry = found.setdefault(symbol, ForeignFunction(symbol))
            if target.name == "argtypes":
                entry.arguments_line = entry.arguments_line or statement.line
            elif target.name == "restype":
                entry.result_line = entry.result_line or statement.line
    value = statement.value
    if isinstance(value, ir.Call) and value.name == "ctypes.CFUNCTYPE.__call__" and value.arguments:
        given = value.arguments[0]
        if isinstance(given, ir.Display) and given.items and isinstance(given.items[0], ir.Literal):
            symbol = str(given.items[0].value)
            entry = found.setdefault(symbol, ForeignFunction(symbol))
            entry.arguments_line = entry.result_line = statement.line


def _passed_on(function: ir.Function) -> dict[str, str]:
    """Variables that end where an address is expected (a cast, ``.contents``) or in another foreign function."""
    names: dict[str, str] = {}
    for node in parts(function.body.body):
        if isinstance(node, ir.Member) and node.name == "contents" and isinstance(node.base, ir.Name):
            names[node.base.name] = "pointer"
        elif isinstance(node, ir.Call) and (kind := _taking(node)):
            for argument in node.arguments[:1]:
                if isinstance(argument, ir.Name) and names.get(argument.name) != "pointer":
                    names[argument.name] = kind
    return names


def _taking(call: ir.Call) -> str:
    """What the first argument of a call is, going by who takes it."""
    if call.name in _POINTER_TAKERS:
        return "pointer"
    return "handle" if is_foreign(call) else ""


def _use(
    call: ir.Call,
    function: ir.Function,
    statement: ir.Statement,
    passed: dict[str, str],
    found: dict[str, ForeignFunction],
) -> None:
    for argument in call.arguments:
        if isinstance(argument, ir.Call) and is_foreign(argument) and (kind := _taking(call)):
            _record(argument, function, kind, found)
    if not is_foreign(call):
        return
    match statement:
        case ir.Evaluate(expression=expression) if expression is call:
            result = "dropped"
        case ir.Assign(value=value, target=target) if value is call:
            result = passed.get(dotted(target), "value")
        case _:
            result = "value"
    _record(call, function, result, found)


def _record(call: ir.Call, function: ir.Function, result: str, found: dict[str, ForeignFunction]) -> None:
    symbol = symbol_of(call.name) or COMPUTED
    entry = found.setdefault(symbol, ForeignFunction(symbol))
    for position, use in enumerate(entry.uses):
        if use.call is call:
            if use.result == "value":
                entry.uses[position] = ForeignUse(call, function, result)
            return
    entry.uses.append(ForeignUse(call, function, result))


def uses_in_order(functions: Iterable[ForeignFunction]) -> list[ForeignFunction]:
    """Functions with calls, by the line of the first."""
    called = [function for function in functions if function.uses]
    return sorted(called, key=lambda function: min(use.call.line for use in function.uses))
