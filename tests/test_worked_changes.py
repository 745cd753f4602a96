"""Each worked change of ``CONTRIBUTING.md`` is made in a copy of the tree, and does there what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEW = re.compile(r"(?:#|--|/\*) (\S+): new(?: \*/)?\n")
WASM = b"\0asm\1\0\0\0" + b"\1\4\1\x60\0\0"
CUT = WASM[:-1]


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def changed_by(diff: str, text: str) -> str:
    """A file with the lines of a block; what stands before them must be there once."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith(" "))
    added = "".join(
        line[1:].removeprefix(" ") if line.strip() == "+" else line[1:] for line in lines if line[:1] == "+"
    )
    assert text.count(before) == 1, before
    return text.replace(before, before + added)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with all of them."""
    home = tmp_path_factory.mktemp("changed")
    leave_out = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "src", home / "src", ignore=leave_out)
    for block in blocks():
        if found := NEW.match(block):
            path = home / found[1]
            assert not path.exists(), path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block if path.suffix in (".py", ".c") else block[found.end() :], encoding="utf-8")
        elif block.startswith("+++ "):
            first, _, rest = block.partition("\n")
            path = home / first.removeprefix("+++ ")
            path.write_text(changed_by(rest, path.read_text(encoding="utf-8")), encoding="utf-8")
    return home


def ran(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    wide = {**os.environ, "PYTHONPATH": str(home / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=home, env=wide, capture_output=True, text=True, check=False, timeout=120
    )


def test_there_is_one_of_each_kind() -> None:
    made = " ".join(found[1] for block in blocks() if (found := NEW.match(block)))
    for folder in ("review/rules/", "binary/", "report/", "cli/", "fleet/questions/", "library/adapters/"):
        assert f"src/loadstone/{folder}" in made


def test_the_rule_reports_its_bad_twin_alone(changed: Path) -> None:
    done = ran(changed, "-m", "loadstone", "review", "--no-cache", "--jobs=1", "--fail-on=low", "-f", "csv",
               "tests/rules/unversioned-name/bad.c", "tests/rules/unversioned-name/good.c")  # fmt: skip
    rows = [row.split(",")[:4] for row in done.stdout.splitlines() if row.startswith("unversioned-name,")]
    assert rows == [["unversioned-name", "low", "tests/rules/unversioned-name/bad.c", "3"]], done.stderr
    assert done.stdout.startswith("rule,severity,path,line,message")  # the report format
    assert done.returncode == 1


def test_the_format_is_read_and_its_damage_told(changed: Path) -> None:
    code = (
        "from loadstone.binary import read\n"
        f"whole, cut = read({WASM!r}), read({CUT!r})\n"
        "print([s.name for s in whole.sections], whole.damage, len(cut.damage))"
    )
    done = ran(changed, "-c", code)
    assert done.stdout == "['section 1'] () 1\n", done.stderr


def test_the_command_says_the_name_and_has_an_exit_status(changed: Path, compile_library: Compile) -> None:
    named = compile_library("int a;", "libnamed.so", "-Wl,-soname,libnamed.so.4")
    bare = compile_library("int a;", "libbare.so")
    done = ran(changed, "-m", "loadstone", "identity", str(named), str(bare))
    assert (done.returncode, done.stdout) == (1, "libnamed.so.4\n(no name)\n"), done.stderr
    assert ran(changed, "-m", "loadstone", "identity", str(named)).returncode == 0


def test_the_question_is_listed(changed: Path) -> None:
    done = ran(changed, "-m", "loadstone", "fleet", "ask", "list")
    assert "nameless" in done.stdout, done.stderr
    assert "Which files have no SONAME?" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="its loader stands in for another ELF system's")
def test_the_adapter_opens_and_closes(changed: Path, compile_library: Compile) -> None:
    library = compile_library("int answer = 42;", "libanswer.so")
    code = (
        "import sys\nfrom loadstone.library.adapters import adapter_for\n"
        "adapter = adapter_for('sunos5')\nopened = adapter.open(sys.argv[1], 0)\n"
        "print(type(adapter).__name__, adapter.address(opened, 'answer') > 0)\nadapter.close(opened)"
    )
    done = ran(changed, "-c", code, str(library))
    assert done.stdout == "SunosAdapter True\n", done.stderr
