"""A sequence of calls - open, feed again and again, close - from a small TOML file.

::

    declarations = "typedef struct codec codec;"    # optional: types the prototypes use

    [[call]]
    function = "codec *codec_open(int level)"
    roles = { level = "const:3" }

    [[call]]
    function = "int codec_feed(codec *c, const uint8_t *data, size_t size)"
    repeat = true                                   # fed the input in pieces

    [[call]]
    function = "void codec_close(codec *c)"

A handle is known by its type: what one call returns, or stores through a pointer to a pointer, later calls take. Where
the type does not say it (``void *``) it is given a name: ``into = "h"`` and ``roles = { ctx = "handle:h" }``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import msgspec

from loadstone.core.image import Image
from loadstone.errors import InvalidConfiguration
from loadstone.files import read_toml
from loadstone.fuzz.plan import CallPlan, Role
from loadstone.fuzz.target import address_of, call_of, takes_input
from loadstone.library.typed.prototype import CType, Pointer, Prototype, StructOrUnion, parse

__all__ = ["Step", "handle_tag", "read_sequence", "sequence_of"]


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    function: str
    roles: dict[str, str] = {}
    into: str = ""
    repeat: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    call: list[_Step]
    declarations: str = ""


def read_sequence(path: str, image: Image) -> tuple[CallPlan, ...]:
    """The calls a TOML file describes, for a library.

    Raises:
        Unreadable: the file cannot be read.
        InvalidConfiguration: it is not TOML, has unknown settings, no call, or no call that takes the input.
        InvalidPrototype, SymbolNotFound, WrongSymbolKind: as :func:`loadstone.fuzz.target.plan`.
    """
    described = _read(path)
    before = f"{described.declarations}\n" if described.declarations else ""
    steps = [Step(parse(f"{before}{one.function}"), one.roles, one.into, one.repeat) for one in described.call]
    calls = sequence_of(steps, image)
    if not any(takes_input(call) for call in calls):
        raise InvalidConfiguration(
            path=path, reason="no call takes the input", advice='Give a parameter a role: roles = { data = "buffer" }.'
        )
    return calls


class Step(NamedTuple):
    """One call as it is described: roles by parameter; the name its result is stored under; whether it is repeated."""

    prototype: Prototype
    roles: Mapping[str, str]
    into: str = ""
    repeat: bool = False


def sequence_of(steps: Iterable[Step], image: Image, known: Iterable[str] = ()) -> tuple[CallPlan, ...]:
    """The calls of the steps; handles made by one are taken by later ones, ``known`` ones have been made before.

    Raises as :func:`loadstone.fuzz.target.plan`.
    """
    calls: list[CallPlan] = []
    handles = set(known)
    for step in steps:
        prototype = step.prototype
        made = call_of(prototype, _handles(prototype, handles) | dict(step.roles), address_of(prototype, image))
        into = step.into or _new_handle(prototype.type.result, handles)
        handles |= {a.slot for a in made.arguments if a.role is Role.INTO} | ({into} if into else set())
        calls.append(replace(made, into=into, repeat=step.repeat))
    several = sum(bool(call.takers) for call in calls) > 1
    return tuple(replace(call, shares=several and bool(call.takers)) for call in calls)


def _read(path: str) -> _File:
    try:
        return msgspec.convert(read_toml(path), _File)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(path=path, reason=str(error)) from error


def _handles(prototype: Prototype, known: set[str]) -> dict[str, str]:
    """The roles of parameters that are handles by their type, by position."""
    found = {}
    for position, parameter in enumerate(prototype.parameters):
        tag = handle_tag(parameter.type)
        if tag in known:
            found[str(position)] = f"{Role.HANDLE}:{tag}"
        elif isinstance(parameter.type, Pointer) and (inner := _new_handle(parameter.type.target, known)):
            found[str(position)] = f"{Role.INTO}:{inner}"
    return found


def _new_handle(kind: CType, known: set[str]) -> str:
    tag = handle_tag(kind)
    return "" if tag in known else tag


def handle_tag(kind: CType) -> str:
    """The tag of the struct a pointer leads to; "" for everything else."""
    return kind.target.tag if isinstance(kind, Pointer) and isinstance(kind.target, StructOrUnion) else ""
