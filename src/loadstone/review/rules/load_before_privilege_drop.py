"""Are privileges given up, and that checked, before foreign code is loaded?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Site
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import Sink, SinkKind
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import is_c_library, last_word
from loadstone.review.apis import ApiRole
from loadstone.review.rules.every_right import every_right
from loadstone.review.rules.places import ALL, NATIVE, at, in_file, step
from loadstone.review.rules.rights import becomes_root, gives_back
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.swallowed_drops import loading_left_on, swallowed_drops
from loadstone.review.walk import calls, expressions

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from swallowed_drops(rule, facts)
    yield from loading_left_on(rule, facts)
    yield from _python(rule, facts)
    yield from _left_outside(rule, facts)
    yield from _groups_kept(rule, facts)
    yield from _groups_kept_python(rule, facts)
    yield from every_right(rule, facts)
    for site in (s for s in facts.reached if s.api.role is ApiRole.PRIVILEGE):
        yield from _group_too_late(rule, facts, site)
        for invocation in site.invocations:
            loaded = next((spot for word, spot in sorted(invocation.flags) if word == "loaded"), None)
            if loaded is not None and site.api.kind == "user" and not _is_for_another_program(facts, site):
                yield rule.no(
                    (
                        f"The library loaded at line {loaded.line} runs with the privileges "
                        f"that are given up only at line {site.spot.line}{in_file(site.spot, loaded)}."
                    ),
                    at(loaded),
                    why=(
                        step(loaded, "foreign code runs", "use"),
                        step(site.spot, "privileges are given up", "release"),
                    ),
                    context=site.spot.function,
                )
        untested = site.is_discarded or not (site.tests or site.returned)
        if untested and not site.is_inner and not site.api.raises and not gives_back(site):
            yield rule.no(
                f"{site.api.name} can fail, and then the privileges stay; its result is ignored.",
                at(site.spot),
                cwe=252,
                why=(
                    step(site.spot, "the result is ignored", "acquire"),
                    *_loads_behind(facts, site.spot, "rights that nobody asked about"),
                ),
                context=site.spot.function,
            )
    for site in facts.of(ApiRole.LOAD):
        for invocation in site.invocations:
            dropped = next((spot for word, spot in sorted(invocation.flags) if word == "privilege:user"), None)
            if dropped is not None:
                yield rule.yes(
                    f"Privileges are given up at line {dropped.line} before the load at line {site.spot.line}",
                    at(dropped),
                    places=(at(site.spot),),
                    context=site.spot.function,
                )


def _group_too_late(rule: Rule, facts: Facts, site: Site) -> Iterator[Claim]:
    """Whoever is no longer root cannot give up root's groups. Source: setgid(2), setgroups(2)."""
    if site.api.kind not in {"group", "groups"} or gives_back(site):
        return
    if any(other.unit is site.unit and becomes_root(other) for other in facts.of(ApiRole.PRIVILEGE)):
        return  # a program that goes back and forth: who it is here depends on what it did last
    for invocation in site.invocations:
        dropped = next((spot for word, spot in sorted(invocation.flags) if word == "privilege:user"), None)
        if dropped is not None and dropped.line != site.spot.line:
            yield rule.no(
                f"{site.api.name} comes after the change of user at line {dropped.line}: it fails, the group stays.",
                at(site.spot),
                cwe=269,
                fix="Groups first, then the group, the user last.",
                why=(step(dropped, "the user is changed", "release"), step(site.spot, "the group follows", "use")),
                context=site.spot.function,
            )
            return


def _left_outside(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``chroot(dir)`` without ``chdir``: the working directory stays outside, and ``..`` leads anywhere.

    Source: chroot(2), which says so.
    """
    loading = {s.unit.path for s in facts.of(ApiRole.LOAD)}
    for unit in (u for u in facts.program.units if u.language in NATIVE and u.path in loading):
        called = {f.name: {last_word(c.name): c for c in reversed([*calls_in(f.body)])} for f in unit.functions}
        for function in unit.functions:
            into = called[function.name].get("chroot")
            near = (calls for name, calls in called.items() if name == function.name or function.name in calls)
            if into is not None and not any(calls.keys() & _MOVES for calls in near):
                yield rule.no(
                    f"chroot at line {into.line} leaves the working directory outside; relative names lead there.",
                    Location.lines(unit.path, into.line),
                    cwe=243,
                    severity=Severity.MEDIUM,
                    fix='chdir("/") behind it, and test both.',
                    context=function.name,
                    condition=function.condition,
                )


def _groups_kept(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``setuid(user)`` and no word of groups: what is loaded behind it has those of root. Source: setgroups(2).

    A program that goes back to the user who started it (``setuid(getuid())``) has that user's groups.
    """
    for site in facts.of(ApiRole.PRIVILEGE):
        kin = facts.kin(site.unit.path)
        near = (f for u in facts.program.units if u.path in kin for f in u.functions)
        called = {last_word(c.name) for f in near for c in calls_in(f.body)}
        if called & _GROUPS:
            continue
        returns = any(isinstance(e, ir.Call) for a in site.call.arguments for e in expressions(a))
        own = returns or gives_back(site)
        own = own or any(isinstance(a, ir.Literal) and a.value in (0, -1) for a in site.call.arguments[:1])
        behind = [*_loads_behind(facts, site.spot, "the groups that stayed")]
        if behind and site.unit.language in NATIVE and _DROPS.match(last_word(site.api.name)) and not own:
            yield rule.no(
                f"{site.api.name} at line {site.spot.line} changes the user, not the groups, which what is loaded has.",
                at(site.spot),
                cwe=271,
                severity=Severity.MEDIUM,
                fix="setgroups and setgid first, the user last, and test each.",
                why=(step(site.spot, "the user is changed", "release"), *behind),
                context=site.spot.function,
                condition=site.spot.condition,
            )


def _groups_kept_python(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: ``os.setuid(user.pw_uid)`` in a program that never changes the further groups."""
    changing = {u.path for u in facts.program.units if re.search(r"\b(?:setgroups|initgroups)\b", u.text)}
    loading = {s.spot.path for s in facts.travels.sinks if s.kind is SinkKind.LOAD}
    python = (u for u in facts.program.units if u.language is ir.Language.PYTHON and "uid" in u.text)
    units = [u for u in python if facts.kin(u.path) & loading and not facts.kin(u.path) & changing]
    for function, unit in ((f, u) for u in units for f in u.functions):
        called = [*calls_in(function.body)]
        for call in called:
            own = any(isinstance(e, ir.Call | ir.Literal) for a in call.arguments for e in expressions(a))
            if call.name in {"os.setuid", "os.setreuid", "os.setresuid"} and call.arguments and not own:
                if any(c.name.startswith("os.set") and c.name.endswith("gid") for c in called):
                    continue
                yield rule.no(
                    f"{call.name} at line {call.line} changes the user, and the group and the further groups stay.",
                    Location.lines(unit.path, call.line),
                    cwe=271,
                    severity=Severity.MEDIUM,
                    fix="os.setgroups or os.initgroups and os.setgid first, the user last.",
                    context=function.name,
                )


def _loads_behind(facts: Facts, dropped: Spot, how: str) -> Iterator[FlowStep]:
    """The loads that a path gets to with the rights changed at a line, and the calls that lead there."""
    for load in facts.reached:
        flags = {flag for one in load.invocations for flag in one.flags}
        if load.api.role is ApiRole.LOAD and any(w.startswith("privilege:") and s == dropped for w, s in flags):
            yield from (step(spot, "in this call", "call") for spot in load.chain)
            yield step(load.spot, f"loaded with {how}", "use")


_GROUPS: Final = frozenset(
    {"setgid", "setegid", "setregid", "setresgid", "setgroups", "initgroups", "setfsgid", "setgroups32"}
)
"""Functions that change groups."""

"""Functions that change the further groups."""

_MOVES: Final = frozenset({"chdir", "fchdir", "pivot_root"})


def _is_for_another_program(facts: Facts, site: Site) -> bool:
    """Whether privileges are given up for the program started next: this one has them for a reason till then.

    It is started behind the call that gives them up, in its function or in one on the way to it.
    """
    bodies = {(u.path, f.name): f.body for u in facts.program.units for f in u.functions}
    on_the_way = ((bodies.get((spot.path, spot.function)), spot.line) for spot in (site.spot, *site.chain))
    return any(
        c.line >= line and _REPLACES.search(last_word(c.name))
        for body, line in on_the_way
        if body is not None
        for c in calls_in(body)
    )


_REPLACES: Final = re.compile(r"\Af?exec(?:l|v)?[pe]{0,2}\Z")
_DROPS: Final = re.compile(r"\Aset(?:res|re|e)?uid\Z")


def _python(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: a call that reaches a load stands before the one that reaches the drop."""
    found = facts.travels
    loads = {(s.spot.path, s.spot.function) for s in found.sinks if s.kind is SinkKind.LOAD and _is_foreign(s)}
    drops = {
        (c.visit.unit.path, c.visit.function.name) for c in facts.foreign_calls if _DROPS.match(c.prototype.symbol)
    } | {(s.spot.path, s.spot.function) for s in facts.of(ApiRole.PRIVILEGE) if s.api.kind == "user"}
    if not loads or not drops:
        return
    load_first, drop_first = _reaching(facts, loads), _reaching(facts, drops)
    for routine in found.names.routines:
        loaded: ir.Call | None = None
        for statement in routine.function.body.body:
            for call in calls((statement,)):
                keys = {(r.unit.path, r.function.name) for r in found.names.called(routine, call)}
                if keys & drop_first:
                    if loaded is not None:
                        inside = _load_inside(facts, routine, loaded)
                        yield _too_early(rule, routine, loaded, call, inside)
                    break
                if keys & load_first and loaded is None:
                    loaded = call
            else:
                continue
            break


def _is_foreign(sink: Sink) -> bool:
    """Whether a load brings code that the process does not have yet."""
    return sink.call is None or not any(is_c_library(given) for given in sink.call.arguments[:1])


def _load_inside(facts: Facts, routine: Routine, call: ir.Call) -> Spot | None:
    """Where a function that is called loads something itself."""
    entered = {(r.unit.path, r.function.name) for r in facts.travels.names.called(routine, call)}
    sinks = (s.spot for s in facts.travels.sinks if s.kind is SinkKind.LOAD and _is_foreign(s))
    return next((spot for spot in sinks if (spot.path, spot.function) in entered), None)


def _too_early(rule: Rule, routine: Routine, loaded: ir.Call, dropped: ir.Call, inside: Spot | None) -> Claim:
    first = Spot(routine.unit.path, loaded.line, routine.function.name)
    then = Spot(routine.unit.path, dropped.line, routine.function.name)
    return rule.no(
        f"What is loaded through {loaded.name} runs with the privileges that are given up only at line {then.line}.",
        at(first),
        why=(
            step(first, "foreign code is loaded", "use"),
            *((step(inside, "loaded here", "use"),) if inside is not None else ()),
            step(then, "privileges are given up", "release"),
        ),
        context=routine.function.name,
    )


def _reaching(facts: Facts, ends: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The functions that get to one of these through calls."""
    names = facts.travels.names
    found = set(ends)
    callers: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for routine in names.routines:
        for call in calls(routine.function.body.body):
            for called in names.called(routine, call):
                key = called.unit.path, called.function.name
                callers.setdefault(key, set()).add((routine.unit.path, routine.function.name))
    work = list(ends)
    while work:
        for caller in callers.get(work.pop(), ()):
            if caller not in found:
                found.add(caller)
                work.append(caller)
    return found


RULE: Final = Rule(
    id="load-before-privilege-drop",
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
