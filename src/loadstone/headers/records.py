"""Structs and unions, with their members. Source: ISO C17 6.7.2.1, GCC's and Microsoft's extensions to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadstone.headers.attributes import Attributes
from loadstone.headers.cursor import Refused
from loadstone.headers.declared import DeclaredName, Specifiers
from loadstone.headers.types import Array, CType, Enumeration, FunctionType, Integer, StructMember, StructOrUnion, Void
from loadstone.quick_dataclass import replace

if TYPE_CHECKING:
    from loadstone.headers.parser import Parser

__all__ = ["record"]


def record(parser: Parser) -> StructOrUnion:
    """``struct tag { ... }``, in any of its forms."""
    kind = parser.peek()
    parser.position += 1
    attributes = parser.attributes()[0]
    tag = ""
    if parser.kind() == "name":
        tag = parser.peek()
        parser.position += 1
    attributes |= parser.attributes()[0]
    if parser.peek() != "{":
        if not tag:
            raise parser.unexpected()
        return parser.records.get(f"{kind} {tag}", StructOrUnion(kind, tag))
    if not tag:
        tag = parser.new_tag()
    members = _members(parser)
    attributes |= parser.attributes()[0]
    said = parser.layout_pragmas
    microsoft = attributes.microsoft if attributes.microsoft is not None else said.microsoft
    made = StructOrUnion(kind, tag, members, attributes.packed, attributes.align, said.pack, microsoft)
    parser.records[made.key] = made
    return made


def _members(parser: Parser) -> tuple[StructMember, ...]:
    parser.expect("{")
    members: list[StructMember] = []
    while not parser.take("}"):
        parser.pragmas()
        if parser.take(";"):
            continue
        if parser.peek() in ("_Static_assert", "static_assert"):
            parser.position += 1
            parser.skip_balanced()
            continue
        if parser.peek() == "}":
            continue
        specifiers = parser.specifiers()
        if parser.peek() == ";":
            if isinstance(specifiers.type, StructOrUnion) and specifiers.type.tag.startswith("("):
                members.append(_member(specifiers, DeclaredName("", specifiers.type, False, Attributes())))
            parser.position += 1
            continue
        while True:
            members.append(_declared_member(parser, specifiers))
            if not parser.take(","):
                break
        parser.pragmas()
        parser.expect(";")
    return tuple(members)


def _declared_member(parser: Parser, specifiers: Specifiers) -> StructMember:
    declared = (
        DeclaredName("", specifiers.type, specifiers.const, Attributes())
        if parser.peek() == ":"
        else parser.declarator(specifiers)
    )
    if isinstance(declared.type, (FunctionType, Void)):
        raise Refused(f"a member of type {declared.type}", declared.token)
    _check_atomic(parser, specifiers, declared)
    bits = None
    if parser.take(":"):
        bits = _width(parser, declared)
    after = parser.attributes()[0]
    return _member(specifiers, replace(declared, attributes=declared.attributes | after), bits)


def _check_atomic(parser: Parser, specifiers: Specifiers, declared: DeclaredName) -> None:
    """Whether GCC and Clang lay an ``_Atomic`` member out alike. Raises Refused."""
    element = _element(declared.type)
    if not specifiers.atomic or not specifiers.type_align or element is not specifiers.type:
        return
    if element is not declared.type and isinstance(element, StructOrUnion):
        what = "an array of _Atomic structs"
    elif parser.abi.member_align < 8:
        what = f"an _Atomic member of {specifiers.type_align} bytes on {parser.abi.name}"
    else:
        return
    reason = f"{what}, which GCC and Clang lay out differently"
    raise Refused(reason, declared.token, advice="declare the struct without its members, and pass pointers to it")


def _element(kind: CType) -> CType:
    while isinstance(kind, Array):
        kind = kind.element
    return kind


def _width(parser: Parser, declared: DeclaredName) -> int:
    token = parser.here()
    bits = parser.number()
    kind = declared.type
    if not isinstance(kind, (Integer, Enumeration)):
        raise Refused(f"a bit field of type {kind}", token)
    widest = 1 if isinstance(kind, Integer) and kind.is_bool else 8 * kind.size
    if not 0 <= bits <= widest or (bits == 0 and declared.name):
        raise Refused(f"the bit field {declared.name} of type {kind} cannot have a width of {bits} bits", token)
    return bits


def _member(specifiers: Specifiers, declared: DeclaredName, bits: int | None = None) -> StructMember:
    attributes = specifiers.attributes | declared.attributes
    plain = _element(declared.type) is specifiers.type  # what is aligned is the type that was named, no pointer to it
    return StructMember(
        declared.name,
        declared.type,
        bits,
        attributes.align,
        specifiers.type_align if plain else 0,
        attributes.packed,
        declared.const,
    )
