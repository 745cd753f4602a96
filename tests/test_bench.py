"""The benchmarks begin, go on after a failure and tell better from worse; what they measure is theirs to say."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from bench import __main__ as runner
from bench.figure import Figure, Row, Sample, alternate, at_most, beside, faster_than, times_of
from bench.table import compared, kept, render


def row(ours: float, peer: float | None = None, *, more_is_better: bool = False) -> Row:
    peers = {} if peer is None else {"peer": Sample.of([peer])}
    return Row("a thing", "ms", Sample.of([ours]), peers, more_is_better=more_is_better)


def test_every_module_is_in_the_table_and_has_figures() -> None:
    helpers = {"__init__", "__main__", "figure", "table", "peers_of_calls"}
    assert {path.stem for path in Path(runner.__file__).parent.glob("*.py")} - helpers == set(runner.MODULES)
    for name in runner.MODULES:
        assert import_module(f"bench.{name}").FIGURES


def test_measurements_are_taken_in_turns_and_summed_up_by_the_median() -> None:
    order: list[str] = []
    values = iter([9.0, 1.0, 3.0, 2.0])

    def ours() -> float:
        order.append("a")
        return next(values)

    def theirs() -> float:
        order.append("b")
        return 1.0

    samples = alternate({"a": ours, "b": theirs, "gone": None}, rounds=3)
    assert order == ["a", "b"] * 4  # the first turn warms up
    assert samples["a"] == Sample(2.0, 1.5, 2.5)
    assert samples["gone"] is None


def test_bars_are_met_missed_or_cannot_be_asked() -> None:
    assert at_most(5).met(row(5))
    assert at_most(5).met(row(6)) is False
    assert times_of("peer", 1.5).met(row(3, 2))
    assert times_of("peer", 1.5).met(row(3)) is None
    assert faster_than("peer", 10).met(row(1, 9)) is False
    assert faster_than("peer", 10).met(row(100, 9, more_is_better=True))
    reasoned = Row("x", "ms", Sample.of([9]), {}, (at_most(5, "a machine of 1990"),))
    assert "(<= 5: a machine of 1990)" in render(reasoned)
    assert "peer missing" in render(Row("x", "ms", Sample.of([1]), {"p": None}, (faster_than("p"),)))


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        (row(2, 2), row(1, 1), False),  # a machine half as fast
        (row(2, 1), row(1, 1), True),
        (row(1.1, 1), row(1, 1), False),  # noise
        (row(50, 1, more_is_better=True), row(100, 1, more_is_better=True), True),
        (row(3), row(1), True),
        (Row("a thing", "ms", Sample(1.3, 0.9, 1.8), {"peer": Sample.of([1])}), row(1, 1), False),  # its own spread
        (row(1), row(3), False),
    ],
)
def test_a_comparison_names_what_got_worse_beside_the_peers(now: Row, before: Row, worse: bool) -> None:
    earlier = json.loads(json.dumps(kept([before], [])))
    assert bool(compared([now], earlier["rows"])) is worse


def test_a_figure_that_fails_is_named_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fails() -> list[Row]:
        raise OSError("no such tool")

    def works() -> list[Row]:
        return [beside("still measured", "s", lambda: 1.0, {}, (at_most(2),), rounds=1)]

    monkeypatch.setattr("bench.find.FIGURES", (Figure("broken", fails), Figure("sound", works)))
    figures = tmp_path / "figures.json"
    figures.write_text('{"other": {"rows": {}}}')
    assert runner.main(["find", "--json", str(figures)]) == 1
    shown = capsys.readouterr().out
    assert "FAILED find, broken: OSError: no such tool" in shown
    told = json.loads(figures.read_text())
    assert "still measured" in told["find"]["rows"]
    assert told["find"]["failed"] == ["find, broken: OSError: no such tool"]
    assert told["other"] == {"rows": {}}
    monkeypatch.setattr("bench.find.FIGURES", (Figure("sound", works),))
    assert runner.main(["find", "--compare", str(figures), "--bars"]) == 0
