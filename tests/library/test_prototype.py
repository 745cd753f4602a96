from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadstone.errors import InvalidPrototype
from loadstone.library.typed.prototype import (
    Array,
    Enumeration,
    FunctionType,
    Integer,
    Pointer,
    Real,
    StructOrUnion,
    Void,
    parse,
    parse_data,
    parse_header,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("int f(void)", "int (void)"),
        ("void f()", "void (void)"),
        ("unsigned long int f(long unsigned, short int)", "unsigned long (unsigned long, short)"),
        ("double f(float, long double);", "double (float, long double)"),
        ("const char *f(const char * restrict, char *)", "const char * (const char *, char *)"),
        ("int printf(const char *format, ...)", "int (const char *, ...)"),
        ("uint32_t f(size_t n, int8_t x)", "uint32_t (size_t, int8_t)"),
        ("extern int f(int) __attribute__((nonnull(1)));", "int (int)"),
        ('extern "C" int f(_Bool b);', "int (bool)"),
        ("int f(int /* a */ x) // tail", "int (int)"),
        ("FILE *f(DIR *)", "struct FILE * (struct DIR *)"),
        ("long long f(signed char, unsigned char, char)", "long long (signed char, unsigned char, char)"),
        ("int f(char **argv, int const *p)", "int (char * *, const int *)"),
    ],
)
def test_what_headers_say_is_understood(text: str, shown: str) -> None:
    prototype = parse(text)
    assert (prototype.name if prototype.name == "printf" else "f", str(prototype.type)) == (prototype.name, shown)


def test_integers_have_this_platforms_sizes() -> None:
    (size,) = parse("int f(unsigned long)").parameters
    assert size.type == Integer(ctypes.sizeof(ctypes.c_ulong), False, "unsigned long")


def test_names_of_parameters_are_kept() -> None:
    assert [p.name for p in parse("int f(const void *data, size_t size, int)").parameters] == ["data", "size", ""]


def test_a_function_pointer_is_a_pointer_to_a_function_type() -> None:
    (compare,) = parse("void f(int (*compare)(const void *, const void *))").parameters
    assert isinstance(compare.type, Pointer)
    assert isinstance(compare.type.target, FunctionType)
    assert parse("void f(int compare(int))").parameters[0].type == Pointer(
        FunctionType(Integer(4, True, "int"), parse("int g(int)").parameters)
    )


def test_arrays_keep_what_they_demand() -> None:
    least, open_ = (p.type for p in parse("int f(int a[static 4], const char b[])").parameters)
    assert least == Array(Integer(4, True, "int"), 4, static=True)
    assert isinstance(open_, Array)
    assert (open_.length, open_.const) == (None, True)


def test_structs_unions_enums_typedefs_and_constants_of_a_header_are_read() -> None:
    declared = parse_header(
        """
        #include <stdio.h>
        #define LIMIT 0x10
        #define TEXT "no number"
        enum color { RED, GREEN = LIMIT, BLUE };
        typedef struct point { int x, y; union { long l; double d; }; unsigned flag : 3; } point;
        struct node { struct node *next; point at[LIMIT / 4 ? 2 : 2]; };
    """.replace("LIMIT / 4 ? 2 : 2", "1 << 1")
    )
    assert dict(declared.constants) == {"LIMIT": 16, "TEXT": b"no number", "RED": 0, "GREEN": 16, "BLUE": 17}
    point = declared.records["struct point"]
    assert point.members is not None
    assert [m.name for m in point.members] == ["x", "y", "", "flag"]
    assert point.members[3].bits == 3
    node = declared.records["struct node"]
    assert node.members is not None
    assert node.members[0].type == Pointer(StructOrUnion("struct", "node"))
    assert isinstance(declared.types["point"], StructOrUnion)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1 << 4", 16), ("-(2 + 3) * 2", -10), ("017", 15), ("sizeof(int)", 4), ("~0", -1), ("6 | 1", 7), ("'A'", 65)],
)
def test_constant_expressions_are_worked_out(text: str, number: int) -> None:
    assert parse_header(f"enum e {{ X = {text} }};").constants["X"] == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no function"),
        ("int", ""),
        ("int x;", "no function"),
        ("int f(void); int g(void);", "2 functions"),
        ("int f(", ""),
        ("int f(struct)", ""),
        ("nonsense f(int)", ""),
        ("int f(int)\0", "NUL"),
        ("int f(int a[-1])", "negative length"),
        ("enum e { X = y }; int f(void);", "not a simple constant"),
        ("short long f(void)", "is not known"),
        ("(" * 5000, ""),
        ("int f(int); " + "x" * (1 << 20), "longer than"),
    ],
)
def test_what_is_no_prototype_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidPrototype) as refused:
        parse(text)
    assert reason in refused.value.reason
    assert str(refused.value).isprintable()


def test_a_refusal_says_where() -> None:
    with pytest.raises(InvalidPrototype) as refused:
        parse("int f(int a,\n      int 3)")
    assert refused.value.line == 2


def test_variables_are_declared_too() -> None:
    assert parse_data("extern double table[4]").type == Array(Real(8, "double"), 4)
    with pytest.raises(InvalidPrototype, match="variables"):
        parse_data("int f(void)")


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidPrototype):
        parse_header(text)


def test_types_are_values() -> None:
    assert parse("enum e { A } f(void)").result == Enumeration("e", (("A", 0),))
    assert parse("void f(void)").result == Void()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("#define X 0100", 64),
        ("#define X -0x1F", -31),
        ("#define X (017UL)", 15),
        ("enum { X = 0b101 };", 5),
        ("enum { X = 'a' };", 97),
        (r"enum { X = '\n' };", 10),
        (r"enum { X = '\0' };", 0),
        (r"enum { X = '\x41' };", 65),
        (r"enum { X = '\101' };", 65),
        (r"enum { X = '\\' };", 92),
        (r"enum { X = '\'' };", 39),
        ("enum { X = '\"' };", 34),
        ("#define X 18446744073709551615", 2**64 - 1),
    ],
)
def test_constants_are_worth_what_c_says(text: str, value: int) -> None:
    assert parse_header(text).constants["X"] == value


@pytest.mark.parametrize("text", ["#define X 089", "#define X 1 +", "#define X " + "9" * 90_000, "#define X y(1)"])
def test_a_define_that_is_no_constant_says_why(text: str) -> None:
    declared = parse_header(text)
    assert "X" not in declared.constants
    assert "not a constant" in declared.macros["X"].reason


@pytest.mark.parametrize(
    "text",
    [
        r"enum { X = '\x' };",
        "int a[1.5];",
        "int a[0x1p3];",
        "int a[1e3f];",
        'int a["x"];',
        "int a[99999999999999999999];",
        f"int a[{'9' * 9000}];",
        "enum { X = 'abcde' };",
        f"int {'*' * 5000}p;",
        f"int a{'[1]' * 3000};",
        "/* never",
        "/*/",
        "int a; /* * / int b;",
        "/*" * 48_000,
        "typedef int t0;" + "".join(f"typedef t{i} *t{i + 1};" for i in range(1000)) + "t1000 x;",
        "struct s0 { int x; };" + "".join(f"struct s{i + 1} {{ struct s{i} x; }};" for i in range(500)),
    ],
    ids=lambda text: text[:24],
)
def test_what_is_no_declaration_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(InvalidPrototype):
        parse_header(text)


FUNCTIONS = "typedef void (*f0)(void);" + "".join(f"typedef f{i} (*f{i + 1})(f{i}, f{i});" for i in range(40))
CALLBACKS = "typedef void (*c0)(void); " + "".join(f"typedef void (*c{i + 1})(c{i}, c{i});" for i in range(40))
SAID_TWICE = "#define A0 1\n" + "".join(f"#define A{i + 1} A{i} + A{i}\n" for i in range(40))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FUNCTIONS, "types"),
        (CALLBACKS, "types"),
        (f"{SAID_TWICE} enum {{ x = A40 }};", "tokens"),
        (f"{SAID_TWICE} int a[A40];", "tokens"),
    ],
    ids=["results", "callbacks", "enumerator", "length"],
)
def test_what_doubles_at_each_step_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidPrototype, match=f"more than [0-9]+ {reason}"):
        parse_header(text)


def test_a_macro_that_doubles_at_each_step_is_listed_as_no_constant() -> None:
    declared = parse_header(SAID_TWICE)
    assert declared.constants["A3"] == 8
    assert "tokens" in declared.macros["A40"].reason


def test_structs_that_hold_two_of_another_are_written_by_name() -> None:
    text = "struct s0 { int x; };" + "".join(f"struct s{i + 1} {{ struct s{i} a, b; }};" for i in range(40))
    declared = parse_header(f"{text} void f(struct s24 *);")
    last = declared.records["struct s24"]
    assert repr(last.members) == "(<struct s23 a>, <struct s23 b>)"
    assert {last: 1}[last] == 1
    assert str(declared.functions["f"].type) == "void (struct s24 *)"


def test_an_unclosed_comment_is_told_where_it_begins() -> None:
    with pytest.raises(InvalidPrototype) as refused:
        parse_header("int a;\n  /* never closed")
    assert (refused.value.line, refused.value.column) == (2, 3)


def repeated(piece: str) -> Callable[[int], str]:
    return lambda count: piece * count


def uses(piece: str) -> Callable[[int], str]:
    """A struct of that many members, and as many constants of it."""
    return lambda count: f"struct s {{ {'int a; ' * count} }}; enum {{ x = {piece * count} 0 }};"


GROWING: dict[str, Callable[[int], str]] = {
    **{
        piece: repeated(piece)
        for piece in (
            "/*",
            "//",
            "/* */",
            "#",
            "# define X 1\n",
            "__attribute__((",
            "'",
            '"',
            "\\\n",
            "#if 1\n",
            "int (",
        )
    },
    "parentheses of a macro": lambda count: f"#define X {'(' * count}1{')' * count}\n",
    "enums": lambda count: "".join(f"enum e{i} {{ v{i} }};" for i in range(count)),
    "sizes of a large struct": uses("sizeof(struct s) +"),
    "offsets in a large struct": uses("__builtin_offsetof(struct s, a) +"),
}


LARGE = ("enums", "sizes of a large struct", "offsets in a large struct")


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, marks=pytest.mark.slow if name in LARGE else (), id=name) for name, text in GROWING.items()],
)
def test_the_work_grows_with_the_text_and_not_faster(text: Callable[[int], str]) -> None:
    """Counted in steps of the interpreter, so that a busy machine changes nothing."""

    def steps(count: int) -> int:
        done = 0

        def step(_frame: object, _event: str, _argument: object) -> None:
            nonlocal done
            done += 1

        sys.setprofile(step)
        try:
            with contextlib.suppress(InvalidPrototype):
                parse_header(text(count))
        finally:
            sys.setprofile(None)
        return done

    assert steps(4000) <= 3 * steps(2000) + 10_000


def test_a_macro_of_the_place_where_it_stands_is_no_constant() -> None:
    declared = parse_header("#define HERE __LINE__\n#define NEXT HERE + 1\n#define IN __FILE__\n#define THREE 3\n")
    assert dict(declared.constants) == {"THREE": 3}
    assert {"HERE", "NEXT", "IN"} <= declared.macros.keys()
