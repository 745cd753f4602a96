"""What a compiler makes for the tests, kept between runs by content: the same source, flags, inputs and compiler.

``LOADSTONE_TEST_CACHE`` says where (``~/.cache/loadstone-tests`` when unset); nothing is kept in the tree.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.wheels import CACHE

__all__ = ["build", "forget_old"]

_KEPT: Final = CACHE / "built"
_DAYS: Final = 30


def build(command: Sequence[str], target: Path, source: str = "") -> None:
    """Have ``command`` write ``target``; ``source`` is its standard input. Fails with the compiler's own words."""
    parts = _parts(command, target, source)
    kept = _KEPT / hashlib.sha256(repr(parts).encode()).hexdigest()
    try:
        shutil.copy(kept, target)
        os.utime(kept)
    except FileNotFoundError:
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False, env=_environment())
        assert done.returncode == 0, f"{shlex.join(command)}\n{source}\n{done.stderr}"
        here = tempfile.gettempdir()
        if not any(here in part for part in parts) and here.encode() not in target.read_bytes():  # good elsewhere too
            _keep(target, kept)


def forget_old() -> None:
    """Remove what no run has used for a month."""
    oldest = time.time() - _DAYS * 86400
    for kept in _KEPT.glob("*"):
        if kept.stat().st_mtime < oldest:
            kept.unlink(missing_ok=True)


def _keep(target: Path, kept: Path) -> None:
    """Other test processes see a whole file or none."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=kept.parent, prefix=".new-")
    os.close(handle)
    shutil.copy(target, scratch)
    os.replace(scratch, kept)


def _parts(command: Sequence[str], target: Path, source: str) -> list[str]:
    """All that decides what is made."""
    parts = [_identity(command[0]), target.name, source]
    for word in command[1:]:
        parts += ["TARGET" if part == str(target) else _content(part) for part in re.split(r"[=,]", word)]
    return parts


def _content(word: str) -> str:
    """A part of a command; of a file, and of the headers in a folder to search for them, what it says is meant."""
    if word.startswith("-I"):
        return "-I " + " ".join(_content(str(header)) for header in sorted(Path(word[2:]).rglob("*.h")))
    if os.path.isfile(word):
        return f"{os.path.basename(word)} {hashlib.sha256(Path(word).read_bytes()).hexdigest()}"
    return word


@cache
def _identity(program: str) -> str:
    """Another version of a compiler is another file."""
    path = os.path.realpath(shutil.which(program) or program)
    facts = os.stat(path)
    return f"{path} {facts.st_size} {facts.st_mtime_ns}"


def _environment() -> dict[str, str]:
    """zig keeps what it has made as well, where we say."""
    return {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig")}
