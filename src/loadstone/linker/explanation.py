"""Will it load, and if not, why: one simulated load turned into a verdict, its reasons and the graph.

Nothing is run, opened by a loader, or asked of the network. What was taken for granted is listed in the answer.
"""

from __future__ import annotations

import os

from loadstone.core.names import validate_name
from loadstone.core.trace import Explanation, Trace
from loadstone.linker.choice import loader_for
from loadstone.linker.request import BindingMode, LoaderModel
from loadstone.linker.simulators import explain_with, search_with
from loadstone.quick_dataclass import replace

__all__ = ["explain", "search"]


def explain(
    target: str | os.PathLike[str],
    *,
    model: LoaderModel | None = None,
    mode: str = "now",
    as_library: bool = False,
    bindings: bool = True,
    thorough: bool = False,
) -> Explanation:
    """Say whether ``target`` would load, and why not.

    Args:
        target: a path, used as it is, or a bare name, which goes through the loader's search. A program is started,
            anything else is opened as ``dlopen`` would.
        model: the process and system to load it in; a fresh start of this process when left out.
        mode: ``now`` or ``lazy``: when calls between libraries are bound.
        as_library: open a program as dlopen would, instead of starting it.
        bindings: bind every symbol as well; without, versions are checked and symbols are not.
        thorough: to name the package of a library that is missing, read apt's lists also where they are compressed,
            which takes up to a second.

    Raises:
        InvalidName: the name is empty, too long, or has NUL or control characters in it.

    A target that is missing, unreadable or no binary is an answer, not an error. Thread-safe: each call simulates a
    process of its own. Runs on every platform. Source: ld.so(8), and the rules named in each module.

    >>> explain("libdoesnotexist.so.9").verdict
    <LoadVerdict.FAILS: 'fails'>
    """
    name = os.fspath(target)
    validate_name(name)
    asked = loader_for(name, model, as_library=as_library)
    if mode != asked.mode or thorough:
        asked = replace(asked, mode=BindingMode(mode), thorough=thorough)
    return explain_with(name, asked, as_library=as_library, bindings=bindings)


def search(name: str, model: LoaderModel | None = None) -> Trace:
    """Where the loader would find ``name``: every candidate in order, the path taken, by which rule.

    Only the search: what is found is checked as far as the loader does while it searches, its needs are not followed.
    Arguments, errors and thread-safety as :func:`explain`.
    """
    validate_name(name)
    asked = model or LoaderModel.this_process()
    return search_with(name, asked)
