"""The kinds of argument of the misuse matrix: a C function for each, which looks at what it was given."""

from __future__ import annotations

from typing import Final

__all__ = ["KINDS", "declared", "source"]

_TYPES: Final = """
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <wchar.h>
#include <uchar.h>
#include <complex.h>
#include <stdarg.h>
struct small { int a, b; }; struct large { long v[9]; }; struct hfa { float x, y, z; }; union both { int i; double d; };
struct __attribute__((packed)) packed { char c; long l; };
typedef struct handle_a handle_a; typedef struct handle_b handle_b;
enum colour { RED, GREEN = -5 };
typedef int (*on_int)(int); typedef struct small (*on_small)(struct small); typedef void (*on_void)(void *);
"""
_NUMBERS: Final = {
    "schar": "signed char", "uchar": "unsigned char", "short": "short", "ushort": "unsigned short", "int": "int",
    "uint": "unsigned", "long": "long", "ulong": "unsigned long", "llong": "long long", "size": "size_t",
    "char": "char", "bool": "_Bool", "wchar": "wchar_t", "char16": "char16_t", "char32": "char32_t", "float": "float",
    "double": "double", "ldouble": "long double", "complex": "double _Complex", "fcomplex": "float _Complex",
    "int128": "__int128", "enum": "enum colour",
}  # fmt: skip
_RECORDS: Final = {
    "small": "struct small", "large": "struct large", "hfa": "struct hfa", "both": "union both",
    "packed": "struct packed",
}  # fmt: skip
_REFUSED: Final = {"packed"}  # by value, when it is declared
_FUNCTIONS: Final = {"on_int": "on_int", "on_small": "on_small", "on_void": "on_void"}
_FOLLOWED: Final = (*_NUMBERS.items(), *_RECORDS.items())
KINDS: Final[dict[str, str]] = {
    **{name: f"{kind} v" for name, kind in (*_FOLLOWED, *_FUNCTIONS.items()) if name not in _REFUSED},
    **{f"{name}_p": f"{kind} *v" for name, kind in _FOLLOWED},
    **{f"const_{name}_p": f"const {kind} *v" for name, kind in _FOLLOWED},
    "int_pp": "int **v", "text_pp": "const char **v", "small_pp": "struct small **v", "handle_a_pp": "handle_a **v",
    "void": "void *v", "const_void": "const void *v", "handle_a": "handle_a *v", "const_handle_b": "const handle_b *v",
    "array": "int v[4]", "static_array": "const double v[static 4]", "records": "struct small v[2]",
    "grid": "int v[2][3]", "known": "int n, const int v[static n]", "more": "int n, ...",
}  # fmt: skip
"""The declaration of the parameter of ``take_KIND``; of these with a number before it, that is 1."""
COUNTED: Final = ("known", "more")
_NOT_FOLLOWED: Final = {"void", "const_void"}  # a number is an address there, and nobody can say of which

_GIVEN: Final = {
    "handle_a *get_a(void)": "return (handle_a *)&one;", "handle_b *get_b(void)": "return (handle_b *)&one;",
    "struct small *get_small(void)": "return &one;", "int *get_ints(void)": "return ints;",
    "void *get_void(void)": "return ints;", "const char **get_texts(void)": "return texts;",
}  # fmt: skip
_VARIABLES: Final = "extern int ints[4]; extern struct small one; extern on_int op;\n"


def _heads() -> dict[str, str]:
    return {kind: f"int take_{kind}({parameter})" for kind, parameter in KINDS.items()}


def declared() -> str:
    """What the library has, as a header says it."""
    return _TYPES + _VARIABLES + "".join(f"{head};\n" for head in (*_heads().values(), *_GIVEN))


def _looked_at(kind: str) -> str:
    """What C does with its argument: reads it, or the first byte behind it, or calls it."""
    if kind in _FUNCTIONS:
        return {
            "on_int": "return v ? v(3) : 0;", "on_small": "return v ? v(one).a : 0;",
            "on_void": "if (v) v(0); return 1;",
        }[kind]  # fmt: skip
    if kind in _NOT_FOLLOWED:
        return "return v != 0;"
    if kind == "more":
        return "va_list l; va_start(l, n); void *v = va_arg(l, void *); va_end(l); return v != 0;"
    if kind in _NUMBERS or kind in _RECORDS:
        return "return ((volatile char *)&v)[0];"
    return "return v ? ((volatile char *)v)[0] : 0;"


def source() -> str:
    """The library."""
    bodies = [f"{head} {{ {_looked_at(kind)} }}" for kind, head in _heads().items()]
    bodies += [f"{head} {{ {body} }}" for head, body in _GIVEN.items()]
    variables = (
        "static int same(int v) { return v; }\nint ints[4]; struct small one; on_int op = same;\n"
        'static const char *texts[] = {"a", "b", 0};\n'
    )
    return _TYPES + variables + "\n".join(bodies)
