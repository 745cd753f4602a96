"""What it costs to begin: each command as a whole process, and each import, in processor time beside a bare Python."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from functools import partial

from bench.figure import Bar, Figure, Row, beside, cpu_of, times_of

_BARE = "python -c ''"
_ROUNDS = 9

_COMMANDS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("--help",), 4),
    (("find", "z"), 8),
    (("inspect", sys.executable), 8),
    (("explain", "/bin/ls"), 12),
    (("tree", "/bin/ls"), 12),
    (("examine", "z"), 12),
)
"""The words of a command, and how many bare starts of Python it may cost."""


def _row(what: str, words: tuple[str, ...], bar: Bar, **peers: tuple[str, ...]) -> Row:
    bare = {_BARE: cpu_of(sys.executable, "-c", "")}
    others = {name: cpu_of(*command) if shutil.which(command[0]) else None for name, command in peers.items()}
    return beside(what, "ms", cpu_of(*words), bare | others, (bar,), scale=1000, rounds=_ROUNDS)


def _command(words: tuple[str, ...], most: float) -> Iterator[Row]:
    peers = {"explain": {"ldd": ("ldd", "/bin/ls")}, "find": {"ldconfig": ("/sbin/ldconfig", "-p")}}.get(words[0], {})
    yield _row(
        f"loadstone {' '.join(words)}",
        (sys.executable, "-m", "loadstone", *words),
        times_of(_BARE, most),
        **peers,
    )


def _import(code: str, most: float) -> Iterator[Row]:
    yield _row(
        code, (sys.executable, "-c", code), times_of(_BARE, most), ctypes=(sys.executable, "-c", "import ctypes")
    )


FIGURES = (
    *(Figure(f"loadstone {words[0]}", partial(_command, words, most)) for words, most in _COMMANDS),
    Figure("import loadstone", partial(_import, "import loadstone", 2)),
    Figure("from loadstone import Library", partial(_import, "from loadstone import Library", 4)),
)
