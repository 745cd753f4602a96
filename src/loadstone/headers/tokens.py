"""C text as tokens, with their places. LogicalSource: ISO C17 5.1.1.2 (phases 1 to 3) and 6.4.

Comments are kept apart, by the line they end on: a binding shows them. Trigraphs are not read, as GCC does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from loadstone.quick_dataclass import dataclass, field

__all__ = ["LogicalSource", "Token", "character_of", "closing_brackets", "literal_of", "split", "tokens_of"]


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
        self.kind: str = kind
        self.text: str = text
        self.file: str = file
        self.line: int = line
        self.column: int = column
        self.spaced: bool = spaced
        self.hidden: frozenset[str] = hidden

    def __repr__(self) -> str:
        return f"{self.text}@{self.file}:{self.line}"


_TOKEN: Final = re.compile(
    r"""(?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\])*")"""
    r"|(?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\])+')"
    r"|(?P<name>[A-Za-z_$\x80-\U0010ffff][\w$]*)"
    r"|(?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)"
    r"""|(?P<punct>["'].*"""  # a literal that is never closed is one token with the rest of the line, as GCC has it
    r"|%:%:|<:|:>|<%|%>|%:|\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[^\s])"
)
_DIGRAPHS: Final = {"<:": "[", ":>": "]", "<%": "{", "%>": "}", "%:": "#", "%:%:": "##"}
_PIECE: Final = re.compile(
    r""""(?:\\[^\n]|[^"\\\n])*"?|(?<![\w$.])\.?\d[\w.]*'\w[\w.']*|'(?:\\[^\n]|[^'\\\n])*'?"""
    r"""|/\*.*?(?:\*/|\Z)|//[^\n]*|\n""",
    re.DOTALL,
)
"""What can hold the beginning of a comment without being one, comments, and the ends of lines."""
_CONTINUED: Final = re.compile(r"\\[ \t]*\n")


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
        if piece[0] != "/":
            return piece
        breaks = piece.count("\n")
        source.comments.append((line, line + breaks, piece))
        if piece[:2] == "/*" and (len(piece) < 4 or piece[-2:] != "*/"):
            source.open_comment = (line, match.start() - text.rfind("\n", 0, match.start()))
        line, owed = line + breaks, owed + breaks
        return " "

    text = _spliced(text.replace("\r\n", "\n"))
    source.lines = _PIECE.sub(plain, text).split("\n")
    return source


def _spliced(text: str) -> str:
    """Each continued line joined to the next, wherever it breaks off; the line breaks follow behind, so numbers hold.

    A backslash with blanks behind it continues a line too, as GCC has it.
    """
    if not _CONTINUED.search(text):
        return text
    made: list[str] = []
    owed = 0
    for line in text.split("\n"):
        kept = line.rstrip(" \t")
        if kept.endswith("\\"):
            made.append(kept[:-1])
            owed += 1
        else:
            made.append(line + "\n" * (1 + owed))
            owed = 0
    return "".join(made).removesuffix("\n")


def tokens_of(line: str, file: str, number: int) -> list[Token]:
    """The tokens of one logical line."""
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(line):
        start, text = match.start(), match[0]
        found.append(
            Token(
                match.lastgroup or "punct", _DIGRAPHS.get(text, text), file, number, start + 1, start > end or not start
            )
        )
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


_WIDE_PREFIXES: Final = frozenset(("L", "u", "U"))
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]+)|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


def literal_of(tokens: Sequence[Token]) -> tuple[str, str | bytes]:
    """String literals in a row: the prefix they share, and what they stand for: str of a wide one, else bytes.

    Raises ValueError for an escape out of range, and for two prefixes that do not go together (6.4.5).
    """
    parts = [token.text.partition('"')[::2] for token in tokens]
    prefixes = {prefix for prefix, _ in parts if prefix}
    if len(prefixes) > 1:
        raise ValueError(f"literals of {' and '.join(sorted(prefixes))} in a row")
    prefix = next(iter(prefixes), "")
    bodies = [body[:-1] for _, body in parts]
    if prefix in _WIDE_PREFIXES:
        return prefix, "".join(map(_wide, bodies))
    return prefix, b"".join(map(_narrow, bodies))


def character_of(token: Token) -> tuple[str, int, int]:
    """A character constant: its prefix, its number before it gets its type, and how many characters it has.

    Without a prefix there may be up to four, which make one number, as in GCC; a character that UTF-8 writes as several
    bytes counts as several. Raises ValueError when it is none.
    """
    prefix, _, rest = token.text.partition("'")
    if prefix:
        wide = _wide(rest[:-1])
        if len(wide) != 1 or ord(wide) >> {"u8": 8, "u": 16}.get(prefix, 32):
            raise ValueError("a character constant of no or too many characters")
        return prefix, ord(wide), 1
    content = _narrow(rest[:-1])
    if not 1 <= len(content) <= 4:
        raise ValueError("a character constant of no or too many characters")
    return "", int.from_bytes(content, "big"), len(content)


def _wide(body: str) -> str:
    return _ESCAPE.sub(lambda m: chr(_escaped(m)), body)


def _narrow(body: str) -> bytes:
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()].encode())
        number = _escaped(match)
        parts.append(chr(number).encode() if match[3] or match[4] else bytes([number]))
        end = match.end()
    return b"".join([*parts, body[end:].encode()])


def _escaped(match: re.Match[str]) -> int:
    if match[1] or match[3] or match[4]:
        return int(match[1] or match[3] or match[4], 16)
    if match[2]:
        return int(match[2], 8)
    if match[5] in "xuU":
        raise ValueError("an escape without its digits")
    return ord(_ESCAPES.get(match[5], match[5]))
