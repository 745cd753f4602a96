"""Is the file that was checked the file that is loaded?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.apis import Role
from loadstone.review.rules.places import ALL, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_SECURITY: Final = ("digest", "open", "canonical")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role is Role.LOAD):
        for invocation in sorted(site.invocations, key=repr):
            by_descriptor = any(
                "/proc/self/fd" in (p.text or "") or "/dev/fd" in (p.text or "") for p in invocation.parts
            )
            if by_descriptor:
                yield rule.yes(
                    f"The file loaded at line {site.spot.line} is the one already open, named by its descriptor",
                    at(site.spot),
                    practice=Practice.INTEGRITY,
                    context=site.spot.function,
                )
            elif invocation.look is not None:
                yield from _by_name(rule, site, invocation)


def _by_name(rule: Rule, site: Site, invocation: Invocation) -> Iterator[Claim]:
    assert invocation.look is not None
    word, spot = invocation.look
    kind, _, name = word.partition(" ")
    verified = any(flag == "verified" for flag, _ in invocation.flags)
    later = spot.line > site.spot.line and spot.function == site.spot.function
    if later or kind in {"check", "descriptor", "canonical"} or (kind == "open" and not verified):
        return
    strong = kind in _SECURITY or verified or bool({"compared"} & {k for k, _ in invocation.whole.checks})
    yield rule.no(
        (
            f"{name} looked at the name at line {spot.line}; {site.api.name} opens "
            f"the name again at line {site.spot.line}."
        ),
        at(site.spot),
        severity=Severity.HIGH if strong else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        why=(
            step(spot, f"{name} looks at the name", "test"),
            step(site.spot, f"{site.api.name} opens the name anew", "use"),
        ),
        context=site.spot.function,
        condition=site.spot.condition,
    )


RULE: Final = Rule(
    id="checked-file-loaded",
    code="LS-367-check-then-load",
    question="Is the file that was checked the file that is loaded?",
    practice=Practice.INTEGRITY,
    cwe=367,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="Between a check by name and a load by name the file can be exchanged, so what was checked is not what runs.",
    fix="Open once, check the descriptor, load /proc/self/fd/N or a sealed memory file.",
    bad="if (stat(path, &st) == 0 && st.st_uid == 0)\n    h = dlopen(path, RTLD_NOW);\n",
    good=(
        "int fd = open(path, O_RDONLY);\nfstat(fd, &st);\nsnprintf(p, sizeof "
        'p, "/proc/self/fd/%d", fd);\nh = dlopen(p, RTLD_NOW);\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/367.html",),
    answer=_answer,
)
