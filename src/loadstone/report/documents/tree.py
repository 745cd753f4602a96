"""A dependency tree as JSON: schema ``loadstone.tree/1``."""

from __future__ import annotations

from loadstone.core.trace import Explanation
from loadstone.report.documents.explanation import GraphDocument, graph_document
from loadstone.report.json import Document

__all__ = ["TreeDocument", "tree_document"]


class TreeDocument(Document, frozen=True, kw_only=True):
    """The dependency graph alone, and whether the target loads."""

    target: str
    verdict: str
    graph: GraphDocument
    assumptions: list[str]


def tree_document(explanation: Explanation) -> TreeDocument:
    """The dependency graph of an explanation."""
    return TreeDocument(
        schema="loadstone.tree/1",
        target=explanation.target,
        verdict=explanation.verdict.value,
        graph=graph_document(explanation.graph),
        assumptions=list(explanation.assumptions),
    )
