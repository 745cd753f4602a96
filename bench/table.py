"""One table of figures, each beside its peers: what is measured, ours, theirs, the ratio, the bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

__all__ = ["Row", "per_call", "render"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. A peer that could not be measured has None; its column then says so."""

    what: str
    ours: float | None
    unit: str
    peers: dict[str, float | None] = field(default_factory=dict)
    bar: str = ""


def per_call(call: Callable[[], object], *, repeat: int = 5, number: int = 1) -> float:
    """Median seconds of one ``call()`` over ``repeat`` rounds of ``number`` calls, after one round to warm up."""
    rounds = []
    for _ in range(repeat + 1):
        start = perf_counter()
        for _ in range(number):
            call()
        rounds.append((perf_counter() - start) / number)
    return median(rounds[1:])


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def render(rows: Iterable[Row]) -> str:
    """The table as text; ``x 3.2`` behind a peer means the peer's figure is 3.2 times ours."""
    lines = []
    for row in rows:
        lines.append(f"{row.what:<58} {_figure(row.ours):>10} {row.unit:<8} bar: {row.bar or '-'}")
        for peer, value in row.peers.items():
            ratio = "missing" if value is None else f"x {value / row.ours:.3g}" if row.ours else ""
            lines.append(f"    {peer:<54} {_figure(value):>10} {row.unit:<8} {ratio}".rstrip())
    return "\n".join(lines)
