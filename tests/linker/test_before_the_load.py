"""What a process has before a load: static storage, its stack, alignment by release, the program's loader."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.linker.workshop import Workshop, loads
from tests.tools import needed

from loadstone.core.claims import Confidence
from loadstone.core.trace import Explanation
from loadstone.linker import LoaderModel, explain
from loadstone.linker.discovery import with_program
from loadstone.linker.thread_storage import reserve_of

STORAGE = '__thread char {0}_area[{1}] __attribute__((tls_model("initial-exec"), aligned({2})));'
STORAGE += "char *{0}(void) {{ return {0}_area; }}"


def storage(workshop: Workshop, name: str, size: int, alignment: int = 1) -> str:
    """A library that reaches that many bytes of thread-local storage by a fixed offset."""
    return workshop.library(f"lib{name}.so", STORAGE.format(name, size, alignment), soname="")


@pytest.mark.parametrize("size", [16, 1000, 1600, 1664, 1700, 1711, 1712, 1713, 1720, 1760, 4000])
@pytest.mark.parametrize("alignment", [1, 32])
def test_one_library_fits_exactly_when_the_loader_says_so(workshop: Workshop, size: int, alignment: int) -> None:
    question = workshop.ask(Path(storage(workshop, "a", size, alignment)).name)
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert loads(answer) == truth.loads, truth.message
    if not truth.loads:
        assert answer.first_blocking is not None
        assert answer.first_blocking.loader_message == truth.message


@pytest.mark.parametrize(("first", "second"), [(1000, 1000), (800, 800), (856, 856), (857, 856), (1700, 8), (1712, 8)])
def test_what_was_opened_before_has_taken_its_part(workshop: Workshop, first: int, second: int) -> None:
    before = storage(workshop, "a", first)
    question = workshop.ask(Path(storage(workshop, "b", second)).name, already=(before,))
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert loads(answer) == truth.loads, truth.message


def test_two_dependencies_share_one_pool(workshop: Workshop) -> None:
    for name in ("a", "b"):
        workshop.library(f"lib{name}.so", STORAGE.format(name, 1000, 1))
    workshop.library("both.so", needs=["liba.so", "libb.so"], runpath="$ORIGIN")
    question = workshop.ask("both.so")
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert not truth.loads
    assert answer.first_blocking is not None
    assert answer.first_blocking.loader_message == truth.message
    assert answer.first_blocking.confidence is Confidence.LIKELY  # it rests on what else is loaded
    said = re.search(r"(\d+) are left", answer.first_blocking.explanation)
    assert said is not None
    for size in (int(said[1]), int(said[1]) + 1):
        after = workshop.ask(Path(storage(workshop, f"after{size}", size)).name, already=(workshop.path("liba.so"),))
        assert workshop.truth(after).loads == (size == int(said[1]))


def test_a_variable_of_another_library_takes_that_ones_storage(workshop: Workshop) -> None:
    workshop.library("libowner.so", "__thread char shared[1000];")
    user = 'extern __thread char shared[] __attribute__((tls_model("initial-exec"))); char *f(void) { return shared; }'
    workshop.library("libuser.so", user, needs=["libowner.so"], runpath="$ORIGIN")
    before = storage(workshop, "a", 1000)
    for already in ((), (before,)):
        question = workshop.ask("libuser.so", already=already)
        truth, answer = workshop.truth(question), workshop.answer(question)
        assert loads(answer) == truth.loads, truth.message


def test_the_tunable_that_is_advised_gives_the_room(workshop: Workshop) -> None:
    before = storage(workshop, "a", 1000)
    question = workshop.ask(Path(storage(workshop, "b", 1000)).name, already=(before,))
    found = workshop.answer(question).first_blocking
    assert found is not None
    name, _, value = found.advice.rpartition(", or set ")[2].partition("=")
    mended = replace(question, env={name: value})
    assert workshop.truth(mended).loads
    assert loads(workshop.answer(mended))
    old = explain(question.target, model=replace(workshop.model(question), release=(2, 30)))
    assert old.first_blocking is not None
    assert "TUNABLES" not in old.first_blocking.advice  # it came with 2.32


def test_the_tunables_size_the_reserve() -> None:
    def tuned(value: str, release: tuple[int, int] = (2, 36)) -> int:
        return reserve_of(LoaderModel(env=(("GLIBC_TUNABLES", value),), release=release))

    assert tuned("") == 1664
    assert tuned("glibc.rtld.optional_static_tls=0x1000") == 1152 + 4096
    assert tuned("glibc.malloc.check=1:glibc.rtld.nns=8") == 7 * 192 + 8 * 144 + 512
    assert tuned("glibc.rtld.optional_static_tls=4096", (2, 30)) == 1664  # it came with 2.31


def edit(path: str, kind: int, number: int, offset: int, form: str, value: int) -> None:
    """Change a field of the nth program header of a kind in a 64-bit little-endian file."""
    data = bytearray(Path(path).read_bytes())
    (start,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    heads = [start + 56 * i for i in range(count) if struct.unpack_from("<I", data, start + 56 * i)[0] == kind]
    struct.pack_into(form, data, heads[number] + offset, value)
    Path(path).write_bytes(data)


@pytest.mark.parametrize("power", [16, 21, 30, 45, 46, 47, 62])
def test_an_alignment_needs_address_space(workshop: Workshop, power: int) -> None:
    path = workshop.library("liba.so")
    edit(path, 1, 1, 48, "<Q", 1 << power)
    question = workshop.ask("liba.so")
    truth, answer = workshop.truth(question), workshop.answer(question)
    assert loads(answer) == truth.loads, truth.message
    if not truth.loads:
        assert answer.first_blocking is not None
        assert answer.first_blocking.loader_message == truth.message


def of_release(*release: int) -> Callable[[str], Explanation]:
    model = replace(LoaderModel.this_process(env={}), release=release, main_image=None, caller=None)
    return lambda path: explain(path, model=model)


@pytest.mark.parametrize(
    ("alignment", "words"),
    [
        (0x10000, "ELF load command address/offset not properly aligned"),
        (0x10, "ELF load command alignment not page-aligned"),
        (0x1001, "ELF load command alignment not page-aligned"),
    ],
)
def test_releases_before_2_35_hold_a_segment_to_its_alignment(workshop: Workshop, alignment: int, words: str) -> None:
    path = workshop.library("liba.so", "int data = 1;", libc=True)
    edit(path, 1, -1, 48, "<Q", alignment)
    old = of_release(2, 31)(path)
    assert old.first_blocking is not None
    assert old.first_blocking.loader_message == f"{path}: {words}"
    assert loads(of_release(2, 35)(path))


def test_larger_pages_are_a_reason_of_their_own(workshop: Workshop) -> None:
    path = workshop.library("liba.so", "int data = 1;", "-Wl,-z,max-page-size=4096", libc=True)
    model = replace(LoaderModel.this_process(env={}), page_size=65536)
    found = explain(path, model=model).first_blocking
    assert found is not None
    assert found.code == "page-size"
    assert "max-page-size=65536" in found.advice
    roomy = workshop.library("libb.so", "int data = 1;", "-Wl,-z,max-page-size=65536")
    assert loads(explain(roomy, model=replace(model, main_image=None, caller=None, interpreter="")))


def test_an_executable_stack_may_be_asked_for_where_there_is_one(workshop: Workshop) -> None:
    library = workshop.library("libx.so", "", "-Wl,-z,execstack")
    plain = workshop.program("plain")
    granted = workshop.program("granted", "int main(void){return 0;}", "-Wl,-z,execstack")
    user = workshop.program("user", needs=["libx.so"], runpath="$ORIGIN")
    newest = replace(LoaderModel.this_process(env={}), release=(2, 41), caller=None)

    def verdict(main: str, tunables: str = "") -> bool:
        env = (("GLIBC_TUNABLES", tunables),) if tunables else ()
        return loads(explain(library, model=replace(newest, main_image=main, env=env), as_library=True))

    assert not verdict(plain)
    assert verdict(granted)
    assert verdict(user)  # it is loaded already
    assert verdict(plain, "glibc.rtld.execstack=2")
    assert not verdict(plain, "glibc.rtld.execstack=1")
    assert loads(explain(user, model=newest))
    never = replace(newest, env=(("GLIBC_TUNABLES", "glibc.rtld.execstack=0"),))
    assert not loads(explain(user, model=never))
    for target, opened_by in ((granted, plain), (plain, granted)):
        ended = explain(target, model=replace(never, main_image=opened_by), as_library=target == plain).first_blocking
        assert ended is not None
        assert (ended.code, ended.subject) == ("program-exec-stack", granted)
        assert ended.loader_message == "Fatal glibc error: executable stack is not allowed"


def test_a_note_of_odd_alignment_is_not_read(workshop: Workshop) -> None:
    note = '__asm__(".section .note.ABI-tag,\\"a\\",@note\\n.balign {0}\\n.long 4,16,1\\n'
    note += '.asciz \\"GNU\\"\\n.long 0,99,0,0\\n");'
    read = workshop.library("libread.so", note.format(4), "-Wl,--build-id=none")  # the only note
    odd = workshop.library("libodd.so", note.format(4), "-Wl,--build-id=none")
    edit(odd, 4, 0, 48, "<Q", 1)
    model = replace(LoaderModel.this_process(env={}), release=(2, 31), kernel=(6, 1), main_image=None, caller=None)
    first = explain(read, model=model).first_blocking
    assert first is not None
    assert first.code == "kernel-too-old"
    assert loads(explain(odd, model=model))


def test_a_program_for_musl_means_musls_loader(workshop: Workshop) -> None:
    interpreter = needed("/lib/ld-musl-x86_64.so.1")
    program = workshop.program("host", compiler="musl-gcc")
    glibc_only = workshop.library("libg.so", "extern char *gnu_get_libc_version(void); char *f(void) { return gnu_get_libc_version(); }", libc=True)  # fmt: skip  # noqa: E501
    plain = workshop.library("libm.so", 'extern int puts(const char *); int f(void) { return puts(""); }', libc=True, compiler="musl-gcc")  # fmt: skip  # noqa: E501
    model = with_program(LoaderModel.this_process(env={}), program)
    assert model.interpreter == interpreter
    assert model.release[:2] == (1, 2)
    assert loads(explain(plain, model=model))
    found = explain(glibc_only, model=model).first_blocking
    assert found is not None
    assert found.loader_message == f"Error relocating {glibc_only}: gnu_get_libc_version: symbol not found"


def test_musl_before_1_2_4_leaves_packed_relocations_undone(workshop: Workshop) -> None:
    needed("/lib/ld-musl-x86_64.so.1")
    source = "static int a, b; int *table[] = {&a, &b, &a, &b};"
    path = workshop.library("libr.so", source, "-Wl,-z,pack-relative-relocs")
    model = with_program(LoaderModel.this_process(env={}), workshop.program("host", compiler="musl-gcc"))
    old = explain(path, model=replace(model, release=(1, 2, 3)))
    assert [d.code for d in old.diagnoses] == ["relr-ignored"]
    assert not explain(path, model=replace(model, release=(1, 2, 4))).diagnoses


def test_a_static_program_opens_nothing_unless_it_is_of_glibc(workshop: Workshop) -> None:
    source = """
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **v) { puts(dlopen(v[1], RTLD_NOW) ? "loaded" : dlerror()); return 0; }
"""
    library = workshop.library("liba.so", "int f(void) { return 1; }")
    for compiler, said in (("musl-gcc", "Dynamic loading not supported"), ("gcc", "loaded")):
        host = workshop.program(f"by-{compiler}", source, "-static", compiler=compiler)
        real = subprocess.run([host, library], capture_output=True, text=True, check=True).stdout.strip()
        answer = explain(library, model=replace(LoaderModel.this_process(env={}), main_image=host, caller=None))
        first = answer.first_blocking
        assert (first.loader_message if first is not None else "loaded") == real == said
