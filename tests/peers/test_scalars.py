"""Every number in every place C has for one - argument, result, callback, variable, member, array - beside cffi."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.tools import needed

from loadstone.errors import LoadstoneError
from loadstone.library import Library, ref

cffi = pytest.importorskip("cffi", reason="cffi has no file for this Python")

KINDS = {
    "signed_char": ("signed char", -(2**7), 2**7 - 1),
    "unsigned_char": ("unsigned char", 0, 2**8 - 1),
    "short": ("short", -(2**15), 2**15 - 1),
    "unsigned_short": ("unsigned short", 0, 2**16 - 1),
    "int": ("int", -(2**31), 2**31 - 1),
    "unsigned": ("unsigned", 0, 2**32 - 1),
    "long": ("long", -(2**63), 2**63 - 1),
    "unsigned_long": ("unsigned long", 0, 2**64 - 1),
    "long_long": ("long long", -(2**63), 2**63 - 1),
    "unsigned_long_long": ("unsigned long long", 0, 2**64 - 1),
    "int8": ("int8_t", -(2**7), 2**7 - 1),
    "uint16": ("uint16_t", 0, 2**16 - 1),
    "size": ("size_t", 0, 2**64 - 1),
    "enum_small": ("enum small", 0, 2**32 - 1),
    "enum_signed": ("enum with_sign", -(2**31), 2**31 - 1),
    "enum_wide": ("enum wide", 0, 2**64 - 1),
}
HEAD = "enum small { SMALL }; enum with_sign { MINUS = -1 }; enum wide { WIDE = 0xFFFFFFFFFFFFFFFF };\n"
DECLARED = """
typedef KIND t_N; t_N echo_N(t_N v); t_N call_N(t_N (*f)(t_N), t_N v); typedef t_N (*f_N)(t_N);
extern t_N var_N; t_N get_N(void); struct s_N { char before; t_N v; char after; }; t_N member_N(const struct s_N *s);
struct b_N { unsigned a : 3; t_N v : 7; unsigned b : 5; }; t_N bits_N(struct b_N *s);
void out_N(t_N *p); t_N last_N(const t_N *p, unsigned long n);
"""
DEFINED = """
t_N echo_N(t_N v) { return v; } t_N call_N(t_N (*f)(t_N), t_N v) { return f(v); }
t_N var_N = 5; t_N get_N(void) { return var_N; } t_N member_N(const struct s_N *s) { return s->v; }
t_N bits_N(struct b_N *s) { return s->v; } void out_N(t_N *p) { *p = 42; }
t_N last_N(const t_N *p, unsigned long n) { return p[n - 1]; }
"""


def of_all_kinds(template: str) -> str:
    return "".join(template.replace("KIND", kind).replace("_N", f"_{name}") for name, (kind, _, _) in KINDS.items())


DECLARATIONS = HEAD + of_all_kinds(DECLARED)
SOURCE = "#include <stdint.h>\n#include <stddef.h>\n" + DECLARATIONS + of_all_kinds(DEFINED)
REFUSALS = (TypeError, OverflowError, ctypes.ArgumentError, LoadstoneError, ValueError)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    """Our namespace, and cffi with its own."""
    folder: Path = tmp_path_factory.mktemp("scalars")
    (folder / "scalars.c").write_text(SOURCE)
    target = str(folder / "libscalars.so")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-w", "-o", target, str(folder / "scalars.c")], check=True)
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    return Library(target).load().declare(DECLARATIONS), ffi, ffi.dlopen(target)


def edges(name: str) -> list[int]:
    _, low, high = KINDS[name]
    return [low, high, 0, 1]


CASES = [(name, value) for name in KINDS for value in edges(name)]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_number_goes_through_a_call(name: str, value: int, both: tuple[Any, Any, Any]) -> None:
    ours, _, theirs = both
    assert getattr(ours, f"echo_{name}")(value) == getattr(theirs, f"echo_{name}")(value) == value


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_number_goes_through_a_callback(name: str, value: int, both: tuple[Any, Any, Any]) -> None:
    ours, ffi, theirs = both
    made = getattr(ours, f"f_{name}")(lambda v: v)
    other = ffi.callback(f"t_{name}(t_{name})", lambda v: v)
    assert getattr(ours, f"call_{name}")(made, value) == getattr(theirs, f"call_{name}")(other, value) == value


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_number_is_written_to_a_variable(name: str, value: int, both: tuple[Any, Any, Any]) -> None:
    ours, _, theirs = both
    setattr(ours, f"var_{name}", value)
    assert getattr(ours, f"get_{name}")() == getattr(ours, f"var_{name}").value == value
    if not name.startswith("enum"):  # DIFFERENT: cffi has no variables of an enum type
        assert getattr(theirs, f"var_{name}") == value


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_number_is_a_member_of_a_struct(name: str, value: int, both: tuple[Any, Any, Any]) -> None:
    ours, ffi, _ = both
    made = getattr(ours, f"s_{name}")(b"x", value, b"y")
    assert getattr(ours, f"member_{name}")(made) == made.v == value
    assert ctypes.sizeof(made) == ffi.sizeof(f"struct s_{name}")


@pytest.mark.parametrize("name", KINDS)
def test_a_number_too_large_or_of_no_kind_is_refused_everywhere(name: str, both: tuple[Any, Any, Any]) -> None:
    ours, _, theirs = both
    _, low, high = KINDS[name]
    made = getattr(ours, f"s_{name}")()
    for wrong in (low - 1, high + 1, 1.5, "1", None, b"x", [1]):
        with pytest.raises(REFUSALS):
            getattr(ours, f"echo_{name}")(wrong)
        with pytest.raises(REFUSALS):
            made.v = wrong
        with pytest.raises(REFUSALS):
            setattr(ours, f"var_{name}", wrong)
        with pytest.raises((TypeError, OverflowError)):
            getattr(theirs, f"echo_{name}")(wrong)


@pytest.mark.parametrize("name", KINDS)
def test_a_bit_field_holds_its_bits_and_refuses_more(name: str, both: tuple[Any, Any, Any]) -> None:
    ours, ffi, theirs = both
    signed = KINDS[name][1] < 0
    made, other = getattr(ours, f"b_{name}")(), ffi.new(f"struct b_{name} *")
    assert ctypes.sizeof(made) == ffi.sizeof(f"struct b_{name}")
    for value in (-64, -1, 0, 63) if signed else (0, 1, 63, 127):
        made.v, made.a, made.b = value, 5, 17
        ffi.buffer(other)[:] = bytes(made)
        assert (made.v, made.a, made.b) == (other.v, other.a, other.b) == (value, 5, 17)
        assert getattr(ours, f"bits_{name}")(made) == getattr(theirs, f"bits_{name}")(other) == value
    for wrong in (64, -65) if signed else (128, -1):
        with pytest.raises(OverflowError):
            made.v = wrong


@pytest.mark.parametrize("name", KINDS)
def test_an_out_parameter_gives_its_number(name: str, both: tuple[Any, Any, Any]) -> None:
    place = ref()
    getattr(both[0], f"out_{name}")(place)
    assert place.value == 42


@pytest.mark.parametrize("name", KINDS)
def test_an_array_is_read_by_c(name: str, both: tuple[Any, Any, Any]) -> None:
    ours, ffi, theirs = both
    _, low, high = KINDS[name]
    other = ffi.new(f"t_{name}[]", [low, 0, high])
    raw = bytes(ffi.buffer(other))
    assert getattr(ours, f"last_{name}")(raw, 3) == getattr(theirs, f"last_{name}")(other, 3) == high
    with pytest.raises(REFUSALS):
        getattr(ours, f"last_{name}")([low, high], 2)
    if ffi.sizeof(f"t_{name}") > 1:
        with pytest.raises(REFUSALS):
            getattr(ours, f"last_{name}")(raw[:-1], 2)
