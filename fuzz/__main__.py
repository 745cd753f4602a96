"""Fuzz the parsers, all at once or some, each in a process of its own: ``python -m fuzz [--seconds N] [PARSER...]``.

What breaks one is kept under ``found/`` and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.corpus import CORPUS, FOUND

_GRACE = 60  # seconds beyond its time after which a run is given up: starting and the last input take some


def _names() -> list[str]:
    return sorted(folder.name for folder in CORPUS.iterdir())


def _start(name: str, seconds: int, folder: Path) -> subprocess.Popen[str]:
    found, fresh = FOUND / name, folder / name
    found.mkdir(parents=True, exist_ok=True)
    fresh.mkdir()
    options = [
        f"-max_total_time={seconds}", f"-artifact_prefix={found}/", "-max_len=16384", "-timeout=20",
        "-rss_limit_mb=1024", "-len_control=0", "-seed=1", "-print_final_stats=1",
    ]  # fmt: skip
    command = [sys.executable, "-m", "fuzz.target", name, *options, str(fresh), str(CORPUS / name), str(found)]
    with (folder / f"{name}.log").open("w") as log:
        environment = {**os.environ, "PYTHONHASHSEED": "0"}  # with the seed: the same inputs in the same order
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True, env=environment)


def main() -> int:
    """Run, and print a line for each parser."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz Loadstone's parsers (Atheris).")
    parser.add_argument("--seconds", type=int, default=60, help="how long each is fuzzed (60)")
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help=f"which: {', '.join(_names())} (all)")
    asked = parser.parse_args()
    names = asked.parsers or _names()
    if unknown := set(names) - set(_names()):
        parser.error(f"no such parser: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        running = {name: _start(name, asked.seconds, Path(folder)) for name in names}
        broken = 0
        for name, process in running.items():
            try:
                status = process.wait(asked.seconds + _GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            said = Path(folder, f"{name}.log").read_text(errors="replace")
            runs = re.findall(r"(?:number_of_executed_units: |Done )(\d+)", said)
            covered = re.findall(r"\bcov: (\d+)", said)
            figures = f"{runs[-1] if runs else '?':>10} runs  {covered[-1] if covered else '?':>6} branches"
            print(f"{name:16} {figures}  {f'BROKEN (status {status})' if status else 'nothing found'}", flush=True)
            if status:
                broken += 1
                print(said[said.find(" === ") :][:3000], file=sys.stderr)
    for empty in FOUND.iterdir():
        if not any(empty.iterdir()):
            empty.rmdir()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
