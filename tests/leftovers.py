"""Each run has a temporary folder of its own; at its end nothing may be left, here, in the tree or running."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["files_of", "processes_of"]

_MARK: Final = "LOADSTONE_TEST_RUN"  # in the environment of every process of the run; its value is the run's folder
_OURS: Final = frozenset({"pytest", "hypothesis"})
_CACHES: Final = frozenset(
    {
        ".git",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        "build",
    }
)
_RUN: Final = "loadstone-run-"
_STRICT: Final = "LOADSTONE_TEST_LEFTOVERS"  # "fail": what is left fails the run, as it does in CI; "say": it is said
_PATIENCE = 30.0  # seconds in which what is ending may end; on a busy machine that takes a while


class Watch:
    """What there was when the run began; what is there at its end besides."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = Path(tempfile.mkdtemp(prefix=_RUN))
        self.folder.chmod(0o755)  # tests become other users
        self.before = frozenset(files_of(root))
        self.outside = tempfile.gettempdir()
        self.there = frozenset(os.listdir(self.outside))
        self.ours: list[str] = []
        self.left: list[str] = []
        tempfile.tempdir = None
        os.environ.update({_MARK: str(self.folder), "TMPDIR": str(self.folder)})

    def close(self, *, keep: bool) -> None:
        """Look; then take the folder away, unless somebody wants to look into it after a failure."""
        waited_until = time.monotonic() + _PATIENCE
        while (left := list(self._left())) and time.monotonic() < waited_until:
            time.sleep(0.1)
        self.ours, self.left = list(self._ours()), left
        if not keep and not self.left:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.environ["TMPDIR"] = self.outside
        tempfile.tempdir = None

    def _left(self) -> Iterator[str]:
        """What there is now. Outside, it may come from another run."""
        yield from self._ours()
        new = sorted(frozenset(os.listdir(self.outside)) - self.there)
        named = (name for name in new if "loadstone" in name and not name.startswith(_RUN))
        yield from (f"file {self.outside}/{name} (or another run's)" for name in named)

    def _ours(self) -> Iterator[str]:
        """What can only be of this run, but for an editor's files in the tree."""
        yield from (f"process {pid}: {command}" for pid, command in processes_of(str(self.folder)))
        own = sorted(os.listdir(self.folder))
        yield from (f"file {self.folder / name}" for name in own if name.split("-")[0] not in _OURS)
        tree = sorted(frozenset(files_of(self.root)) - self.before)
        yield from (f"file {name} (or an editor's)" for name in tree)


def files_of(root: Path) -> Iterator[str]:
    """The files of the tree, without the caches of the tools that work on it."""
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in _CACHES and not f.startswith(".venv") and f != "mutants"]
        yield from (os.path.join(folder, name) for name in files if not name.startswith(".coverage"))


def processes_of(run: str) -> Iterator[tuple[int, str]]:
    """The processes that began in this run, apart from this one and its workers; where there is /proc."""
    ours = {os.getpid()}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.isdigit() and int(entry) not in ours:
            try:
                environment = Path("/proc", entry, "environ").read_bytes()
                command = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"{_MARK}={run}\0".encode() in environment:
                yield int(entry), command.strip()


_WATCH: Final = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin, in the process that was started by hand: its workers inherit the folder."""
    if not hasattr(config, "workerinput") and _MARK not in os.environ:
        config.stash[_WATCH] = Watch(config.rootpath)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Look for what was left; fail for it where that is asked."""
    if "loadstone.probe.pool" in sys.modules:
        sys.modules["loadstone.probe.pool"].close_helpers()  # a worker process ends without its exit functions
    if "multiprocessing.resource_tracker" in sys.modules:  # began with the first pool, and ends with this process
        sys.modules["multiprocessing.resource_tracker"]._resource_tracker._stop()
    watch = session.config.stash.get(_WATCH, None)
    if watch is not None:
        watch.close(keep=exitstatus != pytest.ExitCode.OK)
        if watch.ours and exitstatus == pytest.ExitCode.OK and _is_strict():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_strict() -> bool:
    """On a person's machine an editor may have left it; in CI there is nobody else."""
    return os.environ.get(_STRICT, "fail" if os.environ.get("CI") else "say") == "fail"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name what was left."""
    watch = config.stash.get(_WATCH, None)
    if watch is not None and watch.left:
        terminalreporter.section("left behind by this run", red=True)
        for line in watch.left:
            terminalreporter.write_line(line)
    elif watch is not None:
        terminalreporter.write_line("nothing left behind: no process, no temporary file, nothing in the tree")
