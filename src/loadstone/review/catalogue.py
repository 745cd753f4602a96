"""Every rule in words, source and binary alike: what ``loadstone rules`` prints and reports explain themselves with."""

from __future__ import annotations

from difflib import get_close_matches

from loadstone.core.rules import RuleText
from loadstone.review.binary import RULES as BINARY_RULES
from loadstone.review.former_ids import current_id
from loadstone.review.rules import RULES as SOURCE_RULES

__all__ = ["catalogue", "names_like", "rules_named"]


def catalogue() -> tuple[RuleText, ...]:
    """Every rule, source rules first, in the order reports list them."""
    return (*(rule.text for rule in SOURCE_RULES), *(rule.text for rule in BINARY_RULES))


def rules_named(word: str) -> tuple[RuleText, ...]:
    """The rule with that id, of today or before, or the rules about that weakness (``CWE-114``); may be none."""
    asked = current_id(word)
    return tuple(rule for rule in catalogue() if asked in (rule.id, *(f"cwe-{number}" for number in rule.cwe)))


def names_like(word: str) -> tuple[str, ...]:
    """Ids that look like a mistyped one."""
    return tuple(get_close_matches(word.casefold(), [rule.id for rule in catalogue()], n=3))
