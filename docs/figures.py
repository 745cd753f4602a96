"""The page of figures, from what the last runs of the benchmarks kept in ``docs/performance.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["performance_page"]

KEPT = Path(__file__).with_name("performance.json")

HEAD = """\
# Performance

What Loadstone costs beside its peers. This page is made from `docs/performance.json`, which these commands keep:

```sh
make bench                                                          # every figure, printed
make bench ONLY=startup                                             # those of one table below
.venv-bench/bin/python -m bench startup --json docs/performance.json   # kept for this page; `make docs` writes it
.venv-bench/bin/python -m bench --compare docs/performance.json        # fails when a figure is worse beyond noise
make ratios                                                         # the few that CI holds, with wide margins
```

Ours and the peers take turns in one run, A B A B, so that a busy machine slows all alike; a figure is the median, with
the quartiles behind it. Where processes are started or the machine is shared it is processor time, children included;
calls, fuzzing and probes are wall time. "Nothing cached" and "no bytecode" are cold, all else is warm. A peer is asked
for the same facts; what it leaves out is said below its table. A peer that was not there is "not installed". `3.2x`
behind a peer: its figure is 3.2 times ours.
"""


def performance_page() -> str:
    """The whole page."""
    modules: Mapping[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    missed = [(what, bar) for what, bar in _bars(modules) if bar["met"] is False]
    met = sum(bar["met"] is True for _, bar in _bars(modules))
    asked = sum(1 for _ in _bars(modules))
    parts = [
        HEAD,
        f"## Bars\n\n{met} of {asked} bars are met; {asked - met - len(missed)} had no peer to compare with.",
    ]
    if missed:
        rows = [f"| {what} | {bar['text']} | {bar['reason']} |" for what, bar in missed]
        parts.append("\n".join(["| missed | bar | why, and what would help |", "|---|---|---|", *rows]))
    parts += [_section(name, module) for name, module in sorted(modules.items())]
    absent = sorted(_benchmarks() - modules.keys())
    if absent:
        commands = ", ".join(f"`make bench ONLY={name}`" for name in absent)
        parts.append(
            f"## Not kept\n\nWall time, or too long, on the busy machine that the tables above come from: {commands}."
        )
    return "<!-- made from docs/performance.json by `make docs` -->\n\n" + "\n\n".join(parts) + "\n"


def _benchmarks() -> set[str]:
    """Every module with figures."""
    return {path.stem for path in KEPT.parents[1].glob("bench/*.py") if "\nFIGURES" in path.read_text(encoding="utf-8")}


def _bars(modules: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for module in modules.values():
        for what, row in module["rows"].items():
            yield from ((what, bar) for bar in row["bars"])


def _section(name: str, module: Mapping[str, Any]) -> str:
    """One module's table, with when and where it was measured."""
    taken = f"{module['taken']} UTC on {module['machine']}, load {module['load']}; `make bench ONLY={name}`."
    rows = ["| what | Loadstone | others | bar |", "|---|---|---|---|"]
    rows += [_row(what, row) for what, row in module["rows"].items()]
    notes = dict.fromkeys(row["note"] for row in module["rows"].values() if row["note"])
    failed = [f"- could not be measured: {text}" for text in module["failed"]]
    told = [*(f"- {note}" for note in notes), *failed]
    parts = [f"## {name.replace('_', ' ')}", taken, "\n".join(rows)]
    return "\n\n".join([*parts, "\n".join(told)] if told else parts)


def _row(what: str, row: Mapping[str, Any]) -> str:
    ours = row["ours"]
    others = "<br>".join(f"{peer}: {_beside(sample, ours[0])}" for peer, sample in row["peers"].items())
    words = {True: "met", False: "**missed**", None: "no peer"}
    bars = "<br>".join(f"{bar['text']}: {words[bar['met']]}" for bar in row["bars"])
    return f"| {_plain(what)} | {_sample(ours)} {row['unit']} | {_plain(others)} | {_plain(bars)} |"


def _beside(sample: list[float] | None, ours: float) -> str:
    if sample is None:
        return "not installed"
    return f"{_sample(sample)}, {sample[0] / ours:.3g}x" if ours else _sample(sample)


def _sample(sample: list[float]) -> str:
    middle, low, high = map(_number, sample)
    return middle if low == high else f"{middle} ({low} to {high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<=", "&le;").replace(">=", "&ge;")
