"""What a file of C or C++ shows of its threads: the functions that they run, and what its comments say of callers.

The functions are those handed to what starts a thread, and all that these call in the file, to a fixed point. A
function is run by *many* threads when it is started in a loop or at two places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.walk import expressions, kept

__all__ = ["MANY", "called_in_threads", "handed_out", "is_start", "runners"]

MANY: Final = 2
"""As many threads as show that a function may run twice at the same time."""

_STARTS: Final = frozenset(
    {
        *("pthread_create", "thrd_create", "g_thread_new", "g_thread_try_new", "uv_thread_create", "SDL_CreateThread"),
        *("CreateThread", "_beginthreadex", "_beginthread", "QueueUserWorkItem", "uv_queue_work"),
    }
)
"""Functions of C that run what they are given in another thread. Source: their manuals."""
_IN_PLACE: Final = frozenset({"emplace_back", "push_back", "emplace"})

_COMMENT: Final = re.compile(r"/\*(.*?)\*/|//([^\n]*)", re.DOTALL)
_SEVERAL: Final = re.compile(
    r"(?i)\b(?:any|several|many|multiple|all|different|each|every|various|worker|request)\s+(?:\w+\s+)?"
    r"(?:threads?|workers)\b"
    r"|\bfrom (?:other )?threads\b|\bthread-?safe\b|\bconcurrently\b|\bin parallel\b"
)
_ONE: Final = re.compile(
    r"(?i)\bnot (?:\w+ ){0,3}(?:thread-?safe|concurrently|in parallel)|single[- ]thread"
    r"|\b(?:one|same|main|ui|gui) thread|\bno other threads?\b|\bbefore (?:any|other|the|all) (?:\w+ )?threads?\b"
)


def called_in_threads(unit: ir.Unit) -> bool:
    """Whether the comments of a file say that several threads call it, and nowhere that one alone does.

    A program that starts no thread itself, a library, has no other way to say so.
    """
    comments = " ".join(" ".join(a or b for a, b in _COMMENT.findall(unit.text)).replace("*", " ").split())
    return bool(_SEVERAL.search(comments)) and not _ONE.search(comments)


def runners(facts: Facts, unit: ir.Unit) -> Mapping[str, Mapping[str, int]]:
    """For each function of a file that threads run: the functions they begin with, and how often those are started."""
    named = {last_word(f.name): f for f in unit.functions}
    started: dict[str, int] = {}
    for function in unit.functions:
        repeated = {
            id(call) for s in every_statement(function.body) if isinstance(s, ir.Loop) for call in calls_in(s.body)
        }
        for call in calls_in(function.body):
            if not is_start(facts, unit, call):
                continue
            given = [part for argument in call.arguments for part in expressions(argument)]
            words = {last_word(part.name) for part in given if isinstance(part, ir.Name | ir.Member)}
            made = [part.function for part in given if isinstance(part, ir.Closure)]
            for word in words | {last_word(c.name) for inner in made for c in calls_in(inner.body)}:
                if word in named:
                    started[word] = started.get(word, 0) + (MANY if id(call) in repeated else 1)
    found: dict[str, dict[str, int]] = {}
    for start, times in started.items():
        waiting, seen = [start], {start}
        while waiting:
            one = waiting.pop()
            found.setdefault(one, {})[start] = times
            called = {last_word(c.name) for c in calls_in(named[one].body)} & named.keys()
            waiting.extend(called - seen)
            seen |= called
    return found


def is_start(facts: Facts, unit: ir.Unit, call: ir.Call) -> bool:
    """Whether a call runs what it is given in another thread."""
    if plays(facts, call, ApiRole.THREAD) or last_word(call.name) in _STARTS:
        return True
    # threads.emplace_back(work, i), of a container of threads
    return last_word(call.name) in _IN_PLACE and "std::vector<std::thread>" in unit.text.replace(" ", "")


@kept
def handed_out(unit: ir.Unit) -> frozenset[str]:
    """The functions of a file that a call is given: somebody else runs them."""
    given = (uncast(a) for f in unit.functions for c in calls_in(f.body) for a in c.arguments)
    named = {f.name for f in unit.functions}
    return frozenset(a.name for a in given if isinstance(a, ir.Name) and a.name in named)
