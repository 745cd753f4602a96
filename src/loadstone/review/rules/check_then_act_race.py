"""Is the test that decides about a load or an unload made under the lock that the act needs?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, children
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.names import Routine
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.atomic_steps import SplitStep, split_counts, split_loads
from loadstone.review.rules.done_too_early import Begun, done_too_early
from loadstone.review.rules.places import ALL, NATIVE
from loadstone.review.rules.python_locks import locks_made
from loadstone.review.rules.python_shared_state import is_locked
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.stale_copies import StaleCopy, stale_copies
from loadstone.review.rules.swallowed_load_failure import LOADS, entered, reaching_loads
from loadstone.review.walk import calls, expressions, kept, parts_of, statements

__all__ = ["RULE"]

_STATE: Final = re.compile(r"(?i)(?:p?hnd|handle|loaded|isopen|is_open)\Z|^(?:did_?load|loaded)")
_ACT: Final = re.compile(r"(?i)^(?:load_?sys|do_?load|load_?library|unload_?sys|do_?unload|sys_?load|really_?load)\Z")
_WRITES: Final = re.compile(r"^(?:store|storeRelaxed|storeRelease|exchange|fetchAndStore\w*|reset)$")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    threaded = (u for u in facts.program.units if u.language in NATIVE and "mutex" in u.text.lower())
    locked = {(a.spot.path, a.spot.function) for a in facts.accesses if a.is_inner and a.locks}
    for unit in threaded:
        for function in unit.functions:
            if not (function.local and (unit.path, function.name) in locked):  # its callers hold the lock
                yield from _function(rule, unit, function)
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for begun in done_too_early(facts, unit):
            yield _begun(rule, unit, begun)
        for stale in stale_copies(facts, unit):
            yield _stale(rule, unit, stale)
        for split in split_counts(facts, unit):
            yield _split(rule, unit, split, "lowered in one step and asked in another", _ONE_STEP_COUNT)
        for split in split_loads(facts, unit):
            yield _split(rule, unit, split, "asked in one step and set in another", _ONE_STEP_LOAD)
    python = [u for u in facts.program.units if u.language is ir.Language.PYTHON and _is_threaded(u)]
    reaching = reaching_loads(facts) if python else frozenset()
    for routine in (r for r in facts.travels.names.routines if r.unit in python) if reaching else ():
        yield from _loaded_twice(rule, facts, routine, reaching)


def _begun(rule: Rule, unit: ir.Unit, begun: Begun) -> Claim:
    """A flag that does not keep the second caller back."""
    asked, work = (Location.lines(unit.path, line) for line in (begun.asked, begun.work))
    if begun.early:
        what = f"{begun.flag} says so from line {begun.set} on; a second thread goes on while the first is loading"
    else:
        what = f"{begun.flag} is set at line {begun.set} only; a second thread that comes meanwhile does it too"
    return rule.no(
        f"What is done once begins at line {begun.work}, and {what}.",
        work,
        confidence=Confidence.LIKELY,
        fix="pthread_once, std::call_once, InitOnceExecuteOnce, or one lock around the test and the work.",
        why=(
            FlowStep(asked, f"{begun.flag} is tested with no lock held", "test"),
            FlowStep(work, "loaded by whoever came first", "use"),
        ),
        context=begun.function.name,
        condition=begun.function.condition,
    )


def _stale(rule: Rule, unit: ir.Unit, stale: StaleCopy) -> Claim:
    """What was true under the lock, and need not be any more."""
    read, acted = (Location.lines(unit.path, line) for line in (stale.read, stale.acted))
    name = stale.variable
    if stale.closed:
        what = f"{name} is copied under {stale.lock} and used without it; line {stale.closed} may close it in between"
    else:
        what = f"{name} is asked under {stale.lock} and set under it later; two threads that ask in turn both load"
    return rule.no(
        f"{what}.",
        acted,
        confidence=Confidence.LIKELY,
        fix="Do both with the lock held once; or count the users of the library, and close it when the last has gone.",
        why=(FlowStep(read, f"read under {stale.lock}", "test"), FlowStep(acted, "acted on later", "use")),
        context=stale.function.name,
        condition=stale.function.condition,
    )


_ONE_STEP_COUNT: Final = "Decide by what the step that lowers the count gives: if (fetch_sub(1) == 1)."
_ONE_STEP_LOAD: Final = "Set it with compare_exchange, and close what you loaded when another thread was first."


def _split(rule: Rule, unit: ir.Unit, split: SplitStep, how: str, fix: str) -> Claim:
    """Two atomic steps, and a thread between them."""
    first, second = (Location.lines(unit.path, line) for line in (split.first, split.second))
    return rule.no(
        f"{split.variable} is {how}; a second thread that comes between the two decides alike.",
        second,
        confidence=Confidence.LIKELY,
        fix=fix,
        why=(FlowStep(first, "the first step", "test"), FlowStep(second, "the second step", "use")),
        context=split.function.name,
        condition=split.function.condition,
    )


_THREADED: Final = re.compile(
    r"ThreadingHTTPServer|ThreadingMixIn|ThreadPool(?:Executor)?\b|\bThread\(|import Flask\b|\bto_thread\("
    r"|run_in_executor\(|run_in_threadpool\("
)
"""What says that functions of a file run in several threads. Flask: its server is threaded since 1.0."""


@kept
def _is_threaded(unit: ir.Unit) -> bool:
    """Whether a file says that several threads run in it: by starting them, or by a lock that it makes."""
    hinted = any(word in unit.text for word in ("Thread", "Flask", "to_thread", "run_in_"))
    return (hinted and _THREADED.search(unit.text) is not None) or bool(locks_made(unit))


def _loaded_twice(rule: Rule, facts: Facts, routine: Routine, reaching: frozenset[tuple[str, str]]) -> Iterator[Claim]:
    """Python: a table of libraries is asked, and filled by what loads one, with no lock held."""
    function, asked = routine.function, dict[str, int]()
    held = {s.target.name: spelled(s.value.receiver) for s in statements(function.body.body) if _gets(s)}  # type: ignore[union-attr]
    if function.name == "<module>" or last_word(function.name) == "__init__":
        return
    for statement in statements(function.body.body):
        if isinstance(statement, ir.If) and not is_locked(routine.unit, function, statement.line):
            for name in _tables_asked(statement.condition, held):
                asked.setdefault(name, statement.line)
        if not isinstance(statement, ir.Assign):
            continue
        if isinstance(statement.target, ir.Item):
            table = spelled(statement.target.base)
        elif isinstance(statement.target, ir.Name) and statement.target.name in function.globals:
            table = statement.target.name
        elif (alone := spelled(statement.target)).partition(".")[0] in {"cls", function.owner} - {""}:
            table = alone
        else:
            continue
        locked = is_locked(routine.unit, function, statement.line)
        if table not in asked or table in routine.locals:
            continue
        if locked and not _asked_once(facts, routine, statement, table):
            continue
        made = _made(function, statement.value)
        loads = made is not None and (
            made.name in LOADS
            or (made.name in {"cls", function.owner} and (routine.unit.path, f"{function.owner}.__init__") in reaching)
            or any((r.unit.path, r.function.name) in reaching for r in entered(facts.travels.names, routine, made))
        )
        if (loads or locked) and not _called_locked(routine):
            yield rule.no(
                f"{table} is asked at line {asked[table]} with no lock held and filled at line {statement.line}"
                f"{' without asking again under the lock' if locked else ''}; two threads can both make it, and one "
                "replaces what the other uses.",
                Location.lines(routine.unit.path, asked[table]),
                confidence=Confidence.LIKELY,
                why=(
                    FlowStep(Location.lines(routine.unit.path, asked[table]), "asked with no lock held", "test"),
                    FlowStep(Location.lines(routine.unit.path, statement.line), "loaded and stored", "use"),
                ),
                context=function.name,
            )
            return


def _asked_once(facts: Facts, routine: Routine, filled: ir.Assign, table: str) -> bool:
    """``if key not in table: with lock: table[key] = lib.open(key)``: nothing asks again once the lock is held."""
    made, function = _made(routine.function, filled.value), routine.function
    foreign = made is not None and facts.bindings[routine.unit.path].symbol(made, function.owner) is not None
    inside = (s for s in statements(function.body.body) if isinstance(s, ir.With))
    region = next((s for s in inside if s.line <= filled.line <= s.body.end_line), None)
    if region is None or not foreign:
        return False
    again = (p for s in statements(region.body.body) if s is not filled for p in parts_of(s))
    return not any(spelled(part) == table for part in again)


def _gets(statement: ir.Statement) -> bool:
    """``found = table.get(key)``."""
    value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
    named = isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name)
    return named and isinstance(value, ir.Call) and last_word(value.name) == "get" and value.receiver is not None


def _tables_asked(condition: ir.Expression, held: dict[str, str]) -> Iterator[str]:
    for part in expressions(condition):
        if isinstance(part, ir.Operation) and part.operator in {"in", "not in"}:
            yield spelled(part.operands[1])
        elif isinstance(part, ir.Operation) and part.operator in {"==", "!"}:
            yield spelled(part.operands[0])
        elif isinstance(part, ir.Name) and part.name in held:
            yield held[part.name]


def _made(function: ir.Function, value: ir.Expression | None) -> ir.Call | None:
    """The call that made a value, seen through one variable."""
    bare = uncast(value)
    if not isinstance(bare, ir.Name):
        return bare if isinstance(bare, ir.Call) else None
    given = [
        uncast(s.value)
        for s in statements(function.body.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.target.name == bare.name
    ]
    return next((one for one in reversed(given) if isinstance(one, ir.Call)), None)


def _called_locked(routine: Routine) -> bool:
    """Whether somebody in the file calls the function with a lock held."""
    word = last_word(routine.function.name)
    return any(
        last_word(call.name) == word and is_locked(routine.unit, function, call.line)
        for function in routine.unit.functions
        for call in calls(function.body.body)
    )


def _function(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    tested: dict[str, int] = {}
    made: set[str] = set()  # what this call has just set, and tests for having worked
    for statement in function.body.body:
        if _locks(statement):
            return
        for name, line in tested.items():
            act = next((c for c in _calls(statement) if _acts(c, name)), None)
            if act is not None:
                yield _finding(rule, unit, function, name, line, act)
                return
        if isinstance(statement, ir.Assign) and isinstance(target := uncast(statement.target), ir.Name | ir.Member):
            made.add(target.name)
        if isinstance(statement, ir.If) and statement.then.body and isinstance(statement.then.body[-1], ir.Return):
            states = (name for name, root in _states(statement.condition) if not {name, root} & made)
            tested.update(dict.fromkeys(states, statement.line))


def _finding(rule: Rule, unit: ir.Unit, function: ir.Function, name: str, line: int, act: ir.Call) -> Claim:
    word = act.name.rpartition("::")[2].rpartition(".")[2]
    return rule.no(
        f"{function.name} looks at {name} at line {line} with no lock held and acts on it at line {act.line} "
        f"({word}); "
        "two threads can both decide to act.",
        Location.lines(unit.path, line),
        confidence=Confidence.LIKELY,
        why=(
            FlowStep(Location.lines(unit.path, line), f"{name} is tested with no lock held", "test"),
            FlowStep(Location.lines(unit.path, act.line), f"{word} acts on the answer", "use"),
        ),
        context=function.name,
        condition=function.condition,
    )


def _locks(statement: ir.Statement) -> bool:
    known = tables()
    return any(
        (api := known.get(c.name)) is not None and api.role in {ApiRole.GUARD, ApiRole.LOCK}
        for c in (_own_calls(statement))
    )


def _own_calls(statement: ir.Statement) -> Iterator[ir.Call]:
    """Calls of a plain statement; those inside an inner block do not lock what follows."""
    if isinstance(statement, ir.Assign | ir.Evaluate):
        yield from calls_in(ir.Block(statement.line, statement.line, (statement,)))


def _calls(statement: ir.Statement) -> Iterator[ir.Call]:
    return calls_in(ir.Block(statement.line, statement.line, (statement,)))


def _acts(call: ir.Call, state: str) -> bool:
    api = tables().get(call.name)
    word = call.name.rpartition("::")[2].rpartition(".")[2]
    if (api is not None and api.role in {ApiRole.LOAD, ApiRole.UNLOAD}) or _ACT.match(word):
        return True
    receiver = call.receiver
    return isinstance(receiver, ir.Name | ir.Member) and receiver.name == state and bool(_WRITES.match(word))


def _states(condition: ir.Expression) -> Iterator[tuple[str, str]]:
    """The states that a condition asks about, each with the variable it is reached from."""
    stack = [condition]
    while stack:
        current = stack.pop()
        if isinstance(current, ir.Name | ir.Member) and _STATE.search(current.name):
            root = current
            while isinstance(root, ir.Member) and isinstance(base := uncast(root.base), ir.Name | ir.Member):
                root = base
            yield current.name, root.name
        if isinstance(current, ir.Call) and current.receiver is not None:
            stack.append(current.receiver)
        stack.extend(children(current))


RULE: Final = Rule(
    id="check-then-act-race",
    question="Is the test that decides about a load made under the lock that the load needs?",
    practice=Practice.LOCKING,
    cwe=362,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="Two threads that both see a library as not loaded both load it: the "
    "system counts two, the program one, and the "
    "library can never be unloaded again. An atomic variable does not help, for it is the gap that hurts.",
    fix="Take the lock before the test, or let one thread win a compare-and-exchange to a state named loading.",
    bad="if (lib->handle) return 1;\nlib->handle = dlopen(lib->path, RTLD_NOW);\n",
    good="lock(&lib->mutex);\nif (!lib->handle) lib->handle = dlopen(lib->path, RTLD_NOW);\nunlock(&lib->mutex);\n",
    references=("https://cwe.mitre.org/data/definitions/362.html",),
    answer=_answer,
)
