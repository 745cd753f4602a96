"""Is only released what was acquired?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.allocators import wrong_allocators
from loadstone.review.rules.loader_objects import owned_roots
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


def _second_owner(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``QSharedPointer<Tool>(qobject_cast<Tool *>(loader.instance()))``: the loader deletes the object as well."""
    for unit in (u for u in facts.program.units if u.language is ir.Language.CPP):
        for root in owned_roots(unit):
            given, owned = (Location.lines(unit.path, line) for line in (root.given, root.owned))
            yield rule.no(
                f"{root.name} is the root object of a plug-in (line {root.given}), which its loader deletes; here it "
                "gets a second owner.",
                owned,
                fix="Keep a bare pointer or a QPointer, and let the loader delete it.",
                why=(FlowStep(given, "the loader's own", "acquire"), FlowStep(owned, "owned again", "release")),
                context=root.function.name,
                condition=root.function.condition,
            )


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
    yield from _holders(rule, facts)
    yield from _second_owner(rule, facts)
    yield from _other_allocator(rule, facts)
    yield from _never_allocated(rule, facts)
    owned = {
        fill.slot for fill in facts.fills if fill.site is not None and facts.sites[fill.site].api.role is ApiRole.LOAD
    }  # lent on one path, its own on another: a flag beside it says which
    for fill in facts.fills:
        borrowed = facts.sites[fill.site] if fill.site is not None else None
        if borrowed is None or borrowed.api.role is not ApiRole.BORROW or fill.slot in owned:
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


_NOT_ALLOCATED: Final = {
    "variable": ("is a variable", 590),
    "text": ("is a text of the program", 590),
    "lent": ("belongs to the function that gave it", 590),
    "mismatched": ("is taken back by another function", 763),
    "inside": ("was moved along since it was allocated", 761),
}


def _never_allocated(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``free`` of what no allocator gave, or of an address behind the one it gave."""
    for found in facts.lifetimes:
        event = found.event
        if event.what in _NOT_ALLOCATED:
            said, cwe = _NOT_ALLOCATED[event.what]
            yield rule.no(
                f"{event.name} {said} on one path to line {event.line}; {event.by} wants what was allocated.",
                Location.lines(found.unit.path, event.line),
                cwe=cwe,
                confidence=Confidence.LIKELY,
                fix="Keep the address that was allocated, and give that one back.",
                context=found.function.name,
                condition=found.function.condition,
            )


def _other_allocator(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Memory goes back to an allocator that did not make it."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in wrong_allocators(facts, unit):
            yield rule.no(
                f"{found.name}, made by {found.maker}, is given to {found.release}: that is another allocator.",
                Location.lines(unit.path, found.line),
                cwe=762,
                fix="Give it back to what made it: each library may have an allocator of its own.",
                context=found.function.name,
                condition=found.function.condition,
            )


_POINTER: Final = re.compile(
    r"(?:using\s+(\w+)\s*=\s*(?:std::)?|typedef\s+(?:std::)?)unique_ptr\s*<[^;]*?,\s*(?:\w+::)*(\w+)\s*>\s*(\w*)\s*;"
)
"""A name given to a smart pointer with a deleter class: name, or name behind, and the deleter."""


def _holders(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A smart pointer whose deleter releases another kind of thing than what it is given."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.CPP or "unique_ptr" not in unit.text:
            continue
        deleters = {
            f.owner: (call.name, call.line)
            for f in unit.functions
            if f.name.endswith("operator()")
            for call in calls_in(f.body)
            if call.name.removeprefix("::") in _OWN_WAY
        }
        named = {one or two: deleter for one, deleter, two in _POINTER.findall(unit.text) if deleter in deleters}
        members = {m.name: m.type for c in unit.classes for m in c.members}
        for function in unit.functions:
            for holder, given in _given(function, members):
                deleter = next((d for n, d in named.items() if re.search(rf"\b{n}\b", holder)), "") or next(
                    (d for d in deleters if re.search(rf"unique_ptr\s*<.*\b{d}\b", holder)), ""
                )
                api = facts.apis.get(given.name)
                release, line = deleters.get(deleter, ("", 0))
                if api is not None and api.release in _OWN_WAY and release and release != api.release:
                    place = Location.lines(unit.path, given.line)
                    yield rule.no(
                        f"{given.name} gives what {api.release} releases to a holder that releases it with {release}.",
                        place,
                        fix=f"A holder whose deleter calls {api.release}.",
                        why=(
                            FlowStep(place, "acquired and held", "acquire"),
                            FlowStep(Location.lines(unit.path, line), f"given to {release}", "release"),
                        ),
                        context=function.name,
                        condition=function.condition,
                    )


def _given(function: ir.Function, members: dict[str, str]) -> Iterator[tuple[str, ir.Call]]:
    """The spelled type of each holder that is given the result of a call, and that call."""
    types = dict(members)
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign) or not statement.declares or not isinstance(statement.target, ir.Name):
            continue
        types[statement.target.name] = statement.type
        made = uncast(statement.value)
        if isinstance(made, ir.Call):
            inner = uncast(made.arguments[0]) if made.arguments else made
            yield statement.type, inner if isinstance(inner, ir.Call) else made
    for call in calls_in(function.body):
        held = uncast(call.receiver)
        inner = uncast(call.arguments[0] if call.arguments else None)
        if last_word(call.name) == "reset" and isinstance(held, ir.Name | ir.Member) and isinstance(inner, ir.Call):
            yield types.get(held.name, ""), inner


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
