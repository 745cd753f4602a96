"""Many cycles of load and unload: what leaks is told with its slope, what fills and suffices is not."""

from __future__ import annotations

import json
from itertools import accumulate, chain, repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY, Case

from loadstone.cli.main import main
from loadstone.core.claims import Evidence, Finding, Undecided
from loadstone.core.observations import ObservationKind, Phase, ProbeOutcome, ProbeReport, Soak
from loadstone.probe import claims, probe
from loadstone.probe.trends import LEAST_CYCLES, WARM_UP, cycles_between_looks, growth, is_enough, soak_of
from loadstone.report.text.probe import render
from loadstone.report.text.style import Style

LIBRARIES = {case.name: case for case in (*CLEAN, *NASTY)}
LIMIT = 60.0


def _verdict(name: str, looks: list[int], between: int = 1) -> str:
    return soak_of({name: looks}, 1000, WARM_UP + between * (len(looks) - 1)).verdict


@pytest.mark.parametrize("step", [4096, 132 << 10])
def test_memory_taken_in_steps_that_go_on_is_a_leak(step: int) -> None:
    looks = [n * 1000 // step * step for n in range(0, 1000, 8)]
    assert _verdict("private memory", looks, 8) == ("leaks" if looks[-1] >= 64 << 10 else "level")


@pytest.mark.parametrize(
    "looks",
    [
        [5] * 100,
        [5, 6] * 50,
        [*range(20), *repeat(20, 80)],
        [*repeat(0, 50), *repeat(200, 50)],
        [2 ** (n // 20) * 8 for n in range(60)] + [64] * 60,
        list(range(100, 0, -1)),
    ],
    ids=["level", "to and fro", "fills and suffices", "one step", "doubles and suffices", "falls"],
)
def test_what_does_not_keep_growing_is_level(looks: list[int]) -> None:
    assert _verdict("descriptors", looks) == "level"


def test_a_process_that_has_all_it_may_have_leaked_all_the_same() -> None:
    looks = [5, 300, 1000, *repeat(1024, 100)]
    assert _verdict("descriptors", looks) == "leaks"
    assert is_enough({"descriptors": looks[:2]})
    assert soak_of({"descriptors": looks[:2]}, 1000, 17).verdict == "leaks", "however few cycles it took"


def test_too_few_cycles_show_no_slope() -> None:
    assert soak_of({"threads": range(1, 20)}, LEAST_CYCLES - 1, LEAST_CYCLES - 1) == Soak(63, 63, ())


@given(st.lists(st.integers(0, 3), min_size=8, max_size=200), st.integers(0, 1000))
def test_what_grows_ends_higher_than_it_began(gains: list[int], begin: int) -> None:
    looks = list(accumulate(chain([begin], gains)))
    soak = soak_of({"descriptors": looks}, 500, 500)
    (trend,) = soak.trends
    assert (trend.first, trend.last) == (looks[0], looks[-1])
    assert not trend.grows or trend.slope > 0
    assert len(growth(soak)) == trend.grows


@given(st.integers(LEAST_CYCLES, 1_000_000))
def test_a_soak_is_looked_at_a_bounded_number_of_times(asked: int) -> None:
    assert 1 <= (asked - WARM_UP) / cycles_between_looks(asked) <= 128


def _grown(report: ProbeReport) -> set[str]:
    assert report.soak is not None
    return {trend.quantity for trend in report.soak.trends if trend.grows}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "quantities", "kind"),
    [
        ("leaks_memory", {"allocated memory"}, ObservationKind.MEMORY_GROWTH),
        ("leaks_much", {"private memory"}, ObservationKind.MEMORY_GROWTH),
        ("leaves_a_descriptor", {"descriptors"}, ObservationKind.DESCRIPTOR_GROWTH),
        ("leaves_a_thread", {"threads"}, ObservationKind.THREAD_GROWTH),
    ],
)
def test_a_library_that_leaks_is_caught(name: str, quantities: set[str], kind: ObservationKind, build: Build) -> None:
    report = probe(build(LIBRARIES[name]), timeout=LIMIT, soak=200)
    assert report.outcome is ProbeOutcome.OK
    assert report.soak is not None
    assert report.soak.verdict == "leaks"
    assert quantities <= _grown(report)
    (told, *_) = report.seen(kind)
    assert "with every cycle of load and unload, over" in told.detail
    assert any(isinstance(c, Finding) and c.rule == f"probe-{kind}" for c in claims(report))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["empty", "gives_memory_back", "plain_c_plus_plus"])
def test_a_library_that_gives_all_back_is_level(name: str, build: Build) -> None:
    report = probe(build(LIBRARIES[name]), timeout=LIMIT, soak=200)
    assert report.soak is not None
    assert (report.soak.verdict, report.soak.cycles, _grown(report)) == ("level", 200, set())
    assert report.observations == ()
    assert any(isinstance(c, Evidence) and c.rule == "probe-stays-level" for c in claims(report))


def test_a_library_that_stays_mapped_was_not_loaded_anew(build: Build) -> None:
    report = probe(build(LIBRARIES["marked_nodelete"]), timeout=LIMIT, soak=LEAST_CYCLES)
    assert any(isinstance(c, Undecided) and c.rule == "probe-stays-level" for c in claims(report))


def test_a_crash_in_a_late_cycle_is_a_crash(build: Build) -> None:
    source = """
START { const char *n = getenv("N"); char t[16]; int i = n ? atoi(n) : 0; if (i == 40) abort();
        snprintf(t, sizeof t, "%d", i + 1); setenv("N", t, 1); }
"""
    report = probe(build(Case("crashes_late", source, ProbeOutcome.CRASH, Phase.RELOAD)), timeout=LIMIT, soak=100)
    assert (report.outcome, report.phase, report.signal) == (ProbeOutcome.CRASH, Phase.RELOAD, 6)
    assert report.soak is None


def test_the_command_says_leak_or_level_and_the_numbers(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = str(build(LIBRARIES["leaves_a_descriptor"]))
    with pytest.raises(SystemExit) as ended:
        main(["probe", library, "--soak", "100", "--timeout", "60"])
    assert ended.value.code == 1
    assert "Soak: leaks, by 100 cycles of load and unload" in capsys.readouterr().out
    target = tmp_path / "report.json"
    with pytest.raises(SystemExit):
        main(["probe", library, "--soak", "100", "--timeout", "60", "--format", "json", "-o", str(target)])
    soak = json.loads(target.read_text())["soak"]
    assert (soak["verdict"], soak["cycles"], soak["asked"]) == ("leaks", 100, 100)
    assert {"quantity": "descriptors", "unit": "", "witness": "kernel", "slope": 1.0, "grows": True}.items() <= next(
        trend for trend in soak["trends"] if trend["quantity"] == "descriptors"
    ).items()


@pytest.mark.parametrize(
    ("soak", "words"),
    [
        (Soak(80, 500, soak_of({"threads": [1] * 9}, 500, 80).trends), "level, by 80 cycles of load and unload of 500"),
        (Soak(17, 500, soak_of({"threads": [1, 99]}, 500, 17).trends), "enough to decide"),
        (Soak(9, 9, ()), "cannot tell"),
    ],
)
def test_a_soak_that_ended_early_says_so(soak: Soak, words: str) -> None:
    report = ProbeReport(target="x.so", outcome=ProbeOutcome.OK, phase=Phase.EXIT, soak=soak)
    assert words in render(report, Style())
