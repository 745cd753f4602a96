"""From a C prototype to a call plan: what each argument is for, by rule or by name - or a refusal that says why.

Rules, in order: a pointer that C only reads and an integer after (or before) it are an input and its length; a ``const
char *`` alone is a text; a pointer C may write, with an integer or a pointer to one after it, is an out area and its
capacity; a pointer to a number is an out value; an integer alone comes from the input; a function pointer gets a
callback. Anything else has no role, and misuse must not be reported as a bug: the caller names the role
(``--role ctx=const:0``) or describes a sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loadstone.core.image import Image, SymbolKind
from loadstone.errors import InvalidPrototype, SymbolNotFound, WrongSymbolKind
from loadstone.fuzz.plan import TAKING, Argument, CallPlan, Role
from loadstone.headers.abi import current
from loadstone.headers.layout import Layouts
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
    StructOrUnion,
    Void,
    parse,
)

__all__ = ["STREAMS", "address_of", "call_of", "plan", "takes_input"]

_OUT_SIZE: Final = 256
_MOST_VALUES: Final = 1024
_PATH: Final = re.compile(r"(?i).*(?:path|file_?name|fname|file)")
_FOLDER: Final = re.compile(r"(?i).*(?:directory|folder|dir|dirname)")
_DESCRIPTOR: Final = re.compile(r"(?i)(?:.*_)?(?:fd|fildes|filedes|descriptor)")
STREAMS: Final = ("FILE", "_IO_FILE", "__sFILE")
_ADVICE: Final = (
    "say what it is for: --role NAME=buffer|length_of:BUFFER|cstring|integer|one_of:1,2,4|record|path|path:.png|file|"
    "descriptor|out:BYTES|callback|const:NUMBER|const:TEXT"
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
    return any(a.role in TAKING or a.role in (Role.INTEGER, Role.ONE_OF) for a in call.arguments)


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
    return CallPlan(prototype.name, address, tuple(arguments), _result(prototype))


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
        if role is Role.ONE_OF:
            values = tuple(int(value, 0) for value in detail.split(","))
            return Argument(role, size=_size(kind), values=values, signed=min(values) < 0)
        if role is Role.PATH:
            return Argument(role, slot=_suffix(detail))
        if role is Role.RECORD:
            return _record(prototype, kind, name)
        if role in (Role.HANDLE, Role.INTO):
            return Argument(role, slot=detail or "handle")
        return Argument(role, size=_size(kind), signed=isinstance(kind, Integer) and kind.signed)
    except ValueError as error:
        raise _refused(prototype, f"{word} is not a role") from error


def _suffix(text: str) -> str:
    """The end of a file's name, as ``.png``."""
    if not re.fullmatch(r"(?:\.[A-Za-z0-9_]{1,16}){0,4}", text):
        raise ValueError(text)
    return text


def _record(prototype: Prototype, kind: CType, name: str) -> Argument:
    """A pointer to a struct of numbers; refused where there is none, or it has pointers that no input can fill."""
    target = kind.target if isinstance(kind, Pointer) else None
    if not isinstance(target, StructOrUnion):
        raise _refused(prototype, f"the parameter {name} points to no struct")
    layouts = Layouts(prototype.records, current(), prototype.text)
    whole = layouts.whole(target)
    if whole is None:
        raise _refused(
            prototype,
            f"{target} is not defined, so the parameter {name} is a handle that another function gives",
            f"Call that function before it (--sequence FILE), define {target}, or pass NULL: --role {name}=const:0.",
        )
    if _has_pointer(layouts, whole):
        raise _refused(prototype, f"{target} of the parameter {name} has pointers, which no input can be")
    return Argument(Role.RECORD, size=layouts.size(whole))


def _has_pointer(layouts: Layouts, kind: CType) -> bool:
    match kind:
        case Pointer() | FunctionType():
            return True
        case Array():
            return _has_pointer(layouts, kind.element)
        case StructOrUnion():
            whole = layouts.whole(kind)
            return whole is None or any(_has_pointer(layouts, member.type) for member in whole.members or ())
    return False


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
        if isinstance(kind, Enumeration) and 0 < len(kind.values) <= _MOST_VALUES:
            values = tuple(dict.fromkeys(value for _, value in kind.values))
            return Argument(Role.ONE_OF, size=kind.size, values=values, signed=kind.signed)
        if isinstance(kind, Integer) and kind.size == 4 and _DESCRIPTOR.fullmatch(parameter.name):
            return Argument(Role.DESCRIPTOR, size=4, signed=True)
        return Argument(Role.INTEGER, size=_size(kind), signed=not isinstance(kind, Integer) or kind.signed)
    if isinstance(kind, Real):
        return Argument(Role.CONST, size=kind.size, real=True)
    if isinstance(kind, (Pointer, Array)):
        return _pointer(prototype, position, parameter, given)
    raise _refused(prototype, f"the parameter {_called(parameter, position)} has no role by its type ({kind})")


def _pointer(
    prototype: Prototype, position: int, parameter: FunctionParameter, given: Mapping[int, Argument]
) -> Argument:
    kind = parameter.type
    target = kind.element if isinstance(kind, Array) else kind.target if isinstance(kind, Pointer) else Void()
    const = isinstance(kind, (Pointer, Array)) and kind.const
    bytes_like = isinstance(target, Void) or (isinstance(target, Integer) and target.size == 1)
    sized = any(_partner(prototype, i) == position for i in (position + 1, position - 1))
    before = given.get(position - 1, Argument(Role.OUT)).role
    if _counted(prototype, position) and before is Role.OUT and _is_out(prototype, position - 1):
        assert isinstance(target, Integer)
        return Argument(Role.CAPACITY_OF, size=target.size, of=position - 1)
    if isinstance(target, FunctionType):
        return Argument(Role.CALLBACK)
    if bytes_like and const and sized:
        return Argument(Role.BUFFER)
    if isinstance(target, Integer) and target.is_char and const:
        return _text(prototype, parameter.name)
    if isinstance(target, StructOrUnion):
        return Argument(Role.FILE) if target.tag in STREAMS else _record(prototype, kind, _called(parameter, position))
    if bytes_like and not const and (sized or _counted(prototype, position + 1)):
        return Argument(Role.OUT, size=_OUT_SIZE)
    if isinstance(target, (Integer, Real, Pointer)) and not const and not bytes_like:
        return Argument(Role.OUT, size=8)
    raise _refused(prototype, f"the parameter {_called(parameter, position)} has no role by its type ({kind})")


def _text(prototype: Prototype, name: str) -> Argument:
    """A constant text; by its own name it may be that of a file, and what is in the file is the input then."""
    if _FOLDER.fullmatch(name):
        raise _refused(prototype, f"the parameter {name} is the name of a folder, by its own name")
    return Argument(Role.PATH if _PATH.fullmatch(name) else Role.CSTRING)


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


def _refused(prototype: Prototype, reason: str, advice: str = _ADVICE) -> InvalidPrototype:
    return InvalidPrototype(text=prototype.text, reason=reason, advice=advice)
