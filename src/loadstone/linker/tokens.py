"""``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` in search paths and needed names. Source: ld.so(8) "Dynamic string tokens".

A token ends where an identifier would: ``$ORIGINAL`` is no token. Braces may surround its name. A token whose value
is not known makes the whole element void, and so does, in a set-user-ID program, an ``$ORIGIN`` that does not stand at
the start or does not lead into a trusted directory.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["TokenValues", "expand", "has_token", "meant_from_origin", "stray_tokens"]

_TOKEN: Final = re.compile(r"\$(?:\{(ORIGIN|PLATFORM|LIB)\}|(ORIGIN|PLATFORM|LIB)(?![A-Za-z0-9_]))")
_STRAY: Final = re.compile(r"\$\{?\w*\}?")


@dataclass(frozen=True, slots=True)
class TokenValues:
    """What the tokens stand for in one object; an empty value is an unknown one.

    ``trusted`` are the directories ``$ORIGIN`` of the program must lead into when the process is secure, None when
    nothing of the kind is checked.
    """

    origin: str = ""
    platform: str = ""
    lib: str = ""
    secure: bool = False
    trusted: tuple[str, ...] | None = None


def has_token(text: str) -> bool:
    """Whether anything in ``text`` would be expanded."""
    return "$" in text and _TOKEN.search(text) is not None


def stray_tokens(text: str) -> tuple[str, ...]:
    """What looks like a token and is none: ``$ORIGINAL``, ``$HOME``, a lone ``$``."""
    return tuple(m[0] for m in _STRAY.finditer(text) if not _TOKEN.match(text, m.start()))


_ORIGIN: Final = re.compile(r"""^[\s'"\\]*\$?[{(]?ORIGIN[)}]?/?(.*?)[\s'"]*$""")
_WITHOUT_O: Final = re.compile(r"^R?IGIN[)}]?/?(.*)$")
_OF_MACOS: Final = re.compile(r"^@(?:loader|executable)_path/?(.*)$")


def meant_from_origin(text: str) -> Iterator[tuple[str, str]]:
    """How an element of a run path may have been meant to begin with ``$ORIGIN``: why it does not, and what follows it.

    Sources: the manuals of GNU make ($O is a variable) and of shells (a variable that is not set is empty); ld(1).

    >>> next(meant_from_origin("RIGIN/../lib"))
    ('make took $O for a variable, and wants $$ORIGIN', '../lib')
    """
    parts = text.split(";")
    for part in parts if len(parts) > 1 else ():
        if found := _ORIGIN.match(part):
            yield "a semicolon does not end an element, a colon does", found[1]
    if (found := _ORIGIN.match(text)) and not _TOKEN.match(text):
        yield "quotes, a backslash or a bare word are taken as part of the folder's name", found[1]
    if found := _WITHOUT_O.match(text):
        yield "make took $O for a variable, and wants $$ORIGIN", found[1]
    if found := _OF_MACOS.match(text):
        yield "that is a word of macOS, and here it is $ORIGIN", found[1]
    if text.startswith("/"):
        yield "a shell took $ORIGIN for a variable, and wants it in single quotes", text[1:]
    elif text and not text.startswith(("$", "@")):
        yield "that is seen from the folder the program is run in, and not from the file's own", text


def expand(text: str, values: TokenValues) -> str | None:
    """``text`` with its tokens replaced; None when the element is void and has to be dropped.

    >>> expand("$ORIGIN/../$LIB:$ORIGINAL", TokenValues(origin="/opt/x/bin", lib="lib64"))
    '/opt/x/bin/../lib64:$ORIGINAL'
    >>> expand("$PLATFORM", TokenValues()) is None
    True
    """
    if not has_token(text):
        return text
    by_name = {"ORIGIN": values.origin, "PLATFORM": values.platform, "LIB": values.lib}
    parts: list[str] = []
    position = 0
    from_origin = False
    for match in _TOKEN.finditer(text):
        name = match[1] or match[2]
        if name == "ORIGIN":
            from_origin = True
            if values.secure and (match.start() or text[match.end() : match.end() + 1] not in ("", "/")):
                return None
        if not by_name[name]:
            return None
        parts += text[position : match.start()], by_name[name]
        position = match.end()
    expanded = "".join((*parts, text[position:]))
    if from_origin and values.trusted is not None and not _is_trusted(expanded, values.trusted):
        return None
    return expanded


def _is_trusted(path: str, directories: Iterable[str]) -> bool:
    normal = posixpath.normpath(path) + "/"
    return normal.startswith("/") and any(normal.startswith(d.rstrip("/") + "/") for d in directories)
