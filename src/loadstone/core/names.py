r"""Names of libraries: what may reach a loader, how each platform spells a name, and which file names are libraries.

Pure text: nothing here touches a file system. The spelling rules are those of QLibrary (Qt 6.11), kept as one row a
platform in :data:`NAMING`; where we differ it is to close a hole, and the docstring says so. CWE-20, CWE-158 (a NUL
byte cuts a name short for the system but not for the caller), CWE-426.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from functools import lru_cache

from loadstone.core.limits import MAX_NAME_LENGTH
from loadstone.errors import InvalidName
from loadstone.quick_dataclass import dataclass

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

__all__ = [
    "NAMING",
    "Candidate",
    "Naming",
    "Platform",
    "base_of",
    "candidates",
    "has_directory",
    "is_library",
    "platform_named",
    "validate_name",
    "validate_symbol",
    "validate_version",
]

MAX_COMPONENT: Final = 255
"""Bytes of one path component (NAME_MAX of Linux, macOS and Windows file systems)."""

MAX_VERSION: Final = 64
"""Characters of a version; real ones stay below 20."""

MAX_SYMBOL: Final = 1 << 16
"""Characters of a symbol name; long C++ ones reach some 10,000."""

_NUL = re.compile("\0")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*\Z")
_DIGITS = re.compile(r"[0-9]+\Z")
_LENIENT_INTEGER = re.compile(r"[ \t\n\v\f\r\0]*[+-]?[0-9]+[ \t\n\v\f\r\0]*\Z")  # what QString::toInt takes


class Platform(StrEnum):
    """Whose naming rules apply. ``linux`` stands for every ELF system: the BSDs, illumos, Haiku."""

    LINUX = "linux"
    ANDROID = "android"
    MACOS = "macos"
    WINDOWS = "windows"
    CYGWIN = "cygwin"
    AIX = "aix"
    HPUX = "hp-ux"
    HPUX_IPF = "hp-ux-ipf"


@dataclass(frozen=True, slots=True)
class Naming:
    """How one platform spells a library: what goes before the name, what behind it, with and without a version.

    ``versioned`` holds patterns with ``{v}``; where it is empty a version has no place in a file name. ``valid`` are
    the suffixes :func:`is_library` knows; ``separators`` what divides directories.
    """

    prefix: str
    plain: tuple[str, ...]
    versioned: tuple[str, ...]
    valid: tuple[str, ...]
    separators: str = "/"

    def suffixes(self, version: str | None) -> tuple[str, ...]:
        """The suffixes to try, best first."""
        if version is None or not self.versioned:
            return self.plain
        return tuple(pattern.format(v=version) for pattern in self.versioned)


_ANDROID_ABIS: Final = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86")

NAMING: Final = {
    Platform.LINUX: Naming("lib", (".so",), (".so.{v}",), ("so",)),
    Platform.ANDROID: Naming("lib", (".so", *(f"_{abi}.so" for abi in _ANDROID_ABIS)), (".so.{v}",), ("so",)),
    Platform.MACOS: Naming(
        "lib", (".so", ".bundle", ".dylib"), (".so.{v}", ".{v}.bundle", ".{v}.dylib"), ("so", "bundle")
    ),
    Platform.WINDOWS: Naming("", (".dll",), (), (), "/\\"),
    Platform.CYGWIN: Naming("cyg", (".dll",), ("-{v}.dll",), (), "/\\"),
    Platform.AIX: Naming("lib", (".a",), (), ("a", "so")),
    Platform.HPUX: Naming("lib", (".sl",), (".sl.{v}", ".{v}"), ("sl",)),
    Platform.HPUX_IPF: Naming("lib", (".so", ".sl"), (".so.{v}", ".sl.{v}", ".{v}"), ("so", "sl")),
}
"""One row a platform. Source: the candidate table of QLibrary's Unix and Windows back ends, Qt 5.0 to 6.11."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file name to try. ``carries_version`` is false where a version was asked for and the name cannot tell it."""

    name: str
    carries_version: bool = True


def validate_name(name: object) -> str:
    """The library name as text, or a refusal before any loader sees it.

    Args:
        name: text, bytes or a path object, with or without directory, prefix and suffix.

    Raises:
        InvalidName: no text at all, empty, too long as a whole (4096 bytes) or in one part (255), with NUL in it, or
            with another control character in a name without directory. A path may have them: files do.

    >>> validate_name("z")
    'z'
    """
    if not isinstance(name, str | bytes) and not isinstance(name, os.PathLike):  # the usual kinds first
        raise InvalidName(
            name=repr(name)[:80],
            reason=f"a library name is text or a path, not {type(name).__name__}",
            advice='give something like "z", "libz.so.1" or "/opt/app/libz.so.1"',
        )
    text = os.fsdecode(name)
    if not text:
        raise InvalidName(name=text, reason="it is empty", advice="give the name or the path of a library")
    if len(text) > MAX_NAME_LENGTH:
        raise InvalidName(
            name=text,
            reason=f"it has {len(text)} characters, a path may have {MAX_NAME_LENGTH}",
            advice="give the name or the path of a library, not its content",
        )
    control = (_NUL if "/" in text or "\\" in text else _CONTROL).search(text)
    if control:
        raise InvalidName(
            name=text,
            reason=f"it has the control character {ord(control[0]):#04x} at position {control.start()}",
            advice="the system would see another name than you do; remove it",
        )
    if len(text) > MAX_COMPONENT // 4 and max(len(os.fsencode(part)) for part in text.split("/")) > MAX_COMPONENT:
        raise InvalidName(
            name=text,
            reason=f"one part of it is longer than {MAX_COMPONENT} bytes",
            advice="no file can have that name",
        )
    return text


def validate_version(version: object) -> str | None:
    """The version as text: ``1``, ``"1.2.13"``; None and, as in Qt, a negative number mean that none is asked for.

    Raises:
        InvalidName: it is neither number nor text, or could name another directory or file.
    """
    if version is None or (isinstance(version, int) and not isinstance(version, bool) and version < 0):
        return None
    if isinstance(version, bool) or not isinstance(version, (int, str)):
        raise InvalidName(
            name=repr(version)[:80],
            reason=f"a version is a whole number or text, not {type(version).__name__}",
            advice='give something like 1 or "1.2.13"',
        )
    text = str(version)
    if len(text) > MAX_VERSION or not _VERSION.match(text):
        raise InvalidName(
            name=text,
            reason=f"a version has 1 to {MAX_VERSION} letters, digits and . _ + ~ -, and starts with a letter or digit",
            advice='give something like 1 or "1.2.13"',
        )
    return text


def validate_symbol(symbol: object) -> str:
    """A symbol name that may be looked up.

    Raises:
        InvalidName: no text, empty, longer than 64 KiB, or with a NUL in it.
    """
    if not isinstance(symbol, str):
        raise InvalidName(
            name=repr(symbol)[:80],
            reason=f"a symbol name is text, not {type(symbol).__name__}",
            advice="give the name of a function or variable, as C has it",
        )
    if not symbol or len(symbol) > MAX_SYMBOL or "\0" in symbol:
        reason = "it is empty" if not symbol else "it has a NUL in it" if "\0" in symbol else "it is longer than 64 KiB"
        raise InvalidName(name=symbol, reason=reason, advice="give the name of a function or variable, as C has it")
    return symbol


def has_directory(name: str, platform: Platform) -> bool:
    """Whether the name says where the file is, rather than leaving that to a search."""
    return any(separator in name for separator in NAMING[platform].separators)


def _split(name: str, naming: Naming) -> tuple[str, str]:
    at = max(name.rfind(separator) for separator in naming.separators) + 1
    return name[:at], name[at:]


def base_of(name: str, platform: Platform) -> str:
    """The last part of a name, without its directory."""
    return _split(name, NAMING[platform])[1]


def _is_absolute(directory: str, naming: Naming) -> bool:
    if directory[:1] in naming.separators:
        return bool(directory)
    return "\\" in naming.separators and directory[1:2] == ":"


@lru_cache(maxsize=256)
def candidates(
    name: str,
    version: str | None,
    platform: Platform,
    *,
    archive_member: bool = False,
    processor_dirs: tuple[str, ...] = (),
) -> tuple[Candidate, ...]:
    """The file names a library name stands for, in the order they are tried.

    Args:
        name: as :func:`validate_name` lets it through.
        version: as :func:`validate_version` gives it.
        platform: whose rules.
        archive_member: the name ends in ``(member)``; decoration goes in front of the parenthesis (AIX).
        processor_dirs: directories such as ``glibc-hwcaps/x86-64-v3`` tried first below the name's own directory. Qt
            tries them unasked, so that a planted one beats the file its caller named; here they are asked for.

    Relative names are tried decorated first, absolute ones as given first. Other than Qt: a name that already is a
    file name of the platform (:func:`is_library`) is tried as it is, not as ``liblibz.so.1.so``; a version in the
    name and one asked for must agree.

    Raises:
        InvalidName: the name carries another version than the one asked for.

    >>> [c.name for c in candidates("z", "1", Platform.LINUX)]
    ['libz.so.1', 'libz', 'z.so.1', 'z']
    >>> [c.name for c in candidates("libssl.so.3", None, Platform.LINUX)]
    ['libssl.so.3']
    """
    naming = NAMING[platform]
    directory, base = _split(name, naming)
    member = ""
    if archive_member and base.endswith(")") and "(" in base:
        base, _, rest = base.partition("(")
        member = f"({rest}"
    if not naming.versioned:
        version = None  # the platform has no place for it in a name
    if is_library(base, platform):
        stems = [[_complete(base, version, naming)]]
    else:
        stems = list(_decorated(base, version, naming, absolute=_is_absolute(directory, naming)))
    places = [*(f"{directory}{sub}/" for sub in processor_dirs if directory), directory]
    found = [
        Candidate(f"{place}{c.name}{member}", c.carries_version) for stem in stems for place in places for c in stem
    ]
    if platform is Platform.ANDROID:
        found += [Candidate(c.name.replace("/", "_"), c.carries_version) for c in found if "/" in c.name]
    if platform is Platform.MACOS:
        found += [Candidate(path, version is None) for path in _bundle(directory, base)]
    return tuple(dict.fromkeys(found))


def _decorated(base: str, version: str | None, naming: Naming, *, absolute: bool) -> Iterator[list[Candidate]]:
    """Prefixes outside, suffixes inside; a suffix the base already ends with is left out."""
    suffixes = [s for s in naming.suffixes(version) if not base.endswith(s)]
    prefixes = ("", naming.prefix) if absolute else (naming.prefix, "")
    endings = ["", *suffixes] if absolute else [*suffixes, ""]
    for prefix in dict.fromkeys(prefixes):
        yield [Candidate(f"{prefix}{base}{ending}", version is None or ending != "") for ending in endings]


def _complete(base: str, version: str | None, naming: Naming) -> Candidate:
    """The base is a file name already: itself, or itself with the version put where the platform has it."""
    if version is None or any(base.endswith(ending) for ending in naming.suffixes(version)):
        return Candidate(base)
    for plain, pattern in zip(naming.plain, naming.versioned, strict=False):
        if base.endswith(plain):
            return Candidate(base.removesuffix(plain) + pattern.format(v=version))
    raise InvalidName(
        name=base,
        reason=f"it carries a version of its own, and version {version} is asked for",
        advice="leave out one of the two",
    )


def _bundle(directory: str, base: str) -> tuple[str, ...]:
    """The executable of a bundle directory, tried last on macOS."""
    stem = base.rpartition(".")[0] or base
    if base.endswith(".framework"):
        return (f"{directory}{base}/{stem}",)
    return (f"{directory}{base}/Contents/MacOS/{stem}",) if base.endswith(".bundle") else ()


def is_library(name: str, platform: Platform, *, strict: bool = True) -> bool:
    """Whether a file name looks like a library of the platform. Looks at the text only, never at a file.

    The part behind the last separator is split at its dots. On Windows and Cygwin it must end in ``.dll``, in any case;
    elsewhere the first piece that is a suffix of the platform may be followed by whole numbers only; ``.dylib`` ends a
    name on macOS. ``strict`` (ours, and the default) takes only plain ASCII digits, of any length, and no control
    character anywhere; without it Qt's accidents are repeated (``x.so.-1``, ``x.so. 1``).

    >>> is_library("libfoo.so.1.2", Platform.LINUX), is_library("libfoo.so.debug", Platform.LINUX)
    (True, False)
    """
    if strict and _CONTROL.search(name):
        return False
    naming = NAMING[platform]
    base = _split(name, naming)[1]
    if platform in (Platform.WINDOWS, Platform.CYGWIN):
        return base.lower().endswith(".dll")
    pieces = base.split(".")[1:]
    if not pieces:
        return False
    if platform is Platform.MACOS and pieces[-1] == "dylib":
        return True
    first = next((at for at, piece in enumerate(pieces) if piece in naming.valid), None)
    if first is None:
        return False
    return all(_is_number(piece, strict=strict) for piece in pieces[first + 1 :])


def _is_number(piece: str, *, strict: bool) -> bool:
    if strict:
        return bool(_DIGITS.match(piece))
    return bool(_LENIENT_INTEGER.match(piece)) and -(1 << 31) <= int(piece.strip(" \t\n\v\f\r\0")) < 1 << 31


def platform_named(text: str) -> Platform:
    """The platform a word stands for: the names of :class:`Platform`, and the usual ones of ``sys.platform``.

    Raises:
        InvalidName: no platform has that name.
    """
    word = text.lower()
    found = _ALIASES.get(word)
    if found is None:
        raise InvalidName(name=word, reason="no such platform", advice=f"use one of: {', '.join(Platform)}")
    return found


_ALIASES: Final = {
    **{p.value: p for p in Platform},
    **dict.fromkeys(("freebsd", "openbsd", "netbsd", "dragonfly", "bsd", "sunos", "haiku", "elf"), Platform.LINUX),
    "darwin": Platform.MACOS,
    "ios": Platform.MACOS,
    "win32": Platform.WINDOWS,
    "hpux": Platform.HPUX,
    "hp-ux11": Platform.HPUX,
}
