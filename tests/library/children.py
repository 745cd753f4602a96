"""Run a piece of Python in a child process: libraries made for tests never enter the test process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

__all__ = ["ROOT", "run_child"]

ROOT = Path(__file__).resolve().parents[2]


def run_child(code: str, *arguments: object, timeout: float = 120, check: bool = True, **env: str) -> str:
    """What the child printed. It is expected to end with status 0; its own words are shown when it does not."""
    source = textwrap.dedent(code)
    command = [sys.executable, "-X", "faulthandler", "-c", source, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **env}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    if check:
        assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
