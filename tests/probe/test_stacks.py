"""Where code was when it crashed or hung, and what came with it: from outside, with names."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY, Case

from loadstone.binary import read
from loadstone.binary.elf import link_symbols
from loadstone.core.claims import Finding
from loadstone.core.observations import LayerState, Phase, ProbeOutcome, ProbeReport, StackFrame, ThreadStack
from loadstone.probe import claims, probe
from loadstone.probe.linux import proc
from loadstone.probe.linux.proc import Waiting
from loadstone.probe.linux.syscalls import NUMBERS
from loadstone.probe.observers import hangs, linkmap
from loadstone.report.text.probe import render
from loadstone.report.text.style import Style

LIBRARIES = {case.name: case for case in (*CLEAN, *NASTY)}
DEADLOCK = """
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_hold_one;
static void take(pthread_mutex_t *m) { pthread_mutex_lock(m); }
static void *other_way_round(void *unused) { take(&b); pthread_barrier_wait(&both_hold_one); take(&a); return 0; }
START { pthread_t t; pthread_barrier_init(&both_hold_one, 0, 2); pthread_create(&t, 0, other_way_round, 0);
        take(&a); pthread_barrier_wait(&both_hold_one); take(&b); }
"""
CRASH = "static void deep_inside(int n) { if (n) deep_inside(n - 1); *(volatile int *)8; } START { deep_inside(1); }"
FRAMES = ("-O0", "-fno-omit-frame-pointer")


def _is_active(report: ProbeReport, name: str) -> bool:
    return any(o.name == name and o.state is LayerState.ACTIVE for o in report.observers)


def _functions(frames: tuple[StackFrame, ...], library: Path) -> list[str]:
    return [frame.symbol for frame in frames if frame.library == str(library)]


def test_every_thread_of_a_deadlock_is_told_with_its_stack(build: Build) -> None:
    library = build(Case("deadlock_of_two", DEADLOCK, ProbeOutcome.HANG, Phase.LOAD, flags=FRAMES))
    report = probe(library, timeout=3.0)
    assert report.outcome is ProbeOutcome.HANG
    main, other = report.stacks
    assert (main.main, other.main) == (True, False)
    if _is_active(report, "hang stacks"):
        assert main.does == other.does == "waits for a lock or another thread (futex)"
        assert _functions(main.frames, library)[:2] == ["take", "start"]
        assert main.frames[-1].library == str(library), "what called into it is the probe's own"
        assert _functions(other.frames, library)[:2] == ["take", "other_way_round"]
    (against,) = [c for c in claims(report) if isinstance(c, Finding) and c.rule == "probe-comes-through"]
    assert "its main thread waits for a lock" in against.message
    assert not _is_active(report, "hang stacks") or "(take)" in against.message
    text = render(report, Style())
    assert "Main thread: waits" in text
    assert "Thread 2 (" in text


def test_a_thread_that_runs_is_stopped_to_be_seen(build: Build) -> None:
    report = probe(build(LIBRARIES["spins"]), timeout=2.0)
    (main,) = report.stacks
    assert main.does == "runs"
    if _is_active(report, "hang stacks"):
        assert main.frames[0].symbol == "start"


def test_the_thread_that_waits_in_the_library_is_the_one_a_claim_tells_of() -> None:
    ours = ThreadStack(
        True, "python3", "waits for a lock or another thread (futex)", (StackFrame(1, "/usr/bin/python3", 1),)
    )
    theirs = ThreadStack(False, "python3", "runs", (StackFrame(1, "/lib/libx.so.1.2", 1, "spin"),))
    report = ProbeReport(target="/lib/libx.so.1", outcome=ProbeOutcome.HANG, phase=Phase.THREADS, stacks=(ours, theirs))
    (claim,) = claims(report)
    assert claim.message.endswith("threads: a thread runs below /lib/libx.so.1.2+0x1 (spin)")
    (claim,) = claims(replace(report, stacks=(ours,)))
    assert claim.message.endswith("threads: its main thread waits for a lock or another thread (futex)")


def test_nothing_but_a_hang_has_stacks(build: Build) -> None:
    assert probe(build(LIBRARIES["aborts"])).stacks == ()


@contextmanager
def _waiting_process(code: str) -> Iterator[int]:
    command = [sys.executable, "-I", "-S", "-c", f"import os, sys; os.write(1, b'here'); {code}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(4)
        yield child.pid
        child.kill()


def test_without_a_tracer_the_kernel_tells_where_a_sleeping_thread_waits() -> None:
    with _waiting_process("os.read(0, 1)") as process:
        while proc.threads(process)[process].state != "S":
            os.sched_yield()
        (told,) = hangs.look(process, traced=False)
    assert told.main
    assert told.does == "waits for something to read (read)"
    assert "libc" in told.frames[0].path or "ld-musl" in told.frames[0].path


@pytest.mark.parametrize(
    ("state", "waiting", "words"),
    [
        ("T", None, "is stopped by a signal"),
        ("R", None, "runs"),
        ("S", None, "waits"),
        ("S", Waiting(-1, 0, 0), "waits"),
        ("S", Waiting(NUMBERS["futex"], 0, 0), "waits for a lock or another thread (futex)"),
        ("D", Waiting(NUMBERS["openat"], 0, 0), "waits in openat"),
        ("S", Waiting(9999, 0, 0), "waits in system call 9999"),
    ],
)
def test_what_a_thread_does_is_said_in_words(state: str, waiting: Waiting | None, words: str) -> None:
    assert hangs._does(state, waiting) == words


def test_stacks_are_shown_escaped() -> None:
    stack = ThreadStack(False, "\x1b[2J", "runs", (StackFrame(1, "/x\x1b.so", 1, "f"),))
    report = ProbeReport(target="x.so", outcome=ProbeOutcome.HANG, phase=Phase.LOAD, stacks=(stack,))
    assert "\x1b" not in render(report, Style())


def test_a_function_that_is_not_exported_has_its_name(build: Build) -> None:
    report = probe(build(Case("deep_crash", CRASH, ProbeOutcome.CRASH, Phase.LOAD, flags=FRAMES)))
    if _is_active(report, "crash stop"):
        assert report.crash is not None
        assert [frame.symbol for frame in report.crash.frames[:3]] == ["deep_inside", "deep_inside", "start"]


def test_names_that_were_stripped_are_found_in_the_twin_for_debuggers(
    build: Build, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = (*FRAMES, "-Wl,--build-id=0xabcdef0123456789")
    whole = build(Case("stripped_crash", CRASH, ProbeOutcome.CRASH, Phase.LOAD, flags=flags))
    twins = open_folder / "twins" / "ab"
    twins.mkdir(parents=True)
    library, twin = whole.with_name("libstripped.so"), twins / "cdef0123456789.debug"
    subprocess.run([needed("objcopy"), "--only-keep-debug", whole, twin], check=True)
    subprocess.run([needed("strip"), "-o", library, whole], check=True)
    assert not link_symbols.read_link_symbols(library)
    monkeypatch.setattr(link_symbols, "_TWINS", str(twins.parent))
    report = probe(library)
    if _is_active(report, "crash stop"):
        assert report.crash is not None
        assert [frame.symbol for frame in report.crash.frames[:3]] == ["deep_inside", "deep_inside", "start"]


def test_what_came_with_a_library_is_told_in_the_order_of_the_loader(build: Build) -> None:
    source = 'START { dlmopen(LM_ID_NEWLM, "libutil.so.1", RTLD_NOW); }'
    library = build(Case("own_namespace", source, ProbeOutcome.OK, Phase.EXIT))
    report = probe(library)
    assert report.objects[0].path == str(library)
    assert report.objects[0].base > 0
    if tuple(map(int, platform.libc_ver()[1].split("."))) >= (2, 35):  # since then the list leads to other namespaces
        assert {o.namespace for o in report.objects} == {0, 1}
    assert "Loaded with it" in render(report, Style(), verbose=1)
    assert "Loaded with it" not in render(report, Style())


def test_the_list_of_this_process_names_what_is_mapped() -> None:
    mappings = proc.mappings(os.getpid())
    objects = linkmap.listed(os.getpid(), mappings)
    assert objects is not None
    assert objects[0].path == os.path.realpath("/proc/self/exe")
    known = {m.path for m in mappings}
    assert all(entry.path in known for entry in objects)


def test_a_c_library_without_a_list_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linkmap, "_LIST_AT", None)
    assert linkmap.listed(os.getpid(), []) is None


def test_a_list_that_leads_in_a_circle_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {0: (2, 100, 0, 0, 0, 0), 100: (1, 0, 0, 200), 200: (2, 0, 0, 100)}
    monkeypatch.setattr(linkmap, "_words", lambda _memory, address, _count: words[address])
    monkeypatch.setattr(linkmap, "_LIST_AT", 0)
    assert [entry.base for entry in linkmap.listed(os.getpid(), []) or ()] == [1, 2]


def test_the_symbols_of_a_library_agree_with_nm(build: Build) -> None:
    library = build(LIBRARIES["plain_c_plus_plus"])
    told = subprocess.run([needed("nm"), "--format=posix", library], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in told.splitlines()]
    expected = {(row[0], int(row[2], 16)) for row in rows if row[1] in "TtWV"}
    functions = {(s.name, s.value) for s in link_symbols.read_link_symbols(library)}
    assert expected <= functions
    assert len(functions) > len(read(library).symbols)
