"""What was predicted, held against what the real loader did in a probe."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile

from loadstone import _examine
from loadstone._examine import contradiction
from loadstone.cli.exits import ExitStatus
from loadstone.cli.main import main
from loadstone.core.observations import Observation, ObservationKind, Phase, ProbeOutcome, ProbeReport, Witness
from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict, Trace
from loadstone.core.verdict import Verdict
from loadstone.linker import explain
from loadstone.linker.extension import FROM_HOST

SAID = Observation(ObservationKind.LOAD_ERROR, Phase.LOAD, Witness.CHILD, "x.so: undefined symbol: f")
REFUSED = ProbeReport(target="x.so", outcome=ProbeOutcome.LOAD_ERROR, phase=Phase.LOAD, observations=(SAID,))
LOADED = ProbeReport(target="x.so", outcome=ProbeOutcome.OK, phase=Phase.EXIT)
CRASHED = ProbeReport(target="x.so", outcome=ProbeOutcome.CRASH, phase=Phase.LOAD)
CONFINED = ProbeReport(target="x.so", outcome=ProbeOutcome.DENIED, phase=Phase.LOAD, observations=(SAID,))
MISSING = Diagnosis(
    code="not-found", blocking=True, subject="y.so", explanation="y.so is nowhere", loader_message="y.so: cannot open"
)


def _predicted(verdict: LoadVerdict, *, opened: bool = True, assumptions: tuple[str, ...] = ()) -> Explanation:
    diagnoses = (MISSING,) if verdict is LoadVerdict.FAILS else ()
    search = Trace("x.so") if opened else None
    return Explanation(target="x.so", verdict=verdict, diagnoses=diagnoses, search=search, assumptions=assumptions)


LOADS, RISKS, FAILS = (_predicted(v) for v in (LoadVerdict.LOADS, LoadVerdict.LOADS_WITH_RISK, LoadVerdict.FAILS))


@pytest.mark.parametrize(
    ("predicted", "seen", "words"),
    [
        (LOADS, REFUSED, "predicted to load, and the loader refused it: x.so: undefined symbol: f"),
        (RISKS, REFUSED, "predicted to load, and the loader refused it"),
        (FAILS, LOADED, "predicted to fail because of not-found: y.so: cannot open; the loader loaded it"),
    ],
)
def test_a_wrong_prediction_is_told_in_both_words(predicted: Explanation, seen: ProbeReport, words: str) -> None:
    assert words in contradiction(predicted, seen)


@pytest.mark.parametrize(
    ("predicted", "seen"),
    [
        (LOADS, LOADED),
        (FAILS, REFUSED),
        (LOADS, CRASHED),  # what initialisers do is not predicted
        (FAILS, CRASHED),
        (LOADS, CONFINED),
        (_predicted(LoadVerdict.UNKNOWN), REFUSED),
        (_predicted(LoadVerdict.LOADS, opened=False), REFUSED),  # it was started in thought, and opened in fact
        (_predicted(LoadVerdict.LOADS, assumptions=(FROM_HOST,)), REFUSED),
    ],
)
def test_a_prediction_that_holds_or_answers_another_question_is_no_fault(
    predicted: Explanation, seen: ProbeReport
) -> None:
    assert contradiction(predicted, seen) == ""


def test_our_fault_is_said_first_and_weighs_neither_way(
    compile_library: Compile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(compile_library("int answer(void) { return 42; }", "libfine.so"))
    monkeypatch.setattr(_examine, "explain", lambda _path, **_options: FAILS)
    with pytest.raises(SystemExit) as ended:
        main(["examine", target, "--probe"])
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert ended.value.code == ExitStatus.FAULT
    assert first == f"{target}: cannot tell"
    assert second.startswith("  INTERNAL ERROR: it was predicted to fail because of not-found")
    with pytest.raises(SystemExit):
        main(["examine", target, "--probe", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert "the loader loaded it" in document["disagreement"]
    assert [claim["rule"] for claim in document["reasons"]] == ["prediction-holds"]


def _replaced_by(library: Path, other: Path, how_often: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file takes the library's place behind each of the first explanations."""
    really, made = explain, iter(range(how_often))

    def explained(target: str, **options: Any) -> Explanation:
        answer = really(target, **options)
        if next(made, None) is not None:
            library.with_name("new").write_bytes(other.read_bytes())
            os.replace(library.with_name("new"), library)
        return answer

    monkeypatch.setattr(_examine, "explain", explained)


@pytest.fixture
def replaceable(compile_library: Compile, tmp_path: Path) -> tuple[Path, Path]:
    """A library that loads, and one that needs what is not there."""
    missing = compile_library("int gone(void) { return 1; }", "libgone.so", "-Wl,-soname,libgone-nowhere.so")
    source = "int gone(void); int uses(void) { return gone(); }"
    other = compile_library(source, "libother.so", str(missing), "-Wl,--no-as-needed")
    library = tmp_path / "lib.so"
    library.write_bytes(compile_library("int fine(void) { return 1; }", "libfine.so").read_bytes())
    return library, other


def test_image_and_explanation_are_of_one_file(replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    library, other = replaceable
    _replaced_by(library, other, 1, monkeypatch)
    found = _examine.examine(str(library))
    assert found.image is not None
    assert {symbol.name for symbol in found.image.exports} == {"uses"}
    assert found.explanation is not None
    assert found.explanation.verdict is LoadVerdict.FAILS
    assert "is-one-file" not in {claim.rule for claim in found.claims}


def test_a_file_that_never_stays_the_same_is_not_judged(
    replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, _ = replaceable
    _replaced_by(library, library, 100, monkeypatch)
    found = _examine.examine(str(library))
    assert found.verdict is Verdict.CANNOT_TELL
    assert "is-one-file" in {claim.rule for claim in found.reasons}
