"""The environment this process was started with. A loader reads it then, and never sees what is set later.

Source: ld.so(8): LD_LIBRARY_PATH is read when the program starts; proc(5): environ is what the kernel was given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = ["changed_since", "started_with"]


@lru_cache(maxsize=1)
def started_with() -> Mapping[str, str]:
    """Every variable as it was; where the system does not keep them, as they were when first asked for."""
    try:
        with open("/proc/self/environ", "rb") as file:
            block = file.read()
    except OSError:
        return MappingProxyType(dict(os.environ))
    pairs = (os.fsdecode(entry).partition("=") for entry in block.split(b"\0") if b"=" in entry)
    return MappingProxyType({name: value for name, _, value in pairs})


def changed_since(name: str) -> bool:
    """Whether a variable is another one now."""
    return os.environ.get(name) != started_with().get(name)
