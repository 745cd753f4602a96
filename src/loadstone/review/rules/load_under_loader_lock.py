"""Is nothing loaded from inside DllMain or a constructor, and no lock held while foreign constructors run?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Call, Function, Literal, Unit
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
                severity=None if root in _MAINS else Severity.MEDIUM,  # ELF's lock may be taken again by its thread
                why=(step(site.spot, "loads under the loader's own lock", "use"),),
                context=root,
                condition=spot.condition,
            )
    yield from _waits(rule, facts)
    yield from _reaches_loader(rule, facts)
    loads = [s for s in facts.of(ApiRole.LOAD) if s.unit.language in NATIVE]
    unlocked = [s for s in loads if s.invocations and not any(i.locks for i in s.invocations)]
    if unlocked and facts.lock_names:
        yield rule.yes(
            Share("load", "runs with no lock of this code held", "run with no lock of this code held"),
            at(unlocked[0].spot),
            lines=resolve_lines(s.spot for s in unlocked),
            met=len(unlocked),
            sites=len(loads),
            places=tuple(at(s.spot) for s in unlocked),
            context=unlocked[0].spot.function,
        )


def _reaches_loader(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``DllMain`` calls what loads libraries itself, or waits for a thread: COM, the shell, a process, sockets."""
    for unit, main, outer, call in _called_in_main(facts):
        api = facts.apis.get(call.name)
        if api is not None and api.role in {ApiRole.LOADER_LOCK, ApiRole.COMMAND}:
            yield rule.no(
                f"{call.name}, which may load libraries or wait for threads, runs inside {main.name}.",
                Location.lines(unit.path, outer.line),
                severity=Severity.MEDIUM,
                why=(FlowStep(Location.lines(unit.path, call.line), "runs under the loader's lock", "use"),),
                context=main.name,
                condition=main.condition,
            )


def _called_in_main(facts: Facts) -> Iterator[tuple[Unit, Function, Call, Call]]:
    """The calls that ``DllMain`` makes itself or one function deeper: with the call in ``DllMain`` that leads there."""
    for unit in facts.program.units:
        functions = {f.name: f for f in unit.functions} if unit.language in NATIVE else {}
        for main in (f for f in functions.values() if f.name in _MAINS):
            for outer in calls_in(main.body):
                yield unit, main, outer, outer
                if outer.name in functions:
                    yield from ((unit, main, outer, inner) for inner in calls_in(functions[outer.name].body))


def _waits(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``DllMain`` waits for a thread, which cannot end before it got the lock that ``DllMain`` holds."""
    for unit, main, outer, call in _called_in_main(facts):
        api = facts.apis.get(call.name)
        limit = call.arguments[-1] if len(call.arguments) > 1 else None
        at_once = isinstance(limit, Literal) and not limit.value
        if api is not None and api.role is ApiRole.JOINED and not at_once:
            yield rule.no(
                f"{main.name} waits at line {call.line} for a thread that needs the loader's lock to end.",
                Location.lines(unit.path, outer.line),
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
