"""The C preprocessor: includes, conditionals, macros. LogicalSource: ISO C17 6.10, and GCC where headers need it.

It reads files and runs nothing. What cannot be followed (an ``#error``, a header that is not there) is noted with its
place and does not end the reading. Nesting, files and tokens are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from loadstone.core.limits import MAX_HEADER_TOKENS, MAX_INCLUDE_DEPTH, MAX_TOKENS_PER_CHARACTER, MIN_MACRO_TOKENS
from loadstone.errors import InvalidPrototype
from loadstone.headers.abi import DataModel
from loadstone.headers.expressions import ConstantEvaluator
from loadstone.headers.predefined import OPERATORS, OWN_HEADERS, has_attribute, has_builtin, macros
from loadstone.headers.search import FoundHeader, IncludePath
from loadstone.headers.tokens import LogicalSource, Token, split, tokens_of
from loadstone.headers.types import NotTaken, TextPlace
from loadstone.quick_dataclass import dataclass, field

__all__ = ["Macro", "Preprocessor"]


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its replacement and, of one like a function, its parameters (``...`` is called ``__VA_ARGS__``)."""

    name: str
    body: tuple[Token, ...]
    parameters: tuple[str, ...] | None = None
    variadic: bool = False
    place: TextPlace = field(default=TextPlace())


_DIRECTIVE: Final = re.compile(r"\s*(?:#|%:)\s*(\w*)")
_OF_THE_PLACE: Final = ("__FILE__", "__LINE__", "__COUNTER__")
_CONDITIONALS: Final = frozenset(("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"))
_KEPT_PRAGMAS: Final = ("pack", "ms_struct", "GCC", "scalar_storage_order")
_KEPT_FIRST: Final = [[word] for word in _KEPT_PRAGMAS]
_FIRST_WORD: Final = re.compile(r"\w+")
_HIDDEN_A_TOKEN: Final = 16
"""Each token has a set of what made it: so many names in it cost as much as a token, where macros nest deeply."""


class Preprocessor:
    """One translation unit on its way from text to tokens.

    Args:
        abi: whose macros are there from the start.
        path: where headers are looked for.
        defines: further macros; a value None takes one of the first away.

    ``output`` has the tokens, ``macros`` what is defined at the end, ``not_taken`` what could not be followed,
    ``sources`` every file read, with its comments, ``own`` those that belong to the first.
    """

    def __init__(self, abi: DataModel, path: IncludePath, defines: dict[str, str | None] | None = None) -> None:
        self.abi = abi
        self.path = path
        self.macros: dict[str, Macro] = {}
        self.output: list[Token] = []
        self.not_taken: list[NotTaken] = []
        self.sources: dict[str, LogicalSource] = {}
        self.own: set[str] = set()
        self._once: set[str] = set()
        self._depth = 0
        self._made = 0
        self._may_make = MIN_MACRO_TOKENS
        self._counter = 0
        for name, body in (macros(abi) | (defines or {})).items():
            if body is None:
                self.macros.pop(name, None)
            else:
                self.macros[name] = Macro(name, tuple(tokens_of(body, "", 0)), place=TextPlace("<predefined>"))
        self.placed: int = 0
        """How many words were replaced so far by what depends on the place where they stand."""
        self._first = dict(self.macros)

    # -- files -----------------------------------------------------------------------------------------------------

    def read(self, text: str, name: str, found: FoundHeader | None = None) -> None:
        """Read a file's text; its tokens are appended to :attr:`output`.

        Raises:
            InvalidPrototype: it makes more tokens than any header has.
        """
        source = self.sources.get(name) or split(text, name)
        if source.open_comment:
            self.note("#error", TextPlace(name, *source.open_comment), "a comment that is never closed")
        self.sources[name] = source
        self._may_make = min(self._may_make + MAX_TOKENS_PER_CHARACTER * len(text), MAX_HEADER_TOKENS)
        if found is None:
            self.own.add(name)
        _File(self, source, found).run()

    def include(self, name: str, quoted: bool, file: _File, place: TextPlace, *, after: bool = False) -> None:
        """Read the header of that name, unless it asked to be read once and has been."""
        own = OWN_HEADERS.get(name)
        if own is not None:
            self._guarded(name, lambda: self.read(own, f"<{name}>", FoundHeader(f"<{name}>", "", system=True)))
            return
        found = self.path.find(name, file.found, quoted=quoted, after=after, beside=file.source.name)
        if found is None:
            self.note(f'#include "{name}"', place, "there is no such header on the include path")
            return
        if found.path in self._once:
            return
        if (quoted and file.source.name in self.own) or self.path.is_own(found.path):
            self.own.add(found.path)
        again = found.path in self.sources
        text = "" if again else self.path.text(found.path)
        before = len(self.output)
        self._guarded(name, lambda: self.read(text, found.path, found))
        if again and file.source.name in self.own and len(self.output) > before:
            self.own.add(found.path)  # no guard: a list that its includer reads again with other macros, as math.h does

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        if self._depth >= MAX_INCLUDE_DEPTH:
            raise InvalidPrototype(text=name, reason=f"headers include one another more than {MAX_INCLUDE_DEPTH} deep")
        self._depth += 1
        try:
            work()
        finally:
            self._depth -= 1

    def once(self, name: str) -> None:
        """``#pragma once``."""
        self._once.add(name)

    def is_defined(self, name: str) -> bool:
        """What ``defined`` says; of those that are no macro to be replaced, too (ISO C23 6.10.2)."""
        return name in self.macros or name in OPERATORS or name in _OF_THE_PLACE

    def note(self, name: str, place: TextPlace, reason: str) -> None:
        """Something could not be followed."""
        self.not_taken.append(NotTaken(name, place, reason))

    def user_macros(self) -> Iterable[Macro]:
        """What the files defined, and not the compiler."""
        return (m for name, m in self.macros.items() if self._first.get(name) is not m)

    # -- macros ----------------------------------------------------------------------------------------------------

    def expand(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens with every macro replaced (6.10.3), by Prosser's algorithm: each token knows what made it."""
        out: list[Token] = []
        stack = list(reversed(tokens))
        table = self.macros
        while stack:
            token = stack.pop()
            if token.kind != "name" or token.text in token.hidden:
                out.append(token)
                continue
            macro = table.get(token.text)
            if macro is None:
                made = self._builtin(token, stack)
                if made is None:
                    out.append(token)
                else:
                    stack.extend(reversed(made))
                continue
            if macro.parameters is None:
                hidden = token.hidden | {macro.name}
                replaced = self._substituted(macro, (), hidden, token)
            else:
                arguments = _arguments(stack, macro)
                if arguments is None:
                    out.append(token)
                    self._count(len(stack) if stack and stack[-1].text == "(" else 0)  # all of them were looked at
                    continue
                hidden = (token.hidden & arguments[1]) | {macro.name}
                replaced = self._substituted(macro, arguments[0], hidden, token)
            self._count(len(replaced) * (1 + len(hidden) // _HIDDEN_A_TOKEN))
            stack.extend(reversed(replaced))
        self._count(len(out))
        return out

    def _count(self, made: int) -> None:
        self._made += made
        if self._made > self._may_make:
            raise InvalidPrototype(
                text="the header", reason=f"its macros make more than {self._may_make} tokens", advice="cut it down"
            )

    def _builtin(self, token: Token, stack: list[Token]) -> list[Token] | None:
        self.placed += token.text in _OF_THE_PLACE
        if token.text == "__LINE__":
            return [_like(token, "number", str(token.line))]
        if token.text == "__FILE__":
            return [_like(token, "string", f'"{token.file}"')]
        if token.text == "__COUNTER__":
            self._counter += 1
            return [_like(token, "number", str(self._counter - 1))]
        if token.text == "_Pragma" and stack and stack[-1].text == "(":
            stack.pop()
            said = stack.pop().text[1:-1] if stack else ""
            if stack:
                stack.pop()
            said = said.replace('\\"', '"').replace("\\\\", "\\")  # C17 6.10.9: the literal is destringized
            return [_like(token, "pragma", said)] if _FIRST_WORD.findall(said)[:1] in _KEPT_FIRST else []
        return None

    def _substituted(
        self, macro: Macro, arguments: Sequence[list[Token]], hidden: frozenset[str], at: Token
    ) -> list[Token]:
        """The replacement with arguments in their places, ``#`` and ``##`` carried out, all of it hidden."""
        given = dict(zip(macro.parameters or (), arguments, strict=False))
        expanded: dict[str, list[Token]] = {}
        out: list[Token] = []
        body, index = macro.body, 0
        paste = False
        while index < len(body):
            token = body[index]
            index += 1
            if token.text == "##" and out is not None and index < len(body) and macro.body[0] is not token:
                paste = True
                continue
            following = body[index].text if index < len(body) else ""
            if token.text == "#" and following in given and macro.parameters is not None:
                piece = [_like(at, "string", _stringed(given[following]))]
                index += 1
            elif token.text == "__VA_OPT__" and following == "(" and macro.variadic:
                end = _closing(body, index)
                piece = list(body[index + 1 : end]) if given.get("__VA_ARGS__") else []
                index = end + 1
            elif token.kind == "name" and token.text in given:
                if paste or following == "##":
                    piece = list(given[token.text])
                else:
                    if token.text not in expanded:
                        expanded[token.text] = self.expand(given[token.text])
                    piece = _spaced_as(token, expanded[token.text])
            else:
                piece = [token]
            if paste:
                paste = False
                _pasted(out, piece, comma_swallowed=macro.variadic and token.text == "__VA_ARGS__")
            else:
                out.extend(piece)
        made = [
            Token(t.kind, t.text, at.file, at.line, at.column, t.spaced, t.hidden | hidden if t.hidden else hidden)
            for t in out
        ]
        return _spaced_as(at, made)


class _File:
    """One file being read: its conditionals, and the run of text lines since the last directive."""

    def __init__(self, unit: Preprocessor, source: LogicalSource, found: FoundHeader | None) -> None:
        self.unit = unit
        self.source = source
        self.found = found
        self.run_of: list[Token] = []
        self.states: list[tuple[bool, bool, int]] = []  # (this branch is read, one was, line of the #if)
        self.active: bool = True

    def run(self) -> None:
        name = self.source.name
        for number, line in enumerate(self.source.lines, 1):
            if not line or line.isspace():
                continue
            match = _DIRECTIVE.match(line)
            if match is None:
                if self.active:
                    self.run_of.extend(tokens_of(line, name, number))
            elif self.active or match[1] in _CONDITIONALS:
                self._flush()
                self._directive(match[1], line[match.end() :], number)
        self._flush()
        if self.states:
            self.unit.note("#if", TextPlace(name, self.states[-1][2], 1), "it has no #endif")

    def _flush(self) -> None:
        if self.run_of:
            self.unit.output.extend(self.unit.expand(self.run_of))
            self.run_of = []

    def _directive(self, word: str, rest: str, number: int) -> None:
        place = TextPlace(self.source.name, number, 1)
        tokens = tokens_of(rest, self.source.name, number)
        if word in _CONDITIONALS:
            self._conditional(word, tokens, place)
        elif word == "define":
            self._define(tokens, place)
        elif word == "undef" and tokens:
            self.unit.macros.pop(tokens[0].text, None)
        elif word in ("include", "include_next", "import"):
            self._include(rest.strip(), tokens, place, after=word == "include_next")
        elif word == "pragma":
            self._pragma(rest.strip(), tokens, place)
        elif word == "error":
            self.unit.note("#error", place, rest.strip() or "no reason is given")

    # -- conditionals ----------------------------------------------------------------------------------------------

    def _conditional(self, word: str, tokens: list[Token], place: TextPlace) -> None:
        if word in ("if", "ifdef", "ifndef"):
            taken = self.active and self._condition(word, tokens, place)
            self.states.append((taken, taken, place.line))
        elif not self.states:
            self.unit.note(f"#{word}", place, "it has no #if")
            return
        elif word == "endif":
            self.states.pop()
        else:
            _, before, line = self.states.pop()
            outer = self._branch_is_read()
            taken = outer and not before and (word == "else" or self._condition(word.removeprefix("el"), tokens, place))
            self.states.append((taken, before or taken, line))
        self.active = self._branch_is_read()

    def _branch_is_read(self) -> bool:
        """Whether the innermost branch is read; one is only where those around it are."""
        return not self.states or self.states[-1][0]

    def _condition(self, word: str, tokens: list[Token], place: TextPlace) -> bool:
        if word in ("ifdef", "ifndef"):
            return bool(tokens) and self.unit.is_defined(tokens[0].text) is (word == "ifdef")
        try:
            return bool(ConstantEvaluator(self._defined(tokens), self.unit.abi, widest=True).whole().number)
        except (ValueError, ArithmeticError) as error:
            self.unit.note("#if", place, str(error))
            return False

    def _defined(self, tokens: list[Token]) -> list[Token]:
        """The condition with ``defined`` and ``__has_include`` answered, then macros replaced."""
        answered: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            index += 1
            if token.text == "defined":
                inside = index < len(tokens) and tokens[index].text == "("
                name = tokens[index + inside].text if index + inside < len(tokens) else ""
                index += 3 if inside else 1
                answered.append(_like(token, "number", str(int(self.unit.is_defined(name)))))
            elif token.text in ("__has_include", "__has_include_next") and index < len(tokens):
                end = _closing(tokens, index)
                name = "".join(t.text for t in tokens[index + 1 : end])
                index = end + 1
                found = name[1:-1] in OWN_HEADERS or self.unit.path.find(
                    name[1:-1], self.found, quoted=name[:1] == '"', beside=self.source.name
                )
                answered.append(_like(token, "number", str(int(bool(found)))))
            else:
                answered.append(token)
        return list(_features(self.unit.expand(answered)))

    # -- the others ------------------------------------------------------------------------------------------------

    def _define(self, tokens: list[Token], place: TextPlace) -> None:
        if not tokens or tokens[0].kind != "name":
            self.unit.note("#define", place, "it names no macro")
            return
        name, rest = tokens[0].text, tokens[1:]
        parameters: tuple[str, ...] | None = None
        variadic = False
        if rest and rest[0].text == "(" and not rest[0].spaced:
            end = _closing(rest, 0)
            words = [t.text for t in rest[1:end] if t.text != ","]
            variadic = words[-1:] == ["..."]
            if variadic:
                named = len(words) > 1 and rest[end - 2].text != ","
                words = [*words[:-2], words[-2]] if named else [*words[:-1], "__VA_ARGS__"]
            parameters, rest = tuple(words), rest[end + 1 :]
        self.unit.macros[name] = Macro(name, tuple(rest), parameters, variadic, place)

    def _include(self, rest: str, tokens: list[Token], place: TextPlace, *, after: bool) -> None:
        if rest[:1] not in ("<", '"'):
            rest = "".join((" " if t.spaced and i else "") + t.text for i, t in enumerate(self.unit.expand(tokens)))
            rest = rest.replace("< ", "<").replace(" >", ">")
        end = rest.find(">" if rest[:1] == "<" else '"', 1)
        if rest[:1] not in ("<", '"') or end < 0:
            self.unit.note("#include", place, "it names no header")
            return
        self.unit.include(rest[1:end], rest[0] == '"', self, place, after=after)

    def _pragma(self, rest: str, tokens: list[Token], place: TextPlace) -> None:
        words = rest.split()
        if words[:1] == ["once"]:
            self.unit.once(self.source.name)
        elif tokens and tokens[0].text in _KEPT_PRAGMAS:
            text = "".join((" " if t.spaced and i else "") + t.text for i, t in enumerate(self.unit.expand(tokens)))
            self.unit.output.append(Token("pragma", text, place.file, place.line, 1, True))


def _like(token: Token, kind: str, text: str) -> Token:
    return Token(kind, text, token.file, token.line, token.column, token.spaced, token.hidden)


def _spaced_as(replaced: Token, tokens: Sequence[Token]) -> list[Token]:
    """What takes the place of a token has white space before it where that had: ``#`` shows it."""
    made = list(tokens)
    if made and made[0].spaced != replaced.spaced:
        first = made[0]
        made[0] = Token(first.kind, first.text, first.file, first.line, first.column, replaced.spaced, first.hidden)
    return made


def _features(tokens: list[Token]) -> Iterator[Token]:
    """The condition with ``__has_attribute`` and ``__has_builtin`` answered, which macros may expand to."""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.text in ("__has_attribute", "__has_builtin") and tokens[index : index + 1] != []:
            end = _closing(tokens, index)
            name = "".join(t.text for t in tokens[index + 1 : end])
            index = end + 1
            known = has_attribute(name) if token.text == "__has_attribute" else has_builtin(name)
            yield _like(token, "number", str(int(known)))
        else:
            yield token


def _closing(tokens: Sequence[Token], index: int) -> int:
    """Where the parenthesis at ``index`` closes; the last token when it never does."""
    depth = 0
    for at in range(index, len(tokens)):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        if not depth:
            return at
    return len(tokens) - 1


def _arguments(stack: list[Token], macro: Macro) -> tuple[list[list[Token]], frozenset[str]] | None:
    """What stands in parentheses after the macro's name, taken from the stack; None when nothing does.

    With it comes what hides the closing parenthesis, for the hide set of the result.
    """
    if not stack or stack[-1].text != "(":
        return None
    wanted = len(macro.parameters or ())
    depth, at = 0, len(stack) - 1
    arguments: list[list[Token]] = [[]]
    while at >= 0:
        token = stack[at]
        if token.text == "(" and token.kind == "punct":
            depth += 1
            if depth > 1:
                arguments[-1].append(token)
        elif token.text == ")" and token.kind == "punct":
            depth -= 1
            if not depth:
                break
            arguments[-1].append(token)
        elif token.text == "," and depth == 1 and not (macro.variadic and len(arguments) >= wanted):
            arguments.append([])
        else:
            arguments[-1].append(token)
        at -= 1
    if at < 0:
        return None
    hidden = stack[at].hidden
    del stack[at:]
    if not wanted and arguments == [[]]:
        arguments = []
    while len(arguments) < wanted:
        arguments.append([])
    return arguments, hidden


def _stringed(tokens: Sequence[Token]) -> str:
    """``#``: the argument as a string literal."""
    return '"' + "".join((" " if t.spaced and i else "") + _quoted(t) for i, t in enumerate(tokens)) + '"'


def _quoted(token: Token) -> str:
    """A token inside a string literal; a backslash that stands outside of literals stays one."""
    if token.kind not in ("string", "char"):
        return token.text
    return token.text.replace("\\", "\\\\").replace('"', '\\"')


def _pasted(out: list[Token], piece: list[Token], *, comma_swallowed: bool) -> None:
    """``##``: glue the last token to the first of ``piece``. GNU's ``, ## __VA_ARGS__`` loses its comma to nothing."""
    if out and comma_swallowed and out[-1].text == ",":
        if piece:
            out.extend(piece)
        else:
            out.pop()
        return
    if not piece or not out:
        out.extend(piece)
        return
    left, right = out.pop(), piece[0]
    glued = tokens_of(left.text + right.text, left.file, left.line)
    for token in glued:
        token.hidden = left.hidden & right.hidden
        token.spaced = left.spaced
    out.extend(glued)
    out.extend(piece[1:])
