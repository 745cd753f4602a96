"""Does the program leave the loader's environment and search path to values it chose itself?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.state import Taint
from loadstone.review.analyses.travel import Arrival, Shape, SinkKind
from loadstone.review.analyses.words import names_own_place
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, steps
from loadstone.review.rules.origins import is_absolute, weighed
from loadstone.review.rules.places import ALL, at, in_file, step
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.search_elements import empty_elements

__all__ = ["RULE"]

_LOADER: Final = re.compile(
    r"\b(LD_LIBRARY_PATH|LD_PRELOAD|LD_AUDIT|DYLD_\w+|PATH|PYTHONPATH|QT_PLUGIN_PATH|GIO_MODULE_DIR)\b=?"
)
_ELEMENT: Final = re.compile(r";|:(?!\\)")
"""What stands between elements; the colon of ``C:\\tools`` is part of one."""

_RELATIVE: Final = re.compile(r"\w[\w.+-]*(?:/[\w./+-]*)?\Z")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    yield from _python(rule, facts)
    yield from _any_variable(rule, facts)
    yield from empty_elements(rule, facts)
    for site in facts.reached:
        if site.api.role in {ApiRole.SET_ENVIRONMENT, ApiRole.SEARCH_PATH}:
            for invocation in sorted(site.invocations, key=repr):
                yield from _one(rule, site, invocation, facts)


def _python(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: variables of the loader and directories of its search that travelled here from outside."""
    for arrival, unchecked in by_sink(facts, SinkKind.ENVIRONMENT, SinkKind.DIRECTORY):
        sink, kind = arrival.sink, arrival.source.kind
        directory = sink.kind is SinkKind.DIRECTORY
        if not unchecked or kind in WEAK or (kind == "environment" and not directory) or _is_plain_name(arrival):
            continue
        yield rule.no(
            (
                f"{sink.name} adds a directory from {from_where(arrival)} to where libraries are looked for."
                if directory
                else f"{sink.name} is set from {from_where(arrival)}; what starts with it loads from there."
            ),
            at(sink.spot),
            cwe=427 if directory else 15,
            severity=weighed(Severity.MEDIUM if directory else Severity.HIGH, kind, facts, Language.PYTHON),
            why=steps(arrival, f"given to {sink.name}"),
            context=sink.spot.function,
        )


def _any_variable(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: ``env.update(title["env"])``: who writes the names sets LD_PRELOAD as well."""
    for arrival, unchecked in by_sink(facts, SinkKind.VARIABLES):
        sink, kind = arrival.sink, arrival.source.kind
        if unchecked and kind not in WEAK and kind not in {"environment", "command line"}:
            yield rule.no(
                f"The names of variables come from {from_where(arrival)}: those of the loader are set too, and what "
                "starts with them loads what they name.",
                at(sink.spot),
                severity=weighed(Severity.MEDIUM, kind, facts, Language.PYTHON),
                fix="Take over the variables of a list alone.",
                why=steps(arrival, "names what is set"),
                context=sink.spot.function,
            )


def _is_plain_name(arrival: Arrival) -> bool:
    """Whether what came in stands behind a directory of the program's, and was asked not to hold a separator."""
    return arrival.shape is Shape.JOINED and any(kind in {"no '/'", "no '\\\\'"} for kind, _ in arrival.asked)


def _one(rule: Rule, site: Site, invocation: Invocation, facts: Facts) -> Iterator[Claim]:
    pieces = [piece for argument in invocation.arguments for piece in argument]
    words = [str(word) for kind, word in pieces if kind == "constant" and isinstance(word, str)]
    variable = site.api.name
    if site.api.kind == "setting":
        yield from _setting(rule, site, invocation, facts)
        return
    if site.api.role is ApiRole.SET_ENVIRONMENT:
        named = next((m for w in words if (m := _LOADER.match(w))), None)
        if named is None:
            return
        variable = named[1]
        alone = len(pieces) == 1  # "PATH=" with something behind it is no element
        words = [w.removeprefix(f"{variable}=") for w in words if w != variable and (alone or w != f"{variable}=")]
    directory = site.api.role is ApiRole.SEARCH_PATH
    tainted = [p for group in invocation.pieces for p in group if p.taint is not None]
    outside = next(
        (p for p in tainted if p.taint is not None and _is_outside(p.taint, variable, directory=directory)),
        None,
    )
    cwd = any(p.taint is not None and p.taint.kind == "current directory" for p in tainted)
    own = any(p.taint is not None and p.taint.kind == "environment" for p in tainted)
    # In Python ``PATH += ";C:\\tools"``: what begins with a separator goes on from what stood there.
    python = site.unit.language is Language.PYTHON
    elements = [e for w in words for e in _ELEMENT.split((w.lstrip(";:") or w) if python else w)]
    whole = site.unit.language is not Language.PYTHON or all(kind == "constant" for kind, _ in pieces)
    relative = whole and variable.endswith(("PATH", "DIR")) and any(_RELATIVE.match(e) for e in elements)
    has_separator = any(_ELEMENT.search(w) for w in words)
    if outside is not None and outside.taint is not None and site.unit.language is not Language.PYTHON:
        came = f"the {outside.taint.kind} (line {outside.taint.spot.line}{in_file(outside.taint.spot, site.spot)})"
        yield rule.no(
            f"{variable} adds a directory from {came} to where libraries are looked for."
            if directory
            else f"{variable} is set from {came}; children will load from there.",
            at(site.spot),
            cwe=427 if directory else None,
            severity=weighed(rule.severity, outside.taint.kind, facts, site.unit.language),
            why=(
                step(outside.taint.spot, ("read from outside"), ("taint")),
                step(site.spot, (f"{variable} is set"), ("use")),
            ),
            context=site.spot.function,
        )
    elif own and site.api.role is ApiRole.SET_ENVIRONMENT and has_separator and not _unset_tested(invocation):
        yield rule.no(
            f"The search path {variable} gains an empty element (= current directory) when it was unset.",
            at(site.spot),
            cwe=427,
            severity=Severity.MEDIUM,
            fix="Join only non-empty parts.",
            context=site.spot.function,
        )
    elif site.api.name.startswith("SetDllDirectory") and words == [""]:
        yield rule.yes(
            "The current directory is taken out of the search for DLLs", at(site.spot), context=site.spot.function
        )
    elif cwd or relative or (whole and any(_is_loose(e) for e in elements) and (has_separator or len(words) > 0)):
        yield rule.no(
            (
                f"{variable} gains an element that is empty or relative, so libraries "
                f"are looked for in the current directory."
            ),
            at(site.spot),
            cwe=427,
            severity=Severity.MEDIUM,
            fix="Add absolute directories only.",
            context=site.spot.function,
        )
    elif words and all(is_absolute(e) for e in elements if e):
        yield rule.yes(f"{variable} is given absolute directories only", at(site.spot), context=site.spot.function)


def _setting(rule: Rule, site: Site, invocation: Invocation, facts: Facts) -> Iterator[Claim]:
    """What the whole system is called, for programs that trust a name."""
    taints = (part.taint for group in invocation.pieces for part in group if part.taint is not None)
    taint = next((t for t in taints if t.kind not in {"guarded environment", "current directory"}), None)
    if taint is not None:
        where = f"line {taint.spot.line}{in_file(taint.spot, site.spot)}"
        yield rule.no(
            f"{site.api.name} sets what the {taint.kind} gives ({where}) for the whole system.",
            at(site.spot),
            severity=weighed(Severity.MEDIUM, taint.kind, facts, site.unit.language),
            fix="Set what the program's own configuration says, or one of a list of values.",
            why=(step(taint.spot, "read from outside", "taint"), step(site.spot, f"{site.api.name} sets it", "use")),
            context=site.spot.function,
            condition=site.spot.condition,
        )


def _is_outside(taint: Taint, variable: str, *, directory: bool) -> bool:
    """Whether a value comes from somebody who does not set this variable, or name these directories, anyway."""
    if taint.kind == "environment" and directory:
        return bool(taint.name) and not names_own_place(taint.name)
    if taint.kind == "environment":
        return variable == "PATH" and taint.name not in {"", variable}
    return taint.kind not in {"guarded environment", "current directory"}


def _is_loose(element: str) -> bool:
    return (
        element in {"", ".", ".."}
        or element.startswith(("./", "../", ".\\"))
        or (element.endswith("/") and not is_absolute(element) and "%" not in element)
    )


def _unset_tested(invocation: Invocation) -> bool:
    return any(kind == "null" for group in invocation.pieces for p in group for kind, _ in p.checks) or any(
        word == "environment tested" for word, _ in invocation.flags
    )


RULE: Final = Rule(
    id="untrusted-loader-environment",
    question="Are the loader's environment and search path set only to values the program chose?",
    practice=Practice.SEARCH_PATH,
    cwe=15,
    severity=Severity.HIGH,
    languages=ALL,
    why="LD_PRELOAD and its like decide which code every child runs; an empty element of a search path means the "
    "current directory.",
    fix="Build the child's environment from an allow-list.",
    bad='setenv("LD_PRELOAD", argv[1], 1);\n',
    good='setenv("LD_LIBRARY_PATH", "/opt/product/lib", 1);\n',
    references=(
        "https://cwe.mitre.org/data/definitions/15.html",
        ("https://man7.org/linux/man-pages/man8/ld.so.8.html"),
    ),
    answer=_answer,
)
