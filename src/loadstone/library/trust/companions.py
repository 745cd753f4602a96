"""What a pinned library needs, and who vouches for each of those: a pin, the process it is already in, or nobody."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from loadstone.core.image import Image
from loadstone.errors import NotVerified
from loadstone.files import open_regular
from loadstone.library.adapters.base import Adapter
from loadstone.linker import explain
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.library.trust.pin_file import PinFile

__all__ = ["Companion", "companions", "digest_of"]

_OWN_SEARCH: Final = ("rpath", "runpath")


@dataclass(frozen=True, slots=True)
class Companion:
    """A dependency.

    ``path`` is what to open before the library, empty when that is left to the loader; ``pin`` the digest it must have,
    None when nothing vouches for it.
    """

    name: str
    path: str
    pin: str | None


def companions(image: Image, path: str, pins: PinFile | None, adapter: Adapter) -> Iterator[Companion]:
    """The dependencies of a library, deepest first.

    Those that are in the process already stay what they are: with pins their file must have the pinned digest, but the
    mapped bytes are not verified. Pinned ones are to be sealed. Without pins, those that only the library's own search
    path leads to are opened by path, because a sealed copy lies elsewhere.

    Raises:
        NotVerified: there are pins, and a dependency is not in them, or is loaded already and differs.
    """
    loaded = {os.path.basename(library.path): library.path for library in adapter.loaded()}
    explanation = explain(path, as_library=True, bindings=False)
    chosen = {edge.name: edge for edge in reversed(explanation.graph.edges) if edge.chosen}
    names = list(
        dict.fromkeys([*(d.name for d in image.needed if d.required), *(e.name for e in explanation.graph.edges)])
    )
    for name in reversed(names):
        edge = chosen.get(name)
        if pins is None:
            if name not in loaded:
                own = edge is not None and edge.how in _OWN_SEARCH
                yield Companion(name, edge.chosen or "" if own and edge else "", None)
            continue
        pin = pins.named(name)
        if pin is None:
            raise NotVerified(
                path=path,
                requirement="everything it needs must be pinned",
                actual=f"{name} is not",
                advice="`loadstone pin` writes the whole closure",
            )
        if name in loaded:
            _check_loaded(path, name, loaded[name], pin.sha256)
            yield Companion(name, "", None)
        else:
            yield Companion(name, pin.path, pin.sha256)


def _check_loaded(path: str, name: str, where: str, expected: str) -> None:
    """The file of a library that is in the process already must at least be the pinned one."""
    try:
        actual = digest_of(where)
    except OSError:
        actual = "a file that is no longer there"
    if actual != expected:
        raise NotVerified(
            path=path,
            requirement=f"{name}, which it needs and which is loaded already, must be the pinned one",
            expected=expected,
            actual=actual,
            advice="load the pinned library before anything else that needs it",
        )


def digest_of(path: str) -> str:
    """The SHA-256 digest of a regular file; raises Unreadable, OSError."""
    with open(path, "rb", opener=open_regular) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
