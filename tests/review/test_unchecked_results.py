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
