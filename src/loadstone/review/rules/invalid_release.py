"""Is only released what was acquired?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_OWN_WAY: Final = frozenset(
    {
        *("dlclose", "FreeLibrary", "g_module_close", "lt_dlclose", "uv_dlclose", "SDL_UnloadObject"),
        *("CloseHandle", "CloseServiceHandle", "FindClose", "RegCloseKey", "fclose", "close", "free"),
    }
)
"""What releases one kind of thing and nothing else."""

_PSEUDO: Final = frozenset({"RTLD_DEFAULT", "RTLD_NEXT", "RTLD_SELF", "RTLD_MAIN_ONLY"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role in {ApiRole.BORROW, ApiRole.ERROR}):
        for spot in sorted(site.closes):
            yield rule.no(
                f"{site.api.name} at line {site.spot.line} does not add a reference; line {spot.line} releases it.",
                at(spot),
                why=(step(site.spot, "borrowed, not owned", "acquire"), step(spot, "released", "release")),
                context=spot.function,
                condition=spot.condition,
            )
    for site in (s for s in facts.reached if s.api.release in _OWN_WAY):
        for use in sorted((u for u in site.uses if u.how == "release"), key=lambda u: u.spot):
            if use.owner in _OWN_WAY and use.owner != site.api.release and not facts.is_defined(use.owner):
                yield rule.no(
                    f"The result of {site.api.name} at line {site.spot.line} is released by {use.owner}, not by "
                    f"{site.api.release}.",
                    at(use.spot),
                    why=(step(site.spot, "acquired", "acquire"), step(use.spot, f"given to {use.owner}", "release")),
                    fix=f"Release it with {site.api.release}.",
                    context=use.spot.function,
                    condition=use.spot.condition,
                )
    for fill in facts.fills:
        borrowed = facts.sites[fill.site] if fill.site is not None else None
        if borrowed is None or borrowed.api.role is not ApiRole.BORROW:
            continue
        for spot in list(facts.closed_slots.get(fill.slot, ()))[:1]:
            yield rule.no(
                f"{fill.slot[0]} holds what {borrowed.api.name} lent at line {borrowed.spot.line}; line {spot.line} "
                "releases it.",
                at(spot),
                why=(step(borrowed.spot, "borrowed, not owned", "acquire"), step(spot, "released", "release")),
                context=spot.function,
                condition=spot.condition,
            )
    for site in facts.of(ApiRole.UNLOAD):
        for invocation in site.invocations:
            for pieces in invocation.arguments[:1]:
                if any(kind == "name" and word in _PSEUDO for kind, word in pieces):
                    yield rule.no(
                        f"{site.api.name} is given a pseudo-handle that nobody opened.",
                        at(site.spot),
                        context=site.spot.function,
                    )


RULE: Final = Rule(
    id="invalid-release",
    question="Is only released what was acquired?",
    practice=Practice.OWNERSHIP,
    cwe=763,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="Some calls lend a handle without counting it. Releasing it takes the reference of whoever did open it.",
    fix="Do not release it, or acquire it.",
    bad='HMODULE m = GetModuleHandleA("user32.dll");\nFreeLibrary(m);\n',
    good='HMODULE m = GetModuleHandleA("user32.dll");\nuse(m);\n',
    references=("https://cwe.mitre.org/data/definitions/763.html",),
    answer=_answer,
)
