"""A command that obeys interrupts, wherever the tests run."""

from __future__ import annotations

import sys

__all__ = ["obeying_interrupts"]

# A shell starts what runs in its background with interrupts ignored, and children inherit that.
_STARTER = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("loadstone", run_name="__main__", alter_sys=True)
"""


def obeying_interrupts(*words: str) -> list[str]:
    """``loadstone`` with these words, as from a terminal."""
    return [sys.executable, "-c", _STARTER, *words]
