"""Limits that hold for a library and all that it starts, together."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import Case
from tests.probe.test_places import _reports

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe import probe
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
    for (i = 0; i < 200; i++) { int f = memfd_create("x", 0); if (f < 0) break; write(f, page, sizeof page); close(f); }
    if (i == 200) abort(); }
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
        assert any(o.kind is Kind.FORBIDDEN_CALL and "in memory" in o.detail for o in report.observations)


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
