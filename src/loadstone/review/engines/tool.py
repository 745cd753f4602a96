"""What an adapter is, and how a tool is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadstone.core.claims import Confidence, Severity
from loadstone.quick_dataclass import dataclass
from loadstone.review.frontends import language_of
from loadstone.review.ir import Language

__all__ = ["Engine", "Foreign", "Unheard", "run"]

_FILES_A_CALL: Final = 100
_SECONDS: Final = 60.0
_SECONDS_A_FILE: Final = 10.0
_MAX_OUTPUT: Final = 64 << 20
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "LANG")
"""Variables a tool gets: enough to start, nothing that steers it."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A finding of another tool."""

    path: str
    line: int
    id: str
    message: str
    severity: Severity
    cwe: int | None = None
    confidence: Confidence = Confidence.POSSIBLE


@dataclass(frozen=True, slots=True)
class Engine:
    """A tool: the program, its arguments before the file names (and after), and how to read what it prints.

    ``done`` are its exit statuses when it ran to the end, whatever it found.
    """

    name: str
    program: str
    languages: frozenset[Language]
    arguments: tuple[str, ...]
    read: Callable[[str], Iterable[Foreign]]
    trailing: tuple[str, ...] = ()
    done: frozenset[int] = frozenset({0, 1})
    reports_on_stderr: bool = False


class Unheard(Exception):
    """The tool is not installed, did not finish, or could not be understood; the message says which."""


def _program(name: str) -> str:
    """The tool's path: beside the interpreter first, where an extra of this package installs it."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise Unheard(f"{name} is not installed")
    return found


def run(engine: Engine, paths: Sequence[str]) -> Iterator[Foreign]:
    """Everything the tool says of the files in its languages, their paths spelled as here.

    Raises:
        Unheard: it is not there, or it failed, or ran out of time.
    """
    files = [path for path in paths if language_of(path) in engine.languages]
    if not files:
        return
    program = _program(engine.program)
    spelled = {os.path.realpath(path): path for path in files}
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"LC_ALL": "C.UTF-8"}
    for start in range(0, len(files), _FILES_A_CALL):
        some = files[start : start + _FILES_A_CALL]
        named = [f"./{path}" if path.startswith("-") else path for path in some]
        command = [program, *engine.arguments, *named, *engine.trailing]
        seconds = _SECONDS + _SECONDS_A_FILE * len(some)
        try:
            done = subprocess.run(  # noqa: S603 - a list of arguments, the program from a fixed table
                command, capture_output=True, env=environment, timeout=seconds, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as error:
            raise Unheard(f"{engine.name} did not finish within {seconds:g} s") from error
        except OSError as error:
            raise Unheard(f"{engine.name} could not be started: {error.strerror}") from error
        said = done.stderr if engine.reports_on_stderr else done.stdout
        if done.returncode not in engine.done or len(said) > _MAX_OUTPUT:
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise Unheard(f"{engine.name} ended with status {done.returncode}: {last}")
        try:
            for found in engine.read(said.decode("utf-8", "replace")):
                yield replace(found, path=spelled.get(os.path.realpath(found.path), found.path))
        except (ValueError, KeyError, TypeError) as error:
            raise Unheard(f"what {engine.name} printed cannot be understood: {error}") from error
