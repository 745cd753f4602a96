"""An examination as JSON: schema ``loadstone.examination/1``."""

from __future__ import annotations

from loadstone.core.examination import Examination
from loadstone.report.documents.claims import ClaimDocument, claim_document
from loadstone.report.documents.explanation import (
    ExplanationDocument,
    TraceDocument,
    explanation_document,
    trace_document,
)
from loadstone.report.documents.image import ImageDocument, image_document
from loadstone.report.documents.probe import ProbeDocument, probe_document
from loadstone.report.json import Document

__all__ = ["ExaminationDocument", "examination_document"]


class ExaminationDocument(Document, frozen=True, kw_only=True):
    """Everything about one target. ``reasons`` are those of ``claims`` that made the verdict, worst first.

    ``disagreement`` says how a probe contradicted the explanation, which is a bug in Loadstone; else it is empty.
    """

    target: str
    verdict: str
    reasons: list[ClaimDocument]
    location: TraceDocument
    image: ImageDocument | None
    explanation: ExplanationDocument | None
    claims: list[ClaimDocument]
    probe: ProbeDocument | None
    disagreement: str


def examination_document(result: Examination) -> ExaminationDocument:
    """The examination with every part in its own schema."""
    return ExaminationDocument(
        schema="loadstone.examination/1",
        target=result.target,
        verdict=result.verdict.value,
        reasons=[claim_document(claim) for claim in result.reasons],
        location=trace_document(result.location),
        image=image_document(result.image) if result.image else None,
        explanation=explanation_document(result.explanation) if result.explanation else None,
        claims=[claim_document(claim) for claim in result.claims],
        probe=probe_document(result.probe) if result.probe else None,
        disagreement=result.disagreement,
    )
