"""Which variables of a function may still be read, at each place where paths meet.

A backward analysis over the graph (Kildall 1973): a variable is live before a node when the node reads it, or when it
is live after and the node does not set it. Two states that differ only in dead variables are one state to every later
question, so this is what keeps an option loop with forty arms from having forty states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import names_in
from loadstone.review.control_flow import Graph, Kind, Node
from loadstone.review.typenames import is_reference
from loadstone.review.walk import expressions

__all__ = ["live_at_joins"]

_EVERY: Final = 32
"""In a long stretch without branches, states are cleared of dead variables at every so many nodes."""


def live_at_joins(graph: Graph) -> dict[int, frozenset[str]]:
    """For each node with more than one way in, the names that may be read from there on."""
    nodes = graph.nodes
    ways = [tuple(_ways_out(node)) for node in nodes]
    before: list[list[int]] = [[] for _ in nodes]
    for index, following in enumerate(ways):
        for other in following:
            before[other].append(index)
    joins = [index for index, found in enumerate(before) if len(found) > 1 or index % _EVERY == _EVERY - 1]
    if not joins:
        return {}
    bits = _Bits()
    reads = [bits.of(_reads(node)) for node in nodes]
    kept = [~bits.of(_sets(node)) for node in nodes]
    held = bits.of(_held(graph))
    live = [0] * len(nodes)
    work = list(range(len(nodes)))
    waiting = set(work)
    while work:
        index = work.pop()
        waiting.discard(index)
        after = 0
        for one in ways[index]:
            after |= live[one]
        found = reads[index] | (after & kept[index])
        if found != live[index]:
            live[index] = found
            more = [n for n in before[index] if n not in waiting]
            work.extend(more)
            waiting.update(more)
    return {index: bits.names(live[index] | held) for index in joins}


class _Bits:
    """Sets of names as numbers, a bit for each name: a file's top level has thousands of both, and of sets."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}
        self._names: dict[int, frozenset[str]] = {}

    def of(self, names: Iterable[str]) -> int:
        """The number of a set."""
        found = 0
        for name in names:
            found |= self._bits.setdefault(name, 1 << len(self._bits))
        return found

    def names(self, number: int) -> frozenset[str]:
        """The set of a number."""
        if number not in self._names:
            self._names[number] = frozenset(name for name, bit in self._bits.items() if bit & number)
        return self._names[number]


def _ways_out(node: Node) -> Iterator[int]:
    yield from (n for n in node.next if n >= 0)
    if node.unwind >= 0:
        yield node.unwind


def _reads(node: Node) -> Iterator[str]:
    if node.expression is not None:
        yield from _names(node.expression)
    target = node.target
    if target is not None and not (isinstance(target, ir.Name) and not _adds(node)):
        yield from _names(target)
    if node.leave is not None:
        yield node.leave.name
        if node.leave.context is not None:
            yield from _names(node.leave.context)
    for leave in node.guarded:
        yield leave.name
    if node.kind is Kind.LOOP_DONE and isinstance(node.statement, ir.Loop):
        yield from names_in(node.statement.body)


def _adds(node: Node) -> bool:
    return isinstance(node.statement, ir.Assign) and bool(node.statement.operator)


def _sets(node: Node) -> frozenset[str]:
    plain = isinstance(node.statement, ir.Assign) and isinstance(node.target, ir.Name) and not _adds(node)
    return frozenset({node.target.name}) if plain and isinstance(node.target, ir.Name) else frozenset()


def _names(expression: ir.Expression) -> Iterator[str]:
    for inner in expressions(expression):
        if isinstance(inner, ir.Name):
            yield inner.name
        elif isinstance(inner, ir.Closure):
            yield from names_in(inner.function.body)


def _held(graph: Graph) -> Iterator[str]:
    """Variables that something else may read: their address was taken, a reference or a closure keeps them."""
    for node in graph.nodes:
        if isinstance(node.statement, ir.Assign) and is_reference(node.statement.type) and node.expression is not None:
            yield from _names(node.expression)
        for top in (node.expression, node.target):
            for inner in expressions(top):
                if isinstance(inner, ir.Operation) and inner.operator == "address":
                    yield from _names(inner.operands[0])
                elif isinstance(inner, ir.Closure):
                    yield from names_in(inner.function.body)
