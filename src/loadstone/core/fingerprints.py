"""Fingerprints: the same claim about the same code keeps its name when lines move, or files are moved or reindented.

The second half is of the claim itself: the rule, the answer, the function or class around it, and the words of the
statement. It stays when the file is renamed or the function moves to another one. The first half adds the file's name
and the order among equal claims in it, so that it is unique. Line numbers, the spelling of the path and white
space stay out. In a binary, where there is no statement, the claim's subject stands in: the dependency, the search path
element, the symbol. The sentence of a claim is never part of it: better words are no news, and neither is an offset
that moves with every build.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath

from loadstone.core.claims import Claim, LocationUnit

__all__ = ["PROPERTY", "content_of", "fingerprints", "statements"]

PROPERTY = "loadstoneRule/v2"
"""What SARIF files call it, under ``partialFingerprints`` (SARIF 2.1.0, 3.27.17)."""

_HALF = 16

_TOKEN = re.compile(r"\w+|[^\w\s]")
_MAX_LINES = 4
"""Lines of a statement that count."""


def _no_statement(_claim: Claim) -> str:
    return ""


def statements(lines_of: Callable[[str], Sequence[str]]) -> Callable[[Claim], str]:
    """What gives the source text at the place of a claim, where ``lines_of`` gives the lines of a path."""

    def statement(claim: Claim) -> str:
        place = claim.location
        if place.unit is not LocationUnit.LINES or not place.start:
            return ""
        return "\n".join(lines_of(place.path)[place.start - 1 : min(place.end, place.start + _MAX_LINES)])

    return statement


def fingerprints(claims: Iterable[Claim], statement: Callable[[Claim], str] = _no_statement) -> tuple[str, ...]:
    """A fingerprint for each claim, in order: 32 hexadecimal digits, unique within the claims of one file name.

    ``statement`` gives the source text at the claim's place; where it is empty the claim's subject is used. Pure.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for claim in claims:
        words = _TOKEN.findall(statement(claim)) or [claim.subject]
        content = (claim.rule, claim.outcome.value, claim.context, " ".join(words))
        key = (*content, PurePath(claim.location.path).name)
        made.append(_digits(*key, str(seen[key])) + _digits(*content))
        seen[key] += 1
    return tuple(made)


def content_of(fingerprint: str) -> str:
    """The part of a fingerprint that does not depend on the file."""
    return fingerprint[_HALF:]


def _digits(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_HALF]
