"""What the Makefile runs: the table of system packages, the last lines of a run, the tests of a change, the lock."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.leftovers import files_of
from tests.tools import MissingTool, needed, summary
from tools.system_packages import MANAGERS, TOOLS, packages

from tools import changed, fresh, lock, mutants, pythons

ROOT = Path(__file__).parents[2]


def test_every_tool_has_a_name_of_its_own_and_a_debian_package() -> None:
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
    assert [tool.name for tool in TOOLS if not tool.apt] == []


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager.name)
def test_each_package_is_named_once(manager: Any) -> None:
    names = packages(manager, TOOLS)
    assert names
    assert len(set(names)) == len(names)


def test_what_a_test_needs_is_in_the_table() -> None:
    texts = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    asked = {name for text in texts for name in re.findall(r'\bneeded\("([^"]+)"\)', text)}
    assert asked - {tool.name for tool in TOOLS} == set()


def test_a_missing_tool_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(MissingTool, match="no-such-tool, which is not installed") as caught:
        needed("no-such-tool")
    assert caught.value.tool == "no-such-tool"
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool"):
        needed("no-such-tool")


def test_the_end_of_a_run_names_each_tool_its_cost_and_its_remedy() -> None:
    skipped: list[Any] = [
        SimpleNamespace(user_properties=[("missing tool", name)]) for name in ("lz4", "lz4", "wheels")
    ]
    assert summary(skipped) == [
        "lz4: 2 tests skipped; to have it: make system-packages",
        "wheels: 1 test skipped; the reason is above",
    ]


def test_the_tests_of_a_change_are_those_that_changed_and_those_that_import_it(tmp_path: Path) -> None:
    near, far, own = (tmp_path / f"test_{name}.py" for name in ("near", "far", "own"))
    near.write_text("from loadstone.core import names\n")
    far.write_text("import os\n")
    own.write_text("")
    chosen = changed.tests_of({Path("src/loadstone/core/names.py"), own}, [far, near, own])
    assert chosen == [own, near]


def test_interpreters_are_found_the_newest_of_each_version(tmp_path: Path) -> None:
    for version in ("3.10.1", "3.12.9", "3.12.10", "3.13.0"):
        folder = tmp_path / version
        folder.mkdir()
        minor = ".".join(version.split(".")[:2])
        program = folder / f"python{minor}"
        program.write_text(f"#!/bin/sh\necho {version} cpython\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    found = pythons.found(str(folder) for folder in tmp_path.iterdir())
    assert [(one.name, one.version) for one in found] == [("3.12", "3.12.10"), ("3.13", "3.13.0")]


def test_of_many_pythons_the_newest_and_the_oldest_are_chosen() -> None:
    four = [pythons.Interpreter((3, minor), f"3.{minor}", "") for minor in (11, 12, 13, 14)]
    assert [one.name for one in pythons.chosen(four, 2)] == ["3.11", "3.14"]
    assert pythons.chosen(four[:1], 2) == four[:1]


def test_the_readme_names_two_commands() -> None:
    assert fresh.commands((ROOT / "README.md").read_text()) == ["make examine TARGET=z", "make test"]


def test_every_lock_is_there_names_no_server_and_pins_by_digest() -> None:
    for name in lock.LOCKS:
        text = (ROOT / "locks" / f"{name}.txt").read_text()
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
        assert pins
        assert [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_what_the_project_depends_on_is_in_its_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "locks/run.txt").read_text(), re.MULTILINE))
    wanted = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace(".", "-") for line in project["dependencies"]}
    assert wanted <= locked, "run: make lock"


def test_mutants_are_made_of_one_package_by_the_tests_of_its_room() -> None:
    table = tomllib.loads(mutants.settings("core", ["tests/core"]))["tool"]["mutmut"]
    assert table["only_mutate"] == ["src/loadstone/core/*"]
    assert table["pytest_add_cli_args_test_selection"] == ["tests/core"]
    (sentence,) = table["do_not_mutate_patterns"]
    assert re.search(sentence, 'raise InvalidName(name, "a name must not be empty", help="give one")')
    assert not re.search(sentence, 'kind = "shared object" if image.kind == "dso" else name.removesuffix(".so")')


def test_the_caches_of_tools_are_no_files_of_the_tree(tmp_path: Path) -> None:
    for name in (".git/x", ".venv-3.12/x", "a/__pycache__/x", "a/b.py"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
    assert list(files_of(tmp_path)) == [str(tmp_path / "a/b.py")]


LEAVER = """
import tempfile

def test_that_leaves_a_file():
    tempfile.mkstemp()
"""
IMPATIENT = """
import tests.leftovers
tests.leftovers._PATIENCE = 0.0
pytest_plugins = ["tests.leftovers"]
"""


@pytest.mark.parametrize(
    ("setting", "status"),
    [
        ({"CI": "true"}, 1),
        ({}, 0),
        pytest.param({"LOADSTONE_TEST_LEFTOVERS": "fail"}, 1, marks=pytest.mark.slow),
    ],
)
def test_what_a_run_leaves_fails_it_in_ci(tmp_path: Path, setting: dict[str, str], status: int) -> None:
    (tmp_path / "test_leaver.py").write_text(LEAVER)
    (tmp_path / "conftest.py").write_text(IMPATIENT)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT), **setting},
    )
    assert "left behind by this run" in done.stdout, done.stdout + done.stderr
    assert done.returncode == status, done.stdout
    own = rf"file ({re.escape(tempfile.gettempdir())}/loadstone-run-[^/\s]+)/"  # its folder, and never ours around it
    for folder in re.findall(own, done.stdout):
        shutil.rmtree(folder, ignore_errors=True)
