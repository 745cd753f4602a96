"""SARIF 2.1.0: a review for code scanning platforms, viewers and other tools.

Findings are results of kind ``fail``, evidence ``pass``, open questions ``open``, questions without a site
``notApplicable``; only failures have a level. Everything waived or gone since a baseline stays in the file, marked:
platforms close and reopen alerts that disappear. No path of the host is written for files below the current directory
(``%SRCROOT%``). The order is that of the review, so equal input gives equal output.

Source: OASIS Static Analysis Results Interchange Format (SARIF) Version 2.1.0, section numbers as cited below.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import quote

import msgspec

from loadstone.core.claims import (
    Claim,
    Evidence,
    Finding,
    FlowStep,
    Location,
    LocationUnit,
    NotApplicable,
    Severity,
    Undecided,
)
from loadstone.core.fingerprints import PROPERTY, fingerprints
from loadstone.core.review import Limit, LimitKind, Result, Review, ReviewedFile, conclude
from loadstone.core.rules import RuleText
from loadstone.core.weaknesses import WEAKNESSES
from loadstone.escape import printable
from loadstone.quick_dataclass import replace

__all__ = ["render", "render_review"]

_HOME: Final = "https://github.com/loadstone/loadstone"

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_CWE_GUID: Final = "b2a3a7e6-6d51-4d9e-9d0a-6c1f3c1f4a11"
"""Identifies our taxonomy component within a file (3.19.6); any constant will do."""

_LEVEL: Final = {
    Severity.NOTE: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORE: Final = {
    Severity.NOTE: "0.1",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
"""``security-severity`` as code scanning platforms rank it: the CVSS bands."""

_NAMES: Final = {weakness.number: weakness for weakness in WEAKNESSES}
_LANGUAGES: Final = {"c": "c", "cpp": "cplusplus", "python": "python"}  # 3.24.10.2

_NOTIFICATIONS: Final = {
    LimitKind.PARSE_GAP: "warning",
    LimitKind.TOO_BIG: "error",
    LimitKind.TIME: "error",
    LimitKind.UNREADABLE: "error",
    LimitKind.NOT_REVIEWED: "note",
    LimitKind.ENGINE: "warning",
    LimitKind.WAIVER: "warning",
}

_Json = dict[str, Any]


def render(claims: Iterable[Claim]) -> str:
    """Claims without a review around them (an examination's) as a SARIF log."""
    listed = [*claims]
    results = [Result(claim, name) for claim, name in zip(listed, fingerprints(listed), strict=True)]
    return render_review(conclude([], results, [], []), everything=True)


def render_review(review: Review, rules: Sequence[RuleText] = (), *, everything: bool = False) -> str:
    """A review as a SARIF log; ``rules`` are described in it as far as they were asked.

    Without ``everything`` only findings are in it: platforms show each result as an alert, praise and open questions
    too. The counts in the run's properties are of the whole review either way.
    """
    whole = review
    if not everything:
        review = replace(review, results=tuple(r for r in review.results if isinstance(r.claim, Finding)))
    described = _described(review, rules)
    positions = {rule["id"]: index for index, rule in enumerate(described)}
    taxa = _taxa(review, rules)
    run: _Json = {
        "tool": {"driver": _driver(described)},
        "taxonomies": [_taxonomy(taxa)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the directory the review was run in"}}},
        "artifacts": [_artifact(file) for file in review.files],
        "invocations": [_invocation(review)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, positions) for result in review.results],
        "properties": {"verdict": review.verdict.value, "counts": _counts(whole)},
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode()


def _text(text: str) -> str:
    return printable(text, 16_384)


def _message(text: str) -> _Json:
    return {"text": _text(text) or "-"}


# The tool.


def _version() -> str:
    try:
        return version("loadstone")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


def _driver(rules: list[_Json]) -> _Json:
    return {
        "name": "Loadstone",
        "semanticVersion": _version(),
        "informationUri": _HOME,
        "shortDescription": {"text": "Reviews code that handles dynamic libraries, and the libraries themselves"},
        "supportedTaxonomies": [{"name": "CWE", "guid": _CWE_GUID, "index": 0}],
        "rules": rules,
        "notifications": [_described_by_id(kind.name.lower().replace("_", "-"), kind.value) for kind in LimitKind],
    }


def _described_by_id(name: str, text: str) -> _Json:
    """A descriptor of what has no page of its own: all that Microsoft's validator asks of one (SARIF2012, GH2012)."""
    said = {"text": _text(text)}
    return {
        "id": _text(name),
        "name": _pascal(name),
        "shortDescription": said,
        "fullDescription": said,
        "help": said,
        "helpUri": _HOME,
    }


def _pascal(name: str) -> str:
    """``double-close`` as ``DoubleClose`` (SARIF2012), ``relro`` as ``RelroRule``: a name is not the id (SARIF1001)."""
    words = [word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(words if len(words) > 1 else [*words, "Rule"])


def _described(review: Review, rules: Sequence[RuleText]) -> list[_Json]:
    """A descriptor for every rule that has a result, in the order of the table; those of other tools last."""
    used = {result.claim.rule for result in review.results}
    known = [_rule(rule) for rule in rules if rule.id in used]
    seen = {rule["id"] for rule in known}
    return known + [_described_by_id(name, name.replace("-", " ")) for name in sorted(used - seen)]


def _rule(rule: RuleText) -> _Json:
    described: _Json = {
        "id": rule.id,
        "name": _pascal(rule.id),
        "shortDescription": {"text": rule.question},
        "fullDescription": {"text": rule.why},
        "help": {"text": _help(rule, "{}"), "markdown": _help(rule, "```\n{}\n```")},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "relationships": [
            {
                "target": {"id": str(number), "toolComponent": {"name": "CWE", "guid": _CWE_GUID}},
                "kinds": ["superset"],
            }
            for number in rule.cwe
        ],
        "properties": {
            "tags": ["security", rule.practice.value, *(f"external/cwe/cwe-{n:03}" for n in rule.cwe)],
            "security-severity": _SCORE[rule.severity],
            "precision": "high",
        },
    }
    if rule.references:
        described["helpUri"] = rule.references[0]
    return described


def _help(rule: RuleText, code: str) -> str:
    parts = [rule.question, rule.why, f"Fix: {rule.fix}"]
    if rule.bad:
        parts += ["Bad:", code.format(rule.bad.strip("\n"))]
    if rule.good:
        parts += ["Good:", code.format(rule.good.strip("\n"))]
    waive = f"loadstone: ignore[{rule.id}] reason"
    parts.append(f"To accept a finding, write a comment on its line or the one above: {waive}")
    return "\n\n".join(parts)


def _taxa(review: Review, rules: Sequence[RuleText]) -> list[int]:
    numbers = {number for rule in rules for number in rule.cwe}
    numbers |= {r.claim.cwe for r in review.results if isinstance(r.claim, (Finding, Undecided)) and r.claim.cwe}
    return sorted(numbers)


def _taxonomy(numbers: list[int]) -> _Json:
    taxa = []
    for number in numbers:
        taxon: _Json = {"id": str(number), "helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html"}
        if number in _NAMES:
            taxon["shortDescription"] = {"text": _NAMES[number].name}
        taxa.append(taxon)
    return {
        "name": "CWE",
        "guid": _CWE_GUID,
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration"},
        "isComprehensive": False,
        "taxa": taxa,
    }


# Places.


def _uri(path: str) -> str:
    return quote(os.fsencode(path.replace(os.sep, "/")), safe="/~!$&'()*+,;=@")


def _artifact_location(path: str) -> _Json:
    """Relative to the source root where it can be; a file elsewhere keeps its full address (3.4)."""
    if os.path.isabs(path):
        below = os.path.relpath(path, os.getcwd()) if os.path.splitdrive(path)[0] == "" else os.pardir
        if not below.startswith(os.pardir):
            return {"uri": _uri(below), "uriBaseId": _ROOT}
        return {"uri": f"file://{_uri(path)}"}
    return {"uri": _uri(os.path.normpath(path)), "uriBaseId": _ROOT}


def _region(location: Location) -> _Json | None:
    if location.unit is LocationUnit.BYTES:
        return {"byteOffset": location.start, "byteLength": max(location.end - location.start, 0)}
    if not location.start:
        return None
    return {"startLine": location.start, "endLine": max(location.end, location.start)}


def _physical(location: Location) -> _Json:
    place: _Json = {"artifactLocation": _artifact_location(location.path)}
    region = _region(location)
    if region is not None:
        place["region"] = region
    return place


def _location(location: Location, message: str = "", context: str = "") -> _Json:
    place: _Json = {"physicalLocation": _physical(location)}
    if message:
        place["message"] = _message(message)
    if context:
        place["logicalLocations"] = [{"fullyQualifiedName": _text(context)}]
    return place


def _artifact(file: ReviewedFile) -> _Json:
    artifact: _Json = {"location": _artifact_location(file.path), "roles": ["analysisTarget"]}
    if file.digest:
        artifact["hashes"] = {"sha-256": file.digest}
    if file.language in _LANGUAGES:
        artifact["sourceLanguage"] = _LANGUAGES[file.language]
    return artifact


# Results.


def _kind(claim: Claim) -> str:
    match claim:
        case Finding():
            return "fail"
        case Evidence():
            return "pass"
        case NotApplicable():
            return "notApplicable"
        case _:
            return "open"


def _result(result: Result, positions: dict[str, int]) -> _Json:
    claim = result.claim
    shown: _Json = {
        "ruleId": _text(claim.rule),
        "ruleIndex": positions[claim.rule] if claim.rule in positions else positions[_text(claim.rule)],
        "kind": _kind(claim),
        "level": _LEVEL[claim.severity] if isinstance(claim, Finding) else "none",
        "message": _message(claim.message),
        "locations": [_location(claim.location, context=claim.context)],
        "partialFingerprints": {
            PROPERTY: result.fingerprint,
            "primaryLocationLineHash": f"{result.fingerprint[:16]}:1",
        },
        "properties": _properties(result),
    }
    if isinstance(claim, Evidence) and claim.places:
        shown["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(claim.places, start=1)
        ]
    if claim.why:
        shown["codeFlows"] = [_flow(claim.why)]
    if isinstance(claim, (Finding, Undecided)) and claim.cwe:
        shown["taxa"] = [{"id": str(claim.cwe), "toolComponent": {"name": "CWE", "guid": _CWE_GUID}}]
    if result.waiver is not None:
        shown["suppressions"] = [_suppression(result)]
    if result.state is not None:
        shown["baselineState"] = result.state.value
    return shown


def _properties(result: Result) -> _Json:
    """What SARIF has no property of its own for (3.8)."""
    claim = result.claim
    said: _Json = {"confidence": claim.confidence.value}
    if claim.practice is not None:
        said["practice"] = claim.practice.value
    if claim.condition:
        said["condition"] = _text(claim.condition)
    if result.engines:
        said["engines"] = list(result.engines)
    match claim:
        case Finding():
            said |= {"severity": claim.severity.value, "security-severity": _SCORE[claim.severity]}
            if claim.fix:
                said["fix"] = _text(claim.fix)
        case Evidence():
            said |= {"met": claim.met, "sites": claim.sites}
        case Undecided():
            said |= {"reason": _text(claim.reason), "settledBy": claim.settled_by.value}
        case _:
            pass
    return said


def _flow(steps: Sequence[FlowStep]) -> _Json:
    last = len(steps) - 1
    locations = []
    for position, step in enumerate(steps):
        place: _Json = {
            "location": _location(step.location, step.message),
            "importance": "essential" if position in (0, last) else "important",
            "nestingLevel": 0,
            "executionOrder": position + 1,
        }
        if step.kind:
            place["kinds"] = [_text(step.kind)]
        locations.append(place)
    return {"threadFlows": [{"locations": locations}]}


def _suppression(result: Result) -> _Json:
    waiver = result.waiver
    assert waiver is not None
    shown: _Json = {
        "kind": "inSource" if waiver.in_source else "external",
        "status": "accepted",
        "justification": _text(waiver.reason),
        "location": _location(waiver.location),
    }
    if waiver.until is not None:
        shown["properties"] = {"until": waiver.until.isoformat()}
    return shown


# The run.


def _invocation(review: Review) -> _Json:
    return {
        "executionSuccessful": not any(limit.gap for limit in review.limits),
        "toolExecutionNotifications": [_notification(limit) for limit in review.limits],
    }


def _notification(limit: Limit) -> _Json:
    return {
        "descriptor": {"id": limit.kind.name.lower().replace("_", "-"), "index": [*LimitKind].index(limit.kind)},
        "level": _NOTIFICATIONS[limit.kind],
        "message": _message(limit.message),
        "locations": [_location(limit.location)],
    }


def _counts(review: Review) -> _Json:
    counts = review.counts
    return {
        "files": counts.files,
        "lines": counts.lines,
        "binaries": counts.binaries,
        "evidence": counts.evidence,
        "findings": counts.findings,
        "undecided": counts.undecided,
        "notApplicable": counts.not_applicable,
        "suppressed": counts.waived,
    }
