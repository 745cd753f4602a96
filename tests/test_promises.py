"""Promise 1: reading never runs code. The kernel is the witness."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

LOUD = """
#include <unistd.h>
__attribute__((constructor)) static void shout(void) { write(2, "I RAN\\n", 6); _exit(99); }
int answer(void) { return 42; }
"""

STATIC = (["inspect"], ["explain"], ["tree"], ["examine"], ["review"], ["find"])


@pytest.mark.parametrize("command", STATIC, ids=lambda c: c[0])
def test_a_static_command_neither_maps_its_target_as_code_nor_starts_a_program(
    command: list[str], compile_library: Compile, tmp_path: Path
) -> None:
    target = compile_library(LOUD, "libloud.so")
    log = tmp_path / "trace"
    done = subprocess.run(
        [
            *(needed("strace"), "-f", "-y", "-e", "trace=execve,execveat,mmap,mprotect", "-o", str(log)),
            *(sys.executable, "-m", "loadstone.cli.main", *command, str(target)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 1), done.stderr
    calls = log.read_text()
    assert len(re.findall(r"\bexecve(?:at)?\(", calls)) == 1  # the interpreter itself
    mapped = [line for line in calls.splitlines() if "PROT_EXEC" in line and "libloud.so" in line]
    assert mapped == []
    assert "I RAN" not in done.stderr


def test_the_witness_would_see_a_load(compile_library: Compile, tmp_path: Path) -> None:
    target = compile_library(LOUD, "libloud.so")
    log = tmp_path / "trace"
    code = f"import ctypes; ctypes.CDLL({str(target)!r})"
    done = subprocess.run(
        [needed("strace"), "-f", "-y", "-e", "trace=execve,mmap", "-o", str(log), sys.executable, "-c", code],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 99
    assert any("PROT_EXEC" in line and "libloud.so" in line for line in log.read_text().splitlines())
