"""Does a signal handler leave libraries, memory and streams alone, and is a fault never caught to go on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, names_in, stores_in
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import called_through, filled_names, looked_up, plays
from loadstone.review.rules.places import ALL, NATIVE, at, step
from loadstone.review.rules.python_locks import is_lock, taken
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, kept, parts_of

__all__ = ["RULE", "handlers"]

_INSTALLS: Final = frozenset({"signal", "sigset", "bsd_signal", "sysv_signal"})
_MEMBERS: Final = frozenset({"sa_handler", "sa_sigaction"})
_FAULTS: Final = frozenset({"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE"})
_JUMPS: Final = frozenset({"siglongjmp", "longjmp"})
_RETURNS: Final = frozenset({"sigsetjmp", "setjmp", "_setjmp", "__sigsetjmp"})

_STREAMS: Final = frozenset({"printf", "fprintf", "vfprintf", "puts", "fputs", "fputc", "fwrite", "fflush"})
_UNSAFE: Final = _STREAMS | frozenset(
    {"malloc", "calloc", "realloc", "free", "strdup", "syslog", "vsyslog", "exit", "fopen", "fclose", "localtime"}
    | {"ctime", "pthread_mutex_lock", "pthread_cond_signal", "pthread_cond_broadcast", "getaddrinfo", "setenv"}
    | {"asprintf", "vasprintf", "getenv", "opendir", "readdir", "mtx_lock", "call_once", "pthread_once"}
    | {"to_string", "push_back", "emplace_back", "make_unique", "make_shared", "new"}
)
"""Functions with a state of their own that a handler may find half changed. Source: signal-safety(7)."""
_STREAM_OBJECTS: Final = frozenset({"std::cout", "std::cerr", "std::clog"})
_WHOLE: Final = ("volatile", "atomic", "Atomic", "thread_local", "__thread", "const ")
_LOADER: Final = (ApiRole.RESOLVE, ApiRole.ERROR, ApiRole.LOAD, ApiRole.UNLOAD, ApiRole.LOCK, ApiRole.GUARD)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    installed = {(unit.path, name) for unit in facts.program.units for name in handlers(unit)}
    done = set()
    for site in facts.reached:
        root = site.chain[0] if site.chain else site.spot
        if site.api.role not in {ApiRole.LOAD, ApiRole.UNLOAD} or (root.path, root.function) not in installed:
            continue
        if site.unit.language is ir.Language.PYTHON and site.api.role is ApiRole.LOAD:
            continue  # it runs between two instructions of the main thread, where an import is as good as anywhere
        if (root.path, root.function) not in done:
            done.add((root.path, root.function))
            yield rule.no(
                f"{root.function} runs as a signal handler and reaches {site.api.name}, which it may interrupt.",
                at(root),
                why=(step(root, "called by the signal handler", "call"), step(site.spot, site.api.name, "use")),
                context=root.function,
                condition=root.condition,
            )
    for claim in _deeper(rule, facts, installed - done):
        done.add((claim.location.path, claim.context))
        yield claim
    yield from _locks(rule, facts)
    for unit in facts.program.units:
        if unit.language in NATIVE:
            quiet = installed - done
            yield from _plain(rule, unit, {name for path, name in installed if path == unit.path})
            yield from _unsafe(rule, facts, unit, {name for path, name in quiet if path == unit.path})
        if unit.language in NATIVE and unit.words & _FAULTS:
            yield from _caught(rule, unit)


def _unsafe(rule: Rule, facts: Facts, unit: ir.Unit, installed: set[str]) -> Iterator[Claim]:
    """Handlers that reach the loader, a library, the heap, streams or locks, which they may have interrupted."""
    own = {f.name: f for f in unit.functions}
    named = [own[name] for name in sorted(installed & own.keys())]
    for function in (*named, *_made_in_place(unit)):
        for part in (e for e in every_expression(function.body) if isinstance(e, ir.Call | ir.Name)):
            inner = [own[name] for _, name in _reached([unit], unit, part.name)] if isinstance(part, ir.Call) else []
            reached = ((f, e) for f in (function, *inner) for e in ((part,) if f is function else calls_in(f.body)))
            unsafe = next((e for f, e in reached if _is_unsafe(facts, unit, f, e, own)), None)
            if unsafe is None:
                continue
            there, here = (Location.lines(unit.path, c.line) for c in (unsafe, part))
            name = last_word(unsafe.name)
            is_named = not function.name.startswith("<")
            called = f"{function.name} runs as a signal handler and" if is_named else "A signal handler"
            shown = name if unit.language is ir.Language.C else unsafe.name
            yield rule.no(
                f"{called} reaches {shown}, which it may interrupt.",
                here,
                severity=Severity.LOW if name in _STREAMS or unsafe.name in _STREAM_OBJECTS else Severity.MEDIUM,
                why=(
                    FlowStep(here, "called by the signal handler", "call"),
                    FlowStep(there, f"{shown} has a state of its own", "use"),
                ),
                context=function.name,
                condition=function.condition,
            )
            break


def _is_unsafe(
    facts: Facts, unit: ir.Unit, function: ir.Function, part: ir.Call | ir.Name, own: Mapping[str, ir.Function]
) -> bool:
    """Whether what a handler calls has a state that it may find half changed; what a library gave may do anything."""
    if isinstance(part, ir.Name):
        return part.name in _STREAM_OBJECTS
    if part.name in own:
        return False
    word = last_word(part.name)
    if word in _UNSAFE and (part.receiver is not None or part.name in {word, f"std::{word}"}):
        return True
    foreign = looked_up(facts, function) | filled_names(facts, unit)
    return plays(facts, part, *_LOADER) or called_through(part, foreign)


def _made_in_place(unit: ir.Unit) -> Iterator[ir.Function]:
    """Handlers written where they are installed: ``std::signal(SIGINT, [](int) { ... })``."""
    for function in unit.functions:
        for call in calls_in(function.body):
            if last_word(call.name) in _INSTALLS and len(call.arguments) > 1:
                given = uncast(call.arguments[1])
                while isinstance(given, ir.Operation) and given.operands:  # +[](int) { ... }
                    given = uncast(given.operands[0])
                if isinstance(given, ir.Closure):
                    yield given.function


def _plain(rule: Rule, unit: ir.Unit, installed: set[str]) -> Iterator[Claim]:
    """Variables that a handler changes while others read them, of a type that is not promised to be whole.

    Only ``volatile sig_atomic_t`` and atomic types are (C11 7.14.1.1, SEI CERT SIG31-C); what is volatile is let be.
    """
    plain = {v.name for v in unit.variables if not any(word in v.type for word in _WHOLE)}
    handling = [f for f in unit.functions if f.name in installed]
    read = {n for f in unit.functions if f.name not in installed for n in names_in(f.body)} if handling else set()
    for function in (*handling, *_made_in_place(unit)):
        own = {p.name for p in function.parameters}
        for store in stores_in(function.body):
            name = store.target.name if isinstance(store.target, ir.Name) else ""
            if name in (plain & read) - own:
                place = Location.lines(unit.path, store.line)
                yield rule.no(
                    f"{name} is changed by a signal handler while others read it, and its type says nothing of that: "
                    "the change may be torn, or never seen.",
                    place,
                    cwe=364,
                    severity=Severity.LOW,
                    fix="volatile sig_atomic_t, or an atomic type that is free of locks.",
                    why=(FlowStep(place, "changed by the handler", "store"),),
                    context=function.name,
                    condition=function.condition,
                )
                break


def _deeper(rule: Rule, facts: Facts, installed: set[tuple[str, str]]) -> Iterator[Claim]:
    """Handlers that reach a load or a close through more calls than paths are followed: by the calls alone."""
    sites = {(s.spot.path, s.spot.function): s for s in facts.of(ApiRole.LOAD, ApiRole.UNLOAD)}
    units = [unit for unit in facts.program.units if unit.language in NATIVE] if sites else []
    for unit in units:
        for function in (f for f in unit.functions if (unit.path, f.name) in installed):
            for call in calls_in(function.body):
                key = next((k for k in _reached(units, unit, call.name) if k in sites), None)
                if key is None:
                    continue
                root = Spot(unit.path, call.line, function.name, function.condition)
                site = sites[key]
                yield rule.no(
                    f"{function.name} runs as a signal handler and reaches {site.api.name}, which it may interrupt.",
                    at(root),
                    why=(step(root, "called by the signal handler", "call"), step(site.spot, site.api.name, "use")),
                    context=function.name,
                    condition=function.condition,
                )
                break


def _reached(units: list[ir.Unit], start: ir.Unit, name: str) -> Iterator[tuple[str, str]]:
    """The functions that a call leads to, by the file and the name; of two files' own functions, those of each file."""
    seen: set[tuple[str, str]] = set()
    work = [(start, name)]
    while work:
        unit, called = work.pop()
        own = [(unit, f) for f in unit.functions if f.name == called]
        others = [(u, f) for u in units for f in u.functions if f.name == called and not f.local] if not own else []
        for home, function in own or others:
            if (home.path, called) not in seen:
                seen.add((home.path, called))
                yield home.path, called
                work += [(home, c.name) for c in calls_in(function.body)]


def _locks(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: a handler runs in the middle of whatever the main thread does, which may hold the lock already."""
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or "signal" not in unit.text:
            continue
        installed = {
            name
            for function in unit.functions
            for call in calls_in(function.body)
            if call.name == "signal.signal" and len(call.arguments) > 1
            for name in (spelled(call.arguments[1]), f"{function.name}.{spelled(call.arguments[1])}")
        }
        for function in unit.functions:
            if function.name not in installed and f"self.{last_word(function.name)}" not in installed:
                continue
            for statement in every_statement(function.body):
                lock = next(_taken_by(facts, unit, function, statement), "")
                if lock and not _reenters(unit, lock):
                    yield rule.no(
                        f"{function.name} runs as a signal handler and takes {lock}, which the code it interrupts may "
                        "hold: it then waits for itself.",
                        Location.lines(unit.path, statement.line),
                        cwe=833,
                        fix="Set an event in the handler, and do the work in the main loop.",
                        context=function.name,
                    )


def _taken_by(facts: Facts, unit: ir.Unit, function: ir.Function, statement: ir.Statement) -> Iterator[str]:
    """The locks a statement takes, itself or in a function of the file that it calls."""
    yield from (name for context in taken(statement) if is_lock(name := spelled(context)))
    names = facts.travels.names
    routine = next((r for r in names.routines if r.function is function), None)
    for call in (part for part in parts_of(statement) if isinstance(part, ir.Call) and routine is not None):
        for called in names.called(routine, call) if routine is not None else ():
            if called.unit is unit:
                inner = (context for s in every_statement(called.function.body) for context in taken(s))
                yield from (name for context in inner if is_lock(name := spelled(context)))


def _reenters(unit: ir.Unit, lock: str) -> bool:
    """Whether a lock of that name is one that its holder may take again."""
    last = lock.rpartition(".")[2]
    return any(
        isinstance(s, ir.Assign)
        and last_word(spelled(s.target)) == last
        and isinstance(s.value, ir.Call)
        and s.value.name.endswith("RLock")
        for f in unit.functions
        for s in every_statement(f.body)
    )


@kept
def handlers(unit: ir.Unit) -> tuple[str, ...]:
    """Functions of a unit that are installed as signal handlers."""
    return tuple(_each_handler(unit))


def _each_handler(unit: ir.Unit) -> Iterator[str]:
    own = {last_word(f.name): f.name for f in unit.functions}
    places = dict.fromkeys(_INSTALLS, 1) | dict(_installers(unit))
    for function in unit.functions:
        for call in calls_in(function.body):
            place = places.get(last_word(call.name), len(call.arguments))
            if place < len(call.arguments):
                yield from _named(call.arguments[place], own)
                yield from _tabled(unit, call.arguments[place], own)
        for expression in every_expression(function.body):
            if isinstance(expression, ir.Display):  # { .sa_handler = on_hup }
                for key, item in zip(expression.keys, expression.items, strict=False):
                    if key in _MEMBERS:
                        yield from _named(item, own)
        for statement in every_statement(function.body):
            target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
            if isinstance(target, ir.Member) and target.name in _MEMBERS and isinstance(statement, ir.Assign):
                yield from _named(uncast(statement.value), own)


def _installers(unit: ir.Unit) -> Iterator[tuple[str, int]]:
    """The functions of a unit that install what they are given as a handler, and which argument that is."""
    for function in unit.functions:
        names = [p.name for p in function.parameters]
        given = [c.arguments[1] for c in calls_in(function.body) if c.name in _INSTALLS and len(c.arguments) > 1]
        for statement in every_statement(function.body):
            target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
            if isinstance(target, ir.Member) and target.name in _MEMBERS and isinstance(statement, ir.Assign):
                given.append(uncast(statement.value))
        for value in map(uncast, given):
            if isinstance(value, ir.Name) and value.name in names:
                yield last_word(function.name), names.index(value.name)


def _named(expression: ir.Expression, own: Mapping[str, str]) -> Iterator[str]:
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "address" and bare.operands:
        bare = uncast(bare.operands[0])
    if isinstance(bare, ir.Name) and (name := own.get(last_word(bare.name))) is not None:
        yield name


def _tabled(unit: ir.Unit, expression: ir.Expression, own: Mapping[str, str]) -> Iterator[str]:
    """The functions of a table of the file: ``signal(table[i].number, table[i].handler)``."""
    bare = uncast(expression)
    while isinstance(bare, ir.Member):
        bare = uncast(bare.base)
    if isinstance(bare, ir.Item) and isinstance(bare.base, ir.Name):
        value = next((v.value for v in unit.variables if v.name == bare.base.name), None)
        named = {last_word(e.name) for e in expressions(value) if isinstance(e, ir.Name)}
        yield from (own[word] for word in sorted(named & own.keys()))


def _caught(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A fault is caught by a handler that jumps back: what was half done stays half done."""
    installed = set(handlers(unit))
    jumping = any(call.name in _JUMPS for f in unit.functions if f.name in installed for call in calls_in(f.body))
    for function in unit.functions if jumping else ():
        for expression in every_expression(function.body):
            if isinstance(expression, ir.Call) and expression.name in _RETURNS:
                place = Location.lines(unit.path, expression.line)
                yield rule.no(
                    f"{function.name} goes on after a fault that a signal handler caught; test the pointer instead.",
                    place,
                    cwe=395,
                    why=(FlowStep(place, "a fault comes back here", "handler"),),
                    fix="Test what may be null before it is called; run code that may fault in a process of its own.",
                    context=function.name,
                    condition=function.condition,
                )


RULE: Final = Rule(
    id="unsafe-signal-handler",
    question="Does a signal handler leave libraries alone, and is a fault never caught to go on?",
    practice=Practice.ERROR_HANDLING,
    cwe=479,
    severity=Severity.HIGH,
    languages=ALL,
    why="A handler may interrupt the loader itself, its lock held; and after a fault nothing is known to be whole.",
    fix="Set a flag of type volatile sig_atomic_t, and do the work in the main loop.",
    bad="static void on_hup(int sig) { dlclose(plugin); plugin = dlopen(path, RTLD_NOW); }\nsignal(SIGHUP, on_hup);\n",
    good="static void on_hup(int sig) { reload = 1; }\nsignal(SIGHUP, on_hup);\n",
    references=(
        "https://cwe.mitre.org/data/definitions/479.html",
        "https://cwe.mitre.org/data/definitions/395.html",
        "https://man7.org/linux/man-pages/man7/signal-safety.7.html",
    ),
    answer=_answer,
)
