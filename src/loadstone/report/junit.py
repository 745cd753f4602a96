"""A review as JUnit XML, for what shows test results: a case for each finding that is news, one for each clean file.

A waived finding, or one that the baseline has, is a skipped case, so that the number of cases does not hide it.
Source: the JUnit XML dialect that Jenkins, GitLab, Azure Pipelines and CircleCI read (testsuites, testsuite, testcase).
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loadstone.core.claims import Finding
from loadstone.core.review import Result, Review
from loadstone.escape import printable

__all__ = ["render"]


def render(review: Review) -> str:
    """The whole document. Text from outside is escaped; equal input gives equal output."""
    cases = [*_found(review), *_clean(review), *_gaps(review)]
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
    }
    root = Element("testsuites", {"name": "loadstone review", **totals})
    SubElement(root, "testsuite", {"name": "loadstone review", **totals}).extend(cases)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _case(path: str, name: str) -> Element:
    return Element("testcase", {"classname": printable(path), "name": printable(name), "file": printable(path)})


def _found(review: Review) -> Iterator[Element]:
    for result in review.results:
        if isinstance(result.claim, Finding):
            yield _of(result, result.claim)


def _of(result: Result, claim: Finding) -> Element:
    case = _case(claim.location.path, f"{claim.rule} ({claim.location.unit.value[:-1]} {claim.location.start})")
    message = printable(claim.message)
    if result.is_news:
        weakness = f"CWE-{claim.cwe} " if claim.cwe else ""
        failure = SubElement(case, "failure", {"type": claim.severity.value, "message": message})
        failure.text = f"{printable(str(claim.location))}: {weakness}{message}\nfix: {printable(claim.fix)}"
    else:
        why = result.waiver.reason if result.waiver else f"{result.state} since the baseline"
        SubElement(case, "skipped", {"message": printable(f"{claim.message} ({why})")})
    return case


def _clean(review: Review) -> Iterator[Element]:
    found = {result.claim.location.path for result in review.results if isinstance(result.claim, Finding)}
    yield from (_case(file.path, "no findings") for file in review.files if file.path not in found)


def _gaps(review: Review) -> Iterator[Element]:
    for limit in review.limits:
        if limit.gap:
            case = _case(limit.location.path, "reviewed whole")
            SubElement(case, "error", {"type": limit.kind.value, "message": printable(limit.message)})
            yield case
