"""Planted bugs of graded difficulty in a library of our own, found from outside, and a control that has none.

Searches end at the first finding; the time limits are for machines that are busy, and nothing is asserted about time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.binary import read
from loadstone.core.claims import Finding, Undecided
from loadstone.core.fuzzing import FuzzReport, Stopped, fuzz_claims
from loadstone.errors import Unsupported
from loadstone.fuzz.engine import run_campaign
from loadstone.fuzz.plan import Argument, CallPlan, Campaign, Heap, Role

SOURCE = r"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef const unsigned char *B; typedef unsigned long N;
int nested(B d, N n) { if (n > 3 && d[0] == 'F') if (d[1] == 'U') if (d[2] == 'Z') *(volatile int *)8 = 1; return 0; }
int magic(B d, N n) { if (n >= 8 && *(const unsigned *)d == 0xDEADC0DE) *(volatile int *)24 = 1; return 0; }
int overread(B d, N n) { int s = 0; if (n >= 4) for (N i = 0; i <= n; i++) s += d[i]; return s; }
int underread(B d, N n) { return n >= 4 ? d[-1] : 0; }
int heap4(B d, N n) { volatile char *p = malloc(n + 1);
    if (n > 1 && d[0] == 'H') p[n + 4] = 1;
    free((void *)p); return 0; }
int after_free(B d, N n) { volatile char *p = malloc(n + 1); free((void *)p); return n > 1 && d[0] == 'U' ? p[0] : 0; }
int wraps(B d, N n) { if (n < 4) return 0;
    unsigned product = d[0] * d[1] * 16; unsigned short z = (unsigned short)product;
    volatile char *p = malloc(z + 1); for (unsigned i = z; i <= product; i++) p[i] = 1; free((void *)p); return 0; }
static int deep(N n) { volatile char pad[4096]; pad[0] = 1; return n ? deep(n - 1) + pad[0] : 0; }
int recursion(B d, N n) { return n > 2 && d[0] == '(' && d[1] == '(' ? deep(1UL << 40) : 0; }
int quits(B d, N n) { if (n > 1 && d[0] == 'Q' && d[1] == '!') exit(3); return 0; }
int hangs(B d, N n) { if (n > 1 && d[0] == 'L' && d[1] == 'p') for (;;) ; return 0; }
static int seen;
int state(B d, N n) { if (!n) return 0;
    if (seen == 0 && d[0] == 'a') seen = 1; else if (seen == 1 && d[0] == 'b') seen = 2;
    else if (seen == 2 && d[0] == 'c') *(volatile int *)16 = 1; return seen; }
int text(const char *s) { char b[16]; if (s[0] == 'T') strcpy(b, s); else b[0] = 0; return b[0]; }
int control(B d, N n) { int s = 0; for (N i = 0; i < n; i++) s += d[i]; return s; }
struct parser { int fed; };
struct parser *p_open(void) { return calloc(1, sizeof(struct parser)); }
int p_feed(struct parser *p, B d, N n) { if (n && d[0] == '!') p->fed++;
    if (p->fed > 1) *(volatile int *)32 = 1;
    return 0; }
void p_close(struct parser *p) { free(p); }
"""

BUFFER = (Argument(Role.BUFFER), Argument(Role.LENGTH_OF, of=0))


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libplanted.so", "-O1", "-w", "-fno-stack-protector", "-fno-optimize-sibling-calls")


def call(library: Path, symbol: str, *arguments: Argument, **more: object) -> CallPlan:
    address = read(library).symbols.named(symbol)[0].value
    return CallPlan(symbol, address, arguments, **more)  # type: ignore[arg-type]


def campaign(library: Path, symbol: str, **more: object) -> FuzzReport:
    settings: dict[str, object] = {"time_s": 60.0, "seed": 1, "first": True, "hang_s": 1.0} | more
    calls = settings.pop("calls", None) or (call(library, symbol, *BUFFER),)
    return run_campaign(
        Campaign(library=str(library), prototype=f"int {symbol}(B, N)", calls=calls, **settings)  # type: ignore[arg-type]
    )


PLANTED: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("nested", "SIGSEGV", {}),
    ("magic", "SIGSEGV", {}),
    ("overread", "heap-buffer-overflow", {}),
    ("underread", "heap-buffer-overflow", {}),
    ("heap4", "heap-buffer-overflow", {"heap": Heap.EXACT}),
    ("after_free", "heap-use-after-free", {"heap": Heap.ALIGNED}),
    ("wraps", "heap-buffer-overflow", {"heap": Heap.EXACT}),
    ("recursion", "stack-overflow", {}),
    ("quits", "exit", {}),
    ("hangs", "hang", {"hang_s": 0.3}),
    ("state", "SIGSEGV", {}),
)
ELSEWHERE = ("magic", "overread", "underread", "wraps", "quits", "hangs", "state")
"""What other tests find as well, or a kind that takes longer."""


@pytest.mark.parametrize(
    ("symbol", "kind", "settings"),
    [pytest.param(*one, marks=pytest.mark.slow if one[0] in ELSEWHERE else ()) for one in PLANTED],
)
def test_a_planted_bug_is_found_and_shown_again_by_three_fresh_processes(
    symbol: str, kind: str, settings: dict[str, object], library: Path
) -> None:
    report = campaign(library, symbol, **settings)
    assert report.stopped is Stopped.FIRST
    (found,) = report.findings
    assert (found.kind, found.repeated, found.tries) == (kind, 3, 3)
    if kind not in ("exit", "stack-overflow"):
        assert found.frames[0].function == symbol
    (claim,) = fuzz_claims(report)
    assert isinstance(claim, Finding)


def test_a_control_without_a_bug_has_no_finding(library: Path) -> None:
    report = campaign(library, "control", runs=30_000)
    assert (report.findings, report.flaky) == ((), ())
    assert report.stopped is Stopped.RUNS
    assert report.progress.runs >= 30_000


def test_the_guard_page_that_was_touched_is_named(library: Path) -> None:
    assert campaign(library, "overread").findings[0].guard == "over"
    assert campaign(library, "underread").findings[0].guard == "under"


def test_inputs_are_made_small(library: Path) -> None:
    assert campaign(library, "nested").findings[0].inputs == (b"FUZ0",)
    assert campaign(library, "quits").findings[0].inputs == (b"Q!",)


def test_a_failure_that_needs_state_keeps_the_calls_before_it(library: Path) -> None:
    (found,) = campaign(library, "state").findings
    heads = b"".join(
        data[:1] for data in found.inputs
    )  # more than these three where time ran out for leaving others out
    assert re.search(b"a.*b.*c$", heads, re.DOTALL)


def test_texts_end_at_the_guard_page_with_their_nul(library: Path) -> None:
    report = campaign(library, "text", calls=(call(library, "text", Argument(Role.CSTRING)),))
    assert report.findings


def test_a_sequence_of_calls_is_fed_piece_by_piece(library: Path) -> None:
    handle = Argument(Role.HANDLE, slot="p")
    calls = (
        call(library, "p_open", returns="pointer", into="p"),
        call(library, "p_feed", handle, Argument(Role.BUFFER), Argument(Role.LENGTH_OF, of=1), repeat=True),
        call(library, "p_close", handle, returns="void"),
    )
    (found,) = campaign(library, "p_feed", calls=calls).findings
    assert found.frames[0].function == "p_feed"
    assert len(found.inputs) == 1


def test_a_stripped_copy_gives_the_same_finding(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "libplanted.so"
    subprocess.run([needed("strip"), "-o", str(stripped), str(library)], check=True)
    (found,) = campaign(stripped, "nested").findings
    assert found.inputs == (b"FUZ0",)


def test_findings_are_saved_with_a_program_that_shows_them_and_a_campaign_can_go_on(
    library: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (found,) = campaign(library, "nested", folder=str(out)).findings
    home = Path(found.folder)
    assert (home / "input").read_bytes() == b"FUZ0"
    assert json.loads((home / "report.json").read_text())["kind"] == "SIGSEGV"
    shown = subprocess.run([sys.executable, home / "repro.py"], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (1, "ended by SIGSEGV\n")
    assert list((out / "corpus").iterdir())
    again = campaign(library, "nested", folder=str(out))
    assert again.findings[0].run <= found.run


def test_the_reproducer_refuses_another_library(library: Path, tmp_path: Path) -> None:
    copy = tmp_path / "libplanted.so"
    copy.write_bytes(library.read_bytes())
    (found,) = campaign(copy, "quits", folder=str(tmp_path / "out")).findings
    copy.write_bytes(library.read_bytes() + b"\0")
    shown = subprocess.run([sys.executable, f"{found.folder}/repro.py"], capture_output=True, text=True, check=False)
    assert shown.returncode == 2
    assert "not the library" in shown.stdout


def test_a_library_that_cannot_be_loaded_is_said_to_be_so(compile_library: Compile) -> None:
    broken = compile_library("int missing(void); int f(void) { return missing(); }", "libbroken.so", "-Wl,-z,now")
    report = campaign(broken, "f", calls=(call(broken, "f"),))
    assert report.stopped is Stopped.CANNOT_LOAD
    assert "undefined symbol: missing" in report.loader_message


def test_other_systems_are_refused_with_what_to_do_instead(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Unsupported, match="on darwin yet") as refused:
        campaign(library, "control")
    assert "--export" in refused.value.advice


def test_the_conditions_of_a_campaign_are_told(library: Path) -> None:
    report = campaign(library, "control", runs=1000)
    assert dict(report.observers)["coverage"] == "active"
    assert {"limits", "landlock", "seccomp", "no_new_privs"} <= {name for name, _ in report.layers}


def test_what_does_not_repeat_is_flaky_and_an_open_question() -> None:
    from loadstone.core.fuzzing import FuzzFinding, FuzzProgress

    once = FuzzFinding(kind="SIGSEGV", stack_hash="x", frames=(), inputs=(b"",), repeated=1, tries=3)
    report = FuzzReport(
        library="x", sha256="", prototype="f", seed=0, stopped=Stopped.TIME, level="blocks",
        progress=FuzzProgress(1, 1, 1, 1, 1, 1, 1), flaky=(once,),
    )  # fmt: skip
    (claim,) = fuzz_claims(report)
    assert isinstance(claim, Undecided)
    assert not once.reproducible
