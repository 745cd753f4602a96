"""Programs started, not opened; and what is loaded before them."""

from __future__ import annotations

from tests.linker.workshop import Question, Workshop, case, run


@case
def a_program_that_starts(w: Workshop) -> Question:
    w.library("libb.so")
    w.program("prog", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("prog", program=True)


@case
def a_program_linked_at_a_fixed_address(w: Workshop) -> Question:
    w.library("libb.so")
    w.program("prog", "int main(void){return 0;}", "-no-pie", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("prog", program=True)


@case
def a_static_program(w: Workshop) -> Question:
    w.program("prog", "int main(void){return 0;}", "-static")
    return w.ask("prog", program=True)


@case
def a_program_without_its_library(w: Workshop) -> Question:
    w.library("libb.so")
    w.program("prog", needs=["libb.so"])
    return w.ask("prog", program=True)


@case
def a_program_without_the_library_of_its_library(w: Workshop) -> Question:
    w.library("gone/libc.so.2")
    w.library("libb.so", needs=["gone/libc.so.2"])
    w.program("prog", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("prog", program=True)


@case
def a_program_without_its_version(w: Workshop) -> Question:
    w.library("libb.so", "int f(void){return 1;}", version_script="V1 { global: f; local: *; };")
    w.program("prog", "extern int f(void); int main(void){return f() == 0;}", needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", "int f(void){return 1;}", version_script="V9 { global: f; local: *; };")
    return w.ask("prog", program=True)


@case
def a_program_without_its_symbol(w: Workshop) -> Question:
    w.library("libb.so", "int f(void){return 1;}")
    source = "extern int f(void); int main(void){return f() == 0;}"
    w.program("prog", source, "-Wl,-z,now", needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so")
    return w.ask("prog", program=True)


@case
def a_program_without_its_loader(w: Workshop) -> Question:
    w.program("prog")
    w.patchelf("prog", "--set-interpreter", "/nowhere/ld-linux-x86-64.so.2")
    return w.ask("prog", program=True)


@case
def a_program_for_another_machine(w: Workshop) -> Question:
    w.program("prog")
    w.patch("prog", 18, b"\xb7\0")
    return w.ask("prog", program=True)


@case
def a_preload_comes_before_everything(w: Workshop) -> Question:
    w.library("libpre.so", "int f(void){return 1;}")
    w.library("libb.so", "int f(void){return 2;}")
    source = "extern int f(void); int main(void){return f() != 1;}"
    w.program("prog", source, "-Wl,-z,now", needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so")
    return w.ask("prog", program=True, env={"LD_PRELOAD": w.path("libpre.so")})


@case
def a_preload_that_is_missing_is_ignored(w: Workshop) -> Question:
    w.program("prog")
    return w.ask("prog", program=True, env={"LD_PRELOAD": w.path("none.so")}, message_matters=False)


@case
def a_preload_serves_what_is_opened_later(w: Workshop) -> Question:
    w.library("libpre.so", "int f(void){return 1;}")
    w.library("liba.so", "extern int f(void); int a(void){return f();}")
    return w.ask("liba.so", env={"LD_PRELOAD": w.path("libpre.so")})


@case
def a_preload_by_soname_satisfies_a_need(w: Workshop) -> Question:
    w.library("anything.so", soname="libb.so.1")
    w.library("one/libb.so.1")
    w.program("prog", needs=["one/libb.so.1"])
    return w.ask("prog", program=True, env={"LD_PRELOAD": w.path("anything.so")})


LEAVES_AT_ONCE = 'void _start(void) { __asm__("movl $1, %eax; xorl %ebx, %ebx; int $0x80"); }'  # needs no C library


@case
def a_thirty_two_bit_program(w: Workshop) -> Question:
    w.program("prog", LEAVES_AT_ONCE, "-m32", "-nostdlib")
    return w.ask("prog", program=True)


@case
def a_program_that_sets_the_user_ignores_the_environment(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.program("prog", needs=["one/libb.so"])
    w.open_to_all()
    run(["chmod", "u+s", w.path("prog")])
    return w.ask("prog", program=True, uid=65534, env={"LD_LIBRARY_PATH": w.path("one")}, order_matters=False)


@case
def a_program_that_sets_the_user_ignores_origin(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.program("prog", needs=["one/libb.so"], runpath="$ORIGIN/one")
    w.open_to_all()
    run(["chmod", "u+s", w.path("prog")])
    return w.ask("prog", program=True, uid=65534, order_matters=False)


@case
def a_program_that_sets_the_user_keeps_plain_paths(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.program("prog", needs=["one/libb.so"], runpath=w.path("one"))
    w.open_to_all()
    run(["chmod", "u+s", w.path("prog")])
    return w.ask("prog", program=True, uid=65534, order_matters=False)
