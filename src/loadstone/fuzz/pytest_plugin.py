"""For test suites of bindings: a mark that fuzzes an exported function before the test, and fails it on a finding.

::

    @pytest.mark.loadstone_fuzz("build/libours.so", "int parse(const uint8_t *data, size_t size)", time_s=10)
    def test_our_parser_survives(loadstone_fuzz_report):
        assert loadstone_fuzz_report.progress.runs > 1000

Everything :func:`loadstone.fuzz.fuzz` takes can be given. The search begins where the test asks for the fixture, else
right before its body. Registered by installing Loadstone; nothing of it is imported until the mark is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loadstone.core.fuzzing import FuzzReport

__all__ = ["loadstone_fuzz_report"]

_MARK = "loadstone_fuzz"
_SECONDS = 10.0
_REPORT: pytest.StashKey[FuzzReport] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{_MARK}(library, prototype, **options): fuzz an exported function; a finding fails the test"
    )


@pytest.fixture
def loadstone_fuzz_report(request: pytest.FixtureRequest) -> FuzzReport:
    """What the search of the test's mark found: a report without findings."""
    return _searched(request.node)


def pytest_runtest_call(item: pytest.Item) -> None:
    """Fuzz for a marked test that did not ask for the report."""
    if item.get_closest_marker(_MARK):
        _searched(item)


def _searched(item: pytest.Item) -> FuzzReport:
    known = item.stash.get(_REPORT, None)
    if known is not None:
        return known
    mark = item.get_closest_marker(_MARK)
    if mark is None:
        pytest.fail(f"the test has no mark {_MARK}: which function is to be fuzzed?", pytrace=False)
    from loadstone.core.fuzzing import Stopped  # noqa: PLC0415 - a plugin must cost nothing until it is used
    from loadstone.escape import printable  # noqa: PLC0415
    from loadstone.fuzz import fuzz  # noqa: PLC0415

    report = fuzz(*mark.args, **{"time_s": _SECONDS, "first": True, **mark.kwargs})
    if report.stopped is Stopped.CANNOT_LOAD:
        pytest.fail(f"{report.library} cannot be loaded: {printable(report.loader_message)}", pytrace=False)
    if report.findings:
        shown = "".join(f"\n  {found.title}, by {found.inputs[-1]!r}" for found in report.findings)
        pytest.fail(f"{printable(report.prototype)}: an input breaks it{shown}", pytrace=False)
    item.stash[_REPORT] = report
    return report
