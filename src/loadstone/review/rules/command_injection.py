"""Are tools called without a shell, by their own path, and with names that cannot be options?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from loadstone.core.claims import Claim, Finding, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Invocation, Part, Site
from loadstone.review.analyses.folding import leading_text
from loadstone.review.analyses.travel import Shape, SinkKind
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.arrivals import WEAK, by_sink, from_where, steps
from loadstone.review.rules.one_text_commands import RUNS, SHELLS, commands_in_one_text
from loadstone.review.rules.origins import begun_by, weighed
from loadstone.review.rules.places import ALL, NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_SPACED: Final = re.compile(
    r"\s*[A-Za-z]:\\[^\"\s]*(?<!\.exe)(?<!\.com)(?<!\.bat)(?<!\.cmd)[ \t][^\"]*\\", re.IGNORECASE
)
"""A path whose first word ends before the path does."""

_INSERTED: Final = re.compile(r"\s*%l?s(?:[\\/\s]|\Z)", re.IGNORECASE)
"""A layout that begins with a path of the program's making, unquoted."""

_LINE: Final = re.compile(r"[A-Za-z]:[\\/][^\"]* [^\"]*(?:[\\/]|\.(?:exe|com|bat|cmd)\b)", re.IGNORECASE)
"""A command line that begins with a path with a space in it, and no quote before."""

_PROGRAM: Final = re.compile(r"\.(?:exe|com|bat|cmd)\b", re.IGNORECASE)
_DIRECTORY_AND_NAME: Final = 2

_QUOTED: Final = frozenset({"shlex.quote", "pipes.quote"})
_OPTION_TOOLS: Final = frozenset(
    {"ldd", "nm", "objdump", "readelf", "strings", "file", "patchelf", "otool", "dlltool", "gcc", "cc"}
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    injected = set()
    for arrival, unchecked in by_sink(facts, SinkKind.COMMAND):
        if unchecked and arrival.source.kind not in WEAK:
            injected.add((arrival.sink.spot.path, arrival.sink.spot.line))
            yield rule.no(
                f"What comes from {from_where(arrival)} becomes part of a command that a shell reads.",
                at(arrival.sink.spot),
                severity=weighed(Severity.HIGH, arrival.source.kind, facts, ir.Language.PYTHON),
                why=steps(arrival, f"{arrival.sink.name} gives it to a shell"),
                context=arrival.sink.spot.function,
                condition=arrival.sink.spot.condition,
            )
    yield from _programs(rule, facts)
    yield from _options(rule, facts)
    for unit in facts.program.units:
        yield from commands_in_one_text(rule, facts, unit)
    for site in (s for s in facts.reached if s.api.role is ApiRole.COMMAND):
        said = [claim for v in sorted(site.invocations, key=repr) for claim in _one(rule, site, v, facts)]
        yield from _worst(said, injected=(site.spot.path, site.spot.line) in injected)
        if site.unit.language is ir.Language.PYTHON and site.api.kind in {"list", "shell"}:
            yield from _line(rule, site)


def _programs(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Python: ``run([request.args["tool"], "-v"])``, ``run([f"/opt/{name}"])``: somebody else names the program."""
    for arrival, unchecked in by_sink(facts, SinkKind.PROGRAM):
        if unchecked and arrival.source.kind in _OTHERS and arrival.shape in {Shape.WHOLE, Shape.JOINED, Shape.PART}:
            yield rule.no(
                f"What comes from {from_where(arrival)} says which program is started.",
                at(arrival.sink.spot),
                fix="Look the name up in a table of the programs that may be started.",
                why=steps(arrival, f"{arrival.sink.name} starts it"),
                context=arrival.sink.spot.function,
                condition=arrival.sink.spot.condition,
            )


_SENT: Final = frozenset({"network", "file or terminal", "another process", "file"})


def _options(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``run(["strip", upload.filename])``: a name that begins with a dash is an option of the tool."""
    for arrival, unchecked in by_sink(facts, SinkKind.OPTION):
        sent = unchecked and arrival.source.kind in _SENT and arrival.shape is Shape.WHOLE
        if sent and not any(kind == "no option" for kind, _ in arrival.asked):
            yield rule.no(
                f"What comes from {from_where(arrival)} may begin with a dash, and is an option of the tool then.",
                at(arrival.sink.spot),
                cwe=88,
                severity=Severity.MEDIUM,
                fix="Put -- before the name, or ./ in front of it.",
                why=steps(arrival, f"{arrival.sink.name} hands it on"),
                context=arrival.sink.spot.function,
                condition=arrival.sink.spot.condition,
            )


def _worst(claims: list[Claim], *, injected: bool) -> Iterator[Claim]:
    """What is said of one call: of a command that others may write, who finds its program is the smaller question."""
    injected = injected or any(isinstance(c, Finding) and c.cwe == _INJECTION for c in claims)
    yield from (c for c in claims if not (injected and isinstance(c, Finding) and c.cwe == _SEARCHED))


_INJECTION: Final = 78
_SEARCHED: Final = 426


def _line(rule: Rule, site: Site) -> Iterator[Claim]:
    """Windows takes a text apart at its blanks: of ``C:/Program Files/x.exe`` it tries ``C:/Program.exe`` first."""
    if not site.call.arguments or isinstance(site.call.arguments[0], ir.Display):
        return
    named = {key for key, _ in site.call.keywords}
    text, _ = leading_text(site.call.arguments[0], site.unit, site.function)
    unquoted = _WINDOWS.search(site.unit.text) and "shell" not in named and _begins_with_path(site.call.arguments[0])
    if "executable" not in named and (_LINE.match(text) or unquoted):
        yield rule.no(
            "The path in the command line may have a space and has no quotes, so a shorter program name is tried first."
            if unquoted
            else "The path in the command line has a space and no quotes, so a shorter program name is tried first.",
            at(site.spot),
            cwe=428,
            severity=Severity.MEDIUM,
            fix="Pass a list whose first item is the program.",
            context=site.spot.function,
        )


_WINDOWS: Final = re.compile(r"\b(?:winreg|WinDLL|windll|win32api|ProgramFiles)\b")


def _begins_with_path(line: ir.Expression) -> bool:
    """``f"{path} --quiet"``, ``exe + " --quiet"``: a text that begins with what is put in, and goes on with a blank."""
    bare = uncast(line)
    if not isinstance(bare, ir.Operation) or bare.operator not in {"format", "+"} or len(bare.operands) < 2:
        return False
    first, second = map(uncast, bare.operands[:2])
    behind = second.value if isinstance(second, ir.Literal) else None
    return isinstance(first, ir.Name | ir.Member | ir.Item) and isinstance(behind, str) and behind.startswith(" ")


def _one(rule: Rule, site: Site, invocation: Invocation, facts: Facts) -> Iterator[Claim]:
    constants = [p.text for p in invocation.parts if p.text is not None]
    chosen = _chosen(site, invocation) if site.unit.language in NATIVE and site.api.kind != "shell" else None
    if chosen is not None:
        yield _started(rule, site, chosen, facts)
        return
    if site.api.kind == "command line":
        yield from _command_line(rule, site, invocation, constants)
        return
    shell = site.api.kind == "shell" or any(
        k == "shell" and isinstance(v, ir.Literal) and v.value for k, v in site.call.keywords
    )
    variable = [
        p
        for p in invocation.parts
        if p.text is None and (p.taint is not None or p.name) and not _is_quoted(site) and not _is_made_here(p)
    ]
    read = _read_by_shell(invocation) if site.api.kind in {"searched", "direct"} else None
    if read is not None:
        yield _injection(rule, site, [read], facts)
    elif shell and variable and (len(invocation.parts) > 1 or variable[0].taint is not None):
        yield _injection(rule, site, variable, facts)
    elif shell and constants and not variable and site.api.kind == "shell" and _is_bare(constants[0]):
        yield rule.no(
            f'The shell looks for "{constants[0].split()[0]}" along PATH, which whoever starts the program sets.',
            at(site.spot),
            cwe=426,
            severity=weighed(Severity.MEDIUM, "environment", facts, site.unit.language),
            fix="Name the tool by its absolute path.",
            context=site.spot.function,
        )
    elif site.api.kind in {"searched", "direct"} and _takes_as_option(site, invocation, facts):
        yield rule.no(
            f"A name that starts with - is an option to {constants[0] if constants else 'the program'}.",
            at(site.spot),
            cwe=88,
            severity=Severity.MEDIUM,
            fix="Put -- before the name, or ./ in front of it.",
            context=site.spot.function,
        )
    elif site.api.kind == "searched" and constants and _is_bare(constants[0]):
        yield rule.no(
            f'"{constants[0]}" is looked for along PATH, which whoever starts the program sets.',
            at(site.spot),
            cwe=426,
            severity=weighed(Severity.MEDIUM, "environment", facts, site.unit.language),
            fix="Name the tool by its absolute path.",
            context=site.spot.function,
        )
    elif site.api.kind == "list" and not shell and constants:
        tool = constants[0].rpartition("/")[2]
        if tool in _OPTION_TOOLS and variable and "--" not in constants and _begins_itself(site):
            yield rule.no(
                f"A name that starts with - is an option to {tool}.",
                at(site.spot),
                cwe=88,
                severity=Severity.MEDIUM,
                fix="Put -- before the name; never run ldd on files you do not trust.",
                context=site.spot.function,
            )
        elif variable:
            yield rule.yes(
                "The tool is started without a shell, its arguments apart", at(site.spot), context=site.spot.function
            )


_OTHERS: Final = frozenset({"network", "another process"})
"""Sources of somebody else: who starts an own program may choose what it starts."""


def _chosen(site: Site, invocation: Invocation) -> Part | None:
    """What somebody else sent, where it begins the name of the program that is started."""
    begins = begun_by(site, invocation, invocation.parts, _OTHERS)
    number = site.api.symbol
    if begins is None and number is not None and number < len(invocation.pieces):
        return begun_by(site, invocation, invocation.pieces[number], _OTHERS)
    return begins


def _started(rule: Rule, site: Site, part: Part, facts: Facts) -> Claim:
    assert part.taint is not None
    return rule.no(
        f"What comes from {'the network' if part.taint.kind == 'network' else part.taint.kind} (line "
        f"{part.taint.spot.line}) says which program is started.",
        at(site.spot),
        cwe=78,
        severity=weighed(Severity.HIGH, part.taint.kind, facts, site.unit.language),
        fix="Look the name up in a table of the programs that may be started.",
        why=(
            step(part.taint.spot, f"read from the {part.taint.kind}", "taint"),
            step(site.spot, f"{site.api.name} starts it", "use"),
        ),
        context=site.spot.function,
        condition=site.spot.condition,
    )


def _is_made_here(part: Part) -> bool:
    """The name of a temporary file: others may take it first, but none of its characters is theirs."""
    return part.taint is not None and part.taint.kind == "predictable temporary"


def _read_by_shell(invocation: Invocation) -> Part | None:
    """What comes from outside into the command of a shell that is the program: ``execl("/bin/sh", "sh", "-c", x)``.

    The items of an array follow each other as the pieces of a text do: a text is joined with what comes next where it
    ends as the beginning of one does.
    """
    given = [(number, part) for number, group in enumerate(invocation.pieces) for part in group]
    is_shell = False
    for position, (_, part) in enumerate(given):
        is_shell = is_shell or bool(part.text and SHELLS.search(part.text))
        if is_shell and part.text in RUNS:
            behind = given[position + 1 :]
            break
    else:
        return None
    for number, part in behind:
        if part.taint is not None or number != behind[0][0]:
            return part if part.taint is not None and number == behind[0][0] else None
        if part.text is None or not part.text.endswith((" ", "=", "/")):
            return None
    return None


def _begins_itself(site: Site) -> bool:
    """Whether an argument begins with what is put in; behind a directory of the program's it is no option."""
    listed = uncast(site.call.arguments[0]) if site.call.arguments else None
    if not isinstance(listed, ir.Display):
        return True
    given = [item for item in listed.items[1:] if not isinstance(uncast(item), ir.Literal)]
    return any(not leading_text(item, site.unit, site.function)[0] for item in given)


def _command_line(rule: Rule, site: Site, invocation: Invocation, constants: list[str]) -> Iterator[Claim]:
    """Windows parts a command line at its spaces, and tries a program at each of them (CreateProcess, Remarks)."""
    given = invocation.arguments
    named = site.api.symbol is not None and site.api.symbol < len(given) and given[site.api.symbol]
    if named and named != (("constant", None),):
        return
    layout = next((text for text in constants if text.strip()), "")
    if _SPACED.match(layout):
        message = "The path in the command line has spaces and no quotes, so a shorter program name is tried first."
    elif _INSERTED.match(layout) or _begins_unquoted(invocation):
        message = "A path is put into the command line unquoted; where it has a space, another program is started."
    else:
        return
    yield rule.no(
        message,
        at(site.spot),
        cwe=428,
        severity=Severity.MEDIUM,
        fix="Quote the path or pass the application name separately.",
        context=site.spot.function,
        condition=site.spot.condition,
    )


def _begins_unquoted(invocation: Invocation) -> bool:
    """Whether a line is put together from a directory of the program's making and a name behind it, with no quote."""
    if len(invocation.parts) < _DIRECTORY_AND_NAME:
        return False
    first, second = invocation.parts[:_DIRECTORY_AND_NAME]
    named = [*takewhile(lambda part: part.text is None, invocation.parts)]
    after = invocation.parts[len(named)].text or "" if named and len(named) < len(invocation.parts) else ""
    if after.startswith(" ") and not any(re.search(r"(?i)quot|esc", part.name) for part in named):
        return True  # a path alone, or a directory and a name, and its arguments behind it
    behind = second.text or ""
    return first.text is None and behind.startswith(("\\", "/")) and bool(_PROGRAM.search(behind)) and '"' not in behind


def _takes_as_option(site: Site, invocation: Invocation, facts: Facts) -> bool:
    """Whether a name from outside stands among the options of a program, where it can be one itself."""
    if site.unit.language is ir.Language.PYTHON:
        return False
    words = {p.text for pieces in invocation.pieces for p in pieces if p.text}
    valued = {w for w in words if w.startswith("-")} - {"--"} if "--" in words else _WITH_VALUE
    seen_option, before = False, ""
    for pieces in invocation.pieces[1:]:
        texts = [p.text for p in pieces if p.text is not None]
        if texts and (texts[0] == "--" or (_is_shell(invocation) and texts[0] in RUNS)):
            return False  # behind a command of its own, a shell takes names for what they are
        is_name = pieces and not texts and (pieces[0].name or pieces[0].taint is not None)
        if seen_option and is_name and before not in valued and not _is_callers(site, pieces[0], facts):
            return True
        before = texts[0] if texts else ""
        seen_option = seen_option or before.startswith("-")
    return False


def _is_shell(invocation: Invocation) -> bool:
    return any(part.text and SHELLS.search(part.text) for group in invocation.pieces[:2] for part in group)


_WITH_VALUE: Final = frozenset({"-o", "--output"})
"""Options that take what follows them, whatever it begins with (POSIX, Utility Syntax Guidelines 6 and 7)."""


def _is_callers(site: Site, piece: Part, facts: Facts) -> bool:
    """Whether a name is a parameter that callers in the same file give: it is asked about with what they give."""
    function = site.function
    own = not site.is_inner and function.local and any(p.name == piece.name for p in function.parameters)
    return own and facts.is_called(function.name)


def _injection(rule: Rule, site: Site, variable: list[Part], facts: Facts) -> Claim:
    part = variable[0]
    steps = (step(part.taint.spot, f"read from the {part.taint.kind}", "taint"),) if part.taint is not None else ()
    return rule.no(
        f"{part.name or 'A value'} becomes part of a command that a shell reads.",
        at(site.spot),
        cwe=78,
        severity=weighed(Severity.HIGH, part.taint.kind, facts, site.unit.language)
        if part.taint is not None
        else Severity.MEDIUM,
        why=(*steps, step(site.spot, f"{site.api.name} gives it to a shell", "use")),
        context=site.spot.function,
        condition=site.spot.condition,
    )


def _is_bare(command: str) -> bool:
    first = command.split(maxsplit=1)[0] if command.split() else ""
    return bool(first) and "/" not in first and "\\" not in first


def _is_quoted(site: Site) -> bool:
    stack: list[ir.Expression] = list(site.call.arguments)
    for _ in range(200):
        if not stack:
            return False
        current = stack.pop()
        if isinstance(current, ir.Call):
            if current.name in _QUOTED:
                return True
            stack.extend(current.arguments)
        elif isinstance(current, ir.Operation):
            stack.extend(current.operands)
    return False


RULE: Final = Rule(
    id="command-injection",
    question="Are tools called without a shell, by their own path, with names that cannot be options?",
    practice=Practice.INPUT_VALIDATION,
    cwe=78,
    severity=Severity.HIGH,
    languages=ALL,
    why=(
        "A library's name can hold ; and spaces. A shell runs what follows; and ldd may run the file it is asked about."
    ),
    fix="A list of arguments, no shell, -- before names, the tool by its absolute path.",
    bad='snprintf(cmd, sizeof cmd, "ldd %s", path);\nsystem(cmd);\n',
    good='char *argv[] = {"/usr/bin/readelf", "-d", "--", path, NULL};\nexecv(argv[0], argv);\n',
    references=("https://cwe.mitre.org/data/definitions/78.html", "https://man7.org/linux/man-pages/man1/ldd.1.html"),
    answer=_answer,
)
