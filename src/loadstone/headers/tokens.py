"""C text as tokens, with their places. LogicalSource: ISO C17 5.1.1.2 (phases 1 to 3) and 6.4.

Comments are kept apart, by the line they end on: a binding shows them. Trigraphs are not read, as GCC does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["LogicalSource", "Token", "character_of", "closing_brackets", "split", "text_of", "tokens_of"]


class Token:
    """One token: its kind (``name``, ``number``, ``string``, ``char``, ``punct``, ``pragma``), text and place.

    ``spaced`` says that white space comes before it; ``hidden`` are the macros that made it and must not again.
    """

    __slots__ = ("column", "file", "hidden", "kind", "line", "spaced", "text")

    def __init__(
        self,
        kind: str,
        text: str,
        file: str,
        line: int,
        column: int,
        spaced: bool,
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self.kind = kind
        self.text = text
        self.file = file
        self.line = line
        self.column = column
        self.spaced = spaced
        self.hidden = hidden

    def __repr__(self) -> str:
        return f"{self.text}@{self.file}:{self.line}"


_TOKEN: Final = re.compile(
    r"""(?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\])*")"""
    r"|(?P<char>[uUL]?'(?:\\.|[^'\\])+')"
    r"|(?P<name>[A-Za-z_$\x80-\U0010ffff][\w$]*)"
    r"|(?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)"
    r"|(?P<punct>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[^\s])"
)
_PIECE: Final = re.compile(
    r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/\*.*?(?:\*/|\Z)|//[^\n]*|\\[ \t]*\n|\n""", re.DOTALL
)


@dataclass(slots=True)
class LogicalSource:
    """One file in logical lines, numbered as the file has them. ``comments`` are (first line, last line, text)."""

    name: str
    lines: list[str]
    comments: list[tuple[int, int, str]] = field(default_factory=list)
    open_comment: tuple[int, int] | None = None  # line and column of one that is never closed


def split(text: str, name: str) -> LogicalSource:
    """Comments out, continued lines joined. A joined line is followed by as many empty ones, so numbers stay true."""
    source = LogicalSource(name, [])
    line, owed = 1, 0

    def plain(match: re.Match[str]) -> str:
        nonlocal line, owed
        piece = match[0]
        if piece == "\n":
            line, due, owed = line + 1, owed, 0
            return "\n" * (1 + due)
        if piece[0] in "\"'":
            return piece
        breaks = piece.count("\n")
        if piece[0] == "/":
            source.comments.append((line, line + breaks, piece))
            if piece[:2] == "/*" and (len(piece) < 4 or piece[-2:] != "*/"):
                source.open_comment = (line, match.start() - text.rfind("\n", 0, match.start()))
        line, owed = line + breaks, owed + breaks
        return "" if piece[0] == "\\" else " "

    text = text.replace("\r\n", "\n")
    source.lines = _PIECE.sub(plain, text).split("\n")
    return source


def tokens_of(line: str, file: str, number: int) -> list[Token]:
    """The tokens of one logical line."""
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(line):
        start = match.start()
        found.append(Token(match.lastgroup or "punct", match[0], file, number, start + 1, start > end or not start))
        end = match.end()
    return found


def closing_brackets(tokens: Sequence[Token]) -> dict[int, int]:
    """Where each bracket closes, by the index of the one that opens; those that never do are left out."""
    found: dict[int, int] = {}
    open_at: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind != "punct":
            continue
        if token.text in ("(", "[", "{"):
            open_at.append(index)
        elif token.text in (")", "]", "}") and open_at:
            found[open_at.pop()] = index
    return found


_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]+)|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


def text_of(token: Token) -> str | bytes:
    """What a string literal stands for: bytes, or str of a wide one. Raises ValueError for an escape out of range."""
    prefix, _, rest = token.text.partition('"')
    body = rest[:-1]
    if prefix in ("L", "u", "U"):
        return _ESCAPE.sub(lambda m: chr(_escaped(m)), body)
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()].encode())
        number = _escaped(match)
        parts.append(chr(number).encode() if match[3] or match[4] else bytes([number]))
        end = match.end()
    return b"".join([*parts, body[end:].encode()])


def character_of(token: Token, *, char_signed: bool) -> int:
    """The number of a character constant. Raises ValueError when it is none."""
    prefix, _, rest = token.text.partition("'")
    if prefix:
        wide = _ESCAPE.sub(lambda m: chr(_escaped(m)), rest[:-1])
        if len(wide) != 1:
            raise ValueError("a wide character constant of no or too many characters")
        return ord(wide)
    content = text_of(Token("string", f'"{rest[:-1]}"', "", 0, 0, False))
    assert isinstance(content, bytes)
    if not 1 <= len(content) <= 4:
        raise ValueError("a character constant of no or too many characters")
    if len(content) > 1:
        return int.from_bytes(content, "big", signed=True)
    return int.from_bytes(content, "big", signed=char_signed)


def _escaped(match: re.Match[str]) -> int:
    if match[1] or match[3] or match[4]:
        return int(match[1] or match[3] or match[4], 16)
    if match[2]:
        return int(match[2], 8)
    if match[5] in "xuU":
        raise ValueError("an escape without its digits")
    return ord(_ESCAPES.get(match[5], match[5]))
