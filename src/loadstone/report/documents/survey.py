"""A survey as JSON: schema ``loadstone.survey/1``."""

from __future__ import annotations

import msgspec

from loadstone.linker.surveys import Survey, SurveyRow
from loadstone.report.documents.explanation import DiagnosisDocument, diagnosis_document
from loadstone.report.json import Document

__all__ = ["SurveyDocument", "survey_document"]


class SurveyedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One library of the survey: its verdict and what stands against it."""

    target: str
    place: str
    format: str
    machine: str
    loader: str
    verdict: str
    diagnoses: list[DiagnosisDocument]
    assumptions: list[str]


class DuplicateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A SONAME that several files of the places carry."""

    soname: str
    paths: list[str]


class SurveyDocument(Document, frozen=True, kw_only=True):
    """Every library of folders and archives, worst first."""

    place: str
    places: list[str]
    verdict: str
    libraries: list[SurveyedDocument]
    duplicates: list[DuplicateDocument]


def survey_document(survey: Survey) -> SurveyDocument:
    """The whole survey; graphs are left out, ``explain`` on one library shows its own."""
    return SurveyDocument(
        schema="loadstone.survey/1",
        place=", ".join(survey.places),
        places=list(survey.places),
        verdict=survey.verdict.value,
        libraries=[_library(row) for row in survey.rows],
        duplicates=[DuplicateDocument(soname=s, paths=list(p)) for s, p in survey.duplicates],
    )


def _library(row: SurveyRow) -> SurveyedDocument:
    return SurveyedDocument(
        target=row.path,
        place=row.place,
        format=row.format,
        machine=row.machine,
        loader=row.loader,
        verdict=row.verdict.value,
        diagnoses=[diagnosis_document(d) for d in row.diagnoses],
        assumptions=list(row.assumptions),
    )
