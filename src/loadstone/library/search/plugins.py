"""Where a host looks for its plugins: in directories of its own, never the current one, never by the system's search.

The rules are those of QPluginLoader: an absolute name stands for itself; any other is looked for in each library path,
as given first, then decorated; the first regular file wins. The current directory was a library path of Qt until 5.14,
which let whoever could write there run code (CVE-2020-0569, CVE-2020-24742; CWE-427).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from loadstone.core.names import NAMING, Platform, validate_name
from loadstone.core.trace import SearchStep, StepOutcome, Trace
from loadstone.errors import NotFound
from loadstone.library import adapters
from loadstone.library.trust.places import is_open_to_all

__all__ = ["find_plugin", "library_paths"]

_VARIABLE: Final = "LOADSTONE_PLUGIN_PATH"


def library_paths(*own: str | os.PathLike[str], variable: str = _VARIABLE) -> tuple[str, ...]:
    """The directories to look for plugins in: those of an environment variable, then the host's own.

    Args:
        own: the host's plugin directories, best first.
        variable: the environment variable; a list separated as PATH is.

    Returns:
        Existing directories only, links resolved, each once. Relative ones, and those that everybody may write to, are
        left out.
    """
    listed = [entry for entry in os.environ.get(variable, "").split(os.pathsep) if entry]
    named = [os.fspath(path) for path in own]
    absolute = [path for path in (*listed, *named) if os.path.isabs(path)]
    real = dict.fromkeys(os.path.realpath(path) for path in absolute if os.path.isdir(path))
    return tuple(path for path in real if not is_open_to_all(path))


def find_plugin(name: str | os.PathLike[str], paths: Iterable[str]) -> Trace:
    """The file of a plugin. Nothing is loaded.

    Args:
        name: ``"imageformats/qjpeg"``, ``"libqjpeg.so"``, or an absolute path.
        paths: as :func:`library_paths` gives them.

    Raises:
        InvalidName: no plugin could have that name, or it leads out of the library paths.
        NotFound: no library path has it.
    """
    asked = validate_name(name)
    platform = adapters.current().platform
    steps: list[SearchStep] = []
    if os.path.isabs(asked):
        places = [("explicit", asked)]
    else:
        spelled = _spelled(asked, platform)
        places = [("library-path", os.path.join(path, each)) for path in paths for each in spelled]
    for rule, place in places:
        if os.path.isfile(place):
            path = os.path.realpath(place)
            steps.append(SearchStep(rule, place, StepOutcome.TAKEN))
            return Trace(asked, tuple(steps), path, rule)
        steps.append(SearchStep(rule, place, StepOutcome.ABSENT, "no regular file"))
    raise NotFound(
        name=asked,
        trace=Trace(asked, tuple(steps)),
        advice="give its absolute path, or add its directory to the library paths",
    )


def _spelled(name: str, platform: Platform) -> tuple[str, ...]:
    """The names to try in each directory: as given, with suffixes, then with the prefix; sub-directories are kept."""
    naming = NAMING[platform]
    directory, _, base = name.rpartition("/")
    parts = [part for part in directory.split("/") if part not in ("", ".")]
    if ".." in parts or base in ("", ".", ".."):
        return ()
    where = "".join(f"{part}/" for part in parts)
    return tuple(
        dict.fromkeys(
            f"{where}{prefix}{base}{ending}" for prefix in ("", naming.prefix) for ending in ("", *naming.plain)
        )
    )
