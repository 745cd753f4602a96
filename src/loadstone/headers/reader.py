"""A header, or a piece of one, as :class:`Declarations`: preprocessed, parsed, with constants worked out.

A declaration in the text at hand that cannot be understood is an error at once; one in a header that is read from a
file is listed with file, line and reason, and the rest is taken. Reads files, runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from types import MappingProxyType
from typing import Final

from loadstone.core.limits import MAX_HEADER_TEXT
from loadstone.errors import InvalidPrototype
from loadstone.headers.abi import DataModel, current
from loadstone.headers.basics import usual_typedefs
from loadstone.headers.cursor import Refused
from loadstone.headers.declared import DeclaredName, Specifiers, Typedef
from loadstone.headers.parser import Parser
from loadstone.headers.preprocessor import Macro, Preprocessor
from loadstone.headers.search import IncludePath
from loadstone.headers.tokens import Token, closing_brackets, literal_of
from loadstone.headers.types import (
    Array,
    Constant,
    CType,
    DataDeclaration,
    Declarations,
    Enumeration,
    FunctionType,
    Integer,
    NotTaken,
    Pointer,
    PointerConstant,
    Prototype,
    Real,
    StructOrUnion,
    TextPlace,
)
from loadstone.quick_dataclass import replace

__all__ = ["read_header", "read_text"]

_WITHOUT_SYMBOL: Final = frozenset(("static", "constexpr"))
_ADVICE: Final = "declare unknown type names first: 'typedef struct x x; ...'"


def read_text(
    text: str,
    *,
    abi: DataModel | None = None,
    include: Sequence[str] = (),
    defines: Mapping[str, str | None] | None = None,
) -> Declarations:
    """Understand declarations given as text.

    Args:
        text: as in a header; directives are carried out, the last semicolon may be left out.
        abi: the platform whose sizes hold; this one's by default.
        include: directories of ``#include``, before the system's.
        defines: macros that are defined beforehand; None undefines one of the compiler's.

    Raises:
        InvalidPrototype: it is no C, or longer than 1 MiB; with the line and column in ``text``.
        TypeError: it is no text.

    Pure but for the headers it includes; thread-safe.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"C is declared by text, as in 'int puts(const char *s)', not by {type(text).__name__}; "
            "a typedef of a namespace is called itself: names.compare(function)"
        )
    if len(text) > MAX_HEADER_TEXT:
        raise InvalidPrototype(text=text, reason=f"longer than {MAX_HEADER_TEXT} characters")
    if "\0" in text:
        raise InvalidPrototype(text=text, reason="it has a NUL in it")
    return _read(text, "", IncludePath(include), abi or current(), defines)


def read_header(
    path: str,
    *,
    abi: DataModel | None = None,
    include: Sequence[str] = (),
    defines: Mapping[str, str | None] | None = None,
) -> Declarations:
    """Read a header file as it is installed, with all that it includes.

    What it declares itself, and what the headers that belong to it do, is in the result; of system headers only what
    those need. Nothing in it makes the reading fail: see ``not_taken``.

    Raises:
        Unreadable: there is no such file.
        InvalidPrototype: it never ends: macros or includes without bounds.
    """
    where = IncludePath(include, main=path)
    return _read(where.text(path), path, where, abi or current(), defines)


def _read(
    text: str, path: str, where: IncludePath, abi: DataModel, defines: Mapping[str, str | None] | None
) -> Declarations:
    unit = Preprocessor(abi, where, dict(defines or {}))
    try:
        unit.read(text, path, None)
        unit.own.add(path)
        return _Reader(unit, text, path).read()
    except RecursionError as error:
        raise InvalidPrototype(text=text, reason="it is nested too deeply") from error


class _Reader:
    """One translation unit on its way to :class:`Declarations`."""

    def __init__(self, unit: Preprocessor, text: str, path: str) -> None:
        tokens = unit.output
        if tokens and tokens[-1].text not in (";", "}"):
            last = tokens[-1]
            tokens.append(Token("punct", ";", last.file, last.line, last.column + len(last.text), False))
        self.unit = unit
        self.text = text
        self.path = path
        self.parser = Parser(tokens, unit.abi)
        self.functions: dict[str, Prototype] = {}
        self.variables: dict[str, DataDeclaration] = {}
        self.types: dict[str, CType] = {}
        self.inline: dict[str, NotTaken] = {}
        self.not_taken: list[NotTaken] = list(unit.not_taken)
        self.enumerations: list[Enumeration] = []
        self.constants: dict[str, Constant] = {}
        self.defined: dict[str, StructOrUnion] = {}
        self.comments: dict[str, str] = {}
        self._docs = {name: _by_last_line(source.comments) for name, source in unit.sources.items() if name in unit.own}
        self._records: Mapping[str, StructOrUnion] = MappingProxyType(self.parser.records)
        self._usual = usual_typedefs(unit.abi)
        self._linkage = 0

    def read(self) -> Declarations:
        for noted in self.unit.not_taken:
            if noted.name == "#error" and noted.place.file == self.path == "":
                raise self._raised(Refused(f"#error: {noted.reason}", None), noted.place)
        parser = self.parser
        while parser.position < len(parser.tokens):
            start = parser.position
            known = len(parser.records), len(parser.enumerations), len(parser.values)
            try:
                self._external()
            except Refused as refused:
                self._note(refused, start)
                parser.position = max(parser.position, start)
                self._skip(start)
            except InvalidPrototype as error:
                self._note(Refused(error.reason, parser.tokens[start]), start)
                self._skip(start)
            self._own(start, *known)
        constants, macros = self._macros()
        return Declarations(
            MappingProxyType(self.functions),
            MappingProxyType(self.variables),
            self._records,
            MappingProxyType(self.types),
            MappingProxyType(self.constants | constants),
            tuple(self.enumerations),
            MappingProxyType(self.inline),
            MappingProxyType(macros),
            tuple(self.not_taken),
            tuple(sorted(self.unit.own)),
            MappingProxyType(self.comments),
            tuple(self.defined.values()),
        )

    # -- declarations ----------------------------------------------------------------------------------------------

    def _external(self) -> None:
        """One declaration at the outermost level."""
        parser = self.parser
        parser.pragmas()
        if parser.position >= len(parser.tokens) or parser.take(";"):
            return
        if parser.peek() == "extern" and parser.peek(1)[:1] == '"' and parser.peek(2) == "{":
            parser.position += 3
            self._linkage += 1
            return
        if parser.peek() == "}" and self._linkage:
            parser.position += 1
            self._linkage -= 1
            return
        if parser.peek() in ("_Static_assert", "static_assert", "__asm__", "asm"):
            parser.position += 1
            parser.skip_balanced()
            return
        first = parser.here()
        specifiers = parser.specifiers()
        if parser.take(";"):
            return
        while True:
            declared = parser.declarator(specifiers)
            self._declare(specifiers, declared, first)
            specifiers = self._named_now(specifiers, declared)
            if parser.peek() == "{":
                parser.skip_balanced()
                return
            if parser.take("="):
                self._skip_initialiser()
            if not parser.take(","):
                break
        parser.pragmas()
        parser.expect(";")

    def _named_now(self, specifiers: Specifiers, declared: DeclaredName) -> Specifiers:
        """The same for the next declarator: ``typedef struct { } x, *p;`` has named the struct by then."""
        kind = specifiers.type
        if "typedef" in specifiers.storage and declared.type is kind and isinstance(kind, (StructOrUnion, Enumeration)):
            return replace(specifiers, type=self.parser.typedefs[declared.name].type)
        return specifiers

    def _skip_initialiser(self) -> None:
        parser = self.parser
        while parser.peek() not in ("", ",", ";"):
            if parser.peek() in ("(", "[", "{"):
                parser.skip_balanced()
            else:
                parser.position += 1

    def _declare(self, specifiers: Specifiers, declared: DeclaredName, first: Token | None) -> None:
        name, kind, token = declared.name, declared.type, declared.token
        if not name:
            raise self.parser.unexpected()
        if "typedef" in specifiers.storage:
            self._typedef(specifiers, declared)
            return
        assert token is not None
        self.parser.typedefs.pop(name, None)
        self.parser.objects[name] = kind
        value = self._initial_value(specifiers, declared)
        if not self._is_own(token):
            return
        place = TextPlace(token.file, token.line, token.column)
        doc = self._doc(first)
        body = self.parser.peek() == "{"
        if isinstance(kind, FunctionType):
            if "static" in specifiers.storage:
                reason = "it is static: its code is in the header and the library has no symbol for it"
                self.inline[name] = NotTaken(name, place, reason)
            elif not (body and "inline" in specifiers.storage and "extern" in specifiers.storage):
                self.inline.pop(name, None)
                self.functions[name] = Prototype(name, kind, self.text, self._records, declared.label, place, doc)
        elif value is not None:
            self.constants[name] = value
        elif specifiers.storage & _WITHOUT_SYMBOL:
            self.inline[name] = NotTaken(name, place, "it is static: each program has its own, the library has none")
        else:
            if specifiers.storage & {"thread_local", "Thread_local", "thread"}:
                raise Refused(f"{name} is thread-local, and has no one address", token)
            self.variables[name] = DataDeclaration(
                name, kind, self.text, self._records, declared.const, declared.label, place, doc
            )

    def _initial_value(self, specifiers: Specifiers, declared: DeclaredName) -> Constant | None:
        """What ``static const`` or ``constexpr`` makes a constant of, in a header; None for every other declaration."""
        parser, kind = self.parser, declared.type
        const = declared.const or "constexpr" in specifiers.storage
        if not const or parser.peek() != "=" or not specifiers.storage & _WITHOUT_SYMBOL:
            return None
        if isinstance(kind, (Pointer, Array)):
            literals = list(takewhile(lambda t: t.kind == "string", islice(parser.tokens, parser.position + 1, None)))
            return literal_of(literals)[1] if literals else None
        if not isinstance(kind, (Integer, Enumeration, Real)):
            return None
        evaluator = parser.evaluator(parser.tokens, parser.position + 1)
        try:
            value = evaluator.conditional().converted(kind.size, getattr(kind, "signed", True), isinstance(kind, Real))
        except (ValueError, ArithmeticError, InvalidPrototype):
            return None
        if evaluator.peek() not in (",", ";"):
            return None
        parser.constants[declared.name] = value
        return value.number

    def _typedef(self, specifiers: Specifiers, declared: DeclaredName) -> None:
        kind, name = declared.type, declared.name
        if (
            isinstance(kind, (StructOrUnion, Enumeration))
            and not kind.alias
            and (not kind.tag or kind.tag.startswith("("))
        ):
            kind = replace(kind, alias=name)
            if isinstance(kind, StructOrUnion):
                self.parser.records[kind.key] = kind
        plain = declared.type is specifiers.type
        align = (specifiers.attributes | declared.attributes).align or (specifiers.type_align if plain else 0)
        if isinstance(kind, StructOrUnion) and kind.members is not None and specifiers.attributes.align and not align:
            align = specifiers.attributes.align
        if name in ("wchar_t", "char16_t", "char32_t") and name in self._usual:
            kind = self._usual[name]
        elif name in self._usual and declared.token is not None and not self._is_own(declared.token):
            kind = self._usual_spelling(name, kind)
        self.parser.typedefs[name] = Typedef(kind, declared.const, align, plain and specifiers.atomic)
        if declared.token is not None and self._is_own(declared.token):
            self.types[name] = kind
            self._comment(name, declared.token)

    def _usual_spelling(self, name: str, kind: CType) -> CType:
        """``size_t`` stays called so, where the system's header says the same."""
        usual = self._usual[name]
        same = getattr(usual, "size", None) == getattr(kind, "size", -1) and getattr(usual, "signed", None) == getattr(
            kind, "signed", -1
        )
        return usual if same and not isinstance(kind, StructOrUnion) else kind

    def _own(self, start: int, records: int, enumerations: int, values: int) -> None:
        """Sort what a declaration defined besides: own constants and enums are shown, those of others only known."""
        parser = self.parser
        if start >= len(parser.tokens) or not self._is_own(parser.tokens[start]):
            return
        fresh = list(islice(parser.values, values, None))
        for name in fresh:
            self.constants[name] = parser.values[name].number
        for key in islice(parser.records, records, None):
            self.defined[key] = parser.records[key]
            self._comment(key, parser.tokens[start])
        noted = len(self.enumerations)
        for tag in islice(parser.enumerations, enumerations, None):
            self.enumerations.append(parser.enumerations[tag])
            self._comment(f"enum {tag}", parser.tokens[start])
        if fresh and not any(set(fresh) & {n for n, _ in e.values} for e in self.enumerations[noted:]):
            end = min(parser.position, len(parser.tokens))
            last = parser.tokens[end - 2].text if end - start > 2 else ""
            named = self.types.get(last)
            pairs = tuple((name, int(parser.values[name].number)) for name in fresh)
            self.enumerations.append(named if isinstance(named, Enumeration) else Enumeration("", pairs))

    # -- what cannot be taken --------------------------------------------------------------------------------------

    def _note(self, refused: Refused, start: int) -> None:
        token = refused.token or self.parser.tokens[min(start, len(self.parser.tokens) - 1)]
        place = TextPlace(token.file, token.line, token.column)
        if token.file == self.path == "":
            raise self._raised(refused, place) from refused
        if token.file in self.unit.own:
            self.not_taken.append(NotTaken(self._named(start), place, str(refused)))

    def _raised(self, refused: Refused, place: TextPlace) -> InvalidPrototype:
        return InvalidPrototype(
            text=self.text,
            reason=str(refused) or "it is not a C declaration",
            line=place.line,
            column=place.column,
            advice=refused.advice or _ADVICE,
        )

    def _named(self, start: int) -> str:
        """The name a declaration seems to declare: before its first parenthesis, or the last one."""
        name = ""
        for token in self.parser.tokens[start : start + 200]:
            if token.text in ("(", ";", "=", "{"):
                if name:
                    return name
            elif token.kind == "name":
                name = token.text
        return name

    def _skip(self, start: int) -> None:
        """Go behind the declaration that began at ``start``: its semicolon, or the body of a function."""
        parser = self.parser
        parser.position = start
        before = ""
        while parser.position < len(parser.tokens):
            text = parser.peek()
            if text == ";":
                parser.position += 1
                return
            if text in ("(", "[", "{"):
                try:
                    parser.skip_balanced()
                except Refused:
                    return
                if text == "{" and before == ")":
                    return
                before = ")" if text == "(" else ""
            else:
                if text == "}" and self._linkage and parser.position > start:
                    return
                if parser.kind() == "name" and before != ")":
                    before = ""
                parser.position += 1

    # -- macros ----------------------------------------------------------------------------------------------------

    def _macros(self) -> tuple[dict[str, Constant], dict[str, NotTaken]]:
        constants: dict[str, Constant] = {}
        others: dict[str, NotTaken] = {}
        for macro in self.unit.user_macros():
            if macro.place.file not in self.unit.own or macro.name in self.constants:
                continue
            if macro.parameters is not None:
                if macro.name not in self.functions:
                    others[macro.name] = NotTaken(macro.name, macro.place, "it is a macro that takes arguments")
                continue
            try:
                value = self._constant(macro)
            except (ValueError, ArithmeticError, InvalidPrototype) as error:
                reason = error.reason if isinstance(error, InvalidPrototype) else str(error)
                others[macro.name] = NotTaken(macro.name, macro.place, f"it is not a constant: {reason}")
                continue
            if value is not None:
                constants[macro.name] = value
        return constants, others

    def _constant(self, macro: Macro) -> Constant | None:
        """What an object-like macro stands for; None when for a function, a type, or nothing. Raises ValueError."""
        placed = self.unit.placed
        tokens = [t for t in self.unit.expand(macro.body) if t.kind != "pragma"]
        if self.unit.placed != placed:
            raise ValueError("its value depends on where it is used")
        tokens = _unwrapped(tokens)
        if not tokens:
            return None
        if len(tokens) == 1 and tokens[0].text in self.functions:
            real = self.functions[tokens[0].text]
            self.functions.setdefault(macro.name, replace(real, name=macro.name, symbol=real.symbol or real.name))
            return None
        if all(t.kind == "string" for t in tokens):
            return literal_of(tokens)[1]
        pointer = self._pointer_constant(tokens)
        if pointer is not None:
            return pointer
        parser = self.parser.beside(tokens)
        if parser.starts_type():
            kind = parser.type_name().type
            if parser.position == len(tokens) and tokens[0].text not in ("const", "extern", "static", "inline"):
                self.types.setdefault(macro.name, kind)
            return None
        return parser.evaluator(tokens).whole().number

    def _pointer_constant(self, tokens: list[Token]) -> PointerConstant | None:
        parser = self.parser.beside(tokens)
        if not parser.take("(") or not parser.starts_type():
            return None
        kind = parser.type_name().type
        if not isinstance(kind, Pointer) or not parser.take(")"):
            return None
        number = int(parser.evaluator(tokens, parser.position).whole().number)
        return PointerConstant(kind, number & ((1 << 8 * self.unit.abi.pointer) - 1))

    # -- places ----------------------------------------------------------------------------------------------------

    def _is_own(self, token: Token) -> bool:
        return token.file in self.unit.own

    def _comment(self, name: str, token: Token) -> None:
        doc = self._doc(token)
        if doc:
            self.comments.setdefault(name, doc)

    def _doc(self, first: Token | None) -> str:
        """The comment that ends on the line before a declaration begins."""
        if first is None or first.file not in self._docs:
            return ""
        return self._docs[first.file].get(first.line - 1, "")


def _unwrapped(tokens: list[Token]) -> list[Token]:
    """Without the parentheses around the whole, and without ``__extension__``, which says nothing."""
    closing = closing_brackets(tokens)
    first, last = 0, len(tokens) - 1
    while last - first > 1:
        if tokens[first].text == "(" and closing.get(first) == last:
            first, last = first + 1, last - 1
        elif tokens[first].text == "__extension__":
            first += 1
        else:
            break
    return tokens[first : last + 1]


_MARKS: Final = re.compile(r"^\s*(?:/\*+[!<]?|//+[!<]?|\*+/?)|\*+/\s*$", re.MULTILINE)


def _by_last_line(comments: list[tuple[int, int, str]]) -> dict[int, str]:
    """Comments without their marks, by the line they end on; lines of ``//`` in a row are one."""
    return dict(_joined(comments))


def _joined(comments: list[tuple[int, int, str]]) -> Iterator[tuple[int, str]]:
    lines: list[str] = []
    last = -1
    for first, end, text in comments:
        plain = "\n".join(line.strip() for line in _MARKS.sub("", text).strip().splitlines()).strip()
        lines = [*lines, plain] if text.startswith("//") and first == last + 1 else [plain]
        last = end
        yield end, "\n".join(lines)
