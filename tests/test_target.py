"""One meaning of a target everywhere: a separator makes a path, anything else is a name that is searched for.

Files with the names of system libraries lie in the current directory; each would leave a mark if it were run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile

from loadstone import Library, Verdict, examine, find
from loadstone.errors import InvalidName, LoadstoneError, NotFound, Unreadable
from loadstone.fuzz import export_harness, fuzz
from loadstone.library.target import as_the_loader_gets_it, is_path, locate
from loadstone.probe import probe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="separators and SONAMEs of Linux")

UNIQUE = "libplanted.so.9"
SYSTEM = "libz.so.1"
NOT_UTF_8 = os.fsdecode(b"lib\xff.so.9")
MARKING = """
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void) { close(open("%s", O_CREAT | O_WRONLY, 0600)); }
int work(const char *data, int size) { return data[0] + size; }
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, compile_library: Compile) -> tuple[bytes, Path]:
    """A library that writes where it is loaded, and where it does."""
    mark = tmp_path_factory.mktemp("mark") / "ran"
    return compile_library(MARKING % mark, "libmarking.so").read_bytes(), mark


@pytest.fixture
def mark(tmp_path: Path, planted: tuple[bytes, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a planted library writes; the current directory holds planted libraries of several names."""
    here = tmp_path / "here"
    here.mkdir()
    data, mark = planted
    mark.unlink(missing_ok=True)
    for name in (UNIQUE, SYSTEM, NOT_UTF_8, "123", "~", "z"):
        (here / name).write_bytes(data)
    (here / "folder").mkdir()
    monkeypatch.chdir(here)
    return mark


NAMES = (UNIQUE, "123", "~", NOT_UTF_8, "folder")
"""No search finds any of them; in the current directory each is a file or a folder."""

PATHS = (f"./{UNIQUE}", f"../here/{UNIQUE}", "./123", "./~", f"./{NOT_UTF_8}", "./missing", "folder/", "~/x")


@pytest.mark.usefixtures("mark")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_taken_from_the_current_directory(name: str) -> None:
    assert not is_path(name)
    with pytest.raises(NotFound) as missed:
        locate(name)
    assert f"./{name}" in str(missed.value.advice)


@pytest.mark.usefixtures("mark")
@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is(path: str) -> None:
    assert is_path(path)
    assert locate(path).path == path
    assert as_the_loader_gets_it(path) == path


@pytest.mark.usefixtures("mark")
def test_a_name_that_is_found_is_the_system_s() -> None:
    assert os.path.isabs(locate(SYSTEM).path or "")
    assert as_the_loader_gets_it("z") == find("z").path
    assert as_the_loader_gets_it(SYSTEM) == SYSTEM


@pytest.mark.parametrize("name", ["", "a\0b", "line\nbreak", "x" * 70_000])
def test_what_can_be_neither_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        locate(name)


CALLS: dict[str, Callable[[str], Any]] = {
    "find": find,
    "Library": lambda name: Library(name).load(),
    "probe": probe,
    "fuzz": lambda name: fuzz(name, "int work(const char *data, int size)", runs=1),
    "export_harness": lambda name: export_harness(name, "int work(const char *data, int size)", folder="harness"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])
def test_no_function_takes_a_name_from_the_current_directory(call: Callable[[str], Any], name: str, mark: Path) -> None:
    with pytest.raises(LoadstoneError) as refused:
        call(name)
    assert isinstance(refused.value, NotFound)
    assert not mark.exists()


@pytest.mark.parametrize("call", [probe, CALLS["fuzz"]], ids=["probe", "fuzz"])
def test_a_folder_given_as_a_path_is_said_to_be_one(call: Callable[[str], Any], mark: Path) -> None:
    with pytest.raises(Unreadable):
        call("folder/")
    assert not mark.exists()


def test_an_examination_reads_a_file_here_and_does_not_run_it(mark: Path) -> None:
    examination = examine(UNIQUE, probe=True)
    assert examination.image is not None
    assert examination.probe is None
    assert examination.verdict is not Verdict.LOAD
    assert any("is not run from here" in str(claim.message) for claim in examination.claims)
    assert not mark.exists()


PROTOTYPE = "int work(const char *data, int size)"
COMMANDS = {
    "find": ["find", "{}"],
    "examine": ["examine", "{}", "--probe"],
    "explain": ["explain", "{}"],
    "tree": ["tree", "{}"],
    "pin": ["pin", "{}"],
    "probe": ["probe", "{}"],
    "call": ["call", "{}", PROTOTYPE, "ab", "2"],
    "fuzz": ["fuzz", "{}", PROTOTYPE, "--runs", "1"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [UNIQUE, SYSTEM, "z", "123"])
@pytest.mark.parametrize("command", [pytest.param(words, id=name) for name, words in COMMANDS.items()])
def test_no_command_runs_a_file_that_only_has_the_name(command: list[str], name: str, mark: Path) -> None:
    words = [name if word == "{}" else word for word in command]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "loadstone.cli.main", *words], capture_output=True, check=False, env=environment
    )
    assert done.returncode in (0, 1, 3), done.stderr
    assert not mark.exists()
