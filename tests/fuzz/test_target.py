"""What each argument is for: by its type, by name, or refused with what to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.errors import InvalidPrototype, NotFound, SymbolNotFound, WrongSymbolKind
from loadstone.fuzz import fuzz
from loadstone.fuzz.plan import Argument, CallPlan, Heap, Job, Role
from loadstone.fuzz.target import call_of, plan
from loadstone.library.typed.prototype import parse


def roles(text: str, **given: str) -> list[Role]:
    return [a.role for a in call_of(parse(text), given, 0x1000).arguments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int f(const uint8_t *data, size_t size)", [Role.BUFFER, Role.LENGTH_OF]),
        ("int f(size_t size, const void *data)", [Role.LENGTH_OF, Role.BUFFER]),
        ("int f(const char *text)", [Role.CSTRING]),
        ("int f(const char *text, int flags)", [Role.BUFFER, Role.LENGTH_OF]),
        ("int f(int a, unsigned long b)", [Role.INTEGER, Role.INTEGER]),
        ("int f(uint8_t *out, size_t n, const uint8_t *in, size_t m)",
         [Role.OUT, Role.LENGTH_OF, Role.BUFFER, Role.LENGTH_OF]),
        ("int f(unsigned char *out, unsigned long *n, const unsigned char *in, unsigned long m)",
         [Role.OUT, Role.CAPACITY_OF, Role.BUFFER, Role.LENGTH_OF]),
        ("int f(const char *s, double x, int (*done)(int), int *value)",
         [Role.CSTRING, Role.CONST, Role.CALLBACK, Role.OUT]),
    ],
)  # fmt: skip
def test_types_that_say_what_they_are_for_are_understood(text: str, expected: list[Role]) -> None:
    assert roles(text) == expected


def test_a_length_knows_its_buffer() -> None:
    call = call_of(parse("int f(const uint8_t *data, size_t size)"), {}, 0)
    assert (call.arguments[1].of, call.arguments[1].size) == (0, 8)


def test_what_stands_behind_a_text_that_is_named_is_not_its_size() -> None:
    """A byte holds no capacity, and the number behind an input is no capacity of it."""
    call = call_of(parse("int f(char *text, char *error, int error_size)"), {"text": "cstring"}, 0)
    assert [a.role for a in call.arguments] == [Role.CSTRING, Role.OUT, Role.LENGTH_OF]
    assert call.arguments[2].of == 1
    assert roles("int f(char *line, int *error)", line="cstring") == [Role.CSTRING, Role.OUT]
    assert roles("int f(void *out, char *line, short *n)", out="out:64", line="cstring")[1:] == [Role.CSTRING, Role.OUT]


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("buffer", Role.BUFFER),
        ("const:0x10", Role.CONST),
        ("out:64", Role.OUT),
        ("handle:h", Role.HANDLE),
        ("callback", Role.CALLBACK),
        ("length_of:data", Role.LENGTH_OF),
        ("integer", Role.INTEGER),
    ],
)
def test_a_role_can_be_named(word: str, role: Role) -> None:
    assert roles("int f(struct s *ctx, const uint8_t *data, size_t n)", ctx=word)[0] is role


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("int f(struct s *ctx)", {}, "the parameter ctx is a handle"),
        ("int f(struct s *)", {}, "the parameter number 0 is a handle"),
        ("int f(const char *s)", {"nobody": "buffer"}, "there is no parameter nobody"),
        ("int f(const char *s)", {"s": "nonsense"}, "nonsense is not a role"),
        ("int printf(const char *s, ...)", {}, "variadic functions cannot be fuzzed"),
    ],
)
def test_what_has_no_role_is_refused_with_how_to_give_it_one(text: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidPrototype, match=said) as refused:
        call_of(parse(text), given, 0)
    assert "--role" in refused.value.advice


def test_the_function_must_be_there_and_take_the_input(compile_library: Compile) -> None:
    image = read(compile_library("int value; int f(void) { return value; } int g(int x) { return x; }", "libplan.so"))
    assert plan("int g(int x)", {}, image).symbol == "g"
    with pytest.raises(SymbolNotFound):
        plan("int missing(int x)", {}, image)
    with pytest.raises(WrongSymbolKind):
        plan("int value(int x)", {}, image)
    with pytest.raises(InvalidPrototype, match="no parameter takes the input"):
        plan("int f(void)", {}, image)


@pytest.mark.parametrize(
    ("text", "returns"),
    [("void f(int x)", "void"), ("char *f(int x)", "pointer"), ("double f(int x)", "double"), ("long f(int x)", "int")],
)
def test_results_are_kept_by_their_kind(text: str, returns: str) -> None:
    assert call_of(parse(text), {}, 0).returns == returns


def test_a_job_survives_its_journey_to_the_worker() -> None:
    job = Job(
        library="/x",
        calls=(CallPlan("f", 16, (Argument(Role.BUFFER), Argument(Role.LENGTH_OF, of=0)), into="h"),),
        blocks=((1, 2),),
        inputs=(b"\xff",),
        words=(b"w",),
        heap=Heap.EXACT,
        heap_slots=(("malloc", 3),),
    )
    assert Job.from_json(job.to_json()) == job


def test_a_library_is_found_by_name_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    report = fuzz("z", "unsigned long crc32(unsigned long c, const unsigned char *d, unsigned n)", time_s=20, runs=500)
    assert report.library.endswith("libz.so.1") or "libz.so" in report.library
    assert report.findings == ()
    with pytest.raises(NotFound):
        fuzz("doesnotexist", "int f(const char *s)")
