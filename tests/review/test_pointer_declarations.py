"""Declarations of function pointers that the grammars read as calls and products are read as declarations."""

from __future__ import annotations

import pytest

from loadstone.review import ir
from loadstone.review.frontends import parse

_FORMS = [
    "int (*go)() = f();",
    "bool (*go)(Foo, Bar) = f();",
    "Status (*go)(void) = f();",
    "ns::Status (*go)() = f();",
    "Plugin *(*go)() = f();",
    "Plugin *(*go)(void) = f();",
    "ns::Plugin **(*go)(Foo) = f();",
    "std::vector<int> (*go)() = f();",
    "Plugin &(*go)() = f();",
    "int (*go)();",
    "Plugin *(*go)(void);",
]


def _declared(text: str, language: ir.Language) -> list[ir.Assign]:
    unit = parse("x", f"#include <dlfcn.h>\nvoid run(void *h) {{ dlclose(h); {text} }}".encode(), language)
    found: list[ir.Assign] = []
    stack: list[ir.Statement] = [*unit.functions[0].body.body]
    while stack:
        one = stack.pop()
        stack += one.body if isinstance(one, ir.Block) else ()
        found += [one] if isinstance(one, ir.Assign) and one.declares else []
    return found


_BOTH = [(form, ir.Language.CPP) for form in _FORMS]
_BOTH += [(form, ir.Language.C) for form in _FORMS if "::" not in form and "&" not in form]


@pytest.mark.parametrize(("form", "language"), _BOTH)
def test_a_pointer_to_a_function_is_a_variable(form: str, language: ir.Language) -> None:
    (one,) = _declared(form, language)
    assert isinstance(one.target, ir.Name)
    assert one.target.name == "go"
    assert "(*)" in one.type
    assert (one.value is None) == ("=" not in form)


def test_a_condition_declares_one_as_well() -> None:
    (one,) = _declared("if (int (*go)() = f()) go();", ir.Language.CPP)
    assert isinstance(one.target, ir.Name)
    assert one.target.name == "go"


@pytest.mark.parametrize("text", ["f(*p)(x);", "a = b * c();", "*f() = 1;", "g(a * (*p)(x));"])
def test_calls_and_products_are_what_they_were(text: str) -> None:
    assert not _declared(text, ir.Language.C)
    assert not _declared(text, ir.Language.CPP)
