"""Names are taken apart as c++filt takes them apart, at bounded cost, and left alone when they cannot be."""

from __future__ import annotations

import random
import subprocess
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.binary.bounds import peak_memory, steps
from tests.conftest import Compile, needed
from tests.scale import SCALE

from loadstone.binary import read
from loadstone.binary.demangle import demangle
from loadstone.errors import LoadstoneError

_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
_LARGE = ("libLLVM-*.so.*", "libclang-cpp.so.*", "libicui18n.so.*", "libboost_regex.so.*")


def _installed() -> list[str]:
    """C++'s own library, which comes with the compiler, and those of the large ones that are there."""
    found = {path.name: str(path) for folder in _FOLDERS for one in _LARGE for path in Path(folder).glob(one)}
    own = subprocess.run([needed("g++"), "-print-file-name=libstdc++.so.6"], capture_output=True, text=True, check=True)
    return [own.stdout.strip(), *sorted(found.values())[: 4 * SCALE]]


def _filtered(names: list[str]) -> list[str]:
    told = subprocess.run(
        [needed("c++filt")],
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
        errors="surrogateescape",
    )
    return told.stdout.split("\n")[: len(names)]


def _explained(theirs: str) -> bool:
    """c++filt writes an empty pack between parameters as nothing between two commas."""
    return "(, " in theirs or ", , " in theirs


def _differences(names: list[str]) -> list[tuple[str, str, str]]:
    theirs = _filtered(names)
    ours = list(map(demangle, names))
    return [row for row in zip(names, theirs, ours, strict=True) if row[1] != row[2] and not _explained(row[1])]


def test_the_names_of_real_libraries_read_as_cxxfilt_writes_them() -> None:
    for library in _installed():
        names = sorted({name for name in read(library).symbols.names if name.startswith("_Z")})
        few = random.Random(Path(library).name).sample(names, min(len(names), 3000 * SCALE))
        assert len(few) > 100, library
        assert _differences(few) == [], library


_SOURCE = r"""
#include <string>
#include <vector>
#include <functional>
namespace outer { inline namespace inner {
struct Base { virtual ~Base(); virtual int run(int) const; int field; };
struct Other { virtual void go() &&; virtual ~Other(); };
struct Both : Other, virtual Base { int run(int) const override; void go() && override; };
Base::~Base() {} Other::~Other() {} int Base::run(int n) const { return n; } void Other::go() && {}
int Both::run(int n) const { return n + 1; } void Both::go() && {}
Both instance;
template <class... T> int many(T &&...t) { return sizeof...(t); }
template <class T, T V> struct Value { T get(T (&a)[3], T (*f)(int, char), T Value::*m) const volatile { return V; } };
template <class T> auto decayed(T t) -> decltype(t + 1) { return t + 1; }
template <class T> struct Converts { template <class U> operator U() const { return U(); } };
enum class Kind : unsigned char { one, two };
template <Kind K, bool B, long L, unsigned long U, char C> void literals() {}
template <int (*F)(int)> int through(int n) { return F(n); }
static int hidden(int n) { static int calls = 0; return calls += n; }
int plain(int n) { auto f = [n](auto a, int b) { static int k; return n + a + b + ++k; }; return f(1, 2) + hidden(n); }
} }
namespace { struct Secret { void tell() __attribute__((used)); }; void Secret::tell() {} }
using namespace outer;
template struct outer::Value<int, 3>;
template struct outer::Value<long, -3>;
template int outer::many<int, char const (&)[4], void (*)(int)>(int &&, char const (&)[4], void (*&&)(int));
template int outer::many<>();
template double outer::decayed<double>(double);
template outer::Converts<int>::operator char() const;
template void outer::literals<Kind::two, true, -7, 9ul, 'x'>();
int shown(int n) { return n; }
template int outer::through<shown>(int);
void *operator new(std::size_t, char *, short);
void *operator new(std::size_t, char *p, short) { return p; }
long double operator""_km(long double v) { return v; }
std::string text(const std::string &a, std::vector<std::function<int(char)>> b, int (*c[2])(void)) { return a; }
const int *pointers(const int *const *d, volatile int *__restrict e) { return *d; }
void declarators(int (&)[2][3], int (*(*)(char))(long), void (std::string::*)(int) const, int std::string::*, ...) {}
_Complex double rare(_Complex double a, __int128 b, char16_t c, decltype(nullptr) d) { return a; }
thread_local std::string per_thread = "x";
std::string &touch() { return per_thread; }
"""


def test_names_of_every_kind_a_compiler_makes(compile_library: Compile) -> None:
    library = compile_library(_SOURCE, "libkinds.so", "-std=c++17", "-O0", "-w", compiler="g++")
    told = subprocess.run([needed("nm"), str(library)], capture_output=True, text=True, check=True).stdout
    words = {line.split()[-1].partition("@")[0] for line in told.splitlines()}
    names = sorted(word for word in words if word.startswith("_Z"))
    assert len(names) > 60
    assert _differences(names) == []


_EXPRESSIONS = r"""
#include <new>
#include <utility>
#include <typeinfo>
struct S { int m; int f(int) const; static int s; int operator[](int) const; };
template <int N> struct I { static const int v = N; };
template <class T> auto e1(T t) -> decltype(sizeof(T) + sizeof(t)) { return 0; }
template <class T> auto e2(T t) -> decltype(t.f(1)) { return 0; }
template <class T> auto e3(T *t) -> decltype(t->f(1)) { return 0; }
template <class T> auto e4(T t) -> decltype(static_cast<long>(t) ? -t : +t) { return 0; }
template <class T> auto e5(T t) -> decltype(t[0] + 1) { return 0; }
template <class T> auto e6(T t) -> decltype(T{1}) { return T{1}; }
template <class T> auto e7(T t) -> decltype(T(1, 2)) { return T(1,2); }
template <class T> auto e8(T t) -> I<(sizeof(T) > 2)> { return {}; }
template <class... T> auto e9(T... t) -> I<sizeof...(T)> { return {}; }
template <class T> auto e11(T &t) -> decltype(++t, t--, !t, ~t, *&t) { return t; }
template <class T> auto e12(T t) -> decltype(std::declval<T>() == t && t != 3) { return true; }
template <class T> auto e13(T t) -> decltype(reinterpret_cast<char *>(t), const_cast<const T>(t)) { return t; }
struct P { P(int, int); };
void use(S s, int *p, int n, char *c) {
    e1(n); e2(s); e3(&s); e4(n); e5(p); e6(n); e7(P(1,2)); e8(n); e9(1, 'c'); e11(n); e12(n); e13(c); }
"""


def test_expressions_in_signatures(compile_library: Compile) -> None:
    flags = ("-std=c++17", "-w", "-Wl,--unresolved-symbols=ignore-all")
    library = compile_library(_EXPRESSIONS, "libexpressions.so", *flags, compiler="g++")
    names = sorted(name for name in read(library).symbols.names if name.startswith("_Z"))
    assert len(names) > 12
    assert _differences(names) == []


@pytest.mark.parametrize(
    ("mangled", "readable"),
    [
        ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
        ("_ZN50_$LT$std..path..Path$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE", None),
        ("_ZN4test19_$LT$impl$u20$T$GT$1f17h0123456789abcdefE", "test::<impl T>::f"),
        ("_ZN4test8$uzzzz$x1f17h0123456789abcdefE", "test::$uzzzz$x::f"),
        ("__ZN3foo3barEv", "foo::bar()"),
        ("_Z3foov.part.0", "foo() [clone .part.0]"),
        ("puts", "puts"),
        ("_Z", "_Z"),
        ("_ZN", "_ZN"),
        ("_Z3fo", "_Z3fo"),
        ("_ZS9_", "_ZS9_"),
    ],
)
def test_single_names(mangled: str, readable: str | None) -> None:
    assert demangle(mangled) == (mangled if readable is None else readable)


_HOSTILE = [
    "_Z1f" + "P" * 8000 + "i",
    "_ZN" + "1a" * 4000 + "E",
    "_Z1fI" + "1aI" * 2000,
    "_Z1f" + "1aIS_S_E" + "".join(f"S0_IS{i}_S{i}_E" for i in range(1, 9)) * 40,
    "_Z1fIJ" + "i" * 3000 + "EEvDp" + "P" * 3000 + "T_",
    "_Z1fIJ" + "i" * 900 + "EEvDpDpDpDpT_",
    "_Z" + "Z1fvE" * 1500 + "1x",
    "_Z1fIXadadadadadadad" + "ad" * 3000,
    "_Z1f" + "9" * 40,
    "_Z" + "1" * 5000,
    "_ZN1AcvT_I" + "T_" * 2000 + "EEv",
    "_ZN" + "S" * 8000,
    "_Z1fA" + "9" * 3000 + "_i",
]


@pytest.mark.parametrize("name", _HOSTILE, ids=range(len(_HOSTILE)))
def test_no_name_costs_much(name: str) -> None:
    assert steps(partial(demangle, name)) < 300_000
    assert peak_memory(partial(demangle, name)) < 8 << 20
    assert len(demangle(name)) <= max(len(name), 1 << 15)


_SEEDS = [
    "_ZN5outer5inner4manyIJiRA4_KcPFviEEEEiDpOT_",
    "_ZNK5outer5ValueIlLln3EE3getERA3_lPFlicEMS1_l",
    "_ZN4llvm17make_filter_rangeINS_14iterator_rangeIPKNS_14MachineOperandEEEEEvT_",
    "_ZTISt8functionIFbRKSsEE",
    "_ZThn8_N5outer4Both2goEv",
]


@settings(max_examples=400 * SCALE, deadline=None)
@given(
    seed=st.sampled_from(_SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 80), st.sampled_from("NSTIEJXLZKPRODpt_0123avilcbGVdj")), max_size=6),
    cut=st.integers(0, 90),
)
@example(seed=_SEEDS[0], edits=[], cut=90)
def test_a_changed_name_is_taken_apart_or_left_alone(seed: str, edits: list[tuple[int, str]], cut: int) -> None:
    name = seed
    for position, letter in edits:
        name = name[:position] + letter + name[position + 1 :]
    assert isinstance(demangle(name[:cut]), str)


@settings(max_examples=300 * SCALE, deadline=None)
@given(st.text(alphabet="_ZNSTIEJXLKPRODptadsrclgt0123456789abvi\udc80\u0661.$", max_size=60))
def test_any_text_is_survived(text: str) -> None:
    try:
        demangle("_Z" + text)
    except LoadstoneError:
        pytest.fail("demangling never raises")
