"""Is shared state touched only under its lock?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import counted
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Access, Facts, Slot
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.neighbours import Neighbours, headers_of
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole, tables
from loadstone.review.ir import Language, Member, Unit
from loadstone.review.rules.between_threads import clashes
from loadstone.review.rules.locks_of_callers import reached_with_lock
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.polled_flags import polled_flags
from loadstone.review.rules.python_shared_state import bare_changes, bare_counters, published_early, setting_up
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.shown_threads import handed_out, runners
from loadstone.review.rules.started_early import started_early
from loadstone.review.rules.thread_phases import phases_of
from loadstone.review.rules.unsafe_signal_handler import handlers
from loadstone.review.walk import expressions, kept

__all__ = ["RULE", "Shared", "is_alone", "is_count", "shared_state"]

_ATOMIC: Final = ("atomic", "Atomic", "once_flag", "QBasicAtomic", "thread_local", "_Thread_local", "__thread")
_CONSTANT: Final = ("const ", "constexpr")


_FLAG: Final = re.compile(r"(?i)(?:^|_|\.)(?:is|has|can|was)_")
_SETS_UP: Final = re.compile(r"(?i)(?:^|_)(?:init|initiali[sz]e|setup)\Z")
_OWNS_LOCK: Final = re.compile(
    r"\A(?:pthread_(?:mutex|rwlock|spin)_(?:init|destroy)|mtx_(?:init|destroy)|uv_(?:mutex|rwlock)_(?:init|destroy)"
    r"|g_(?:mutex|rw_lock|rec_mutex)_(?:init|clear)|(?:Initialize|Delete)CriticalSection\w*|InitializeSRWLock)\Z"
)
_TEARS_DOWN: Final = re.compile(r"(?i)(?:^|_)(?:unref|free|finali[sz]e|dispose|destroy)\Z")
_ENDS_ALL: Final = re.compile(
    r"(?i)(?:unload|close|free|release|destroy|shut_?down|clean_?up|tear_?down|finish|fini|deinit|exit)(?:_?all)?\Z"
)
_COUNT: Final = re.compile(
    r"(?i)(?:^|_|\.)n?_?(?:refs?|users|uses|loads|opens|links)_?\Z"
    r"|(?:ref|use|user|load|open|attach|link)s?_?(?:count|cnt)(?!er)|(?:ref|load)_?counter|(?:^|\.)_?count\Z"
    r"|references"
)


def is_count(variable: str) -> bool:
    """Whether a name says that it counts references or loads."""
    return bool(_COUNT.search(variable)) and not _FLAG.search(variable)


class Shared:
    """Every access to one variable that more than one thread may reach."""

    def __init__(self, variable: str, owner: str, accesses: Iterable[Access], unit: Unit, *, is_member: bool) -> None:
        self.variable = variable
        self.owner = owner
        self.unit = unit
        self.is_member = is_member
        accesses = tuple(accesses)
        found = [a for a in accesses if not a.setting_up]
        # What callers in the program hold counts; a helper by itself, which nobody calls so, does not. Calls enter one
        # of a helper's definitions: where that relies on its callers' lock, so do those of other platforms.
        reached = {a.spot for a in accesses if a.is_inner}
        relying = {spot.function for spot in reached} - {a.spot.function for a in found if not a.is_inner and a.locks}
        self.inside: tuple[Access, ...] = ()
        """Writes to the elements of a container, which ``entries[name].handle = h`` may make."""
        self.accesses: list[Access] = sorted(
            (a for a in found if a.is_inner or (a.spot not in reached and a.spot.function not in relying)),
            key=lambda a: (a.spot, a.is_write),
        )
        locks = Counter(lock for a in self.accesses for lock in _locks(a))
        self.lock: str = locks.most_common(1)[0][0] if locks else ""

    @property
    def held(self) -> list[Access]:
        return [a for a in self.accesses if self.lock in _locks(a)]

    @property
    def bare(self) -> list[Access]:
        held = {a.spot.line for a in self.held}
        return [
            a
            for a in self.accesses
            if self.lock not in _locks(a) and a.spot.line not in held and not self._owns_lock(a.spot.function)
        ]

    def _owns_lock(self, function: str) -> bool:
        """Whether a function makes or ends the lock of the object: nobody else has the object then."""
        if self.unit.language is Language.PYTHON or not self.lock:
            return False
        calls = (c for f in self.unit.functions if f.name == function for c in calls_in(f.body))
        owned = (e for c in calls if _OWNS_LOCK.search(c.name) for a in c.arguments[:1] for e in expressions(a))
        return any(isinstance(e, Member) and e.name == self.lock for e in owned)

    @property
    def held_lines(self) -> set[tuple[str, int]]:
        return {(a.spot.path, a.spot.line) for a in self.held}

    @property
    def lines(self) -> int:
        return len({(a.spot.path, a.spot.line) for a in self.accesses})


def _locks(access: Access) -> tuple[str, ...]:
    """The last words of the locks held: one object's mutex is named alike from inside and through a pointer.

    The one taken last comes first: of two that are held at every access, it is the nearer.
    """
    return tuple(dict.fromkeys(h.lock.partition(" of ")[0].rpartition(".")[2] for h in reversed(access.locks)))


@kept
def shared_state(facts: Facts) -> tuple[Shared, ...]:
    """Shared variables with all their accesses, those that are atomic, constant or locks themselves left out."""
    return tuple(_shared(facts))


def _shared(facts: Facts) -> Iterator[Shared]:
    groups: dict[Slot, list[Access]] = {}
    units = {unit.path: unit for unit in facts.program.units}
    for access in facts.accesses:
        if access.variable.rpartition(":")[2] in facts.lock_names or access.variable.startswith(("*", "[")):
            continue
        unowned = access.owner == "*"  # of an object whose class is not known
        alone = access.spot.path if unowned and units[access.spot.path].language is not Language.CPP else ""
        key = (access.variable, "" if unowned else access.owner, access.home or alone)
        own = tuple(h for h in access.locks if not h.lock.startswith(f"{access.variable}."))
        if len(own) == len(access.locks):
            groups.setdefault(key, []).append(access)
    _join_unowned(groups, units)
    at_file_scope = {unit.path: {v.name for v in unit.variables} for unit in facts.program.units}
    written = [a for a in facts.accesses if a.is_write and not a.setting_up]
    for (variable, owner, _), accesses in sorted(groups.items()):
        unit = units.get(accesses[0].spot.path)
        if unit is not None and not _is_safe_by_type(unit, variable, owner):
            # What is neither at file scope nor a function's own static is a member of something.
            is_member = bool(owner) or not (":" in variable or variable.split(".")[0] in at_file_scope[unit.path])
            shared = Shared(variable, owner, accesses, unit, is_member=is_member)
            shared.inside = tuple(a for a in written if a.owner == owner and a.variable.startswith(f"{variable}."))
            yield shared


def _join_unowned(groups: dict[tuple[str, str, str], list[Access]], units: dict[str, Unit]) -> None:
    """A member of nobody knows whose object is that of the one class with such a member that its file can mean."""
    neighbours = Neighbours(units.values())
    owned: dict[str, list[tuple[str, str, str]]] = {}
    for key in groups:
        if key[1]:
            owned.setdefault(key[0], []).append(key)
    for key in [key for key in groups if not key[1] and all(a.owner == "*" for a in groups[key])]:
        left: list[Access] = []
        for access in groups[key]:
            here = units[access.spot.path]
            meant = owned.get(key[0], [])
            if here.language is not Language.CPP:
                meant = [
                    other
                    for other in meant
                    if other[2] in {"", here.path} and _means(neighbours, here, units[groups[other][0].spot.path])
                ]
            (groups[meant[0]] if len(meant) == 1 else left).append(access)
        if left:
            groups[key] = left
        else:
            del groups[key]


def _means(neighbours: Neighbours, here: Unit, other: Unit) -> bool:
    """Whether a member of nobody knows whose object in one file may be that of a class of another."""
    if here is other or here.language is Language.PYTHON:
        return neighbours.sees(here, other)
    return other.path.rpartition("/")[2] in headers_of(here) or bool(
        {name for name in headers_of(here) & headers_of(other) if name.endswith(".h")}
    )


@kept
def _types(unit: Unit) -> dict[tuple[str, str], str]:
    """The types of a file's variables, and of its members by the class they are of; by none, the first that says."""
    found: dict[tuple[str, str], str] = {}
    for variable in unit.variables:
        found.setdefault(("", variable.name), variable.type)
    for one in unit.classes:
        for name, spelled in {m.name: m.type for m in reversed(one.members)}.items():
            for owner in {one.name, ""}:
                found[owner, name] = found.get((owner, name)) or spelled
    return found


def _is_safe_by_type(unit: Unit, variable: str, owner: str) -> bool:
    spelled = _types(unit).get((owner, variable), "")
    constant = spelled.startswith(_CONSTANT) and "*" not in spelled
    return any(word in spelled for word in _ATOMIC) or constant or "mutex" in spelled.lower()


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for kind in (_published, _counted, _changed, started_early):
        yield from kind(rule, facts)
    yield from _between(rule, facts)
    yield from polled_flags(rule, facts)
    for shared in shared_state(facts):
        yield from _as_reader(rule, shared)
        writes = [a for a in (*shared.accesses, *shared.inside) if a.is_write]
        if not writes or not shared.accesses:
            continue
        if is_count(shared.variable) and len({w.spot for w in writes}) > 1:
            continue
        if shared.lock and (len(shared.held_lines) >= max(2, shared.lines / 2) or _is_half_locked(shared, facts)):
            yield from _locked(rule, shared, facts)
        elif shared.lock or any(
            t.path == shared.unit.path for t in facts.threads
        ):  # a lock that most do without is there for something else
            yield from _bare(rule, shared, facts)


def _is_half_locked(shared: Shared, facts: Facts) -> bool:
    """A callback changes it under the object's lock, and a function that takes this lock for the rest reads it bare."""
    writers = {a.spot.function for a in shared.held if a.is_write}
    bare = {a.spot.function for a in shared.bare} - writers
    taking = {a.spot.function for a in facts.accesses if a.owner == shared.owner and shared.lock in _locks(a)}
    return shared.is_member and bool(bare & taking) and bool(writers & handed_out(shared.unit))


def _between(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: a variable of a file that two of its threads touch with nothing held."""
    for unit in (u for u in facts.program.units if u.language is not Language.PYTHON):
        for clash in clashes(facts, unit):
            if is_count(clash.variable):
                continue  # refcount-race tells it
            one, other = clash.threads
            who = f"threads that run {one}" if one == other else f"{one} and {other}, which are run by threads,"
            yield rule.no(
                f"{clash.variable} is changed here with no lock held, and used so at line {clash.touched.spot.line}: "
                f"{who} do both at the same time.",
                at(clash.changed.spot),
                confidence=Confidence.LIKELY,
                why=(
                    step(clash.touched.spot, "used with nothing held", "use"),
                    step(clash.changed.spot, "changed with nothing held", "use"),
                ),
                context=clash.changed.spot.function,
                condition=clash.changed.spot.condition,
            )


def _published(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: an object that others may take before it is ready."""
    for name, made, used in published_early(facts):
        yield rule.no(
            f"{name} is set at line {made.line} and made ready only at line {used.line}; who reads it without the lock "
            "uses it before.",
            at(used),
            cwe=609,
            fix="Make it ready in a local variable, and set the shared one last.",
            why=(step(made, "published", "store"), step(used, "still being made ready", "use")),
            context=used.function,
        )


_MOST_PLACES: Final = 8


def _counted(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: ``+=`` reads, adds and writes; two threads lose one of their steps."""
    by_lock: dict[tuple[str, str, str], list[tuple[str, Spot]]] = {}
    for name, lock, spot in bare_counters(facts):
        by_lock.setdefault((spot.path, spot.function.partition(".")[0], lock), []).append((name, spot))
    for (_, _, lock), changes in by_lock.items():
        (name, spot), *others = changes
        more = f" (and {counted(len(others), 'more change')})" if others else ""
        yield rule.no(
            f"{name} is changed here without {lock}, which guards the rest of the object{more}; += is not one step.",
            at(spot),
            cwe=567,
            fix=f"Take {lock} around it.",
            confidence=Confidence.POSSIBLE,
            why=tuple(step(other, f"{what} is changed", "use") for what, other in others[:_MOST_PLACES]),
            context=spot.function,
        )


def _changed(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: a container that one method changes under the object's lock, and another without."""
    counters = {(spot.path, spot.line) for _, _, spot in bare_counters(facts)}
    for name, lock, under, spot in bare_changes(facts):
        if (spot.path, spot.line) not in counters:
            yield rule.no(
                f"{name} is changed here without {lock}, which is held where line {under.line} changes it.",
                at(spot),
                fix=f"Take {lock} around it.",
                why=(step(under, f"changed with {lock} held", "lock"), step(spot, "changed with nothing held", "use")),
                context=spot.function,
            )


def _as_reader(rule: Rule, shared: Shared) -> Iterator[Claim]:
    """``std::shared_lock hold(m_); map_[name] = x;``: it is written while others read."""
    for access in sorted((*shared.accesses, *shared.inside), key=lambda a: a.spot):
        if access.is_write and access.locks and all(h.shared for h in access.locks):
            held = access.locks[-1]
            yield rule.no(
                f"{access.variable} is changed at line {access.spot.line} with {held.lock} held as readers hold it: "
                "they may be reading.",
                at(access.spot),
                fix=f"Take {held.lock} for writing there.",
                why=(
                    step(held.spot, f"{held.lock} is taken for reading", "lock"),
                    step(access.spot, "written under it", "use"),
                ),
                context=access.spot.function,
                condition=access.spot.condition,
            )
            return


def _locked(rule: Rule, shared: Shared, facts: Facts) -> Iterator[Claim]:
    interrupting = set(handlers(shared.unit)) if shared.unit.language is not Language.PYTHON else set()
    bare = [
        a
        for a in shared.bare
        if not is_alone(a, shared)
        and not _was_made_ready(a, shared)
        and a.spot.function not in interrupting  # a signal handler cannot wait for a lock
        and not reached_with_lock(facts, shared.unit, a.spot.function, shared.lock)
    ]
    if bare and shared.unit.language is not Language.PYTHON:
        phases = phases_of(shared.unit)
        apart = {a: [o for o in shared.accesses if o.spot != a.spot] for a in bare}
        bare = [a for a in bare if not phases.is_ordered(a, apart[a]) and _may_meet(facts, shared, a)]
    writers = {a.spot.function for a in (*shared.accesses, *shared.inside) if a.is_write}
    if len(writers) == 1 and all(not a.is_write and a.spot.function in writers and _is_after(a, shared) for a in bare):
        bare = []  # its only writer reads what it has just written
    if shared.unit.language is Language.PYTHON and not any(a.is_write for a in bare):
        bare = []  # one reference is read whole or not at all, and it is set under the lock
    held = shared.held
    static = ":" in shared.variable
    if static and bare and not any(a.is_write for a in held):
        return  # a function's own: it is read in passing where something else is guarded
    held_writes = [a for a in held if a.is_write] or [a for a in shared.inside if shared.lock in _locks(a)]
    lines = len(shared.held_lines)
    if not bare:
        yield rule.yes(
            (
                f"All {lines} accesses to {shared.variable} hold {shared.lock} (lines "
                f"{resolve_lines(a.spot for a in held)})"
            ),
            at(held[0].spot),
            met=lines,
            sites=lines,
            places=tuple(dict.fromkeys(at(a.spot) for a in held)),
            context=held[0].spot.function,
        )
        return
    if not held_writes and not any(a.is_write for a in bare):
        return
    changing = next((a.spot.function for a in bare if a.is_write), bare[0].spot.function)
    worst = next(a for a in bare if a.spot.function == changing)
    if _is_lock_of_others(facts, shared, worst):
        return
    other = (held_writes or held)[0]
    verb = "writes" if worst.is_write else "reads"
    yield rule.no(
        (
            f"{shared.variable}: {lines} of {shared.lines} accesses hold "
            f"{shared.lock}; line {worst.spot.line} {verb} it without."
        ),
        at(worst.spot),
        severity=Severity.LOW if _is_volatile(facts, shared) else None,
        fix=f"Take {shared.lock} at line {worst.spot.line}.",
        why=(
            step(other.spot, f"touched with {shared.lock} held", "lock"),
            step(worst.spot, f"{verb} it with nothing held", "use"),
        ),
        context=worst.spot.function,
        condition=worst.spot.condition,
    )


def _may_meet(facts: Facts, shared: Shared, bare: Access) -> bool:
    """Whether the lock is one of what is touched, and nothing says that who touches it bare has it from a caller."""
    unit = shared.unit
    named = bool(shared.owner) and shared.owner != "*"
    classes = [c for u in facts.program.units for c in u.classes if c.name == shared.owner] if named else unit.classes
    members = {m.name for c in classes for m in c.members}
    if shared.is_member and shared.lock not in members and all(v.name != shared.lock for v in unit.variables):
        return False  # the lock of something else, or of another file
    writes = {a.spot for a in shared.accesses if a.is_write}
    if len(writes) == 1 and not bare.is_write and not shared.is_member:
        return any(spot.function == bare.spot.function for spot in writes)  # who else reads it has it made before
    function = next((f for f in unit.functions if f.name == bare.spot.function), None)
    hidden = function is not None and function.local and unit.language is Language.C and not bare.is_inner
    return not hidden or last_word(bare.spot.function) in runners(facts, unit)


def _is_lock_of_others(facts: Facts, shared: Shared, access: Access) -> bool:
    """C++: whether a class has no such lock, and its own method does without: others hold it for reasons of theirs."""
    if shared.unit.language is not Language.CPP or not shared.owner:
        return False
    own = any(
        f.name == access.spot.function and f.owner == shared.owner for u in facts.program.units for f in u.functions
    )
    having = {c.name for u in facts.program.units for c in u.classes if any(m.name == shared.lock for m in c.members)}
    bases = {base for u in facts.program.units for c in u.classes if c.name == shared.owner for base in c.bases}
    return own and bool(having) and not having & {shared.owner, *bases}


def _is_volatile(facts: Facts, shared: Shared) -> bool:
    """Whether an author says that a variable changes at any time, and chose to read it so; one word is read whole."""
    members = (m for u in facts.program.units for c in u.classes if c.name == shared.owner for m in c.members)
    variables = (v for v in shared.unit.variables if not shared.owner)
    return any(
        one.name == shared.variable and "volatile" in one.type and "*" not in one.type for one in (*members, *variables)
    )


def _is_after(access: Access, shared: Shared) -> bool:
    """Whether a read comes after a write under the lock in the same function."""
    same = (a for a in shared.held if a.is_write and a.spot.function == access.spot.function)
    return any(a.spot.line < access.spot.line for a in same)


def _was_made_ready(access: Access, shared: Shared) -> bool:
    """Whether a read comes after a call of the function that sets it under the lock: ``ready(x) ? x->run() : -1``."""
    reader = next((f for f in shared.unit.functions if f.name == access.spot.function), None)
    written = [a for a in (*shared.held, *shared.inside) if a.is_write]
    makers = {last_word(a.spot.function) for a in written} - {last_word(access.spot.function)}
    lazy = {last_word(f.name) for f in shared.unit.functions if {last_word(c.name) for c in calls_in(f.body)} & makers}
    makers |= lazy
    return (
        reader is not None
        and not access.is_write
        and any(c.line <= access.spot.line and last_word(c.name) in makers for c in calls_in(reader.body))
    )


def is_alone(access: Access, shared: Shared) -> bool:
    """Whether nobody else can be there: before anything has started, or when the last user of an object has gone."""
    name = access.spot.function
    locks_elsewhere = any(a.locks for a in shared.accesses if a.spot.function == name)
    if shared.unit.language is Language.PYTHON and name in setting_up(shared.unit):
        return True
    takes_nothing = any(f.name == name and not f.parameters and not f.owner for f in shared.unit.functions)
    ends = _TEARS_DOWN if shared.is_member and not takes_nothing else _ENDS_ALL  # of one object, or of all there are
    return bool(_SETS_UP.search(name) or (not locks_elsewhere and ends.search(name)))


def _bare(rule: Rule, shared: Shared, facts: Facts) -> Iterator[Claim]:
    """Nothing guards it as a habit, though there are threads: only a lazy load, tested for, then made, is claimed."""
    if shared.is_member or (shared.unit.language is Language.PYTHON and not shared.lock):
        return
    once = {(site.spot.path, site.spot.function) for site in facts.of(ApiRole.ONCE)}
    by_function: dict[str, list[Access]] = {}
    for access in shared.accesses:
        by_function.setdefault(access.spot.function, []).append(access)
    for function, accesses in sorted(by_function.items()):
        made = next((a for a in accesses if a.is_write and _is_lazy_load(a)), None)
        tested = next((a for a in accesses if not a.is_write), None)
        if made is None or tested is None or tested.spot >= made.spot or (made.spot.path, function) in once:
            continue
        yield rule.no(
            f"{shared.variable} is tested and set at lines {tested.spot.line} and {made.spot.line} with no lock held.",
            at(made.spot),
            confidence=Confidence.POSSIBLE,
            why=(step(tested.spot, "tested", "test"), step(made.spot, "set", "use")),
            context=function,
        )
        return


def _is_lazy_load(access: Access) -> bool:
    api = tables().get(access.holds) if access.holds else None
    return api is not None and api.role in {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.BORROW}


RULE: Final = Rule(
    id="data-race",
    question="Is shared state touched only under its lock?",
    practice=Practice.LOCKING,
    cwe=362,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A handle, a counter or an error text that one thread changes while "
    "another looks at it gives two loads, a lost "
    "count, or a torn string.",
    fix="Take the same lock at every access.",
    bad="if (!lib->handle) { lock(&m); lib->handle = dlopen(p, RTLD_NOW); unlock(&m); }\n",
    good="lock(&m);\nif (!lib->handle) lib->handle = dlopen(p, RTLD_NOW);\nunlock(&m);\n",
    references=("https://cwe.mitre.org/data/definitions/362.html", "https://cwe.mitre.org/data/definitions/567.html"),
    answer=_answer,
)
