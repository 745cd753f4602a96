"""Are files made only where the program says, whatever name somebody sends?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.travel import Shape, SinkKind
from loadstone.review.rules.arrivals import by_sink, from_where, steps
from loadstone.review.rules.places import PYTHON, at
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_LEADS: Final = frozenset({Shape.WHOLE, Shape.JOINED})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for arrival, unchecked in by_sink(facts, SinkKind.WRITE):
        if unchecked and arrival.source.kind == "network" and arrival.shape in _LEADS:
            sink = arrival.sink
            yield rule.no(
                f"A file is made under a name from {from_where(arrival)}, wherever ../ leads.",
                at(sink.spot),
                severity=Severity.HIGH,
                why=steps(arrival, f"{sink.name} makes the file"),
                context=sink.spot.function,
                condition=sink.spot.condition,
            )


RULE: Final = Rule(
    id="untrusted-file-name",
    question="Are files made only where the program says, whatever name somebody sends?",
    practice=Practice.INPUT_VALIDATION,
    cwe=22,
    severity=Severity.HIGH,
    languages=PYTHON,
    why="A name with ../ in it, or a whole path, makes a file outside of the directory: over a library, for example.",
    fix="Take the last part of the name, allow letters and digits alone, or look where the path leads.",
    bad='upload = request.files["plugin"]\nupload.save(os.path.join(PLUGINS, upload.filename))\n',
    good='upload = request.files["plugin"]\nupload.save(os.path.join(PLUGINS, secure_filename(upload.filename)))\n',
    references=("https://cwe.mitre.org/data/definitions/22.html", "https://cwe.mitre.org/data/definitions/434.html"),
    answer=_answer,
)
