"""Are interfaces used that are neither obsolete nor dangerous by nature?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Part, Site
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import measures_text
from loadstone.review.apis import ApiRole
from loadstone.review.rules.own_texts import is_own_text
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.printed_texts import sized_by_text
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["RULE"]

_ORDERS: Final = frozenset({"<", "<=", ">", ">="})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    families: dict[tuple[str, str], list[Site]] = {}
    for site in facts.of(ApiRole.OBSOLETE):
        if site.api.kind == "dangerous":
            yield rule.no(
                f"{site.api.name} cannot be used safely.",
                at(site.spot),
                cwe=242,
                severity=Severity.MEDIUM,
                context=site.spot.function,
            )
        else:
            families.setdefault((site.spot.path, site.api.kind or site.api.name), []).append(site)
    for (_, kind), sites in families.items():
        yield _family(rule, kind, sites)
    for site in facts.of(ApiRole.JOIN):
        if site.api.name in {"strcpy", "strcat", "sprintf", "vsprintf", "stpcpy"} and _is_unbounded(site):
            yield rule.no(
                f"{site.api.name} writes a path of unknown length into a buffer of fixed size.",
                at(site.spot),
                cwe=787,
                severity=Severity.MEDIUM,
                fix="snprintf, and test its result against the size.",
                context=site.spot.function,
            )


def _family(rule: Rule, kind: str, sites: list[Site]) -> Claim:
    """One claim for the obsolete functions that belong together, with every line that uses one of them."""
    names = ", ".join(dict.fromkeys(site.api.name for site in sites))
    _, _, instead = kind.partition(": ")
    plural = "are" if "," in names else "is"
    return rule.no(
        f"{names} {plural} obsolete (lines {resolve_lines(site.spot for site in sites)}).",
        at(sites[0].spot),
        severity=Severity.LOW,
        fix=f"Use what took their place: {instead}." if instead else None,
        why=tuple(step(site.spot, f"{site.api.name} is used", "use") for site in sites[:8]),
        context=sites[0].spot.function,
    )


def _is_unbounded(site: Site) -> bool:
    """Whether the target is a local array and the source a parameter, the environment or the command line."""
    first = site.call.arguments[0] if site.call.arguments else None
    if not isinstance(first, ir.Name) or not _is_local_array(site, first.name):
        return False
    texts = (ir.Name(p.line, p.name) for p in site.function.parameters if "char" in p.type)
    parameters = {text.name for text in texts if not is_own_text(site.unit, site.function, text)}
    parameters -= _measured_before(site.function, site.spot.line)
    if any(_is_measured(p) for i in site.invocations for pieces in i.pieces[1:] for p in pieces if p.text is None):
        return False
    layouts = [
        w for i in site.invocations for a in i.arguments[1:2] for k, w in a if k == "constant" and isinstance(w, str)
    ]
    if "printf" in site.api.name and not any("%s" in layout for layout in layouts):
        return False
    for invocation in site.invocations:
        for pieces in invocation.arguments[1:]:
            if any(kind == "name" and word in parameters for kind, word in pieces):
                return True
    return False


def _measured_before(function: ir.Function, line: int) -> set[str]:
    """The names whose length a test above this line asks: ``if (strlen(a) + strlen(b) >= SIZE) return``."""
    tests = (s.condition for s in every_statement(function.body) if isinstance(s, ir.If) and s.line < line)
    compared = (e for test in tests for e in expressions(test) if isinstance(e, ir.Operation) and e.operator in _ORDERS)
    asked = (e for one in compared for e in expressions(one) if isinstance(e, ir.Call) and measures_text(e.name))
    return {a.name for call in asked for a in call.arguments[:1] if isinstance(a, ir.Name)}


def _is_measured(part: Part) -> bool:
    """Whether something asked how long a text is, or what it is."""
    return bool({kind for kind, _ in part.checks} & {"length", "characters", "allowed", "equals a constant"})


def _is_local_array(site: Site, name: str) -> bool:
    return any(
        isinstance(s, ir.Assign)
        and s.declares
        and isinstance(s.target, ir.Name)
        and s.target.name == name
        and "[]" in s.type
        and not sized_by_text(site.unit, s, name)
        for s in every_statement(site.function.body)
    )


RULE: Final = Rule(
    id="obsolete-api",
    question="Are interfaces used that are neither obsolete nor dangerous by nature?",
    practice=Practice.HARDENING,
    cwe=477,
    severity=Severity.LOW,
    languages=ALL,
    why="Obsolete loaders lose features one by one; unbounded copies of path names are the oldest overflow there is.",
    fix="Use the current interface, with a size.",
    bad='char path[64];\nstrcpy(path, getenv("PLUGIN_DIR"));\n',
    good='char path[PATH_MAX];\nif (snprintf(path, sizeof path, "%s/x.so", dir) >= (int)sizeof path) return -1;\n',
    references=("https://cwe.mitre.org/data/definitions/477.html", "https://cwe.mitre.org/data/definitions/787.html"),
    answer=_answer,
)
