"""What it costs to begin: each command as a whole process, and each import, in processor time beside a bare Python.

Bytecode is there, as after an installation (a first round writes it and is not counted), but for the row that says so.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial

from bench.figure import Bar, Figure, Row, beside, cpu_of, times_of

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start would compile what it imports
BARE = "python -c ''"
_ROUNDS = 7

_COMMANDS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("--help",), 4),
    (("find", "z"), 8),
    (("inspect", sys.executable), 8),
    (("explain", "/bin/ls"), 12),
    (("tree", "/bin/ls"), 12),
    (("examine", "z"), 12),
)
"""The words of a command, and how many bare starts of Python it may cost."""

_BUSY = "within a tenth of the bar; the share of imports grows when other programs use the caches of the processor"
_OTHERS: tuple[tuple[str, ...], ...] = (
    ("names", "z"),
    ("loaded", str(os.getpid())),
    ("rules", "double-close"),
    ("pin", "z"),
    ("call", "z", "unsigned long zlibCompileFlags(void)"),
    ("plugins", "."),
    *((*command.split(), "--help") for command in ("bind", "verify", "review", "probe", "fuzz")),
    *(("fleet", word, "--help") for word in ("scan", "ask", "sql", "compact", "report")),
)
"""Every other command, without a bar: a short question where there is one, else what it costs to be asked for help."""


def _row(what: str, words: tuple[str, ...], *bars: Bar, **peers: tuple[str, ...]) -> Row:
    bare = {BARE: cpu_of(sys.executable, "-c", "")}
    others = {name: cpu_of(*command) if shutil.which(command[0]) else None for name, command in peers.items()}
    return beside(what, "ms", cpu_of(*words), bare | others, bars, scale=1000, rounds=_ROUNDS if bars else 2)


def _command(words: tuple[str, ...], *bars: Bar) -> Iterator[Row]:
    peers = {"explain": {"ldd": ("ldd", "/bin/ls")}, "find": {"ldconfig": ("/sbin/ldconfig", "-p")}}.get(words[0], {})
    shown = " ".join({sys.executable: "PYTHON", str(os.getpid()): "PID"}.get(word, word) for word in words)
    yield _row(f"loadstone {shown}", (sys.executable, "-m", "loadstone", *words), *bars, **peers)


def _cold() -> Iterator[Row]:
    """The first start after an installation that compiled nothing: the modules are compiled on the way."""
    words = (sys.executable, "-B", "-X", "pycache_prefix=/nonexistent", "-m", "loadstone", "find", "z")
    yield _row("loadstone find z, no bytecode", words)


def _import(code: str, most: float) -> Iterator[Row]:
    yield _row(code, (sys.executable, "-c", code), times_of(BARE, most), ctypes=(sys.executable, "-c", "import ctypes"))


FIGURES = (
    *(
        Figure(f"loadstone {words[0]}", partial(_command, words, times_of(BARE, most, _BUSY)))
        for words, most in _COMMANDS
    ),
    *(Figure(f"loadstone {' '.join(words[:2])}", partial(_command, words)) for words in _OTHERS),
    Figure("without bytecode", _cold),
    Figure("import loadstone", partial(_import, "import loadstone", 2)),
    Figure("from loadstone import Library", partial(_import, "from loadstone import Library", 4)),
)
