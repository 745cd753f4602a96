"""Every kind of parameter with every wrong value, and everything after it was closed or freed: never a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.tools import unavailable

from loadstone.library.typed import fastcall

HERE = Path(__file__).parent
CHILD = HERE / "misuse_child.py"


@pytest.mark.parametrize("fast", [True, False], ids=["extension", "ctypes"])
@pytest.mark.parametrize("kind", ["open", "closed", "freed callback", "threads"])
def test_no_wrong_value_crashes(kind: str, fast: bool, peers: Path) -> None:
    if kind == "freed callback" and not fast:
        pytest.skip("ctypes frees the code of a callback: DIFFERENT, only the extension keeps it callable")
    if kind == "freed callback" and not fastcall.available():
        unavailable("Python.h", "the extension is not built (it needs Python.h), or it is turned off")
    environment = {"LOADSTONE_NO_FASTCALL": "0" if fast else "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(CHILD), str(peers), str(HERE / "peers.h"), kind],
        capture_output=True, text=True, check=False, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    assert int(done.stdout.split()[-1]) >= 1
