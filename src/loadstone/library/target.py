"""What a target means, decided once for every command and function: a path, or a name to search for.

A target with a separator in it is a path and is taken as it is. Any other is a name, whatever lies in the current
directory: digits, ``~`` and the name of a file here are names too. So nothing is run that was not either pointed at
with a separator or found where a loader looks (CWE-426, CWE-427).
"""

from __future__ import annotations

import os

from loadstone.core.names import has_directory, is_library, validate_name
from loadstone.core.trace import SearchStep, StepOutcome, Trace
from loadstone.errors import NotFound
from loadstone.library import adapters
from loadstone.library.search.by_name import absolute, find
from loadstone.library.trust.policy import Policy

__all__ = ["absolute", "as_the_loader_gets_it", "here", "is_path", "locate"]


def is_path(target: str) -> bool:
    """Whether it says where the file is: it has a separator of this platform in it."""
    return has_directory(target, adapters.current().platform)


def locate(target: str | os.PathLike[str], *, policy: Policy | None = None) -> Trace:
    """Where the file is that a target stands for. Nothing is loaded or run.

    Args:
        target: a path, taken as it is, whether there is such a file or not; or a name, searched for.
        policy: its ``search`` says where names are searched for.

    Raises:
        InvalidName: it can be neither.
        NotFound: no search finds the name; the advice says so when a file of that name lies in the current directory.

    Thread-safe.
    """
    name = validate_name(os.fspath(target))
    if is_path(name):
        return Trace(name, (SearchStep("explicit", name, StepOutcome.TAKEN, "given as a path"),), name, "explicit")
    try:
        return find(name, policy=policy)
    except NotFound as miss:
        found_here = here(name)
        if found_here is None:
            raise
        advice = f"a name is never looked for in the current directory; for the file here give {found_here}"
        raise NotFound(name=name, trace=miss.trace, advice=advice) from miss


def here(name: str) -> str | None:
    """The file of that name in the current directory, as a path; None when there is none."""
    return os.path.join(os.curdir, name) if os.path.lexists(name) else None


def as_the_loader_gets_it(target: str) -> str:
    """For a question about the loader: a path or file name as it is, for a short name (``z``) the file it means."""
    if is_path(target) or is_library(target, adapters.current().platform):
        return target
    try:
        return find(target).path or target
    except NotFound:
        return target
