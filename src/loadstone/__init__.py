"""Find, read, explain, review, load, probe and fuzz dynamic libraries.

Everyday names only; each is imported on first use, so that ``import loadstone`` stays light and reading a binary
never pulls in the loader.
"""

from __future__ import annotations

import sys

from loadstone.lazy_exports import homes_by_name, imported

TYPE_CHECKING = False  # typing is not imported for it: that alone would double the cost of `import loadstone`
if TYPE_CHECKING:
    from typing import Any, Final

    from loadstone._examine import examine as examine
    from loadstone.binary import read as read
    from loadstone.core.claims import Evidence as Evidence
    from loadstone.core.claims import Finding as Finding
    from loadstone.core.claims import Undecided as Undecided
    from loadstone.core.examination import Examination as Examination
    from loadstone.core.image import Image as Image
    from loadstone.core.trace import Explanation as Explanation
    from loadstone.core.trace import Trace as Trace
    from loadstone.core.verdict import Verdict as Verdict
    from loadstone.errors import Closed as Closed
    from loadstone.errors import InUse as InUse
    from loadstone.errors import InvalidName as InvalidName
    from loadstone.errors import InvalidPrototype as InvalidPrototype
    from loadstone.errors import LoadFailed as LoadFailed
    from loadstone.errors import LoadstoneError as LoadstoneError
    from loadstone.errors import MalformedImage as MalformedImage
    from loadstone.errors import NotFound as NotFound
    from loadstone.errors import NotVerified as NotVerified
    from loadstone.errors import ProbeFailed as ProbeFailed
    from loadstone.errors import SymbolNotFound as SymbolNotFound
    from loadstone.errors import Unreadable as Unreadable
    from loadstone.errors import Unsupported as Unsupported
    from loadstone.errors import WrongSymbolKind as WrongSymbolKind
    from loadstone.library import Library as Library
    from loadstone.library import LoadHint as LoadHint
    from loadstone.library import Policy as Policy
    from loadstone.library import UnloadOutcome as UnloadOutcome
    from loadstone.library import find as find
    from loadstone.library import loaded_libraries as loaded_libraries
    from loadstone.linker import explain as explain
    from loadstone.plugin import Plugin as Plugin
    from loadstone.plugin import catalog as catalog

__version__ = "0.1.0"

_HOMES: Final = {
    "loadstone._examine": ("examine",),
    "loadstone.binary": ("read",),
    "loadstone.core.claims": ("Evidence", "Finding", "Undecided"),
    "loadstone.core.examination": ("Examination",),
    "loadstone.core.image": ("Image",),
    "loadstone.core.trace": ("Explanation", "Trace"),
    "loadstone.core.verdict": ("Verdict",),
    "loadstone.errors": (
        "Closed",
        "InUse",
        "InvalidName",
        "InvalidPrototype",
        "LoadFailed",
        "LoadstoneError",
        "MalformedImage",
        "NotFound",
        "NotVerified",
        "ProbeFailed",
        "SymbolNotFound",
        "Unreadable",
        "Unsupported",
        "WrongSymbolKind",
    ),
    "loadstone.library": ("Library", "LoadHint", "Policy", "UnloadOutcome", "find", "loaded_libraries"),
    "loadstone.linker": ("explain",),
    "loadstone.plugin": ("Plugin", "catalog"),
}
_HOME_OF: Final = homes_by_name(_HOMES)

__all__ = [
    "Closed",
    "Evidence",
    "Examination",
    "Explanation",
    "Finding",
    "Image",
    "InUse",
    "InvalidName",
    "InvalidPrototype",
    "Library",
    "LoadFailed",
    "LoadHint",
    "LoadstoneError",
    "MalformedImage",
    "NotFound",
    "NotVerified",
    "Plugin",
    "Policy",
    "ProbeFailed",
    "SymbolNotFound",
    "Trace",
    "Undecided",
    "UnloadOutcome",
    "Unreadable",
    "Unsupported",
    "Verdict",
    "WrongSymbolKind",
    "catalog",
    "examine",
    "explain",
    "find",
    "loaded_libraries",
    "read",
]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
