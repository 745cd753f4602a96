"""The preprocessor against ``gcc -E``: the same tokens, whatever the macros do."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from tests.tools import needed

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_text
from loadstone.headers.abi import current
from loadstone.headers.preprocessor import Preprocessor
from loadstone.headers.search import IncludePath
from loadstone.headers.tokens import tokens_of

CASES = {
    "object": "#define A 1\n#define B A + A\nB",
    "function": "#define F(x, y) x y\nF(1, 2) F((1, 2), 3) F F(,)",
    "nested": "#define F(x) G(x)\n#define G(x) [x]\nF(F(1))",
    "recursive": "#define f(x) x f\nf(1)(2)\n#define g g + 1\ng",
    "indirect recursion": "#define x y\n#define y x\nx y",
    "prosser": "#define x 3\n#define f(a) f(x * (a))\n#undef x\n#define x 2\n#define g f\n#define z z[0]\n"
    "#define h g(~\n#define m(a) a(w)\n#define w 0,1\n#define t(a) a\nf(y+1) + f(f(z)) % t(t(g)(0) + t)(1);\n"
    "g(x+(3,4)-w) | h 5) & m\n(f)^m(m);",
    "stringing": '#define S(x) #x\nS(a  b) S("q\\n") S(\'"\') S()',
    "variadic stringing": "#define S(...) #__VA_ARGS__\nS(a, b) S()",
    "pasting": "#define P(a, b) a ## b\nP(x, 1) P(1, 2) P(, x) P(x,) P(+, +)",
    "paste does not expand": "#define A 1\n#define P(a) a ## _x a\nP(A)",
    "paste then rescan": "#define AB 7\n#define P(a, b) a ## b\nP(A, B)",
    "named variadic": "#define L(f, a...) f(a)\nL(x) L(x, 1) L(x, 1, 2)",
    "comma swallowed": "#define L(f, ...) g(f, ## __VA_ARGS__)\nL(a) L(a, b) L(a, b, c)",
    "va_opt": "#define L(f, ...) g(f __VA_OPT__(,) __VA_ARGS__)\nL(a) L(a, b)",
    "lines": "#define F(a, b) a-b\nF(1,\n  2\n)\nF(\n3, 4)",
    "continued": "#define LONG 1 + \\\n  2\nLONG\nin\\\nt x;",
    "comments": '#define C 1 /* a\nb */ + 2\nC // x\n/* # */ #define D 3\nD "/* no */" \'"\'',
    "conditionals": "#if 1\na\n#elif 1\nb\n#else\nc\n#endif\n#if 0\n#if 1\nd\n#endif\n#else\ne\n#endif",
    "elif after true": "#if 1\na\n#elif (1/0)\nb\n#endif",
    "features": "#define HAS __has_attribute\n"
    "#if defined __has_attribute && HAS(__packed__) && HAS(noreturn) && !HAS(nosuch)\n"
    "a\n#endif\n#ifdef __has_builtin\n#if __has_builtin(__builtin_expect) && !__has_builtin(nosuch)\nb\n#endif\n#endif",
    "defined": "#define X\n#if defined X && defined(X) && !defined Y\nok\n#endif\n#ifndef Y\nok2\n#endif",
    "arithmetic": "#if -1 > 0u\na\n#endif\n#if (2 || 1/0) && 07 == 7 && 'a' == 97 && 0x10 >> 2 == 4\nb\n#endif\n"
    "#if 1 ? 2 : (3/0)\nc\n#endif",
    "unknown is zero": "#if NOTHING\na\n#else\nb\n#endif",
    "undef": "#define A 1\n#undef A\nA\n#undef B\n#define A 2\nA",
    "counter": "__COUNTER__ __COUNTER__",
    "line": "\n\n__LINE__",
    "empty": "#\n#define E\nE a E b E",
    "hidden call": "#define CALL(f, x) f(x)\n#define ID(x) x\nCALL(ID, 3) ID(CALL)(ID, 4)",
    "parenthesis apart": "#define F(x) <x>\nF (1) F\n(2) F",
    "digraph of hash": "%:define A 5\nA",
    "numbers": "#define e 9\n0x1e 1e+5 1.e .5f 0b11 1'000",
    "separators": "int a[1'000]; /* it's */ int b; 0x1'f // '\nu8'a' /* ' */ c",
    "never closed": "#if 0\ndon't /* this is no comment\n\"nor /* this\n#endif\nafter",
}


def tokens(text: str) -> list[str]:
    unit = Preprocessor(current(), IncludePath(), {})
    unit.read(text, "", None)
    return [t.text for t in unit.output if t.kind != "pragma"]


@pytest.mark.parametrize("name", CASES)
def test_the_tokens_are_those_of_gcc(name: str, tmp_path: Path) -> None:
    text = CASES[name]
    (tmp_path / "case.c").write_text(text + "\n")
    command = [needed("gcc"), "-E", "-P", "-std=gnu2x", str(tmp_path / "case.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = [t.text for line in done.stdout.splitlines() for t in tokens_of(line, "", 1)]
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#error this is wrong", "this is wrong"),
        ("/* never closed", "never closed"),
        ("\n".join(f"#define A{i + 1} A{i} A{i}" for i in range(40)) + "\nint x[] = { A40 };", "more than"),
    ],
    ids=["error", "comment", "laughs"],
)
def test_what_cannot_be_followed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidPrototype, match=reason):
        read_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "#define F(x) x\n" + "F(" * 20_000,
        "#define C(a, b) a##b\n" + "C(a," * 20_000,
        "".join(f"#define A{n} A{n - 1}\n" for n in range(1, 3000)) + "A2999",
        "#define A 1\n" + "".join(f"#define A{n}(x) A{n - 1}(x)\n" for n in range(1, 3000)) + "A2999(1)" * 99,
    ],
    ids=["calls never closed", "pastes never closed", "deep", "deep calls"],
)
def test_the_work_macros_make_is_bounded_by_the_length_of_the_text(text: str) -> None:
    """Each token that is made or looked at again counts, and so does what is hidden from it, which is copied."""
    unit = Preprocessor(current(), IncludePath(), {})
    with suppress(InvalidPrototype):
        unit.read(text, "", None)
    assert len(text) < unit._made < 30 * len(text) + 200_000


def test_a_literal_that_is_never_closed_is_one_token() -> None:
    """Each quote of it tried again as the beginning of another made the reading quadratic."""
    assert [t.text for t in tokens_of('a "' + '\\"' * 9, "", 1)] == ["a", '"' + '\\"' * 9]
    assert [t.text for t in tokens_of("a '" + "\\'" * 9, "", 1)] == ["a", "'" + "\\'" * 9]


def test_a_header_that_is_not_there_is_listed_and_spoils_nothing() -> None:
    declared = read_text('#include <no/such/header.h>\n#include "nor_this.h"\nint f(void);')
    assert list(declared.functions) == ["f"]
    assert ["no/such/header.h" in one.name or "nor_this.h" in one.name for one in declared.not_taken] == [True, True]


def test_headers_that_include_each_other_for_ever_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text('#include "b.h"\n')
    (tmp_path / "b.h").write_text('#include "a.h"\n')
    with pytest.raises(InvalidPrototype, match=r"200 deep|nested too deeply"):
        read_text('#include "a.h"', include=[str(tmp_path)])


@pytest.mark.parametrize(
    "expression", ["sizeof(M) - 1", "sizeof M", 'sizeof("") + sizeof(int)', 'sizeof "a\\0b" * 2', 'sizeof("a" M)']
)
def test_the_size_of_a_text_is_that_of_the_compiler(expression: str) -> None:
    head = '#define M "ab" "c\\x41"\n'
    code = f'{head}_Static_assert(({expression}) == %d, "size");\n'
    struct = read_text(f"{head}struct s {{ char b[{expression}]; }};\n").records["struct s"]
    assert struct.members is not None
    length = getattr(struct.members[0].type, "length")  # noqa: B009  an array's
    command = [needed("gcc"), "-fsyntax-only", "-x", "c", "-"]
    subprocess.run(command, input=code % length, text=True, check=True)
