"""The flags a load is given, as far as each path names them: for the rules about binding and scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.apis import Role

__all__ = ["flagged_loads"]

_NULL: Final = ((("constant", None),), (("constant", 0),))


def _flags(site: Site, invocation: Invocation) -> frozenset[str]:
    """The ``RTLD_`` words of one path; they follow the name of the file (dlopen(3), dlmopen(3), ctypes' ``mode``)."""
    given = invocation.arguments[site.api.subject + 1 : site.api.subject + 2]
    words = (str(word).rpartition(".")[2] for pieces in given for kind, word in pieces if kind == "name")
    return frozenset(word for word in words if word.startswith("RTLD_"))


def _is_program(site: Site, invocation: Invocation) -> bool:
    """Whether no file is named: the main program is bound already, and its symbols are everybody's."""
    given = invocation.arguments[site.api.subject : site.api.subject + 1]
    return any(pieces in _NULL for pieces in given)


def flagged_loads(facts: Facts) -> Iterator[tuple[Site, tuple[frozenset[str], ...]]]:
    """Loads of files whose flags are named on every path, with the flags of each path."""
    for site in facts.of(Role.LOAD):
        paths = sorted((i for i in site.invocations if not _is_program(site, i)), key=repr)
        flags = tuple(_flags(site, invocation) for invocation in paths)
        if flags and all(flags):
            yield site, flags
