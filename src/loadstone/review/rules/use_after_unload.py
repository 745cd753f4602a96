"""Is a library still open whenever what came from it is used?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Fill, Site, Slot, Use
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import MAINS, last_word
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Assign, AssignmentExpression, Language
from loadstone.review.rules.back_pointers import left_behind
from loadstone.review.rules.closed_entries import closed_entries
from loadstone.review.rules.destruction_order import destroyed_late
from loadstone.review.rules.ended_objects import used_after_end
from loadstone.review.rules.evicted import evicted
from loadstone.review.rules.file_tables import kept_entries
from loadstone.review.rules.outlived import outlived
from loadstone.review.rules.places import ALL, NATIVE, at, in_file, step
from loadstone.review.rules.python_tables import left_entries
from loadstone.review.rules.python_unload import closed_under_threads, used_after_unload
from loadstone.review.rules.registries import stale_entries
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.shared_handles import left_handles

__all__ = ["RULE"]

_ALIVE: Final = {"call", "dereference", "argument", "return", "resolve"}


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for site in (s for s in facts.reached if s.api.role in {ApiRole.RESOLVE, ApiRole.LOAD}):
        late = sorted(
            (u for u in site.uses if u.closed is not None and u.how in _ALIVE and u.known is not False),
            key=lambda u: u.spot,
        )
        if late:
            yield _used_late(rule, site, late[0])
    for name, used, closed in facts.late:
        yield rule.no(
            f"{name or 'The library'} is closed at line {closed.line}; what came from it is used at line {used.line}.",
            at(used),
            cwe=672,
            why=(step(closed, "the library is closed", "release"), step(used, "used", "use")),
            context=used.function,
            condition=used.condition,
        )
    yield from used_after_unload(rule, facts)
    yield from _entry_left(rule, facts)
    yield from _shared_left(rule, facts)
    for unit in facts.program.units:
        if unit.language is Language.PYTHON and "Thread" in unit.text:
            yield from closed_under_threads(rule, unit, facts.bindings[unit.path])
    yield from _objects_after(rule, facts)
    yield from _destroyed_late(rule, facts)
    yield from _pointing_back(rule, facts)
    yield from _closed_elsewhere(rule, facts)
    yield from _counted_still(rule, facts)
    yield from _evicted(rule, facts)
    yield from _taken_for_open(rule, facts)
    yield from _still_listed(rule, facts)
    yield from _ended_themselves(rule, facts)
    yield from outlived(rule, facts)


def _entry_left(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``_ctypes.dlclose(plugins[name]._handle)``, and ``plugins[name].run()`` in another function."""
    for unit in (u for u in facts.program.units if u.language is Language.PYTHON):
        for left in left_entries(unit, facts.apis, facts.bindings[unit.path]):
            closed, used = (Spot(unit.path, n, left.function.name) for n in (left.closed, left.used))
            yield rule.no(
                f"{left.table} keeps the entry that is closed here; line {left.used} looks it up.",
                at(closed),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Take it out: {left.table}.pop(name).",
                why=(step(closed, "closed, and the entry stays", "release"), step(used, "looked up", "use")),
                context=left.function.name,
            )


def _shared_left(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``lib.pool_free(cls._pool)``, and ``if cls._pool is None: cls._pool = lib.pool_new()`` in another function."""
    for unit in (u for u in facts.program.units if u.language is Language.PYTHON):
        for left in left_handles(unit, facts.bindings[unit.path]):
            closed, used = Spot(unit.path, left.line, left.function.name), Spot(unit.path, left.asked, left.maker.name)
            yield rule.no(
                f"{left.name} is given back here and not cleared; line {left.asked} takes it for one that is there.",
                at(closed),
                cwe=416,
                fix=f"Set {left.name} to None where it is given back.",
                why=(step(closed, "given back, and the name stays", "release"), step(used, "taken as it is", "use")),
                context=left.function.name,
            )


def _used_late(rule: Rule, site: Site, use: Use) -> Claim:
    assert use.closed is not None
    symbol = site.api.role is ApiRole.RESOLVE
    what = "symbol resolved" if symbol else "library opened"
    ending = f"is returned at line {use.spot.line}" if use.how == "return" else f"is used at line {use.spot.line}"
    return rule.no(
        f"The {what} at line {site.spot.line}{in_file(site.spot, use.spot)} belongs to a library that is closed at "
        f"line {use.closed.line}{in_file(use.closed, use.spot)}, and {ending}.",
        at(use.spot),
        cwe=416 if symbol else 672,
        confidence=Confidence.LIKELY,
        why=(
            step(site.spot, "obtained", "acquire"),
            step(use.closed, "its library is closed", "release"),
            step(use.spot, ending, "use"),
        ),
        context=use.spot.function,
        condition=use.spot.condition,
    )


def _destroyed_late(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The end of an object runs code of its library: the library has to go after it."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for late in destroyed_late(facts, unit):
            gone, declared = (Spot(unit.path, line, late.function or late.owner) for line in (late.line, late.declared))
            yield rule.no(
                f"{late.objects} of {late.owner} holds objects of the library in {late.library}, which is closed "
                f"before they are destroyed (line {late.line}).",
                at(gone),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Destroy the objects first: declare the library before them, or reset them before the close.",
                why=(step(gone, "the library goes", "release"), step(declared, "destroyed after it", "use")),
                context=late.function or late.owner,
            )


def _ended_themselves(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A count is given back, which may end the object and its library with it, and the object is used."""
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for found in used_after_end(facts, unit):
            ended, used = (Spot(unit.path, n, found.function.name) for n in (found.ended, found.used))
            yield rule.no(
                f"{found.name} may have ended itself at line {found.ended} with its last count; line {found.used} "
                "uses it.",
                at(used),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Give the count back when nothing uses the object any more.",
                why=(step(ended, "a count is given back", "release"), step(used, "used", "use")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _still_listed(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A library is closed, and a table in which others look things up still holds what it made."""
    yield from _kept_in_files(rule, facts)
    yield from _left_behind(rule, facts)
    yield from _closed_in_table(rule, facts)
    for unit in (u for u in facts.program.units if u.language is Language.CPP):
        for stale in stale_entries(facts, unit):
            filled, closed, used = (
                Spot(unit.path, n, stale.function.name) for n in (stale.filled, stale.closed, stale.used)
            )
            yield rule.no(
                f"{stale.container} holds what the library made (line {filled.line}); line {closed.line} closes it and "
                f"leaves the entries, which line {used.line} looks up.",
                at(closed),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Take its entries out of {stale.container} before the close.",
                why=(
                    step(filled, "put into the table", "acquire"),
                    step(closed, "closed", "release"),
                    step(used, "looked up", "use"),
                ),
                context=stale.function.name,
                condition=stale.function.condition,
            )


def _pointing_back(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The owner of a library is ended, and entries of another list still point at it."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for left in left_behind(facts, unit):
            put, gone, used = (Spot(unit.path, n, left.function.name) for n in (left.put, left.gone, left.used))
            yield rule.no(
                f"The entries of {left.table} still point at what line {gone.line} ends with its library; line "
                f"{used.line} follows {left.member}.",
                at(gone),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Take the entries that point at it out of {left.table} first.",
                why=(
                    step(put, "an entry points at the owner of the library", "acquire"),
                    step(gone, "ended, and the library closed", "release"),
                    step(used, "followed", "use"),
                ),
                context=left.function.name,
                condition=left.function.condition,
            )


def _kept_in_files(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The same of the tables of a C file, and of entries that are freed and stay."""
    for unit in (u for u in facts.program.units if u.language is Language.C):
        for kept in kept_entries(facts, unit):
            gone = Spot(unit.path, kept.gone, kept.function.name)
            users = [Spot(unit.path, line, name) for line, name in kept.used]
            said = (
                f"{kept.table} keeps the entry that line {kept.gone} frees; line {users[0].line} asks for it as for a "
                "live one."
                if kept.is_freed
                else f"{kept.table} holds what the library gave (line {kept.put}); line {kept.gone} closes it and "
                f"leaves the entries, which line {users[0].line} looks at."
            )
            yield rule.no(
                said,
                at(gone),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Take its entries out of {kept.table} first.",
                why=(
                    step(Spot(unit.path, kept.put, kept.function.name), "in the table", "acquire"),
                    step(gone, "gone", "release"),
                    *(step(user, "looked at", "use") for user in users),
                ),
                context=kept.function.name,
                condition=kept.function.condition,
            )


def _closed_in_table(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """One entry of a table is closed and stays there for others to call through, or to close again."""
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for entry in closed_entries(facts, unit):
            closed, used = (Spot(unit.path, n, entry.function.name) for n in (entry.closed, entry.used))
            yield rule.no(
                f"Line {entry.closed} closes the library of an entry of {entry.table}, which stays in the table; line "
                f"{entry.used} uses such an entry.",
                at(closed),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix="Take the entry out of the table, or mark it as free, where it is closed.",
                why=(step(closed, "closed, and the entry stays", "release"), step(used, "an entry is used", "use")),
                context=entry.function.name,
                condition=entry.function.condition,
            )


def _objects_after(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """What one function put into memory from a library is used by another, after it closed that library."""
    fills = {(fill.slot, fill.library): fill for fill in facts.fills if fill.library is not None}
    for slot, via, spot in facts.made_through:  # by a pointer that came from the library
        for known, library in [key for key in fills if key[0] == via]:
            fills.setdefault((slot, library), fills[known, library]._replace(slot=slot, site=None, spot=spot))
    done = set()
    for used, owner, spot, closed in facts.after_close:
        fill = fills.get((used, owner))
        if fill is None or (used, spot.path, spot.function) in done:
            continue
        done.add((used, spot.path, spot.function))
        yield rule.no(
            f"{used[0]} holds what came from the library in {owner[0]} (line {fill.spot.line}"
            f"{in_file(fill.spot, spot)}); line {closed.line} closes it, and {used[0]} is used at line {spot.line}.",
            at(spot),
            confidence=Confidence.LIKELY,
            why=(
                step(fill.spot, f"{used[0]} is filled", "acquire"),
                step(closed, "its library is closed", "release"),
                step(spot, f"{used[0]} is used", "use"),
            ),
            context=spot.function,
            condition=spot.condition,
        )


def _left_behind(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Shared memory that only ever holds what came from a library already closed."""
    by_slot: dict[Slot, list[Fill]] = {}
    for fill in facts.fills:
        by_slot.setdefault(fill.slot, []).append(fill)
    for slot, fills in by_slot.items():
        first = fills[0]
        if any(fill.closed is None for fill in fills) or first.closed is None:
            continue
        if slot[0].partition(":")[0] in MAINS:
            continue  # a static of what runs once: each path through it was followed as for any variable
        uses = facts.uses_of(slot)
        used = next((u for u in uses if u.function != first.closed.function), None)
        if used is None and (first.spot.path.endswith((".py", ".pyw")) or first.closed.function in MAINS):
            continue  # a module's end is the program's end, and so is that of main
        ending = f"used at line {used.line}" if used is not None else "nothing takes it out again"
        yield rule.no(
            f"{slot[0]} keeps what came from a library that is closed at line {first.closed.line}; {ending}.",
            at(used or first.closed),
            severity=None if used is not None else Severity.LOW,
            confidence=Confidence.LIKELY if used is not None else Confidence.POSSIBLE,
            why=(
                *(
                    (step(facts.sites[first.site].spot, "obtained and kept", "acquire"),)
                    if first.site is not None
                    else ()
                ),
                *((step(first.spot, f"{slot[0]} still holds it", "acquire"),) if first.spot != first.closed else ()),
                step(first.closed, "the library is closed", "release"),
                step(used or first.spot, ending, "use"),
            ),
            context=first.closed.function,
            condition=first.closed.condition,
        )


def _taken_for_open(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A failing start closes the library and leaves the handle in a variable by which others see that it is open."""
    done = set()
    for fill in facts.fills:
        site = facts.sites[fill.site] if fill.site is not None else None
        is_variable = not fill.slot[1] and "." not in fill.slot[0]
        if site is None or site.api.role is not ApiRole.LOAD or fill.closed is None or not is_variable:
            continue
        if (
            fill.slot in done
            or site.unit.language is Language.PYTHON
            or (fill.slot, _where(fill.closed)) in facts.cleared
        ):
            continue
        uses = [s for s in facts.uses_of(fill.slot) if not _is_just_loaded(s, site.spot)]
        asked = next((s for s in uses if s.function != fill.closed.function), None)
        asked = next((s for s in facts.uses_of(fill.slot) if _is_before(s, site.spot)), asked)
        kept = any(other.closed is None for other in facts.fills if other.slot == fill.slot)
        if asked is None or not kept or fill.slot[0] not in facts.asked_in(fill.spot.path):
            continue
        done.add(fill.slot)
        yield rule.no(
            f"{fill.slot[0]} still holds the library that line {fill.closed.line} closes when its function ends (line "
            f"{fill.spot.line}); line {asked.line} takes it for an open one.",
            at(fill.spot),
            confidence=Confidence.LIKELY,
            fix=f"Set {fill.slot[0]} to NULL where it is closed.",
            why=(
                step(site.spot, "opened and kept", "acquire"),
                step(fill.closed, "closed", "release"),
                step(asked, "asked whether it is open", "use"),
            ),
            context=fill.closed.function,
            condition=fill.closed.condition,
        )


def _is_just_loaded(asked: Spot, loaded: Spot) -> bool:
    """Whether the function that asks has loaded it anew: ``lib = dlopen(...); if (!lib) ...``."""
    return (asked.path, asked.function) == (loaded.path, loaded.function) and asked.line >= loaded.line


def _is_before(asked: Spot, loaded: Spot) -> bool:
    return (asked.path, asked.function) == (loaded.path, loaded.function) and asked.line < loaded.line


def _closed_elsewhere(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """One function closes a library and clears the handle, not the symbol; another tests only the symbol and calls.

    Asked of variables of the program only: what a member is called after depends on whose it is.
    """
    done = set()
    for fill in facts.fills:
        if fill.library is None or fill.slot in done or fill.site is None or fill.slot[1]:
            continue
        done.add(fill.slot)
        whole = (fill.slot[0].partition(".")[0], *fill.slot[1:])
        closes = [s for s in facts.closed_slots.get(fill.library, ()) if (fill.library, _where(s)) in facts.cleared]
        stale = next((s for s in closes if not {(fill.slot, _where(s)), (whole, _where(s))} & facts.cleared), None)
        if stale is None:
            continue
        gone = {slot for slot, where in facts.cleared if where == _where(stale)}
        asking = {_where(u) for slot in gone for u in facts.uses_of(slot)}
        just_filled = _called_by(facts, {other.spot.function for other in facts.fills if other.slot == fill.slot})
        for called, tested in facts.called_slots.get(fill.slot, ()):
            here = _where(called)
            if not tested or here in asking or here == _where(stale) or called.function in just_filled:
                continue
            site = facts.sites[fill.site]
            yield rule.no(
                f"{fill.slot[0]} is called at line {called.line}; {stale.function} closes its library at line "
                f"{stale.line}{in_file(stale, called)} and clears {fill.library[0]} alone.",
                at(called),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                why=(
                    step(site.spot, "the symbol is obtained", "acquire"),
                    step(stale, f"the library is closed, {fill.library[0]} cleared", "release"),
                    step(called, f"{fill.slot[0]} is called", "use"),
                ),
                context=called.function,
                condition=called.condition,
            )
            break


def _evicted(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """An entry of a table is closed to make room, and nobody asks whether it is in use."""
    for unit in (u for u in facts.program.units if u.language is Language.C):
        for found in evicted(facts, unit):
            closed, filled = (Spot(unit.path, n, found.function.name) for n in (found.closed, found.filled))
            yield rule.no(
                f"{found.handle.replace('[]', '[...]')} is closed at line {closed.line} to be filled again, and "
                f"nothing asks {found.count}, which counts who uses it.",
                at(closed),
                severity=Severity.MEDIUM,
                confidence=Confidence.LIKELY,
                fix=f"Replace an entry only where {found.count} is zero, or refuse.",
                why=(step(closed, "closed, whoever uses it", "release"), step(filled, "filled again", "acquire")),
                context=found.function.name,
                condition=found.function.condition,
            )


def _counted_still(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """A start fails and the library is closed, when the table that its functions are called from has counted it."""
    done = set()
    for fill in facts.fills:
        blind = sorted(s for s, tested in facts.called_slots.get(fill.slot, ()) if not tested)
        called = next((s for s in blind if fill.closed is not None and s.function != fill.closed.function), None)
        if called is None or fill.closed is None or not fill.counted or fill.closed in done:
            continue
        if fill.site is None or _counts_down(facts, fill.closed):
            continue
        done.add(fill.closed)
        yield rule.no(
            f"{fill.slot[0]} stays in the table when line {fill.closed.line} closes its library; line {called.line} "
            "calls what the table counts.",
            at(fill.closed),
            severity=Severity.MEDIUM,
            confidence=Confidence.LIKELY,
            fix="Take the entry out of the table, or count it when its start has worked.",
            why=(
                step(facts.sites[fill.site].spot, "the symbol is obtained", "acquire"),
                step(fill.closed, "its library is closed", "release"),
                step(called, f"{fill.slot[0]} is called", "use"),
            ),
            context=fill.closed.function,
            condition=fill.closed.condition,
        )


def _counts_down(facts: Facts, closed: Spot) -> bool:
    """Whether the function that closes takes something back from a count there."""
    bodies = [f.body for u in facts.program.units if u.path == closed.path for f in u.functions]
    steps = (s for body in bodies for s in (*every_statement(body), *every_expression(body)))
    down = (s for s in steps if isinstance(s, Assign | AssignmentExpression) and s.operator == "-")
    return any(s.line >= closed.line for s in down if s.line - closed.line < _NEAR)


_NEAR: Final = 12
"""Lines behind a close in which its clean-up stands."""


def _where(spot: Spot) -> tuple[str, str]:
    """The function a line is in: two files may have one of a name."""
    return spot.path, spot.function


def _called_by(facts: Facts, functions: set[str]) -> set[str]:
    """The helpers of functions that fill a slot: what they call is there."""
    bodies = (f.body for unit in facts.program.units for f in unit.functions if f.name in functions)
    called = {last_word(c.name) for body in bodies for c in calls_in(body)}
    return {f.name for unit in facts.program.units for f in unit.functions if f.local and last_word(f.name) in called}


RULE: Final = Rule(
    id="use-after-unload",
    question="Is a library still open whenever what came from it is used?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=ALL,
    why="An address from a library is code and data that vanish with it; after the close the same address holds "
    "nothing, or something else.",
    fix="Let the object that uses the symbol own the library; clear the symbol on close.",
    bad='run_t run = (run_t)dlsym(h, "run");\ndlclose(h);\nrun();\n',
    good='run_t run = (run_t)dlsym(h, "run");\nif (run) run();\ndlclose(h);\n',
    references=("https://cwe.mitre.org/data/definitions/416.html", "https://cwe.mitre.org/data/definitions/672.html"),
    answer=_answer,
)
