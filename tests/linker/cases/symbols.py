"""Versions and symbols: what is checked while loading, in which scope, and who is named when it is not there."""

from __future__ import annotations

from tests.linker.workshop import Question, Workshop, case

V1 = "V1 { global: f; local: *; };"
V12 = "V1 { global: f; }; V2 { global: g; } V1;"
CALLS_F = "extern int f(void); int a(void){return f();}"
POINTS_TO_F = "extern int f(void); int (*a)(void) = f;"
HAS_F = "int f(void){return 1;}"
HAS_FG = "int f(void){return 1;} int g(void){return 2;}"


def _with_version(w: Workshop, script: str, later: str, source: str = HAS_F, later_source: str = HAS_F) -> Question:
    """liba.so linked against a libb.so with ``script``, then libb.so replaced by one with ``later``."""
    w.library("libb.so", source, version_script=script)
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", later_source, version_script=later)
    return w.ask("liba.so")


@case
def a_version_that_is_there(w: Workshop) -> Question:
    return _with_version(w, V1, V1)


@case
def a_version_that_is_not_there(w: Workshop) -> Question:
    return _with_version(w, V1, "V9 { global: f; local: *; };")


@case
def a_version_without_any_symbol_using_it(w: Workshop) -> Question:
    w.library("libb.so", HAS_FG, version_script=V12)
    w.library("liba.so", "extern int g(void); int a(void){return g();}", needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", HAS_FG, version_script="V1 { global: f; g; };")
    return w.ask("liba.so")


@case
def a_provider_that_lost_its_versions(w: Workshop) -> Question:
    return _with_version(w, V1, "")


@case
def a_provider_that_gained_versions(w: Workshop) -> Question:
    return _with_version(w, "", V1)


@case
def the_version_is_there_and_the_symbol_is_not(w: Workshop) -> Question:
    return _with_version(w, V1, "V1 { global: other; local: *; };", later_source="int other(void){return 1;}")


@case
def the_symbol_moved_to_another_version(w: Workshop) -> Question:
    return _with_version(w, V1, "V1 { global: g; }; V2 { global: f; } V1;", later_source=HAS_FG)


@case
def a_weak_version_need(w: Workshop) -> Question:
    question = _with_version(w, V1, "V9 { global: f; local: *; };")
    from loadstone.binary import read

    need = read(w.path("liba.so")).version_needs[0]
    w.patch("liba.so", need.offset + 4, b"\2\0")
    return question


@case
def two_versions_missing_and_the_first_is_named(w: Workshop) -> Question:
    w.library("libb.so", HAS_FG, version_script=V12)
    source = "extern int f(void), g(void); int a(void){return f() + g();}"
    w.library("liba.so", source, needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", HAS_FG, version_script="V9 { global: f; g; };")
    return w.ask("liba.so")


@case
def a_version_missing_for_a_dependency(w: Workshop) -> Question:
    w.library("libb.so", HAS_F, version_script=V1)
    w.library("libmid.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", HAS_F, version_script="V9 { global: f; local: *; };")
    w.library("liba.so", needs=["libmid.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_version_of_a_file_that_is_no_dependency_any_more(w: Workshop) -> Question:
    question = _with_version(w, V1, V1)
    w.patchelf("liba.so", "--remove-needed", "libb.so")
    return w.ask("liba.so", message_matters=False) if question else question


@case
def a_glibc_of_the_future(w: Workshop) -> Question:
    w.library("stub/libc.so.6", "int f(void){return 1;}", version_script="GLIBC_2.99 { global: f; };")
    w.library("liba.so", CALLS_F, needs=["stub/libc.so.6"])
    return w.ask("liba.so")


@case
def an_undefined_function(w: Workshop) -> Question:
    w.library("liba.so", CALLS_F)
    return w.ask("liba.so")


@case
def an_undefined_function_called_lazily(w: Workshop) -> Question:
    w.library("liba.so", CALLS_F, "-Wl,-z,lazy")
    return w.ask("liba.so", lazy=True)


@case
def an_undefined_function_in_a_library_bound_now(w: Workshop) -> Question:
    w.library("liba.so", CALLS_F, "-Wl,-z,now")
    return w.ask("liba.so", lazy=True)


@case
def an_undefined_function_with_bind_now_in_the_environment(w: Workshop) -> Question:
    w.library("liba.so", CALLS_F, "-Wl,-z,lazy")
    return w.ask("liba.so", lazy=True, env={"LD_BIND_NOW": "1"})


@case
def an_undefined_function_pointed_to(w: Workshop) -> Question:
    w.library("liba.so", POINTS_TO_F, "-Wl,-z,lazy")
    return w.ask("liba.so", lazy=True)


@case
def an_undefined_function_called_without_a_plt(w: Workshop) -> Question:
    w.library("liba.so", CALLS_F, "-Wl,-z,lazy", "-fno-plt", "-O1")
    return w.ask("liba.so", lazy=True)


@case
def undefined_data(w: Workshop) -> Question:
    w.library("liba.so", "extern int x; int a(void){return x;}", "-Wl,-z,lazy")
    return w.ask("liba.so", lazy=True)


@case
def an_undefined_weak_function(w: Workshop) -> Question:
    source = "extern int f(void) __attribute__((weak)); int a(void){return f ? f() : 0;}"
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def an_undefined_weak_function_with_a_version(w: Workshop) -> Question:
    w.library("libb.so", HAS_F, version_script=V1)
    source = "extern int f(void) __attribute__((weak)); int a(void){return f ? f() : 0;}"
    w.library("liba.so", source, needs=["libb.so"], runpath="$ORIGIN")
    w.library("libb.so", "int other(void){return 1;}", version_script="V1 { global: other; local: *; };")
    return w.ask("liba.so")


@case
def a_hidden_definition_does_not_count(w: Workshop) -> Question:
    w.library("libb.so", '__attribute__((visibility("hidden"))) int f(void){return 1;} int b(void){return f();}')
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_protected_definition_counts(w: Workshop) -> Question:
    w.library("libb.so", '__attribute__((visibility("protected"))) int f(void){return 1;}')
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_weak_definition_counts(w: Workshop) -> Question:
    w.library("libb.so", "__attribute__((weak)) int f(void){return 1;}")
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def an_indirect_function_counts(w: Workshop) -> Question:
    source = 'static int g(void){return 1;} static void *r(void){return g;} int f(void) __attribute__((ifunc("r")));'
    w.library("libb.so", source)
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def an_alias_in_an_old_version_counts_for_a_bare_reference(w: Workshop) -> Question:
    w.library("stub/libb.so", HAS_F)
    w.library("liba.so", CALLS_F, needs=["stub/libb.so"], runpath="$ORIGIN")
    source = (
        'int old(void){return 1;} int new(void){return 2;} __asm__(".symver old,f@V1"); __asm__(".symver new,f@@V2");'
    )
    w.library("libb.so", source, version_script="V1 { local: *; }; V2 { } V1;")
    return w.ask("liba.so")


@case
def a_lone_hidden_version_past_the_first_does_not_count(w: Workshop) -> Question:
    w.library("stub/libb.so", HAS_F)
    w.library("liba.so", CALLS_F, needs=["stub/libb.so"], runpath="$ORIGIN")
    source = 'int old(void){return 1;} int g(void){return 0;} __asm__(".symver old,f@V2");'
    w.library("libb.so", source, version_script="V1 { global: g; }; V2 { } V1;")
    return w.ask("liba.so")


@case
def a_lone_default_version_past_the_first_counts(w: Workshop) -> Question:
    w.library("stub/libb.so", HAS_F)
    w.library("liba.so", CALLS_F, needs=["stub/libb.so"], runpath="$ORIGIN")
    source = 'int new(void){return 1;} int g(void){return 0;} __asm__(".symver new,f@@V2");'
    w.library("libb.so", source, version_script="V1 { global: g; }; V2 { } V1;")
    return w.ask("liba.so")


@case
def a_definition_in_the_program_counts(w: Workshop) -> Question:
    host = w.program("host", f"{HAS_F}\n{w.host_source}", "-rdynamic")
    w.library("liba.so", CALLS_F)
    return w.ask("liba.so", host=host)


@case
def a_definition_in_the_program_that_it_does_not_export(w: Workshop) -> Question:
    host = w.program("host", f"{HAS_F}\n{w.host_source}")
    w.library("liba.so", CALLS_F)
    return w.ask("liba.so", host=host)


@case
def a_definition_in_something_opened_locally_does_not_count(w: Workshop) -> Question:
    w.library("libb.so", HAS_F)
    w.library("liba.so", CALLS_F)
    return w.ask("liba.so", already=(w.path("libb.so"),))


@case
def a_definition_in_a_cousin_counts(w: Workshop) -> Question:
    w.library("libb.so", HAS_F)
    w.library("libr.so", CALLS_F)
    w.library("liba.so", needs=["libr.so", "libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def dependencies_are_bound_first(w: Workshop) -> Question:
    w.library("libdeep.so", "extern int missing_in_deep(void); int d(void){return missing_in_deep();}")
    w.library(
        "libb.so",
        "extern int missing_in_b(void); int b(void){return missing_in_b();}",
        needs=["libdeep.so"],
        runpath="$ORIGIN",
    )
    w.library(
        "liba.so",
        "extern int missing_in_a(void); int a(void){return missing_in_a();}",
        needs=["libb.so"],
        runpath="$ORIGIN",
    )
    return w.ask("liba.so")


@case
def of_two_siblings_the_last_is_bound_first(w: Workshop) -> Question:
    w.library("libl.so", "extern int missing_left(void); int l(void){return missing_left();}")
    w.library("libr.so", "extern int missing_right(void); int r(void){return missing_right();}")
    w.library("liba.so", needs=["libl.so", "libr.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def siblings_that_need_each_other_cross_over(w: Workshop) -> Question:
    w.library("libr.so", "extern int missing_right(void); int r(void){return missing_right();}")
    w.library(
        "libl.so",
        "extern int missing_left(void); int l(void){return missing_left();}",
        needs=["libr.so"],
        runpath="$ORIGIN",
    )
    w.library("liba.so", needs=["libl.so", "libr.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def a_cycle_with_missing_symbols(w: Workshop) -> Question:
    w.library("stub/libl.so")
    w.library(
        "libr.so",
        "extern int missing_right(void); int r(void){return missing_right();}",
        needs=["stub/libl.so"],
        runpath="$ORIGIN",
    )
    w.library(
        "libl.so",
        "extern int missing_left(void); int l(void){return missing_left();}",
        needs=["libr.so"],
        runpath="$ORIGIN",
    )
    w.library("liba.so", needs=["libl.so", "libr.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def of_several_symbols_the_first_relocation_is_named(w: Workshop) -> Question:
    source = "extern int z_first(void), a_second(void); int a(void){return z_first() + a_second();}"
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def pointers_are_bound_before_calls(w: Workshop) -> Question:
    source = "extern int called(void), pointed(void); int a(void){return called();} int (*p)(void) = pointed;"
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def versions_are_checked_before_symbols(w: Workshop) -> Question:
    w.library("libb.so", HAS_F, version_script=V1)
    w.library("libmid.so", "extern int missing(void); int m(void){return missing();}")
    w.library("liba.so", CALLS_F, needs=["libmid.so", "libb.so"], runpath="$ORIGIN")
    w.library("libb.so", HAS_F, version_script="V9 { global: f; local: *; };")
    return w.ask("liba.so")


@case
def deep_binding_loads_all_the_same(w: Workshop) -> Question:
    w.library("libb.so", HAS_F)
    w.library("liba.so", CALLS_F, needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so", deep_bind=True)


@case
def symbolic_binding(w: Workshop) -> Question:
    w.library("liba.so", f"{HAS_F} int a(void){{return f();}}", "-Wl,-Bsymbolic")
    return w.ask("liba.so")


@case
def thread_local_storage_within_the_surplus(w: Workshop) -> Question:
    source = '__thread int t __attribute__((tls_model("initial-exec"))) = 1; int a(void){return t;}'
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def thread_local_storage_beyond_the_surplus(w: Workshop) -> Question:
    source = '__thread char t[200000] __attribute__((tls_model("initial-exec"))); char *a(void){return t;}'
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def thread_local_storage_beyond_the_surplus_of_a_dependency(w: Workshop) -> Question:
    source = '__thread char t[200000] __attribute__((tls_model("initial-exec"))); char *a(void){return t;}'
    w.library("libb.so", source)
    w.library("liba.so", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("liba.so")


@case
def thread_local_storage_with_a_tunable(w: Workshop) -> Question:
    source = '__thread char t[9000] __attribute__((tls_model("initial-exec"))); char *a(void){return t;}'
    w.library("liba.so", source)
    return w.ask("liba.so", env={"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=0x4000"})


@case
def thread_local_storage_reached_dynamically(w: Workshop) -> Question:
    source = "__thread char t[200000]; char *a(void){return t;}"
    w.library("liba.so", source, libc=True)
    return w.ask("liba.so")


@case
def thread_local_storage_of_a_program(w: Workshop) -> Question:
    source = '__thread char t[200000] __attribute__((tls_model("initial-exec"))); char *a(void){return t;}'
    w.library("libb.so", source)
    w.program("prog", needs=["libb.so"], runpath="$ORIGIN")
    return w.ask("prog", program=True)


@case
def an_undefined_thread_local(w: Workshop) -> Question:
    source = 'extern __thread int t __attribute__((tls_model("initial-exec"))); int a(void){return t;}'
    w.library("liba.so", source)
    return w.ask("liba.so")


@case
def a_symbol_with_terminal_escapes_in_its_name(w: Workshop) -> Question:
    w.library("liba.so", "extern int bad_____name(void); int a(void){return bad_____name();}")
    w.file("liba.so", (w.folder / "liba.so").read_bytes().replace(b"bad_____name", b"bad_\x1b[2Jname"))
    return w.ask("liba.so")
