"""Parameter lists of prototypes, and of definitions as before C89. Source: ISO C17 6.7.6.3, 6.9.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadstone.headers.abi import DataModel
from loadstone.headers.attributes import CONVENTION_WORDS
from loadstone.headers.basics import basic_types
from loadstone.headers.cursor import Refused
from loadstone.headers.types import CType, Enumeration, FunctionParameter, FunctionType, Integer, Pointer, Real, Void

if TYPE_CHECKING:
    from loadstone.headers.parser import Parser

__all__ = ["parameter_list"]


def parameter_list(parser: Parser) -> tuple[tuple[FunctionParameter, ...], bool]:
    """What stands in the parentheses behind a function's name, and whether more may follow."""
    parser.expect("(")
    parameters: list[FunctionParameter] = []
    if parser.take(")"):
        return (), False
    while True:
        if parser.take("..."):
            parser.expect(")")
            return tuple(parameters), True
        token = parser.here()
        if parser.kind() == "name" and not parser.starts_type() and parser.peek() not in CONVENTION_WORDS:
            if not parameters and _has_identifier_list(parser):
                return _identifier_list(parser), False
            following = parser.peek(1)
            reason = (
                f"the parameter {parser.peek()} has no type"
                if following in (",", ")")
                else f"the type {parser.peek()} is not known"
            )
            raise Refused(reason, token, advice="declare unknown type names first: 'typedef struct x x; ...'")
        declared = parser.declarator(parser.specifiers())
        kind = declared.type
        parameters.append(FunctionParameter(declared.name, Pointer(kind) if isinstance(kind, FunctionType) else kind))
        if not parser.take(","):
            break
    parser.expect(")")
    if [p.type for p in parameters] == [Void()]:
        return (), False
    return tuple(parameters), False


def _has_identifier_list(parser: Parser) -> bool:
    """Whether the names that follow are those of a definition as before C89: their declarations come behind."""
    ahead = 1
    while parser.peek(ahead) == "," and parser.tokens[parser.position + ahead + 1].kind == "name":
        ahead += 2
    if parser.peek(ahead) != ")" or parser.position + ahead + 1 >= len(parser.tokens):
        return False
    return parser.peek(ahead + 1) == "{" or parser.beside(parser.tokens, parser.position + ahead + 1).starts_type()


def _identifier_list(parser: Parser) -> tuple[FunctionParameter, ...]:
    """``(a, b) int a; char *b;``. An argument is passed promoted, since such a definition is no prototype."""
    names: list[str] = []
    while not parser.take(")"):
        if not parser.take(","):
            names.append(parser.peek())
            parser.position += 1
    kinds: dict[str, CType] = {}
    while parser.peek() not in ("{", ""):
        specifiers = parser.specifiers()
        while True:
            declared = parser.declarator(specifiers)
            kinds[declared.name] = declared.type
            if not parser.take(","):
                break
        parser.expect(";")
    whole = basic_types(parser.abi)["int",]
    return tuple(FunctionParameter(name, _promoted(kinds.get(name, whole), parser.abi)) for name in names)


def _promoted(kind: CType, abi: DataModel) -> CType:
    """What the default argument promotions make of it (6.5.2.2)."""
    if isinstance(kind, FunctionType):
        return Pointer(kind)
    if isinstance(kind, (Integer, Enumeration)) and kind.size < 4:
        return basic_types(abi)["int",]
    if isinstance(kind, Real) and kind.size < 8:
        return basic_types(abi)["double",]
    return kind
