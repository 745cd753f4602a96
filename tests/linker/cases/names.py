"""When a name stands for something that is loaded already, and how a graph is walked."""

from __future__ import annotations

from tests.linker.workshop import Question, Workshop, case


@case
def a_soname_satisfies_a_later_need(w: Workshop) -> Question:
    w.library("anything.so", soname="libb.so.1")
    w.library("one/libb.so.1")
    w.library("liba.so", needs=["one/libb.so.1"])
    return w.ask("liba.so", already=(w.path("anything.so"),))


@case
def a_file_name_does_not_satisfy_when_the_soname_differs(w: Workshop) -> Question:
    w.library("sub/libb.so.1", soname="libother.so")
    w.library("one/libb.so.1")
    w.library("liba.so", needs=["one/libb.so.1"])
    return w.ask("liba.so", already=(w.path("sub/libb.so.1"),))


@case
def a_file_without_soname_answers_to_the_name_it_was_asked_by(w: Workshop) -> Question:
    w.library("one/libb.so", soname="")
    w.library("liba.so", needs=["one/libb.so"])
    w.patchelf("liba.so", "--replace-needed", w.path("one/libb.so"), "libb.so")
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("one")})


@case
def the_same_file_under_two_names(w: Workshop) -> Question:
    w.library("libb.so", soname="libb.so")
    w.link("libc.so.2", "libb.so")
    w.library("stub/libc.so.2")
    w.library("liba.so", needs=["libb.so", "stub/libc.so.2"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_hard_link_is_the_same_file(w: Workshop) -> Question:
    w.library("libb.so", soname="")
    (w.folder / "libc.so.2").hardlink_to(w.folder / "libb.so")
    w.library("stub/libb.so")
    w.library("stub/libc.so.2")
    w.library("liba.so", needs=["stub/libb.so", "stub/libc.so.2"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_copy_opened_by_path_is_a_second_object(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.file("two/libb.so", (w.folder / "one/libb.so").read_bytes())
    return w.ask("two/libb.so", already=(w.path("one/libb.so"),))


@case
def a_link_to_something_loaded(w: Workshop) -> Question:
    w.library("libb.so")
    w.link("other.so", "libb.so")
    return w.ask("other.so", already=(w.path("libb.so"),))


@case
def a_diamond_is_loaded_once(w: Workshop) -> Question:
    w.library("libd.so")
    w.library("libl.so", needs=["libd.so"], runpath="$ORIGIN")
    w.library("libr.so", needs=["libd.so"], runpath="$ORIGIN")
    w.library("liba.so", needs=["libl.so", "libr.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_cycle_is_nothing_special(w: Workshop) -> Question:
    w.library("libb.so", soname="libb.so")
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", needs=["liba.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_library_that_needs_itself(w: Workshop) -> Question:
    w.library("stub/liba.so")
    w.library("liba.so", needs=["stub/liba.so"])
    return w.ask("liba.so")


@case
def breadth_first_order(w: Workshop) -> Question:
    for leaf in ("libw.so", "libx.so", "liby.so", "libz2.so"):
        w.library(leaf)
    w.library("libl.so", needs=["libw.so", "libx.so"], runpath="$ORIGIN")
    w.library("libr.so", needs=["liby.so", "libz2.so"], runpath="$ORIGIN")
    w.library("liba.so", needs=["libl.so", "libr.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_long_chain(w: Workshop) -> Question:
    w.library("lib20.so")
    for number in range(19, -1, -1):
        w.library(f"lib{number}.so", needs=[f"lib{number + 1}.so"], runpath="$ORIGIN")
    return w.ask("lib0.so")


@case
def a_filter_must_be_there(w: Workshop) -> Question:
    w.library("liba.so", "", "-Wl,-F,libfiltee.so", runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_filter_that_is_there(w: Workshop) -> Question:
    w.library("libfiltee.so")
    w.library("libb.so")
    w.library("liba.so", "", "-Wl,-F,libfiltee.so", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so", order_matters=False)


@case
def an_auxiliary_filter_may_be_missing(w: Workshop) -> Question:
    w.library("liba.so", "", "-Wl,-f,libfiltee.so", runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def an_auxiliary_filter_provides_symbols_first(w: Workshop) -> Question:
    w.library("libfiltee.so", "int f(void){return 1;}")
    w.library("liba.so", "int f(void){return 2;} int g(void){return f();}", "-Wl,-f,libfiltee.so", runpath="$ORIGIN")
    return w.ask("liba.so", order_matters=False)


@case
def something_the_program_has_is_not_opened_again(w: Workshop) -> Question:
    return Question("libc.so.6")


@case
def the_loader_itself_is_loaded(w: Workshop) -> Question:
    return Question("ld-linux-x86-64.so.2")
