"""Which files a git repository says have changed: the one question about history a review asks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from loadstone.errors import InvalidName, Unsupported

__all__ = ["changed_since"]

_SECONDS: Final = 60


def changed_since(revision: str, folder: str | os.PathLike[str] = ".") -> frozenset[str]:
    """Paths of the files that differ from ``revision`` or are not tracked yet, absolute.

    Raises:
        InvalidName: the revision begins with a dash or is empty.
        Unsupported: git is not there, the folder is in no repository, or it has no such revision.
    """
    if not revision or revision.startswith("-"):
        raise InvalidName(name=revision, reason="it is not a revision", advice="give a commit, branch or tag")
    root = _git(folder, "rev-parse", "--show-toplevel").strip()
    changed = _git(root, "diff", "--name-only", "--no-ext-diff", "-z", "--end-of-options", revision)
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return frozenset(os.path.join(root, name) for name in f"{changed}\0{new}".split("\0") if name)


def _git(folder: str | os.PathLike[str], *arguments: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise Unsupported(feature="--changed-since", reason="git is not installed")
    command = [program, "-c", "core.fsmonitor=false", "-C", str(Path(folder)), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, git found on PATH as its user would
            command, capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise Unsupported(feature="--changed-since", reason=f"git did not answer within {_SECONDS} s") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip() or f"git ended with status {done.returncode}"
        raise Unsupported(feature="--changed-since", reason=said)
    return os.fsdecode(done.stdout)
