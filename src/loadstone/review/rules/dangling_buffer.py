"""Does memory that foreign code was given, or that came from it, live as long as it is used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings, ForeignResult, result_of
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.callback_views import callback_views
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.views_given_back import views_given_back
from loadstone.review.walk import calls, children, expressions, parts_of, statements, tops

__all__ = ["RULE"]

_SPEAKS: Final = re.compile(r"ctypes|ffi\b")
_MAKES: Final = re.compile(r"(?:create_string_buffer|create_unicode_buffer|c_buffer|from_buffer_copy)\Z")
_ARRAYS: Final = re.compile(
    r"\A(?:numpy|np)\.|\Aarray\.array\Z|(?:ascontiguousarray|asarray|asfortranarray|frombuffer|require)\Z"
)
_ADDRESSES: Final = frozenset({"ctypes.addressof", "ctypes.cast", "ctypes.byref", "ctypes.pointer", "id"})
_BARE_ADDRESSES: Final = frozenset({"ctypes.addressof", "id"})
_LATER: Final = re.compile(
    r"(?i)submit|async|stream|enqueue|queue|begin|post|start|aio_|overlapped|set_?(?:buffer|data|input|output|storage"
    r"|memory|callback_data)"
    r"|register|attach|bind_?(?:buffer|memory)|install|add_?(?:buffer|source)|map_?buffer|schedule|launch"
    r"|nonblock|nb_|isend|irecv"
)
_KEEPS: Final = re.compile(
    r"(?i)(?:attach|register|set|add|bind|map|use|give)_?(?:\w*_)?(?:buffer|memory|mem|ring|storage|arena|pool)\Z|(?:_|\A)attach\Z"
    r"|(?:open|new|create|load)_?(?:from_?)?mem(?:ory)?(?:_|\Z)|from_?mem(?:ory)?\Z|New_Memory"
)
"""Functions that say by their name that they go on using the memory they are given."""

_AWAITS: Final = re.compile(
    r"(?i)wait|poll|finish|join|complete|stop|cancel|(?:\A|_)end(?:\Z|_)|[a-z]End(?:[A-Z]|\Z)|drain|flush|result|fetch"
    r"|unregister|detach"
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    by_function: dict[int, list[ForeignCall]] = {}
    for found in facts.foreign_calls:
        by_function.setdefault(id(found.visit.function), []).append(found)
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not _SPEAKS.search(unit.text):
            continue
        yield from _resized(rule, unit, facts.bindings[unit.path])
        yield from callback_views(rule, unit)
        for function in unit.functions:
            yield from _struct_fields(rule, unit, function)
            yield from _addresses(rule, unit, function)
            yield from _handles(rule, unit, function)
            yield from views_given_back(rule, unit, function, by_function.get(id(function), []))
    for made in by_function.values():
        for found in made:
            yield from _background(rule, facts, found)


def _struct_fields(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """cffi: a field of a struct holds an address, and nothing holds the memory behind it."""
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Member | ir.Item):
            continue
        value = uncast(statement.value)
        if (
            isinstance(value, ir.Call)
            and value.name.rpartition(".")[2] == "new"
            and (value.name.startswith("cffi.") or value.name.startswith("?.") or "ffi" in spelled(value.receiver))
            and "ffi" in (spelled(value.receiver) + value.name).lower()
            and not _is_own(statement.target, function)
            and not _is_of_python(spelled(statement.target), function)
        ):
            yield rule.no(
                "The memory ffi.new makes here is freed at once: a field of a struct does not hold it.",
                Location.lines(unit.path, statement.line),
                fix="Keep what ffi.new returns in a variable that lives as long as the struct is used.",
                context=function.name,
            )


_REGISTERS: Final = re.compile(r"(?i)(?:\A|_)(?:add|set|on|register|attach|subscribe|hook|install|listen|watch)")


def _handles(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``lib.add_rule(engine, callback, ffi.new_handle(rule))``: what the callback gets is gone after this call."""
    for call in calls(function.body.body):
        given = [uncast(argument) for argument in call.arguments]
        fresh = any(isinstance(one, ir.Call) and simple(one.name) == "new_handle" for one in given)
        if fresh and _REGISTERS.search(simple(call.name)):
            yield rule.no(
                "The handle that ffi.new_handle makes here is freed at once, and the callback is given it later.",
                Location.lines(unit.path, call.line),
                fix="Keep the handle as long as the callback may be called.",
                context=function.name,
            )


def _is_of_python(field: str, function: ir.Function) -> bool:
    """``if state.buffer is None``, ``len(state.buffer)``: an attribute of an object, which holds what it is given."""
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            match part:
                case ir.Call(name="len", arguments=(asked,)) if spelled(asked) == field:
                    return True
                case ir.Operation(operands=(asked, ir.Literal(value=None))) if spelled(asked) == field:
                    return True
    return False


def _is_own(target: ir.Expression, function: ir.Function) -> bool:
    """``self.buffer = ffi.new(...)`` keeps it; so does an item of a list or dict of Python's."""
    if isinstance(target, ir.Item):
        return True
    base = uncast(target.base) if isinstance(target, ir.Member) else target
    return isinstance(base, ir.Name) and base.name in {"self", "cls"} and bool(function.owner)


def _addresses(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """An address as a bare number that outlives the buffer it is of."""
    buffers = _local_buffers(function)
    for statement in statements(function.body.body):
        kept, alone = None, False  # alone: may itself end with the function, and is asked about temporaries only
        match statement:
            case ir.Return(value=value) if value is not None:
                kept = value
            case ir.Assign(target=ir.Member() as target, value=value) if value is not None and _is_self(target):
                kept = value
            case ir.Assign(target=ir.Member() | ir.Item() | ir.Name(), value=value) if value is not None:
                kept, alone = value, True
        if kept is None:
            continue
        for part in _keeping(kept):
            of = _address_of(part)
            if of is None:
                continue
            name = spelled(of)
            temporary = isinstance(uncast(of), ir.Call) and _makes_buffer(uncast(of))
            if temporary or (not alone and name in buffers and not _escapes(function, name, statement)):
                yield rule.no(
                    "The address is kept, but its buffer is freed with this "
                    f"{'statement' if temporary else 'function'}.",
                    Location.lines(unit.path, statement.line),
                    context=function.name,
                )


def _keeping(kept: ir.Expression) -> Iterator[ir.Expression]:
    """The parts of a value that are in what it gives: what a call is handed is not, but for casts and constructors."""
    stack = [kept]
    while stack:
        current = stack.pop()
        yield current
        if isinstance(current, ir.Call) and _address_of(current) is None and not _makes_object(current):
            stack.extend(() if current.receiver is None else (current.receiver,))
        else:
            stack.extend(children(current))


def _makes_object(call: ir.Call) -> bool:
    """``c_void_p(x)``, ``cast(x, T)``, ``int(x)``, and a class of any program, which is written with a capital."""
    word = call.name.rpartition(".")[2].lstrip("_")
    return call.name.startswith(("ctypes.c_", "ctypes.cast")) or word[:1].isupper() or word in {"int", "tuple", "list"}


def _address_of(part: ir.Expression) -> ir.Expression | None:
    match part:
        case ir.Call(name=name, arguments=(of, *_)) if name in _BARE_ADDRESSES:
            return of
        case ir.Member(name="value", base=ir.Call(name="ctypes.cast", arguments=(of, *kind))):
            text = any(result_of(one) is ForeignResult.TEXT for one in kind)  # its value is a copy
            return None if text else of
        case ir.Member(name="data", base=ir.Member(name="ctypes", base=of)):
            return of
        case _:
            return None


def _makes_buffer(value: ir.Expression) -> bool:
    if not isinstance(value, ir.Call):
        return False
    first = uncast(value.arguments[0]) if value.arguments else None
    by_cffi = (
        value.name.rpartition(".")[2] == "new" and isinstance(first, ir.Literal) and str(first.value).endswith("]")
    )
    array = isinstance(of := uncast(value.function), ir.Operation) and of.operator == "*"  # (c_ubyte * n)()
    return by_cffi or array or bool(_MAKES.search(value.name) or _ARRAYS.search(value.name))


def _local_buffers(function: ir.Function) -> set[str]:
    return {
        statement.target.name
        for statement in statements(function.body.body)
        if isinstance(statement, ir.Assign)
        and isinstance(statement.target, ir.Name)
        and statement.target.name not in function.globals
        and _makes_buffer(uncast(statement.value))
        and function.name != "<module>"
    }


def _local_texts(function: ir.Function, symbol: str) -> set[str]:
    """Local ``bytes`` that were read or made in the function, for functions that open what lies in memory."""
    if not re.search(r"(?i)mem", symbol) or function.name == "<module>":
        return set()
    return {
        statement.target.name
        for statement in statements(function.body.body)
        if isinstance(statement, ir.Assign)
        and isinstance(statement.target, ir.Name)
        and isinstance(value := uncast(statement.value), ir.Call)
        and value.name.rpartition(".")[2] in {"read", "read_bytes", "encode", "bytes", "tobytes"}
    }


def _is_self(target: ir.Member) -> bool:
    base = uncast(target.base)
    return isinstance(base, ir.Name) and base.name in {"self", "cls"}


def _escapes(function: ir.Function, name: str, but: ir.Statement) -> bool:
    """Whether something that outlives the function holds the buffer itself."""
    for statement in statements(function.body.body):
        if statement is but and not isinstance(statement, ir.Return):
            continue
        match statement:
            case ir.Assign(target=ir.Member() | ir.Item(), value=value) if value is not None and _holds(value, name):
                return True
            case ir.Return(value=value) if value is not None and _holds(value, name):
                return True
            case ir.Evaluate(expression=ir.Call(name=called, arguments=arguments)) if called.rpartition(".")[2] in {
                "append",
                "add",
                "extend",
                "insert",
                "update",
                "setdefault",
            }:
                if any(_holds(argument, name) for argument in arguments):
                    return True
    return False


def _holds(value: ir.Expression, name: str) -> bool:
    """Whether an expression is the object of that name, or a container it is in."""
    match uncast(value):
        case ir.Name(name=found):
            return found == name
        case ir.Display(items=items):
            return any(_holds(item, name) for item in items)
        case ir.Operation(operands=operands):
            return any(_holds(operand, name) for operand in operands)
        case _:
            return False


def _background(rule: Rule, facts: Facts, found: ForeignCall) -> Iterator[Claim]:
    """A local buffer handed to a function that goes on using it after it has returned."""
    function, symbol = found.visit.function, found.prototype.symbol
    if not (_KEEPS.search(symbol) or (_LATER.search(symbol) and _waits_later(facts, found))):
        return
    buffers = _local_buffers(function) | _local_texts(function, symbol)
    behind = _buffer_infos(function)
    for argument in found.call.arguments:
        if isinstance(uncast(argument), ir.Item):  # an element is a number, not the buffer
            continue
        for part in expressions(argument):
            of = _address_of(part)
            name = spelled(of if of is not None else part)
            name = behind.get(name, name)
            if (
                name in buffers
                and not _escapes(function, name, found.visit.statement)
                and not _waited_here(function, found)
            ):
                yield rule.no(
                    f"{symbol} keeps using {name} after it has returned, and {name} is freed with {function.name}.",
                    Location.lines(found.visit.unit.path, found.call.line),
                    fix="Keep the buffer in an attribute until the library is done with it.",
                    context=function.name,
                )
                return


_RESIZES: Final = frozenset({"extend", "append", "insert", "clear", "pop", "remove", "resize"})


def _resized(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """The library was told where a bytearray lies, nothing holds the view of it, and another method resizes it."""
    held = {name: f for f in unit.functions if f.owner for name in _lent_from(f, bindings)}
    for function in unit.functions if held else ():
        for statement in statements(function.body.body):
            grows = isinstance(statement, ir.Assign) and statement.operator == "+="
            names = {spelled(statement.target)} if grows else set()  # type: ignore[union-attr]
            names |= {
                spelled(call.receiver)
                for call in parts_of(statement)
                if isinstance(call, ir.Call) and call.name.rpartition(".")[2] in _RESIZES
            }
            for name in sorted(names & held.keys()):
                if held[name].owner == function.owner and held[name] is not function:
                    yield rule.no(
                        f"{name} may move when its size changes; the library was given its address in "
                        f"{held[name].name}.",
                        Location.lines(unit.path, statement.line),
                        fix="Take the memory back from the library first, or keep the view: Python then refuses.",
                        context=function.name,
                    )


def _lent_from(function: ir.Function, bindings: Bindings) -> Iterator[str]:
    """``view = T.from_buffer(self.store)``, handed to a function that keeps it, and held by nothing else."""
    views = {
        s.target.name: spelled(s.value.arguments[0])
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign)
        and isinstance(s.target, ir.Name)
        and isinstance(s.value, ir.Call)
        and s.value.name.rpartition(".")[2] == "from_buffer"
        and s.value.arguments
    }
    for statement in statements(function.body.body) if views else ():
        for call in (part for part in parts_of(statement) if isinstance(part, ir.Call)):
            symbol = bindings.symbol(call, function.owner) or ""
            if _KEEPS.search(symbol) or _LATER.search(symbol):
                handed = {spelled(part) for argument in call.arguments for part in expressions(argument)}
                yield from (
                    name
                    for view, name in views.items()
                    if view in handed and name.startswith("self.") and not _escapes(function, view, statement)
                )


def _buffer_infos(function: ir.Function) -> dict[str, str]:
    """``address, items = block.buffer_info()``: which variable is the address of which array."""
    whole: dict[str, str] = {}
    found: dict[str, str] = {}
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name):
            continue
        value = uncast(statement.value)
        if isinstance(value, ir.Call) and value.name.rpartition(".")[2] == "buffer_info" and value.receiver is not None:
            whole[statement.target.name] = spelled(value.receiver)
        match value:
            case ir.Item(base=ir.Name(name=pair), index=ir.Literal(value=0)) if pair in whole:
                found[statement.target.name] = whole[pair]
    return found


def _waits_later(facts: Facts, found: ForeignCall) -> bool:
    """Whether the library has a function that waits for, or ends, what this one begins."""
    bindings = facts.bindings[found.visit.unit.path]
    family = found.prototype.symbol.partition("_")[0]
    return any(
        symbol != found.prototype.symbol and symbol.partition("_")[0] == family and _AWAITS.search(symbol)
        for symbol in bindings.prototypes
    )


def _waited_here(function: ir.Function, found: ForeignCall) -> bool:
    return any(
        isinstance(part, ir.Call) and part.line > found.call.line and _AWAITS.search(part.name.rpartition(".")[2])
        for statement in statements(function.body.body)
        for top in tops(statement)
        for part in expressions(top)
    )


RULE: Final = Rule(
    id="dangling-buffer",
    question="Does memory that foreign code was given, or that came from it, live as long as it is used?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=PYTHON,
    why=(
        "An address is only a number: it keeps nothing alive. When the last name of a buffer goes, foreign "
        "code reads "
        "and writes what is somebody else's by then."
    ),
    fix="Keep the buffer itself where it lives as long as its address is in use.",
    bad='def name():\n    return ctypes.addressof(ctypes.create_string_buffer(b"x"))\n',
    good='_name = ctypes.create_string_buffer(b"x")\n\n\ndef name():\n    return ctypes.addressof(_name)\n',
    references=(
        "https://cffi.readthedocs.io/en/stable/using.html#working-with-pointers-structures-and-arrays",
        "https://docs.python.org/3/library/ctypes.html#callback-functions",
        "https://cwe.mitre.org/data/definitions/416.html",
    ),
    answer=_answer,
)
