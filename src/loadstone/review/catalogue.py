"""Every rule in words, source and binary alike: what ``loadstone rules`` prints and reports explain themselves with."""

from __future__ import annotations

from difflib import get_close_matches

from loadstone.core.rules import RuleText
from loadstone.errors import InvalidName
from loadstone.review.binary import RULES as BINARY_RULES
from loadstone.review.rules import RULES as SOURCE_RULES

__all__ = ["catalogue", "rule_text"]

_BINARIES = ("elf", "pe", "macho")


def catalogue() -> tuple[RuleText, ...]:
    """Every rule, source rules first, in the order reports list them."""
    source = (
        RuleText(
            id=rule.id,
            question=rule.question,
            why=rule.why,
            practice=rule.practice,
            cwe=(rule.cwe,) if rule.cwe else (),
            severity=rule.severity,
            applies_to=tuple(language.value for language in rule.languages),
            bad=rule.bad,
            good=rule.good,
            fix=rule.fix,
            references=rule.references,
        )
        for rule in SOURCE_RULES
    )
    binary = (
        RuleText(
            id=rule.id,
            question=rule.question,
            why=rule.why,
            practice=rule.practice,
            cwe=(rule.cwe,) if rule.cwe else (),
            severity=rule.severity,
            applies_to=_BINARIES,
            bad=rule.bad,
            good=rule.good,
            fix=rule.fix,
            references=rule.references,
        )
        for rule in BINARY_RULES
    )
    return (*source, *binary)


def rule_text(name: str) -> RuleText:
    """The rule with that id.

    Raises:
        InvalidName: there is none; the advice names those that look alike.
    """
    rules = {rule.id: rule for rule in catalogue()}
    if name in rules:
        return rules[name]
    near = get_close_matches(name, rules, n=3, cutoff=0.4)
    advice = f"did you mean {', '.join(near)}?" if near else "`loadstone rules` lists them all"
    raise InvalidName(name=name, reason="there is no such rule", advice=advice)
