"""The control flow of a function with what the tables say of the calls in it: which never return, which assert."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.apis import ApiRole, Success, Tables
from loadstone.review.cfg import Assertion, build
from loadstone.review.control_flow import Graph

__all__ = ["graph_of"]


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
