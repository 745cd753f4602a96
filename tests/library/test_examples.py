from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
SAID = {
    "gettimeofday_struct": "agree on the time: True",
    "openssl_digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "qsort_callback": "[1, 3, 5, 7, 9]",
    "sqlite_query": "6 * 7 = 42",
    "zlib_checksum": "1000 bytes became",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_says_what_it_should(example: Path) -> None:
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert SAID[example.stem] in done.stdout


def test_every_example_has_something_to_say() -> None:
    assert {path.stem for path in EXAMPLES} == set(SAID)
