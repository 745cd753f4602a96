"""Layouts against what compilers lay out: thousands of random records, each on four platforms."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.headers.random_records import PRELUDE, Made, records

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_text
from loadstone.headers.abi import AARCH64, I386, WINDOWS_X64, X86_64, DataModel
from loadstone.headers.layout import Layouts
from loadstone.headers.types import StructOrUnion

HEAD = "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\nstruct later;"
COUNT = 2000


def program(made: list[Made]) -> str:
    """Prints size, alignment and offsets of every record, and the bytes that hold each bit field."""
    parts = [HEAD, PRELUDE, "static void dump(const void *p, size_t n) { const unsigned char *b = p; putchar(' ');"]
    parts.append("for (size_t i = 0; i < n; i++) printf(\"%02x\", b[i]); putchar('.'); }")
    for one in made:
        parts.append(one.text)
        name = f"{one.kind} {one.tag}"
        parts.append(f"static void show_{one.tag}(void) {{ static {name} v;")
        parts.append(f'printf("%zu %zu", sizeof({name}), _Alignof({name}));')
        parts.extend(f'printf(" %zu", offsetof({name}, {member}));' for member in one.plain)
        parts.extend(
            f"memset(&v, 0, sizeof v); v.{member} = {1 if member in one.booleans else -1}; dump(&v, sizeof v);"
            for member in one.bits
        )
        parts.append("putchar('\\n'); }")
    parts.append("int main(void) {")
    parts.extend(f"show_{one.tag}();" for one in made)
    return "\n".join([*parts, "return 0; }"])


def expected(one: Made, layouts: Layouts) -> str:
    record = StructOrUnion(one.kind, one.tag)
    layout = layouts.of(record)
    where = {name: (offset, bit, width) for name, offset, bit, width in flat(layouts, record)}
    words = [str(layout.size), str(layout.align), *(str(where[name][0]) for name in one.plain)]
    for name in one.bits:
        _, bit, width = where[name]
        mask = ((1 << width) - 1) << bit
        words.append(mask.to_bytes(layout.size, "little").hex() + ".")
    return " ".join(words)


def flat(layouts: Layouts, record: StructOrUnion, base: int = 0) -> Iterator[tuple[str, int, int, int]]:
    for spot in layouts.of(record).spots:
        if spot.member.name:
            yield spot.member.name, base + spot.offset, 8 * base + spot.bit, spot.width
        elif isinstance(spot.member.type, StructOrUnion):
            yield from flat(layouts, spot.member.type, base + spot.offset)


def compare(made: list[Made], said: list[str], abi: DataModel, prefix: str = "") -> None:
    text = "struct later;" + prefix + PRELUDE + "\n".join(one.text for one in made)
    layouts = Layouts(read_text(text, abi=abi).records, abi)
    wrong: list[str] = []
    refused = 0
    for one, theirs in zip(made, said, strict=True):
        try:
            ours = expected(one, layouts)
        except InvalidPrototype:
            refused += 1
            continue
        if ours != theirs:
            wrong.append(f"{one.text}\n  the compiler: {theirs}\n  ours:         {ours}")
    assert refused <= len(made) // 50
    assert not wrong, f"{len(wrong)} of {len(made)}:\n" + "\n".join(wrong[:3])


def run(tmp_path: Path, made: list[Made], compiler: list[str], runner: list[str]) -> list[str]:
    (tmp_path / "records.c").write_text(program(made))
    target = tmp_path / "records"
    subprocess.run([*compiler, "-w", "-O0", "-o", str(target), str(tmp_path / "records.c")], check=True)
    done = subprocess.run([*runner, str(target)], check=True, capture_output=True, text=True)
    return done.stdout.replace("\n ", " ").splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("abi", "compiler", "runner"),
    [
        (X86_64, ["gcc"], []),
        (X86_64, ["clang"], []),
        (I386, ["gcc", "-m32"], []),
        (AARCH64, ["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
    ],
    ids=["x86-64", "x86-64 by clang", "i386", "aarch64"],
)
def test_random_records_lie_as_the_compiler_has_them(
    abi: DataModel, compiler: list[str], runner: list[str], tmp_path: Path
) -> None:
    for tool in (" ".join(compiler), *runner):
        needed(tool)
    made = records(20, COUNT, abi)
    compare(made, run(tmp_path, made, compiler, runner), abi)


@pytest.mark.slow
def test_random_records_lie_as_microsofts_rules_have_them(tmp_path: Path) -> None:
    """GCC's ``ms_struct`` for bit fields, on this machine, where the bytes can be looked at."""
    needed("gcc")
    made = records(21, COUNT, X86_64, microsoft=True)
    said = run(tmp_path, made, ["gcc", "-mms-bitfields"], [])
    compare(made, said, X86_64, "\n#pragma ms_struct on\n")


@pytest.mark.slow
def test_random_records_have_the_sizes_and_offsets_of_windows(tmp_path: Path) -> None:
    """Compiled for Windows and never run: the object file is made only if every assertion holds."""
    compiler = needed("x86_64-w64-mingw32-gcc")
    made = records(22, COUNT, WINDOWS_X64, microsoft=True)
    text = "struct later;" + PRELUDE + "\n".join(one.text for one in made)
    layouts = Layouts(read_text(text, abi=WINDOWS_X64).records, WINDOWS_X64)
    parts = [HEAD, PRELUDE]
    for one in made:
        parts.append(one.text)
        try:
            layout, name = layouts.of(StructOrUnion(one.kind, one.tag)), f"{one.kind} {one.tag}"
        except InvalidPrototype:
            continue
        where = {member: offset for member, offset, _, _ in flat(layouts, StructOrUnion(one.kind, one.tag))}
        parts.append(f'_Static_assert(sizeof({name}) == {layout.size} && _Alignof({name}) == {layout.align}, "");')
        parts.extend(f'_Static_assert(offsetof({name}, {m}) == {where[m]}, "{m}");' for m in one.plain)
    (tmp_path / "records.c").write_text("\n".join(parts))
    done = subprocess.run(
        [compiler, "-w", "-c", "-o", str(tmp_path / "records.o"), str(tmp_path / "records.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.parametrize(
    ("text", "abi"),
    [
        ("struct eight { int a, b; }; struct s { _Atomic struct eight m[2]; };", X86_64),
        ("typedef _Atomic(struct { int a, b; }) eight; struct s { eight m[2]; };", X86_64),
        ("struct s { char c; _Atomic double m; };", I386),
    ],
)
def test_atomic_members_that_compilers_lay_out_differently_are_refused(text: str, abi: DataModel) -> None:
    with pytest.raises(InvalidPrototype, match="out differently"):
        read_text(text, abi=abi)


def test_what_is_atomic_or_aligned_does_not_align_a_pointer_to_it() -> None:
    text = "#include <stdatomic.h>\ntypedef int over __attribute__((aligned(16))); struct pair { int a, b; };"
    text += "struct s { char c; over *p[2]; }; struct t { char c; _Atomic struct pair m; atomic_int n; };"
    layouts = Layouts(read_text(text, abi=X86_64).records, X86_64)
    assert [layouts.measure(StructOrUnion("struct", tag)) for tag in "st"] == [(24, 8), (24, 8)]
