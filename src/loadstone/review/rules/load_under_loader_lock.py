"""Is nothing loaded from inside DllMain or a constructor, and no lock held while foreign constructors run?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.counting import share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import NATIVE, at, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    marks_of: dict[str, frozenset[str]] = {}
    for function in (f for unit in facts.program.units for f in unit.functions):
        marks_of.setdefault(function.name, function.marks)
    for site in (s for s in facts.reached if s.api.role in {ApiRole.LOAD, ApiRole.UNLOAD}):
        root = site.chain[0].function if site.chain else site.spot.function
        marks = marks_of.get(root, frozenset())
        if root == "DllMain" or "constructor" in marks or (root == "_init" and site.api.role is ApiRole.LOAD):
            what = "DllMain" if root == "DllMain" else f"{root}, which runs while the library itself is loaded"
            spot = site.chain[0] if site.chain else site.spot
            yield rule.no(
                f"{site.api.name} runs inside {what}.",
                at(spot),
                why=(step(site.spot, "loads under the loader's own lock", "use"),),
                context=root,
                condition=spot.condition,
            )
    loads = [s for s in facts.of(ApiRole.LOAD) if s.unit.language in NATIVE]
    unlocked = [s for s in loads if s.invocations and not any(i.locks for i in s.invocations)]
    if unlocked and facts.lock_names:
        yield rule.yes(
            (
                f"{share(len(unlocked), len(loads), 'load', 'runs', 'run')} with no lock of this code "
                f"held (lines {resolve_lines(s.spot for s in unlocked)})"
            ),
            at(unlocked[0].spot),
            met=len(unlocked),
            sites=len(loads),
            context=unlocked[0].spot.function,
        )


RULE: Final = Rule(
    id="load-under-loader-lock",
    question="Is nothing loaded from inside DllMain or a constructor?",
    practice=Practice.LOCKING,
    cwe=833,
    severity=Severity.HIGH,
    languages=NATIVE,
    why=(
        "The loader holds its own lock while it runs these; a load in there waits for itself or for a thread that does."
    ),
    fix="Do it on first use.",
    bad='BOOL WINAPI DllMain(HINSTANCE i, DWORD why, LPVOID r) { LoadLibraryA("other.dll"); return TRUE; }\n',
    good="BOOL WINAPI DllMain(HINSTANCE i, DWORD why, LPVOID r) { return TRUE; }\n",
    references=(
        "https://cwe.mitre.org/data/definitions/833.html",
        "https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-best-practices",
    ),
    answer=_answer,
)
