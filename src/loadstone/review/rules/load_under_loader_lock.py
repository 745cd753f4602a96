"""Is nothing loaded from inside DllMain or a constructor, and no lock held while foreign constructors run?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.counting import share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Literal
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
    yield from _waits(rule, facts)
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


def _waits(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``DllMain`` waits for a thread, which cannot end before it got the lock that ``DllMain`` holds."""
    for unit in facts.program.units:
        functions = {f.name: f for f in unit.functions} if unit.language in NATIVE else {}
        for main in (f for f in functions.values() if f.name in _MAINS):
            called = [(c, c) for c in calls_in(main.body)]
            called += [(c, d) for c, _ in called if c.name in functions for d in calls_in(functions[c.name].body)]
            for outer, call in called:
                api = facts.apis.get(call.name)
                limit = call.arguments[-1] if len(call.arguments) > 1 else None
                at_once = isinstance(limit, Literal) and not limit.value
                if api is not None and api.role is ApiRole.JOINED and not at_once:
                    place = Location.lines(unit.path, outer.line)
                    yield rule.no(
                        f"{main.name} waits at line {call.line} for a thread that needs the loader's lock to end.",
                        place,
                        why=(FlowStep(Location.lines(unit.path, call.line), "waits under the loader's lock", "use"),),
                        fix="End and await threads in a function that the host calls before it frees the library.",
                        context=main.name,
                        condition=main.condition,
                    )


_MAINS: Final = frozenset({"DllMain", "_DllMainCRTStartup", "DllEntryPoint"})

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
