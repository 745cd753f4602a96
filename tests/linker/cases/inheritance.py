"""Whose RPATH and RUNPATH count for whom, and what the tokens in them stand for."""

from __future__ import annotations

from tests.linker.tiny_elf import tiny_elf
from tests.linker.workshop import Question, Workshop, case


def _chain(w: Workshop) -> None:
    """deep/libc.so.2 for libb.so, which has no search path of its own yet."""
    w.library("deep/libc.so.2")


@case
def an_rpath_serves_grandchildren(w: Workshop) -> Question:
    _chain(w)
    w.library("libb.so", needs=["deep/libc.so.2"])
    w.library("liba.so", needs=["libb.so"], rpath=f"{w.path('.')}:{w.path('deep')}")
    return w.ask("liba.so")


@case
def a_runpath_does_not_serve_grandchildren(w: Workshop) -> Question:
    _chain(w)
    w.library("libb.so", needs=["deep/libc.so.2"])
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN:$ORIGIN/deep")
    return w.ask("liba.so")


@case
def a_runpath_between_switches_the_rpath_off(w: Workshop) -> Question:
    _chain(w)
    w.library("libb.so", needs=["deep/libc.so.2"], runpath=w.path("none"))
    w.library("liba.so", needs=["libb.so"], rpath=f"{w.path('.')}:{w.path('deep')}")
    return w.ask("liba.so")


@case
def an_rpath_reaches_past_a_parent_with_runpath(w: Workshop) -> Question:
    _chain(w)
    w.library("libmid.so", needs=["deep/libc.so.2"])
    w.library("libb.so", needs=["libmid.so"], runpath="$ORIGIN")
    w.library("liba.so", needs=["libb.so"], rpath=f"{w.path('.')}:{w.path('deep')}")
    return w.ask("liba.so")


def _both(w: Workshop, *, above: str | None) -> Question:
    """The parent of the library that asks has an RPATH to the right folder and a RUNPATH as well."""
    w.file("deep/libd.so", tiny_elf("libd.so"))
    w.file("libb.so", tiny_elf("libb.so", ["libd.so"]))
    w.file("libm.so", tiny_elf("libm.so", ["libb.so"], rpath=w.path("deep"), runpath=w.path(".")))
    w.file("liba.so", tiny_elf("liba.so", ["libm.so"], rpath=f"{w.path('.')}:{above}" if above else w.path(".")))
    return w.ask("liba.so")


@case
def a_parent_with_both_lends_no_rpath(w: Workshop) -> Question:
    return _both(w, above=None)


@case
def above_a_parent_with_both_the_rpath_counts_again(w: Workshop) -> Question:
    return _both(w, above=w.path("deep"))


@case
def an_empty_runpath_hides_the_rpath(w: Workshop) -> Question:
    _chain(w)
    w.library("liba.so", needs=["deep/libc.so.2"], runpath=w.path("deep"))
    w.patchelf("liba.so", "--set-rpath", "")
    return w.ask("liba.so")


@case
def the_programs_rpath_serves_everything(w: Workshop) -> Question:
    _chain(w)
    host = w.program("host", w.host_source, rpath=w.path("deep"))
    w.library("liba.so", needs=["deep/libc.so.2"])
    return w.ask("liba.so", host=host)


@case
def the_programs_runpath_serves_only_the_program(w: Workshop) -> Question:
    _chain(w)
    host = w.program("host", w.host_source, runpath=w.path("deep"))
    w.library("liba.so", needs=["deep/libc.so.2"])
    return w.ask("liba.so", host=host)


@case
def the_own_rpath_before_the_programs(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("two/libb.so")
    host = w.program("host", w.host_source, rpath=w.path("one"))
    w.library("liba.so", needs=["one/libb.so"], rpath=w.path("two"))
    return w.ask("liba.so", host=host)


@case
def a_runpath_hides_the_programs_rpath(w: Workshop) -> Question:
    _chain(w)
    host = w.program("host", w.host_source, rpath=w.path("deep"))
    w.library("liba.so", needs=["deep/libc.so.2"], runpath=w.path("none"))
    return w.ask("liba.so", host=host)


@case
def the_first_to_ask_decides_whose_rpath_counts(w: Workshop) -> Question:
    w.library("one/libc.so.2")
    w.library("two/libc.so.2")
    w.library("libl.so", needs=["one/libc.so.2"], rpath=w.path("one"))
    w.library("libr.so", needs=["two/libc.so.2"], rpath=w.path("two"))
    w.library("liba.so", needs=["libl.so", "libr.so"], rpath="$ORIGIN")
    return w.ask("liba.so")


@case
def origin_is_the_folder_of_the_library(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="$ORIGIN/sub")
    return w.ask("liba.so")


@case
def origin_in_braces(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="${ORIGIN}/sub")
    return w.ask("liba.so")


@case
def origin_of_a_link_is_the_links_folder(w: Workshop) -> Question:
    w.library("real/libb.so")
    w.library("real/liba.so", needs=["real/libb.so"], runpath="$ORIGIN")
    w.link("other/liba.so", "../real/liba.so")
    return w.ask("other/liba.so")


@case
def origin_of_a_relative_path(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("sub/liba.so", needs=["sub/libb.so"], runpath="$ORIGIN")
    return Question("sub/liba.so", cwd=w.path("."))


@case
def origin_in_the_environment_is_the_programs(w: Workshop) -> Question:
    w.library("bin/libb.so")
    host = w.program("bin/host", w.host_source)
    w.library("liba.so", needs=["bin/libb.so"])
    return w.ask("liba.so", host=host, env={"LD_LIBRARY_PATH": "$ORIGIN"})


@case
def origin_of_a_program_behind_a_link(w: Workshop) -> Question:
    w.library("real/libb.so")
    w.program("real/prog", needs=["real/libb.so"], runpath="$ORIGIN")
    w.link("bin/prog", "../real/prog")
    return w.ask("bin/prog", program=True)


@case
def lib_stands_for_the_multiarch_folder(w: Workshop) -> Question:
    w.library("lib/x86_64-linux-gnu/libb.so")
    w.library("liba.so", needs=["lib/x86_64-linux-gnu/libb.so"], runpath="$ORIGIN/$LIB")
    return w.ask("liba.so")


@case
def platform_stands_for_the_processor(w: Workshop) -> Question:
    w.library("x86_64/libb.so")
    w.library("haswell/libb.so")
    w.library("liba.so", needs=["x86_64/libb.so"], runpath="$ORIGIN/$PLATFORM")
    return w.ask("liba.so")


@case
def a_longer_word_is_no_token(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="$ORIGINAL/sub")
    return w.ask("liba.so")


@case
def a_lone_dollar_is_literal(w: Workshop) -> Question:
    w.library("a$/libb.so")
    w.library("liba.so", needs=["a$/libb.so"], runpath="$ORIGIN/a$")
    return w.ask("liba.so")


@case
def an_unclosed_brace_is_literal(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="${ORIGIN/sub")
    return w.ask("liba.so")


@case
def origin_twice_in_one_element(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="/nowhere/$ORIGIN/x:$ORIGIN/sub")
    return w.ask("liba.so")


@case
def a_token_in_a_needed_name(w: Workshop) -> Question:
    w.library("sub/libb.so", soname="$ORIGIN/sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"])
    return w.ask("liba.so")


@case
def a_token_in_what_dlopen_is_asked_for(w: Workshop) -> Question:
    w.library("bin/liba.so")
    host = w.program("bin/host", w.host_source)
    return Question("$ORIGIN/liba.so", host=host)


@case
def no_default_directories(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", "", "-Wl,-z,nodefaultlib", needs=["one/libz.so.1"])
    return w.ask("liba.so")


@case
def no_default_directories_but_a_runpath(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", "", "-Wl,-z,nodefaultlib", needs=["one/libz.so.1"], runpath=w.path("one"))
    return w.ask("liba.so")


@case
def no_default_directories_is_not_inherited(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("libb.so", needs=["one/libz.so.1"])
    w.library("liba.so", "", "-Wl,-z,nodefaultlib", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")
