"""How the cost of a graph grows from 10 to 10,000 libraries; ``python -m bench.growth FILE`` also draws it, as SVG."""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import log10
from pathlib import Path
from time import process_time

from tests.linker.tiny_elf import tiny_elf

from bench.figure import Figure, Row, Sample, at_most
from loadstone.linker import LoaderModel, explain

COUNTS = (10, 100, 1000, 10_000)
WIDTH, HEIGHT, LEFT, BOTTOM = 560, 340, 70, 50


def _tree(number: int, count: int) -> list[int]:
    """Each library needs the next two of a binary tree."""
    return [n for n in (2 * number + 1, 2 * number + 2) if n < count]


def _chain(number: int, count: int) -> list[int]:
    """Each library needs the one after it."""
    return [number + 1] if number + 1 < count else []


def _ring(number: int, count: int) -> list[int]:
    """A chain whose last library needs the first."""
    return [(number + 1) % count]


def _cost(count: int, needs: Callable[[int, int], list[int]], folder: Path) -> float:
    """Seconds of processor time for the graph of ``count`` libraries."""
    place = folder / str(count)
    place.mkdir()
    for number in range(count):
        needed = [f"lib{n}.so" for n in needs(number, count)]
        (place / f"lib{number}.so").write_bytes(tiny_elf(f"lib{number}.so", needed, runpath="$ORIGIN"))
    model = replace(LoaderModel.this_process(), main_image=None, caller=None)
    gc.collect()
    gc.disable()  # its passes over ten thousand images are Python's, not ours
    start = process_time()
    answer = explain(str(place / "lib0.so"), model=model, bindings=False)
    elapsed = process_time() - start
    gc.enable()
    assert len(answer.graph.nodes) == count, len(answer.graph.nodes)
    return elapsed


def measured(counts: Sequence[int], needs: Callable[[int, int], list[int]]) -> list[tuple[int, float]]:
    """(libraries, milliseconds) for every count."""
    with tempfile.TemporaryDirectory() as folder:
        return [(count, 1000 * _cost(count, needs, Path(folder))) for count in counts]


def chain_cost(count: int) -> float:
    """Seconds of processor time for a chain of ``count`` libraries."""
    with tempfile.TemporaryDirectory() as folder:
        return _cost(count, _chain, Path(folder))


def _rows(shape: str, counts: Sequence[int], needs: Callable[[int, int], list[int]]) -> Iterator[Row]:
    points = measured(counts, needs)
    for count, elapsed in points:
        yield Row(f"{shape} of {count:,} libraries", "ms", Sample.of([elapsed]))
    (few, short), (many, long) = points[-2:]
    exponent = log10(long / short) / log10(many / few)
    yield Row(f"{shape}, growth exponent from {few:,} to {many:,}", "", Sample.of([exponent]), {}, (at_most(1.1),))


FIGURES = (
    Figure("chain", partial(_rows, "chain", (200, 800, 3200), _chain)),
    Figure("ring", partial(_rows, "ring", (200, 800, 3200), _ring)),
    Figure("tree", partial(_rows, "tree", COUNTS, _tree)),
)


def drawn(points: Sequence[tuple[int, float]]) -> str:
    """The points on two logarithmic axes, with the straight line that linear growth would be."""

    def x(count: float) -> float:
        return LEFT + 30 + (log10(count) - 1) / 3 * (WIDTH - LEFT - 70)

    def y(elapsed: float) -> float:
        return HEIGHT - BOTTOM - (log10(elapsed) / 4) * (HEIGHT - BOTTOM - 30)

    slope = points[-1][1] / points[-1][0]
    ends = [(x(count), y(max(1.0, slope * count))) for count in (max(10, 1 / slope), COUNTS[-1])]
    (low, bottom), (high, top) = ends
    dashed = f'x1="{low:.0f}" y1="{bottom:.0f}" x2="{high:.0f}" y2="{top:.0f}"'
    shapes = [f'<line {dashed} stroke="#999" stroke-dasharray="5 4"/>']
    shapes += [f'<text x="{x(n):.0f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n:,}</text>' for n in COUNTS]
    for mark in (1, 10, 100, 1000, 10_000):
        height = y(mark)
        shapes.append(f'<line x1="{LEFT}" y1="{height:.0f}" x2="{WIDTH - 20}" y2="{height:.0f}" stroke="#ddd"/>')
        shapes.append(f'<text x="{LEFT - 8}" y="{height + 4:.0f}" text-anchor="end">{mark:,}</text>')
    for count, elapsed in points:
        shapes.append(f'<circle cx="{x(count):.0f}" cy="{y(max(1.0, elapsed)):.0f}" r="5" fill="#1769aa"/>')
        label = f'y="{y(max(1.0, elapsed)) - 12:.0f}" text-anchor="middle">{elapsed:,.1f} ms</text>'
        shapes.append(f'<text x="{x(count):.0f}" {label}')
    title = "Milliseconds for a graph, by the number of libraries in it; dashed: linear"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    ground = f'<rect width="100%" height="100%" fill="white"/><text x="{LEFT}" y="18">{title}</text>'
    return f'{head} font-size="12">{ground}{"".join(shapes)}</svg>\n'


if __name__ == "__main__":
    found = measured(COUNTS, _tree)
    Path(sys.argv[1]).write_text(drawn(found), encoding="utf-8")
    print(found)
