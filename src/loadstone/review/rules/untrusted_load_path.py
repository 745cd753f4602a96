"""Is what is loaded decided by the program, and not by whoever runs it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.analyses.travel import Arrival, Shape, SinkKind
from loadstone.review.analyses.words import names_own_place
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language, Member
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, steps
from loadstone.review.rules.origins import Judgement, Origin, judgements, weighed
from loadstone.review.rules.places import ALL, at, in_file, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_CWE: Final = {Origin.CONTROLLED: 114, Origin.PART: 73, Origin.JOINED: 22, Origin.PREFIX: 22, Origin.PARAMETER: 22}
_SEVERITY: Final = {
    Origin.CONTROLLED: Severity.HIGH,
    Origin.PART: Severity.MEDIUM,
    Origin.JOINED: Severity.HIGH,
    Origin.PREFIX: Severity.MEDIUM,
    Origin.PARAMETER: Severity.MEDIUM,
}


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _native(rule, facts)
    yield from _python(rule, facts)


_SHAPES: Final = {
    Shape.WHOLE: (114, Severity.HIGH, "{api} loads a path that comes from {source}."),
    Shape.PART: (73, Severity.MEDIUM, "Part of the path given to {api} comes from {source}."),
    Shape.JOINED: (
        22,
        Severity.HIGH,
        ("A name from {source} is joined to the path given to {api}, and can leave its directory."),
    ),
}


def _python(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: what travelled through the program to a load."""
    for arrival, unchecked in by_sink(facts, SinkKind.LOAD):
        sink = arrival.sink
        cwe, severity, text = _SHAPES[arrival.shape]
        if not unchecked:
            check = min(arrival.checked, key=lambda c: c[1])
            yield rule.yes(
                f"What comes from {from_where(arrival)} is checked before the load",
                at(check[1]),
                places=(at(sink.spot), *(at(spot) for _, spot in sorted(arrival.checked, key=lambda c: c[1])[1:4])),
                practice=Practice.INTEGRITY if check[0] == "verified" else Practice.INPUT_VALIDATION,
                context=sink.spot.function,
            )
            continue
        message = text.format(api=sink.name, source=from_where(arrival))
        reason = _reason_to_doubt(arrival, facts)
        if reason:
            yield rule.cannot_tell(
                message,
                at(sink.spot),
                reason,
                why=steps(arrival, f"loaded by {sink.name}"),
                context=sink.spot.function,
            )
            continue
        yield rule.no(
            message,
            at(sink.spot),
            cwe=cwe,
            severity=weighed(severity, arrival.source.kind, facts, Language.PYTHON),
            why=steps(arrival, f"loaded by {sink.name}"),
            context=sink.spot.function,
            condition=sink.spot.condition,
        )


def _reason_to_doubt(arrival: Arrival, facts: Facts) -> str:
    """Why it is not sure that the source is somebody else's, or that what it chooses is foreign; empty when it is."""
    if arrival.source.kind in WEAK:
        return "it depends on who else can write there"
    api = facts.apis.get(arrival.sink.name)
    if api is not None and api.kind == "module name" and arrival.source.kind != "network":
        return "modules are found along sys.path, and plugins are often named so"
    return ""


def _native(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: what the paths through the program showed of a load."""
    for judgement in judgements(facts):
        if judgement.site.unit.language is Language.PYTHON:
            continue
        if judgement.origin is Origin.CONTROLLED and _is_owned(facts, judgement):
            continue  # only what root, or this user, owns and nobody else writes gets here: the race is another claim
        if judgement.origin in _CWE and judgement.origin is not Origin.PARAMETER:
            yield _doubtful(rule, judgement) if _is_own_place(facts, judgement) else _finding(rule, judgement, facts)
        elif judgement.origin is Origin.EXPLICIT:
            yield _open(rule, judgement)
        elif judgement.origin is Origin.PARAMETER and not facts.is_called(judgement.site.function.name):
            yield _finding(rule, judgement, facts)
        elif judgement.origin is Origin.CHECKED and judgement.piece is not None:
            checks = sorted(
                {*judgement.piece.checks, *judgement.invocation.whole.checks, *judgement.invocation.flags},
                key=lambda c: c[1],
            )
            checks = [c for c in checks if c[0] not in {"null", "compared", "length"}]
            if checks:
                site = judgement.site
                yield rule.yes(
                    (
                        f"{judgement.piece.name or 'The name'} is checked at line "
                        f"{checks[0][1].line} before the load at line {site.spot.line}"
                    ),
                    at(checks[0][1]),
                    places=(at(site.spot), *(at(spot) for _, spot in checks[1:4])),
                    practice=Practice.INTEGRITY if checks[0][0] == "verified" else Practice.INPUT_VALIDATION,
                    context=site.spot.function,
                )


def _is_owned(facts: Facts, judgement: Judgement) -> bool:
    """Whether the file was looked at in a function that asks for its owner and for who may write it."""
    looked = judgement.invocation.look
    if looked is None:
        return False
    spot = looked[1]
    functions = (f for u in facts.program.units if u.path == spot.path for f in u.functions)
    asked = {
        part.name
        for f in functions
        if f.name == spot.function
        for part in every_expression(f.body)
        if isinstance(part, Member)
    }
    return {"st_uid", "st_mode"} <= asked


def _is_privileged(facts: Facts) -> bool:
    return next(facts.of(ApiRole.PRIVILEGE), None) is not None


def _is_own_place(facts: Facts, judgement: Judgement) -> bool:
    """Whether what decides is where the user keeps own files, of a program with no more rights than the user."""
    taint = judgement.piece.taint if judgement.piece is not None else None
    return taint is not None and names_own_place(taint.name) and not _is_privileged(facts)


def _doubtful(rule: Rule, judgement: Judgement) -> Claim:
    site = judgement.site
    message = f"{site.api.name} loads a file from a folder of the user's own."
    reason = "Only where the program has more rights than the user does that give anything away."
    return rule.cannot_tell(message, at(site.spot), reason, context=site.spot.function, condition=site.spot.condition)


def _open(rule: Rule, judgement: Judgement) -> Claim:
    site = judgement.site
    message = f"{site.api.name} loads the file that whoever starts the program names as a path."
    reason = "Whether that person may choose what runs here depends on whose rights the program has."
    return rule.cannot_tell(message, at(site.spot), reason, context=site.spot.function, condition=site.spot.condition)


def _finding(rule: Rule, judgement: Judgement, facts: Facts) -> Claim:
    site, piece = judgement.site, judgement.piece
    assert piece is not None
    name = piece.name or "the value"
    source = piece.taint
    partial = sorted(kind for kind, _ in piece.checks if kind in {"prefix", "part", "no ..", "length"})
    only = f"; the only check is {partial[0]}" if partial else ""
    read = f"{source.spot.line}{in_file(source.spot, site.spot)}" if source is not None else ""
    if judgement.origin is Origin.CONTROLLED and source is not None:
        message = f"{site.api.name} loads a path that the {source.kind} controls (read at line {read}){only}."
    elif judgement.origin is Origin.PART and source is not None:
        message = f"Part of the path given to {site.api.name} comes from the {source.kind} (line {read}){only}."
    elif judgement.origin is Origin.PREFIX:
        message = f"{name} is only compared with a directory prefix: ../ and longer names pass."
    else:
        origin = f"the {source.kind} (line {read})" if source is not None else "a parameter"
        part = f"The part {piece.name}" if piece.name else "A part of the path"
        message = f"{part}, from {origin}, can leave the directory it is joined to{only}."
    steps = [step(source.spot, f"read from the {source.kind}", "taint")] if source is not None else []
    line = site.spot
    return rule.no(
        message,
        at(line),
        cwe=_CWE[judgement.origin],
        severity=weighed(
            _SEVERITY[judgement.origin], source.kind if source is not None else "", facts, site.unit.language
        ),
        confidence=Confidence.LIKELY if source is not None else Confidence.POSSIBLE,
        why=(
            *steps,
            *(step(s, "passed on by this call", "call") for s in site.chain),
            step(line, f"loaded by {site.api.name}", "use"),
        ),
        context=site.spot.function,
        condition=site.spot.condition,
    )


RULE: Final = Rule(
    id="untrusted-load-path",
    question="Is what is loaded decided by the program, and not by whoever runs it?",
    practice=Practice.INPUT_VALIDATION,
    cwe=114,
    severity=Severity.HIGH,
    languages=ALL,
    why="Loading runs code. Whoever chooses the path, or a part of it that may hold ../, chooses the code.",
    fix="Accept a name, look it up in a fixed table; or require an absolute path, owner and digest.",
    bad="void *h = dlopen(argv[1], RTLD_NOW);\n",
    good='if (strcmp(argv[1], "zlib") != 0) return usage();\nvoid *h = dlopen("/usr/lib/libz.so.1", RTLD_NOW);\n',
    references=(
        "https://cwe.mitre.org/data/definitions/114.html",
        "https://cwe.mitre.org/data/definitions/73.html",
        "https://cwe.mitre.org/data/definitions/22.html",
    ),
    answer=_answer,
)
