"""The Python front end: names resolved, types followed, every statement kept, and no bytes it does not survive."""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadstone.review import ir
from loadstone.review.frontends import python
from loadstone.review.walk import calls, expressions, statements, tops


def parse(path: str, source: bytes) -> ir.Unit:
    return python.parse(path, source, everything=True)


def unit(source: str) -> ir.Unit:
    return parse("module.py", source.encode())


def called(source: str) -> list[str]:
    return [call.name for function in unit(source).functions for call in calls(function.body.body)]


def module_body(source: str) -> tuple[ir.Statement, ...]:
    return unit(source).functions[0].body.body


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import ctypes\nctypes.CDLL('x')", "ctypes.CDLL"),
        ("import ctypes as c\nc.CDLL('x')", "ctypes.CDLL"),
        ("from ctypes import CDLL as L\nL('x')", "ctypes.CDLL"),
        ("from ctypes import *\nCDLL('x')", "ctypes.CDLL"),
        ("import ctypes.util as u\nu.find_library('x')", "ctypes.util.find_library"),
        ("import ctypes\nLoader = ctypes.CDLL\nLoader('x')", "ctypes.CDLL"),
        ("import ctypes, functools\nopen_ = functools.partial(ctypes.CDLL, mode=2)\nopen_('x')", "ctypes.CDLL"),
        ("import ctypes\nload = getattr(ctypes, 'CDLL')\nload('x')", "ctypes.CDLL"),
        ("__import__('ctypes').CDLL('x')", "ctypes.CDLL"),
        ("import importlib\nm = importlib.import_module('ctypes')\nm.CDLL('x')", "ctypes.CDLL"),
        ("try:\n    from ctypes import CDLL\nexcept ImportError:\n    raise\nCDLL('x')", "ctypes.CDLL"),
        ("def f():\n    import ctypes as local\n    return local.CDLL('x')", "ctypes.CDLL"),
        ("from . import native\nnative.load('x')", ".native.load"),
        ("open('x')", "open"),
    ],
)
def test_a_call_is_named_by_what_it_reaches(source: str, name: str) -> None:
    assert name in called(source)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import ctypes\nlib = ctypes.CDLL('x')\nlib.start(1)", "ctypes.CDLL.start"),
        ("import ctypes\nlib = ctypes.CDLL('x')\nlib['start'](1)", "ctypes.CDLL.start"),
        ("import ctypes\nlib = ctypes.CDLL('x')\ngetattr(lib, 'start')(1)", "ctypes.CDLL.start"),
        ("import ctypes\nlib = ctypes.CDLL('x')\nf = lib.start\nf(1)", "ctypes.CDLL.start"),
        ("import ctypes\nctypes.cdll.LoadLibrary('x').start()", "ctypes.CDLL.start"),
        ("import ctypes\nctypes.windll.kernel32.LoadLibraryW('x')", "ctypes.WinDLL.LoadLibraryW"),
        ("import ctypes\ndef load():\n    return ctypes.CDLL('x')\nlib = load()\nlib.start()", "ctypes.CDLL.start"),
        ("import ctypes\nlib: ctypes.CDLL = get()\nlib.start()", "?.start"),
        ("import ctypes\ndef f(lib: ctypes.CDLL):\n    lib.start()", "ctypes.CDLL.start"),
        ("import ctypes\nwith ctypes.CDLL('x') as lib:\n    lib.start()", "ctypes.CDLL.start"),
        ("import ctypes\nif (lib := ctypes.CDLL('x')):\n    lib.start()", "ctypes.CDLL.start"),
        ("from pathlib import Path\n(Path('a') / 'b').resolve().exists()", "pathlib.Path.exists"),
        ("import hashlib\nhashlib.sha256(b'').hexdigest()", "hashlib.sha256.hexdigest"),
        ("import threading\nlock = threading.Lock()\nlock.acquire()", "threading.Lock.acquire"),
        ("'a'.strip()", "?.strip"),
        ("def f(x):\n    x.close()", "?.close"),
    ],
)
def test_a_method_is_named_by_the_type_of_its_object(source: str, name: str) -> None:
    assert name in called(source)


CLASS = """
import ctypes
class Native:
    shared = ctypes.CDLL("libshared.so")
    def __init__(self):
        self._lib = ctypes.CDLL("libnative.so")
        self.run = self._lib.run
    @property
    def library(self):
        return self._lib
    def go(self):
        self._lib.first()
        self.library.second()
        self.run()
        self.shared.third()
        self.stop()
    def stop(self):
        lambda: self._lib.fourth()
"""


def test_attributes_and_properties_carry_their_type_between_methods() -> None:
    names = called(CLASS)
    assert {f"ctypes.CDLL.{n}" for n in ("first", "second", "run", "third")} <= set(names)
    assert "Native.stop" in names
    (native,) = unit(CLASS).classes
    assert native.methods == ("__init__", "library", "go", "stop")
    assert {(m.name, m.type, m.private) for m in native.members} == {
        ("shared", "ctypes.CDLL", False),
        ("_lib", "ctypes.CDLL", True),
        ("run", "ctypes.CDLL.run", False),
    }


def test_a_name_with_two_meanings_has_none() -> None:
    assert "?.start" in called("import ctypes\nlib = ctypes.CDLL('x')\nlib = open('x')\nlib.start()")


def test_a_global_keeps_the_type_a_function_gives_it() -> None:
    source = "import ctypes\n_lib = None\ndef get():\n    global _lib\n    _lib = ctypes.CDLL('x')\n_lib.start()\n"
    assert "ctypes.CDLL.start" in called(source)
    assert unit(source).functions[1].globals == {"_lib"}


def test_a_platform_choice_is_a_conditional_with_its_arms() -> None:
    source = (
        "import sys, os\n"
        "if sys.platform == 'win32':\n    a = 1\nelif os.name == 'posix':\n    a = 2\nelse:\n    raise OSError\n"
        "name = 'x.dll' if sys.platform.startswith('win') else 'x.so'\n"
        "if a:\n    b = 1\n"
    )
    family, choice = unit(source).conditionals
    assert [(b.line, b.end_line, b.condition) for b in family.branches] == [
        (2, 3, "sys.platform == 'win32'"),
        (4, 5, "os.name == 'posix'"),
        (7, 7, ""),
    ]
    assert (family.has_fallback, family.branches[-1].refuses, choice.has_fallback) == (True, True, True)


def test_a_function_below_a_platform_test_carries_the_condition() -> None:
    source = "import sys\nif sys.platform == 'win32':\n    def f(): pass\nelse:\n    def g(): pass\n"
    conditions = {f.name: f.condition for f in unit(source).functions}
    assert conditions["f"] == "sys.platform == 'win32'"
    assert conditions["g"] == "not (sys.platform == 'win32')"


STATEMENTS = """
import ctypes
async def f(a, /, b: int = 1, *c, d=2, **e) -> int:
    with open(a) as one, lock:
        assert one
        a += 1
        x, y = a, b
        (p, q) = divmod(a, b)
        [*r, s] = c
    async with other:
        await b()
    for i in range(3):
        if i: continue
        else: break
    else:
        del i
    async for j in c: yield j
    while True:
        try:
            return b[1:2]
        except (OSError, ValueError) as error:
            raise RuntimeError from error
        except:
            raise
        else:
            pass
        finally:
            done()
    while a < b < 3: a -= 1
    match a:
        case 1 | 2: one()
        case "x" if b: two()
        case None: three()
        case {"k": v}: four()
        case _: five()
    _ = six()
    v: int = seven()
    w: int
    return {k: n for k, n in e.items() if n and k or a} and [m for m in c] or {1, 2} or (z for z in c)
class K(dict, metaclass=M):
    "text"
    attribute = 1
    def method(self): return super().method(f"{self.x!r} {a:>{b}}", *a, **b)
    @staticmethod
    def free(x): return x if x else -1
"""


def test_every_kind_of_statement_is_kept() -> None:
    kinds = {type(statement) for function in unit(STATEMENTS).functions for statement in statements(function.body.body)}
    lowered = {ir.Assign, ir.Evaluate, ir.If, ir.Jump, ir.Loop, ir.Raise, ir.Return, ir.Switch, ir.Try, ir.With}
    assert lowered <= kinds
    assert not unit(STATEMENTS).gaps
    asynchronous = unit(STATEMENTS).functions[1]
    assert "async" in asynchronous.marks
    assert [p.name for p in asynchronous.parameters] == ["a", "b", "c", "d", "e"]


def test_values_are_folded_and_operators_spelled_as_in_c() -> None:
    def value(source: str) -> ir.Expression:
        (statement,) = module_body(f"x = {source}")
        assert isinstance(statement, ir.Assign)
        assert statement.value is not None
        return statement.value

    folded = value("'a' 'b' + 'c'")
    assert isinstance(folded, ir.Literal)
    assert folded.value == "abc"
    negative = value("-3")
    assert isinstance(negative, ir.Literal)
    assert negative.value == -3
    for source, operator in {
        "a and b": "&&", "a or b": "||", "not a": "!", "a is None": "==", "a is not None": "!=", "a in b": "in",
        "a // b": "/", "f'{a}b'": "format", "'%s' % a": "format", "'{}'.format(a)": "format", "a if b else c": "?:",
        "a @ b": "*", "a < b < c": "&&", "~a": "~",
    }.items():  # fmt: skip
        lowered = value(source)
        assert isinstance(lowered, ir.Operation), source
        assert lowered.operator == operator, source


def test_exported_names_are_those_of_dunder_all() -> None:
    read = unit("__all__ = ['a', 'b']\na = 1\n_c = 2\n")
    assert read.exported == frozenset("ab")
    assert {v.name: v.local for v in read.variables} == {"__all__": True, "a": False, "_c": True}
    assert unit("a = 1\n").exported is None


# Files that do not parse.


def test_a_broken_statement_is_a_gap_and_the_rest_is_read() -> None:
    source = "import ctypes\ndef f():\n    x = = 1\n    return ctypes.CDLL('x')\nprint 'python 2'\nctypes.PyDLL('y')\n"
    read = unit(source)
    assert [(gap.line, gap.end_line) for gap in read.gaps] == [(3, 3), (5, 5)]
    assert {"ctypes.CDLL", "ctypes.PyDLL"} <= set(called(source))


@pytest.mark.parametrize(
    "source",
    [
        b"\0\0\0",
        b"\xff\xfe\x00",
        b"# coding: no-such-codec\nx = 1\n",
        b"# coding: latin-1\nx = '\xe9'\n",
        b"\xef\xbb\xbfx = 1\r\ny = 2\r",
        b"(" * 5000,
        b"[" * 5000 + b"]" * 5000,
        b"x" + b".a" * 5000,
        b"-" * 5000 + b"1",
        b"not " * 5000 + b"x",
        b"lambda: " * 2000 + b"0",
        b"f" * 100 + b"(" * 90 + b")" * 90,
        b"x = " + b"a + " * 20000 + b"b\n",
        b"if x:\n" + b"".join(b" " * n + b"if x:\n" for n in range(1, 95)) + b" " * 95 + b"pass\n",
        b"".join(b"elif x == %d:\n    pass\n" % n if n else b"if x:\n    pass\n" for n in range(600)),
        b"x = 1" + b"0" * 6000,
        b"'" * 4999,
        b"\x0c\n\x0c",
        b"",
        b"\n" * 100_000,
    ],
    ids=range(20),
)
def test_any_bytes_give_a_unit(source: bytes) -> None:
    read = parse("odd.py", source)
    assert read.language is ir.Language.PYTHON
    assert read.functions[0].name == "<module>"
    assert all(1 <= gap.line <= gap.end_line for gap in read.gaps)


@pytest.mark.parametrize("link", [".a", "(1)", "()", "[0]", ".a(1)", "[0].a", "('a', 'b')", ".join(x)", "*y", "**y"])
@pytest.mark.parametrize("head", ["x", "getattr", "__import__", "ctypes.CDLL('a')", "''"])
@pytest.mark.parametrize(
    "form", ["{}", "v = {}", "@{}\ndef f(): pass", "class C({}): pass", "match {}:\n case 1: pass"]
)
def test_a_chain_may_be_longer_than_the_stack_is_deep(link: str, head: str, form: str) -> None:
    """Which trees ``ast`` gives depends on the release: 3.13 builds deeper ones than 3.11 does."""
    for count in (130, 900, 3000):
        assert parse("odd.py", form.format(head + link * count).encode()).functions[0].name == "<module>"


def test_a_file_that_does_not_speak_of_libraries_is_only_counted() -> None:
    read = python.parse("plain.py", b"import threading\nlock = threading.Lock()\n")
    assert (read.functions, read.gaps, read.line_count) == ((), (), 2)
    assert python.parse("native.py", b"import ctypes\n").functions


def test_a_chain_of_two_thousand_additions_is_shallow() -> None:
    (statement,) = module_body("x = " + " + ".join("a" for _ in range(2000)))

    def depth(node: ir.Expression) -> int:
        return 1 + max(map(depth, node.operands), default=0) if isinstance(node, ir.Operation) else 1

    assert isinstance(statement, ir.Assign)
    assert statement.value is not None
    assert depth(statement.value) < 20


PIECES = (
    *("import ctypes\n", "lib = ctypes.CDLL(name)\n", "try:\n", "except OSError:\n", "    pass\n", "def f(x):\n"),
    *("    return x\n", "class A:\n", "    def m(self):\n", "        self.lib.f()\n", "if sys.platform:\n", "else:\n"),
    *("with a as b:\n", "x = [y for y in z]\n", "lambda: 0\n", "\t\n", "(", "'''", '"', "\\\n", "#", "match x:\n"),
    *("    case 1:\n", "async def g():\n", "    await h()\n", "\0", "\xe9"),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_any_mixture_of_code_gives_a_unit(pieces: list[str]) -> None:
    read = parse("mixed.py", "".join(pieces).encode())
    assert read.line_count >= 0


def real_sources() -> Iterator[Path]:
    yield from sorted(Path(ast.__file__).parent.glob("*.py"))[:: max(1, 400 // 40)]
    yield from sorted((Path(ast.__file__).parent / "ctypes").glob("*.py"))


@pytest.mark.slow
def test_the_standard_library_is_read_without_a_gap_and_no_call_is_lost() -> None:
    for path in real_sources():
        source = path.read_bytes()
        read = parse(path.name, source)
        assert not read.gaps, path
        written = sum(isinstance(node, ast.Call) for node in ast.walk(ast.parse(source)))
        kept = sum(count_calls(function) for function in read.functions)
        # decorators, bases and annotations are marks and types, not calls; a chained comparison holds its middle twice
        assert 0.9 * written - 12 <= kept <= 1.2 * written + 12, path


def count_calls(function: ir.Function) -> int:
    total = 0
    for statement in statements(function.body.body):
        for top in tops(statement):
            for node in expressions(top):
                total += isinstance(node, ir.Call) or (isinstance(node, ir.Operation) and node.operator == "format")
                if isinstance(node, ir.Closure) and node.function.name == "<lambda>":
                    total += count_calls(node.function)
    return total


def test_single_byte_damage_never_raises() -> None:
    source = bytearray(CLASS.encode())
    dice = random.Random(7)
    for position in range(0, len(source), 5):
        damaged = bytearray(source)
        damaged[position] = dice.randrange(256)
        parse("damaged.py", bytes(damaged))


def test_reading_does_not_change_the_recursion_limit() -> None:
    before = sys.getrecursionlimit()
    parse("deep.py", b"(" * 300 + b")" * 300)
    assert sys.getrecursionlimit() == before


def test_members_come_in_the_order_of_the_source_with_those_that_are_only_declared() -> None:
    body = ("first: int", "second: str = ''", "def __init__(self):", "    self.z = 1", "    self.a = 2")
    source = "class Pair:\n" + "".join(f"    {line}\n" for line in body)
    (pair,) = unit(source).classes
    assert [member.name for member in pair.members] == ["first", "second", "z", "a"]


@pytest.mark.parametrize(
    "handed",
    [
        "def go(sdk):\n    sdk.run()\ngo(load())",
        "class S:\n    def __init__(self, s):\n        self.s = s\n    def go(self):\n        self.s.run()\nS(load())",
        "class S:\n    def __init__(self, a, *, s):\n        self.s = s\n        self.s.run()\nS(1, s=load())",
        "def inner(lib):\n    lib.run()\ndef outer(lib):\n    inner(lib)\nouter(load())",
    ],
)
def test_a_library_is_followed_into_what_it_is_handed_to(handed: str) -> None:
    source = "import ctypes\ndef load():\n    return ctypes.CDLL('x')\n" + handed
    assert "ctypes.CDLL.run" in called(source)


def test_what_is_handed_two_kinds_of_library_is_neither() -> None:
    source = "import ctypes\ndef go(lib):\n    lib.run()\ngo(ctypes.CDLL('x'))\ngo(ctypes.WinDLL('y'))"
    assert "?.run" in called(source)


@pytest.mark.parametrize("module", ["_relay_cffi", "package._native", "._ffi", "relay._libc"])
@pytest.mark.parametrize(("name", "call"), [("lib", "cffi.Lib.go"), ("ffi", "cffi.FFI.go")])
def test_a_module_that_cffi_has_built_offers_lib_and_ffi(module: str, name: str, call: str) -> None:
    assert call in called(f"from {module} import {name}\n{name}.go()")
