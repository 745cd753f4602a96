"""Small programs at the edges of "is the result tested before it is used": each was a change no other test noticed."""

from __future__ import annotations

import pytest

from loadstone.core.claims import Evidence, Finding, Severity
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

C = "#include <dlfcn.h>\n#include <stdio.h>\n"
OPEN = 'dlopen("/l/a.so", RTLD_NOW)'
GET = f"static void *get(void)\n{{ return {OPEN}; }}\n"
SLOT = 'struct t { int (*g)(void); };\nvoid f(void *h, struct t *t){ t->g = (int (*)(void))dlsym(h, "g"); }\n'
PROGRAM = (
    "#include <windows.h>\nvoid *f(void)\n"
    '{ HMODULE m = GetModuleHandleA(NULL); return (void *)GetProcAddress(m, "x"); }\n'
)
ONCE = (
    "#include <glib.h>\n" + C + "void *get(void){ static gsize v; if (g_once_init_enter(&v)) {\n"
    f"gsize h = (gsize){OPEN}; g_once_init_leave(&v, h); }} return (void *)v; }}\n"
)
MEMBER = (
    C + f"struct t {{ void *lib; }};\nint f(struct t *t){{ t->lib = {OPEN}; return 0; }}\n"
    "int m(struct t *t){ f(t); if (t->lib == NULL) return 1; return 0; }\n"
)


def asked(text: str, name: str = "x.c") -> tuple[list[tuple[int, Severity]], list[int]]:
    """The lines and severities of the findings, and the lines of the evidence."""
    rule = next(rule for rule in rules.RULES if rule.id == "unchecked-dlopen")
    claims = rules.ask(Program((frontends.parse(name, text.encode()),)), [rule])
    found = [(claim.location.start, claim.severity) for claim in claims if isinstance(claim, Finding)]
    return found, [claim.location.start for claim in claims if isinstance(claim, Evidence)]


@pytest.mark.parametrize(
    "text",
    [
        C + 'int f(void *h){ int (*g)(void) = (int (*)(void))dlsym(h, "g"); if (g == NULL) return g(); return g(); }',
        C + f'int f(void){{ int *p = (int *)dlsym({OPEN}, "p"); if (!p) return *p; return *p; }}',
    ],
    ids=["called", "read"],
)
def test_what_is_used_where_it_is_known_to_be_null_is_no_praise(text: str) -> None:
    assert asked(text)[1] == []


def test_a_result_that_callers_use_blindly_is_told_where_it_is_got() -> None:
    call = 'int (*g)(void) = (int (*)(void))dlsym(h, "g"); if (!g) return 1; return g();'
    blind = f"int use(void)\n{{ void *h = get(); {call} }}"
    assert asked(C + GET + blind)[0] == [(4, Severity.MEDIUM)]
    assert asked(C + GET + blind.replace("get();", "get(); if (!h) return 2;"))[0] == []


def test_a_caller_that_tests_on_one_way_at_least_has_looked() -> None:
    ways = 'if (q) return dlsym(h, "y") != 0; if (!h) return 2; return dlsym(h, "g") != 0;'
    text = f"int use(int q)\n{{ void *h = get(); {ways} }}"
    assert asked(C + GET + text)[0] == []


def test_what_is_handed_to_readers_is_tested_by_them() -> None:
    assert asked(ONCE) == ([], [])
    yielded = 'import ctypes.util\ndef f():\n    name = ctypes.util.find_library("z")\n    yield name\n'
    assert asked(yielded, "x.py") == ([], [])


def test_the_handle_of_the_program_itself_cannot_be_missing() -> None:
    assert asked(PROGRAM)[0] == []
    assert asked('#include <windows.h>\nvoid *f(void)\n{ return (void *)GetProcAddress(GetModuleHandleA("a"), "x"); }')[
        0
    ]


def test_a_symbol_that_is_kept_counts_once_something_calls_it() -> None:
    assert asked(C + SLOT)[0] == []
    assert asked(C + SLOT + "int c(struct t *t){ return t->g(); }\n")[0] == [(4, Severity.MEDIUM)]


def test_what_is_dropped_on_purpose_weighs_less() -> None:
    assert asked(C + f"void f(void){{ (void){OPEN}; }}")[0] == [(3, Severity.LOW)]
    assert asked(C + f"void f(void){{ {OPEN}; }}")[0] == [(3, Severity.MEDIUM)]


def test_a_member_that_a_condition_asks_about_is_tested() -> None:
    assert asked(MEMBER)[0] == []
    assert asked(MEMBER.replace("if (t->lib == NULL) return 1; ", ""))[0] == [(4, Severity.MEDIUM)]


OUT = (
    f"int open_it(void **out)\n{{ *out = {OPEN};\n return 0; }}\n"
    'int u(void)\n{ void *h = 0; open_it(&h);TEST\n return dlsym(h, "g") != 0; }\n'
)
CHECK = f"void *check(void *h) {{ if (!h) return 0; return h; }}\nvoid f(void) {{ check({OPEN}); }}\n"


def test_a_result_handed_out_is_tested_by_the_caller_or_nobody() -> None:
    assert asked(C + OUT.replace("TEST", ""))[0] == [(4, Severity.MEDIUM)]
    assert asked(C + OUT.replace("TEST", " if (!h) return 1;"))[0] == []


def test_a_function_of_the_program_may_test_what_it_is_handed() -> None:
    assert asked(C + CHECK) == ([], [4])
    assert asked(C + CHECK.replace(" { if (!h) return 0; return h; }", ";"))[0] == [(4, Severity.MEDIUM)]


def test_what_raises_needs_no_test_and_what_a_class_holds_is_asked_about_there() -> None:
    assert asked('import ctypes\nlib = ctypes.CDLL("liba.so")\nlib.f()\n', "x.py") == ([], [])
    assert asked('import ctypes\nlib = ctypes.CDLL("liba.so")\nif not lib:\n    raise SystemExit\n', "x.py") == ([], [])
    assert asked('import ctypes.util\nname = ctypes.util.find_library("a")\nopen(name)\n', "x.py")[0]


SOME = (
    C + f"int f(void)\n{{\n void *h = {OPEN};\n void *k = {OPEN};\n if (!h) return 1;\n if (!h) return 2;\n"
    ' printf("%p", dlsym(k, "a"));\n return 0;\n}\n'
)


def test_findings_and_evidence_say_how_many_and_where() -> None:
    rule = next(rule for rule in rules.RULES if rule.id == "unchecked-dlopen")
    claims = rules.ask(Program((frontends.parse("x.c", f"#ifdef A\n{SOME}#endif\n".encode()),)), [rule])
    evidence = next(claim for claim in claims if isinstance(claim, Evidence))
    assert (evidence.met, evidence.sites, evidence.context) == (1, 2, "f")
    assert evidence.message == "1 of 2 dlopen results is tested before use (lines 6)"
    assert [place.start for place in evidence.places] == [8], "the first test of each result"
    finding, lookup = (claim for claim in claims if isinstance(claim, Finding))
    assert finding.message == (
        "The result of dlopen is used without a test; 1 of 2 dlopen results is never tested in this file."
    )
    assert (finding.context, finding.condition) == ("f", "defined(A)")
    assert [(found.location.start, found.message, found.kind) for found in finding.why] == [
        (7, "dlopen may fail here", "acquire"),
        (7, "used as if it had not", "use"),
    ]
    assert finding.fix == "Test it and report dlerror() before going on."
    assert lookup.location.start == 10


def test_a_result_that_is_dropped_is_called_so() -> None:
    rule = next(rule for rule in rules.RULES if rule.id == "unchecked-dlopen")
    (claim,) = rules.ask(Program((frontends.parse("x.c", f"{C}void f(void) {{ {OPEN}; }}".encode()),)), [rule])
    assert claim.message.startswith("The result of dlopen is dropped; ")


GETTERS = f"static void *a(void)\n{{ return {OPEN}; }}\nstatic void *b(void)\n{{ return {OPEN}; }}\n"
KEPT = (
    f"static void *lib;\nint f(void)\n{{ lib = {OPEN}; void *h = {OPEN};\n if (!h) return 1; return 0; }}\n"
    'int g(void)\n{ if (!lib) return 1; return dlsym(lib, "x") != 0; }\n'
)


def test_a_getter_is_judged_by_its_own_callers() -> None:
    use = 'int u(void)\n{ void *h = a(); void *k = b(); if (!k) return 1; return dlsym(h, "x") == k; }\n'
    assert [line for line, _ in asked(C + GETTERS + use)[0]] == [4, 8], "not the one in b, whose caller tests"


def test_a_result_that_is_only_passed_on_is_not_worked_with() -> None:
    use = "extern void keep(void *);\nint use(void)\n{ void *h = get(); keep(h); return 0; }\n"
    assert asked(C + GET + use) == ([], [])


def test_what_another_function_tests_in_its_place_counts_as_tested() -> None:
    rule = next(rule for rule in rules.RULES if rule.id == "unchecked-dlopen")
    claims = rules.ask(Program((frontends.parse("x.c", (C + KEPT).encode()),)), [rule])
    opened = next(claim for claim in claims if isinstance(claim, Evidence) and "dlopen" in claim.message)
    assert (opened.met, opened.sites) == (2, 2)


def test_readers_of_a_pointer_that_is_published_once_test_it() -> None:
    assert asked(ONCE.replace("leave(", "leave_pointer(")) == ([], [])
    assert asked(ONCE.replace("g_once_init_leave(", "publish("))[0]


def test_a_call_through_what_was_never_tested_is_another_rules_finding() -> None:
    assert asked(C + 'int f(void *h)\n{ return ((int (*)(void))dlsym(h, "g"))(); }\n') == ([], [])
    kept = 'int f(void *h)\n{ int (*g)(void) = (int (*)(void))dlsym(h, "g"); return g(); }\n'
    assert asked(C + kept) == ([], [])


def test_only_the_handle_of_the_program_is_certain() -> None:
    opened = 'int f(void)\n{ void *h = dlopen(NULL, RTLD_NOW); return dlsym(h, "x") != 0; }\n'
    assert asked(C + opened)[0] == []
    named = opened.replace("NULL", '"libz.so.1"')
    assert asked(C + named)[0] == [(4, Severity.MEDIUM)]
