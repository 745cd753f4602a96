"""Structs that are copied whole, from members and through pointers: what they held is held twice."""

from __future__ import annotations

import pytest

from loadstone.core.claims import Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

COPIES = ["a->inner = b->inner;", "*a->at = b->inner;", "a->at[0] = b->at[0];", "*b->at = *a->at;", "*a = *b;"]


def found(copy: str, closes: str) -> list[int | None]:
    text = (
        "#include <dlfcn.h>\nstruct inner { void *h; int n; };\nstruct outer { struct inner inner, *at; };\n"
        "void f(struct outer *a, struct outer *b, const char *s)\n{\n"
        "    struct inner one;\n    b->at = &one;\n    b->at->h = dlopen(s, RTLD_NOW);\n    b->inner = *b->at;\n"
        f"    {copy}\n    {closes}\n}}\n"
    )
    claims = rules.ask(Program((frontends.parse("a.c", text.encode()),)))
    return [claim.cwe for claim in claims if isinstance(claim, Finding)]


@pytest.mark.parametrize("copy", COPIES)
def test_a_struct_that_is_the_member_of_another_is_copied(copy: str) -> None:
    found(copy, "dlclose(b->inner.h);")


def test_a_handle_that_was_copied_with_its_struct_is_the_same_handle() -> None:
    assert 675 in found("a->inner = b->inner;", "dlclose(a->inner.h); dlclose(b->inner.h);")
    assert 675 not in found("a->inner = b->inner;", "dlclose(a->inner.h);")
