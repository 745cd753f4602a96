"""Which files a review looks at: those named, and those of the folders named that it can read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Final

from loadstone.binary import FileKind, identify_file
from loadstone.core.claims import Location
from loadstone.core.review import Limit, LimitKind
from loadstone.errors import LoadstoneError, Unreadable
from loadstone.review.frontends import language_of
from loadstone.review.ir import Language

__all__ = ["BINARY_KINDS", "FoundFile", "find_files"]

BINARY_KINDS: Final = frozenset({FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL})
"""Kinds of file the binary rules ask about."""

_BINARY_SUFFIXES: Final = frozenset({".so", ".dll", ".dylib", ".pyd", ".exe", ".bundle"})

_OTHER_LANGUAGES: Final = {
    ".cs": "C#",
    ".go": "Go",
    ".java": "Java",
    ".js": "JavaScript",
    ".kt": "Kotlin",
    ".lua": "Lua",
    ".m": "Objective-C",
    ".pas": "Pascal",
    ".pl": "Perl",
    ".pyx": "Cython",
    ".rb": "Ruby",
    ".rs": "Rust",
    ".swift": "Swift",
    ".ts": "TypeScript",
    ".zig": "Zig",
}
"""Languages that load libraries too, and have no front end here: said, never passed over as clean."""

_PASSED_OVER: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "CMakeFiles"})


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The files to review, in order, and what was there but is not reviewed."""

    sources: tuple[tuple[str, Language], ...] = ()
    binaries: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


def _excluded(path: str, exclude: Sequence[str]) -> bool:
    posix = PurePath(path).as_posix()
    return any(fnmatch(posix, pattern) or fnmatch(posix, f"*/{pattern}") for pattern in exclude)


def _walk(folder: str, exclude: Sequence[str]) -> Iterator[str]:
    """Files below a folder in a fixed order; links, hidden folders and excluded ones are not entered."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _PASSED_OVER
            and not _excluded(os.path.join(root, name), exclude)
        )
        yield from (os.path.join(root, name) for name in sorted(names))


def _is_binary(path: str) -> bool:
    try:
        return identify_file(path).kind in BINARY_KINDS
    except LoadstoneError:
        return False


def _looks_binary(path: str) -> bool:
    """Whether a file met in a folder is worth opening: by its name, or because it may be run."""
    pure = PurePath(path)
    if pure.suffix.lower() in _BINARY_SUFFIXES or ".so." in pure.name:
        return True
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return not pure.suffix and stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        code = getattr(error, "errno", None)
        advice = "give the path of a source file, a folder or a binary"
        raise Unreadable(path=path, reason=reason, code=code, advice=advice) from error


def find_files(paths: Iterable[str], exclude: Sequence[str] = ()) -> FoundFile:
    """The files behind ``paths``.

    A file that is named is looked at whatever it is called; in a folder, names decide. ``exclude`` are shell patterns
    over whole paths or their ends. Links met in folders are not followed. Opens files only to see what kind they are.

    Raises:
        Unreadable: a path that was named is not there, or cannot be looked at.
    """
    sources: dict[str, Language] = {}
    binaries: dict[str, None] = {}
    limits: list[Limit] = []
    others: Counter[str] = Counter()
    for path in paths:
        mode = _status(path).st_mode
        if not stat.S_ISDIR(mode):
            language = language_of(path)
            if language is not None:
                sources[path] = language
            elif stat.S_ISREG(mode) and _is_binary(path):
                binaries[path] = None
            else:
                message = "neither a binary nor in a language that is reviewed (C, C++, Python)"
                limits.append(Limit(LimitKind.NOT_REVIEWED, Location(path), message, gap=True))
            continue
        for file in _walk(path, exclude):
            if _excluded(file, exclude):
                continue
            language = language_of(file)
            if os.path.islink(file):
                continue
            if language is not None:
                sources[file] = language
            elif PurePath(file).suffix.lower() in _OTHER_LANGUAGES:
                others[_OTHER_LANGUAGES[PurePath(file).suffix.lower()]] += 1
            elif _looks_binary(file) and _is_binary(file):
                binaries[file] = None
        if others:
            counted = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
            message = f"files in languages without a front end here: {counted}"
            limits.append(Limit(LimitKind.NOT_REVIEWED, Location(path), message, gap=not sources and not binaries))
            others.clear()
    return FoundFile(tuple(sources.items()), tuple(binaries), tuple(limits))
