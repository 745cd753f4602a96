"""Where the loader looks first: RPATH, environment, RUNPATH, cache, built-in directories."""

from __future__ import annotations

from tests.linker.workshop import Question, Workshop, case


def _two(w: Workshop) -> None:
    """libb.so in two folders, and liba.so, which needs it."""
    w.library("one/libb.so")
    w.library("two/libb.so")


@case
def rpath_before_environment(w: Workshop) -> Question:
    _two(w)
    w.library("liba.so", needs=["one/libb.so"], rpath=w.path("one"))
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("two")})


@case
def environment_before_runpath(w: Workshop) -> Question:
    _two(w)
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("two")})


@case
def runpath_when_environment_has_none(w: Workshop) -> Question:
    _two(w)
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("three")})


@case
def rpath_before_cache(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", needs=["one/libz.so.1"], rpath=w.path("one"))
    return w.ask("liba.so")


@case
def environment_before_cache(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", needs=["one/libz.so.1"])
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("one")})


@case
def cache_when_nothing_else(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", needs=["one/libz.so.1"])
    return w.ask("liba.so")


@case
def cache_after_misses_everywhere(w: Workshop) -> Question:
    w.library("one/libz.so.1")
    w.library("liba.so", needs=["one/libz.so.1"], runpath=w.path("two"))
    w.folder_of("two")
    w.folder_of("three")
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": w.path("three")})


@case
def a_bare_name_through_the_cache(w: Workshop) -> Question:
    return Question("libz.so.1")


@case
def a_bare_name_that_is_nowhere(w: Workshop) -> Question:
    return Question("libnowhere.so.7")


@case
def a_bare_name_in_the_environment(w: Workshop) -> Question:
    w.library("one/libmine.so")
    return Question("libmine.so", env={"LD_LIBRARY_PATH": w.path("one")})


@case
def a_bare_name_in_the_programs_rpath(w: Workshop) -> Question:
    w.library("one/libmine.so")
    host = w.program("host", w.host_source, rpath=w.path("one"))
    return Question("libmine.so", host=host)


@case
def a_bare_name_in_the_programs_runpath(w: Workshop) -> Question:
    w.library("one/libmine.so")
    host = w.program("host", w.host_source, runpath=w.path("one"))
    return Question("libmine.so", host=host)


@case
def a_missing_dependency(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("liba.so", needs=["one/libb.so"])
    return w.ask("liba.so")


@case
def a_missing_dependency_of_a_dependency(w: Workshop) -> Question:
    w.library("one/libc.so.2")
    w.library("libb.so", needs=["one/libc.so.2"])
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def several_missing_and_the_first_is_named(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("one/libc.so.2")
    w.library("liba.so", needs=["one/libb.so", "one/libc.so.2"])
    return w.ask("liba.so")


@case
def breadth_before_depth_decides_what_is_named(w: Workshop) -> Question:
    w.library("gone/libdeep.so")
    w.library("gone/libflat.so")
    w.library("libb.so", needs=["gone/libdeep.so"])
    w.library("liba.so", needs=["libb.so", "gone/libflat.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_path_is_opened_as_it_is(w: Workshop) -> Question:
    w.library("liba.so")
    return w.ask("liba.so")


@case
def a_relative_path_from_the_current_directory(w: Workshop) -> Question:
    w.library("sub/liba.so")
    return Question("./sub/liba.so", cwd=w.path("."))


@case
def a_relative_path_that_is_not_there(w: Workshop) -> Question:
    return Question("sub/liba.so", cwd=w.path("."))


@case
def a_needed_name_with_a_slash(w: Workshop) -> Question:
    w.library("sub/libb.so", soname="sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"])
    return w.ask("liba.so")


@case
def a_needed_name_with_a_slash_from_elsewhere(w: Workshop) -> Question:
    w.library("sub/libb.so", soname="sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"])
    return w.ask("liba.so", cwd="/")


@case
def the_environment_with_a_semicolon(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("liba.so", needs=["one/libb.so"])
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": f"{w.path('none')};{w.path('one')}"})


@case
def an_empty_environment_variable(w: Workshop) -> Question:
    w.library("libb.so")
    w.library("liba.so", needs=["libb.so"])
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": ""})


@case
def an_empty_element_in_the_environment(w: Workshop) -> Question:
    w.library("libb.so")
    w.library("liba.so", needs=["libb.so"])
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": f"{w.path('none')}:"})


@case
def an_empty_element_in_a_runpath(w: Workshop) -> Question:
    w.library("libb.so")
    w.library("liba.so", needs=["libb.so"], runpath=f"{w.path('none')}:")
    return w.ask("liba.so")


@case
def an_empty_element_in_an_rpath(w: Workshop) -> Question:
    w.library("libb.so")
    w.library("liba.so", needs=["libb.so"], rpath=f":{w.path('none')}")
    return w.ask("liba.so")


@case
def a_relative_element_in_a_runpath(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"], runpath="sub")
    return w.ask("liba.so")


@case
def a_relative_element_in_the_environment(w: Workshop) -> Question:
    w.library("sub/libb.so")
    w.library("liba.so", needs=["sub/libb.so"])
    return w.ask("liba.so", env={"LD_LIBRARY_PATH": "sub"})


@case
def trailing_slashes_and_repeated_elements(w: Workshop) -> Question:
    w.library("two/libb.so")
    w.folder_of("one")
    one, two = w.path("one"), w.path("two")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{one}//:{one}:{two}///:{two}")
    return w.ask("liba.so")


@case
def a_directory_that_does_not_exist_is_not_tried_twice(w: Workshop) -> Question:
    w.library("two/libb.so")
    w.library("two/libc.so.2")
    none, two = w.path("none"), w.path("two")
    w.library("liba.so", needs=["two/libb.so", "two/libc.so.2"], runpath=f"{none}:{two}")
    return w.ask("liba.so")


@case
def a_search_element_that_is_a_file(w: Workshop) -> Question:
    w.library("two/libb.so")
    w.file("file", b"x")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('file')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def hardware_subdirectories_best_first(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("one/glibc-hwcaps/x86-64-v2/libb.so")
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so")


@case
def legacy_hardware_subdirectories(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("one/tls/libb.so")
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so")


@case
def named_hardware_subdirectories_before_legacy_ones(w: Workshop) -> Question:
    w.library("one/tls/libb.so")
    w.library("one/glibc-hwcaps/x86-64-v2/libb.so")
    w.library("liba.so", needs=["one/tls/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so")
