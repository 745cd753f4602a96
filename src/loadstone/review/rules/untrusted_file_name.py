"""Are files made, read and removed only where the program says, whatever name somebody sends?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Invocation, Part, Site
from loadstone.review.analyses.travel import Shape, SinkKind
from loadstone.review.analyses.words import makes_file
from loadstone.review.apis import ApiRole
from loadstone.review.rules.arrivals import by_sink, from_where, reads_lines, steps
from loadstone.review.rules.origins import begun_by, led_by
from loadstone.review.rules.places import ALL, NATIVE, at, in_file, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_OF_PYTHON: Final = {SinkKind.WRITE: "made", SinkKind.READ: "read", SinkKind.CHANGE: "changed"}
_LEADS: Final = frozenset({Shape.WHOLE, Shape.JOINED})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _native(rule, facts)
    loaded = {arrival.source.spot for arrival, _ in by_sink(facts, SinkKind.LOAD)}  # told there, and once
    for arrival, unchecked in by_sink(facts, *_OF_PYTHON):
        if unchecked and arrival.source.kind == "network" and arrival.shape in _LEADS:
            sink = arrival.sink
            done = _OF_PYTHON[sink.kind]
            if done != "made" and arrival.source.spot in loaded:
                continue
            yield rule.no(
                f"A file is {_DONE[done]} under a name from {from_where(arrival)}, wherever ../ leads.",
                at(sink.spot),
                severity=Severity.HIGH if done != "read" else Severity.MEDIUM,
                why=steps(arrival, f"{sink.name} follows it"),
                context=sink.spot.function,
                condition=sink.spot.condition,
            )


_SENT: Final = frozenset({"network", "another process", "file or terminal"})
_OTHERS: Final = frozenset({"network", "another process"})
_HELD: Final = frozenset({"mapping", "private", "takes over"})
"""Kinds of opened things that have no name."""

_DONE: Final = {"made": "made", "read": "read", "changed": "changed or removed"}


def _native(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: a name in an archive, or in what a client says, behind a directory; or the whole path of a client."""
    for site in facts.reached:
        done = _done(site) if site.unit.language in NATIVE else ""
        for invocation in sorted(site.invocations, key=repr) if done else ():
            piece = _led(site, invocation, done)
            if piece is None or piece.taint is None or reads_lines(facts, piece.taint.spot):
                continue
            source = piece.taint
            yield rule.no(
                f"A file is {_DONE[done]} under a name that was read at line {source.spot.line}"
                f"{in_file(source.spot, site.spot)}: it may lead anywhere with ../ or a leading slash.",
                at(site.spot),
                severity=Severity.HIGH if source.kind == "network" and done != "read" else Severity.MEDIUM,
                why=(
                    step(source.spot, f"read from the {source.kind}", "taint"),
                    *(step(s, "passed on by this call", "call") for s in site.chain),
                    step(site.spot, f"{site.api.name} follows it", "use"),
                ),
                context=site.spot.function,
                condition=site.spot.condition,
            )
            break


def _done(site: Site) -> str:
    """What a call does with the file that a name leads to; empty when it follows no name."""
    if site.api.role is ApiRole.FILE:
        return site.api.kind
    if site.api.role is not ApiRole.OPEN or site.api.kind in _HELD:
        return ""
    return "made" if makes_file(site.call) else "read"


def _led(site: Site, invocation: Invocation, done: str) -> Part | None:
    """What of a name somebody else decides: a piece behind a directory, or how the whole begins."""
    piece = led_by(site, invocation, _SENT if done == "made" else _OTHERS)
    piece = piece or begun_by(site, invocation, invocation.parts, _OTHERS)
    second = site.api.symbol
    if piece is None and second is not None and second < len(invocation.pieces):
        return begun_by(site, invocation, invocation.pieces[second], _OTHERS)
    return piece


RULE: Final = Rule(
    id="untrusted-file-name",
    question="Are files made, read and removed only where the program says, whatever name somebody sends?",
    practice=Practice.INPUT_VALIDATION,
    cwe=22,
    severity=Severity.HIGH,
    languages=ALL,
    why="A name with ../ in it, or a whole path, leads out of the directory: to a file over a library, for example.",
    fix="Take the last part of the name, allow letters and digits alone, or look where the path leads.",
    bad='upload = request.files["plugin"]\nupload.save(os.path.join(PLUGINS, upload.filename))\n',
    good='upload = request.files["plugin"]\nupload.save(os.path.join(PLUGINS, secure_filename(upload.filename)))\n',
    references=("https://cwe.mitre.org/data/definitions/22.html", "https://cwe.mitre.org/data/definitions/434.html"),
    answer=_answer,
)
