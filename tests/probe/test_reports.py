"""What people and scripts are shown: the command, its exit statuses, its text, its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY

from loadstone.cli.main import main
from loadstone.core.observations import (
    CrashRecord,
    LayerState,
    LayerStatus,
    Observation,
    ObservationKind,
    ObserverStatus,
    Phase,
    ProbeOutcome,
    ProbeReport,
    StackFrame,
    Witness,
)
from loadstone.report.documents.probe import probe_document
from loadstone.report.json import render as render_json
from loadstone.report.text.probe import render
from loadstone.report.text.style import Style

LIBRARIES = {case.name: case for case in (*CLEAN, *NASTY)}
KEYS = {
    "schema",
    "outcome",
    "phase",
    "signal",
    "crash",
    "observations",
    "observers",
    "layers",
    "soak",
    "stacks",
    "objects",
}

REPORT = ProbeReport(
    target="/lib/\x1b[2Jx.so",
    outcome=ProbeOutcome.CRASH,
    phase=Phase.LOAD,
    signal=11,
    crash=CrashRecord(
        signal=11,
        name="SIGSEGV",
        phase=Phase.LOAD,
        code=1,
        address=8,
        kind="null page",
        subject="f\x1b",
        frames=(StackFrame(0x1010, "/lib/x.so", 0x10, "start"), StackFrame(0x2020, likely=True)),
    ),
    observations=(
        Observation(ObservationKind.OUTPUT, Phase.LOAD, Witness.KERNEL, "9 bytes of output: \x1b[31m"),
        Observation(ObservationKind.LOAD_ERROR, Phase.LOAD, Witness.CHILD, "said so"),
    ),
    observers=(
        ObserverStatus("notification", LayerState.UNAVAILABLE, "forbidden"),
        ObserverStatus("maps", LayerState.ACTIVE),
    ),
    layers=(LayerStatus("landlock", LayerState.DEGRADED, "ABI 1"), LayerStatus("limits", LayerState.ACTIVE, "tried")),
)


def _status(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_text_answers_in_its_first_lines_and_shows_nothing_raw() -> None:
    text = render(REPORT, Style())
    assert text.splitlines()[0] == "/lib/\\x1b[2Jx.so: crash"
    assert text.splitlines()[1] == "  crashed, during load, by SIGSEGV"
    assert "Crash: SIGSEGV (null page, fault address 0x8, while resolving f\\x1b)" in text
    assert "#0 /lib/x.so+0x10 (start)" in text
    assert "#1 0x2020 (unmapped)  likely" in text
    assert "[says the child]" in text
    assert "notification  unavailable  forbidden" in text
    assert "landlock  degraded  ABI 1" in text
    assert "limits; -v" in text
    assert "\x1b" not in text
    assert "limits    active    tried" in render(REPORT, Style(), verbose=1)


def test_a_clean_report_claims_no_more_than_was_seen() -> None:
    report = ProbeReport(
        target="x.so",
        outcome=ProbeOutcome.OK,
        phase=Phase.EXIT,
        observers=(ObserverStatus("maps", LayerState.ACTIVE),),
        remembered=True,
    )
    text = render(report, Style())
    assert "(cached; --fresh runs it again)" in text
    assert "one run, not a proof" in text
    assert "safe" not in text


def test_the_document_has_exactly_the_keys_of_the_contract() -> None:
    document = json.loads(render_json(probe_document(REPORT)))
    assert document.keys() == KEYS
    assert document["schema"] == "loadstone.probe/1"
    assert document["observations"][0].keys() == {"kind", "phase", "witness", "detail"}
    assert document["observers"] == {"notification": "unavailable: forbidden", "maps": "active"}
    assert document["crash"]["frames"][0]["symbol"] == "start"


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("empty", [], 0),
        ("reads_a_secret", [], 0),
        ("reads_a_secret", ["--fail-on", "note"], 1),
        ("aborts", [], 1),
        ("empty", ["--require", "landlock,moat"], 3),
    ],
)
def test_the_exit_status_says_what_the_report_says(name: str, options: list[str], status: int, build: Build) -> None:
    assert _status(["probe", str(build(LIBRARIES[name])), "--fresh", *options]) == status


def test_the_command_writes_json_to_a_file(build: Build, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    library = str(build(LIBRARIES["empty"]))
    assert _status(["probe", library, "--format", "json", "-o", str(target), "--cycles", "1", "--timeout", "60"]) == 0
    document = json.loads(target.read_text())
    assert document["outcome"] == "ok"
    assert document["observers"]["memory slope"] == "unavailable: 1 cycles show no slope"


def test_an_examination_takes_in_what_the_probe_saw(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(["examine", str(build(LIBRARIES["aborts"])), "--probe"]) == 1
    assert "crashed during load" in capsys.readouterr().out
