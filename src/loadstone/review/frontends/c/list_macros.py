"""Macros that stand for declarations, written out before the grammar reads the file.

Two forms hide what a structure has and what a function does. A list is handed another macro, which the file defines
anew at each use (``#define CALLS(X) X(int, open) X(void, close)``, *X macro*). A member is declared by a macro
(``FN(int, connect, const char *);`` in a struct). Both become the text they stand for, on the line of their call, so
that every later line stays where it was. Only macros that the file or its headers define are known; what has grown
beyond :data:`_MAX_TEXT` stays as it is. Source: C17 6.10.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.review.frontends.c.directives import MacroDefinition, defined_in, substituted

__all__ = ["written_out"]

_MAX_TEXT: Final = 1 << 16
"""Bytes that one call may become."""

_MAX_DEPTH: Final = 4
_CALL: Final = re.compile(rb"\b([A-Za-z_]\w*)\s*\(")
_RECORD: Final = re.compile(rb"\b(?:struct|union)\b[^;{}()=]*\{")
_TOKEN: Final = re.compile(rb"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[()\[\]{},]")
_BRACE: Final = re.compile(rb"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{}]")

_Macros = dict[str, MacroDefinition]


def written_out(text: bytes, given: Mapping[str, MacroDefinition]) -> bytes:
    r"""A file without comments, its list macros and member macros written out; as many lines as before.

    >>> written_out(b"#define P(n) void (*n)(void)\nstruct t { P(run); };\n", {})
    b'#define P(n) void (*n)(void)\nstruct t { void (*run)(void); };\n'
    """
    steps = [*defined_in(text)]
    known = {**given, **{name: macro for _, _, name, macro in steps if macro is not None}}
    lists = {name for name, macro in known.items() if _is_list(macro)}
    takers = {name for name, macro in known.items() if macro.parameters is not None}
    if not takers or (not lists and _RECORD.search(text) is None):
        return text
    out: list[bytes] = []
    active: _Macros = dict(given)
    done = 0
    records = [*_records(text, takers)]
    for begin, end, name, macro in [*steps, (len(text), len(text), "", None)]:
        for start, stop, called in _calls(text, done, begin, lists, takers, records):
            if start < done or called not in active:
                continue
            new = _expanded(text[start:stop].decode(errors="replace"), active, lists | {called}, 0).encode()
            if new and len(new) <= _MAX_TEXT:
                out += (text[done:start], new.replace(b"\n", b" "), b"\n" * text[start:stop].count(b"\n"))
                done = stop
        out.append(text[done:end])
        done = end
        if macro is not None:
            active[name] = macro
        else:
            active.pop(name, None)
    return b"".join(out)


def _is_list(macro: MacroDefinition) -> bool:
    """Whether a macro calls one that it is handed, more than once."""
    return any(
        name.isidentifier() and len(re.findall(rf"(?<!#)\b{name}\s*\(", macro.body)) > 1
        for name in macro.parameters or ()
    )


def _records(text: bytes, takers: set[str]) -> Iterator[tuple[int, int]]:
    """Where the bodies of structures and unions are that call a macro."""
    words = re.compile(rb"\b(?:" + b"|".join(re.escape(name.encode()) for name in takers) + rb")\s*\(")
    for record in _RECORD.finditer(text):
        depth = 0
        for brace in _BRACE.finditer(text, record.end() - 1):
            depth += {b"{": 1, b"}": -1}.get(brace[0], 0)
            if not depth:
                if words.search(text, record.end(), brace.start()):
                    yield record.end(), brace.start()
                break


def _calls(
    text: bytes, begin: int, end: int, lists: set[str], takers: set[str], records: list[tuple[int, int]]
) -> Iterator[tuple[int, int, str]]:
    """The calls to write out between two places: of lists, and of what declares a member."""
    if not lists and not any(start < end and begin < stop for start, stop in records):
        return
    for call in _CALL.finditer(text, begin, end):
        name = call[1].decode()
        declares = name in takers and any(start <= call.start() < stop for start, stop in records)
        if name not in lists and not (declares and text[: call.start()].rstrip()[-1:] in {b"{", b";", b"}", b")"}):
            continue
        close = _closed(text, call.end(), end)
        if close:
            yield call.start(), close, name


def _closed(text: bytes, begin: int, end: int) -> int:
    """Behind the parenthesis that ends a call's arguments; zero where there is none."""
    depth = 1
    for token in _TOKEN.finditer(text, begin, end):
        depth += {b"(": 1, b")": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    return 0


def _expanded(call: str, active: Mapping[str, MacroDefinition], wanted: set[str], depth: int) -> str:
    """What a call becomes, with what it calls in turn; empty where the arguments do not fit."""
    name, _, rest = call.partition("(")
    macro = active[name.strip()]
    arguments = _arguments(rest.rstrip()[:-1])
    body = substituted(macro, arguments)
    handed = {a.strip() for a in arguments} & {n for n, m in active.items() if m.parameters is not None}
    names = (wanted | handed) - {name.strip()}
    if depth >= _MAX_DEPTH or not names:
        return body
    data, out, done = body.encode(), b"", 0
    for inner in _CALL.finditer(data):
        if inner.start() < done or inner[1].decode() not in names or inner[1].decode() not in active:
            continue
        close = _closed(data, inner.end(), len(data))
        if close and len(out) <= _MAX_TEXT:
            new = _expanded(data[inner.start() : close].decode(), active, names, depth + 1)
            out += data[done : inner.start()] + new.encode()
            done = close
    return (out + data[done:]).decode()


def _arguments(inside: str) -> list[str]:
    """What stands between the commas of a call."""
    data, depth, last = inside.encode(), 0, 0
    found: list[str] = []
    for token in _TOKEN.finditer(data):
        depth += {b"(": 1, b")": -1, b"[": 1, b"]": -1, b"{": 1, b"}": -1}.get(token[0], 0)
        if token[0] == b"," and not depth:
            found.append(data[last : token.start()].decode())
            last = token.end()
    return [*found, data[last:].decode()] if found or data.strip() else []
