"""Structs by value are given, taken and returned as the compiler does it, on both processors.

A program in C makes calls of random signature by ``_structs.h``, with the words that ``carriers.py`` says of each
struct, and lets the compiler call a stub of ``_trampolines.h``.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import needed
from tests.library.test_registers import HEADER, MACHINES
from tests.scale import SCALE

from loadstone.headers import read_text
from loadstone.headers.abi import AARCH64, X86_64, DataModel
from loadstone.headers.layout import Layouts
from loadstone.headers.types import StructOrUnion
from loadstone.library.typed.carriers import words_of

ABIS = {"x86-64": X86_64, "AArch64": AARCH64}
SCALARS = {"char": "i", "short": "i", "int": "i", "long": "i", "float": "d", "double": "d"}
COUNT = 100

_BEGIN = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "_structs.h"
#include "_trampolines.h"
enum { MOST = 12, LARGEST = 256 };
typedef struct { const char *words; size_t size; const unsigned char *mask; } Type; /* words: "" of no struct */
typedef struct { Type result; int count; Type each[MOST]; } Signature;
static const Signature *now;
static unsigned char answer[LARGEST], seen[MOST][LARGEST];
static void fill(void *p, size_t n) { for (size_t i = 0; i < n; i++) ((unsigned char *)p)[i] = rand() >> 7; }
/* The bytes between members are anything. */
static int differs(const void *a, const void *b, const Type *type) {
    for (size_t i = 0; i < type->size; i++)
        if ((((const unsigned char *)a)[i] ^ ((const unsigned char *)b)[i]) & type->mask[i]) return 1;
    return 0;
}
static int is_struct(const Type *type) { return type->words[0] != 'I' && type->words[0] != 'D'; }
static Word *next_place(Places *places, const Type *type) {
    return type->words[0] == 'D' ? next_real(places) : next_integer(places);
}
void loadstone_enter_callback(int number, Frame *frame, Word *stack) {
    Places places = places_of(frame->integers, frame->floats, stack);
    memset(&frame->result, 0, sizeof frame->result);
    const Type *back = &now->result;
    const int by_memory = is_struct(back) && in_memory(back->words);
    if (by_memory) { frame->result.integers[0] = struct_place(frame); places.integer += PLACE_IS_ARGUMENT; }
    for (int i = 0; i < now->count; i++) {
        const Type *type = &now->each[i];
        if (is_struct(type)) struct_taken(&places, type->words, type->size, seen[i]);
        else memcpy(seen[i], next_place(&places, type), type->size);
    }
    if (by_memory) memcpy((void *)(uintptr_t)struct_place(frame).integer, answer, back->size);
    else if (is_struct(back)) {
        Places result = places_of_result(&frame->result);
        struct_given(&result, back->words, back->size, answer);
    } else memcpy(back->words[0] == 'D' ? frame->result.floats : frame->result.integers, answer, back->size);
}
/* The call by the extension's places; 0 where it leaves the call to ctypes. */
static int called(uintptr_t address, void *const *given, void *back) {
    Registers registers; memset(&registers, 0, sizeof registers);
    Places places = places_of(registers.integers, registers.floats, registers.stack);
    const Type *type = &now->result;
    if (is_struct(type) && in_memory(type->words)) {
        if (!PLACE_IS_ARGUMENT) return 0;
        next_integer(&places)->integer = (uintptr_t)back;
    }
    for (int i = 0; i < now->count; i++) {
        const Type *of = &now->each[i];
        if (of->words[0] == 'r' || places.stack + (of->size + 7) / 8 - registers.stack > STACK) return 0;
        if (is_struct(of)) struct_given(&places, of->words, of->size, given[i]);
        else memcpy(next_place(&places, of), given[i], of->size);
    }
    Shape shape = places.stack != registers.stack ? ALL
        : places.real != registers.floats ? IN_REGISTERS : ONLY_INTEGERS;
    if (!is_struct(type)) {
        Word word = call_with(address, &registers, shape, type->words[0] != 'D' ? 'q' : type->size == 4 ? 'f' : 'd');
        memcpy(back, &word, type->size);
    } else if (in_memory(type->words)) (void)call_with(address, &registers, shape, 'v');
    else {
        Result result = call_for_struct(address, &registers, shape, type->words);
        Places from = places_of_result(&result);
        struct_taken(&from, type->words, type->size, back);
    }
    return 1;
}
static int wrong, direct;
"""


def record(number: int, chance: random.Random) -> tuple[str, list[str]]:
    """A struct, or a union, and its members."""
    alike = chance.random() < 0.35
    one = chance.choice(("float", "double"))
    kinds = [one if alike else chance.choice(list(SCALARS)) for _ in range(chance.randint(1, 5))]
    lengths = [chance.choice(("", "", "", "[2]", "[3]")) for _ in kinds]
    inside = "".join(f"{kind} m{i}{n}; " for i, (kind, n) in enumerate(zip(kinds, lengths, strict=True)))
    word = "union" if chance.random() < 0.1 else "struct"
    return f"{word} s{number} {{ {inside}}};", [f"m{i}" for i in range(len(kinds))]


def function(number: int, types: Sequence[str]) -> str:
    """A function that keeps what it was given, its type, and the two comparisons."""
    result, *given = types
    listed = ", ".join(f"{kind} a{i}" for i, kind in enumerate(given)) or "void"
    kept = "".join(f"memcpy(seen[{i}], &a{i}, sizeof a{i}); " for i in range(len(given)))
    names = ", ".join(f"a{i}" for i in range(len(given)))
    made = "".join(f"{kind} a{i}; fill(&a{i}, sizeof a{i}); " for i, kind in enumerate(given))
    places = ", ".join(f"&a{i}" for i in range(len(given))) or "0"
    check = "".join(f"bad += differs(seen[{i}], &a{i}, &now->each[{i}]); " for i in range(len(given)))
    check += "bad += differs(answer, &r, &now->result); "
    stub = number * 7 % 1024
    return (
        f"__attribute__((noinline)) static {result} f{number}({listed}) "
        f"{{ {result} r; {kept}memcpy(&r, answer, sizeof r); return r; }}\n"
        f"static void try{number}(void) {{ now = &signature{number}; int bad = 0; {made}{result} r;\n"
        f"  fill(answer, sizeof r); void *given[] = {{{places}}}; memset(seen, 0, sizeof seen);\n"
        f"  if (called((uintptr_t)f{number}, given, &r)) {{ direct++; {check}}}\n"
        f"  memset(seen, 0, sizeof seen);\n"
        f"  r = (({result} (*)({listed}))(loadstone_stubs + STUB_SIZE * {stub}))({names}); {check}"
        f'  if (bad) {{ puts("{number}: {result} ({listed})"); wrong++; }} }}\n'
    )


def described(kind: str, layouts: Layouts) -> str:
    if kind in SCALARS:
        return f'{{"{SCALARS[kind].upper()}", sizeof({kind}), all}}'
    word, tag = kind.split()
    of: Any = StructOrUnion(word, tag)
    return f'{{"{words_of(of, layouts)}", sizeof({kind}), mask_{tag}}}'


def program(chance: random.Random, abi: DataModel, count: int) -> str:
    records = [record(number, chance) for number in range(40)]
    text = "\n".join(head for head, _ in records)
    layouts = Layouts(read_text(text, abi=abi).records, abi)
    names = [" ".join(head.split()[:2]) for head, _ in records]
    parts = [_BEGIN, text, "static unsigned char all[8];"]
    parts += [f"static unsigned char mask_{name.split()[1]}[sizeof({name})];" for name in names]
    run = ["memset(all, 255, sizeof all);"]
    for name, (_, members) in zip(names, records, strict=True):
        tag = name.split()[1]
        run += [f"memset(&(({name} *)mask_{tag})->{member}, 255, sizeof(({name} *)0)->{member});" for member in members]
    for number in range(count):
        scalars = chance.choice((list(SCALARS), ["double", "float"]))
        types = [chance.choice(names if chance.random() < 0.4 else scalars) for _ in range(chance.randint(1, 13))]
        each = ", ".join(described(kind, layouts) for kind in types[1:]) or "{0}"
        signature = f"{{{described(types[0], layouts)}, {len(types) - 1}, {{{each}}}}}"
        parts.append(f"static const Signature signature{number} = {signature};")
        parts.append(function(number, types))
        run.append(f"try{number}();")
    body = "\n".join(run)
    return "\n".join(
        [*parts, f'int main(void) {{ {body}\nprintf("%d direct, %d wrong\\n", direct, wrong); return wrong; }}']
    )


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("machine", MACHINES)
def test_structs_lie_where_the_compiler_puts_them(machine: str, level: str, tmp_path: Path) -> None:
    compiler, emulator = MACHINES[machine]
    needed(" ".join(compiler))
    source, made = tmp_path / "structs.c", tmp_path / "structs"
    count = COUNT * min(SCALE, 10)
    source.write_text(program(random.Random(level + machine), ABIS[machine], count))
    command = [*compiler, level, "-w", "-fno-strict-aliasing", f"-I{HEADER}", "-o", str(made), str(source)]
    subprocess.run(command, check=True)
    run = [*(needed(word) for word in emulator), str(made)]
    told = subprocess.run(run, capture_output=True, text=True, check=False, timeout=120).stdout
    direct, wrong = (int(word.split()[0]) for word in told.splitlines()[-1].split(", "))
    assert wrong == 0, told
    assert direct > count // 4  # most of the rest has more on the stack than there are words
