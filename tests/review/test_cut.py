"""Functions that are not followed on every path: said to be, once, and without weight in the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Location, Settler, Undecided
from loadstone.core.review import ReviewVerdict
from loadstone.review import frontends, rules
from loadstone.review.analyses import gather, walker
from loadstone.review.analyses.facts import Bound
from loadstone.review.engine import review
from loadstone.review.ir import Program

RULE = "function-followed-to-its-end"
SHORT = "#include <dlfcn.h>\nint f(const char *p)\n{\n    void *h = dlopen(p, 2);\n    return h && !dlclose(h);\n}\n"


def undecided(text: str, name: str = "a.c") -> list[Undecided]:
    claims = rules.ask(Program((frontends.parse(name, text.encode()),)))
    return [claim for claim in claims if isinstance(claim, Undecided) and claim.rule == RULE]


def long_body(statements: int) -> str:
    return "#include <dlfcn.h>\nvoid f(void *h)\n{\n    dlclose(h);\n" + "    use(h);\n" * statements + "}\n"


def test_a_function_followed_to_its_end_gives_no_claim() -> None:
    assert undecided(SHORT) == []


def test_a_long_function_is_left_open_with_its_lines_and_the_bound() -> None:
    statements = walker.MAX_STEPS + 10
    (claim,) = undecided(long_body(statements))
    assert claim.message == "f is too large or too deep to be followed on every path"
    assert claim.location == Location.lines("a.c", 2, statements + 5)
    assert (claim.reason, claim.settled_by, claim.context) == (Bound.STEPS, Settler.HUMAN, "f")
    assert not claim.blocking


def test_a_body_with_more_nodes_than_are_laid_out_is_cut_by_that_bound() -> None:
    unit = frontends.parse("a.c", long_body(20_000).encode())
    assert Bound.NODES in {cut.bound for cut in gather(Program((unit,))).cut}


def test_the_bounds_one_function_meets_are_one_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MAX_STEPS", 5)
    (claim,) = undecided(long_body(20_000))
    assert claim.reason.split("; ") == sorted([Bound.NODES.value, Bound.STEPS.value])


def test_a_bound_met_in_a_callee_is_said_of_the_function_that_was_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "MAX_STEPS", 12)
    helper = "#include <dlfcn.h>\nstatic void g(void *h)\n{\n    dlclose(h);\n" + "    use(h);\n" * 8 + "}\n"
    found = undecided(helper + "void f(void *h)\n{\n    g(h);\n    g(h);\n}\n")
    assert [claim.context for claim in found] == ["f"]


def test_a_cut_function_alone_changes_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.c").write_text(long_body(walker.MAX_STEPS + 10))
    result = review(["a.c"])
    assert result.verdict is ReviewVerdict.NO_WEAKNESS_FOUND
    assert RULE in {claim.rule for claim in result.claims if isinstance(claim, Undecided)}
    assert result.counts.undecided >= 1
