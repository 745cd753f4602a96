"""Which values decide something where a call of Python is made: what is loaded, run, written, or read as a format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from loadstone.review import ir
from loadstone.review.analyses.travel import vocabulary
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.command_words import words_after
from loadstone.review.analyses.travel.flows import Piece, SinkKind
from loadstone.review.analyses.words import dotted_name, uncast
from loadstone.review.apis import Api, ApiRole

__all__ = ["format_place", "option_places", "program_places", "shell_places", "sinks_of", "writes"]

Pieces: TypeAlias = list[Piece]
Decided: TypeAlias = tuple[SinkKind, str, Pieces]
"""What is decided, what is called or set, and by which values."""


def sinks_of(
    call: ir.Call, api: Api | None, given: list[Pieces], named: Mapping[str, Pieces], receiver: Pieces
) -> Iterator[Decided]:
    """What a call lets its arguments decide."""
    yield from _files(call, api, given, receiver)
    yield from _code(call, given, receiver)
    if call.name.endswith(".update") and vocabulary.ENVIRONMENT.search(spelled(call.receiver)):
        yield SinkKind.VARIABLES, call.name, [*(given[0] if given else []), *named.get("**", [])]
    if api is not None and api.role is ApiRole.LOAD:
        subject = given[api.subject] if 0 <= api.subject < len(given) else named.get("name") or named.get("path")
        yield SinkKind.LOAD, call.name, subject or []
    elif call.name.startswith("ctypes.") and call.name.rpartition(".")[2] in vocabulary.FOREIGN_LOADS and given:
        yield SinkKind.LOAD, call.name, given[0]
    elif call.name in vocabulary.DIRECTORY_LISTS and given:
        yield SinkKind.DIRECTORY, call.name, given[-1]
    elif api is not None and api.role is ApiRole.COMMAND:
        yield from _command(call, api, given)
    elif call.name == "getattr" and len(given) > 1 and not isinstance(call.arguments[1], ir.Literal):
        loads = dotted_name(call.arguments[0]) in vocabulary.LOADERS
        yield SinkKind.LOAD if loads else SinkKind.SYMBOL, call.name, given[1]
    elif call.name in vocabulary.ADDRESSES or call.name.rpartition(".")[2] in vocabulary.ADDRESS_METHODS:
        yield SinkKind.ADDRESS, call.name, given[0] if given else []
    elif call.name in {"dict", "os.environ.update"}:
        yield from ((SinkKind.ENVIRONMENT, k, p) for k, p in named.items() if vocabulary.LOADER_VARIABLE.match(k))
    elif call.name in {"os.putenv", "os.environ.setdefault"} and len(given) > 1:
        key = call.arguments[0].value if isinstance(call.arguments[0], ir.Literal) else ""
        if isinstance(key, str) and vocabulary.LOADER_VARIABLE.match(key):
            yield SinkKind.ENVIRONMENT, key, given[1]


def writes(call: ir.Call) -> bool:
    """Whether a call of ``open`` makes or changes the file."""
    mode = call.arguments[1] if len(call.arguments) > 1 else dict(call.keywords).get("mode")
    return isinstance(mode, ir.Literal) and isinstance(mode.value, str) and mode.value[:1] in {"w", "a", "x"}


def _files(call: ir.Call, api: Api | None, given: list[Pieces], receiver: Pieces) -> Iterator[Decided]:
    """Which names of files are looked at, and which are written."""
    word = call.name.rpartition(".")[2]
    first = receiver if call.receiver is not None and word in vocabulary.PATH_METHODS else given[0] if given else []
    if (call.name in vocabulary.FILES and writes(call)) or word in {"write_bytes", "write_text"}:
        yield SinkKind.WRITE, call.name, first
    elif call.name in vocabulary.MAKES_FILES and len(given) > 1:
        yield SinkKind.WRITE, call.name, given[1]
        if call.name in vocabulary.COPIES_FILES:
            yield SinkKind.COPY, call.name, given[0]
        elif call.name in vocabulary.MOVES_FILES and not given[1]:
            yield SinkKind.CHANGE, call.name, given[0]
    elif call.name in vocabulary.FILES or word in {"read_bytes", "read_text"}:
        yield SinkKind.LOOK, call.name, first
        yield SinkKind.READ, call.name, first
    elif call.name in vocabulary.CHANGES_FILES and given:
        yield SinkKind.CHANGE, call.name, given[1] if call.name == "os.symlink" and len(given) > 1 else given[0]
    elif word in vocabulary.CHANGES_ITSELF and call.receiver is not None:
        yield SinkKind.CHANGE, call.name, receiver
    elif api is not None and api.role is ApiRole.LOOK and api.kind != "descriptor":
        yield SinkKind.LOOK, call.name, receiver if api.subject < 0 else first
    elif word == "save" and call.receiver is not None and given:
        yield SinkKind.WRITE, call.name, given[0]  # an upload of flask or django


_RUN: Final = frozenset({"eval", "exec", "compile", "builtins.eval", "builtins.exec"})
_STATEMENTS: Final = frozenset({"execute", "executemany", "executescript", "fetch", "fetchrow"})
"""Methods that run a statement. Source: PEP 249; asyncpg."""

_UNSAFE_LOADERS: Final = frozenset({"Loader", "UnsafeLoader", "CLoader", "CUnsafeLoader"})


def _code(call: ir.Call, given: list[Pieces], receiver: Pieces) -> Iterator[Decided]:
    """What is run, rebuilt into objects, read as a format, or names what is set."""
    word = call.name.rpartition(".")[2]
    if call.name in _RUN and given:
        yield SinkKind.CODE, call.name, given[0]
    elif call.name in vocabulary.COMPILES and given:
        yield SinkKind.SOURCE, call.name, given[min(vocabulary.COMPILES[call.name], len(given) - 1)]
    elif call.name in vocabulary.TEMPLATES and given:
        yield SinkKind.CODE, call.name, given[0]
    elif call.name in vocabulary.REBUILDS and given:
        if _rebuilds(call):
            yield SinkKind.OBJECTS, call.name, given[0]
    elif word in {"format", "format_map"} and call.receiver is not None and receiver:
        yield SinkKind.FORMAT, call.name, receiver
    elif word in _STATEMENTS and call.receiver is not None and given:
        yield SinkKind.SQL, call.name, given[0]
    elif call.name == "setattr" and len(given) > 1 and not isinstance(call.arguments[1], ir.Literal):
        yield SinkKind.ATTRIBUTE, call.name, given[1]


def _rebuilds(call: ir.Call) -> bool:
    """Whether a call is told to build objects, where that is not what it does anyway."""
    named = dict(call.keywords)
    match call.name:
        case "yaml.load":
            return _unsafe(call)
        case "numpy.load":
            return _is(named.get("allow_pickle"), value=True)
        case "torch.load":
            return _is(named.get("weights_only"), value=False)
    return True


def _is(expression: ir.Expression | None, *, value: bool) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Literal) and bare.value is value


def _unsafe(call: ir.Call) -> bool:
    """Whether ``yaml.load`` is told to build whatever objects the text names."""
    loader = call.arguments[1] if len(call.arguments) > 1 else dict(call.keywords).get("Loader")
    bare = uncast(loader)
    return isinstance(bare, ir.Name | ir.Member) and bare.name.rpartition(".")[2] in _UNSAFE_LOADERS


def _command(call: ir.Call, api: Api, given: list[Pieces]) -> Iterator[Decided]:
    """What a shell reads: the whole text, or the first word of a list that is a shell's."""
    shell = dict(call.keywords).get("shell")
    by_shell = api.kind == "shell" or (isinstance(shell, ir.Literal) and bool(shell.value))
    if by_shell and given:
        yield SinkKind.COMMAND, call.name, given[0]


def option_places(call: ir.Call, api: Api | None) -> Iterator[ir.Expression]:
    """The words of the list that a call runs which may be taken for options."""
    shell = dict(call.keywords).get("shell")
    listed = uncast(call.arguments[0]) if call.arguments else None
    if api is None or api.role is not ApiRole.COMMAND or api.kind != "list" or shell is not None:
        return
    if isinstance(listed, ir.Display) and not listed.keys:
        yield from words_after(listed.items)


_SHELL: Final = re.compile(r"(?:\A|/)(?:sh|bash|dash|zsh|ksh)\Z")


def shell_places(call: ir.Call, api: Api | None) -> Iterator[ir.Expression]:
    """The text that a shell reads where a list starts the shell: ``["sh", "-c", text]``, not what stands behind it."""
    if api is None or api.role is not ApiRole.COMMAND or api.kind != "list" or not call.arguments:
        return
    match uncast(call.arguments[0]):
        case ir.Display(keys=(), items=(ir.Literal(value=str() as shell), ir.Literal(value="-c"), text, *_)):
            if _SHELL.search(shell):
                yield text


def program_places(call: ir.Call, api: Api | None) -> Iterator[ir.Expression]:
    """What names the program that is started without a shell: the first word of a list, or of one text."""
    if api is None or api.role is not ApiRole.COMMAND or api.kind == "shell" or "shell" in dict(call.keywords):
        return
    if api.subject >= len(call.arguments) or "executable" in dict(call.keywords):
        return
    first = uncast(call.arguments[api.subject])
    if isinstance(first, ir.Display):
        yield from first.items[:1] if not first.keys else ()
    elif api.kind != "list" or isinstance(first, ir.Operation):
        yield first


_FORMAT_AT: Final = {"printf": 0, "fprintf": 1, "dprintf": 1, "sprintf": 1, "syslog": 1, "snprintf": 2}
"""Functions of the C library that read a format, and which argument it is. Source: their manual pages."""

_TAKES_FORMAT: Final = re.compile(r"\b(\w+)\s*\(([^()]*\bchar\b[^(),]*)\s*,\s*\.\.\.\s*\)")
"""A prototype of C in a text, a comment or a ``cdef``, whose last argument before ``...`` is a text."""


@lru_cache(64)
def _formats(text: str) -> Mapping[str, int]:
    found = {match[1]: match[2].count(",") for match in _TAKES_FORMAT.finditer(text)} if "..." in text else {}
    return _FORMAT_AT | found


def format_place(call: ir.Call, text: str) -> int | None:
    """Which argument of a foreign function is read as a format; ``text`` is the file, which may show its prototype."""
    if call.receiver is None and "." not in call.name:
        return None
    at = _formats(text).get(call.name.rpartition(".")[2])
    return at if at is not None and at < len(call.arguments) else None
