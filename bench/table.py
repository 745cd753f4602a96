"""A run of benchmarks as a table for people and as JSON to compare with later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bench.figure import Row, Sample

__all__ = ["compared", "dumped", "render"]

_NOISE = 0.15
"""A change of the ratio to the peers below this share is not told from the machine's own unrest."""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _cells(sample: Sample) -> str:
    return f"{_number(sample.middle):>10}  {f'{_number(sample.low)} .. {_number(sample.high)}':<20}"


def render(row: Row) -> str:
    """One row and its peers; ``x 3.2`` behind a peer means that the peer's figure is 3.2 times ours."""
    words = {True: "met", False: "MISSED", None: "peer missing"}
    bars = "; ".join(f"{bar.text}: {words[bar.met(row)]}" for bar in row.bars)
    lines = [f"{row.what:<58} {_cells(row.ours)} {row.unit:<8} {bars}".rstrip()]
    for peer, sample in row.peers.items():
        if sample is None:
            lines.append(f"    {peer:<54} {'not installed':>10}")
        else:
            ratio = f"x {sample.middle / row.ours.middle:.3g}" if row.ours.middle else ""
            lines.append(f"    {peer:<54} {_cells(sample)} {row.unit:<8} {ratio}".rstrip())
    if row.note:
        lines.append(f"    ({row.note})")
    return "\n".join(lines)


def dumped(rows: Sequence[Row]) -> str:
    """The rows as JSON; :func:`compared` reads it."""
    return json.dumps({row.what: _plain(row) for row in rows}, indent=1) + "\n"


def _plain(row: Row) -> dict[str, Any]:
    peers = {name: sample.middle for name, sample in row.peers.items() if sample is not None}
    return {"unit": row.unit, "ours": row.ours.middle, "low": row.ours.low, "high": row.ours.high, "peers": peers}


def compared(rows: Iterable[Row], earlier: dict[str, Any]) -> list[str]:
    """What got worse since an earlier run, a sentence each.

    Where a peer was measured both times the ratio to it is compared, so another or a busier machine does not count;
    otherwise the figure itself, when its spread and the earlier one do not overlap.
    """
    return [text for row in rows if (old := earlier.get(row.what)) is not None and (text := _worse(row, old))]


def _worse(row: Row, old: dict[str, Any]) -> str:
    shared = [name for name, sample in row.peers.items() if sample is not None and name in old["peers"]]
    now, before = row.ours.middle, old["ours"]
    if shared:
        peer = row.peers[shared[0]]
        assert peer is not None
        now, before = now / peer.middle, before / old["peers"][shared[0]]
    elif row.ours.low <= old["high"] and old["low"] <= row.ours.high:
        return ""
    loss = before / now - 1 if row.more_is_better else now / before - 1
    against = f" beside {shared[0]}" if shared else ""
    return f"{row.what}: {loss:.0%} worse{against}" if loss > _NOISE else ""
