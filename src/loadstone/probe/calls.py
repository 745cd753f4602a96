"""Calls that a probe makes: functions by their C prototypes, with arguments as words, from Python or a small TOML file.

::

    declarations = "typedef struct codec codec;"    # optional: types the prototypes use

    [[call]]
    function = "codec *codec_open(int level)"
    arguments = ["3"]
    into = "codec"                                  # what it returns is given a name ...

    [[call]]
    function = "int codec_feed(codec *c, const void *data, size_t size)"
    arguments = ["handle:codec", "hex:0a0b", "2"]   # ... by which later calls take it

Everything is parsed here, in the caller's process; what the child gets are names, type codes and values.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Final

import msgspec

from loadstone.errors import InvalidConfiguration, InvalidPrototype
from loadstone.files import read_toml
from loadstone.library.typed.arguments import from_words
from loadstone.library.typed.prototype import CType, Enumeration, Integer, Pointer, Prototype, Real, Void, parse
from loadstone.quick_dataclass import dataclass

__all__ = ["ProbeCall", "packed", "read_calls"]

MAX_CALLS: Final = 256
_MAX_OUT: Final = 1 << 20
_HANDLE: Final = "handle:"
_INTEGERS: Final = {1: "b", 2: "h", 4: "i", 8: "q"}  # the codes of ctypes and struct
_REALS: Final = {4: "f", 8: "d"}


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """One call: the function's prototype, its arguments as ``loadstone call`` takes them, a name for what it returns.

    >>> ProbeCall("int abs(int)", ("-5",)).function
    'int abs(int)'
    """

    function: str
    arguments: tuple[str, ...] = ()
    into: str = ""
    declarations: str = ""


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    function: str
    arguments: list[str | int | float] = []
    into: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    call: list[_Step]
    declarations: str = ""


def read_calls(path: str) -> tuple[ProbeCall, ...]:
    """The calls that a TOML file describes.

    Raises:
        Unreadable: the file cannot be read.
        InvalidConfiguration: it is not TOML, has unknown settings, or more calls than a probe makes.
    """
    try:
        described = msgspec.convert(read_toml(path), _File)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(path=path, reason=str(error)) from error
    if len(described.call) > MAX_CALLS:
        raise InvalidConfiguration(
            path=path, reason=f"it has {len(described.call)} calls", advice=f"Give {MAX_CALLS} at most."
        )
    return tuple(
        ProbeCall(step.function, tuple(str(word) for word in step.arguments), step.into, described.declarations)
        for step in described.call
    )


def packed(calls: Iterable[str | ProbeCall]) -> str:
    """The calls as JSON for the child; a bare name is a function ``int name(void)``.

    Raises:
        InvalidPrototype: one is no prototype, has a type that cannot be passed, or arguments that do not fit.

    >>> packed(["answer"])
    '[["answer","i",[],""]]'
    >>> packed([ProbeCall("long f(const char *, unsigned char)", ("hex:0a", "7"))])
    '[["f","q",[["P","0a",2],["B",7,0]],""]]'
    """
    rows, named = [], set[str]()
    for call in calls:
        one = ProbeCall(f"int {call}(void)") if isinstance(call, str) else call
        rows.append(_row(one, named))
        named |= {one.into} - {""}
    return msgspec.json.encode(rows).decode()


def _row(call: ProbeCall, named: set[str]) -> tuple[str, str, list[tuple[str, object, int]], str]:
    prototype = parse(f"{call.declarations}\n{call.function}" if call.declarations else call.function)
    words = ["NULL" if word.startswith(_HANDLE) else word for word in call.arguments]
    values = from_words(prototype, words)
    given: list[tuple[str, object, int]] = []
    for parameter, word, value in zip(prototype.parameters, call.arguments, values, strict=True):
        code = _code(prototype, parameter.type)
        if word.startswith(_HANDLE):
            given.append(("@", _known(prototype, word.removeprefix(_HANDLE), named), 0))
        elif code == "P":
            given.append(_pointer(prototype, word, value))
        else:
            given.append((code, value[0] if isinstance(value, bytes) else value, 0))
    result = prototype.type.result
    return prototype.name, "" if isinstance(result, Void) else _code(prototype, result), given, call.into


def _known(prototype: Prototype, name: str, named: set[str]) -> str:
    if name not in named:
        raise InvalidPrototype(text=prototype.text, reason=f"no call before it gives a result the name {name} (into)")
    return name


def _pointer(prototype: Prototype, word: str, value: object) -> tuple[str, object, int]:
    """What it leads to, in hexadecimal, and how much room there is."""
    if value is None:
        return "P", None, 0
    content = value if isinstance(value, bytes) else bytes(value) if isinstance(value, ctypes.Array) else b""
    if len(content) > _MAX_OUT:
        raise InvalidPrototype(text=prototype.text, reason=f"a probe gives no more than {_MAX_OUT >> 20} MiB: {word}")
    return "P", content.rstrip(b"\0").hex(), len(content) + (0 if word.startswith("out:") else 1)


def _code(prototype: Prototype, kind: CType) -> str:
    match kind:
        case Integer() if kind.size in _INTEGERS:
            code = _INTEGERS[kind.size]
            return code if kind.signed else code.upper()
        case Enumeration():
            return "i"
        case Real() if kind.size in _REALS:
            return _REALS[kind.size]
        case Pointer():
            return "P"
    raise InvalidPrototype(
        text=prototype.text, reason=f"a probe cannot pass {kind} by value: call a function that takes a pointer to it"
    )
