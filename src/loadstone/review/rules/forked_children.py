"""Children of a process with threads that load or look up before they run a program of their own.

Of several threads fork(2) keeps one. A lock that another held, the loader's or malloc's, stays held in the child for
ever. Until it calls exec, the child may only do what a signal handler may (POSIX fork(3p)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.held_regions import statements_with_locks
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.shown_threads import is_start
from loadstone.review.walk import expressions, parts_of

__all__ = ["loads_in_children"]

_FORKS: Final = frozenset({"fork", "vfork", "_Fork"})
_NEEDS: Final = (ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.LOCK)


def loads_in_children(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The loads and look-ups of C and C++ in the child of a fork, in a file that starts threads or with a lock held."""
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON or not unit.words & _FORKS:
            continue
        threads = next((c for f in unit.functions for c in calls_in(f.body) if is_start(facts, unit, c)), None)
        for function in unit.functions:
            for line, child, held in _children(facts, function):
                done = next((c for c in calls_in(child) if plays(facts, c, *_NEEDS)), None)
                runs = min((c.line for c in calls_in(child) if last_word(c.name).startswith("exec")), default=0)
                if done is None or (threads is None and not held) or 0 < runs < done.line:
                    continue
                place, forked = Location.lines(unit.path, done.line), Location.lines(unit.path, line)
                why = f"with {min(held)} held" if held else "while other threads run"
                yield rule.no(
                    f"The child of a fork made {why} calls {last_word(done.name)}; a lock that was held then is held "
                    "in the child for ever.",
                    place,
                    cwe=662,
                    severity=Severity.MEDIUM,
                    confidence=Confidence.LIKELY,
                    fix="posix_spawn or exec a program that loads, or fork before the first thread starts.",
                    why=(FlowStep(forked, "forked", "call"), FlowStep(place, "in the child", "use")),
                    context=function.name,
                    condition=function.condition,
                )


def _children(facts: Facts, function: ir.Function) -> Iterator[tuple[int, ir.Block, frozenset[str]]]:
    """What the children of a function's forks run: where it forks, the block, and the locks that are held there."""
    forked: dict[str, tuple[int, frozenset[str]]] = {}
    for statement, held in statements_with_locks(facts, function.body):
        calls = [p for p in parts_of(statement) if isinstance(p, ir.Call) and p.name in _FORKS]
        if calls and isinstance(statement, ir.Assign):
            forked[word(statement.target)] = (calls[0].line, held)
        if isinstance(statement, ir.If) and _is_child(statement.condition, forked):
            name = next((word(e) for e in expressions(statement.condition) if word(e) in forked), "")
            line, locks = (calls[0].line, held) if calls else forked[name]
            yield line, statement.then, locks
        if isinstance(statement, ir.Switch) and (calls or word(statement.subject) in forked):
            line, locks = (calls[0].line, held) if calls else forked[word(statement.subject)]
            zero = (
                c.body for c in statement.cases if any(isinstance(v, ir.Literal) and v.value == 0 for v in c.values)
            )
            yield from ((line, child, locks) for child in zero)


def _is_child(condition: ir.Expression, forked: dict[str, tuple[int, frozenset[str]]]) -> bool:
    """Whether a condition is ``pid == 0`` or ``!pid`` of what fork gave."""
    bare = uncast(condition)
    if not isinstance(bare, ir.Operation):
        return False
    sides = [uncast(o) for o in bare.operands]
    of_fork = any(word(s) in forked or (isinstance(s, ir.Call) and s.name in _FORKS) for s in sides)
    zero = any(isinstance(s, ir.Literal) and s.value == 0 for s in sides)
    return of_fork and (bare.operator == "!" or (bare.operator == "==" and zero))
