"""Python: verification that is off unless somebody turns it on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.guards import simple, words_in
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, parts_of, statements

__all__ = ["DIGEST", "VERIFIES", "off_by_default", "speaks_of_digests"]

DIGEST: Final = re.compile(
    r"(?i)digest|sha\d+|sha_\d|checksum|hmac|\bhash(?:ed|sum)?\b|_hash|hash_|signature|\bcrc|crc\d+|md5|fingerprint"
)
_SHA: Final = re.compile(r"sha_?\d")
_HINTS: Final = ("digest", "checksum", "hmac", "hash", "signature", "crc", "md5", "fingerprint")
VERIFIES: Final = re.compile(r"(?i)verif|valid|check|authent|trusted|signed")
_ASKED_FOR: Final = re.compile(
    r"(?i)\A_?(?:(?:require|verify|check|validate|enforce|need|strict)(?:_|\Z)\w*|\w*_(?:required|verified"
    r"|checked|verification|enforced)|verify|secure)\Z"
)
_ABOUT: Final = re.compile(r"(?i)mac|sig|hash|digest|sum|cert|ssl|tls|integrity|auth|verif|trust|secure")


def _keys(condition: ir.Expression) -> Iterator[str]:
    """``settings["verify"]``, ``settings.get("verify")``: the keys that a condition asks for."""
    for part in expressions(condition):
        match part:
            case ir.Item(index=ir.Literal(value=str(key))):
                yield key
            case ir.Call(name=name, arguments=(ir.Literal(value=str(key)), *_)) if simple(name) == "get":
                yield key


def speaks_of_digests(unit: ir.Unit) -> bool:
    """Whether the text of a file has a word for a digest. Asked in steps: the whole pattern takes long to say no."""
    text = unit.text.lower()
    hinted = any(word in text for word in _HINTS) or _SHA.search(text) is not None
    return hinted and DIGEST.search(unit.text) is not None


def off_by_default(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``require_signature=False``: verification that somebody must remember to ask for."""
    defaults: dict[str, tuple[int, str]] = {}
    for function in unit.functions:
        for parameter in function.parameters:
            if isinstance(parameter.default, ir.Literal) and parameter.default.value is False:
                defaults.setdefault(parameter.name, (parameter.line, function.name))
        for statement in statements(function.body.body):
            if (
                isinstance(statement, ir.Assign)
                and isinstance(statement.target, ir.Member | ir.Name)
                and isinstance(statement.value, ir.Literal)
                and statement.value.value is False
                and function.name == "<module>"
            ):
                defaults.setdefault(statement.target.name, (statement.line, function.name))
        for part in (p for s in statements(function.body.body) for p in parts_of(s) if isinstance(p, ir.Display)):
            for key, item in zip(part.keys, part.items, strict=False):
                if key and isinstance(item, ir.Literal) and item.value is False:
                    defaults.setdefault(key, (item.line, function.name))
    wanted = {n: p for n, p in defaults.items() if _ASKED_FOR.match(n) and _ABOUT.search(n)}
    if not wanted:
        return
    for function in unit.functions:
        for statement in statements(function.body.body):
            if isinstance(statement, ir.If):
                words = {*words_in(statement.condition), *_keys(statement.condition)}
                for name in wanted.keys() & words:
                    inside = [c.name for c in calls(statement.then.body)] + [
                        p.name for p in expressions(statement.condition) if isinstance(p, ir.Call)
                    ]
                    if any(VERIFIES.search(simple(called)) or DIGEST.search(called) for called in inside):
                        line, where = wanted[name]
                        yield rule.no(
                            f"{name} is off unless somebody turns it on; without it line {statement.line} "
                            f"verifies nothing.",
                            Location.lines(unit.path, line),
                            cwe=1188,
                            severity=Severity.MEDIUM,
                            fix="Verify by default.",
                            context=where,
                        )
