"""Find a library by name, hit and miss, beside ``ctypes.util.find_library``, which starts programs for its answer."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable, Iterator
from functools import partial

from bench.figure import Figure, Row, beside, each_call, faster_than, processor_seconds
from loadstone.errors import NotFound
from loadstone.library import find
from loadstone.library.trust.policy import Policy, SearchPolicy, SearchSource

_NOT_LOADED = Policy(search=SearchPolicy(tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)))
_PEER = "ctypes.util.find_library"


def _miss() -> None:
    try:
        find("no-such-library-anywhere")
    except NotFound:
        return
    raise AssertionError("there is such a library after all")


def _rows(what: str, ours: Callable[[], object], name: str) -> Iterator[Row]:
    peers = {_PEER: each_call(partial(ctypes.util.find_library, name), 2, clock=processor_seconds)}
    yield beside(what, "us", each_call(ours, 50, clock=processor_seconds), peers, (faster_than(_PEER, 10),), scale=1e6)


_CASES = (
    ("find a library that is loaded (libz.so.1)", lambda: find("z", 1), "z"),
    ("find a library in the system cache (libz.so.1)", lambda: find("z", 1, policy=_NOT_LOADED), "z"),
    ("find a library by its bare name (z)", lambda: find("z", policy=_NOT_LOADED), "z"),
    ("find a library that is nowhere", _miss, "no-such-library-anywhere"),
)

FIGURES = tuple(Figure(what, partial(_rows, what, ours, name)) for what, ours, name in _CASES)
