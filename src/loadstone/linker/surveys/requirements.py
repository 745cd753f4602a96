"""Which distribution that a wheel requires brings a library that the wheel itself lacks.

Source: the core metadata specification (Requires-Dist), PEP 508 for the form of a requirement.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.linker.diagnoses.vendors import brought_by
from loadstone.linker.request import LoaderModel

__all__ = ["bringing", "requirements_of"]

_REQUIRED: Final = re.compile(rb"^Requires-Dist:[ \t]*([A-Za-z0-9][\w.-]*)([^\r\n]*)", re.MULTILINE)
_MAX_REQUIRED: Final = 1_000
_LEAST_WORD: Final = 3
_ENDS_HEADERS: Final = re.compile(rb"\r?\n\r?\n")


def requirements_of(metadata: bytes) -> tuple[str, ...]:
    r"""The distributions that a METADATA file requires, those of its extras left out.

    >>> requirements_of(b"Name: a\nRequires-Dist: numpy (>=1)\nRequires-Dist: pytest ; extra == 'test'\n")
    ('numpy',)
    """
    headers = _ENDS_HEADERS.split(metadata, maxsplit=1)[0]
    found = (row for _, row in zip(range(_MAX_REQUIRED), _REQUIRED.finditer(headers), strict=False))
    return tuple(row[1].decode() for row in found if b"extra" not in row[2].partition(b";")[2])


def bringing(required: tuple[str, ...], library: str, model: LoaderModel) -> str:
    """The required distribution that brings a library: by the vendor's name for it, or by a word both names begin with.

    Empty where none seems to.
    """
    said = brought_by(model, library, "").replace("'", " ").replace("==", " ").split()
    stem = library.casefold().partition(".")[0].removeprefix("lib")
    by_vendor = next((name for name in required if name in said), "")
    return by_vendor or next((name for name in required if any(map(stem.startswith, _words(name)))), "")


def _words(name: str) -> tuple[str, ...]:
    """The words of a distribution's name, also without ``py`` before them: ``PyQt6-Qt6`` has ``qt6``."""
    words = [word for part in re.split(r"[-_.]", name.casefold()) for word in (part, part.removeprefix("py"))]
    return tuple(word for word in words if len(word) >= _LEAST_WORD and word not in ("lib", "python"))
