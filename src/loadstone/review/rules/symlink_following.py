"""Are files opened without following a link that somebody else may have put there?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import ApiRole
from loadstone.review.rules.flags import flags_of
from loadstone.review.rules.places import NATIVE, at, each_api
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_BY_PATH: Final = frozenset({"open", "open64", "openat"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Praise only: whether a link can be planted depends on the directory, which the source does not tell."""
    for _, name, sites in each_api(site for site in facts.of(ApiRole.OPEN) if site.api.name in _BY_PATH):
        refusing = [site for site in sites if "O_NOFOLLOW" in flags_of(site, site.api.subject + 1)]
        if refusing:
            refuses = Share(f"{name} call", "refuses a link in place of the file", "refuse a link in place of the file")
            places = tuple(at(site.spot) for site in refusing)
            yield rule.yes(refuses, places[0], met=len(refusing), sites=len(sites), places=places[1:])


RULE: Final = Rule(
    id="symlink-following",
    question="Are files opened without following a link that somebody else may have put there?",
    practice=Practice.INTEGRITY,
    cwe=59,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A link in a shared directory makes a checked name lead to another file, which is then copied or loaded.",
    fix="Open with O_NOFOLLOW, or with openat2 and RESOLVE_NO_SYMLINKS, and go on with the descriptor.",
    bad="int fd = open(path, O_RDONLY | O_CLOEXEC);\n",
    good="int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);\n",
    references=(
        "https://man7.org/linux/man-pages/man2/open.2.html",
        "https://cwe.mitre.org/data/definitions/59.html",
        "https://cwe.mitre.org/data/definitions/61.html",
    ),
    answer=_answer,
)
