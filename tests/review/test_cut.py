"""Functions that are not followed on every path: said to be, once, and without weight in the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding, Location, Settler, Undecided
from loadstone.review import cfg, frontends, rules
from loadstone.review.analyses import bounds, gather
from loadstone.review.analyses.facts import Bound
from loadstone.review.engine import review
from loadstone.review.ir import Program

RULE = "analysis-incomplete"
SHORT = "#include <dlfcn.h>\nint f(const char *p)\n{\n    void *h = dlopen(p, 2);\n    return h && !dlclose(h);\n}\n"


def undecided(text: str, name: str = "a.c") -> list[Undecided]:
    claims = rules.ask(Program((frontends.parse(name, text.encode()),)))
    return [claim for claim in claims if isinstance(claim, Undecided) and claim.rule == RULE]


def long_body(statements: int) -> str:
    return "#include <dlfcn.h>\nvoid f(void *h)\n{\n    dlclose(h);\n" + "    use(h);\n" * statements + "}\n"


def test_a_function_followed_to_its_end_gives_no_claim() -> None:
    assert undecided(SHORT) == []


def many_handles(count: int) -> str:
    """Handles that are each closed or not: twice as many states with every one of them."""
    opened = "".join(
        f"    void *h{n} = dlopen(p, 2);\n    if (ask({n}))\n        dlclose(h{n});\n" for n in range(count)
    )
    return f"#include <dlfcn.h>\nint f(const char *p)\n{{\n{opened}    return 0;\n}}\n"


def test_a_long_function_without_branches_is_followed_to_its_end() -> None:
    assert undecided(long_body(bounds.MAX_STEPS + 10)) == []


def test_a_function_of_many_states_is_followed_with_its_paths_as_one_and_said_to_be() -> None:
    (claim,) = undecided(many_handles(12))
    assert claim.message == "f was not followed on every path"
    assert claim.location == Location.lines("a.c", 2, 41)
    assert (claim.reason, claim.settled_by, claim.context) == (Bound.STATES, Settler.HUMAN, "f")
    assert not claim.blocking


def test_paths_that_differ_in_nothing_a_rule_asks_are_followed_as_one_without_a_word() -> None:
    choices = "".join(f"    int a{n} = 0;\n    if (ask({n}))\n        a{n} = {n + 2};\n" for n in range(12))
    uses = "".join(f"    use(a{n});\n" for n in range(12))
    text = f"#include <dlfcn.h>\nint f(const char *p)\n{{\n{choices}    void *h = dlopen(p, 2);\n{uses}"
    assert undecided(text + "    return h && !dlclose(h);\n}\n") == []


def test_what_is_wrong_on_every_path_is_still_found_when_paths_are_one() -> None:
    text = many_handles(12).replace(
        "    return 0;", "    void *h = dlopen(p, 2);\n    dlclose(h);\n    dlclose(h);\n    return 0;"
    )
    claims = rules.ask(Program((frontends.parse("a.c", text.encode()),)))
    assert 675 in {claim.cwe for claim in claims if isinstance(claim, Finding)}


def test_a_body_with_more_nodes_than_are_laid_out_is_cut_by_that_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cfg, "MAX_NODES", 400)
    unit = frontends.parse("a.c", long_body(450).encode())
    assert Bound.NODES in {cut.bound for cut in gather(Program((unit,))).cut}


def test_a_bound_met_in_a_callee_is_said_of_the_function_that_was_followed() -> None:
    helper = many_handles(7).replace("int f(", "static int g(")
    found = undecided(helper + "void f(const char *p)\n{\n    g(p);\n    g(p);\n}\n")
    assert "f" in [claim.context for claim in found]


def test_outcomes_of_one_expression_do_not_multiply_from_line_to_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the sFlow reader of Ganglia, where 24,000 states waited beyond the bound."""
    taken: list[int] = []

    step = bounds.StepBudget.step

    def counted(budget: bounds.StepBudget) -> None:
        step(budget)
        taken.append(budget.steps)

    monkeypatch.setattr(bounds, "MAX_STEPS", 50)
    monkeypatch.setattr(bounds.StepBudget, "step", counted)
    lines = "".join(f"    tell(h, a{n} || b{n}, c{n} || d{n});\n" for n in range(6))
    text = f"#include <dlfcn.h>\nvoid f(void *h)\n{{\n{lines}    dlclose(h);\n}}\n"
    found = gather(Program((frontends.parse("a.c", text.encode()),)))
    assert Bound.STEPS in {cut.bound for cut in found.cut}
    assert max(taken) < 1_000


def test_a_branch_that_takes_all_steps_does_not_hide_what_another_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_STEPS", 150)
    helpers = (
        "static void open_one(const char *p)\n{\n    void *h = dlopen(p, 2);\n    if (h)\n        dlclose(h);\n}\n"
        + many_handles(6).replace("int f(", "static int scan(")
    )
    body = (
        'void all(void)\n{\n    const char *list = getenv("DRIVERS");\n    if (!list) {\n'
        '        scan("/usr/lib/a.so");\n'
        "        return;\n    }\n    open_one(list);\n}\n"
    )
    text = helpers.replace("#include <dlfcn.h>\n", "") + body
    claims = rules.ask(Program((frontends.parse("a.c", f"#include <dlfcn.h>\n#include <stdlib.h>\n{text}".encode()),)))
    assert "untrusted-load-path" in {claim.rule for claim in claims if isinstance(claim, Finding)}


def test_a_cut_function_alone_changes_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.c").write_text(many_handles(12))
    result = review(["a.c"])
    assert RULE in {claim.rule for claim in result.claims if isinstance(claim, Undecided)}
    assert result.counts.undecided >= 1
