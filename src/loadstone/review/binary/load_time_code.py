"""Code that runs because the image is loaded, before anybody asked for a symbol; and code that loading cannot undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.counting import counted
from loadstone.core.image import SymbolBinding
from loadstone.core.practices import Practice
from loadstone.escape import printable
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_UNIQUE: Final = tuple(SymbolBinding).index(SymbolBinding.UNIQUE)
_NAMED: Final = 4


def _at_load(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    running = [i for i in subject.image.initialisers if not i.final]
    if not running:
        yield rule.yes("No code of its own runs when it is loaded", subject.table("DYNAMIC"))
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(i.kind for i in running).items())
    names = [printable(i.symbol, 80) for i in running if i.symbol]
    shown = f": {', '.join(names[:_NAMED])}{' ...' if len(names) > _NAMED else ''}" if names else ""
    number = f"{len(running)} pieces of its code run" if len(running) > 1 else "One piece of its code runs"
    yield rule.no(
        f"{number} when it is loaded, before any symbol is used ({kinds}){shown}", subject.at(running[0].offset)
    )


def _unloadable(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    symbols = subject.image.symbols
    unique = [i for i, binding in enumerate(symbols.bindings) if binding == _UNIQUE and symbols.defined[i]]
    if unique:
        first = symbols[unique[0]]
        keep = "keeps" if len(unique) == 1 else "keep"
        message = (
            f"{counted(len(unique), 'unique symbol')} ({printable(first.name, 80)} first) {keep} it in memory for good "
            "once bound; unloading it does nothing"
        )
        yield rule.no(message, subject.at(first.offset))


RULES: Final = (
    BinaryRule(
        id="load-time-code",
        question="Does loading it run none of its code?",
        practice=Practice.LIFECYCLE,
        severity=Severity.NOTE,
        why="Initialisers run with the rights of the process before anything can be checked: to load is to execute.",
        fix="read what the initialisers do; `loadstone probe` watches them in a confined child",
        bad="__attribute__((constructor)) static void start(void) { connect_home(); }",
        good="int library_start(void);  /* called by the host, after its own checks */",
        references=("https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html#init_fini",),
        answer=_at_load,
    ),
    BinaryRule(
        id="not-unloadable",
        question="Can it leave memory again?",
        practice=Practice.LIFECYCLE,
        severity=Severity.NOTE,
        why="A symbol that must be unique in the process pins its library: dlclose succeeds and changes nothing.",
        fix="compile C++ with -fno-gnu-unique when the library has to be unloaded",
        bad="g++ -shared -fPIC -o libx.so templates.cpp",
        good="g++ -shared -fPIC -fno-gnu-unique -o libx.so templates.cpp",
        references=("https://man7.org/linux/man-pages/man3/dlclose.3.html",),
        answer=_unloadable,
    ),
)
