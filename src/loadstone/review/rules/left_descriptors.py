"""Python: descriptors that a function opens, lends at most, and leaves open: a number closes nothing.

``os.open`` and its kin give an ``int``. A function that neither closes it, nor hands it to what takes it over, nor
keeps or returns it has lost it when it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, parts, parts_of, statements

__all__ = ["ALONE", "left_descriptors"]

ALONE: Final = frozenset(
    {"os.open", "os.memfd_create", "os.dup", "os.pidfd_open", "os.eventfd", "socket.socket.detach"}
)
"""What gives a descriptor that nothing closes by itself. Source: the documentation of os and socket."""

_AMONG: Final = {
    "tempfile.mkstemp": (0,),
    "os.pipe": (0, 1),
    "os.pipe2": (0, 1),
    "os.openpty": (0, 1),
    "pty.openpty": (0, 1),
}
"""What gives descriptors in a tuple, and where in it."""

_LENT_TO: Final = re.compile(
    r"os\.(?:p?readv?|p?writev?|fstat|fstatvfs|fsync|fdatasync|fchmod|fchown|f?truncate|lseek|sendfile|isatty|listdir"
    r"|scandir|stat|utime|posix_fadvise|posix_fallocate|[gs]et_inheritable|[gs]et_blocking|getxattr|setxattr)\Z"
    r"|fcntl\.(?:fcntl|ioctl)\Z|mmap\.mmap\Z|termios\.\w+\Z|tty\.\w+\Z|select\.select\Z"
    r"|(?:print|str|int|hex|repr|bool|len)\Z"
)
"""Calls after which the descriptor is as open as before; ``mmap`` keeps its own copy. Source: their documentation."""

_ADOPTS: Final = re.compile(
    r"(?i)open|close|adopt|attach|import|take|(?<![a-z])own|from|wrap|free(?!z)|release|destroy|dup|register|add"
)
"""Words of foreign functions that may take a descriptor over."""

_STREAMS: Final = frozenset({"stdin", "stdout", "stderr", "dir_fd", "src_dir_fd", "dst_dir_fd"})
"""Keywords under which a call is lent a descriptor. Source: the documentation of subprocess and os."""

_ENDS: Final = re.compile(r"os\.(?:exec\w+|_exit)\Z")


def left_descriptors(rule: Rule, unit: ir.Unit, bindings: Bindings) -> Iterator[Claim]:
    """The descriptors that functions of a file open and leave open."""
    for function in unit.functions:
        taken = list(_taken(function))
        if not taken or function.name == "<module>" or any(_ENDS.match(c.name) for c in calls(function.body.body)):
            continue
        inner = [f for f in unit.functions if f.name.startswith(f"{function.name}.")]
        for name, line, made in taken:
            if name != _DROPPED and (_is_given_on(function, name, bindings) or any(_names(f, name) for f in inner)):
                continue
            yield rule.no(
                f"The descriptor that {made} gives is never closed: it stays open when {function.name} ends.",
                Location.lines(unit.path, line),
                cwe=775,
                fix="Close it with os.close in a finally clause, or let os.fdopen own it.",
                context=function.name,
            )


_DROPPED: Final = ""


def _taken(function: ir.Function) -> Iterator[tuple[str, int, str]]:
    """The variable that holds a descriptor (empty: none does), the line, and what gave it."""
    tuples: dict[str, ir.Call] = {}
    for statement in statements(function.body.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name):
            name = statement.target.name
            if name in function.globals:
                continue
            if isinstance(value, ir.Call) and value.name in _AMONG:
                tuples[name] = value
            elif isinstance(value, ir.Call) and value.name in ALONE:
                yield name, statement.line, value.name
            elif (found := _element(value, tuples)) is not None:
                yield name, statement.line, found
        for part in parts_of(statement):
            if isinstance(part, ir.Item) and _names_no_descriptor(part):
                yield _DROPPED, part.line, uncast(part.base).name  # type: ignore[union-attr]


def _element(value: ir.Expression | None, tuples: dict[str, ir.Call]) -> str | None:
    """What gave a descriptor that is unpacked: ``fd, name = mkstemp()``, ``pair[0]``."""
    match value:
        case ir.Item(base=ir.Name(name=name), index=ir.Literal(value=int(at))) if name in tuples:
            made = tuples[name].name
            return made if at in _AMONG[made] else None
        case ir.Item(base=ir.Call(name=made), index=ir.Literal(value=int(at))) if at in _AMONG.get(made, ()):
            return made
        case _:
            return None


def _names_no_descriptor(item: ir.Item) -> bool:
    """``mkstemp()[1]``: the name is kept, and the descriptor beside it by nobody."""
    base, index = uncast(item.base), uncast(item.index)
    return (
        isinstance(base, ir.Call)
        and base.name == "tempfile.mkstemp"
        and isinstance(index, ir.Literal)
        and index.value in {1, -1}
    )


def _is_given_on(function: ir.Function, name: str, bindings: Bindings) -> bool:
    """Whether a descriptor is closed, kept, returned, or handed to what may take it over."""
    lent = {id(one) for call in calls(function.body.body) for one in _lent(call, function, bindings)}
    for part in parts(function.body.body):
        if isinstance(part, ir.Operation) and part.operator in _ASKS and not _is_path_of(part):
            lent |= {id(uncast(o)) for o in part.operands}
    targets = {id(s.target) for s in statements(function.body.body) if isinstance(s, ir.Assign)}
    for part in parts(function.body.body):
        if isinstance(part, ir.Closure):
            return True
        if isinstance(part, ir.Name) and part.name == name and id(part) not in lent | targets:
            return True
    return False


_ASKS: Final = frozenset({"<", ">", "<=", ">=", "==", "!=", "format", "!"})


def _is_path_of(text: ir.Operation) -> bool:
    """``f"/proc/self/fd/{fd}"``: a name that means what is open for as long as it is."""
    pieces = (uncast(o) for o in text.operands)
    return any(isinstance(p, ir.Literal) and isinstance(p.value, str) and "/fd/" in p.value for p in pieces)


def _lent(call: ir.Call, function: ir.Function, bindings: Bindings) -> Iterator[ir.Expression]:
    """The arguments of a call that are as open after it as before."""
    symbol = bindings.symbol(call, function.owner)
    lends = bool(_LENT_TO.match(call.name)) or (symbol is not None and not _ADOPTS.search(symbol))
    if lends:
        for argument in call.arguments:
            bare = uncast(argument)
            yield from bare.items if isinstance(bare, ir.Display) else (bare,)
    if call.name.startswith(("subprocess.", "os.")) or simple(call.name) in {"run", "Popen"}:
        yield from (uncast(given) for key, given in call.keywords if key in _STREAMS)


def _names(function: ir.Function, name: str) -> bool:
    return any(
        isinstance(e, ir.Name) and e.name == name for part in parts(function.body.body) for e in expressions(part)
    )
