"""The code that every callback starts with hands over what C gave and gives back what was answered, on both processors.

A program in C calls function pointers of random signature: the stub of ``_trampolines.h``, with a
``loadstone_enter_callback`` of its own that takes the arguments from the frame as the extension does.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from tests.conftest import needed
from tests.library.test_registers import HEADER, MACHINES, _taken, _value
from tests.scale import SCALE

_BEGIN = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "_trampolines.h"
enum { MOST = 24 };
static const char *kinds;        /* of the call under way: r for a floating argument */
static uint64_t seen[MOST];      /* its arguments, as the frame had them */
static uint64_t answer;
static int number_seen;
void loadstone_enter_callback(int number, Frame *frame, Word *stack)
{
    int integers = 0, floats = 0;
    for (int i = 0; kinds[i]; i++) {
        if (kinds[i] == 'r')
            seen[i] = (floats < FLOATS ? frame->floats[floats++] : *stack++).integer;
        else
            seen[i] = (integers < INTEGERS ? frame->integers[integers++] : *stack++).integer;
    }
    number_seen = number;
    memset(frame->result.integers, 0, sizeof frame->result.integers);
    frame->result.integers[0].integer = answer;
    memset(frame->result.floats, 0, sizeof frame->result.floats);
    frame->result.floats[0].integer = answer;
}
static uint64_t bits(const void *value, size_t size) { uint64_t w = 0; memcpy(&w, value, size); return w; }
/* Of a register that holds less than 64 bits the rest is anything. */
static int differs(const void *value, size_t size, int i) { return memcmp(value, &seen[i], size) != 0; }
#define CODE(number) (void *)(loadstone_stubs + STUB_SIZE * (number))
"""
_RESULTS = ("uint64_t", "int32_t", "double", "float")


def _call(number: int, chance: random.Random) -> str:
    """One call of one stub, and the comparison of all that went in and came out."""
    taken, result = _taken(chance), chance.choice(_RESULTS)
    letters = "".join("r" if kind in ("float", "double") else "i" for kind in taken)
    given = "".join(f"{kind} a{i} = {_value(kind, chance)}; " for i, kind in enumerate(taken))
    stub = chance.choice((0, 1, 1023, chance.randrange(1024)))
    back = {"double": "2.5", "float": "-0.25f"}.get(result, str(chance.getrandbits(31)))
    compared = "".join(f"wrong += differs(&a{i}, sizeof a{i}, {i}); " for i in range(len(taken)))
    pointer = f"(({result} (*)({', '.join(taken) or 'void'}))CODE({stub}))"
    return (
        f'static int call_{number}(void) {{ int wrong = 0; {given} {result} back = {back}; kinds = "{letters}"; '
        f"answer = bits(&back, sizeof back); "
        f"{result} got = {pointer}({', '.join(f'a{i}' for i in range(len(taken)))}); {compared} "
        f'wrong += got != back || number_seen != {stub}; if (wrong) puts("call_{number}"); return wrong; }}'
    )


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_stub_hands_over_what_c_gave(machine: str, level: str, tmp_path: Path) -> None:
    compiler, emulator = MACHINES[machine]
    needed(" ".join(compiler))
    chance, count = random.Random(level), 100 * min(SCALE, 10)
    calls = "\n".join(_call(number, chance) for number in range(count))
    body = " + ".join(f"call_{number}()" for number in range(count))
    source, program = tmp_path / "stubs.c", tmp_path / "stubs"
    end = f'int main(void) {{ int wrong = {body}; printf("%d wrong\\n", wrong); return wrong != 0; }}'
    source.write_text(f"{_BEGIN}\n{calls}\n{end}\n")
    subprocess.run([*compiler, level, "-w", f"-I{HEADER}", "-o", str(program), str(source)], check=True)
    run = [*(needed(word) for word in emulator), str(program)]
    told = subprocess.run(run, capture_output=True, text=True, check=False, timeout=120).stdout
    assert told.endswith("0 wrong\n"), told
