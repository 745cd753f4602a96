"""Structs by value into callbacks and back, beside what the compiler does: random members, random neighbours."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.tools import needed, unavailable

from loadstone.library import Library
from loadstone.library.typed import fastcall

KINDS = ("signed char", "short", "int", "long", "float", "double", "unsigned char", "unsigned")
COUNT = 80


def members_of(rng: random.Random) -> list[tuple[str, int]]:
    """C types and lengths, 0 for no array."""
    return [(rng.choice(KINDS), rng.choice((0, 0, 0, 2, 3))) for _ in range(rng.randint(1, 4))]


def declared(number: int, rng: random.Random) -> tuple[str, str]:
    """The header and the code of one case: C gives three structs among numbers, and gets one back."""
    header, fields = "", []
    for letter in "abc":
        members = members_of(rng)
        inside = "".join(f"{kind} m{i}{f'[{n}]' if n else ''}; " for i, (kind, n) in enumerate(members))
        header += f"struct {letter}{number} {{ {inside}}};\n"
        fields.append(members)
    numbers = [rng.choice(("int", "double", "float", "long")) for _ in range(3)]
    before = ", ".join(f"{kind} n{i}" for i, kind in enumerate(numbers))
    kind = f"struct a{number} (*f)(struct b{number}, {before}, struct c{number}, struct a{number})"
    call = f"struct a{number} call{number}({kind}, struct a{number} a, struct b{number} b, struct c{number} c)"
    header += f"typedef {kind.replace('(*f)', f'(*t{number})')};\n{call};\n"
    return header, f"{call} {{ return f(b, 1, 2, 3, c, a); }}\n"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Any:
    rng = random.Random(20)
    pairs = [declared(number, rng) for number in range(COUNT)]
    header = "".join(head for head, _ in pairs)
    folder: Path = tmp_path_factory.mktemp("by_value")
    (folder / "given.c").write_text(header + "".join(code for _, code in pairs))
    target = str(folder / "libgiven.so")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-O1", "-o", target, str(folder / "given.c")], check=True)
    return Library(target).load().declare(header)


def filled(kind: Any, start: int) -> Any:
    """A struct with a number of its own in each place."""
    made = kind()
    for name in kind._members_:
        value = getattr(made, name)
        if isinstance(value, (int, float)):
            setattr(made, name, start := start + 1)
        else:
            setattr(made, name, [start := start + 1 for _ in value])
    return made


def told(record: Any) -> list[Any]:
    values = (getattr(record, name) for name in record._members_)
    return [v if isinstance(v, (int, float)) else list(v) for v in values]


@pytest.mark.parametrize("number", range(COUNT))
def test_structs_reach_a_callback_and_come_back(number: int, names: Any) -> None:
    if not fastcall.available() or fastcall.CALLBACK is object:
        unavailable("Python.h", "callbacks that return structs need the extension, and it is not built (Python.h)")
    a, b, c = (filled(getattr(names, f"{letter}{number}"), start) for letter, start in (("a", 0), ("b", 20), ("c", 40)))
    seen: list[Any] = []

    def called(*arguments: Any) -> Any:
        seen.extend(arguments)
        return arguments[-1]

    kept = getattr(names, f"t{number}")(called)
    back = getattr(names, f"call{number}")(kept, a, b, c)
    assert [told(seen[0]), list(seen[1:4]), told(seen[4]), told(seen[5])] == [told(b), [1, 2, 3], told(c), told(a)]
    assert told(back) == told(a)


@pytest.mark.parametrize("number", range(0, COUNT, 4))
@pytest.mark.parametrize("by", ["default", "value", "function"])
def test_c_gets_zeros_or_what_the_author_chose_when_a_callback_raises(
    number: int, by: str, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fastcall.available() or fastcall.CALLBACK is object:
        unavailable("Python.h", "callbacks that return structs need the extension, and it is not built (Python.h)")
    a, b, c = (getattr(names, f"{letter}{number}")() for letter in "abc")
    chosen = a if by == "default" else filled(type(a), 60)
    told_of: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: told_of.append(told.exc_type))

    def called(*_: Any) -> Any:
        raise KeyError("no such thing")

    on_error = {"default": None, "value": chosen, "function": lambda _: chosen}[by]
    kept = getattr(names, f"t{number}")(called, on_error=on_error)
    back = getattr(names, f"call{number}")(kept, filled(type(a), 0), b, c)
    assert told(back) == told(chosen)
    assert told_of == ([] if by == "function" else [KeyError])
