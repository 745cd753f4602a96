"""Find a library by name, hit and miss, beside ``ctypes.util.find_library``."""

from __future__ import annotations

import ctypes.util
from functools import partial
from time import perf_counter

from bench.load import in_turns
from bench.table import Row, render
from loadstone.errors import NotFound
from loadstone.library import find
from loadstone.library.trust.policy import Policy, SearchPolicy, SearchSource

_NOT_LOADED = Policy(search=SearchPolicy(tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)))


def _miss() -> None:
    try:
        find("no-such-library-anywhere")
    except NotFound:
        return
    raise AssertionError("there is such a library after all")


def run() -> list[Row]:
    util = "ctypes.util.find_library"
    rows = []
    cases = (
        ("find a library that is loaded (libz.so.1)", lambda: find("z", 1), "z"),
        ("find a library in the system cache (libz.so.1)", lambda: find("z", 1, policy=_NOT_LOADED), "z"),
        ("find a library by its bare name (z)", lambda: find("z", policy=_NOT_LOADED), "z"),
        ("miss", _miss, "no-such-library-anywhere"),
    )
    for what, ours, name in cases:
        mine = in_turns({"loadstone": ours}, rounds=10, number=50, clock=perf_counter)["loadstone"]
        theirs = in_turns({util: partial(ctypes.util.find_library, name)}, rounds=5, number=2, clock=perf_counter)[util]
        rows.append(Row(what, mine * 1e6, "us", {util: theirs * 1e6}, ">= 10x faster than ctypes.util"))
    return rows


if __name__ == "__main__":
    print(render(run()))
