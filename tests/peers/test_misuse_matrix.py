"""Every kind of argument with every wrong value, given, after closing, and from threads: never a crash.

Each kind has a process of its own, a fork of one that has everything ready; with ``LOADSTONE_TEST_SCALE=full`` each
call has: 112,000 of them, in some five minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.peers.matrix import source
from tests.scale import FULL

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "matrix.c").write_text(source())
    made = folder / "libmatrix.so"
    command = [needed("gcc"), "-O1", "-w", "-shared", "-fPIC", "-o", str(made), str(folder / "matrix.c")]
    subprocess.run(command, check=True)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("fast", [True, False], ids=["extension", "ctypes"])
@pytest.mark.parametrize("state", ["given", "closed", "threads"])
def test_no_value_crashes_any_kind_of_argument(state: str, fast: bool, library: Path) -> None:
    each = "call" if FULL else "kind"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.peers.matrix_child", str(library), state, each],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "LOADSTONE_NO_FASTCALL": "0" if fast else "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    made, crashed, kinds, values = map(int, done.stdout.splitlines()[-1].split())
    assert crashed == 0, done.stderr[-1500:]
    assert made >= kinds * values
