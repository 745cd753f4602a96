"""What a Python file knows of the foreign functions it calls: result and argument types, and by which names they go.

A function is known by its symbol, however it is reached: as an attribute of a library, through a variable or an
attribute that was given it, through a helper of the file that looks a symbol up and declares it, or from the C text of
``ffi.cdef``. Types are what was declared; nothing is guessed from the name of a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.foreign import COMPUTED, symbol_of
from loadstone.review.analyses.prototype_tables import table_entries
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.walk import calls, expressions, statements

__all__ = ["Bindings", "ForeignPrototype", "ForeignResult", "bindings_of", "result_of"]


class ForeignResult(StrEnum):
    """What a foreign function was declared to give."""

    UNKNOWN = "unknown"
    ADDRESS = "address"  # c_void_p and its kin: an int, None when null
    TEXT = "text"  # c_char_p: copied into bytes, None when null
    POINTER = "pointer"  # POINTER(T): an object, false when null
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ForeignPrototype:
    """A foreign function: its symbol, the declared result and arguments (None: not declared), and where."""

    symbol: str
    library: str = ""
    result: ForeignResult = ForeignResult.UNKNOWN
    arguments: tuple[ir.Expression, ...] | None = None
    line: int = 0
    by_cffi: bool = False
    takes: str = ""  # cffi: the parameters as the C text has them


_ADDRESS: Final = re.compile(r"(?:c_void_p|HANDLE|HMODULE|HINSTANCE|HWND|LPVOID|LPCVOID|PVOID|HGLOBAL|HRSRC|FARPROC)\Z")
_TEXT: Final = re.compile(r"(?:c_char_p|c_wchar_p|LPC?W?STR)\Z")
_UNSIGNED: Final = re.compile(r"(?:c_u\w+|c_size_t|DWORD|WORD|UINT|ULONG|c_ubyte)\Z")
_SIGNED: Final = re.compile(r"(?:c_int\w*|c_long\w*|c_short|c_ssize_t|BOOL|LONG|INT|c_byte)\Z")
"""HRESULT is not here: ctypes raises OSError by itself when one says that the call failed."""
_OWN_TEXT: Final = re.compile(r"\s*(?:extern\s+)?char\s*\*\s*\Z")
"""What a C function gives whose text the caller may have to free."""

_C_FUNCTION: Final = re.compile(r"([A-Za-z_][\w \t]*?[\s*]+)(\w+)\s*\(([^()]*)\)\s*;")


def result_of(declared: ir.Expression | None) -> ForeignResult:
    """The kind of result a ``restype`` declares."""
    if declared is None:
        return ForeignResult.UNKNOWN
    if isinstance(declared, ir.Literal) and declared.value is None:
        return ForeignResult.NOTHING
    if isinstance(declared, ir.Call):
        return ForeignResult.POINTER if declared.name == "ctypes.POINTER" else ForeignResult.UNKNOWN
    name = spelled(declared)
    for pattern, result in (
        (_ADDRESS, ForeignResult.ADDRESS),
        (_TEXT, ForeignResult.TEXT),
        (_UNSIGNED, ForeignResult.UNSIGNED),
        (_SIGNED, ForeignResult.SIGNED),
    ):
        if pattern.search(name):
            return result
    return ForeignResult.UNKNOWN


@dataclass(slots=True)
class Bindings:
    """The foreign functions of one file, by symbol, and the names they go by."""

    prototypes: dict[str, ForeignPrototype]
    names: dict[tuple[str, str], str]  # (class or "", spelled) -> symbol
    ends: frozenset[str] = frozenset()  # symbols that the file has the collector call: of finalizers and ``__del__``

    def symbol(self, call: ir.Call, owner: str = "") -> str | None:
        """The symbol a call goes to; None when it is no call of a foreign function that is known."""
        found = _symbol_named(call.name)
        if found is not None and found != COMPUTED:
            return found
        if call.name == _POINTER_CALL and isinstance(call.function, ir.Call):  # TYPE(address)(...)
            kind = spelled(call.function.function)
            return kind if kind in self.prototypes else None
        name = spelled(call.function)
        return self.names.get((owner, name)) or self.names.get(("", name)) or found or self._declared(call)

    def _declared(self, call: ir.Call) -> str | None:
        """A method of an unknown object that has the name of a function declared in the file."""
        last = call.name.rpartition(".")[2]
        return last if call.receiver is not None and call.name.startswith("?.") and last in self.prototypes else None

    def prototype(self, call: ir.Call, owner: str = "") -> ForeignPrototype | None:
        """What is declared of the function a call goes to; None when it is not foreign."""
        symbol = self.symbol(call, owner)
        return None if symbol is None else self.prototypes.get(symbol, ForeignPrototype(symbol))


_FUNCTION_TYPES: Final = frozenset({"ctypes.CFUNCTYPE", "ctypes.WINFUNCTYPE", "ctypes.PYFUNCTYPE"})
_POINTER_CALL: Final = "ctypes._CFuncPtr"


def _symbol_named(name: str) -> str | None:
    rest = name.removeprefix("cffi.Lib.")
    if rest != name and "." not in rest:
        return rest
    return symbol_of(name)


def bindings_of(unit: ir.Unit) -> Bindings:
    """The foreign functions a file declares and names. Pure; one pass over its assignments."""
    found = Bindings({}, {})
    helpers = {function.name: helper for function in unit.functions if (helper := _helper(function)) is not None}
    functions = sorted(unit.functions, key=lambda f: f.name != "<module>")
    for function in functions:
        for entry in table_entries(unit, function):
            _set(found, entry.symbol, spelled(entry.library), entry.attribute, entry.value, entry.line)
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign) and statement.value is not None:
                _take(statement, function, helpers, found)
            elif isinstance(statement, ir.Evaluate):
                for call in calls((statement,)):
                    _through_helper(call, helpers, found)
                    if call.name.rpartition(".")[2] == "cdef" and call.arguments:
                        _take_c(call, found)
    found.ends = frozenset(_ending(unit, found))
    return found


def _ending(unit: ir.Unit, found: Bindings) -> Iterator[str]:
    """``weakref.finalize(self, lib.x_del, p)``, ``ffi.gc(p, lib.x_del)``, ``lib.x_del(self._p)`` in ``__del__``."""
    for function in unit.functions:
        by_collector = function.name.rpartition(".")[2] == "__del__"
        for call in calls(function.body.body):
            if by_collector and len(call.arguments) == 1 and spelled(call.arguments[0]).startswith("self."):
                yield found.symbol(call, function.owner) or ""
            elif call.name == "weakref.finalize" or call.name.rpartition(".")[2] == "gc":
                ends = call.arguments[1] if len(call.arguments) > 1 else None
                if isinstance(ends, ir.Name | ir.Member):
                    yield ends.name.rpartition(".")[2]


def _take(statement: ir.Assign, function: ir.Function, helpers: dict[str, _Helper], found: Bindings) -> None:
    target, value = statement.target, statement.value
    assert value is not None
    if isinstance(target, ir.Member) and target.name in {"argtypes", "restype"}:
        base = _symbol_of_base(target.base, function, found)
        if base:
            _declare(found, base, target, value, statement.line)
        return
    if isinstance(value, ir.Call) and isinstance(target, ir.Name) and value.name in _FUNCTION_TYPES and value.arguments:
        result, *arguments = value.arguments
        found.prototypes[target.name] = ForeignPrototype(
            target.name, "", result_of(result), tuple(arguments), statement.line
        )
        return
    called = _through_helper(value, helpers, found) or _of_type(value, found)
    named = symbol_of(statement.type)
    symbol = called or _looked_up(value) or (named if named != COMPUTED else None)
    name = spelled(target)
    if symbol and name:
        owner = function.owner if name.startswith(("self.", "cls.")) else ""
        found.names[owner, name] = symbol
    for call in (part for part in expressions(value) if isinstance(part, ir.Call)):
        _through_helper(call, helpers, found)


def _of_type(value: ir.Expression, found: Bindings) -> str | None:
    """``TYPE(address)``, ``cast(address, TYPE)``: a function of that type."""
    match value:
        case ir.Call(name="ctypes.CFUNCTYPE.__call__", function=kind):
            pass
        case ir.Call(name="ctypes.cast", arguments=(_, kind, *_)):
            pass
        case _:
            return None
    name = spelled(kind)
    return name if name in found.prototypes else None


def _looked_up(value: ir.Expression) -> str | None:
    """``lib.open``, ``getattr(lib, "open")`` of a library or of an object that may be one."""
    match value:
        case ir.Call(name="getattr", arguments=(_, ir.Literal(value=str(symbol)), *_)):
            return symbol
        case ir.Item(index=ir.Literal(value=str(symbol))) if symbol.isidentifier():
            return None
        case _:
            return None


def _symbol_of_base(base: ir.Expression, function: ir.Function, found: Bindings) -> str:
    name = spelled(base)
    for owner in (function.owner, ""):
        if (owner, name) in found.names:
            return found.names[owner, name]
    match base:
        case ir.Member(name=symbol):
            return symbol
        case ir.Name(name=name) if name.startswith("ctypes."):
            return name.rpartition(".")[2]
        case ir.Item(index=ir.Literal(value=str(symbol))):
            return symbol
        case _:
            return ""


def _declare(found: Bindings, symbol: str, target: ir.Member, value: ir.Expression, line: int) -> None:
    base = target.base
    library = spelled(base.base) if isinstance(base, ir.Member) else ""
    _set(found, symbol, library, target.name, value, line)


def _set(found: Bindings, symbol: str, library: str, attribute: str, value: ir.Expression, line: int) -> None:
    """Take what ``argtypes`` or ``restype`` is set to; the other of the two stays as it was."""
    known = found.prototypes.get(symbol, ForeignPrototype(symbol))
    library, line = library or known.library, known.line or line
    if attribute == "restype":
        changed = ForeignPrototype(symbol, library, result_of(value), known.arguments, line)
    else:
        given = value.items if isinstance(value, ir.Display) else known.arguments
        changed = ForeignPrototype(symbol, library, known.result, given, line)
    found.prototypes[symbol] = changed


# Helpers that look a symbol up and declare it.


@dataclass(frozen=True, slots=True)
class _Helper:
    """Which parameters of a helper are the symbol, its result and its arguments; ``rest``: these come one by one."""

    symbol: int
    result: int
    arguments: int
    rest: bool
    names: tuple[str, ...]


def _helper(function: ir.Function) -> _Helper | None:
    names = tuple(p.name for p in function.parameters if p.name not in {"self", "cls"})
    symbol = result = arguments = -1
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.Assign) or statement.value is None:
            continue
        value = statement.value
        match value:
            case ir.Call(name="getattr", arguments=(_, ir.Name(name=name), *_)) if name in names:
                symbol = names.index(name)
            case ir.Item(index=ir.Name(name=name)) if name in names:
                symbol = names.index(name)
        if isinstance(statement.target, ir.Member):
            inner = next(
                (part.name for part in expressions(value) if isinstance(part, ir.Name) and part.name in names), ("")
            )
            if inner and statement.target.name == "restype":
                result = names.index(inner)
            elif inner and statement.target.name == "argtypes":
                arguments = names.index(inner)
    if symbol < 0 or result < 0:
        return None
    rest = arguments == len(names) - 1 and arguments > result
    return _Helper(symbol, result, arguments, rest, names)


def _through_helper(call: ir.Expression, helpers: dict[str, _Helper], found: Bindings) -> str | None:
    if not isinstance(call, ir.Call):
        return None
    helper = helpers.get(call.name) or helpers.get(call.name.rpartition(".")[2])
    if helper is None:
        return None
    named = dict(call.keywords)

    def given(position: int) -> ir.Expression | None:
        if 0 <= position < len(call.arguments):
            return call.arguments[position]
        return named.get(helper.names[position]) if position >= 0 else None

    symbol = given(helper.symbol)
    if not isinstance(symbol, ir.Literal) or not isinstance(symbol.value, str):
        return None
    arguments: tuple[ir.Expression, ...] | None = None
    first = given(helper.arguments)
    if isinstance(first, ir.Display):
        arguments = first.items
    elif helper.rest:
        arguments = call.arguments[helper.arguments :]
    library = spelled(call.arguments[0]) if call.arguments and helper.symbol > 0 else ""
    found.prototypes[symbol.value] = ForeignPrototype(
        symbol.value, library, result_of(given(helper.result)), arguments, call.line
    )
    return symbol.value


def _take_c(call: ir.Call, found: Bindings) -> None:
    """The functions of a C text; Source: cffi documentation, ``ffi.cdef``."""
    text = call.arguments[0].value if isinstance(call.arguments[0], ir.Literal) else None
    if not isinstance(text, str):
        return
    for symbol, before, takes in _c_functions(text):
        result = (
            ForeignResult.TEXT
            if _OWN_TEXT.match(before)
            else ForeignResult.POINTER
            if ("*") in before
            else ForeignResult.NOTHING
            if before.split()[-1:] == [("void")]
            else ForeignResult.SIGNED
        )
        found.prototypes.setdefault(
            symbol, ForeignPrototype(symbol, "", result, None, call.line, by_cffi=True, takes=takes)
        )


def _c_functions(text: str) -> Iterator[tuple[str, str, str]]:
    for match in _C_FUNCTION.finditer(text):
        before, symbol, takes = match.groups()
        if not before.lstrip().startswith("typedef"):
            yield symbol, before, takes.strip()
