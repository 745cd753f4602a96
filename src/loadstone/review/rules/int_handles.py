"""Python: handles that ctypes takes for an int, because the function that gives them was declared without a result.

The file says itself that the number is an address: it hands it to a function whose declared argument is a pointer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignResult
from loadstone.review.analyses.facts import Facts, ForeignCall
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule

__all__ = ["int_handles"]

_ADDRESS: Final = re.compile(r"(?:\A|\.)(?:c_void_p|HANDLE|HMODULE|LPVOID|PVOID)\Z")


def int_handles(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The functions of a program whose pointers are cut to an int on the way to another function."""
    given: dict[tuple[str, str, str], ForeignCall] = {}
    for found in facts.foreign_calls:
        name = _kept(found)
        if name and _is_half_declared(found):
            given.setdefault(_key(found, name), found)
    said: set[str] = set()
    for found in facts.foreign_calls if given else ():
        kinds = found.prototype.arguments or ()
        for argument, kind in zip(found.call.arguments, kinds, strict=False):
            made = given.get(_key(found, spelled(argument)))
            if made is None or made.prototype.symbol in said or not _ADDRESS.search(spelled(kind)):
                continue
            said.add(made.prototype.symbol)
            yield rule.no(
                f"{made.prototype.symbol} has argtypes and no restype, so its result is an int, and "
                f"{found.prototype.symbol} (line {found.call.line}) takes it for a pointer: the upper half is lost.",
                Location.lines(made.visit.unit.path, made.call.line),
                severity=Severity.HIGH,
                fix=f"Set {made.prototype.symbol}.restype = ctypes.c_void_p.",
                why=(
                    step(Spot(made.visit.unit.path, made.call.line, made.visit.function.name), "cut to an int", "call"),
                    step(Spot(found.visit.unit.path, found.call.line, found.visit.function.name), "a pointer", "use"),
                ),
                context=made.visit.function.name,
            )


def _kept(found: ForeignCall) -> str:
    """The variable or attribute that holds the result as it is."""
    statement = found.visit.statement
    if not isinstance(statement, ir.Assign) or uncast(statement.value) is not found.call:
        return ""
    return spelled(statement.target)


def _key(found: ForeignCall, name: str) -> tuple[str, str, str]:
    """A name that means the same place: an attribute in its class, a variable in its function."""
    function = found.visit.function
    return found.visit.unit.path, function.owner if name.startswith("self.") else function.name, name


def _is_half_declared(found: ForeignCall) -> bool:
    """``lib.open.argtypes = [...]``, and no result anywhere; by variables and loops it may be set as well."""
    given, text = found.prototype, found.visit.unit.text
    written = f"{given.symbol}.argtypes" in text and f"{given.symbol}.restype" not in text
    return given.result is ForeignResult.UNKNOWN and not given.by_cffi and written and "errcheck" not in text
