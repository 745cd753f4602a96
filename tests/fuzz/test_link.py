"""A worker that dies before it does anything is an error of ours with its words, never one of a socket."""

from __future__ import annotations

import sys

import pytest
from tests.conftest import Compile

from loadstone.errors import ProbeFailed
from loadstone.fuzz import link
from loadstone.fuzz.engine import run_campaign
from loadstone.fuzz.plan import Argument, CallPlan, Campaign, Role

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")


@pytest.mark.parametrize(
    "boot", ["raise SystemExit('no such luck')", "import os; os.write(2, b'no such luck'); os.abort()"]
)
@pytest.mark.parametrize("seed", [b"", bytes(4 << 20)], ids=["a small job", "more than a socket holds"])
def test_a_worker_that_dies_at_its_start(
    boot: str, seed: bytes, compile_library: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = compile_library("int f(const char *d) { return d[0]; }", "libany.so")
    monkeypatch.setattr(link, "_BOOT", boot)
    calls = (CallPlan("f", 0, (Argument(Role.BUFFER),)),)
    with pytest.raises(ProbeFailed, match="no such luck"):
        run_campaign(Campaign(library=str(library), prototype="", calls=calls, seeds=(seed,)))
