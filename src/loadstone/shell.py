"""Paths and words of an advised command, as a POSIX shell takes them."""

from __future__ import annotations

import shlex

__all__ = ["quoted_entry", "quoted_path"]


def quoted_path(path: str) -> str:
    """A path as an argument: one that begins with a dash is no option then. ``-a b`` is written ``'./-a b'``."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def quoted_entry(text: str) -> str:
    """What is written into a file's run path: always in quotes, for tokens begin with a dollar."""
    quoted = shlex.quote(text)
    return quoted if quoted != text else f"'{text}'"
