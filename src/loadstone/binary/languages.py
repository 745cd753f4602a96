"""What compilers leave in the data of a program of any format, where neither a section nor a symbol tells the language.

Sources: rustc ``remap-path-prefix`` of its own library (panic locations begin with ``/rustc/COMMIT``); Zig
lib/std/Progress.zig; dotnet/runtime corehost/apphost/bundle_marker.cpp.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.core.image import Trait, TraitKind

__all__ = ["AOT_HEADER", "MAX_SEARCHED", "dotnet_host", "language_of_texts"]

MAX_SEARCHED: Final = 1 << 20
"""Bytes of a section that are looked through."""

AOT_HEADER: Final = "DotNetRuntimeDebugHeader"
"""What every image exports that .NET compiled ahead of time: debuggers look for it."""

_COMMIT: Final = re.compile(rb"[0-9a-f]{40}\b")
_TEXTS: Final = (
    (b"/rustc/", _COMMIT, TraitKind.RUST, "a path of the Rust library in its texts"),
    (
        b"/rustc-",
        re.compile(rb"\d+\.\d+"),
        TraitKind.RUST,
        "a path of the Rust library in its texts",
    ),  # as Debian builds it
    (b"ZIG_PROGRESS", re.compile(rb"\b"), TraitKind.ZIG, "a name that Zig's library asks the environment for"),
)
"""How a text begins and how it goes on: bytes are found many times faster than patterns."""

_BUNDLE_MARK: Final = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")


def language_of_texts(data: bytes, offset: int) -> Trait | None:
    r"""The language whose library has left a text in ``data``, the read-only data at ``offset`` of the file.

    >>> str(language_of_texts(b"\0/rustc/" + b"0" * 40 + b"/library/core/src/str.rs", 0))
    'Rust'
    """
    for beginning, rest, kind, why in _TEXTS:
        at = data.find(beginning)
        if at >= 0 and rest.match(data, at + len(beginning)):
            return Trait(kind, why, offset + at)
    return None


def dotnet_host(data: bytes, offset: int) -> Trait | None:
    """The program that starts a .NET application, by the mark in ``data``, the writable data at ``offset`` of the file.

    Eight bytes before the mark say where in the file the assemblies are bundled; zero when they are files beside it.
    """
    at = data.find(_BUNDLE_MARK)
    if at < 8:
        return None
    bundled = int.from_bytes(data[at - 8 : at], "little")
    kind = TraitKind.DOTNET_BUNDLE if bundled else TraitKind.DOTNET_HOST
    why = f"its assemblies are bundled, listed at {bundled:#x}" if bundled else "the mark of a host, and no bundle"
    return Trait(kind, why, offset + at)
