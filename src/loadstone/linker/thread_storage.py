"""Static thread-local storage: how much of it a library opened late wants, and how much there is.

A library that reaches its thread-local variables by a fixed offset (initial-exec) needs room next to those of the
program. glibc keeps some in reserve for libraries opened later; what they do not need alone they need together, so a
library within the reserve may still come too late. Source: elf/dl-reloc.c and elf/dl-tls.c of glibc, read for their
rules; the GNU C Library manual, "Dynamic Linking Tunables".
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.linker.objects import LoadedObject
from loadstone.linker.request import LoaderModel

__all__ = ["reserve_of", "static_need"]

_DEFAULT_OPTIONAL: Final = 512
_FIXED: Final = 1152  # the rest of the surplus: 64 bytes, and 144 a namespace and auditor
_TUNABLE: Final = re.compile(r"(?:^|:)glibc\.rtld\.optional_static_tls=(0[xX][0-9a-fA-F]+|\d+)")


def reserve_of(model: LoaderModel) -> int:
    """Bytes kept for libraries opened after the start: 1664, or what the tunable makes of it.

    >>> reserve_of(LoaderModel(env=(("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=4096"),)))
    5248
    """
    tuned = _TUNABLE.search(model.variable("GLIBC_TUNABLES") or "")
    return _FIXED + (int(tuned[1], 0) if tuned else _DEFAULT_OPTIONAL)


def static_need(loaded: LoadedObject) -> int:
    """Bytes of its own thread-local storage that an object reaches by a fixed offset; 0 when it does not."""
    storage = loaded.facts.tls
    if storage is None:
        return 0
    defined = loaded.image.symbols.defined
    reached = loaded.facts.usage.thread_locals
    own = any(not symbol or (symbol < len(defined) and defined[symbol]) for symbol in reached)
    return storage.size if own else 0
