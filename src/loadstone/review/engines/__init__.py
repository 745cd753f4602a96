"""Other tools, asked on request and if they are there: what they find is merged with what the rules found.

The only place of the review that starts programs, and only those named: an argument list without a shell, an
environment of its own, a time limit, the project's own configuration switched off. They read the source; nothing of it
is run. A tool that is missing, slow or broken is a limit in the report, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from loadstone.core.claims import Location
from loadstone.core.review import Limit, LimitKind, Result
from loadstone.errors import Unsupported
from loadstone.review.engines.bandit import BANDIT
from loadstone.review.engines.clang_tidy import CLANG_TIDY
from loadstone.review.engines.cppcheck import CPPCHECK
from loadstone.review.engines.flawfinder import FLAWFINDER
from loadstone.review.engines.merge import merge
from loadstone.review.engines.tool import Engine, Foreign, Unheard, run

__all__ = ["ENGINES", "Engine", "Foreign", "ask_engines"]

ENGINES: Final[dict[str, Engine]] = {engine.name: engine for engine in (CPPCHECK, FLAWFINDER, BANDIT, CLANG_TIDY)}
"""Every tool that can be asked."""


def ask_engines(
    names: Iterable[str], paths: Sequence[str], results: Sequence[Result]
) -> tuple[tuple[Result, ...], tuple[Limit, ...]]:
    """The results with those of the named tools merged in, and a limit for each tool that could not be heard.

    Raises:
        Unsupported: there is no such tool in the table.
    """
    limits: list[Limit] = []
    merged = tuple(results)
    for name in dict.fromkeys(names):
        engine = ENGINES.get(name)
        if engine is None:
            known = ", ".join(sorted(ENGINES))
            raise Unsupported(feature=f"--with {name}", reason="there is no adapter for it", advice=f"use: {known}")
        try:
            merged = merge(merged, name, run(engine, paths))
        except Unheard as silence:
            limits.append(Limit(LimitKind.ENGINE, Location(name), str(silence)))
    return merged, tuple(limits)
