"""What tests need and a machine may lack: found, or the test is skipped in a way that the end of the run adds up.

On a person's machine a missing tool costs the tests that need it, and the last lines of the run say how many and which
command installs it. In CI (``CI=true``) it is a failure: there, everything is there.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Final, NoReturn

import pytest
from tools.system_packages import INSTALL, TOOLS, is_there

__all__ = ["MissingTool", "compiler", "needed", "needed_package", "not_on_pypy", "unavailable"]

_SBIN: Final = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
_PROPERTY: Final = "missing tool"


def not_on_pypy(reason: str) -> pytest.MarkDecorator:
    """Skips a test of what only CPython has."""
    return pytest.mark.skipif(sys.implementation.name == "pypy", reason=f"not on PyPy: {reason}")


class MissingTool(pytest.skip.Exception):  # type: ignore[name-defined,misc]
    """Skips a test for want of a tool, and keeps which."""

    def __init__(self, tool: str, message: str) -> None:
        super().__init__(message)
        self.tool = tool


def unavailable(tool: str, message: str) -> NoReturn:
    """End the test: it needs ``tool``, which cannot be had here. A failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(message)
    raise MissingTool(tool, message)


def needed(tool: str) -> str:
    """The path of a program the tests need, or the name of another row of the table; without it the test ends here."""
    if not is_there(tool):
        unavailable(tool, f"this test needs {tool}, which is not installed")
    return shutil.which(tool, path=_SBIN) or tool


def needed_package(name: str) -> None:
    """End the test where this Python has no such package; who only loads and calls needs none of them."""
    if find_spec(name) is None:
        unavailable(name, f"this test needs {name}, which is not installed")


_PLAIN: Final = ("-fno-sanitize=undefined", "-g0")  # as the others do, who are not told to
_ZIG: Final = {
    "x86_64-w64-mingw32-gcc": "x86_64-windows-gnu",
    "aarch64-apple-darwin-clang": "aarch64-macos",
    "x86_64-apple-darwin-clang": "x86_64-macos",
    "powerpc64-linux-gnu-gcc": "powerpc64-linux-gnu",
}
"""Compilers of other platforms, by the name that a system's own one has, and what zig calls the target."""


def compiler(name: str) -> list[str]:
    """The command of a compiler. Other platforms' come from the ``ziglang`` wheel where it is, else from the system.

    zig's are for what needs no C library (``-nostdlib``): it builds one from source first, which takes minutes.
    """
    zig = find_spec("ziglang") if name in _ZIG else None
    if zig is not None and zig.origin is not None:
        return [os.path.join(os.path.dirname(zig.origin), "zig"), "cc", "-target", _ZIG[name], *_PLAIN]
    return [needed(name)]


# The end of the run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep the tool beside the outcome; it travels with the report from a worker process."""
    if call.excinfo is not None and isinstance(call.excinfo.value, MissingTool):
        item.user_properties.append((_PROPERTY, call.excinfo.value.tool))
    return (yield)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each missing tool."""
    lines = summary(terminalreporter.stats.get("skipped", ()))
    if lines:
        terminalreporter.section("missing here")
    for line in lines:
        terminalreporter.write_line(line)


def summary(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """What each missing tool cost and how to have it, the dearest first."""
    told = [getattr(report, "user_properties", ()) for report in skipped]  # a whole module that was skipped has none
    cost = Counter(str(value) for properties in told for key, value in properties if key == _PROPERTY)
    remedy = {tool.name: f"to have it: {INSTALL}" for tool in TOOLS}
    return [
        f"{tool}: {count} test{'s' * (count != 1)} skipped; {remedy.get(tool, 'the reason is above')}"
        for tool, count in cost.most_common()
    ]
