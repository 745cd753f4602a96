"""Does each branch of a platform conditional check what its siblings check?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Branch, Conditional
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.unchecked_dlopen import is_checked

__all__ = ["RULE"]

_ROLES: Final = (ApiRole.LOAD, ApiRole.RESOLVE)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    sites = [s for s in facts.of(*_ROLES) if not s.api.raises]
    for unit in facts.program.units:
        own = [s for s in sites if s.unit is unit]
        for conditional in unit.conditionals:
            if len(conditional.branches) > 1:
                yield from _family(rule, conditional, own, facts)


def _inside(site: Site, branch: Branch) -> bool:
    return branch.line <= site.spot.line <= branch.end_line


def _family(rule: Rule, conditional: Conditional, sites: list[Site], facts: Facts) -> Iterator[Claim]:
    for role in _ROLES:
        judged = [(b, [s for s in sites if s.api.role is role and _inside(s, b)]) for b in conditional.branches]
        judged = [(b, found) for b, found in judged if found]
        good = [(b, found) for b, found in judged if all(is_checked(s, facts) and s.tests for s in found)]
        bad = [(b, s) for b, found in judged for s in found if not is_checked(s, facts) and not s.tests]
        if not good or len(judged) < 2:
            continue
        for branch, site in bad:
            other = good[0][1][0]
            tested = min(other.tests)
            if tested.line > conditional.end_line and _objects(site) & _objects(other):
                continue  # one test below stands for both: they fill one union
            yield rule.no(
                f"The {good[0][0].condition or 'other'} branch tests {other.api.name} (line {tested.line}); "
                f"the branch at line {branch.line} does not test {site.api.name}.",
                at(site.spot),
                why=(
                    step(tested, ("tested in one branch"), ("test")),
                    step(site.spot, ("not tested in its sibling"), ("use")),
                ),
                context=site.spot.function,
                condition=branch.condition or f"not {conditional.branches[0].condition}",
            )
        if not bad:
            yield rule.yes(
                f"{len(good)} branches of the conditional at line {conditional.line} test what they load alike",
                at(good[0][1][0].spot),
                met=len(good),
                sites=len(good),
                context=good[0][1][0].spot.function,
            )


def _objects(site: Site) -> frozenset[str]:
    """The objects in whose members a result is kept."""
    return frozenset(place.rpartition(".")[0] for place in site.stores) - {""}


RULE: Final = Rule(
    id="uneven-platform-branches",
    question="Does each branch of a platform conditional check what its siblings check?",
    practice=Practice.CONDITIONAL_COMPILATION,
    cwe=754,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="The branch that its author cannot run is the one that loses the check.",
    fix="Move the test below the branch.",
    bad="#ifdef _WIN32\n  h = LoadLibraryA(p);\n  if (!h) return -1;\n#else\n  h = dlopen(p, RTLD_NOW);\n#endif\n",
    good="#ifdef _WIN32\n  h = LoadLibraryA(p);\n#else\n  h = dlopen(p, RTLD_NOW);\n#endif\n  if (!h) return -1;\n",
    references=("https://cwe.mitre.org/data/definitions/754.html",),
    answer=_answer,
)
