"""The dependency graph of real programs, with its search trace and versions, beside the tools people use for it.

``python -m bench graph``.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from bench.figure import (
    Figure,
    Row,
    Sample,
    at_most,
    each_call,
    faster_than,
    processor_seconds,
)
from loadstone.core.image import ImageKind
from loadstone.linker import explain, view

_COLD = "reading the images in Python is nearly all of it: the row below has them read before; see elf facts"
BINARIES = 20
ROUNDS = 3


@cache
def _programs() -> tuple[str, ...]:
    """Twenty programs spread over all those that bring in at least three libraries."""
    found = []
    for path in sorted(Path("/usr/bin").iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                continue
        answer = explain(path, bindings=False)
        root = answer.graph.root.image
        if root is not None and root.kind in (ImageKind.PIE, ImageKind.EXECUTABLE) and len(answer.graph.nodes) > 4:
            found.append((len(answer.graph.nodes), str(path)))
    found.sort()
    step = max(len(found) // BINARIES, 1)
    return tuple(path for _, path in found[step - 1 :: step])[:BINARIES]


def _forget() -> None:
    view._image.cache_clear()
    view._head.cache_clear()


def _tool(*command: str) -> Callable[[str], object] | None:
    if shutil.which(command[0]) is None:
        return None
    return lambda path: subprocess.run([*command, path], capture_output=True, check=False)


def _auditwheel() -> Callable[[str], object] | None:
    if find_spec("auditwheel") is None:
        return None
    from auditwheel.lddtree import ldd

    return lambda path: ldd(Path(path))


def _graph(path: str) -> object:
    return explain(path, bindings=False)


def _cold(path: str) -> object:
    _forget()
    return _graph(path)


def _measured(calls: dict[str, Callable[[str], object] | None]) -> dict[str, Sample | None]:
    """The programs' best of a few rounds each, in milliseconds of processor time, children included; in turns."""
    best: dict[str, list[float]] = {name: [] for name, call in calls.items() if call}
    for path in _programs():
        for name, call in calls.items():
            if call:
                measure = each_call(partial(call, path), clock=processor_seconds)
                best[name].append(1000 * min(measure() for _ in range(ROUNDS)))
    return {name: Sample.of(best[name]) if call else None for name, call in calls.items()}


def _graphs() -> Iterator[Row]:
    paths = _programs()
    sizes = sorted(len(explain(p, bindings=False).graph.nodes) for p in paths)
    peers = {
        "ldd": _tool("ldd"),
        "libtree": _tool("libtree"),
        "lddtree (pax-utils)": _tool("lddtree"),
        "auditwheel, in process": _auditwheel(),
    }
    samples = _measured({"cold": _cold, **peers, "warm": _graph, "bound": explain})
    cold, warm, bound = samples.pop("cold"), samples.pop("warm"), samples.pop("bound")
    assert cold is not None
    assert warm is not None
    assert bound is not None
    bars = (
        at_most(10, _COLD),
        faster_than("ldd", 1, _COLD),
        faster_than("lddtree (pax-utils)", 10, _COLD),
        faster_than("auditwheel, in process", 10, _COLD),
    )
    what = f"graph of {len(paths)} programs ({sizes[0]} to {sizes[-1]} images)"
    yield Row(f"{what}, nothing cached", "ms", cold, samples, bars, note="the spread is that between programs")
    yield Row(f"{what}, files read before", "ms", warm)
    yield Row(f"{what}, every symbol bound", "ms", bound, {"the graph alone": warm})


FIGURES = (Figure("graphs of real programs", _graphs),)
