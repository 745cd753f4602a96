"""An explanation as JSON: schema ``loadstone.explanation/1``."""

from __future__ import annotations

import msgspec

from loadstone.core.trace import (
    Binding,
    DependencyEdge,
    DependencyGraph,
    DependencyNode,
    Diagnosis,
    Explanation,
    SearchStep,
    Trace,
)
from loadstone.linker.answers import Answers
from loadstone.report.documents.answers import AnswersDocument, answers_document
from loadstone.report.documents.claims import LocationDocument, location_document
from loadstone.report.json import Document

__all__ = [
    "ExplanationDocument",
    "GraphDocument",
    "SearchStepDocument",
    "TraceDocument",
    "explanation_document",
    "graph_document",
    "step_document",
    "trace_document",
]


class SearchStepDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate of a search, or a rule that was not consulted (then ``candidate`` is empty)."""

    rule: str
    candidate: str
    outcome: str
    reason: str
    source: str
    element: str
    errno: int | None


class TraceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The search for one name."""

    name: str
    path: str | None
    how: str
    steps: list[SearchStepDocument]


class NodeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A library of the graph, in load order."""

    path: str
    soname: str | None
    depth: int


class EdgeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One dependency: ``chosen`` is null when it was not found."""

    requester: str
    name: str
    kind: str
    chosen: str | None
    how: str
    note: str
    steps: list[SearchStepDocument]


class GraphDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Libraries in load order, dependencies in the order they are asked for."""

    nodes: list[NodeDocument]
    edges: list[EdgeDocument]


class DiagnosisDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One reason the load fails, or is at risk."""

    code: str
    blocking: bool
    subject: str
    explanation: str
    chain: list[str]
    evidence: list[LocationDocument]
    steps: list[SearchStepDocument]
    loader_message: str
    advice: str
    severity: str
    cwe: int | None
    confidence: str


class BindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted symbol and the library whose definition it is bound to; null when there is none.

    ``shadowed`` are the libraries whose definitions would have served as well, and come later.
    """

    consumer: str
    symbol: str
    version: str | None
    provider: str | None
    weak: bool
    lazy: bool
    shadowed: list[str]


class ExplanationDocument(Document, frozen=True, kw_only=True):
    """Whether a target loads, why not, and how every dependency was found."""

    target: str
    verdict: str
    loader: str
    diagnoses: list[DiagnosisDocument]
    search: TraceDocument | None
    graph: GraphDocument
    bindings: list[BindingDocument]
    assumptions: list[str]
    answers: AnswersDocument


def step_document(step: SearchStep) -> SearchStepDocument:
    """One step with every key present."""
    return SearchStepDocument(
        rule=step.rule,
        candidate=step.candidate,
        outcome=step.outcome.value,
        reason=step.reason,
        source=step.source,
        element=step.element,
        errno=step.errno,
    )


def trace_document(trace: Trace) -> TraceDocument:
    """A search with all its steps."""
    return TraceDocument(
        name=trace.name, path=trace.path, how=trace.how, steps=[step_document(step) for step in trace.steps]
    )


def _node(node: DependencyNode) -> NodeDocument:
    return NodeDocument(path=node.path, soname=node.identity, depth=node.depth)


def _edge(edge: DependencyEdge) -> EdgeDocument:
    return EdgeDocument(
        requester=edge.requester,
        name=edge.name,
        kind=edge.kind.value,
        chosen=edge.chosen,
        how=edge.how,
        note=edge.note,
        steps=[step_document(step) for step in edge.steps],
    )


def graph_document(graph: DependencyGraph) -> GraphDocument:
    """The graph with the search behind each edge."""
    return GraphDocument(nodes=[_node(n) for n in graph.nodes], edges=[_edge(e) for e in graph.edges])


def diagnosis_document(diagnosis: Diagnosis) -> DiagnosisDocument:
    """One diagnosis as a document."""
    return DiagnosisDocument(
        code=diagnosis.code,
        blocking=diagnosis.blocking,
        subject=diagnosis.subject,
        explanation=diagnosis.explanation,
        chain=list(diagnosis.chain),
        evidence=[location_document(place) for place in diagnosis.evidence],
        steps=[step_document(step) for step in diagnosis.steps],
        loader_message=diagnosis.loader_message,
        advice=diagnosis.advice,
        severity=diagnosis.severity.value,
        cwe=diagnosis.cwe,
        confidence=diagnosis.confidence.value,
    )


def _binding(binding: Binding) -> BindingDocument:
    return BindingDocument(
        consumer=binding.consumer,
        symbol=binding.symbol,
        version=binding.version,
        provider=binding.provider,
        weak=binding.weak,
        lazy=binding.lazy,
        shadowed=list(binding.shadowed),
    )


def explanation_document(explanation: Explanation, answers: Answers | None = None) -> ExplanationDocument:
    """The whole explanation, the first blocking diagnosis first, and the answers to what else was asked."""
    return ExplanationDocument(
        schema="loadstone.explanation/1",
        target=explanation.target,
        verdict=explanation.verdict.value,
        loader=explanation.loader,
        diagnoses=[diagnosis_document(d) for d in explanation.diagnoses],
        search=trace_document(explanation.search) if explanation.search else None,
        graph=graph_document(explanation.graph),
        bindings=[_binding(b) for b in explanation.bindings],
        assumptions=list(explanation.assumptions),
        answers=answers_document(answers or Answers()),
    )
