"""Whatever is in a source file, review answers: no exception, within its time, and of lines that are there."""

from __future__ import annotations

import pytest
from tests.review.mutants import MUTANTS, mutant
from tests.scale import FULL, sample

from loadstone.core.claims import Location, LocationUnit
from loadstone.review.batch import Batch, BatchOutcome, SourceFile, review_batch
from loadstone.review.ir import Language

_SECONDS = 60.0  # that it ends is asked here, on a slow machine with coverage too; alone each takes a second or two
_SHARES = 8


def ask(source: SourceFile) -> BatchOutcome:
    return review_batch(Batch((source,), _SECONDS))


def unfinished(outcome: BatchOutcome) -> list[str]:
    return [limit.message for limit in outcome.limits if "not finished" in limit.message]


def is_inside(place: Location, lines: int) -> bool:
    return place.unit is LocationUnit.LINES and 0 <= place.start <= place.end <= lines


@pytest.mark.slow
@pytest.mark.parametrize("share", range(_SHARES))
def test_damaged_source_is_answered(share: int) -> None:
    for number in sample(range(share, MUTANTS, _SHARES), 60):
        source = mutant(number)
        outcome = ask(source)
        lines = source.content.count(b"\n") + source.content.count(b"\r") + 1
        places = [place for r in outcome.results for place in (r.claim.location, *(s.location for s in r.claim.why))]
        assert not unfinished(outcome), number
        assert all(is_inside(place, lines) for place in places), number


DEEP = 5_000

NESTED = {
    "parentheses": (Language.C, "int f(void) { return " + "(" * DEEP + "1" + ")" * DEEP + "; }\n"),
    "blocks": (Language.C, "void f(void) " + "{" * DEEP + "dlclose(h);" + "}" * DEEP + "\n"),
    "conditions": (Language.C, "void f(void) { " + "if (x) {" * DEEP + "dlclose(h);" + "}" * DEEP + "}\n"),
    "branches": (Language.C, "#if X\n" * DEEP + "void *h = dlopen(p, 1);\n" + "#endif\n" * DEEP),
    "negations": (Language.CPP, "bool f() { return " + "!" * DEEP + "dlopen(p, 1); }\n"),
    "templates": (Language.CPP, "A<" * DEEP + "int" + ">" * DEEP + " x = dlopen(p, 1);\n"),
    "calls": (Language.PYTHON, "import ctypes\nx = " + "f(" * DEEP + "ctypes.CDLL('x')" + ")" * DEEP + "\n"),
    "lists": (Language.PYTHON, "import ctypes\nx = " + "[" * DEEP + "]" * DEEP + "\nctypes.CDLL(x)\n"),
    "attributes": (Language.PYTHON, "import ctypes\nctypes" + ".a" * DEEP + "\n"),
    "chains": (Language.PYTHON, "import ctypes\nlib = x" + ".f(x)[0].b" * 40 + "\n"),
    "sums": (Language.PYTHON, "import ctypes\nx = ctypes.CDLL(" + "+".join(["a"] * DEEP) + ")\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NESTED)
def test_five_thousand_levels_are_answered(name: str) -> None:
    language, text = NESTED[name]
    assert not unfinished(ask(SourceFile(f"deep.{language.value}", language, text.encode())))


@pytest.mark.parametrize("language", Language)
def test_bytes_that_are_no_text_are_answered(language: Language) -> None:
    noise = bytes(range(256)) * 40
    lines = b"import ctypes\n" if language is Language.PYTHON else b"void *h = dlopen(p, 1);\n"
    assert not unfinished(ask(SourceFile("noise", language, lines + noise + b"\n" + lines)))


LENGTH = 2_000_000 if FULL else 40_000  # a second alone, ten times that where coverage is on

ONE_LINE = {
    "calls": (Language.C, "void f(void){", "h=dlopen(p,1);", "}"),
    "arguments": (Language.C, "void f(void){dlopen(", "a,", "1);}"),
    "sums": (Language.CPP, "auto x = dlopen(p,1)", "+a", ";"),
    "initialisers": (Language.C, 'void f(void){dlopen("x",1);} int t[]={', "1,", "};"),
    "string": (Language.C, 'void f(void){dlopen("', "x", '",1);}'),
    "statements": (Language.PYTHON, "import ctypes;", "a.b(c)[d]=ctypes.CDLL(p);", ""),
    "items": (Language.PYTHON, "import ctypes;x=[", "1,", "]"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_LINE)
def test_one_long_line_is_answered(name: str) -> None:
    language, before, repeated, after = ONE_LINE[name]
    text = before + repeated * (LENGTH // len(repeated)) + after
    assert not unfinished(ask(SourceFile(f"long.{language.value}", language, text.encode())))
