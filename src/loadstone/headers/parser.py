"""C declarations as types: specifiers and declarators. Source: ISO C17 6.7, GCC's extensions to it.

A recursive descent over tokens that the preprocessor made. Bodies and initialisers are skipped. A declaration that
cannot be taken raises :class:`Refused` with the token where that was seen; ``reader.py`` notes it, and goes on behind.
What the descent meets on its way is in files of its own: records, enumerations, parameters, attributes, operands.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadstone.core.limits import MAX_TYPE_DEPTH, MAX_TYPE_PARTS
from loadstone.headers.abi import DataModel
from loadstone.headers.attributes import CONVENTION_WORDS, Attributes, attributes_here, convention_of
from loadstone.headers.basics import TYPE_WORDS, basic_types, usual_typedefs
from loadstone.headers.cursor import Refused, TokenCursor
from loadstone.headers.declared import (
    ATTRIBUTES,
    CONST,
    QUALIFIERS,
    RECORDS,
    STORAGE,
    DeclaredName,
    Specifiers,
    Typedef,
)
from loadstone.headers.enumerations import enumeration
from loadstone.headers.expressions import ConstantEvaluator, Value
from loadstone.headers.layout import Layouts
from loadstone.headers.operands import Operands, designated
from loadstone.headers.parameters import parameter_list
from loadstone.headers.pragmas import LayoutPragmas
from loadstone.headers.records import record
from loadstone.headers.tokens import Token
from loadstone.headers.types import (
    Array,
    CType,
    Enumeration,
    FunctionParameter,
    FunctionType,
    Integer,
    Pointer,
    Real,
    StructOrUnion,
    Void,
)
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["Parser"]


@dataclass(frozen=True, slots=True)
class _Extent:
    """How deep a type is nested, and how many types it is made of when it is written out."""

    depth: int
    parts: int


class Parser(TokenCursor):
    """The declarations of one translation unit. What they define is kept here for those that follow.

    Args:
        tokens: of the preprocessor.
        abi: whose sizes hold.
    """

    def __init__(self, tokens: Sequence[Token], abi: DataModel) -> None:
        super().__init__(tokens)
        self.abi = abi
        self.typedefs: dict[str, Typedef] = {name: Typedef(kind) for name, kind in usual_typedefs(abi).items()}
        self.records: dict[str, StructOrUnion] = {}
        self.enumerations: dict[str, Enumeration] = {}
        self.values: dict[str, Value] = {}
        self.constants: dict[str, Value] = {}
        self.objects: dict[str, CType] = {}
        self.layout_pragmas: LayoutPragmas = LayoutPragmas()
        self._unnamed = 0
        self._in_parameters = 0
        self._layouts = Layouts(self.records, abi)
        self._extents: dict[int, tuple[CType, _Extent]] = {}  # by id; the type is kept so that the id stays its own

    # -- pragmas ---------------------------------------------------------------------------------------------------

    def pragmas(self) -> None:
        """Take pragmas that stand here, and follow those about layout."""
        while self.kind() == "pragma":
            try:
                self.layout_pragmas.follow(self.peek())
            except ValueError as error:
                raise Refused(str(error), self.here()) from error
            self.position += 1

    # -- specifiers ------------------------------------------------------------------------------------------------

    def starts_type(self) -> bool:
        """Whether the next token can begin a declaration."""
        text = self.peek()
        return self.kind() == "name" and (
            text in self.typedefs
            or text in TYPE_WORDS
            or text in RECORDS
            or text in QUALIFIERS
            or text in STORAGE
            or text in ATTRIBUTES
            or text in ("enum", "_Atomic", "typeof", "__typeof__", "__typeof", "__builtin_va_list")
        )

    def specifiers(self) -> Specifiers:
        """Storage, qualifiers, attributes and the type, in any order."""
        words: list[str] = []
        storage: set[str] = set()
        const, atomic, type_align = False, False, 0
        found: CType | None = None
        attributes = Attributes()
        while True:
            self.pragmas()
            text, kind = self.peek(), self.kind()
            if kind == "punct" and text == "[" and self.peek(1) == "[":
                attributes |= self.attributes()[0]
            elif kind != "name":
                break
            elif text in ATTRIBUTES:
                attributes |= self.attributes()[0]
            elif text in CONVENTION_WORDS:
                attributes |= Attributes(convention=CONVENTION_WORDS[text])
                self.position += 1
            elif text in STORAGE:
                storage.add(text.strip("_"))
                self.position += 1
                if text == "extern" and self.kind() == "string":
                    self.position += 1
            elif text in QUALIFIERS:
                const = const or text in CONST
                self.position += 1
            elif text in TYPE_WORDS and (text not in self.typedefs or found is None):
                words.append({"__signed__": "signed", "__signed": "signed"}.get(text, text))
                self.position += 1
            elif words or found is not None:
                break
            elif text in RECORDS:
                found = record(self)
            elif text == "enum":
                found = enumeration(self)
            elif text in ("_Atomic", "typeof", "__typeof__", "__typeof", "typeof_unqual"):
                atomic = atomic or text == "_Atomic"
                found, inner = self._in_parentheses(text)
                const = const or inner
            elif text in self.typedefs:
                named = self.typedefs[text]
                found, const, type_align = named.type, const or named.const, named.align
                atomic = atomic or named.atomic
                self.position += 1
            else:
                break
        kind_found = found if found is not None else self._basic(words)
        if attributes.mode is not None:
            kind_found = self._with_mode(kind_found, attributes.mode)
        if atomic:
            type_align = max(type_align, self._atomic_align(kind_found))
        return Specifiers(kind_found, frozenset(storage), const, attributes, type_align, atomic)

    def _atomic_align(self, kind: CType) -> int:
        """The alignment of ``_Atomic`` objects, where it is more than the type's own: GCC aligns them to their size."""
        unknown = isinstance(kind, StructOrUnion) and self._layouts.whole(kind) is None
        if unknown or isinstance(kind, (Void, FunctionType)):
            return 0
        size, align = self._layouts.measure(kind)
        return size if size in (2, 4, 8, 16) and size > min(align, self.abi.member_align) else 0

    def _in_parentheses(self, word: str) -> tuple[CType | None, bool]:
        """``_Atomic(type)`` and ``typeof(type)``; ``_Atomic`` alone is a qualifier."""
        self.position += 1
        if self.peek() != "(" and word == "_Atomic":
            return None, False
        self.expect("(")
        if word != "_Atomic" and not self.starts_type():
            kind = self._type_of_expression()
            self.expect(")")
            return kind, False
        named = self.type_name()
        self.expect(")")
        return named.type, named.const and word != "typeof_unqual"

    def _type_of_expression(self) -> CType:
        """What ``typeof`` says of a declared name, of what is reached from it, or of a constant."""
        token = self.here()
        found = designated(self)
        if found is not None and self.peek() == ")":
            return found.type
        self.position -= 0 if found is None else found.tokens
        value = self.expression()
        words = ("int",) if value.size <= 4 else ("long",) if value.size == self.abi.long else ("long", "long")
        if value.floating:
            words = {4: ("float",), 8: ("double",)}.get(value.size, ("double", "long"))
        kind = basic_types(self.abi).get(words if value.signed else tuple(sorted((*words, "unsigned"))))
        if kind is None or value.size not in (4, 8, self.abi.long_double[0]):
            raise Refused("typeof of an expression that has no common type", token)
        return kind

    def _basic(self, words: list[str]) -> CType:
        if not words:
            if self.kind() == "name":
                raise Refused(
                    f"the type {self.peek()} is not known",
                    self.here(),
                    advice="declare unknown type names first: 'typedef struct x x; ...'",
                )
            raise self.unexpected("declare unknown type names first: 'typedef struct x x; ...'")
        found = basic_types(self.abi).get(tuple(sorted(words)))
        if found is None:
            raise Refused(f"the type {' '.join(words)} is not known", self.here())
        return found

    def _with_mode(self, kind: CType, size: int) -> CType:
        if isinstance(kind, Integer):
            return Integer(size, kind.signed, f"{'' if kind.signed else 'u'}int{8 * size}_t")
        if isinstance(kind, Real) and size in (4, 8):
            return Real(size, "float" if size == 4 else "double")
        raise Refused("the attribute mode is not supported on this type", self.here())

    def attributes(self) -> tuple[Attributes, str]:
        """Attributes that stand here, and an ``asm`` label among them."""
        return attributes_here(self)

    # -- structs ---------------------------------------------------------------------------------------------------

    def new_tag(self) -> str:
        """A tag for a struct or union without one; none in C can be the same."""
        self._unnamed += 1
        return f"(unnamed {self._unnamed})"

    def layouts(self) -> Layouts:
        """Sizes by what is known so far."""
        return self._layouts

    # -- declarators -----------------------------------------------------------------------------------------------

    def declarator(self, specifiers: Specifiers) -> DeclaredName:
        """A declarator, with or without a name, over the type of its specifiers."""
        made = self._declarator(specifiers.type, specifiers.const, specifiers.attributes)
        attributes, label = self.attributes()
        kind = made.type
        together = specifiers.attributes | made.attributes | attributes
        if together.convention:
            kind = self._conventional(kind, convention_of(together, self.abi.name))
        if attributes.mode is not None:
            kind = self._with_mode(kind, attributes.mode)
        self._bounded(kind)
        return DeclaredName(made.name, kind, made.const, made.attributes | attributes, label, made.token)

    def _bounded(self, kind: CType) -> _Extent:
        """The extent of a type, through typedefs and members too; no larger than what reads it can follow."""
        known = self._extents.get(id(kind))
        if known is not None:
            return known[1]
        inside = [self._bounded(part) for part in _parts(kind)]
        named = isinstance(kind, StructOrUnion)  # written by its name, whatever its members are
        made = _Extent(
            depth=1 + max((part.depth for part in inside), default=0),
            parts=1 if named else 1 + sum(part.parts for part in inside),
        )
        if made.depth > MAX_TYPE_DEPTH:
            raise Refused("it is nested too deeply", self.here())
        if made.parts > MAX_TYPE_PARTS:
            raise Refused(f"it is made of more than {MAX_TYPE_PARTS} types", self.here())
        self._extents[id(kind)] = kind, made
        return made

    def type_name(self) -> DeclaredName:
        """A type as in a cast."""
        return self.declarator(self.specifiers())

    def _conventional(self, kind: CType, convention: str) -> CType:
        """The convention goes to the function that is declared or pointed to."""
        if isinstance(kind, FunctionType):
            return replace(kind, convention=convention)
        if isinstance(kind, Pointer):
            return replace(kind, target=self._conventional(kind.target, convention))
        return kind

    def _declarator(self, base: CType, const: bool, attributes: Attributes) -> DeclaredName:
        said = Attributes()
        while True:
            if self.peek() in ("*", "^"):
                self.position += 1
                base, const = Pointer(base, const), False
            elif self.peek() in QUALIFIERS or self.peek() == "_Atomic":
                const = const or self.peek() in CONST
                self.position += 1
            elif self.peek() in ATTRIBUTES or self.peek() in CONVENTION_WORDS:
                said |= self.attributes()[0]
            else:
                break
        if self.peek() == "(" and self._nests():
            start = self.position
            self.skip_balanced()
            kind, constant = self._suffixes(base, const)
            end, self.position = self.position, start + 1
            inner = self._declarator(kind, constant, attributes)
            self.attributes()
            self.expect(")")
            self.position = end
            convention = (said | inner.attributes).convention
            kind = (
                self._conventional(inner.type, convention_of(inner.attributes, self.abi.name))
                if convention
                else inner.type
            )
            return replace(inner, type=kind, attributes=said | inner.attributes)
        name, token = "", self.here()
        if self.kind() == "name" and self.peek() not in ATTRIBUTES:
            name = self.peek()
            self.position += 1
        if self.peek() == "[" and self.peek(1) == "[":
            said |= self.attributes()[0]
        kind, constant = self._suffixes(base, const)
        return DeclaredName(name, kind, constant, said, token=token)

    def _nests(self) -> bool:
        """Whether the parenthesis begins a declarator and no parameter list."""
        following = self.peek(1)
        if following in ("*", "^", "(", "[") or following in ATTRIBUTES or following in CONVENTION_WORDS:
            return True
        at = self.position + 1
        is_name = at < len(self.tokens) and self.tokens[at].kind == "name"
        known = following in self.typedefs or following in TYPE_WORDS or following in RECORDS
        return (
            is_name and not known and following not in QUALIFIERS and following not in ("enum", "_Atomic", "register")
        )

    def _suffixes(self, base: CType, const: bool) -> tuple[CType, bool]:
        """Parameter lists and array lengths behind a name, applied from the last one inwards."""
        if self.peek() == "(":
            token = self.here()
            parameters, variadic = self._parameters()
            result, _ = self._suffixes(base, const)
            if isinstance(result, (Array, FunctionType)):
                raise Refused("a function cannot return an array or a function", token)
            return FunctionType(result, parameters, variadic), False
        if self.peek() == "[" and self.peek(1) != "[":
            token = self.here()
            length, static = self._length()
            element, element_const = self._suffixes(base, const)
            if self._in_parameters and isinstance(element, Array) and element.length is None:
                length = f"( {length} ) * ( {element.variable} )" if length and element.variable else None
                element = element.element  # rows whose length the call says: the items lie one behind the other
            if isinstance(element, (FunctionType, Void)) or (isinstance(element, Array) and element.length is None):
                raise Refused(f"an array of {element}", token)
            if isinstance(length, str):
                return Array(element, None, static, element_const, length), element_const
            return Array(element, length, static and length is not None, element_const), element_const
        return base, const

    def _length(self) -> tuple[int | str | None, bool]:
        """The length in brackets, an expression where only a call says it, None for an open one; and ``static``."""
        self.expect("[")
        token, static = self.here(), False
        while self.peek() in QUALIFIERS or self.peek() == "static":
            static = static or self.peek() == "static"
            self.position += 1
        if self.take("]"):
            return None, False
        if self.peek() == "*" and self.peek(1) == "]":
            self.position += 2
            return None, False
        if self._in_parameters:
            length = self._number_or_variable()
            if isinstance(length, str):
                return length, static
        else:
            length = self.number()
        if length < 0:
            raise Refused("an array of negative length", token)
        self.expect("]")
        return length, static

    def _number_or_variable(self) -> int | str:
        """The length of a parameter's array; its words, and past the bracket, where only the call says it: ``a[n]``."""
        before = self.position
        try:
            return self.number()
        except Refused:
            self.position = before
            depth = 1
            while depth and self.position < len(self.tokens):
                depth += {"[": 1, "]": -1}.get(self.peek(), 0)
                self.position += 1
            if depth:
                raise
            words = (token.text for token in self.tokens[before : self.position - 1])
            return " ".join(str(int(known.number)) if (known := self.value_of(word)) else word for word in words)

    def _parameters(self) -> tuple[tuple[FunctionParameter, ...], bool]:
        """What stands in the parentheses behind a function's name."""
        self._in_parameters += 1
        try:
            return parameter_list(self)
        finally:
            self._in_parameters -= 1

    # -- constant expressions --------------------------------------------------------------------------------------

    def evaluator(self, tokens: Sequence[Token], position: int = 0) -> ConstantEvaluator:
        """For an expression in these tokens, with everything known here."""
        return ConstantEvaluator(tokens, self.abi, position, name=self.value_of, special=Operands(self).take)

    def expression(self) -> Value:
        """A constant expression that stands here."""
        token = self.here()
        evaluator = self.evaluator(self.tokens, self.position)
        try:
            value = evaluator.conditional()
        except Refused:
            raise
        except (ValueError, ArithmeticError) as error:
            at = min(evaluator.position, len(self.tokens) - 1)
            raise Refused(
                f"an expression that is not a simple constant: {error}", self.tokens[at] if at >= 0 else token
            ) from error
        self.position: int = evaluator.position
        return value

    def number(self) -> int:
        """A constant expression that is an integer."""
        token = self.here()
        value = self.expression()
        if value.floating:
            raise Refused("a number that is not an integer", token)
        return int(value.number)

    def value_of(self, name: str) -> Value | None:
        """What a name stands for in a constant expression: an enumerator, or a constant object."""
        return self.values.get(name) or self.constants.get(name)

    def beside(self, tokens: Sequence[Token], position: int = 0) -> Parser:
        """A parser for other tokens with everything this one knows."""
        made = Parser.__new__(Parser)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(tokens=tokens, position=position)
        if tokens is not self.tokens:
            made.__dict__.update(_closing=None)
        return made


def _parts(kind: CType) -> tuple[CType, ...]:
    """The types that a type is made of."""
    match kind:
        case Pointer():
            return (kind.target,)
        case Array():
            return (kind.element,)
        case FunctionType():
            return (kind.result, *(parameter.type for parameter in kind.parameters))
        case StructOrUnion():
            return tuple(member.type for member in kind.members or ())
    return ()
