"""Comparisons are read from code, watched from outside, and passed; depth is noticed; the user's hooks are asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.fuzzing import FuzzReport
from loadstone.errors import InvalidConfiguration
from loadstone.fuzz import fuzz
from loadstone.fuzz.child.listener import heard
from loadstone.fuzz.child.stack import StackMark
from loadstone.fuzz.code.analyse import analyse
from loadstone.fuzz.code.compare import compare_of
from loadstone.fuzz.plan import Compare, Operand
from loadstone.fuzz.worker.solve import solutions

SOURCE = r"""
#include <stdlib.h>
#include <string.h>
typedef const unsigned char *B; typedef unsigned long N;
#define BREAK (*(volatile int *)24 = 1)
int sized(B d, N n) { if (n >= 8 && *(const unsigned *)d == 0xDEADC0DE
    && *(const unsigned *)(d + 4) == n * 0x01010101u + 7) BREAK; return 0; }
int checksum(B d, N n) { if (n < 6) return 0; unsigned short s = 0;
    for (N i = 2; i < n; i++) s = s * 31 + d[i];
    if (*(const unsigned short *)d == s && d[2] == 'K') BREAK; return 0; }
int keyword(B d, N n) { char b[32]; if (n < 8 || n > 31) return 0;
    memcpy(b, d, n); b[n] = 0; char *value = strchr(b, '='); if (!value) return 0;
    *value++ = 0; if (!strcmp(b, "tablespace") && !strcmp(value, "gamma")) BREAK; return 0; }
static int nest(B *d, B e) { volatile char pad[64]; pad[0] = 1; int depth = 0;
    if (*d < e && **d == '[') { (*d)++; depth = nest(d, e) + 1; if (*d < e && **d == ']') (*d)++; }
    return depth + pad[0] - 1; }
int deep(B d, N n) { B p = d; if (nest(&p, d + n) > 500) BREAK; return 0; }
int sealed(B d, N n) { if (n < 9) return 0; unsigned long long s = 14695981039346656037ull;
    for (N i = 8; i < n; i++) s = (s ^ d[i]) * 1099511628211ull;
    if (memcmp(d, &s, 8)) return 0; if (d[8] == 'F') if (n > 9 && d[9] == 'G') BREAK; return 0; }
int doubled(B d, N n) { return n > 1 && d[0] == 'W' ? 3 : 2 * (int)n; }
struct box { int fed; };
int box_open(struct box **out) { *out = calloc(1, sizeof **out); return *out == 0; }
int box_feed(struct box *b, B d, N n) { if (n && d[0] == '!') b->fed++; if (b->fed > 1) BREAK; return 0; }
void box_close(struct box *b) { free(b); }
"""


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libsolved.so", "-O1", "-w", "-fno-optimize-sibling-calls")


def search(library: Path, name: str, **more: object) -> FuzzReport:
    settings: dict[str, object] = {"time_s": 60.0, "first": True, "seed": 1} | more
    prototype = f"int {name}(const unsigned char *d, unsigned long n)"
    return fuzz(library, prototype, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operands", "left", "right", "width"),
    [
        ("eax, 0x7f", Operand(register="rax"), Operand(0x7F), 4),
        ("byte ptr [rdi + 2], 0x4b", Operand(2, "rdi", memory=True), Operand(0x4B), 1),
        ("word ptr [rdi], ax", Operand(register="rdi", memory=True), Operand(register="rax"), 2),
        ("r9, qword ptr [rip + 0x20]", Operand(register="r9"), Operand(0x1024, "base", memory=True), 8),
        ("dword ptr [rbx + r8*4 - 8], -1", Operand(-8, "rbx", "r8", 4, memory=True), Operand(-1), 4),
        ("cl, r10b", Operand(register="rcx"), Operand(register="r10"), 1),
    ],
)
def test_operands_of_comparisons_are_understood(operands: str, left: Operand, right: Operand, width: int) -> None:
    assert compare_of(0x1000, 4, 0x39, operands) == Compare(0x1000, 0x39, width, left, right)


@pytest.mark.parametrize(
    "operands", ["ah, 1", "eax", "xmm0, xmm1", "dword ptr fs:[0x28], eax", "dword ptr [ecx], 1", ""]
)
def test_operands_that_are_not_understood_are_left_out(operands: str) -> None:
    assert compare_of(0x1000, 4, 0x39, operands) is None


def test_comparing_instructions_of_a_library_are_found_where_its_bytes_are(library: Path) -> None:
    content = library.read_bytes()
    code = analyse(read(content), content)
    assert {c.width for c in code.compares} >= {1, 2, 4, 8}
    assert all(content[c.address] == c.byte for c in code.compares)  # one segment holds the code, at its own offset


@pytest.mark.parametrize(
    ("data", "have", "want", "solved"),
    [
        (b"..GARB..", b"GARB", b"RIFF", b"..RIFF.."),
        (b"\x12\x34..", b"\x34\x12\0\0", b"\x78\x56\0\0", b"\x56\x78.."),  # big-endian, fewer bytes than compared
        (b"a\x05b", b"\x05\0\0\0\0\0\0\0", b"\x40\0\0\0\0\0\0\0", b"a\x40b"),
        (b"abc", b"\x03\0\0\0\0\0\0\0", b"\x05\0\0\0\0\0\0\0", b"abc\0\0"),  # the size was compared
        (b"name=x", b"name", b"title", b"title=x"),
        (b"w=5;", b"\5\0\0\0", b"\x69\x7a\0\0", b"w=31337;"),
        (b"w=;", bytes(4), b"\x69\x7a\0\0", b"w=31337;"),
        (b"#;", bytes(4), b"\xee\xff\xc0\0", b"#c0ffee;"),
    ],
)
def test_what_was_compared_is_put_where_it_came_from(data: bytes, have: bytes, want: bytes, solved: bytes) -> None:
    assert solved in solutions(data, [(have, want)], 64, 1000)
    assert solved in solutions(data, [(want, have)], 64, 1000)


@given(st.binary(max_size=40), st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9))), st.integers(0, 50))
def test_guesses_are_bounded_new_and_distinct(data: bytes, seen: list[tuple[bytes, bytes]], limit: int) -> None:
    made = solutions(data, seen, 40, limit)
    assert len(made) <= max(limit, 1)
    assert len(set(made)) == len(made)
    assert data not in made
    assert all(len(guess) <= 40 for guess in made)


@given(st.text())
def test_nothing_a_library_writes_breaks_what_is_heard(text: str) -> None:
    assert all(left and right for left, right in heard(text))


def test_what_a_listener_wrote_is_heard() -> None:
    assert heard("6162 6364\nnonsense\n61 \n\n00ff 0001") == [(b"ab", b"cd"), (b"\0\xff", b"\0\1")]


def test_the_mark_below_the_stack_is_passed_by_deep_calls_only() -> None:
    mark = StackMark()
    for _ in range(3):
        mark.passed()  # whatever was deeper before is settled
    assert not mark.passed()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sized", "checksum", "keyword", "deep"])
def test_what_chance_would_not_pass_is_passed(name: str, library: Path) -> None:
    (found,) = search(library, name).findings
    assert (found.kind, found.repeated) == ("SIGSEGV", 3)


HOOKS = """
def fixup(data):
    s = 14695981039346656037
    for byte in data[8:]:
        s = (s ^ byte) * 1099511628211 % 2**64
    return s.to_bytes(8, "little") + data[8:]
"""


def test_a_fixup_makes_inputs_acceptable(library: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.py"
    hooks.write_text(HOOKS)
    (found,) = search(library, "sealed", hooks=str(hooks)).findings
    assert found.inputs[-1][8:10] == b"FG"


def test_a_check_judges_results_and_its_program_shows_it(library: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.py"
    hooks.write_text("def check(data, result):\n    return f'{result} is odd\\n' if result % 2 else None\n")
    (found,) = search(library, "doubled", hooks=str(hooks), out=str(tmp_path / "out")).findings
    assert (found.kind, found.detail, found.inputs) == ("check", "3 is odd", (b"W0",))
    hooks.unlink()  # the program has its own copy
    shown = subprocess.run([sys.executable, f"{found.folder}/repro.py"], capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert "3 is odd" in shown.stdout


def test_a_hook_that_fails_is_the_users_error_not_a_finding(library: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.py"
    hooks.write_text("def fixup(data):\n    return data + nowhere\n")
    with pytest.raises(InvalidConfiguration, match="nowhere") as refused:
        search(library, "doubled", hooks=str(hooks))
    assert refused.value.path == str(hooks)
