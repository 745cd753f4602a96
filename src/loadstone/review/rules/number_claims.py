"""What is said of a number that somebody else chose and nothing compared, where it says how much or where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review.analyses.facts import Facts
from loadstone.review.rules.number_origins import ARGUMENTS
from loadstone.review.rules.number_uses import NumberUse
from loadstone.review.rules.number_walk import number_uses
from loadstone.review.rules.rule import Rule

__all__ = ["numbers_that_read", "numbers_that_write"]

_BLOCKS: Final = frozenset({"block", "wraps", "sum"})


def numbers_that_write(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The uses of numbers that say where is written, or how much."""
    yield from _claims(rule, facts, writing=True)


def numbers_that_read(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The uses of numbers that say where is read, how much, and how large a block is."""
    yield from _claims(rule, facts, writing=False)


def _claims(rule: Rule, facts: Facts, *, writing: bool) -> Iterator[Claim]:
    for unit, function, use in number_uses(facts):
        if (use.written and use.how not in _BLOCKS) is not writing:
            continue
        message, cwe, fix = _said(use)
        origin = use.number.origin
        place = Location.lines(unit.path, use.line)
        if use.how == "block" and origin is not None and origin.words == ARGUMENTS:
            continue  # whoever starts the program may ask for as much memory as there is
        yield rule.no(
            message,
            place,
            cwe=cwe,
            severity=Severity.LOW if origin is not None and origin.words == ARGUMENTS else Severity.MEDIUM,
            confidence=Confidence.LIKELY,
            fix=fix,
            why=(
                FlowStep(Location.lines(unit.path, origin.line), origin.words, "source"),
                FlowStep(place, "gone by", "use"),
            )
            if origin is not None
            else (),
            context=function.name,
            condition=function.condition,
        )


def _said(use: NumberUse) -> tuple[str, int, str]:
    """The message, the weakness and what to do."""
    name, words = use.number.name, use.number.origin.words if use.number.origin is not None else ""
    of = use.of.replace("[]", "") or "it"
    overflow = 787 if use.written else 125
    match use.how, use.lacks:
        case "index" | "size", "off":
            most = use.number.limit
            return (
                f"{name} may be {most}, which is more than {of} has room for.",
                overflow,
                "Compare with the number of elements: the last index is one less.",
            )
        case "end", _:
            return (
                f"{name} may be the size of {of} when the terminating NUL is written behind it.",
                787,
                "Read one byte less than there is room for, or refuse the full size.",
            )
        case "index", "lower":
            return (
                f"{name} ({words}) indexes {of}, and may be negative: only the upper end is compared.",
                overflow,
                "Compare it with 0 too, or make it unsigned first.",
            )
        case "turns", _:
            return (
                f"{name} ({words}) may be negative, and says here, made unsigned, how often a loop runs.",
                195,
                "Compare it with 0 first.",
            )
        case "size", "lower":
            return (
                f"{name} ({words}) may be negative, which passes the comparison and is a huge size here.",
                195,
                "Compare it with 0 too, or make it unsigned before it is compared.",
            )
        case "size", _:
            verb = "written to" if use.written else "read from"
            return (
                f"{name} ({words}) says how much is {verb} {of}, and nothing compares it with the room there.",
                overflow,
                f"Compare it with the size of {of} first.",
            )
        case "offset", _:
            return (
                f"{name} ({words}) is added to {of}, and nothing compares it with the size.",
                125,
                "off <= size && len <= size - off.",
            )
        case "wraps", _:
            return (
                f"{name} ({words}) is part of the size of a block that is computed in 32 bits: near 2^32 it is small.",
                190,
                "Compare the number with a limit first, and compute in size_t.",
            )
        case "sum", _:
            return (
                f"{name} ({words}) is part of a sum or product of 32 bits that may wrap before it is compared.",
                190,
                "off <= size && len <= size - off.",
            )
        case "block", _:
            return (
                f"As much memory is reserved as {name} ({words}) says, and nothing compares it.",
                789,
                "Compare it with what is left of the data, or with a limit, first.",
            )
    return (
        f"{name} ({words}) indexes {of}, and nothing compares it with the number of elements.",
        overflow,
        "Compare it with the number of elements first.",
    )
