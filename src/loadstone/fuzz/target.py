"""From a C prototype to a call plan: what each argument is for, by rule or by name - or a refusal that says why.

Rules, in order: a pointer that C only reads and an integer after (or before) it are an input and its length; a ``const
char *`` alone is a text; a pointer C may write, with an integer or a pointer to one after it, is an out area and its
capacity; a pointer to a number is an out value; an integer alone comes from the input; a function pointer gets a
callback. Anything else has no role, and misuse must not be reported as a bug: the caller names the role
(``--role ctx=const:0``) or describes a sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from loadstone.core.image import Image, SymbolKind
from loadstone.errors import InvalidPrototype, SymbolNotFound, WrongSymbolKind
from loadstone.fuzz.plan import Argument, CallPlan, Role
from loadstone.library.typed.prototype import (
    Array,
    CType,
    Enumeration,
    FunctionParameter,
    FunctionType,
    Integer,
    Pointer,
    Prototype,
    Real,
    Void,
    parse,
)

__all__ = ["address_of", "call_of", "plan", "takes_input"]

_OUT_SIZE: Final = 256
_ADVICE: Final = (
    "say what it is for: --role NAME=buffer|length_of:BUFFER|cstring|integer|out:BYTES|callback|const:NUMBER|const:TEXT"
)


def plan(text: str, roles: Mapping[str, str], image: Image) -> CallPlan:
    """The call that fuzzes the function a prototype declares.

    Args:
        text: the prototype, as C.
        roles: by parameter name (or position from 0), for parameters whose type does not say it.
        image: the library; the function must be one of its exports.

    Raises:
        InvalidPrototype: the text is no prototype, a parameter has no role, or no parameter takes the input.
        SymbolNotFound, WrongSymbolKind: the library has no such function.
    """
    prototype = parse(text)
    call = call_of(prototype, roles, address_of(prototype, image))
    if not takes_input(call):
        raise _refused(prototype, "no parameter takes the input")
    return call


def takes_input(call: CallPlan) -> bool:
    """Whether an argument comes from the input."""
    return any(a.role in (Role.BUFFER, Role.CSTRING, Role.INTEGER) for a in call.arguments)


def address_of(prototype: Prototype, image: Image) -> int:
    """The virtual address of the exported function; raises as :func:`plan`."""
    rows = [s for s in image.symbols.named(prototype.name) if s.exported]
    if not rows:
        raise SymbolNotFound(symbol=prototype.name, library=image.path or "the library")
    if rows[0].kind not in (SymbolKind.FUNCTION, SymbolKind.UNTYPED):
        raise WrongSymbolKind(
            symbol=prototype.name, library=image.path or "", wanted="function", actual=rows[0].kind.value
        )
    return rows[0].value


def call_of(prototype: Prototype, roles: Mapping[str, str], address: int) -> CallPlan:
    """The call with a role for every argument; errors as :func:`plan`."""
    if prototype.variadic:
        raise _refused(prototype, "variadic functions cannot be fuzzed")
    given = _given(prototype, roles)
    arguments: list[Argument] = []
    for position, parameter in enumerate(prototype.parameters):
        arguments.append(given.get(position) or _by_rule(prototype, position, parameter, given))
    _refuse_misfed(prototype, arguments, given)
    return CallPlan(prototype.name, address, tuple(arguments), _result(prototype))


def _refuse_misfed(prototype: Prototype, arguments: Sequence[Argument], given: Mapping[int, Argument]) -> None:
    """Refuse what would silently find nothing: one input for two parameters, or bytes as the name of a file."""
    taking = [i for i, argument in enumerate(arguments) if argument.role in (Role.BUFFER, Role.CSTRING)]
    guessed = [i for i in taking if i not in given]
    for position in guessed:
        name = prototype.parameters[position].name or ""
        if arguments[position].role is Role.CSTRING and _PATHS.fullmatch(name):
            raise _refused(
                prototype, f"the parameter {name} is the name of a file, by its own name; the input is no such name"
            )
    if len(guessed) > 1:
        names = " and ".join(_called(prototype.parameters[i], i) for i in guessed)
        raise _refused(prototype, f"{names} would get the same input")


_PATHS: Final = re.compile(r"(?i).*(?:path|file_?name|fname|dir|directory|folder|file)")


def _given(prototype: Prototype, roles: Mapping[str, str]) -> dict[int, Argument]:
    names = {p.name: i for i, p in enumerate(prototype.parameters) if p.name}
    found: dict[int, Argument] = {}
    for name, word in roles.items():
        position = names[name] if name in names else int(name) if name.isdigit() else -1
        if not 0 <= position < len(prototype.parameters):
            raise _refused(prototype, f"there is no parameter {name}")
        found[position] = _named(prototype, word, names, prototype.parameters[position].type)
    return found


def _named(prototype: Prototype, word: str, names: Mapping[str, int], kind: CType) -> Argument:
    """A role as written by the user: ``out:64``, ``length_of:data``, ``const:0``."""
    name, _, detail = word.partition(":")
    try:
        role = Role(name)
        if role is Role.LENGTH_OF:
            return Argument(role, size=_size(kind), of=names.get(detail, int(detail) if detail.isdigit() else 0))
        if role is Role.OUT:
            return Argument(role, size=int(detail, 0) if detail else _OUT_SIZE)
        if role is Role.CONST:
            if _takes_text(kind, detail):
                return Argument(role, text=detail.strip("\"'"))
            return Argument(role, size=_size(kind), value=int(detail or "0", 0), real=isinstance(kind, Real))
        if role in (Role.HANDLE, Role.INTO):
            return Argument(role, slot=detail or "handle")
        return Argument(role, size=_size(kind), signed=isinstance(kind, Integer) and kind.signed)
    except ValueError as error:
        raise _refused(prototype, f"{word} is no role") from error


def _takes_text(kind: CType, detail: str) -> bool:
    """Whether ``const:`` is followed by a text, for a parameter that points to characters: no number, or quoted."""
    if not (isinstance(kind, Pointer) and isinstance(kind.target, Integer) and kind.target.size == 1):
        return False
    return not detail.removeprefix("-")[:1].isdigit() and bool(detail)


def _by_rule(
    prototype: Prototype, position: int, parameter: FunctionParameter, given: Mapping[int, Argument]
) -> Argument:
    kind = parameter.type
    if isinstance(kind, (Integer, Enumeration)):
        partner = _partner(prototype, position)
        if partner is not None and given.get(partner, Argument(Role.BUFFER)).role in (Role.BUFFER, Role.OUT):
            return Argument(Role.LENGTH_OF, size=_size(kind), of=partner)
        return Argument(Role.INTEGER, size=_size(kind), signed=not isinstance(kind, Integer) or kind.signed)
    if isinstance(kind, Real):
        return Argument(Role.CONST, size=kind.size, real=True)
    if isinstance(kind, (Pointer, Array)):
        return _pointer(prototype, position, parameter)
    raise _refused(prototype, f"the parameter {_called(parameter, position)} has no role by its type ({kind})")


def _pointer(prototype: Prototype, position: int, parameter: FunctionParameter) -> Argument:
    kind = parameter.type
    target = kind.element if isinstance(kind, Array) else kind.target if isinstance(kind, Pointer) else Void()
    const = isinstance(kind, (Pointer, Array)) and kind.const
    bytes_like = isinstance(target, Void) or (isinstance(target, Integer) and target.size == 1)
    sized = any(_partner(prototype, i) == position for i in (position + 1, position - 1))
    if isinstance(target, Integer) and not const and _is_out(prototype, position - 1):
        return Argument(Role.CAPACITY_OF, size=target.size, of=position - 1)
    if isinstance(target, FunctionType):
        return Argument(Role.CALLBACK)
    if bytes_like and const and sized:
        return Argument(Role.BUFFER)
    if isinstance(target, Integer) and target.is_char and const:
        return Argument(Role.CSTRING)
    if bytes_like and not const and (sized or _counted(prototype, position + 1)):
        return Argument(Role.OUT, size=_OUT_SIZE)
    if isinstance(target, (Integer, Real, Pointer)) and not const and not bytes_like:
        return Argument(Role.OUT, size=8)
    raise _refused(prototype, f"the parameter {_called(parameter, position)} has no role by its type ({kind})")


def _is_out(prototype: Prototype, position: int) -> bool:
    """Whether a parameter is a pointer to bytes that C may write."""
    if not _points_to_bytes(prototype, position):
        return False
    kind = prototype.parameters[position].type
    return isinstance(kind, (Pointer, Array)) and not kind.const


def _counted(prototype: Prototype, position: int) -> bool:
    """Whether a parameter is a pointer to a number wider than a byte: the capacity of what stands before it."""
    if not 0 <= position < len(prototype.parameters):
        return False
    kind = prototype.parameters[position].type
    return isinstance(kind, Pointer) and not kind.const and isinstance(kind.target, Integer) and kind.target.size > 1


def _partner(prototype: Prototype, position: int) -> int | None:
    """The byte pointer an integer is the length of: the one before it, else the one behind it that has no other."""
    if not 0 <= position < len(prototype.parameters) or not isinstance(prototype.parameters[position].type, Integer):
        return None
    if _points_to_bytes(prototype, position - 1):
        return position - 1
    following = position + 1
    behind = prototype.parameters[position + 2].type if position + 2 < len(prototype.parameters) else None
    if _points_to_bytes(prototype, following) and not isinstance(behind, Integer):
        return following
    return None


def _points_to_bytes(prototype: Prototype, position: int) -> bool:
    if not 0 <= position < len(prototype.parameters):
        return False
    kind = prototype.parameters[position].type
    target = kind.target if isinstance(kind, Pointer) else kind.element if isinstance(kind, Array) else None
    return isinstance(target, Void) or (isinstance(target, Integer) and target.size == 1)


def _size(kind: CType) -> int:
    return kind.size if isinstance(kind, (Integer, Real)) else 4 if isinstance(kind, Enumeration) else 8


def _result(prototype: Prototype) -> str:
    match prototype.result:
        case Void():
            return "void"
        case Pointer():
            return "pointer"
        case Real():
            return "double"
    return "int"


def _called(parameter: FunctionParameter, position: int) -> str:
    return parameter.name or f"number {position}"


def _refused(prototype: Prototype, reason: str) -> InvalidPrototype:
    return InvalidPrototype(text=prototype.text, reason=reason, advice=_ADVICE)
