"""Does every way out of a function that opened a library close it, keep it, or hand it on?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeGuard

from loadstone.core.claims import Claim, Confidence, FlowStep, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Exit, Facts, Site
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import MAINS, place_named, uncast
from loadstone.review.apis import CORE, Api, ApiRole
from loadstone.review.ir import (
    Assign,
    AssignmentExpression,
    Call,
    Expression,
    Function,
    If,
    Jump,
    Label,
    Language,
    Literal,
    Loop,
    Member,
    Name,
    Operation,
    Return,
    Statement,
)
from loadstone.review.rules.half_built import left_running, thrown_away
from loadstone.review.rules.left_objects import left_objects
from loadstone.review.rules.lookups import looked_up, word
from loadstone.review.rules.owner_members import lost_in_assignment
from loadstone.review.rules.places import NATIVE, at, in_file, resolve_lines, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept

__all__ = ["RULE"]


_ACQUIRED: Final = (ApiRole.LOAD, ApiRole.OPEN, ApiRole.ALLOCATE)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    closing = {s.spot.path for s in facts.sites if s.api.role is ApiRole.UNLOAD}
    handed_on = {s.parent for s in facts.sites if s.api.role is ApiRole.RESOLVE and (s.returned or s.stores)}
    outliving = {id(facts.sites[number]) for number in handed_on if number is not None}
    every = [s for s in facts.reached if s.api.role in _ACQUIRED and s.api.owned and s.api.kind != "mapping"]
    working = {(s.spot.path, s.spot.function) for s in facts.of(*CORE)}
    native = [s for s in every if s.unit.language in NATIVE and _is_ours(s, working)]
    native = [s for s in native if s.api.role is not ApiRole.ALLOCATE or not s.is_inner]
    native = [s for s in native if not _is_named_by_number(s.api, s.function)]
    at_home = {s.spot for s in native if not s.is_inner and _open_exits(s)}
    for site in native:
        open_exits = _open_exits(site)
        if not (site.is_inner and site.spot in at_home):
            closes = bool(site.closes or site.spot.path in closing) and not _is_global(site)
            outlives, kept = id(site) in outliving, _is_closed_when_refused(site, facts)
            if kept:  # what agreed to stay is open behind the test
                open_exits = [e for e in open_exits if e.spot.line <= min(spot.line for spot in site.closes)]
            if outlives and (offered := _offered(site)):  # its functions are in use, and a caller chose not to own it
                open_exits = [e for e in open_exits if e.spot.line < offered]
            owned = _is_owned(site, facts)
            yield from _leaks(rule, facts, site, open_exits, closes=closes, outlives=outlives, owned=owned, kept=kept)
    yield from _never_given_back(rule, facts)
    yield from _half_built(rule, facts)
    yield from _opened_each_round(rule, native)
    yield from _left_objects(rule, facts)
    yield from _lost_in_assignment(rule, facts)
    yield from _lost_by_realloc(rule, facts, {path for path, _ in working})
    yield from _praise(rule, [s for s in native if not s.is_inner and s.api.role is ApiRole.LOAD])


def _never_given_back(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Memory, streams and descriptors that a way out of a function leaves behind."""
    settled = {(f.unit.path, f.event.since) for f in facts.lifetimes if f.event.what == "settled"}
    told = set()
    for found in facts.lifetimes:
        event, function = found.event, found.function
        if event.what != "left" or event.api is None or function.name in MAINS:
            continue
        if _is_named_by_number(event.api, function):
            continue
        is_memory = event.api.role is not ApiRole.OPEN or event.api.kind == "mapping"
        made, exit_ = (Spot(found.unit.path, n, function.name, function.condition) for n in (event.since, event.line))
        always = (found.unit.path, event.since) not in settled
        if always and (found.unit.path, event.since) in told:
            continue  # nobody ever releases it: once is enough
        told.add((found.unit.path, event.since))
        yield rule.no(
            f"What {event.name} gave at line {event.since} is not released at the exit at line {event.line}.",
            at(exit_),
            cwe=401 if is_memory else 775,
            severity=Severity.LOW if always else Severity.MEDIUM,
            confidence=Confidence.LIKELY,
            why=(step(made, "acquired", "acquire"), step(exit_, "left without a release", "use")),
            fix=f"Call {event.api.release} on this way out too.",
            context=function.name,
            condition=function.condition,
        )


_GROWS: Final = frozenset({"realloc", "reallocarray", "g_try_realloc"})


def _lost_by_realloc(rule: Rule, facts: Facts, handling: set[str]) -> Iterator[Claim]:
    """``list = realloc(list, n)``: when it gives null, the old block is still there and nobody has its address."""
    for unit in (u for u in facts.program.units if u.path in handling and u.language in NATIVE):
        for function in unit.functions:
            for grown in every_statement(function.body):
                made = uncast(grown.value) if isinstance(grown, Assign) else None
                if not isinstance(grown, Assign) or not isinstance(made, Call) or made.name not in _GROWS:
                    continue
                name = place_named(grown.target)
                if (
                    made.arguments
                    and name == place_named(made.arguments[0]) != ""
                    and not _ends(facts, function, grown)
                ):
                    spot = Spot(unit.path, grown.line, function.name, function.condition)
                    yield rule.no(
                        f"When {made.name} gives null, the block that {name} led to is lost.",
                        at(spot),
                        cwe=401,
                        severity=Severity.LOW,
                        fix="Keep its result in another variable until it is tested.",
                        context=function.name,
                        condition=function.condition,
                    )


def _ends(facts: Facts, function: Function, grown: Assign) -> bool:
    """Whether the program ends where there was no memory."""
    name = place_named(grown.target)
    for test in every_statement(function.body):
        if isinstance(test, If) and test.line >= grown.line and name in map(place_named, expressions(test.condition)):
            calls = (facts.apis.get(c.name) for c in calls_in(test.then))
            return any(api is not None and api.ends for api in calls)
    return False


def _half_built(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A constructor throws after the load: what its destructor would close stays open."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for function, member, opened, thrown in left_running(unit):
            first, last = Spot(unit.path, opened, function.name), Spot(unit.path, thrown, function.name)
            yield rule.no(
                f"The constructor throws at line {thrown} with what {member} holds since line {opened}; the "
                "destructor, which gives it back, does not run for an object that was never whole.",
                at(last),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Give it back before the throw, or hold it in a member that does so itself.",
                why=(step(first, "taken", "acquire"), step(last, "thrown with it held", "use")),
                context=function.name,
                condition=function.condition,
            )
        for function, member, opened, thrown in thrown_away(facts, unit):
            first, last = Spot(unit.path, opened, function.name), Spot(unit.path, thrown, function.name)
            yield rule.no(
                f"The constructor throws at line {thrown} with the library of {member} open since line {opened}; the "
                "destructor of an object that was never whole does not run.",
                at(last),
                confidence=Confidence.LIKELY,
                fix="Close it before the throw, or hold it in a member that closes itself.",
                why=(step(first, "opened", "acquire"), step(last, "thrown with it open", "use")),
                context=function.name,
                condition=function.condition,
            )


@kept
def _loops_never_left(function: Function) -> tuple[Loop, ...]:
    """The loops of a function that nothing in them leaves."""
    return tuple(s for s in every_statement(function.body) if isinstance(s, Loop) and not _is_left(s))


def _opened_each_round(rule: Rule, native: list[Site]) -> Iterator[Claim]:
    """``for (...) lib = dlopen(names[i], flags);``: nothing in the loop asks, keeps or closes what a round opened."""
    for site in native:
        if site.is_inner or site.api.role is not ApiRole.LOAD:
            continue
        for loop in _loops_never_left(site.function):
            opened = next((s for s in loop.body.body if isinstance(s, Assign) and uncast(s.value) is site.call), None)
            if opened is None or opened.declares or not isinstance(opened.target, Name):
                continue
            name = opened.target.name
            asked = [e for e in (*every_expression(loop.body), *expressions(loop.condition)) if isinstance(e, Name)]
            if not any(e.name == name and e is not opened.target for e in asked):
                yield rule.no(
                    f"{name} is opened in each round of the loop; the library of the round before stays open.",
                    at(site.spot),
                    confidence=Confidence.LIKELY,
                    fix="Leave the loop when it is open, or close it first.",
                    context=site.function.name,
                    condition=site.function.condition,
                )


def _is_left(loop: Loop) -> bool:
    """Whether a loop is left from within."""
    inner = every_statement(loop.body)
    return any(isinstance(s, Return) or (isinstance(s, Jump) and s.kind != "continue") for s in inner)


def _left_objects(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What a library's function made is not ended on a way out, which another function of the library would do."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in left_objects(facts, unit):
            made, left, ended = (Spot(unit.path, n, found.function.name) for n in (found.made, found.left, found.ended))
            yield rule.no(
                f"{found.name}, which the library made at line {found.made}, is not ended at the exit at line "
                f"{found.left}; line {found.ended} does that on another way.",
                at(left),
                confidence=Confidence.LIKELY,
                fix="End it on this way out too, before the library is closed.",
                why=(
                    step(made, "made by the library", "acquire"),
                    step(left, "left behind", "use"),
                    step(ended, "ended on another way", "release"),
                ),
                context=found.function.name,
                condition=found.function.condition,
            )


def _lost_in_assignment(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An assignment takes over another object's library, and what the object had before stays open."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for found in lost_in_assignment(facts, unit):
            spot, ended = (Spot(unit.path, n, found.function.name) for n in (found.line, found.ended))
            yield rule.no(
                f"{found.member} is overwritten at line {found.line}; the library it held stays open, which the "
                f"destructor would close (line {found.ended}).",
                at(spot),
                confidence=Confidence.LIKELY,
                fix="Close it before, or swap the two and let the other object close it.",
                why=(step(ended, "closed by the destructor", "release"), step(spot, "overwritten", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _is_ours(site: Site, working: set[tuple[str, str]]) -> bool:
    """Whether what was acquired is a library, or belongs to a function that works with one."""
    if site.api.role is ApiRole.LOAD:
        return True
    return (site.spot.path, site.spot.function) in working or any(
        (e.spot.path, e.spot.function) in working for e in site.exits
    )


def _is_global(site: Site) -> bool:
    """Whether a library is opened for those loaded later to be bound to: nobody means to close it."""
    parts = (e for a in site.call.arguments for e in expressions(a))
    return any(isinstance(e, Name) and e.name == "RTLD_GLOBAL" for e in parts)


def _is_named_by_number(api: Api, function: Function) -> bool:
    """``memfd_create``, and a load of ``/proc/self/fd/N``: the name means what is open for as long as it is."""
    texts = (e for e in every_expression(function.body) if isinstance(e, Literal) and isinstance(e.value, str))
    return api.name == "memfd_create" and any("/fd/" in str(e.value) for e in texts)


def _open_exits(site: Site) -> list[Exit]:
    """Where it is surely open: known to be there, or never asked about. What joined paths leave in doubt is no exit."""
    sure = (e for e in site.exits if e.is_open and e.kind != "main" and (e.known or not site.tests))
    return sorted((e for e in sure if not _is_held_by_member(site, e)), key=lambda e: e.spot)


def _is_held_by_member(site: Site, exit_: Exit) -> bool:
    """A constructor ends, or throws, with the library in a member whose destructor closes it ([except.ctor])."""
    owner, _, name = exit_.spot.function.rpartition("::")
    return (
        exit_.kind in {"raise", "return"}
        and owner.rpartition("::")[2] == name
        and any(
            one.name != name and f"~{one.name}" in one.methods and {m.name for m in one.members} & set(site.stores)
            for one in site.unit.classes
        )
    )


def _leaks(
    rule: Rule,
    facts: Facts,
    site: Site,
    open_exits: list[Exit],
    *,
    closes: bool,
    outlives: bool,
    owned: bool,
    kept: bool,
) -> Iterator[Claim]:
    """Every way out that loses what was acquired, where the function or its program shows that it is to be released."""
    settled = [e for e in site.exits if not e.is_open]
    released = closes if site.api.role is ApiRole.LOAD else bool(site.closes) or any(e.kind == "kept" for e in settled)
    if open_exits and not site.overwritten and not site.wrong_tests and released and (settled or not outlives):
        for spot in dict.fromkeys(e.spot for e in (open_exits if settled else open_exits[:1])):
            yield _leak(rule, site, spot, len(settled), len(site.exits))
    elif past := _past_the_end(site):
        for spot in past:
            yield _leak(rule, site, spot, sum(e.kind == "kept" for e in settled), len(site.exits))
    elif site.api.role in {ApiRole.LOAD, ApiRole.OPEN} and not site.is_inner and not owned:
        for spot in _kept_by_failure(site, settled, facts):
            yield _leak(rule, site, spot, len(settled) - 1, len(site.exits))
    lost = [spot for spot in sorted(site.overwritten) if not _is_let_go(site, spot, facts)]
    for spot in lost[:1] if closes and not kept else ():
        yield rule.no(
            f"The handle opened at line {site.spot.line} is overwritten at line {spot.line} while the library is open.",
            at(spot),
            why=(step(site.spot, "opened", "acquire"), step(spot, "the only copy is overwritten", "use")),
            context=spot.function,
        )


def _is_let_go(site: Site, spot: Spot, facts: Facts) -> bool:
    """``if (!stopped) { module = nullptr; return; } ... FreeLibrary(module);``: it stays mapped on purpose."""
    function = next((f for f in site.unit.functions if f.name == spot.function), None)
    if function is None or spot.path != site.unit.path:
        return False
    every = [*every_statement(function.body)]
    named = {
        target.name
        for s in every
        if isinstance(s, Assign) and s.line == spot.line
        and isinstance(target := uncast(s.target), Name | Member)
        and isinstance(value := uncast(s.value), Literal) and not value.value
    }  # fmt: skip
    closes = [c for c in calls_in(function.body) if (api := facts.apis.get(c.name)) and api.role is ApiRole.UNLOAD]
    return bool(named) and any(
        c.line > spot.line and any(isinstance(a := uncast(g), Name | Member) and a.name in named for g in c.arguments)
        for c in closes
    )


def _is_closed_when_refused(site: Site, facts: Facts) -> bool:
    """``if (!init()) FreeLibrary(mod);`` in a loop: a library whose own function agrees to stay is meant to stay."""
    closes = {spot.line for spot in site.closes}
    ifs = (s for s in every_statement(site.function.body) if isinstance(s, If)) if closes else ()
    tests = [s.condition for s in ifs if closes <= {call.line for call in calls_in(s.then)}]
    found = looked_up(facts, site.function) if tests else set()
    if not found:
        return False
    answers = {name for name, asked in _answered(site.function) if asked & found}
    parts = [e for test in tests for e in expressions(test)]
    return any((isinstance(e, Call) and word(e.function) in found) or word(e) in answers for e in parts)


@kept
def _answered(function: Function) -> tuple[tuple[str, frozenset[str]], ...]:
    """What is put into which variable: ``rc = init ? init() : -1;`` gives ``rc`` what ``init`` answered."""
    every = ((word(s.target), s.value) for s in every_statement(function.body) if isinstance(s, Assign))
    called = ((name, (word(e.function) for e in expressions(value) if isinstance(e, Call))) for name, value in every)
    return tuple((name, asked) for name, words in called if name and (asked := frozenset(words)))


def _offered(site: Site) -> int:
    """``if (out) *out = library;``: the line where a caller may take the library over; 0 where there is none."""
    optional = {p.name for p in site.function.parameters}
    held = {word(s.target) for s in every_statement(site.function.body) if _keeps(s, site.call)}
    held |= {word(e.target) for e in every_expression(site.function.body) if _keeps(e, site.call)}
    for test in every_statement(site.function.body):
        if isinstance(test, If) and {word(e) for e in expressions(test.condition)} & optional:
            for given in test.then.body:
                target = uncast(given.target) if isinstance(given, Assign) else None
                through = isinstance(target, Operation) and target.operator == "deref"
                if isinstance(given, Assign) and through and word(given.value) in held:
                    return test.line
    return 0


def _keeps(part: Statement | Expression, call: Call) -> TypeGuard[Assign | AssignmentExpression]:
    """Whether a statement or an expression keeps what a call gives in a variable."""
    return isinstance(part, Assign | AssignmentExpression) and uncast(part.value) is call


def _past_the_end(site: Site) -> list[Spot]:
    """Ways out that leave it open in an entry of a table that is not counted, where another way counts it."""
    if site.api.role is not ApiRole.LOAD or site.is_inner or not any(e.kind == "kept" for e in site.exits):
        return []
    return sorted({e.spot for e in site.exits if e.kind == "past the end" and e.known})


def _is_owned(site: Site, facts: Facts) -> bool:
    """Whether it is kept in a member of the object whose method opens it, and a method of that object closes it."""
    owner = site.function.owner
    slots = [slot for slot in facts.closed_slots if slot[0] in site.stores and slot[1] == owner]
    return bool(owner) and bool(slots) and site.unit.language is Language.CPP


def _kept_by_failure(site: Site, settled: list[Exit], facts: Facts) -> list[Spot]:
    """Ways out that leave the library open and say what the ways that close it say: that it did not work."""
    failures = [e.gives for e in settled if e.known and e.gives is not None]
    kept = [e for e in settled if e.kind == "kept"]
    if not failures or all(e.gives in failures for e in kept):
        return []
    closed = {
        e.spot for e in settled if e.known and e.kind != "kept"
    }  # by what a call may have changed: the same way out
    spots = {e.spot for e in kept if e.gives in failures and e.gives is not None} - closed
    return sorted(spot for spot in spots if not _tells_of_thread(site, spot, facts))


def _tells_of_thread(site: Site, exit_: Spot, facts: Facts) -> bool:
    """``return WaitForSingleObject(ready, INFINITE) == WAIT_OBJECT_0``: a thread runs in the library either way."""
    returned = [s for s in every_statement(site.function.body) if isinstance(s, Return) and s.line == exit_.line]
    asks = any(isinstance(e, Call) for s in returned for e in expressions(s.value))
    roles = ((facts.apis.get(c.name), c.line) for c in calls_in(site.function.body))
    return asks and any(api is not None and api.role is ApiRole.THREAD and n < exit_.line for api, n in roles)


def _praise(rule: Rule, loads: list[Site]) -> Iterator[Claim]:
    by_path: dict[str, list[Site]] = {}
    for site in loads:
        by_path.setdefault(site.spot.path, []).append(site)
    for sites in by_path.values():
        good = [s for s in sites if s.exits and not _open_exits(s) and not s.overwritten]
        if not good:
            continue
        ended = "closed, kept by an owner or handed on at every exit"
        yield rule.yes(
            Share("loaded library", f"is {ended}", f"are {ended}", "loaded libraries"),
            at(good[0].spot),
            lines=resolve_lines(spot for s in good for spot in (s.closes or {s.spot})),
            met=len(good),
            sites=len(sites),
            places=tuple(at(spot) for s in good for spot in sorted(s.closes)),
            context=good[0].spot.function,
        )


def _leak(rule: Rule, site: Site, exit_: Spot, closed: int, total: int) -> Claim:
    what, cwe = {ApiRole.OPEN: ("descriptor", 775), ApiRole.ALLOCATE: ("memory", 401)}.get(
        site.api.role, ("library", 772)
    )
    return rule.no(
        f"The {what} acquired at line {site.spot.line}{in_file(site.spot, exit_)} is not released at the exit at line "
        f"{exit_.line} ({_RELEASES.of(closed, total)} it).",
        at(exit_ if closed else site.spot if not site.is_inner else site.chain[0]),
        cwe=cwe,
        severity=Severity.MEDIUM if closed else Severity.LOW,
        confidence=Confidence.LIKELY if closed or site.closes else Confidence.POSSIBLE,
        why=(
            step(site.spot, f"{site.api.name} acquires it", "acquire"),
            *_by_label(site, exit_),
            step(exit_, "left without a close", "use"),
        ),
        context=exit_.function,
        condition=exit_.condition,
    )


def _by_label(site: Site, exit_: Spot) -> Iterator[FlowStep]:
    """The jump that leads to a way out behind a label: the last one before it."""
    if (site.spot.path, site.spot.function) != (exit_.path, exit_.function):
        return
    statements = [*every_statement(site.function.body)]
    on = [
        s for s in statements if isinstance(s, Jump) and s.kind == "continue" and site.spot.line < s.line < exit_.line
    ]
    if on:
        yield step(Spot(exit_.path, on[-1].line, exit_.function, exit_.condition), "goes on with the next", "use")
    label = next((s for s in reversed(statements) if isinstance(s, Label) and s.line <= exit_.line), None)
    if label is None or label.line < site.spot.line:
        return
    jumps = [
        s for s in statements if isinstance(s, Jump) and s.label == label.name and site.spot.line < s.line < label.line
    ]
    if jumps:
        yield step(Spot(exit_.path, jumps[-1].line, exit_.function, exit_.condition), f"goes to {label.name}", "use")


_RELEASES: Final = Share("exit", "releases", "release")

RULE: Final = Rule(
    id="library-leak",
    question="Does every way out close what was opened, keep it, or hand it on?",
    practice=Practice.LIFECYCLE,
    cwe=772,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why=(
        "A handle lost on an early return can never be closed: the library stays mapped, its count never reaches zero."
    ),
    fix="One cleanup label or an owning object.",
    bad='void *h = dlopen(p, RTLD_NOW);\nif (!h) return -1;\nif (!dlsym(h, "run")) return -2;\ndlclose(h);\n',
    good=(
        "void *h = dlopen(p, RTLD_NOW);\nif (!h) return -1;\nif (!dlsym(h, "
        '"run")) { dlclose(h); return -2; }\ndlclose(h);\n'
    ),
    references=("https://cwe.mitre.org/data/definitions/772.html", "https://cwe.mitre.org/data/definitions/775.html"),
    answer=_answer,
)
