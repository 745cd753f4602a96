"""Flags are praised only where the call itself always has them: a variable may have been given more on another path."""

from __future__ import annotations

import pytest

from loadstone.core.claims import Evidence, Finding
from loadstone.review import frontends, rules
from loadstone.review.ir import Program

HINTED = "int flags = RTLD_NOW; if (hints) flags |= RTLD_GLOBAL; else flags |= RTLD_LOCAL;"


def answers(before: str, flags: str) -> tuple[bool, bool, bool]:
    """Whether binding at once is praised, keeping symbols local is praised, and making them global is noted."""
    source = (
        f'#define SAFE (RTLD_NOW | RTLD_LOCAL)\nvoid *f(int hints) {{ {before} return dlopen("/a.so", {flags}); }}\n'
    )
    claims = rules.ask(Program((frontends.parse("a.c", source.encode()),)))
    praised = {claim.rule for claim in claims if isinstance(claim, Evidence)}
    noted = {claim.rule for claim in claims if isinstance(claim, Finding)}
    return "rtld-lazy" in praised, "rtld-global" in praised, "rtld-global" in noted


@pytest.mark.parametrize(
    ("before", "flags", "bound", "local", "shared"),
    [
        ("", "RTLD_NOW | RTLD_LOCAL", True, True, False),
        ("", "(int)(RTLD_NOW + RTLD_LOCAL)", True, True, False),
        ("", "SAFE", True, True, False),
        ("", "RTLD_NOW", True, False, False),
        ("", "RTLD_LAZY | RTLD_LOCAL", False, True, False),
        ("", "RTLD_NOW | RTLD_GLOBAL", True, False, True),
        ("", "hints | RTLD_NOW", True, False, False),
        ("", "hints | RTLD_LOCAL", False, False, False),
        ("", "RTLD_NOW | (hints ? RTLD_GLOBAL : RTLD_LOCAL)", True, False, False),
        ("", "hints ? RTLD_NOW : RTLD_NOW", True, False, False),
        ("", "hints ? RTLD_NOW | RTLD_LOCAL : RTLD_NOW", True, False, False),
        ("", "choose(hints) | RTLD_NOW", True, False, False),
        ("", "0", False, False, False),
        (HINTED, "flags", False, False, False),
        (HINTED, "flags | RTLD_NOW", True, False, False),
    ],
)
def test_what_the_call_says_decides(before: str, flags: str, *, bound: bool, local: bool, shared: bool) -> None:
    assert answers(before, flags) == (bound, local, shared)
