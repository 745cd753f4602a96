"""What a function does to its callers, in a word, before any path is followed: computed bottom-up over the program.

Functions are taken in the order of the strongly connected components of the call graph (Tarjan 1972), callees first,
so that a function is looked at when everything it calls has its summary; inside a component the summaries grow from
the least one until nothing changes. The domain is two booleans a function, *inert* (it neither touches what a question
is about nor hands anything on) going down from true, *never returns* going up from false, so a component of n
functions is settled after at most 2n rounds; and a set, the names of locks that are given back and not taken, which
grows from the empty one towards the names in the component.

Paths use them to leave out what cannot matter (an inert callee is not entered) and to end where nothing comes back.
What matters is entered with the caller's state instead, a few levels deep: the summary is then the list of outcomes
that ``Paths.enter`` gives, each with what it did, as in Infer's and Saturn's per-path summaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.graphs import reaches_end
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.program import KnownFunction, KnownProgram, local_names
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.walk import kept, parts_of

__all__ = ["Summaries", "components"]

_HARMLESS: Final = frozenset({ApiRole.LOG, ApiRole.NO_RETURN, ApiRole.ASSERTION})

_TAKES: Final = frozenset({ApiRole.LOCK, ApiRole.TRY_LOCK})


class Summaries:
    """What each function of a program does to its callers."""

    def __init__(self, program: KnownProgram, tables: Tables) -> None:
        self.program = program
        self.tables = tables
        self._inert: set[KnownFunction] = set()
        self._ends: set[KnownFunction] = set()
        self._gives_back: dict[KnownFunction, frozenset[str]] = {}
        self._settled: set[KnownFunction] = set()

    def is_inert(self, known: KnownFunction) -> bool:
        """Whether following the function can change nothing that is asked about."""
        self._reach(known)
        return known in self._inert

    def reads_shared(self, known: KnownFunction) -> bool:
        """Whether the function looks at variables of its file: which locks its callers hold then is worth knowing."""
        return _reads_shared(known)

    def never_returns(self, known: KnownFunction) -> bool:
        """Whether no path through the function comes back."""
        self._reach(known)
        return known in self._ends

    def gives_back(self, known: KnownFunction) -> frozenset[str]:
        """The last words of locks that the function, or one it calls, gives back though neither has taken them."""
        self._reach(known)
        return self._gives_back.get(known, frozenset())

    def _reach(self, known: KnownFunction) -> None:
        """Settle a function and all that it leads to, where nobody has asked before."""
        if known in self._settled:
            return
        called: dict[KnownFunction, tuple[KnownFunction, ...]] = {}
        work = [known]
        while work:
            one = work.pop()
            if one not in called:
                called[one] = tuple(found for found in self._callees(one) if found not in self._settled)
                work.extend(called[one])
        for component in components(called):
            self._settle(component)
            self._settled.update(component)

    def _callees(self, known: KnownFunction) -> Iterator[KnownFunction]:
        for call in calls_in(known.function.body):
            found = self._found(call, known)
            if found is not None:
                yield found

    def _found(self, call: ir.Call, known: KnownFunction) -> KnownFunction | None:
        if call.name in known.locals:  # a pointer, whatever function has its name
            return None
        owner = known.function.owner
        own = self.program.method(owner, last_word(call.name), known.unit) if owner else None
        return own or self.program.find(call.name, known.unit)

    def _settle(self, component: tuple[KnownFunction, ...]) -> None:
        self._inert.update(component)
        changed = True
        while changed:
            changed = False
            for known in component:
                if known in self._inert and not self._touches_nothing(known):
                    self._inert.discard(known)
                    changed = True
                if known not in self._ends and self._comes_back_never(known):
                    self._ends.add(known)
                    changed = True
                if (given := self._given_back(known)) != self._gives_back.get(known, frozenset()):
                    self._gives_back[known] = given
                    changed = True

    def _given_back(self, known: KnownFunction) -> frozenset[str]:
        taken: set[str] = set()
        given: set[str] = set()
        for call in calls_in(known.function.body):
            api = self.tables.get(call.name)
            if api is not None and api.role in _TAKES | {ApiRole.UNLOCK}:
                target = call.receiver if api.subject < 0 else call.arguments[0] if call.arguments else None
                (given if api.role is ApiRole.UNLOCK else taken).add(_named(target))
            elif api is None and (found := self._found(call, known)) is not None:
                given |= self._gives_back.get(found, frozenset())
        return frozenset(given - taken - {""})

    def _touches_nothing(self, known: KnownFunction) -> bool:
        mine = local_names(known)
        if known.unit.language is ir.Language.PYTHON or "constructor" in known.function.marks:
            return False
        looked_at = {p.name for p in known.function.parameters if "*" in p.type or "&" in p.type}
        looked_at |= _walking(known.function.body, looked_at)
        if any(_looks_at(s, looked_at) for s in every_statement(known.function.body)):
            return False
        for expression in every_expression(known.function.body):
            match expression:
                case ir.Member(base=base) | ir.Item(base=base) | ir.Operation(operator="deref", operands=(base,)) if (
                    _is_one_of(base, looked_at)
                ):
                    return False
                case ir.Call() if not self._is_harmless(expression, known):
                    return False
                case ir.AssignmentExpression(target=target) if not _is_own(target, mine):
                    return False
                case ir.Closure():
                    return False
        return all(
            _is_own(s.target, mine)
            for s in every_statement(known.function.body)
            if isinstance(s, ir.Assign) and not s.static
        )

    def _is_harmless(self, call: ir.Call, known: KnownFunction) -> bool:
        api = self.tables.get(call.name)
        if api is not None:
            return api.role in _HARMLESS
        found = self._found(call, known)
        return found is not None and found in self._inert

    def _comes_back_never(self, known: KnownFunction) -> bool:
        if "noreturn" in known.function.marks:
            return True
        return not reaches_end(
            known.graph, lambda call: (f := self._found(call, known)) is not None and f in self._ends
        )


def _walking(body: ir.Block, names: set[str]) -> set[str]:
    """The locals that begin where a parameter points: ``for (p = name; *p; p++)``."""
    given = ((uncast(s.target), uncast(s.value)) for s in every_statement(body) if isinstance(s, ir.Assign))
    return {
        target.name
        for target, value in given
        if isinstance(target, ir.Name) and isinstance(value, ir.Name) and value.name in names
    }


def _named(target: ir.Expression | None) -> str:
    """The last word of a lock: ``m`` of ``&table->m``."""
    bare = uncast(target)
    if isinstance(bare, ir.Operation) and bare.operator == "address":
        bare = uncast(bare.operands[0])
    return bare.name if isinstance(bare, ir.Name | ir.Member) else ""


@kept
def _reads_shared(known: KnownFunction) -> bool:
    """Whether a function names a variable of its file that is no constant."""
    if known.unit.language is ir.Language.PYTHON:
        return False
    shared = {v.name for v in known.unit.variables if not v.type.startswith(("const ", "constexpr"))}
    return any(isinstance(e, ir.Name) and e.name in shared for e in every_expression(known.function.body))


_ASKS: Final = frozenset({"!", "&&", "||", "==", "!=", "?:"})


def _is_one_of(expression: ir.Expression, names: set[str]) -> bool:
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "post":  # *p++
        bare = uncast(bare.operands[0])
    return isinstance(bare, ir.Name) and bare.name in names


def _looks_at(statement: ir.Statement, names: set[str]) -> bool:
    """Whether a statement tests one of the names, or gives it back."""
    whole = statement.value if isinstance(statement, ir.Return) else None
    whole = statement.condition if isinstance(statement, ir.If | ir.Loop) else whole
    if whole is not None and _is_one_of(whole, names):
        return True
    asked = (e for e in parts_of(statement) if isinstance(e, ir.Operation))
    return any(e.operator in _ASKS and any(_is_one_of(o, names) for o in e.operands) for e in asked)


def _is_own(target: ir.Expression, mine: frozenset[str]) -> bool:
    """Whether a store stays inside the function: in one of its variables, or a member of one that is not a pointer."""
    bare = uncast(target)
    while isinstance(bare, ir.Member) and not bare.through:
        bare = uncast(bare.base)
    return isinstance(bare, ir.Name) and bare.name in mine


def components(called: dict[KnownFunction, tuple[KnownFunction, ...]]) -> Iterable[tuple[KnownFunction, ...]]:
    """The strongly connected components of a call graph, callees before their callers (Tarjan, without recursion)."""
    index: dict[KnownFunction, int] = {}
    low: dict[KnownFunction, int] = {}
    on_stack: set[KnownFunction] = set()
    stack: list[KnownFunction] = []
    found: list[tuple[KnownFunction, ...]] = []
    for start in [*called]:
        if start in index:
            continue
        work: list[tuple[KnownFunction, Iterator[KnownFunction]]] = [(start, iter(called[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is not None:
                if following not in index:
                    index[following] = low[following] = len(index)
                    stack.append(following)
                    on_stack.add(following)
                    work.append((following, iter(called.get(following, ()))))
                elif following in on_stack:
                    low[node] = min(low[node], index[following])
                continue
            work.pop()
            if work:
                above = work[-1][0]
                low[above] = min(low[above], low[node])
            if low[node] == index[node]:
                cut = stack.index(node)
                found.append(tuple(stack[cut:]))
                on_stack.difference_update(stack[cut:])
                del stack[cut:]
    return found
