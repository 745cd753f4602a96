"""The dynamic linkers, simulated: where a library is found, what it brings in, whether it loads, and why not.

:func:`explain` answers for a library or a program, :func:`search` for a name alone; :class:`LoaderModel` holds every
outside fact, so that the same question can be put for another user, another root or another machine. Pure over a
file-system view: nothing is loaded, run or fetched.
"""

from __future__ import annotations

from loadstone.linker.explain import explain, search
from loadstone.linker.request import BindingMode, LoaderKind, LoaderModel
from loadstone.linker.view import HostFiles, PretendedFiles

__all__ = ["BindingMode", "HostFiles", "LoaderKind", "LoaderModel", "PretendedFiles", "explain", "search"]
