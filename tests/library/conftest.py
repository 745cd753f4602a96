from __future__ import annotations

import gc
import sys

import pytest

_COUNTS = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.fixture(autouse=True)
def no_handle_of_an_earlier_test() -> None:
    """Where no count ends a handle at once (PyPy, free-threaded builds), an earlier test may hold a library."""
    if not _COUNTS:
        gc.collect()
