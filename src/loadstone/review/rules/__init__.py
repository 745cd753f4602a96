"""The source rules, in one table: adding one means adding a file and a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from loadstone.core.claims import Claim
from loadstone.review.analyses import Facts, gather
from loadstone.review.ir import Program
from loadstone.review.rules import callbacks_kept, foreign_functions_typed, load_failure_acted_on, symbol_test_narrow
from loadstone.review.rules.rule import Rule

__all__ = ["RULES", "Rule", "ask"]

RULES: Final[tuple[Rule, ...]] = (
    load_failure_acted_on.RULE,
    symbol_test_narrow.RULE,
    callbacks_kept.RULE,
    foreign_functions_typed.RULE,
)
"""Every source rule, in the order reports list them."""


def ask(program: Program, rules: Sequence[Rule] = RULES) -> tuple[Claim, ...]:
    """Every answer of every rule for the units of one run, in a stable order."""
    facts: Facts = gather(program)
    return tuple(claim for rule in rules for claim in rule.ask(facts))
