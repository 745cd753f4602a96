"""Symbolic links followed as the kernel follows them, below a root that no link leads out of."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

__all__ = ["MAX_LINKS", "followed"]

MAX_LINKS: Final = 40
"""As many links as one path may lead through. Source: path_resolution(7)."""


def followed(path: str, target_of: Callable[[str], str | None]) -> str:
    """Where a path leads, written from the root on without a slash before it; nothing need be there.

    ``target_of`` says what the symbolic link at such a place holds; None where there is no link.

    Raises:
        OSError: ELOOP: it leads through more than 40 links.
    """
    pending = _parts(path)
    parts: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            del parts[-1:]
            continue
        target = target_of("/".join((*parts, part)))
        if target is None:
            parts.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            parts.clear()
        pending += _parts(target)
    return "/".join(parts)


def _parts(path: str) -> list[str]:
    """What stands between the slashes, the last first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
