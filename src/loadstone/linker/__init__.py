"""The dynamic linkers, simulated: where a library is found, what it needs, whether it loads, and why not.

:func:`explain` answers for a library or a program, :func:`search` for a name alone; :class:`LoaderModel` holds every
outside fact, so that the same question can be put for another user, another root or another machine. Pure over a
file-system view: nothing is loaded, run or fetched.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from loadstone.lazy_exports import homes_by_name, imported

if TYPE_CHECKING:
    from loadstone.linker.discovery import of_root as of_root
    from loadstone.linker.discovery import this_process as this_process
    from loadstone.linker.explanation import explain as explain
    from loadstone.linker.explanation import search as search
    from loadstone.linker.request import BindingMode as BindingMode
    from loadstone.linker.request import LoaderKind as LoaderKind
    from loadstone.linker.request import LoaderModel as LoaderModel
    from loadstone.linker.view import HostFiles as HostFiles
    from loadstone.linker.view import PretendedFiles as PretendedFiles

_HOME_OF: Final = homes_by_name(
    {
        "loadstone.linker.discovery": ("of_root", "this_process"),
        "loadstone.linker.explanation": ("explain", "search"),
        "loadstone.linker.request": ("BindingMode", "LoaderKind", "LoaderModel"),
        "loadstone.linker.view": ("HostFiles", "PretendedFiles"),
    }
)

__all__ = [
    "BindingMode",
    "HostFiles",
    "LoaderKind",
    "LoaderModel",
    "PretendedFiles",
    "explain",
    "of_root",
    "search",
    "this_process",
]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)
