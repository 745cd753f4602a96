"""An answer of a simulator is whole: each value fits its annotation, and the parts say the same."""

from __future__ import annotations

import re

from loadstone.core.image import DependencyKind
from loadstone.core.plain_values import from_plain, to_plain
from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict, SearchStep, StepOutcome, Trace

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_answer(name: str, answer: Explanation) -> None:
    """Fail where an answer to ``name`` contradicts its types or itself."""
    assert answer.target == name
    places = {node.path for node in answer.graph.nodes}
    for node in answer.graph.nodes:
        assert (type(node.path), type(node.depth)) == (str, int)
        assert node.identity is None or type(node.identity) is str
    for diagnosis in answer.diagnoses:
        _check_diagnosis(diagnosis)
    for edge in answer.graph.edges:
        assert {type(text) for text in (edge.requester, edge.name, edge.how, edge.note)} == {str}, edge
        assert isinstance(edge.kind, DependencyKind), edge
        assert edge.requester in places, edge
        assert edge.chosen in places or edge.chosen is None or edge.kind is DependencyKind.DLOPEN, edge
        _check_steps(edge.steps)
    if answer.search is not None:
        _check_search(name, answer.search)
    for binding in answer.bindings[:100]:
        _fits(binding)
        assert binding.consumer in places
    blocking = any(diagnosis.blocking for diagnosis in answer.diagnoses)
    assert blocking is (answer.verdict is LoadVerdict.FAILS) or answer.verdict is LoadVerdict.UNKNOWN, answer.verdict


def _fits(value: object) -> None:
    assert from_plain(type(value), to_plain(value)) == value


def _check_diagnosis(diagnosis: Diagnosis) -> None:
    _fits(diagnosis)
    assert _CODE.fullmatch(diagnosis.code), diagnosis.code
    assert diagnosis.explanation
    _check_steps(diagnosis.steps)


def _check_search(name: str, search: Trace) -> None:
    _fits(search)
    assert search.name == name
    _check_steps(search.steps)
    if search.found:
        assert search.how == [step.rule for step in search.steps if step.outcome is StepOutcome.TAKEN][-1]


def _check_steps(steps: tuple[SearchStep, ...]) -> None:
    for step in steps:
        _fits(step)
        assert _CODE.fullmatch(step.rule.replace("_", "-")), step
        assert step.candidate or step.outcome is StepOutcome.NOT_CONSULTED, step
        assert step.outcome in (StepOutcome.TAKEN, StepOutcome.ABSENT) or step.reason, step
