"""Nothing that a fuzzed library says is believed: no records of its own, nothing it writes where its tracer reads."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Compile
from tests.scale import SCALE

from loadstone.fuzz import fuzz
from loadstone.fuzz.child.arena import Arena
from loadstone.fuzz.child.guarded_heap import HeapError
from loadstone.fuzz.code.analyse import CodeMap, Level
from loadstone.fuzz.plan import Campaign
from loadstone.fuzz.records import KINDS, FindingRecord, read_record
from loadstone.fuzz.search import Harvest
from loadstone.fuzz.worker.ends import heap_error

FORGES = r"""
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void everywhere(const char *line) {
    for (int fd = 3; fd < 1024; fd++) if (write(fd, line, strlen(line)) < 0) send(fd, line, strlen(line), 0);
}
__attribute__((constructor)) static void start(void) {
    everywhere("{\"record\": \"ready\", \"layers\": [[\"landlock\", \"by the library\"]], \"observers\": []}\n");
    everywhere("{\"record\": \"found\", \"kind\": \"/../../../OUTSIDE\", \"inputs\": [\"00\"], \"run\": 1}\n");
    everywhere("{\"record\": \"status\", \"runs\": 999999999999, \"seconds\": 1.0, \"blocks\": 77, \"forged\": 0}\n");
}
int parse(const unsigned char *d, unsigned long n) { return n ? d[0] : 0; }
"""

CLAIMS = r"""
#include <string.h>
#include <unistd.h>
int parse(const unsigned char *d, unsigned long n) {
    const char *said = "the check says what the library wants";
    for (int fd = 3; fd < 64; fd++) (void)!write(fd, said, strlen(said));
    _exit(STATUS);
}
"""

SCRIBBLES = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
int parse(const unsigned char *d, unsigned long n) {
    char line[512]; unsigned long low, high;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "rw-s") && sscanf(line, "%lx-%lx", &low, &high) == 2) { memset((void *)low, 0xff, 24); break; }
    if (maps) fclose(maps);
    *(volatile int *)8 = 1;
    return 0;
}
"""
WINKS = r"""
#include <signal.h>
int parse(const unsigned char *d, unsigned long n) { raise(SIGWINCH); return n ? d[0] : 0; }
"""
PROTOTYPE = "int parse(const unsigned char *data, unsigned long size)"


def test_a_library_reports_nothing_in_the_worker_s_place(compile_library: Compile, tmp_path: Path) -> None:
    library = compile_library(FORGES, "libforges.so", "-O1", "-w")
    report = fuzz(library, PROTOTYPE, time_s=1.5, out=str(tmp_path / "deep" / "out"))
    assert not (*report.findings, *report.flaky)
    assert report.progress.runs < 1e9
    assert report.progress.blocks < 77
    assert "by the library" not in str(report.layers)
    assert not list(tmp_path.rglob("*OUTSIDE*"))


@pytest.mark.parametrize("status", [0xD1, 0xD2, 0xD3])
def test_words_without_the_child_s_secret_are_not_its_words(status: int, compile_library: Compile) -> None:
    library = compile_library(CLAIMS.replace("STATUS", str(status)), f"libclaims{status}.so", "-O1", "-w")
    report = fuzz(library, PROTOTYPE, time_s=20, first=True)
    (found,) = report.findings
    assert (found.kind, found.detail) == ("exit", "")


def test_shared_memory_that_the_library_wrote_to_is_told(compile_library: Compile) -> None:
    library = compile_library(SCRIBBLES, "libscribbles.so", "-O1", "-w")
    report = fuzz(library, PROTOTYPE, time_s=2, first=False)
    assert {found.kind for found in (*report.findings, *report.flaky)} == {"SIGSEGV"}
    assert dict(report.observers)["child's records"].startswith("degraded: ")
    assert report.progress.runs < 1e9


def test_the_child_s_own_signal_fills_no_corpus(compile_library: Compile) -> None:
    """SIGWINCH says that an input went deeper; the library can send it to itself at every call."""
    report = fuzz(compile_library(WINKS, "libwinks.so", "-O1", "-w"), PROTOTYPE, time_s=2)
    assert report.progress.runs > 200
    assert report.progress.corpus < 20


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "[]", '["bad-free", "x", -1]', '["bad-free", "x", 1.5, []]', '["bad-free", "x", true, []]',
        '["bad-free", "x", 0, [[]]]', '["bad-free", "x", 0, [-1]]', '["bad-free", "x", 0, {}]', '[[], "x", 0, []]',
        '["bad-free", {}, 0, []]', '["bad-free", "x", 0, [' + "1," * 99 + "1]]", "[" * 100_000,
    ],
)  # fmt: skip
def test_what_a_library_that_found_the_secret_says_is_held_to_its_form(text: str) -> None:
    assert heap_error(text) is None


def test_a_row_of_no_block_is_none() -> None:
    assert heap_error('["bad-free", "x", 99999999, [1]]') == HeapError("bad-free", "x", -1, (1,))


def test_what_lies_before_the_findings_is_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstone.fuzz.search._MOST_KEPT", 500)
    harvest = Harvest(CodeMap(Level.NONE, (), (), ()), [b""])
    campaign = Campaign(library="x", prototype="", calls=())
    for number in range(3):
        fields = {
            "record": "found",
            "kind": "SIGSEGV",
            "inputs": ["00" * 100, "01" * 100],
            "run": 1,
            "frames": [number],
        }
        harvest.take(0, read_record(json.dumps(fields).encode()), campaign)
    assert [len(found.inputs) for found in harvest.found.values()] == [2, 1, 1]
    assert {found.inputs[-1] for found in harvest.found.values()} == {b"\1" * 100}


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_what_no_worker_says_is_no_record(fields: dict[str, object]) -> None:
    for kind in ("ready", "new", "found", "status", "done", "cannot_load", "hook_failed", "other"):
        record = read_record(json.dumps({**fields, "record": kind}).encode())
        assert record is None or msgspec.json.decode(msgspec.json.encode(record))["record"] == kind


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "../../x"}, {"kind": "SIGSEGV/.."}, {"kind": ""}, {"inputs": []}, {"inputs": ["0"]},
        {"inputs": ["zz"]}, {"run": -1}, {"run": 2**70}, {"frames": [-1]}, {"frames": [1] * 65},
        {"guard": "over/x"}, {"fault": 2**64},
        {"status": 256}, {"detail": "x" * 9000}, {"more": 1}, {"stack": "yes"}, {"inputs": ["00" * (2 << 20)]},
    ],
)  # fmt: skip
def test_a_finding_is_held_to_its_bounds(changed: dict[str, object]) -> None:
    fits = {"record": "found", "kind": "SIGSEGV", "inputs": ["00"], "run": 1}
    assert isinstance(read_record(json.dumps(fits).encode()), FindingRecord)
    assert read_record(json.dumps(fits | changed).encode()) is None


def test_a_line_that_is_nested_for_ever_is_no_record() -> None:
    assert read_record(b'{"record": ' + b"[" * 200_000) is None
    assert read_record(b"\xff\xfe") is None
    assert all("/" not in kind and "." not in kind for kind in KINDS)


@settings(deadline=None, max_examples=10 * SCALE)
@given(st.binary(min_size=24, max_size=24))
def test_an_arena_is_read_within_its_bounds_whatever_was_written_there(control: bytes) -> None:
    arena = Arena(64)
    arena._map[:24] = control
    assert len(arena.current) <= 65
    assert arena.runs <= 10_000_000
    assert all(len(data) <= 65 for data in arena.history())
