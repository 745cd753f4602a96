"""Rights of a process that are taken, given up and given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Site
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.walk import expressions, kept

__all__ = ["becomes_root", "gives_back", "lends_rights"]


def gives_back(site: Site) -> bool:
    """Whether a call gives a process back what it had: ``old = getegid(); ...; setregid(-1, old)``."""
    given = {place_named(argument) for argument in site.call.arguments} - {""}
    own = {name for function, name in _names_kept(site.unit) if "." in name or function == site.function.name}
    return not given.isdisjoint(own)


@kept
def _names_kept(unit: ir.Unit) -> tuple[tuple[str, str], ...]:
    """Where the functions of a file keep who the process is, by the function's name."""
    return tuple((f.name, name) for f in unit.functions for name in map(place_named, _kept_identities(f)))


def becomes_root(site: Site) -> bool:
    """``setuid(0)``, ``seteuid(ROOT_UID)``: a call that takes rights, and gives up none."""
    given = [uncast(argument) for argument in site.call.arguments]
    names = [last_word(place_named(argument)).lower() for argument in given]
    zero = any(isinstance(a, ir.Literal) and a.value == 0 for a in given)
    return site.api.kind == "user" and (zero or any("root" in name.split("_") for name in names))


def _kept_identities(function: ir.Function) -> Iterator[ir.Expression]:
    """Where a function keeps who the process is: the results of ``getegid``, what ``getgroups`` fills."""
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Assign) and isinstance(value, ir.Call) and last_word(value.name) in _TELL_OWN:
            yield statement.target
    for call in calls_in(function.body):
        if last_word(call.name) in _FILL_OWN:
            yield from call.arguments


_TELL_OWN: Final = frozenset({"getuid", "geteuid", "getgid", "getegid"})
_FILL_OWN: Final = frozenset({"getgroups", "getresuid", "getresgid"})
"""Functions that say which user and groups a process has. Source: credentials(7)."""


def lends_rights(site: Site) -> bool:
    """Whether a call shows that a program has more rights than who starts it: ``setuid(getuid())``, ``seteuid(0)``.

    A service that root starts, and that becomes another user for good, has no more than root gave it.
    """
    asked = {last_word(e.name) for a in site.call.arguments for e in expressions(a) if isinstance(e, ir.Call)}
    return bool(asked & _TELL_OWN) or becomes_root(site) or gives_back(site)
