"""Headers written to be misread: gcc agrees on every constant, record and prototype, and nothing is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.headers.gcc_agrees import disagreements
from tests.tools import needed

from loadstone.headers import read_header, read_text

FOLDER = Path(__file__).parent / "treacherous"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.h")))
def test_gcc_agrees_on_all_of_it(name: str, tmp_path: Path) -> None:
    gcc = needed("gcc")  # and the headers of the C library, which come with it
    path = FOLDER / f"{name}.h"
    declared = read_header(str(path))
    assert [str(one) for one in declared.not_taken] == []
    assert disagreements(gcc, path, declared, tmp_path) == []


def test_what_is_commented_out_by_a_continued_line_is_not_declared() -> None:
    declared = read_header(str(FOLDER / "continued.h"))
    assert set(declared.functions) == {"after_comment", "name", "pasted", "last"}
    assert declared.constants == {"TEXT": b"one two", "SPLIT": 3, "HASH": 4, "BLANK_BEHIND": 3}


def test_a_constant_object_without_a_symbol_is_a_constant() -> None:
    declared = read_text(
        "static const int A = 7, B = A + 1; static const float C = 0.1; constexpr unsigned char D = 200;"
        'static const char TEXT[] = "text", *const NAME = "na" "me"; static int counter = 3; int rows[D];'
        "static const struct { int x; } E = { 1 }; extern const int REAL;"
    )
    assert declared.constants == {"A": 7, "B": 8, "C": 0.10000000149011612, "D": 200, "TEXT": b"text", "NAME": b"name"}
    assert declared.variables.keys() == {"rows", "REAL"}
    assert declared.inline.keys() == {"counter", "E"}


def test_what_gcc_folds_without_calling_it_constant_is_worked_out_too() -> None:
    declared = read_text(
        "struct s { char a; struct { int x, y; } c; };\n#define AT ((unsigned long)&((struct s *)0)->c.y)\n"
        "#define ENDLESS (1.0 / 0)\n#define OVER (1e308 * 10)\n#define OFF __extension__ (5)\n"
    )
    assert declared.constants == {"AT": 8, "ENDLESS": float("inf"), "OVER": float("inf"), "OFF": 5}
