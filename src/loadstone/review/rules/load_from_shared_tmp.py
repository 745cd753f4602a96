"""Is nothing loaded from a place that others can write to?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Invocation, Site
from loadstone.review.analyses.folding import leading_text
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import Visit
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import word
from loadstone.review.rules.places import ALL, at, in_file, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, statements

__all__ = ["RULE"]

_SHARED: Final = re.compile(r"/(?:var/)?tmp(?:/|\Z)|/dev/shm(?:/|\Z)")
"""Directories that everybody can write to (Filesystem Hierarchy Standard)."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    seen: set[Spot] = set()
    told: set[tuple[str, str]] = set()
    for site in (s for s in facts.reached if s.api.role in {ApiRole.LOAD, ApiRole.PATH}):
        for invocation in sorted(site.invocations, key=repr):
            private = next((spot for word, spot in sorted(invocation.flags) if word == "temporary:private"), None)
            taint = next(
                (
                    p.taint
                    for p in (*invocation.parts, invocation.whole)
                    if p.taint is not None and p.taint.kind.endswith("temporary")
                ),
                None,
            )
            text = next((p.text for p in invocation.parts if p.text is not None and _SHARED.match(p.text)), None)
            if taint is not None or (text is not None and private is None):
                told.add((site.spot.path, site.spot.function))
            if taint is not None:
                told.add((taint.spot.path, taint.spot.function))
                seen.add(taint.spot)
                cwe = 379 if taint.kind.startswith("shared") else 377
                yield rule.no(
                    (
                        f"The path made at line {taint.spot.line} is predictable in a shared "
                        f"directory and is loaded at line {site.spot.line}{in_file(site.spot, taint.spot)}."
                    ),
                    at(taint.spot),
                    cwe=377 if cwe == 377 else 379,
                    why=(
                        step(taint.spot, "a name others can guess", "taint"),
                        *_named_behind(facts, taint.spot),
                        step(site.spot, "loaded", "use"),
                    ),
                    context=site.spot.function,
                )
            elif text is not None and private is None:
                written = invocation.look is not None and invocation.look[0].startswith("open")
                yield rule.no(
                    f'"{text}" is in a directory that everybody can write to, and is loaded at line {site.spot.line}.',
                    at(site.spot),
                    cwe=377 if written else 829,
                    why=(*_makers(facts, site, text), step(site.spot, "loaded", "use")),
                    context=site.spot.function,
                )
            elif private is not None:
                yield rule.yes(
                    f"What is loaded at line {site.spot.line} was made in a private directory",
                    at(private),
                    places=(at(site.spot),),
                    context=site.spot.function,
                )
    yield from _fixed_names(rule, facts, told)
    yield from _created(rule, facts, told)
    yield from _adopted(rule, facts)
    for site in facts.of(ApiRole.TEMPORARY):
        if site.api.kind == "predictable" and site.spot not in seen and not _must_be_new(site):
            yield rule.no(
                f"{site.api.name} gives a name that others can take first.",
                at(site.spot),
                cwe=377,
                severity=Severity.MEDIUM,
                context=site.spot.function,
            )


_NEW: Final = frozenset({"O_EXCL", "_O_EXCL", "CREATE_NEW"})
"""Flags with which a file is not opened that is there already."""


def _must_be_new(site: Site) -> bool:
    """Whether the name is only used for a file that the call makes: who takes the name first makes it fail."""
    body = site.function.body
    given = {
        word(s.target)
        for s in every_statement(body)
        if isinstance(s, ir.Assign) and s.value is not None and any(e is site.call for e in expressions(s.value))
    } | {word(argument) for argument in site.call.arguments}
    opened = (c for c in calls_in(body) if c is not site.call and c.arguments and word(c.arguments[0]) in given - {""})
    return any(isinstance(e, ir.Name) and e.name in _NEW for c in opened for a in c.arguments for e in expressions(a))


_CREATES: Final = ("CREATE_ALWAYS", "OPEN_ALWAYS", "O_CREAT")


def _makers(facts: Facts, site: Site, text: str) -> Iterator[FlowStep]:
    """Where the file that is loaded is made."""
    for other in facts.of(ApiRole.OPEN):
        same = other.unit is site.unit and any(p.text == text for i in other.invocations for p in i.parts)
        if same and _makes_file(other.call):
            yield step(other.spot, "made here", "acquire")


def _named_behind(facts: Facts, made: Spot) -> Iterator[FlowStep]:
    """Where a name is put behind the directory, when that is not the line that asks for the directory."""
    function = next(
        (f for u in facts.program.units if u.path == made.path for f in u.functions if f.name == made.function), None
    )
    if function is None:
        return
    asked = [c for c in calls_in(function.body) if c.line == made.line]
    filled = {word(a) for c in asked for a in c.arguments} - {""}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.line > made.line:
            parts = [*expressions(statement.value)]
            named = any(isinstance(e, ir.Name) and e.name in filled for e in parts)
            if named and any(isinstance(e, ir.Literal) and isinstance(e.value, str) for e in parts):
                yield step(Spot(made.path, statement.line, made.function), "a fixed name is put behind it", "call")
                return


def _created(rule: Rule, facts: Facts, told: set[tuple[str, str]]) -> Iterator[Claim]:
    """C and C++: a file of a name others can guess is made in a shared directory, and may be theirs already.

    ``told`` are the functions whose load of such a file is a claim already.
    """
    done = {s.spot for s in facts.of(ApiRole.OPEN) if (s.spot.path, s.spot.function) in told}
    for site in facts.reached:
        if site.api.role is not ApiRole.OPEN or site.unit.language is ir.Language.PYTHON or not _makes_file(site.call):
            continue
        for invocation in sorted(site.invocations, key=repr):
            text = next((p.text for p in invocation.parts if p.text is not None and _SHARED.match(p.text)), None)
            shared = next((p.taint for p in invocation.parts if p.taint is not None and p.taint.kind == _FOLDER), None)
            own = any(word == "temporary:private" for word, _ in invocation.flags)
            if (text is None and shared is None) or own or site.spot in done or _varies(invocation):
                continue
            done.add(site.spot)
            since = (step(shared.spot, "a directory that others may write", "taint"),) if shared is not None else ()
            yield rule.no(
                f"{site.api.name} makes a file whose name others can guess in a directory they may write.",
                at(site.spot),
                cwe=377,
                severity=Severity.MEDIUM,
                fix="Make it in a directory of the program's own, or with a name and mode that must be new.",
                why=(*since, step(site.spot, "made or opened", "use")),
                context=site.spot.function,
                condition=site.spot.condition,
            )


_MAKES_FOLDER: Final = frozenset(
    {"mkdir", "_mkdir", "CreateDirectoryA", "CreateDirectoryW", "CreateDirectory", "_wmkdir"}
)


def _adopted(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """C and C++: a directory of a name others can guess is made in a shared one, and taken over when it is there."""
    done = set()
    for site in facts.reached:
        if site.call.name not in _MAKES_FOLDER or site.unit.language is ir.Language.PYTHON or site.spot in done:
            continue
        tolerated = site.is_discarded or any(
            isinstance(e, ir.Name) and e.name in {"EEXIST", "ERROR_ALREADY_EXISTS"}
            for e in every_expression(site.function.body)
        )
        for invocation in sorted(site.invocations, key=repr):
            parts = invocation.pieces[0] if invocation.pieces else ()
            text = next((p.text for p in parts if p.text is not None and _SHARED.match(p.text)), None)
            shared = next((p.taint for p in parts if p.taint is not None and p.taint.kind == _FOLDER), None)
            if not tolerated or (text is None and shared is None) or _varies(invocation) or site.spot in done:
                continue
            done.add(site.spot)
            yield rule.no(
                f"{site.api.name} makes a directory whose name others can guess where they may write, and takes it as "
                "it is when it is there already.",
                at(site.spot),
                cwe=379,
                severity=Severity.MEDIUM,
                fix="mkdtemp, or refuse a directory that is there already and is not the program's own.",
                context=site.spot.function,
                condition=site.spot.condition,
            )


_FOLDER: Final = "shared directory temporary"


def _varies(invocation: Invocation) -> bool:
    """Whether something random is part of the name."""
    return any(
        p.text is None and p.taint is None and re.search(r"(?i)rand|uuid|guid|tmp", p.name) for p in invocation.parts
    )


def _makes_file(call: ir.Call) -> bool:
    """Whether a file is made that may have been there before."""
    if call.name in {"fopen", "freopen", "_wfopen", "std::fopen"}:
        mode = call.arguments[1] if len(call.arguments) > 1 else None
        text = mode.value if isinstance(mode, ir.Literal) and isinstance(mode.value, str) else ""
        return text[:1] in {"w", "a"} and "x" not in text
    words = {e.name for a in call.arguments for e in expressions(a) if isinstance(e, ir.Name)}
    return bool(words & set(_CREATES)) and not words & _NEW


_OPENS: Final = frozenset({"open", "io.open", "codecs.open"})
_WRITES: Final = frozenset({"write_text", "write_bytes", "touch"})


def _fixed_names(rule: Rule, facts: Facts, told: set[tuple[str, str]]) -> Iterator[Claim]:
    """Python: a file of a name others can guess is written in a directory that everybody can write to.

    ``told`` are the functions whose load of such a file is a claim already; one claim a function is enough.
    """
    done = set(told)
    for call, visit in facts.travels.calls.values():
        word = call.name.rpartition(".")[2]
        path = None
        if call.name in _OPENS and call.arguments and _for_writing(call):
            path = call.arguments[0]
        elif (word in _WRITES and call.receiver is not None) or (
            word == ("open") and call.receiver is not None and _for_writing(call, 0)
        ):
            path = call.receiver
        path = _made_if_missing(call, path)
        for named, at_visit in _as_named(facts, path, visit) if path is not None else ():
            text, whole = leading_text(named, at_visit.unit, at_visit.function)
            guessed = whole or _is_guessed(named, at_visit.function)
            where = {(one.unit.path, one.function.name) for one in (visit, at_visit)}
            if not _SHARED.match(text) or not guessed or where & done:
                continue
            done |= where
            spot = Spot(at_visit.unit.path, at_visit.statement.line, at_visit.function.name)
            yield rule.no(
                f'"{text}" is in a directory that everybody can write to; a link planted there leads the write '
                f"elsewhere.",
                Location.lines(visit.unit.path, call.line),
                cwe=377,
                fix="Write below a directory of the program's own, or create with O_EXCL and O_NOFOLLOW.",
                why=() if at_visit is visit else (step(spot, "the name is handed on", "call"),),
                context=visit.function.name,
            )
            break


_MAX_CALLERS: Final = 20


def _as_named(facts: Facts, path: ir.Expression, visit: Visit) -> Iterator[tuple[ir.Expression, Visit]]:
    """A path where it is written, and where callers write it, when it is a parameter."""
    yield path, visit
    names = [p.name for p in visit.function.parameters]
    if not isinstance(path, ir.Name) or path.name not in names or visit.function.owner:
        return
    position = names.index(path.name)
    callers = [
        (call, at_visit)
        for call, at_visit in facts.travels.calls.values()
        if call.name == visit.function.name and at_visit.unit is visit.unit
    ]
    for call, at_visit in callers[:_MAX_CALLERS]:
        given = call.arguments[position] if position < len(call.arguments) else dict(call.keywords).get(path.name)
        if given is not None:
            yield given, at_visit


_RANDOM: Final = re.compile(r"(?i)rand|uuid|guid|token|secret|nonce|salt|mkd?temp|mkstemp|Temporary")
_VARYING: Final = (ir.Name, ir.Call, ir.Member)


def _is_guessed(path: ir.Expression, function: ir.Function) -> bool:
    """Whether nothing random is in a name: a process number, a user's name and a version can all be guessed."""
    sought: list[ir.Expression] = [path]
    made: dict[str, ir.Expression] = {}
    for statement in statements(function.body.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name) and statement.value is not None:
            made.setdefault(statement.target.name, statement.value)
    for one in sought:  # each name is looked through once
        for part in expressions(one):
            if isinstance(part, _VARYING) and _RANDOM.search(part.name):
                return False
            if isinstance(part, ir.Name) and part.name in made:
                sought.append(made.pop(part.name))
    return True


def _made_if_missing(call: ir.Call, path: ir.Expression | None) -> ir.Expression | None:
    """The directory of ``mkdir(exist_ok=True)``, which may be somebody else's already; else the path as it is."""
    given = dict(call.keywords).get("exist_ok")
    if not isinstance(given, ir.Literal) or given.value is not True:
        return path
    if call.name == "os.makedirs" and call.arguments:
        return call.arguments[0]
    return call.receiver if call.name.rpartition(".")[2] == "mkdir" else path


def _for_writing(call: ir.Call, position: int = 1) -> bool:
    given = call.arguments[position] if len(call.arguments) > position else dict(call.keywords).get("mode")
    return isinstance(given, ir.Literal) and isinstance(given.value, str) and given.value[:1] in {"w", "a"}


RULE: Final = Rule(
    id="load-from-shared-tmp",
    question="Is nothing loaded from a place that others can write to?",
    practice=Practice.INTEGRITY,
    cwe=377,
    severity=Severity.HIGH,
    languages=ALL,
    why="A predictable name in a shared directory can be created by somebody else first; loading it runs their code.",
    fix="mkdtemp or a memory file.",
    bad='void *h = dlopen("/tmp/plugin.so", RTLD_NOW);\n',
    good='char dir[] = "/run/app-XXXXXX";\nif (!mkdtemp(dir)) return -1;\n',
    references=("https://cwe.mitre.org/data/definitions/377.html", "https://cwe.mitre.org/data/definitions/379.html"),
    answer=_answer,
)
