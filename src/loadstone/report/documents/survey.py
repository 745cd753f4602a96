"""A survey as JSON: schema ``loadstone.survey/1``."""

from __future__ import annotations

import msgspec

from loadstone.linker.survey import Survey
from loadstone.report.documents.explanation import DiagnosisDocument, explanation_document
from loadstone.report.json import Document

__all__ = ["SurveyDocument", "survey_document"]


class SurveyedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One library of the survey: its verdict and what stands against it."""

    target: str
    verdict: str
    diagnoses: list[DiagnosisDocument]


class DuplicateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A SONAME that several files of the place carry."""

    soname: str
    paths: list[str]


class SurveyDocument(Document, frozen=True, kw_only=True):
    """Every library of a folder or wheel, worst first."""

    place: str
    verdict: str
    libraries: list[SurveyedDocument]
    duplicates: list[DuplicateDocument]


def survey_document(survey: Survey) -> SurveyDocument:
    """The whole survey; graphs are left out, ``explain`` on one library shows its own."""
    libraries = []
    for explanation in survey.explanations:
        whole = explanation_document(explanation)
        libraries.append(SurveyedDocument(target=whole.target, verdict=whole.verdict, diagnoses=whole.diagnoses))
    return SurveyDocument(
        schema="loadstone.survey/1",
        place=survey.place,
        verdict=survey.verdict.value,
        libraries=libraries,
        duplicates=[DuplicateDocument(soname=s, paths=list(p)) for s, p in survey.duplicates],
    )
