"""What a running process has loaded, against the process itself; core dumps made by hand and by the kernel's rules."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.linker.workshop import Workshop

from loadstone.errors import MalformedImage, Unreadable
from loadstone.linker import explain
from loadstone.linker.cores import loaded_in_core
from loadstone.linker.process_number import process_number
from loadstone.linker.processes import MappedState, loaded_by, model_of_process, parse_maps
from loadstone.linker.surveys import is_survey_target
from loadstone.report.documents.loaded import loaded_document
from loadstone.report.json import render as render_json
from loadstone.report.text.loaded import render
from loadstone.report.text.style import Style

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is read")

OPENS = """
import ctypes, sys
for path in sys.argv[1:]:
    ctypes.CDLL(path)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process(workshop: Workshop) -> Iterator[tuple[subprocess.Popen[str], Workshop]]:
    """An interpreter that has opened two libraries and waits."""
    workshop.library("libone.so", "int one(void) { return 1; }", soname="libshared.so")
    workshop.library("libdep.so", "int two(void) { return 2; }")
    user = "extern int two(void); int f(void) { return two(); }"
    workshop.library("libuser.so", user, needs=["libdep.so"], runpath="$ORIGIN")
    shutil.copy(workshop.path("libone.so"), workshop.path("libcopy.so"))
    paths = [workshop.path(n) for n in ("libone.so", "libuser.so", "libcopy.so")]
    command = [sys.executable, "-c", OPENS, *paths]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child, workshop
        child.kill()


def test_each_library_has_the_rule_by_which_it_came(process: tuple[subprocess.Popen[str], Workshop]) -> None:
    child, workshop = process
    report = loaded_by(child.pid)
    found = {file.path: file for file in report.files}
    assert report.files[0].rule == "program"
    assert report.program == os.path.realpath(sys.executable)
    assert found[workshop.path("libuser.so")].rule == "opened by the program"
    assert (found[workshop.path("libdep.so")].rule, found[workshop.path("libdep.so")].asked_by) == (
        "runpath",
        workshop.path("libuser.so"),
    )
    assert any(file.rule == "cache" for file in report.files)
    mapped = {line.split()[-1] for line in Path(f"/proc/{child.pid}/maps").read_text().splitlines() if ".so" in line}
    assert mapped <= set(found)


def test_what_is_to_mind_is_said(process: tuple[subprocess.Popen[str], Workshop]) -> None:
    child, workshop = process
    os.remove(workshop.path("libdep.so"))
    fresh = Path(workshop.path("fresh"))
    shutil.copy(workshop.path("libuser.so"), fresh)
    fresh.rename(workshop.path("libuser.so"))
    report = loaded_by(child.pid)
    states = {file.path: set(file.states) for file in report.files}
    assert states[workshop.path("libone.so")] == states[workshop.path("libcopy.so")] == {MappedState.COPY}
    if os.geteuid() == 0:  # others may not look behind a mapping
        assert states[workshop.path("libdep.so")] == {MappedState.DELETED}
        assert states[workshop.path("libuser.so")] == {MappedState.REPLACED}
    text = render(report, Style())
    assert "second copy" in text
    assert '"schema": "loadstone.loaded/1"' in render_json(loaded_document(report))


def test_a_question_can_be_put_for_that_process(process: tuple[subprocess.Popen[str], Workshop]) -> None:
    child, workshop = process
    model = model_of_process(child.pid)
    assert model.cwd == os.getcwd()
    assert dict(model.env).get("PATH") == os.environ.get("PATH")
    assert set(model.already_loaded) >= {workshop.path("libone.so"), workshop.path("libuser.so")}
    needs = workshop.library("late.so", "", needs=["libdep.so"])
    answer = explain(needs, model=model)  # no rule leads to it, and it is loaded
    assert answer.first_blocking is None
    assert any(edge.how == "loaded-name" for edge in answer.graph.edges)


def test_no_such_process_is_said() -> None:
    with pytest.raises(Unreadable, match="there is no such process"):
        loaded_by((1 << 22) + 1)


def test_a_process_that_has_ended_is_no_question_of_rights() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays as it is: a zombie
        with pytest.raises(Unreadable, match="a zombie") as refused:
            loaded_by(child.pid)
        assert refused.value.advice == ""


WAITS = '#include <unistd.h>\nint main(void) { char c; write(1, "r", 1); read(0, &c, 1); return 0; }'


@contextmanager
def waiting(command: list[str]) -> Iterator[int]:
    """A process that has said a letter and waits for the end of its input."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"r"
        yield child.pid
        child.kill()


def test_code_that_came_from_memory_was_never_a_file_that_went(workshop: Workshop) -> None:
    path = workshop.library("libone.so", "int one(void) { return 1; }")
    source = (
        "import ctypes, os, sys; f = os.memfd_create('code'); os.write(f, open(sys.argv[1], 'rb').read());"
        " ctypes.CDLL(f'/proc/self/fd/{f}'); print('r', flush=True); sys.stdin.read()"
    )
    with waiting([sys.executable, "-c", source, path]) as pid:
        found = {file.path: file.states for file in loaded_by(pid).files}
    if os.geteuid() == 0:  # others may not look behind a mapping
        assert found["/memfd:code"] == (MappedState.UNNAMED,)


def test_the_libraries_of_a_program_of_musl_have_their_rules(workshop: Workshop) -> None:
    workshop.library("libone.so", "int one(void) { return 1; }")
    needs = ["libone.so"]
    program = workshop.program("app", WAITS, compiler="musl-gcc", needs=needs, rpath=str(workshop.folder))
    with waiting([program]) as pid:
        rules = {os.path.basename(file.path): file.rule for file in loaded_by(pid).files}
    assert rules.pop("app") == "program"
    assert rules.pop("libone.so") == "rpath"
    assert set(rules.values()) == {"loader"}


def test_a_static_program_of_glibc_opens_what_the_loader_of_its_system_would_find(workshop: Workshop) -> None:
    program = workshop.program("app", WAITS, "-static")
    with waiting([program]) as pid:
        model = model_of_process(pid)
        assert explain("libm.so.6", model=model).first_blocking is None
        assert [file.rule for file in loaded_by(pid).files] == ["program"]


def test_maps_are_read_as_they_are_written() -> None:
    text = (
        "55d0-55d1 r-xp 00000000 08:01 12 /bin/a b (deleted)\n"
        "55d1-55d2 rwxp 00001000 08:01 12 /bin/a b (deleted)\n"
        "7ffc-7ffd rwxp 00000000 00:00 0 [stack]\nrubbish\n"
    )
    (only,), executable_stack = parse_maps(text)
    assert (only.path, only.address, only.is_deleted, only.permissions) == ("/bin/a b", 0x55D0, True, {"r-xp", "rwxp"})
    assert executable_stack


def core_of(entries: list[tuple[int, str]], pages: dict[int, bytes], *, wide: bool = True) -> bytes:
    """A core dump that maps these files, with these pages."""
    word = "Q" if wide else "I"
    names = b"".join(path.encode() + b"\0" for _, path in entries)
    content = struct.pack(f"<2{word}", len(entries), 4096)
    content += b"".join(struct.pack(f"<3{word}", at, at + 4096, 0) for at, _ in entries) + names
    note = struct.pack("<III", 5, len(content), 0x46494C45) + b"CORE\0\0\0\0" + content + bytes(-len(content) % 4)
    heads = [(4, len(note), 0)] + [(1, len(data), at) for at, data in pages.items()]
    first, row = (64, 56) if wide else (52, 32)
    header = b"\x7fELF" + bytes([2 if wide else 1]) + b"\1\1" + bytes(9)
    header += struct.pack(
        f"<HHI3{word}IHHHHHH", 4, 62 if wide else 3, 1, 0, first, 0, 0, first, row, len(heads), 0, 0, 0
    )
    offset, table, body = first + row * len(heads), b"", b""
    for (kind, size, at), data in zip(heads, (note, *pages.values()), strict=True):
        flags = [4] if wide else []
        place = (offset + len(body), at, 0, size, size)
        table += struct.pack(f"<I{'I' * len(flags)}5{word}", kind, *flags, *place)
        table += struct.pack(f"<{'' if flags else 'I'}{word}", *([] if flags else [4]), 1)
        body += data
    return header + table + body


@pytest.mark.parametrize("wide", [True, False])
def test_a_core_dump_tells_what_is_missing_or_another_build(workshop: Workshop, tmp_path: Path, wide: bool) -> None:
    how = () if wide else ("-m32", "-nostdlib")
    same = workshop.library("same.so", "", "-Wl,--build-id=0x1111", *how)
    other = workshop.library("other.so", "", "-Wl,--build-id=0x2222", *how)
    dumped = workshop.library("dumped.so", "", "-Wl,--build-id=0x3333", *how)
    entries = [(0x1000000, same), (0x2000000, other), (0x3000000, "/gone/lib.so")]
    pages = {
        0x1000000: Path(same).read_bytes()[:4096],
        0x2000000: Path(dumped).read_bytes()[:4096],
        0x3000000: Path(same).read_bytes()[:4096],
    }
    core = tmp_path / "core"
    core.write_bytes(core_of(entries, pages, wide=wide))
    report = loaded_in_core(str(core))
    assert [(f.path, f.states) for f in report.files] == [
        (same, ()),
        (other, (MappedState.OTHER_BUILD,)),
        ("/gone/lib.so", (MappedState.MISSING,)),
    ]
    assert report.program == same
    with pytest.raises(MalformedImage):
        loaded_in_core(same)
    for cut in range(64, len(core.read_bytes()), 97):
        core.write_bytes(core_of(entries, pages, wide=wide)[:cut])
        try:
            loaded_in_core(str(core))
        except MalformedImage:
            continue


def test_a_thread_is_asked_about_as_its_process_is() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        number = thread.native_id
        path = f"/proc/{os.getpid()}/task/{number}"
        assert process_number(path) == number
        model = model_of_process(number or 0)
        assert model.main_image == os.path.realpath(sys.executable)
        assert f"{number} is a thread of the process {os.getpid()}" in "; ".join(model.assumptions)
        for spelled in (path, "/proc/self"):
            found = explain(spelled).first_blocking
            assert found is not None
            assert found.code == "process"
            assert not is_survey_target(spelled)
    finally:
        done.set()
        thread.join()


def test_a_process_that_ends_while_it_is_read_is_said_to_have_ended(
    process: tuple[subprocess.Popen[str], Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    child, _ = process

    def ends(text: str) -> object:
        child.kill()
        child.wait()
        return parse_maps(text)

    monkeypatch.setattr("loadstone.linker.processes.parse_maps", ends)
    with pytest.raises(Unreadable, match="the process ended"):
        loaded_by(child.pid)
    with pytest.raises(Unreadable, match="there is no such process"):
        model_of_process(child.pid)
