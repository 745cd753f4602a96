"""The pin file as a value, and as TOML: one entry a library, so that a change shows in review as one line.

Source: toml.io, version 1.0.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final, Self

from loadstone.core.pins import Pin
from loadstone.errors import MalformedImage, Unwritable
from loadstone.files import parse_toml, read_bytes
from loadstone.quick_dataclass import dataclass

__all__ = ["PinFile"]

_VERSION: Final = 1
_MAX_SIZE: Final = 16 << 20
"""Bytes of a pin file; one with a thousand libraries has 300 kB."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class PinFile:
    """Pinned libraries, targets and what they need.

    >>> PinFile.parse('version = 1').pins
    ()
    """

    pins: tuple[Pin, ...] = ()

    def named(self, name: str) -> Pin | None:
        """The pin of the library that answers to ``name``."""
        return next((p for p in self.pins if p.name == name or os.path.basename(p.path) == name), None)

    def of_path(self, path: str) -> Pin | None:
        """The pin of the file at ``path``, whatever links lead there."""
        real = os.path.realpath(path)
        return next((p for p in self.pins if p.path == path or os.path.realpath(p.path) == real), None)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a pin file.

        Raises:
            Unreadable: there is none, or it is too large.
            MalformedImage: it is not TOML of the known kind.
        """
        name = os.fspath(path)
        try:
            return cls.parse(read_bytes(name, _MAX_SIZE).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise MalformedImage(what="not UTF-8", offset=error.start, path=name) from error
        except MalformedImage as error:
            error.path = name
            raise

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a pin file; raises :class:`MalformedImage`."""
        try:
            tree = parse_toml(text)
        except ValueError as error:
            raise _no_pin_file(f"not a pin file: {error}") from error
        if tree.get("version") != _VERSION:
            raise _no_pin_file(f"not a pin file of version {_VERSION}")
        rows = tree.get("library", [])
        if not isinstance(rows, list):
            raise _no_pin_file("its libraries are not a list")
        return cls(tuple(_pin_of(row) for row in rows))

    def text(self) -> str:
        """The file's content; equal pins give equal text."""
        blocks = ["# Written by `loadstone pin`; `loadstone verify` checks it.", f"version = {_VERSION}"]
        for one in self.pins:
            needed = ", ".join(_quoted(name) for name in one.needed)
            blocks.append(
                "\n[[library]]\n"
                f"name = {_quoted(one.name)}\n"
                f"path = {_quoted(one.path)}\n"
                f"sha256 = {_quoted(one.sha256)}\n"
                f"size = {one.size}\n"
                f"build_id = {_quoted(one.build_id)}\n"
                f"needed = [{needed}]"
            )
        return "\n".join(blocks) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file; raises :class:`Unwritable`."""
        try:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(self.text())
        except (OSError, UnicodeEncodeError) as error:
            raise Unwritable(path=os.fspath(path), reason=str(error)) from error


def _no_pin_file(what: str) -> MalformedImage:
    return MalformedImage(what=what, advice="`loadstone pin TARGET -o FILE` writes one")


def _quoted(text: str) -> str:
    """A TOML basic string; a name that is not UTF-8, which TOML cannot hold, as a list of its bytes."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        return str(list(os.fsencode(text)))
    escaped = "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() and c != "\x7f" else f"\\u{ord(c):04x}" for c in text
    )
    return f'"{escaped}"'


def _text_of(value: Any) -> Any:
    """What :func:`_quoted` wrote: a list of bytes as the name it stands for, anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(b, int) and 0 < b < 256 for b in value):
        return os.fsdecode(bytes(value))
    return value


def _pin_of(row: Any) -> Pin:
    if not isinstance(row, dict):
        raise _no_pin_file("a library is not a table")
    name, path, digest = (_text_of(row.get(key)) for key in ("name", "path", "sha256"))
    size, build_id, needed = row.get("size", 0), row.get("build_id", ""), row.get("needed", [])
    if not (isinstance(name, str) and isinstance(path, str) and isinstance(digest, str) and _SHA256.match(digest)):
        raise _no_pin_file(f"the library {name!r} needs a name, a path and a sha256 of 64 hexadecimal digits")
    if not (isinstance(size, int) and isinstance(build_id, str) and isinstance(needed, list)):
        raise _no_pin_file(f"the library {name!r} has a size, build_id or needed of the wrong kind")
    return Pin(name, path, digest, size, build_id, tuple(str(_text_of(n)) for n in needed))
