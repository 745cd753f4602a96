"""Is downloaded code verified before it is loaded?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Call, Literal, Name, Operation
from loadstone.review.rules.places import ALL, NATIVE, at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]


_TURNED_OFF: Final = {
    "curl_easy_setopt": (1, frozenset({"CURLOPT_SSL_VERIFYPEER", "CURLOPT_SSL_VERIFYHOST"}), 2),
    "SSL_CTX_set_verify": (1, frozenset({"SSL_VERIFY_NONE"}), None),
    "SSL_set_verify": (1, frozenset({"SSL_VERIFY_NONE"}), None),
    "setPeerVerifyMode": (0, frozenset({"QSslSocket::VerifyNone", "VerifyNone"}), None),
    "set_verify_mode": (0, frozenset({"verify_none"}), None),
    "ignoreSslErrors": (0, frozenset(), None),
}
"""Calls that leave the other side unverified: which argument says so by which words, and which has to be zero."""


def _unverified_peers(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A connection in a program that loads libraries takes whoever answers."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for function in unit.functions:
            for call in calls_in(function.body):
                if _takes_anybody(call):
                    yield rule.no(
                        f"{last_word(call.name)} at line {call.line} takes whoever answers for the server.",
                        Location.lines(unit.path, call.line),
                        cwe=295,
                        severity=Severity.MEDIUM,
                        fix="Leave the verification on; give the program the certificate it is to trust.",
                        context=function.name,
                        condition=function.condition,
                    )


def _takes_anybody(call: Call) -> bool:
    found = _TURNED_OFF.get(last_word(call.name))
    if found is None:
        return False
    number, words, off = found
    if not words:
        return not call.arguments
    if len(call.arguments) <= max(number, off or 0):
        return False
    said = uncast(call.arguments[number])
    chosen = isinstance(said, Operation) and said.operator == "?:"  # one arm of two: somebody decides
    named = not chosen and any(isinstance(e, Name) and e.name.endswith(tuple(words)) for e in expressions(said))
    value = uncast(call.arguments[off]) if off is not None else None
    return named and (off is None or (isinstance(value, Literal) and not value.value))


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _unverified_peers(rule, facts)
    for site in (s for s in facts.reached if s.api.role is ApiRole.LOAD):
        for invocation in sorted(site.invocations, key=repr):
            flags = dict(sorted(invocation.flags, reverse=True))
            fetched, verified = flags.get("downloaded"), flags.get("verified")
            if fetched is None:
                continue
            if verified is None:
                yield rule.no(
                    (
                        f"Bytes fetched at line {fetched.line} are loaded at line "
                        f"{site.spot.line} with no digest or signature between."
                    ),
                    at(site.spot),
                    why=(step(fetched, "fetched", "taint"), step(site.spot, "loaded unverified", "use")),
                    context=site.spot.function,
                )
            else:
                yield rule.yes(
                    (
                        f"What is fetched at line {fetched.line} is verified at line "
                        f"{verified.line} before the load at line {site.spot.line}"
                    ),
                    at(verified),
                    places=(at(fetched), at(site.spot)),
                    context=site.spot.function,
                )


RULE: Final = Rule(
    id="unverified-download",
    question="Is downloaded code verified before it is loaded?",
    practice=Practice.INTEGRITY,
    cwe=494,
    severity=Severity.HIGH,
    languages=ALL,
    why="Whoever stands on the way, or takes over the server, would choose the code.",
    fix="Compare with a pinned digest before the first write.",
    bad="urllib.request.urlretrieve(URL, path)\nctypes.CDLL(path)\n",
    good="if hmac.compare_digest(hashlib.sha256(data).hexdigest(), PINNED): load(data)\n",
    references=("https://cwe.mitre.org/data/definitions/494.html",),
    answer=_answer,
)
