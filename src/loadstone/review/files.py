"""Which files a review looks at: those named, and those of the folders named that it can read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Final

from loadstone.archives import is_archive
from loadstone.binary import FileKind, identify_file
from loadstone.core.claims import Location
from loadstone.core.review import Limit, LimitKind
from loadstone.errors import LoadstoneError, Unreadable
from loadstone.quick_dataclass import dataclass
from loadstone.review.frontends import language_of
from loadstone.review.ir import Language

__all__ = [
    "BINARY_KINDS",
    "FoundFile",
    "find_files",
    "is_excluded",
    "looks_binary",
    "most_read",
    "other_language",
    "unread_languages",
]

BINARY_KINDS: Final = frozenset({FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL})
"""Kinds of file the binary rules ask about."""

MAX_SOURCE_SIZE: Final = 16 << 20
"""Source files beyond this are refused, and said to be: SQLite's amalgamation, the largest in common use, has 9 MiB."""

MAX_PYTHON_SIZE: Final = 3 << 20
"""The same for Python, whose own parser takes some 400 bytes of memory a byte; the largest in common use has 1 MiB."""

_PACKAGES: Final = frozenset({".whl", ".jar", ".conda", ".deb", ".rpm", ".apk"})
"""Archives that are made to be installed: met in a folder they are said to be there, named they are reviewed."""

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
    archives: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


def is_excluded(path: str, exclude: Sequence[str]) -> bool:
    """Whether a path or its end is one of the patterns."""
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
            and not is_excluded(os.path.join(root, name), exclude)
        )
        yield from (os.path.join(root, name) for name in sorted(names))


def _is_binary(path: str) -> bool:
    try:
        return identify_file(path).kind in BINARY_KINDS
    except LoadstoneError:
        return False


def most_read(language: Language) -> int:
    """Bytes of the largest source file that is read."""
    return MAX_PYTHON_SIZE if language is Language.PYTHON else MAX_SOURCE_SIZE


def other_language(path: str) -> str | None:
    """The language of a source file that no front end here reads."""
    return _OTHER_LANGUAGES.get(PurePath(path).suffix.lower())


def looks_binary(path: str) -> bool:
    """Whether a file's name says that it is a library or a program of Windows."""
    pure = PurePath(path)
    return pure.suffix.lower() in _BINARY_SUFFIXES or ".so." in pure.name


def _worth_opening(path: str) -> bool:
    """Whether a file met in a folder may be a binary: by its name, or because it may be run."""
    if looks_binary(path):
        return True
    pure = PurePath(path)
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
        advice = "give the path of a source file, a folder, an archive or a binary"
        raise Unreadable(path=path, reason=reason, code=code, advice=advice) from error


@dataclass(slots=True)
class _Finding:
    """What was found so far."""

    sources: dict[str, Language] = field(default_factory=dict)
    binaries: dict[str, None] = field(default_factory=dict)
    archives: dict[str, None] = field(default_factory=dict)
    limits: list[Limit] = field(default_factory=list)

    def named(self, path: str, mode: int) -> None:
        """A file that was named, whatever it is called."""
        language = language_of(path)
        if language is not None:
            self.sources[path] = language
        elif stat.S_ISREG(mode) and is_archive(path):
            self.archives[path] = None
        elif stat.S_ISREG(mode) and _is_binary(path):
            self.binaries[path] = None
        else:
            message = "neither a binary, an archive nor in a language that is reviewed (C, C++, Python)"
            self.limits.append(Limit(LimitKind.NOT_REVIEWED, Location(path), message, gap=True))

    def folder(self, path: str, exclude: Sequence[str]) -> None:
        """What is in a folder, by names."""
        others: Counter[str] = Counter()
        packages = 0
        for file in _walk(path, exclude):
            if os.path.islink(file) or is_excluded(file, exclude):
                continue
            language = language_of(file)
            if language is not None:
                self.sources[file] = language
            elif (other := other_language(file)) is not None:
                others[other] += 1
            elif PurePath(file).suffix.lower() in _PACKAGES:
                packages += 1
            elif _worth_opening(file) and _is_binary(file):
                self.binaries[file] = None
        nothing = not self.sources and not self.binaries
        if others:
            self.limits.append(unread_languages(path, others, gap=nothing))
        if packages:
            message = f"archives in folders are reviewed when they are named: {packages} here"
            self.limits.append(Limit(LimitKind.NOT_REVIEWED, Location(path), message, gap=nothing))


def unread_languages(path: str, counted: Mapping[str, int], *, gap: bool) -> Limit:
    """That sources in these languages are there and were not reviewed."""
    named = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    message = f"files in languages without a front end here: {named}"
    return Limit(LimitKind.NOT_REVIEWED, Location(path), message, gap=gap)


def find_files(paths: Iterable[str], exclude: Sequence[str] = ()) -> FoundFile:
    """The files behind ``paths``.

    A file that is named is looked at whatever it is called; in a folder, names decide. ``exclude`` are shell patterns
    over whole paths or their ends. Links met in folders are not followed. Opens files only to see what kind they are.

    Raises:
        Unreadable: a path that was named is not there, or cannot be looked at.
    """
    found = _Finding()
    for path in paths:
        mode = _status(path).st_mode
        if stat.S_ISDIR(mode):
            found.folder(path, exclude)
        else:
            found.named(path, mode)
    return FoundFile(tuple(found.sources.items()), tuple(found.binaries), tuple(found.archives), tuple(found.limits))
