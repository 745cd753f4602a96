"""Pin files: the digest of a library and of everything it needs, written once and held to from then on.

A pin file is TOML, one entry a library, so that a change shows in review as one line. Source: toml.io, version 1.0.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from loadstone.binary import read
from loadstone.core.pins import Pin, PinCheck, PinState
from loadstone.core.trace import LoadVerdict
from loadstone.errors import LoadFailed, LoadstoneError, MalformedImage, NotVerified, Unreadable, Unwritable
from loadstone.files import parse_toml, read_bytes
from loadstone.library.trust.companions import digest_of
from loadstone.library.trust.policy import Policy
from loadstone.linker import explain

__all__ = ["PinFile", "pin", "pinned_digest", "verify"]

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
            raise _no_pin_file("its libraries are no list")
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
    """A TOML basic string."""
    escaped = "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() and c != "\x7f" else f"\\u{ord(c):04x}" for c in text
    )
    return f'"{escaped}"'


def _pin_of(row: Any) -> Pin:
    if not isinstance(row, dict):
        raise _no_pin_file("a library is no table")
    name, path, digest = (row.get(key) for key in ("name", "path", "sha256"))
    size, build_id, needed = row.get("size", 0), row.get("build_id", ""), row.get("needed", [])
    if not (isinstance(name, str) and isinstance(path, str) and isinstance(digest, str) and _SHA256.match(digest)):
        raise _no_pin_file(f"the library {name!r} needs a name, a path and a sha256 of 64 hexadecimal digits")
    if not (isinstance(size, int) and isinstance(build_id, str) and isinstance(needed, list)):
        raise _no_pin_file(f"the library {name!r} has a size, build_id or needed of the wrong kind")
    return Pin(name, path, digest, size, build_id, tuple(str(n) for n in needed))


def pinned_digest(path: str, policy: Policy) -> str:
    """The digest the policy wants of a file; empty when it wants none.

    Raises:
        NotVerified: the policy has pins, and the file is not among them.
    """
    if policy.sha256 is not None:
        return policy.sha256
    if policy.pins is None:
        return ""
    found = policy.pins.of_path(path) or policy.pins.named(os.path.basename(path))
    if found is None:
        raise NotVerified(
            path=path,
            requirement="it must be pinned",
            actual="it is not in the pin file",
            advice="`loadstone pin` adds it and everything it needs",
        )
    return found.sha256


def pin(paths: Iterable[str]) -> PinFile:
    """The digests of libraries and of everything they need, in the order the loader would load them; read, not loaded.

    Raises:
        LoadFailed: one of them would not load here, so that its closure is not known.
        Unreadable: a file of the closure cannot be read.
    """
    found: dict[str, Pin] = {}
    for path in paths:
        explanation = explain(path, as_library=True, bindings=False)
        if explanation.verdict is LoadVerdict.FAILS:
            raise LoadFailed(name=path, stage="pin", system_text="it would not load here", explanation=explanation)
        graph = explanation.graph
        for node in graph.nodes:
            real = os.path.realpath(node.path)
            if real in found:
                continue
            name = node.identity or os.path.basename(node.path)
            needed = tuple(edge.name for edge in graph.needs(node.path))
            found[real] = _pinned(name, node.path, needed)
    return PinFile(tuple(found.values()))


def _pinned(name: str, path: str, needed: tuple[str, ...]) -> Pin:
    try:
        digest, size = digest_of(path), os.stat(path).st_size
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
    return Pin(name, path, digest, size, read(path).build_id or "", needed)


def verify(pins: PinFile) -> tuple[PinCheck, ...]:
    """Compare every pinned file with its pin, in the order of the file. Nothing is loaded."""
    return tuple(_checks(pins))


def _checks(pins: PinFile) -> Iterator[PinCheck]:
    for one in pins.pins:
        try:
            digest = digest_of(one.path)
        except Unreadable as error:
            state = PinState.MISSING if error.code == errno.ENOENT else PinState.UNREADABLE
            yield PinCheck(one, state, error.reason)
        except OSError as error:
            yield PinCheck(one, PinState.UNREADABLE, error.strerror or str(error))
        else:
            state = PinState.UNCHANGED if digest == one.sha256 else PinState.CHANGED
            yield PinCheck(one, state, digest, _build_id(one.path) if state is PinState.CHANGED else one.build_id)


def _build_id(path: str) -> str:
    try:
        return read(path).build_id or ""
    except LoadstoneError:
        return ""
