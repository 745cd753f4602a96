"""Words that compilers and house macros put around declarations, blanked so that the grammar can read the rest.

Offsets and lines are kept. Attributes that change what code does (cleanup, constructor, noreturn) are remembered by
the place they stood at.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review.frontends.c.directives import MacroDefinition

__all__ = ["Decorations", "undecorated"]

_ATTRIBUTE: Final = rb"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)|\[\[(?:[^\[\]]|\[[^\]]*\])*\]\]"
_WORDS: Final = (
    rb"__declspec\s*\([^()]*\)|\b(?:__extension__|__restrict|__inline__|__inline|__forceinline|_Noreturn|noreturn"
    rb"|__noreturn|WINAPI|APIENTRY|CALLBACK|STDMETHODCALLTYPE|__stdcall|__cdecl|__fastcall|__thiscall|_stdcall|_cdecl"
    rb"|__unused|__maybe_unused|JNIEXPORT|JNICALL|LIBRARY_NOEXCEPT|QT_(?:BEGIN|END)_NAMESPACE|G_(?:BEGIN|END)_DECLS"
    rb"|Py_(?:BEGIN|END)_ALLOW_THREADS|Py_(?:UN)?BLOCK_THREADS"
    rb"|Q_OBJECT|Q_GADGET|Q_INVOKABLE|Q_REQUIRED_RESULT|Q_NORETURN|Q_ALWAYS_INLINE|Q_NEVER_INLINE|Q_DECL_[A-Z_]+"
    rb"|(?<![|=])(?<![|=] )[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*"
    rb"(?:API|EXPORT|EXPORTS|IMPORT|CALL|PUBLIC|PRIVATE|HIDDEN|VISIBLE|NORETURN|CDECL)\b(?!\s*[,|?)\]:=])"
    rb"|[A-Z][A-Z0-9]*CALL|LUAMOD_API|LUAI_FUNC|BEGIN_C_DECLS|END_C_DECLS)\b(?!\s*\()"
)
"""A house's words end the name of a constant, too: what is an operand or an argument (``MAP_PRIVATE``) is none."""

_WRAPPER: Final = re.compile(
    rb"\b([A-Z][A-Z0-9_]*_(?:DECLARE|DECLARE_NONSTD|PUBLIC|EXTERN)|PyAPI_FUNC|PyAPI_DATA|JS_EXTERN_API)(\s*\()([^()]*)(\))"
)
_CONVENTION: Final = re.compile(rb"(\(\s*)([A-Z_][A-Z0-9_]{2,})(?=\s*\*\s*\w+\s*\)\s*\()")
"""``(STDAPICALLTYPE *NAME)(``: a macro for a calling convention, whoever defines it."""

_STANDALONE: Final = re.compile(
    rb"^[A-Z_][A-Z0-9_]{3,}(?:[ \t]*\((?:[^()\n]|\([^()\n]*\))*\))?[ \t]*$(?!\s*[{:])", re.MULTILINE
)
_MEANS: Final = re.compile(
    rb"cleanup\s*\(\s*(\w+)\s*\)|\b(constructor|destructor|noreturn|_Noreturn|__noreturn|Q_NORETURN|maybe_unused|unused)\b"
    rb"|\b(visibility\s*\(\s*\"hidden\"\s*\))"
)
_DECORATION: Final = re.compile(_ATTRIBUTE + rb"|" + _WORDS)
_TYPEOF: Final = re.compile(rb"\b(?:__typeof__|__typeof|typeof)\s*\((?:[^()\n]|\([^()\n]*\))*\)")
_SIGNATURE: Final = re.compile(rb"((?:\.|->|::)\s*\w+)<([\w:&*, ]{3,}\([\w:&*, ]*\))>(?=\s*\()")
"""``lib.get<int(int)>("f")``: the type of a function as an argument of a template, which the grammar takes for less."""

_EMPTY_BODY: Final = re.compile(
    r"\s*(?:(?:__attribute__|__declspec)\s*\(.*\)|extern|inline|\[\[.*\]\])*\s*\Z", re.DOTALL
)
_BLANKABLE: Final = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True)
class Decorations:
    """Attributes that mattered, by the offset where they stood."""

    offsets: tuple[int, ...] = ()
    words: tuple[str, ...] = ()

    def within(self, start: int, end: int) -> tuple[str, ...]:
        """The attributes that stood in a byte range: ``cleanup(f)``, ``constructor``, ``noreturn`` ..."""
        return self.words[bisect_left(self.offsets, start) : bisect_left(self.offsets, end)]


def undecorated(text: bytes, macros: Mapping[str, MacroDefinition]) -> tuple[bytes, Decorations]:
    """``text`` with decorations blanked, and those of them that mean something."""
    found: list[tuple[int, str]] = []

    def blank(match: re.Match[bytes]) -> bytes:
        whole = match[0]
        body = macros.get(whole.decode(errors="replace"))
        meant = body.body.encode() if body is not None else whole
        for meaning in _MEANS.finditer(meant):
            if meaning[1]:
                found.append((match.start(), f"cleanup({meaning[1].decode()})"))
            else:
                found.append((match.start(), (meaning[2] or b"hidden").decode().strip("_").lower().removeprefix("q_")))
        return re.sub(rb"[^\n]", b" ", whole)

    text = _DECORATION.sub(blank, text)
    text = _CONVENTION.sub(lambda m: m[1] + b" " * len(m[2]), text)
    if b"typeof" in text:
        text = _TYPEOF.sub(lambda m: b"void *".ljust(len(m[0])), text)
    text = _SIGNATURE.sub(lambda m: m[1] + b"<void" + b" " * (len(m[2]) - 4) + b">", text)
    empty = [
        re.escape(m.name.encode())
        for m in macros.values()
        if m.parameters is None and _BLANKABLE.match(m.name) and _EMPTY_BODY.match(m.body)
    ]
    if empty:
        text = re.sub(rb"\b(?:" + rb"|".join(empty) + rb")\b", blank, text)
    text = _WRAPPER.sub(lambda m: b" " * (len(m[1]) + len(m[2])) + m[3] + b" ", text)
    text = _STANDALONE.sub(lambda m: b" " * len(m[0]), text)
    found.sort()
    return text, Decorations(tuple(o for o, _ in found), tuple(w for _, w in found))
