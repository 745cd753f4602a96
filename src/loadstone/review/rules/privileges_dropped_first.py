"""Are privileges given up, and that checked, before foreign code is loaded?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import Role
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role is Role.PRIVILEGE):
        for invocation in site.invocations:
            loaded = next((spot for word, spot in sorted(invocation.flags) if word == "loaded"), None)
            if loaded is not None and site.api.kind == "user":
                yield rule.no(
                    (
                        f"The library loaded at line {loaded.line} runs with the privileges "
                        f"that are given up only at line {site.spot.line}."
                    ),
                    at(loaded),
                    why=(
                        step(loaded, "foreign code runs", "use"),
                        step(site.spot, "privileges are given up", "release"),
                    ),
                    context=site.spot.function,
                )
        if not site.is_inner and not site.api.raises and (site.is_discarded or not (site.tests or site.returned)):
            yield rule.no(
                f"{site.api.name} can fail, and then the privileges stay; nothing looks at its result.",
                at(site.spot),
                cwe=252,
                context=site.spot.function,
            )
    for site in facts.of(Role.LOAD):
        for invocation in site.invocations:
            dropped = next((spot for word, spot in sorted(invocation.flags) if word == "privilege:user"), None)
            if dropped is not None:
                yield rule.yes(
                    f"Privileges are given up at line {dropped.line} before the load at line {site.spot.line}",
                    at(dropped),
                    places=(at(site.spot),),
                    context=site.spot.function,
                )


RULE: Final = Rule(
    id="privileges-dropped-first",
    code="LS-250-load-before-drop",
    question="Are privileges given up, and that checked, before foreign code is loaded?",
    practice=Practice.PRIVILEGE,
    cwe=250,
    severity=Severity.HIGH,
    languages=ALL,
    why="Constructors of a library run inside the load: with the privileges that are held at that moment.",
    fix="Drop first, check the result, load after.",
    bad="h = dlopen(path, RTLD_NOW);\nif (setuid(user) != 0) abort();\n",
    good="if (setuid(user) != 0) abort();\nh = dlopen(path, RTLD_NOW);\n",
    references=("https://cwe.mitre.org/data/definitions/250.html",),
    answer=_answer,
)
