"""Native libraries of .NET: a published program keeps those of each system in ``runtimes/RID/native``.

Source: Microsoft, "Native library loading" (variations of a name) and the catalogue of .NET runtime identifiers.
"""

from __future__ import annotations

import posixpath

from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.request import LoaderModel

__all__ = ["native_of_dotnet"]

_RUNTIMES = "runtimes"
_MAX_RIDS = 64
_ENDINGS = (".so", ".dll", ".dylib")


def native_of_dotnet(model: LoaderModel, name: str) -> str:
    """What to do about a name of which a .NET program has builds for other systems alone; empty for all others."""
    stem = _stem(name)
    found = {rid for rid in names_in(model, _RUNTIMES)[:_MAX_RIDS] if stem in _natives(model, rid)}
    if not found:
        return ""
    here = sorted(rid for rid in found if rid.startswith("linux"))
    if here:
        folder = model.absolute(posixpath.join(_RUNTIMES, here[0], "native"))
        return f"it is in {folder}: publish for this system (dotnet publish -r {here[0]}), or LD_LIBRARY_PATH={folder}"
    return (
        f"runtimes/ has {stem} for {', '.join(sorted(found))} alone: add the NuGet package of its native files for"
        " Linux (PACKAGE.NativeAssets.Linux, PACKAGE.runtime.linux), and publish anew"
    )


def _natives(model: LoaderModel, rid: str) -> frozenset[str]:
    return frozenset(_stem(leaf) for leaf in names_in(model, posixpath.join(_RUNTIMES, rid, "native")))


def _stem(name: str) -> str:
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending).removeprefix("lib")
