r"""Fingerprints: the same claim about the same code keeps its name when lines move, or files are moved or reindented.

What goes in: the rule, the answer, the function or class around it, and the words of the statement. What stays out:
line numbers, spelling of the path, white space. Equal claims in one file are told apart by their order. For binaries,
where there is no statement, the sentence stands in, with its numbers blanked: offsets move with every build.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import PurePath

from loadstone.core.claims import Claim, LocationUnit

__all__ = ["fingerprints"]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_NUMBER = re.compile(r"\b(0x[0-9a-fA-F]+|[\d,]*\d)\b")


def _no_statement(_claim: Claim) -> str:
    return ""


def fingerprints(claims: Iterable[Claim], statement: Callable[[Claim], str] = _no_statement) -> tuple[str, ...]:
    """A fingerprint for each claim, in order: 32 hexadecimal digits, unique within the claims of one file name.

    ``statement`` gives the source text at the claim's place; where it is empty the claim's sentence is used. Pure.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for claim in claims:
        words = _TOKEN.findall(statement(claim)) if claim.location.unit is LocationUnit.LINES else []
        if not words:
            words = [_NUMBER.sub("#", claim.message)]
        key = (claim.rule, claim.outcome.value, PurePath(claim.location.path).name, claim.context, " ".join(words))
        packed = "\0".join((*key, str(seen[key]))).encode("utf-8", "surrogatepass")
        seen[key] += 1
        made.append(hashlib.sha256(packed).hexdigest()[:32])
    return tuple(made)
