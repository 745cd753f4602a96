"""The control flow of a function with what the tables say of the calls in it: which never return, which assert."""

from __future__ import annotations

from collections.abc import Callable

from loadstone.review import ir
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Success, Tables
from loadstone.review.cfg import Assertion, build
from loadstone.review.control_flow import Graph, Kind

__all__ = ["graph_of", "reaches_end"]


def graph_of(function: ir.Function, tables: Tables) -> Graph:
    """The graph of a function."""

    def asserts(call: ir.Call) -> Assertion | None:
        api = tables.get(call.name)
        if api is None or api.role is not ApiRole.ASSERTION:
            return None
        return Assertion(api.subject, holds=api.success is not Success.ZERO)

    def ends(call: ir.Call) -> bool:
        api = tables.get(call.name)
        return api is not None and api.ends

    return build(function, ends, asserts)


def reaches_end(graph: Graph, ends: Callable[[ir.Call], bool]) -> bool:
    """Whether a way through a function comes back, where these calls do not."""
    seen, work = set[int](), [0]
    while work:
        index = work.pop()
        if index in seen or index < 0:
            continue
        seen.add(index)
        node = graph.nodes[index]
        if node.kind is Kind.END and not isinstance(node.statement, ir.Raise):
            return True
        called = uncast(node.expression)
        if node.kind is Kind.EVALUATE and isinstance(called, ir.Call) and ends(called):
            work.append(node.unwind)
            continue
        work.extend(node.next)
        work.append(node.unwind)
    return graph.is_cut
