"""The dependency graph of real programs, with its search trace and versions, beside the tools people use for it.

``python -m bench graph``.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from bench.table import Row, render
from loadstone.core.image import ImageKind
from loadstone.linker import explain, view

BINARIES = 20
ROUNDS = 3


def _programs() -> list[str]:
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
    return [path for _, path in found[step - 1 :: step]][:BINARIES]


def _forget() -> None:
    view._image.cache_clear()
    view._head.cache_clear()


def _spent() -> float:
    """Seconds of processor time of this process and of the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _milliseconds(
    call: Callable[[str], object], paths: list[str], *, before: Callable[[], None] | None = None
) -> float:
    """The median over the programs of the best of a few rounds, in processor time of this process and its children.

    Processor time, because what else the machine does is not what is measured.
    """
    best = []
    for path in paths:
        rounds = []
        for _ in range(ROUNDS):
            if before is not None:
                before()
            start = _spent()
            call(path)
            rounds.append(_spent() - start)
        best.append(min(rounds))
    return median(best) * 1000


def _tool(*command: str) -> Callable[[str], object] | None:
    if shutil.which(command[0]) is None:
        return None
    return lambda path: subprocess.run([*command, path], capture_output=True, check=False)


def _auditwheel() -> Callable[[str], object] | None:
    if find_spec("auditwheel") is None:
        return None
    from auditwheel.lddtree import ldd

    return lambda path: ldd(Path(path))


def run() -> list[Row]:
    paths = _programs()
    sizes = sorted(len(explain(p, bindings=False).graph.nodes) for p in paths)
    peers = {
        "ldd": _tool("ldd"),
        "libtree": _tool("libtree"),
        "lddtree (pax-utils)": _tool("lddtree"),
        "auditwheel, in process": _auditwheel(),
    }
    measured = {name: _milliseconds(call, paths) if call else None for name, call in peers.items()}

    def graph(path: str) -> object:
        return explain(path, bindings=False)

    return [
        Row(
            f"graph of {len(paths)} programs ({sizes[0]} to {sizes[-1]} images), nothing cached",
            _milliseconds(graph, paths, before=_forget),
            "ms",
            measured,
            "<= 10 ms, faster than ldd, >= 10x lddtree and auditwheel",
        ),
        Row("the same, files read before", _milliseconds(graph, paths), "ms", measured, ""),
        Row("with every symbol bound", _milliseconds(explain, paths), "ms", {}, "<= 5x the graph alone"),
    ]


if __name__ == "__main__":
    print(render(run()))
