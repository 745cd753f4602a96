"""A run of benchmarks as a table for people, and as JSON to keep, to compare with and to make the page from.

The JSON has for every module when, where and how busy it was measured, and its rows.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.figure import Row, Sample

__all__ = ["compared", "kept", "render"]

_NOISE = 0.15
"""A change below this share, and below the spread of the two figures, is not told from the machine's own unrest."""

_WORDS = {True: "met", False: "MISSED", None: "peer missing"}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _cells(sample: Sample) -> str:
    return f"{_number(sample.middle):>10}  {f'{_number(sample.low)} .. {_number(sample.high)}':<20}"


def render(row: Row) -> str:
    """One row and its peers; ``x 3.2`` behind a peer means that the peer's figure is 3.2 times ours."""
    bars = "; ".join(f"{bar.text}: {_WORDS[bar.met(row)]}" for bar in row.bars)
    lines = [f"{row.what:<58} {_cells(row.ours)} {row.unit:<8} {bars}".rstrip()]
    for peer, sample in row.peers.items():
        if sample is None:
            lines.append(f"    {peer:<54} {'not installed':>10}")
        else:
            ratio = f"x {sample.middle / row.ours.middle:.3g}" if row.ours.middle else ""
            lines.append(f"    {peer:<54} {_cells(sample)} {row.unit:<8} {ratio}".rstrip())
    lines += [f"    ({bar.text}: {bar.reason})" for bar in row.bars if bar.reason and bar.met(row) is False]
    if row.note:
        lines.append(f"    ({row.note})")
    return "\n".join(lines)


def kept(rows: Sequence[Row], failures: Sequence[str]) -> dict[str, Any]:
    """What is kept of one module."""
    return {
        "taken": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "machine": f"{os.cpu_count()} x {_processor()}, {platform.system()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "rows": {row.what: _plain(row) for row in rows},
        "failed": list(failures),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.partition(":")[2].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _plain(row: Row) -> dict[str, Any]:
    return {
        "unit": row.unit,
        "ours": _three(row.ours),
        "peers": {name: sample and _three(sample) for name, sample in row.peers.items()},
        "bars": [{"text": bar.text, "met": bar.met(row), "reason": bar.reason} for bar in row.bars],
        "note": row.note,
    }


def _three(sample: Sample) -> list[float]:
    return [float(f"{value:.4g}") for value in (sample.middle, sample.low, sample.high)]


def compared(rows: Iterable[Row], earlier: Mapping[str, Any]) -> list[str]:
    """What got worse since the rows of an earlier run, a sentence each.

    Where a peer was measured both times the ratio to it is compared, so another or a busier machine does not count;
    otherwise the figure itself, when its spread and the earlier one do not overlap.
    """
    return [text for row in rows if (old := earlier.get(row.what)) is not None and (text := _worse(row, old))]


def _worse(row: Row, old: Mapping[str, Any]) -> str:
    before = Sample(*old["ours"])
    shared = [name for name, sample in row.peers.items() if sample is not None and old["peers"].get(name)]
    change = row.ours.middle / before.middle if before.middle else 1.0
    if shared:
        peer = row.peers[shared[0]]
        assert peer is not None
        change *= old["peers"][shared[0]][0] / peer.middle
    elif row.ours.low <= before.high and before.low <= row.ours.high:
        return ""
    loss = 1 / change - 1 if row.more_is_better else change - 1
    against = f" beside {shared[0]}" if shared else ""
    return f"{row.what}: {loss:.0%} worse{against}" if loss > max(_NOISE, _spread(row.ours) + _spread(before)) else ""


def _spread(sample: Sample) -> float:
    """Half of the distance between the quartiles, as a share."""
    return (sample.high - sample.low) / (2 * sample.middle) if sample.middle else 0.0
