"""Is downloaded code verified before it is loaded?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.unverified_peers import unverified_peers

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from unverified_peers(rule, facts)
    for site in (s for s in facts.reached if s.api.role is ApiRole.LOAD):
        for invocation in sorted(site.invocations, key=repr):
            flags = dict(sorted(invocation.flags, reverse=True))
            fetched, verified = flags.get("downloaded"), flags.get("verified")
            if verified is None and site.unit.language is Language.PYTHON:  # a bad signature raises there
                verified = next((spot for flag, spot in flags.items() if flag.startswith(f"{ApiRole.VERIFY}:")), None)
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
