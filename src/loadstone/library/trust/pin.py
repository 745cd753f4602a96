"""Pinning: the digest of a library and of everything it needs, taken once and held to from then on."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from loadstone.binary import read
from loadstone.core.pins import Pin, PinCheck, PinState
from loadstone.core.trace import LoadVerdict
from loadstone.errors import LoadFailed, MalformedImage, NotVerified, Unreadable
from loadstone.files import open_regular
from loadstone.library.trust.pin_file import PinFile
from loadstone.library.trust.policy import Policy
from loadstone.linker import explain

__all__ = ["pin", "pinned_digest", "verify"]


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
        measured = _measured(path)
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
    return Pin(name, path, measured.sha256, measured.size, measured.build_id, needed)


class _Measured(NamedTuple):
    """One file as it was when it was opened."""

    sha256: str
    size: int
    build_id: str


def _measured(path: str) -> _Measured:
    """What identifies the file, all of it from one opening: a file put in its place meanwhile is not mixed in."""
    with open(path, "rb", opener=open_regular) as stream:
        try:
            build_id = read(stream.fileno(), path=path).build_id or ""
        except MalformedImage:  # it is no library any more; its digest says the rest
            build_id = ""
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return _Measured(digest, os.fstat(stream.fileno()).st_size, build_id)


def verify(pins: PinFile) -> tuple[PinCheck, ...]:
    """Compare every pinned file with its pin, in the order of the file. Nothing is loaded."""
    return tuple(_checks(pins))


def _checks(pins: PinFile) -> Iterator[PinCheck]:
    for one in pins.pins:
        try:
            measured = _measured(one.path)
        except Unreadable as error:
            state = PinState.MISSING if error.code == errno.ENOENT else PinState.UNREADABLE
            yield PinCheck(one, state, error.reason)
        except OSError as error:
            yield PinCheck(one, PinState.UNREADABLE, error.strerror or str(error))
        else:
            state = PinState.UNCHANGED if measured.sha256 == one.sha256 else PinState.CHANGED
            yield PinCheck(one, state, measured.sha256, measured.build_id)
