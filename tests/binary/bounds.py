"""How much work and memory a call takes, told in steps and bytes so that a busy machine changes nothing."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

from loadstone.core.image import Image
from loadstone.errors import MalformedImage

MAX_STEPS = 1_000_000
"""Lines run within 100 ms, at the 100 ns that CPython 3.11 takes for a plain one."""

MAX_MEMORY = 64 << 20


def outcome(read: Callable[[], Image]) -> Image | MalformedImage:
    """The image or the one error that is allowed; anything else ends the test."""
    try:
        return read()
    except MalformedImage as error:
        return error


def steps(call: Callable[[], object]) -> int:
    """How many lines of Python the call runs."""
    count = 0

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    before = sys.gettrace()
    sys.settrace(lambda *_: local)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def peak_memory(call: Callable[[], object]) -> int:
    """How many bytes the call allocates at its height."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
