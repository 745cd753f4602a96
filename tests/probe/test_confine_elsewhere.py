"""The sandboxes of Windows and macOS against fakes: every layer is tried; one that lets its trial pass is told so."""

# ruff: noqa: ARG002 - a fake has the signatures of what it stands for
from __future__ import annotations

import pytest

from loadstone.core.observations import ProbeOutcome
from loadstone.probe.confine import OuterSandbox, Trial, apply_layers
from loadstone.probe.confine_macos import MacSandbox, outcome_of_exception, profile
from loadstone.probe.confine_windows import JobLimits, WindowsSandbox, outcome_of_exit


class Fake:
    """Stands for either system: remembers what was asked, refuses every trial but those it is told to allow."""

    def __init__(self, *, allows: str = "", forbids: str = "") -> None:
        self.asked: list[str] = []
        self._allows = allows
        self._forbids = forbids

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what == self._forbids:
            raise PermissionError(1, "not here")

    def assign_job(self, process: int, limits: JobLimits) -> None:
        assert limits.kill_on_close
        self._ask("job")

    def restrict_token(self, process: int) -> None:
        self._ask("token")

    def set_mitigations(self, process: int) -> None:
        self._ask("mitigations")

    def limit(self, process: int) -> None:
        self._ask("limits")

    def apply(self, process: int, rules: str) -> None:
        assert "(deny default)" in rules
        self._ask("sandbox")

    def attempt(self, process: int, what: str) -> Trial:
        return Trial(what, what != self._allows, "refused")


def _sandboxes(fake: Fake) -> list[OuterSandbox]:
    return [WindowsSandbox(fake), MacSandbox(fake, "/private/tmp/scratch")]


def test_every_layer_is_raised_and_tried_in_order() -> None:
    for sandbox in _sandboxes(fake := Fake()):
        fake.asked.clear()
        layers = apply_layers(sandbox, 1)
        assert [layer.name for layer in layers] == list(sandbox.layers) == fake.asked
        assert {layer.state for layer in layers} == {"active"}


def test_a_layer_that_lets_its_trial_pass_is_not_there() -> None:
    layers = apply_layers(WindowsSandbox(Fake(allows="start a process")), 1)
    assert [layer.state for layer in layers] == ["active", "active", "unavailable"]
    assert "allowed start a process" in layers[2].reason


def test_a_layer_that_cannot_be_raised_is_told_in_the_systems_words() -> None:
    layers = apply_layers(MacSandbox(Fake(forbids="sandbox"), "/tmp"), 1)
    assert [tuple(layer) for layer in layers][1] == ("sandbox", "unavailable", "not here")


def test_the_profile_cannot_be_left_by_a_folders_name() -> None:
    assert '(subpath "/tmp/\\") (allow default")' in profile('/tmp/") (allow default')


@pytest.mark.parametrize(
    ("code", "completed", "ended", "outcome"),
    [
        (0, True, False, ProbeOutcome.OK),
        (0, False, False, ProbeOutcome.EXITED),
        (3, True, False, ProbeOutcome.EXITED),
        (0xC00000FD, False, False, ProbeOutcome.CRASH),
        (0xC0000017, False, False, ProbeOutcome.MEMORY_LIMIT),
        (1, False, True, ProbeOutcome.HANG),
    ],
)
def test_windows_exit_codes_mean_outcomes(code: int, completed: bool, ended: bool, outcome: ProbeOutcome) -> None:
    assert outcome_of_exit(code, completed=completed, ended_by_us=ended)[0] is outcome


def test_mach_exceptions_mean_outcomes() -> None:
    assert outcome_of_exception(11)[0] is ProbeOutcome.MEMORY_LIMIT
    assert outcome_of_exception(12)[0] is ProbeOutcome.DENIED
    assert outcome_of_exception(99) == (ProbeOutcome.CRASH, "exception 99")
