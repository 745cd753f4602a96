"""cppcheck: general C and C++ checks. Output by a template of our own, one finding a line. Source: cppcheck manual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Confidence, Severity
from loadstone.review.engines.tool import Engine, Foreign
from loadstone.review.ir import Language

__all__ = ["CPPCHECK"]

_SEVERITY: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "portability": Severity.LOW}
_TEMPLATE: Final = r"{file}\t{line}\t{severity}\t{cwe}\t{id}\t{message}"
_ABOUT_ITSELF: Final = frozenset(
    {"missingInclude", "missingIncludeSystem", "syntaxError", "preprocessorErrorDirective"}
)


def _read(said: str) -> Iterator[Foreign]:
    for line in said.splitlines():
        fields = line.split("\t", 5)
        if len(fields) != 6 or fields[2] not in _SEVERITY or fields[4] in _ABOUT_ITSELF:
            continue
        path, number, severity, cwe, identifier, message = fields
        yield Foreign(
            path=path,
            line=int(number or 0),
            id=identifier,
            message=message,
            severity=_SEVERITY[severity],
            cwe=int(cwe) if cwe.isdigit() and int(cwe) else None,
            confidence=Confidence.LIKELY,
        )


CPPCHECK: Final = Engine(
    name="cppcheck",
    program="cppcheck",
    languages=frozenset({Language.C, Language.CPP}),
    arguments=("--quiet", "--enable=warning,portability", "--library=posix", f"--template={_TEMPLATE}"),
    read=_read,
    reports_on_stderr=True,
)
