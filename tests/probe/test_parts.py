"""The parts that decide without a child: filters, records, scratch folders, memory, judgement, names of a crash."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import tools
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY

from loadstone.binary import read
from loadstone.core.claims import Evidence, Finding, Undecided
from loadstone.core.image import SymbolKind
from loadstone.core.observations import (
    LayerState,
    LayerStatus,
    Observation,
    ObserverStatus,
    Phase,
    ProbeOutcome,
    ProbeReport,
    Witness,
)
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.weaknesses import weakness
from loadstone.errors import InvalidName, NotFound, ProbeFailed, Unreadable
from loadstone.probe import claims, close_helpers, judgement, memory, pool, probe
from loadstone.probe.answer import CodePlace, TracedCrash
from loadstone.probe.confine_linux import filter_program
from loadstone.probe.linux import policy, proc, seccomp, syscalls
from loadstone.probe.linux.policy import CallVerdict
from loadstone.probe.linux.seccomp import ALLOW, DENY, NOTIFY, ArgumentTest, SeccompRule
from loadstone.probe.observers.notices import _shown_address
from loadstone.probe.observers.snapshot import BLANK, changes, leftovers, mask_changes, signal_name
from loadstone.probe.protocol import (
    MAX_RECORD,
    ChannelClosed,
    pack_record,
    receive_message,
    send_message,
    unpack_record,
)
from loadstone.probe.request import ProbeRequest
from loadstone.probe.scratch import Scratch, remove
from loadstone.probe.symbolise import crash_record, function_at

LIBRARIES = {case.name: case for case in (*CLEAN, *NASTY)}


def _decide(program: bytes, call: str, arguments: tuple[int, ...] = (), arch: int | None = None) -> int:
    """Run a BPF program the way the kernel does, on one system call. Source: linux/filter.h."""
    number = syscalls.NUMBERS.get(call, 10_000)
    data = struct.pack(
        "=iIQ6Q", number, syscalls.AUDIT_ARCH if arch is None else arch, 0, *arguments, *(0,) * (6 - len(arguments))
    )
    return _run(program, data)


def _run(program: bytes, data: bytes) -> int:
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator = at = 0
    for _ in range(len(code)):
        kind, yes, no, value = code[at]
        at += 1
        if kind == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif kind == 0x54:
            accumulator &= value
        elif kind == 0x05:
            at += value
        elif kind == 0x06:
            return int(value)
        else:
            met = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[kind]
            at += yes if met else no
    raise AssertionError("the program does not end")


def test_a_filter_decides_by_the_first_rule_that_matches() -> None:
    rules = [
        SeccompRule("kill", ALLOW, (ArgumentTest(0, 77),)),
        SeccompRule("kill", DENY),
        SeccompRule("mmap", NOTIFY, (ArgumentTest(2, 6, mask=6),)),
        SeccompRule("socket", ALLOW, (ArgumentTest(1, 0), ArgumentTest(1, 0, high=True))),
        SeccompRule("socket", NOTIFY),
        SeccompRule("no_such_call", DENY),
    ]
    program = seccomp.compile_filter(rules)
    assert _decide(program, "kill", (77,)) == ALLOW
    assert _decide(program, "kill", (78,)) == DENY
    assert _decide(program, "mmap", (0, 0, 7)) == NOTIFY
    assert _decide(program, "mmap", (0, 0, 3)) == ALLOW
    assert _decide(program, "socket", (0, 0)) == ALLOW
    assert _decide(program, "socket", (0, 1 << 32)) == NOTIFY
    assert _decide(program, "read") == ALLOW
    assert _decide(program, "read", arch=1) == 0x80000000


ARGUMENTS = st.tuples(*[st.one_of(st.integers(0, 64), st.integers(0, 2**64 - 1))] * 6)


@given(st.sampled_from(sorted(syscalls.NUMBERS)), ARGUMENTS, st.booleans())
def test_the_filter_and_the_observer_read_the_same_table(call: str, arguments: tuple[int, ...], isolated: bool) -> None:
    seen = _decide(filter_program(notify=True, isolated=isolated), call, arguments)
    quiet = _decide(filter_program(notify=False, isolated=isolated), call, arguments)
    word = policy.verdict(call, arguments, isolated=isolated)
    assert (
        seen == NOTIFY
        or word in (CallVerdict.FREE, CallVerdict.TRIAL, CallVerdict.ABSENT)
        or arguments[0] & 0xFFFFFFFF == os.getpid()
    )
    if word is CallVerdict.REFUSED:
        assert quiet == DENY
    if word is CallVerdict.TOLD:
        assert quiet == ALLOW


REFUSED = """
    ptrace process_vm_readv process_vm_writev process_madvise pidfd_open pidfd_getfd pidfd_send_signal kcmp bpf
    seccomp perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register setns mount umount2
    pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr
    name_to_handle_at open_by_handle_at keyctl add_key request_key mq_open mq_unlink shmget shmat semget msgget
    inotify_init inotify_add_watch fanotify_init chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
    utime utimes futimesat utimensat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr
    fremovexattr removexattrat file_setattr flock quotactl quotactl_fd swapon reboot init_module finit_module
    kexec_load iopl ioperm modify_ldt memfd_secret sync acct syslog
""".split()  # noqa: SIM905 - nobody would read a list of ninety quoted names


@pytest.mark.parametrize("call", REFUSED)
@pytest.mark.parametrize("isolated", [True, False])
def test_what_widens_a_library_s_reach_is_refused(call: str, isolated: bool) -> None:
    assert _decide(filter_program(notify=False, isolated=isolated), call, (1,)) == DENY
    assert _decide(filter_program(notify=True, isolated=isolated), call, (1,)) == NOTIFY
    assert policy.verdict(call, (1,) * 6, isolated=isolated) is CallVerdict.REFUSED


def test_a_call_of_a_newer_kernel_is_not_there() -> None:
    program = filter_program(notify=False, isolated=True)
    newer = struct.pack("=iIQ6Q", max(syscalls.NUMBERS.values()) + 1, syscalls.AUDIT_ARCH, 0, *(0,) * 6)
    assert _run(program, newer) == seccomp.deny(38)
    assert policy.verdict("system call 470", (0,) * 6, isolated=True) is CallVerdict.ABSENT
    assert _decide(program, "clone3") == seccomp.deny(38)


@given(st.binary(max_size=200))
def test_a_record_without_the_nonce_is_never_taken(packed: bytes) -> None:
    nonce = b"0123456789abcdef"
    if not packed.startswith(nonce):
        assert unpack_record(nonce, packed) is None


def test_a_record_is_one_object_of_bounded_size() -> None:
    nonce = bytes(16)
    assert unpack_record(nonce, nonce + b"[1]") is None
    assert unpack_record(nonce, nonce + b"{") is None
    assert unpack_record(nonce, nonce + b"[" * 20_000) is None
    assert unpack_record(nonce, nonce + b" " * MAX_RECORD + b"{}") is None
    assert set(unpack_record(nonce, pack_record(nonce, {"long": "x" * MAX_RECORD})) or ()) == {"cut"}


def test_messages_carry_descriptors_and_end_when_the_other_side_does() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = threading.Thread(target=send_message, args=(ours, {"name": "\udcff", "big": "x" * 500_000}, (0,)))
        worker.start()
        message, descriptors = receive_message(theirs)
        worker.join()
        assert message["name"] == "\udcff"
        for descriptor in descriptors:
            os.close(descriptor)
        ours.close()
        with pytest.raises(ChannelClosed):
            receive_message(theirs)


@pytest.mark.parametrize("sent", [b"\x01", struct.pack("=I", 10) + b"short", struct.pack("=I", 0xFFFFFFFF)])
def test_a_message_that_breaks_off_is_an_end(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(sent)
        ours.close()
        with pytest.raises(ChannelClosed):
            receive_message(theirs)


def test_a_scratch_folder_is_removed_whatever_was_made_in_it(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").touch()
    scratch = Scratch(str(tmp_path), 0)
    assert scratch.is_pristine()
    home = Path(scratch.home)
    (home / "link").symlink_to(precious)
    (home / "locked").mkdir(mode=0)
    deep = os.open(home, os.O_RDONLY)
    for _ in range(3000):  # deeper than any path may be long, or recursion deep
        os.mkdir("d" * 50, dir_fd=deep)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    assert not scratch.is_pristine()
    assert remove(scratch.base)
    assert (precious / "kept").exists()
    assert remove(scratch.base), "what is gone needs no removal"


def test_a_scratch_folder_that_was_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    scratch = Scratch(str(tmp_path), 0)
    assert remove(scratch.base)
    target = tmp_path / "target"
    target.mkdir()
    Path(scratch.base).symlink_to(target)
    assert not scratch.is_pristine()
    assert not remove(scratch.base)
    assert target.exists()


QUESTION = memory.Question("a" * 64, "2f78", 16, False, "[]", (), 0, 10.0)


def _report(outcome: ProbeOutcome = ProbeOutcome.OK, **fields: object) -> ProbeReport:
    return ProbeReport(target="/x", outcome=outcome, phase=Phase.EXIT, **fields)  # type: ignore[arg-type]


def test_a_result_is_remembered_until_a_file_it_was_made_with_changes(tmp_path: Path) -> None:
    needed = tmp_path / "libneeded.so"
    needed.write_bytes(b"1")
    assert memory.recall(QUESTION) is None
    seen = Observation(Kind.OUTPUT, Phase.LOAD, Witness.KERNEL, "hello")
    memory.remember(QUESTION, _report(observations=(seen,)), [str(needed)])
    known = memory.recall(QUESTION)
    assert known is not None
    assert known.remembered
    assert known.observations == (seen,)
    needed.write_bytes(b"22")
    assert memory.recall(QUESTION) is None
    memory.remember(QUESTION, _report(), [str(needed)])
    memory.forget()
    assert memory.recall(QUESTION) is None


@pytest.mark.parametrize("outcome", [ProbeOutcome.NOT_RUN, ProbeOutcome.LOAD_ERROR, ProbeOutcome.DENIED])
def test_what_depends_on_the_moment_is_not_remembered(outcome: ProbeOutcome) -> None:
    memory.remember(QUESTION, _report(outcome), [])
    assert memory.recall(QUESTION) is None


def test_a_memory_that_cannot_be_trusted_or_kept_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    memory.remember(QUESTION, _report(), [])
    folder = Path(os.environ["XDG_CACHE_HOME"], "loadstone", "probe")
    (kept,) = folder.iterdir()
    kept.write_bytes(b"{")
    assert memory.recall(QUESTION) is None
    memory.remember(QUESTION, _report(), [])
    folder.chmod(0o777)
    assert memory.recall(QUESTION) is None
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    memory.remember(QUESTION, _report(), [])
    assert memory.recall(QUESTION) is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    memory.remember(QUESTION, ProbeReport(target="/\udcff", outcome=ProbeOutcome.OK, phase=Phase.EXIT), [])
    assert memory.recall(QUESTION) is None
    memory.remember(QUESTION, _report(), ["/not/there"])
    assert memory.recall(QUESTION) is None


def test_a_remembered_result_is_given_until_fresh_is_asked_for(build: Build) -> None:
    library = build(LIBRARIES["empty"])
    assert not probe(library).remembered
    assert probe(library).remembered
    assert not probe(library, fresh=True).remembered


def test_every_kind_of_observation_has_a_meaning_and_every_meaning_a_weakness_we_know() -> None:
    assert set(Kind) == set(judgement._MEANINGS) | judgement._TOLD_BY_OUTCOME
    for meaning in judgement._MEANINGS.values():
        if meaning.cwe is not None:
            assert weakness(meaning.cwe).number == meaning.cwe


def test_nothing_is_praised_that_was_not_watched() -> None:
    blind = _report(observers=(ObserverStatus("notification", LayerState.UNAVAILABLE, "forbidden"),))
    told = claims(blind)
    assert [type(c) for c in told] == [Evidence, Undecided, Undecided]
    watched = _report(
        observers=tuple(ObserverStatus(name, LayerState.ACTIVE) for name in ("notification", "maps")),
        layers=(LayerStatus("landlock", LayerState.ACTIVE),),
    )
    assert [type(c) for c in claims(watched)] == [Evidence, Evidence, Evidence]


@pytest.mark.parametrize("outcome", ProbeOutcome)
def test_every_outcome_gets_its_claim(outcome: ProbeOutcome) -> None:
    report = ProbeReport(target="/x", outcome=outcome, phase=Phase.LOAD)
    first = claims(report)[0]
    assert first.rule == "probe-comes-through"
    if outcome in (ProbeOutcome.NOT_RUN, ProbeOutcome.DENIED):
        assert isinstance(first, Undecided)
    elif not report.came_through:
        assert isinstance(first, Finding)
        assert first.blocking


def test_a_hang_of_threads_is_a_dead_lock_candidate() -> None:
    report = ProbeReport(target="/x", outcome=ProbeOutcome.HANG, phase=Phase.THREADS)
    (first, *_) = claims(report)
    assert isinstance(first, Finding)
    assert (first.cwe, first.blocking) == (833, False)


def test_changes_between_two_looks_are_told_once_each() -> None:
    status = proc.ProcessStatus(3, 0o22, 1 << 9, 0, 1 << 14, 1, 0)
    after = BLANK._replace(
        status=status,
        directory="/etc",
        environment={b"A": b"1"},
        descriptors={7: "pipe:[1]"},
        writable_code=frozenset({"x"}),
    )
    told = dict(changes(BLANK._replace(environment={b"B": b"2"}, descriptors={3: "/dev/null"}), after))
    assert told[Kind.CWD_CHANGED] == "the current directory became /etc"
    assert told[Kind.SIGNAL_HANDLER] == "a handler for SIGTERM was installed"
    assert dict(mask_changes(BLANK, after, BLANK)) == {Kind.SIGNAL_MASK: "SIGUSR1 is blocked"}
    assert dict(mask_changes(after, BLANK, after)) == {Kind.SIGNAL_MASK: "SIGUSR1 is no longer blocked"}
    assert not dict(mask_changes(after, BLANK, BLANK)), "as it was before the library came"
    assert told[Kind.DESCRIPTOR_CLOSED].startswith("descriptor 3 (/dev/null)")
    assert set(dict(changes(after, BLANK))) >= {Kind.SIGNAL_HANDLER, Kind.CWD_CHANGED}
    assert dict(leftovers(BLANK, after, "later"))[Kind.THREAD_LEFT] == "3 more threads later than before"
    assert not list(changes(after, after))


def test_addresses_and_signals_are_shown_as_people_write_them() -> None:
    assert _shown_address(b"\x02\x00\x00\x50\x7f\x00\x00\x01") == "127.0.0.1 port 80"
    assert _shown_address(struct.pack("=H", 10) + b"\x00\x50" + bytes(4) + bytes(15) + b"\x01") == "::1 port 80"
    assert _shown_address(b"\x01\x00/run/x\0") == "unix socket '/run/x'"
    assert _shown_address(b"") == "address of AF_UNSPEC"
    assert _shown_address(b"\x63\x00") == "address of family 99"
    assert signal_name(64) in ("SIGRTMAX", "signal 64")
    assert signal_name(99) == "signal 99"


def test_a_crash_is_named_by_the_symbols_of_its_file(build: Build) -> None:
    library = build(LIBRARIES["many_exports"])
    image = read(library)
    (symbol,) = image.symbols.named("export_7")
    assert function_at(image.symbols, symbol.value + 1) == ("export_7", SymbolKind.FUNCTION)
    assert function_at(image.symbols, 0) is None
    frames = [
        CodePlace(1, str(library), symbol.value, likely=False),
        CodePlace(2, str(library), symbol.value + symbol.size, likely=False),
        CodePlace(3, "[vdso]", 4, likely=True),
        CodePlace(4, "", 0, likely=True),
    ]
    crash = TracedCrash(11, Phase.LOAD, 1, 0, "null page", tuple(frames))
    record = crash_record(crash, "subject")
    assert [frame.symbol for frame in record.frames] == ["export_7", "export_7", "", ""]
    assert str(record.frames[3]) == "0x4 (unmapped)"
    assert str(record.frames[0]).endswith(f"+{symbol.value:#x} (export_7)")
    assert crash_record(replace(crash, signal=99), "").name == "signal 99"


def test_required_layers_that_are_not_there_mean_that_nothing_runs(build: Build) -> None:
    report = probe(build(LIBRARIES["aborts"]), require=("landlock", "moat"))
    assert (report.outcome, report.phase) == (ProbeOutcome.NOT_RUN, Phase.SETUP)
    assert "moat" in report.observations[0].detail


@pytest.mark.parametrize(
    ("content", "outcome"),
    [(b"", ProbeOutcome.LOAD_ERROR), (b"no library", ProbeOutcome.LOAD_ERROR)],
)
def test_what_is_no_library_is_refused_by_the_loader_in_its_own_words(
    content: bytes, outcome: ProbeOutcome, open_folder: Path
) -> None:
    file = open_folder / "text.so"
    file.write_bytes(content)
    report = probe(file, fresh=True)
    assert report.outcome is outcome
    assert report.seen(Kind.LOAD_ERROR)


def test_a_library_of_another_class_is_not_run(open_folder: Path) -> None:
    source = open_folder / "other.c"
    source.write_text("int x;")
    library = open_folder / "libother.so"
    subprocess.run([tools.needed("gcc"), "-m32", "-shared", "-nostdlib", "-o", library, source], check=True)
    report = probe(library)
    assert report.outcome is ProbeOutcome.NOT_RUN
    assert "wrong class" in report.observations[0].detail


def test_what_cannot_be_opened_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        probe(tmp_path / "missing.so")
    with pytest.raises(Unreadable, match="it is a directory"):
        probe(tmp_path)
    with pytest.raises(NotFound):
        probe("no-such-library-anywhere")
    with pytest.raises(InvalidName):
        probe("a\0b")


def test_a_file_only_its_owner_may_enter_is_loaded_by_descriptor(build: Build, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    library = hidden / "libempty.so"
    library.write_bytes(build(LIBRARIES["empty"]).read_bytes())
    report = probe(library)
    assert report.outcome is ProbeOutcome.OK
    if os.geteuid() == 0:
        (link_map,) = [o for o in report.observers if o.name == "link map"]
        assert link_map.reason.startswith("loaded as /proc/self/fd/")


def test_an_interpreter_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch, build: Build) -> None:
    library = build(LIBRARIES["empty"])
    close_helpers()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProbeFailed, match="did not start"):
        probe(library, fresh=True)
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(ProbeFailed, match="does not know its own program"):
        probe(library, fresh=True)


def _kill_and_wait(helper: pool.Helper) -> None:
    signal.pidfd_send_signal(helper.process, signal.SIGKILL)
    select.select([helper.process], [], [])


def test_an_idle_helper_that_is_killed_is_replaced(build: Build) -> None:
    library = build(LIBRARIES["empty"])
    close_helpers()
    probe(library, fresh=True)
    assert pool._idle
    for helper in pool._idle:
        _kill_and_wait(helper)
    assert probe(library, fresh=True).outcome is ProbeOutcome.OK


def test_a_helper_that_is_killed_at_work_is_told_as_lost(build: Build) -> None:
    library = build(LIBRARIES["empty"])
    helper = pool.Helper.start()

    def ask(file: int) -> None:
        helper.begin(
            ProbeRequest(script="full", path="", timeout=20, deadline=0, home=""), file
        )  # its warden may hold the socket open a moment longer
        helper.finish()

    _kill_and_wait(helper)
    with closing(helper), library.open("rb") as file, pytest.raises(ProbeFailed, match="was lost"):
        ask(file.fileno())


@pytest.mark.parametrize("said", [[], {}, {"answer": {"outcome": "ok"}, "failure": "", "error": 0}, {"failed": "x"}])
def test_a_helper_that_answers_something_else_is_told_as_lost(said: object) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_message(theirs, said)
        with pytest.raises(ProbeFailed, match="was lost: HelperReply"):
            pool.Helper(ours, -1, 0).finish()


def test_a_library_with_a_sanitizer_in_it_can_be_probed(open_folder: Path) -> None:
    source, library = open_folder / "checked.c", open_folder / "libchecked.so"
    source.write_text("int at(int *p, int i) { return p[i]; }")
    tools.needed("gcc -fsanitize=address")
    subprocess.run(["gcc", "-fsanitize=address", "-shared", "-fPIC", "-o", library, source], check=True)
    report = probe(library, timeout=60)
    assert report.outcome is ProbeOutcome.OK, report
    assert any(layer.name == "limits" and layer.state is LayerState.DEGRADED for layer in report.layers)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can read what its confined self cannot")
def test_what_the_sandbox_makes_fail_is_no_fault_of_the_library(build: Build, open_folder: Path) -> None:
    library = open_folder / "libours_alone.so"
    library.write_bytes(build(LIBRARIES["empty"]).read_bytes())
    library.chmod(0o600)
    report = probe(library)
    assert report.outcome is ProbeOutcome.DENIED
    assert isinstance(claims(report)[0], Undecided)


def test_many_threads_probe_at_once(build: Build) -> None:
    wanted = [LIBRARIES[name] for name in ("empty", "aborts", "exits_0", "talks")]
    libraries = [build(case) for case in wanted]
    outcomes: dict[int, ProbeOutcome] = {}

    def work(index: int) -> None:
        outcomes[index] = probe(libraries[index], fresh=True, timeout=60).outcome

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(libraries))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [outcomes[i] for i in range(len(wanted))] == [case.outcome for case in wanted]


def test_a_thread_that_ends_is_no_thread_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was joined, and the system lists it still: PF_EXITING among its flags (proc(5), stat)."""
    lines = {"7": "7 (a) b) S 1 7 7 0 -1 4194560", "8": "8 (c) Z 1 7 7 0 -1 4194628", "9": "9 (d) R 1 7 7 0 -1 4194564"}
    monkeypatch.setattr(os, "listdir", lambda _folder: list(lines))
    monkeypatch.setattr(proc, "_read", lambda path: f"{lines[path.split('/')[4]]} 0 0 0 0 3 4 0 0".encode())
    assert proc.threads(7) == {7: proc.Thread("S", 7)}
