"""What a process has loaded, as JSON: schema ``loadstone.loaded/1``."""

from __future__ import annotations

import msgspec

from loadstone.linker.processes import LoadedReport
from loadstone.report.json import Document

__all__ = ["LoadedDocument", "loaded_document"]


class LoadedFileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One library: where it lies and begins, by which rule and for whom it came, what is to mind about it."""

    path: str
    address: int
    rule: str
    asked_by: str
    identity: str | None
    build_id: str | None
    states: list[str]


class LoadedDocument(Document, frozen=True, kw_only=True):
    """A process, or the core dump of one (``process`` is 0), and its libraries."""

    process: int
    program: str
    has_executable_stack: bool
    files: list[LoadedFileDocument]
    assumptions: list[str]


def loaded_document(report: LoadedReport) -> LoadedDocument:
    """The whole report."""
    return LoadedDocument(
        schema="loadstone.loaded/1",
        process=report.process,
        program=report.program,
        has_executable_stack=report.has_executable_stack,
        files=[
            LoadedFileDocument(
                path=file.path,
                address=file.address,
                rule=file.rule,
                asked_by=file.asked_by,
                identity=file.identity,
                build_id=file.build_id,
                states=[state.value for state in file.states],
            )
            for file in report.files
        ],
        assumptions=list(report.assumptions),
    )
