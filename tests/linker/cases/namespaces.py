"""Opened by dlmopen in a namespace of its own: nothing is there but the loader."""

from __future__ import annotations

from tests.linker.workshop import Question, Workshop, case


@case
def a_new_namespace_brings_its_own_copies(w: Workshop) -> Question:
    known = w.library("libb.so")
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so", apart=True, already=(known,))


@case
def a_new_namespace_loads_the_c_library_again(w: Workshop) -> Question:
    w.library("liba.so", '#include <stdio.h>\nint a(void){return puts("a");}', libc=True)
    return w.ask("liba.so", apart=True)


@case
def a_new_namespace_does_not_see_what_was_loaded_by_soname(w: Workshop) -> Question:
    known = w.library("far/libb.so")
    w.library("liba.so", needs=["far/libb.so"])
    return w.ask("liba.so", apart=True, already=(known,))


@case
def a_new_namespace_does_not_see_the_symbols_of_the_program(w: Workshop) -> Question:
    known = w.library("libpre.so", "int f(void){return 1;}")
    w.library("liba.so", "extern int f(void); int a(void){return f();}")
    return w.ask("liba.so", apart=True, env={"LD_PRELOAD": known})


@case
def a_new_namespace_has_its_own_scope(w: Workshop) -> Question:
    w.library("libb.so", "int f(void){return 1;}")
    w.library("liba.so", "extern int f(void); int a(void){return f();}", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so", apart=True)


@case
def a_new_namespace_is_searched_for_in_the_programs_rpath(w: Workshop) -> Question:
    w.library("deep/liba.so")
    host = w.program("host", w.host_source, rpath="$ORIGIN/deep")
    return Question("liba.so", cwd=w.path(""), apart=True, host=host)


@case
def a_new_namespace_misses_what_is_nowhere(w: Workshop) -> Question:
    w.library("gone/libb.so")
    w.library("liba.so", needs=["gone/libb.so"])
    return w.ask("liba.so", apart=True)
