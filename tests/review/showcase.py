"""Qt's library classes, the subject of the review that Loadstone began with, reviewed for ``docs/review/qlibrary.md``.

``python -m tests.review.showcase`` writes the report into that page, below the part that is judged by hand.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from tests.sources import tree

from loadstone.core.review import Review
from loadstone.report.markdown import render
from loadstone.review.catalogue import catalogue
from loadstone.review.engine import review

__all__ = ["PAGE", "above_report", "reviewed", "written"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "review" / "qlibrary.md"
FILES: Final = (
    "qlibrary.cpp",
    "qlibrary_unix.cpp",
    "qlibrary_win.cpp",
    "qlibrary_p.h",
    "qlibrary.h",
    "qpluginloader.cpp",
    "qfactoryloader.cpp",
    "qfactoryloader_p.h",
)
_MARK: Final = "<!-- The rest is written by: python -m tests.review.showcase -->\n"


def reviewed() -> Review:
    """The review of the files, named as their authors name them."""
    with contextlib.chdir(tree("qt") / "src" / "corelib" / "plugin"):
        return review(FILES)


def above_report() -> str:
    """The part of the page that is judged by hand."""
    return PAGE.read_text(encoding="utf-8").partition(_MARK)[0]


def written(result: Review) -> str:
    """The whole page; the report's headings are one level down."""
    lines = render(result, catalogue()).splitlines(keepends=True)
    report = "".join(f"#{line}" if line.startswith("#") else line for line in lines)
    return f"{above_report()}{_MARK}\n{report}"


if __name__ == "__main__":
    PAGE.write_text(written(reviewed()), encoding="utf-8")
