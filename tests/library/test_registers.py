"""The one call shape gives every function what a compiler gives it, on both processors it is written for.

A program in C calls each function of random signature twice: as the compiler does, and through ``_registers.h``.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.scale import SCALE

HEADER = Path(__file__).parents[2] / "src/loadstone/library/typed"
MACHINES = {
    "x86-64": (["gcc"], []),
    "AArch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
}
INTEGERS = {f"{sign}int{bits}_t": bits for bits in (8, 16, 32, 64) for sign in ("", "u")}
RESULTS = {"uint64_t": ("q", "integer"), "double": ("d", "real"), "float": ("f", "single")}
PLACES = r"""
static Registers registers; static Word *integer, *real, *stack;
static void begin(void) { integer = registers.integers; real = registers.floats; stack = registers.stack; }
static Shape shape(void) {
    return stack != registers.stack ? ALL : real != registers.floats ? IN_REGISTERS : ONLY_INTEGERS;
}
static Word *next_integer(void) { return integer < registers.integers + INTEGERS ? integer++ : stack++; }
static Word *next_real(void) { return real < registers.floats + FLOATS ? real++ : stack++; }
"""


def _value(kind: str, chance: random.Random) -> str:
    if kind in ("float", "double"):
        return chance.choice(["0.0", "-0.0", "1.5", "-1e-40", "1e30", repr(chance.uniform(-1e6, 1e6))])
    bits = INTEGERS[kind]
    number = chance.choice([0, 1, (1 << bits) - 1, 1 << bits - 1, chance.getrandbits(bits)])
    return f"({kind}){number}ull"


def _taken(chance: random.Random) -> list[str]:
    """The types of up to 20 parameters, of which no more than fit go to the stack on either machine."""
    taken: list[str] = []
    for kind in (chance.choice([*INTEGERS, "float", "double"]) for _ in range(chance.randint(0, 20))):
        reals = sum(k in ("float", "double") for k in (*taken, kind))
        if max(0, len(taken) + 1 - reals - 6) + max(0, reals - 8) <= 8:
            taken.append(kind)
    return taken


def _function(name: str, result: str, taken: list[str]) -> str:
    """It mixes every bit of its arguments."""
    listed = ", ".join(f"{kind} a{i}" for i, kind in enumerate(taken)) or "void"
    mixed = "".join(f"w = 0; memcpy(&w, &a{i}, sizeof a{i}); h = (h ^ w) * 1099511628211u; " for i in range(len(taken)))
    back = "h" if result == "uint64_t" else f"({result})(int64_t)(h >> 20)"
    begin = f"__attribute__((noinline)) static {result} {name}({listed})"
    return f"{begin} {{ uint64_t w, h = 14695981039346656037u; {mixed}return {back}; }}"


def _call(name: str, result: str, taken: list[str], chance: random.Random) -> str:
    values = [_value(kind, chance) for kind in taken]
    placed = "".join(_placed(kind, value) for kind, value in zip(taken, values, strict=True))
    letter, member = RESULTS[result]
    ours = f"call_with((uintptr_t){name}, &registers, shape(), '{letter}').{member}"
    return f'begin(); {placed} if ({ours} != {name}({", ".join(values)})) {{ puts("{name}"); wrong++; }}'


def _program(chance: random.Random, count: int) -> str:
    functions, calls = [], []
    for number in range(count):
        name, result, taken = f"f{number}", chance.choice(list(RESULTS)), _taken(chance)
        functions.append(_function(name, result, taken))
        calls.append(_call(name, result, taken, chance))
    body = "\n    ".join(calls)
    return f"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "_registers.h"
{PLACES}
{chr(10).join(functions)}
int main(void) {{
    int wrong = 0;
    {body}
    printf("%d wrong\\n", wrong);
    return wrong != 0;
}}
"""


def _placed(kind: str, value: str) -> str:
    if kind == "double":
        return f"next_real()->real = {value};"
    if kind == "float":
        return f"{{ Word *w = next_real(); w->integer = 0; w->single = {value}; }}"
    return f"next_integer()->integer = (uint64_t){'(int64_t)' if kind[0] == 'i' else ''}{value};"


@pytest.mark.parametrize("level", [pytest.param("-O0", marks=pytest.mark.slow), "-O2"])
@pytest.mark.parametrize("machine", MACHINES)
def test_random_signatures_are_called_as_the_compiler_calls_them(machine: str, level: str, tmp_path: Path) -> None:
    compiler, emulator = MACHINES[machine]
    source, program = tmp_path / "calls.c", tmp_path / "calls"
    source.write_text(_program(random.Random(level), 100 * min(SCALE, 10)))
    needed(" ".join(compiler))
    command = [*compiler, level, "-w", f"-I{HEADER}", "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    run = [*(needed(word) for word in emulator), str(program)]
    told = subprocess.run(run, capture_output=True, text=True, check=False, timeout=120).stdout
    assert told.endswith("0 wrong\n"), told
