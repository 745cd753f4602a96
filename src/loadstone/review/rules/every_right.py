"""Every right on another process is asked for, where what is done with it needs fewer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.rule import Rule

__all__ = ["every_right"]

_ALL: Final = frozenset({0x1F0FFF, 0x1FFFFF})
_NEEDS: Final = re.compile(
    r"WriteProcessMemory|CreateRemoteThread|TerminateProcess|VirtualAllocEx|VirtualProtectEx|DebugActiveProcess"
    r"|Nt(?:Create|Suspend|Write|Resume)\w+|QueueUserAPC|AssignProcessToJobObject|SetPriorityClass|SetProcess\w+"
    r"|DuplicateHandle|UpdateProcThreadAttribute"
)
"""Functions that need more of a process than to ask it and to read its memory. Source: their references."""


def every_right(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``OpenProcess(PROCESS_ALL_ACCESS, ...)`` in a file that only asks and reads."""
    for unit in facts.program.units:
        if "OpenProcess" not in unit.text or _NEEDS.search(unit.text):
            continue
        for function in unit.functions:
            for call in calls_in(function.body):
                first = uncast(call.arguments[0]) if call.arguments else None
                named = isinstance(first, ir.Name | ir.Member) and last_word(first.name) == "PROCESS_ALL_ACCESS"
                number = isinstance(first, ir.Literal) and first.value in _ALL
                if last_word(call.name) == "OpenProcess" and (named or number):
                    yield rule.no(
                        f"OpenProcess at line {call.line} asks for every right, and the file only asks and reads.",
                        Location.lines(unit.path, call.line),
                        severity=Severity.MEDIUM,
                        fix="Ask for PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_VM_READ.",
                        context=function.name,
                        condition=function.condition,
                    )
