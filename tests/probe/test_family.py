"""Limits that hold for a library and all that it starts, together."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import Case
from tests.probe.test_places import _reports

from loadstone.core.claims import Finding, Severity
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe import probe
from loadstone.probe.judgement import claims
from loadstone.probe.offspring import FAMILY_MEMORY
from loadstone.probe.scratch import size_of
from loadstone.probe.tree import SCRATCH_LIMIT

MANY = """
START { for (int i = 0; i < 5; i++)
    if (!fork()) { char *p = malloc(250 << 20); memset(p, 1, 250 << 20); sleep(60); _exit(0); }
    sleep(60); }
"""
MEMORY_FILES = """
#include <sys/mman.h>
START { static char page[4096]; int i;
    for (i = 0; i < 200; i++) { int f = memfd_create("x", 0); if (f < 0) break; write(f, page, sizeof page); }
    if (i == 200) abort(); }
"""
SHARED = """
#include <sys/mman.h>
START { size_t size = 128 << 20;
    for (int i = 0; i < 20; i++) {
        char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return;
        madvise(p, size, MADV_DONTNEED); }
    abort(); }
"""
GIVEN_BACK = """
#include <sys/mman.h>
START { size_t size = 16 << 20; close(memfd_create("x", 0));
    void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) abort();
    munmap(p, size); }
"""
TABLES = """
#include <sys/mman.h>
START { size_t size = 1UL << 40;
    volatile char *p = mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), c;
    if (p == MAP_FAILED) return;
    for (size_t at = 0; at < size; at += 2 << 20) c = p[at];
    sleep(30); }
"""
WRITES = """
#include <fcntl.h>
START { char *b = calloc(1, 15 << 20), n[32];
    for (int i = 0; i < 10; i++) { sprintf(n, "f%d", i); int f = open(n, O_CREAT | O_WRONLY, 0600);
        if (write(f, b, 15 << 20) < 15 << 20) _exit(7);
        close(f); }
    sleep(2); }
"""


def _case(name: str, source: str) -> Case:
    return Case(name, source, Outcome.OK, Phase.EXIT)


@pytest.mark.slow
def test_memory_is_limited_for_all_processes_together(build: Build) -> None:
    assert FAMILY_MEMORY < 5 * (250 << 20)
    report = probe(build(_case("many", MANY)), cycles=1, timeout=40, fresh=True)
    assert report.outcome is Outcome.MEMORY_LIMIT


def test_files_in_memory_are_counted_where_they_are_told(build: Build) -> None:
    report = probe(build(_case("memory_files", MEMORY_FILES)), cycles=1, timeout=20, fresh=True)
    if not any(o.name == "notification" and o.state == "active" for o in report.observers):
        assert report.outcome is Outcome.CRASH
    else:
        assert report.outcome is Outcome.OK
        assert any(o.kind is Kind.MEMORY_REFUSED and "in memory" in o.detail for o in report.observations)


def test_memory_that_was_shared_and_let_go_of_is_counted(build: Build) -> None:
    report = probe(build(_case("shared", SHARED)), cycles=1, timeout=20, fresh=True)
    assert report.outcome is Outcome.OK
    if any(o.name == "notification" and o.state == "active" for o in report.observers):
        assert any(o.kind is Kind.MEMORY_REFUSED and "to share" in o.detail for o in report.observations)


def test_where_nobody_counts_there_are_neither(build: Build) -> None:
    memory_files = build(_case("memory_files", MEMORY_FILES))
    shared = build(_case("shared", SHARED))
    for report in _reports([memory_files, shared], "notification"):
        assert report["outcome"] == "ok", report


def test_what_was_given_back_is_not_counted(build: Build) -> None:
    """Each load takes 32 MiB and gives it back: 80 of them would be too much together."""
    report = probe(build(_case("given_back", GIVEN_BACK)), cycles=80, timeout=40, fresh=True)
    assert report.outcome is Outcome.OK
    assert not any(o.kind is Kind.MEMORY_REFUSED for o in report.observations)


@pytest.mark.slow
def test_page_tables_are_memory(build: Build) -> None:
    report = probe(build(_case("tables", TABLES)), cycles=1, timeout=40, fresh=True)
    assert report.outcome is Outcome.MEMORY_LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["", "mounts"])
def test_the_scratch_folder_is_limited_by_its_size_or_by_count(missing: str, build: Build) -> None:
    assert SCRATCH_LIMIT < 150 << 20
    (report,) = _reports([build(_case("fills", WRITES))], missing)
    stands = report["layers"]["mounts"].startswith("active")
    assert report["outcome"] == ("exited" if stands else "output_limit")
    counted = "by the size of its file system" if stands else "by the helper's count"
    assert counted in report["layers"]["limits"]


def test_the_size_of_a_folder_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(bytes(1 << 20))
    (tmp_path / "round").symlink_to(tmp_path)
    assert 1 << 20 <= size_of(str(tmp_path)) < 2 << 20


@pytest.mark.parametrize(
    "source",
    [
        "START { if (!fork()) _exit(3); wait(0); }",  # how a process that it started ends
        """
        #include <setjmp.h>
        static sigjmp_buf back; static void known(int number) { siglongjmp(back, 1); }
        START { struct sigaction asks = {.sa_handler = known}, before; sigaction(SIGILL, &asks, &before);
            if (!sigsetjmp(back, 1)) __asm__ volatile("ud2"); sigaction(SIGILL, &before, 0); }
        """,  # whether the processor knows an instruction
    ],
    ids=["child_ends", "processor_is_asked"],
)
def test_what_correct_libraries_do_is_not_told_as_high(source: str, build: Build) -> None:
    report = probe(build(_case("correct", source)), cycles=1, fresh=True)
    assert report.outcome is Outcome.OK
    assert not [c for c in claims(report) if isinstance(c, Finding) and c.severity.rank >= Severity.HIGH.rank]
