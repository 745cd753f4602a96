"""clang-tidy: checks that need a compiler's view; files it cannot compile say little. Source: clang-tidy manual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Confidence, Severity
from loadstone.review.engines.tool import Engine, Foreign
from loadstone.review.ir import Language

__all__ = ["CLANG_TIDY"]

_LINE: Final = re.compile(r"^(?P<path>.+?):(?P<line>\d+):\d+: warning: (?P<message>.*) \[(?P<id>[\w.,-]+)\]$")

_CWE: Final = {
    "bugprone-unused-return-value": 252,
    "bugprone-use-after-move": 416,
    "cert-err33-c": 252,
    "cert-fio38-c": 404,
    "cert-msc50-cpp": 338,
    "cert-env33-c": 78,
    "clang-analyzer-core.NullDereference": 476,
    "clang-analyzer-core.CallAndMessage": 476,
    "clang-analyzer-cplusplus.NewDelete": 416,
    "clang-analyzer-cplusplus.NewDeleteLeaks": 401,
    "clang-analyzer-security.insecureAPI.strcpy": 676,
    "clang-analyzer-security.insecureAPI.gets": 242,
    "clang-analyzer-security.insecureAPI.mktemp": 377,
    "clang-analyzer-security.insecureAPI.UncheckedReturn": 252,
    "clang-analyzer-unix.Malloc": 416,
    "clang-analyzer-unix.Stream": 404,
}
"""The weakness a check is about, where it is one."""


def _read(said: str) -> Iterator[Foreign]:
    for line in said.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        identifier = match["id"].split(",")[0]
        cwe = _CWE.get(identifier)
        yield Foreign(
            path=match["path"],
            line=int(match["line"]),
            id=identifier,
            message=match["message"],
            severity=Severity.MEDIUM if cwe else Severity.LOW,
            cwe=cwe,
            confidence=Confidence.LIKELY if cwe else Confidence.POSSIBLE,
        )


CLANG_TIDY: Final = Engine(
    name="clang-tidy",
    program="clang-tidy",
    languages=frozenset({Language.C, Language.CPP}),
    arguments=("--quiet", "--config={}", "--checks=-*,clang-analyzer-*,bugprone-unused-return-value,cert-env33-c"),
    read=_read,
    trailing=("--",),
)
