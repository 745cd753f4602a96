"""For test suites of bindings: a fixture that probes a library and fails the test when something speaks against it.

::

    def test_our_library_behaves(loadstone_probe):
        loadstone_probe("build/libours.so", threads=True)

Registered as a pytest plugin by installing Loadstone. Nothing of Loadstone is imported until the fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from loadstone.core.observations import ProbeReport

__all__ = ["Probe", "loadstone_probe"]


class Probe(Protocol):
    """What the fixture gives: probes, and fails the test on a finding of ``fail_on`` or worse.

    ``allow`` names kinds of observation that are known and accepted (``"file-read"``, ``"not-unloaded"`` ...); further
    options go to :func:`loadstone.probe.probe`. A library that cannot be run here skips the test, and says why.
    """

    def __call__(
        self,
        target: str | os.PathLike[str],
        *,
        allow: Collection[str] = (),
        fail_on: str = "medium",
        **options: Any,
    ) -> ProbeReport: ...


@pytest.fixture
def loadstone_probe() -> Probe:
    """Probe a library in a confined child: ``loadstone_probe(path)`` fails the test when it misbehaves."""
    return _probe


def _probe(
    target: str | os.PathLike[str], *, allow: Collection[str] = (), fail_on: str = "medium", **options: Any
) -> ProbeReport:
    from loadstone.core.claims import Finding, Severity  # noqa: PLC0415 - a plugin must cost nothing until it is used
    from loadstone.core.observations import ProbeOutcome  # noqa: PLC0415
    from loadstone.probe import claims, probe  # noqa: PLC0415

    report = probe(target, **options)
    if report.outcome is ProbeOutcome.NOT_RUN:
        pytest.skip("; ".join(o.detail for o in report.observations))
    accepted = {f"probe-{kind}" for kind in allow}
    least = Severity(fail_on).rank
    against = [
        claim.message
        for claim in claims(report)
        if isinstance(claim, Finding) and claim.severity.rank >= least and claim.rule not in accepted
    ]
    if against:
        pytest.fail(f"{report.target}: {report.outcome}: {'; '.join(against)}", pytrace=False)
    return report
