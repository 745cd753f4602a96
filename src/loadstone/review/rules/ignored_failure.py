"""Does a detected failure change what happens next?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.child_statuses import unread_statuses
from loadstone.review.rules.com_lifetimes import dropped_interfaces
from loadstone.review.rules.error_codes import unread_codes
from loadstone.review.rules.left_out import left_out
from loadstone.review.rules.lookups import filled_names, looked_up, word
from loadstone.review.rules.lost_statuses import lost_statuses, returned_by_type
from loadstone.review.rules.passed_over import passed_over
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.thrown_through_c import thrown_through_c
from loadstone.review.rules.untested_descriptors import untested_descriptors
from loadstone.review.walk import expressions, kept, tops

__all__ = ["RULE"]

_ROLES: Final = frozenset({ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.UNLOAD})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    loading = _loading(facts)
    through = _called_through(facts)
    for unit in facts.program.units:
        if unit.language not in NATIVE:
            continue
        good: list[int] = []
        yield from _passed_over(rule, facts, unit)
        yield from _let_out(rule, facts, unit)
        yield from _left_out(rule, unit)
        yield from _lost(rule, facts, unit)
        yield from _blind(rule, unit)
        for function in unit.functions:
            yield from _dropped(rule, facts, unit, function)
            yield from _begun_blindly(rule, facts, unit, function, through.get((unit.path, function.name), set()))
            yield from _ended_unseen(rule, unit, function)
            yield from _code_unread(rule, facts, unit, function)
            yield from _interface_unasked(rule, unit, function)
            for statement in _statements(function.body):
                if isinstance(statement, ir.Try):
                    yield from _handlers(rule, unit, function, statement, good, loading)
                elif isinstance(statement, ir.If):
                    yield from _empty_branch(rule, unit, function, statement)
        if good:
            yield rule.yes(
                Share(
                    "handler of load errors",
                    "reports, raises, returns or falls back",
                    "report, raise, return or fall back",
                    "handlers of load errors",
                    alone=True,
                ),
                Location.lines(unit.path, good[0]),
                lines=", ".join(map(str, good)),
                met=len(good),
                sites=len(good),
                places=tuple(Location.lines(unit.path, line) for line in good),
            )


def _dropped(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``make(id, &object); object->run();``: a library's own status is dropped, and what it was to give is used."""
    mine = looked_up(facts, function)
    for block in (s for s in _statements(function.body) if mine and isinstance(s, ir.Block)):
        waiting: dict[str, int] = {}
        for statement in block.body:
            for name, line in [*waiting.items()]:
                if _asks(statement, name):
                    del waiting[name]
                elif _reads_through(statement, name):
                    del waiting[name]
                    yield rule.no(
                        f"The status of the call at line {line} is dropped; {name}, which it was to fill, is used at "
                        f"line {statement.line}.",
                        Location.lines(unit.path, statement.line),
                        cwe=252,
                        fix="Test the status, or what was to be filled, before going on.",
                        why=(
                            FlowStep(Location.lines(unit.path, line), "the status is dropped", "acquire"),
                            FlowStep(Location.lines(unit.path, statement.line), "used", "use"),
                        ),
                        context=function.name,
                        condition=function.condition,
                    )
            if isinstance(statement, ir.Assign) and statement.declares and word(statement.value) in waiting:
                waiting[word(statement.target)] = waiting[word(statement.value)]  # another name for it
            call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            if isinstance(call, ir.Call) and call.receiver is None and word(call.function) in mine:
                waiting.update({n: call.line for a in call.arguments if (n := _taken(a))})


def _let_out(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A C++ function that a library calls through C throws, and nothing in it catches that."""
    for thrown in thrown_through_c(facts, unit):
        place, handed = (Location.lines(unit.path, line) for line in (thrown.line, thrown.handed))
        yield rule.no(
            f"{last_word(thrown.function.name)} is given to a library at line {thrown.handed} and throws here "
            f"({thrown.what}); the exception runs through the library's C frames.",
            place,
            cwe=248,
            fix="Catch everything in the function, and tell the library of the failure by what it returns.",
            why=(FlowStep(handed, "given to the library", "call"), FlowStep(place, "thrown, and not caught", "use")),
            context=thrown.function.name,
            condition=thrown.function.condition,
        )


def _left_out(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """A step of a decision that cannot be asked is passed over."""
    for found in left_out(unit):
        place, asked = (Location.lines(unit.path, line) for line in (found.line, found.asked))
        yield rule.no(
            f"Where {found.step} is not there, the decision is made without it; who can keep it from being loaded is "
            "rid of its refusal.",
            place,
            cwe=636,
            fix="Refuse when a step cannot be asked.",
            why=(FlowStep(place, "left out", "test"), FlowStep(asked, "would have been asked", "use")),
            context=found.function.name,
            condition=found.function.condition,
        )


def _lost(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``bind(module, path); module->start();``: whether the library was loaded counts for nothing."""
    for found in lost_statuses(facts, unit):
        yield rule.no(
            found.why,
            Location.lines(unit.path, found.line),
            cwe=252,
            fix="Test it before going on.",
            context=found.function.name,
            condition=found.function.condition,
        )


def _blind(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """``log = open_log(name); dup2(log, 2);``: nobody asks whether there is a descriptor."""
    for found in untested_descriptors(unit):
        given, used = (Location.lines(unit.path, line) for line in (found.given, found.used))
        yield rule.no(
            f"{found.name}, which {found.giver} may have given as -1 at line {found.given}, is used; nothing asks "
            "about it, or about the call that uses it.",
            used,
            cwe=252,
            fix="Test the descriptor first.",
            why=(FlowStep(given, "may have failed", "acquire"), FlowStep(used, "used as if it had not", "use")),
            context=found.function.name,
            condition=found.function.condition,
        )


def _ended_unseen(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``waitpid(pid, &status, 0);`` and no word of the status: whether the compiler worked stays unknown."""
    for line, message in unread_statuses(function):
        yield rule.no(
            message,
            Location.lines(unit.path, line),
            cwe=252,
            fix="Go on only if WIFEXITED(status) and WEXITSTATUS(status) == 0.",
            context=function.name,
            condition=function.condition,
        )


def _code_unread(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``real = canonical(path, ec); dlopen(real.c_str(), ...)``: an empty path opens the program itself."""
    for found in unread_codes(facts, function):
        made, used = Location.lines(unit.path, found.line), Location.lines(unit.path, found.loaded)
        yield rule.no(
            f"Nobody reads the error code of {found.name}; when it fails, an empty path is loaded.",
            used,
            cwe=252,
            fix="Test the error code, or call the form that throws.",
            why=(FlowStep(made, "the path is empty when this fails", "acquire"), FlowStep(used, "loaded", "use")),
            context=function.name,
            condition=function.condition,
        )


def _interface_unasked(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    """``get(clsid, IID_PPV_ARGS(&factory)); factory->CreateInstance(...)``: null when the class is not there."""
    for name, dropped, used in dropped_interfaces(function):
        given, place = Location.lines(unit.path, dropped), Location.lines(unit.path, used)
        yield rule.no(
            f"The status of the call at line {dropped} is dropped; {name}, which it was to fill, is used at line "
            f"{used}.",
            place,
            cwe=252,
            fix="Go on only if SUCCEEDED says so.",
            why=(FlowStep(given, "the status is dropped", "acquire"), FlowStep(place, "used", "use")),
            context=function.name,
            condition=function.condition,
        )


def _passed_over(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """``if (!handle) continue;``: what cannot be loaded is missing from the table, and nobody learns of it."""
    for found in passed_over(facts, unit):
        yield rule.no(
            f"What {last_word(found.load.name)} at line {found.load.line} cannot load is passed over: nothing tells, "
            "counts or returns that it failed.",
            Location.lines(unit.path, found.line),
            cwe=391,
            severity=Severity.LOW,
            fix="Tell why (dlerror), or count the failures and return them.",
            context=found.function.name,
            condition=found.function.condition,
        )


_BEGINS: Final = re.compile(
    r"(?i)(?:\A|_)(?:pfn|fn|p)?_?(?:init|set_?up|start|open|begin|attach|register|prepare|configure|boot)"
)
_STATUS: Final = re.compile(
    r"\A(?:int|bool|BOOL|HRESULT|gboolean|NTSTATUS|LONG|status_t|\w*_status\w*|\w+_result\w*)\Z"
)


def _called_through(facts: Facts) -> dict[tuple[str, str], set[int]]:
    """The lines where each function, by its file and name, calls what a lookup gave."""
    found: dict[tuple[str, str], set[int]] = {}
    for site in (s for s in facts.reached if s.api.role is ApiRole.RESOLVE):
        for use in (u for u in site.uses if u.how == "call"):
            found.setdefault((use.spot.path, use.spot.function), set()).add(use.spot.line)
    return found


def _begun_blindly(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, called: set[int]) -> Iterator[Claim]:
    """``setup(arguments);``: a library says whether it could be set up, and nobody listens.

    ``called`` are the lines of the function that call what a lookup gave.
    """
    types = {m.name: m.type for c in unit.classes for m in c.members}
    for statement in _statements(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            types[statement.target.name] = statement.type
    for statement in _statements(function.body):
        call = statement.expression if isinstance(statement, ir.Evaluate) and not statement.discards else None
        if not isinstance(call, ir.Call) or not _BEGINS.search(name := word(call.function)):
            continue
        is_kept = isinstance(call.function, ir.Member) and name in filled_names(facts, unit)
        if call.line not in called and (not is_kept or _is_optional(function, name)):
            continue
        given = returned_by_type(unit, types.get(name, ""))
        if _STATUS.match(given) or (given != "void" and given in _judged_types(facts, unit)):
            yield rule.no(
                f"The status of {name}, which sets the library up, is dropped.",
                Location.lines(unit.path, call.line),
                cwe=252,
                fix="Test it, and close the library when it failed.",
                context=function.name,
                condition=function.condition,
            )


@kept
def _judged_types(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """What functions of the library return that the file compares with a number: whatever it is called, a status."""
    types = {m.name: m.type for c in unit.classes for m in c.members} | {v.name: v.type for v in unit.variables}
    names = filled_names(facts, unit)
    found: set[str] = set()
    for function in unit.functions:
        for part in every_expression(function.body):
            if isinstance(part, ir.Operation) and part.operator in {"==", "!="} and len(part.operands) == 2:
                called = next((c for o in part.operands if isinstance(c := uncast(o), ir.Call)), None)
                if called is not None and word(called.function) in names:
                    found.add(returned_by_type(unit, types.get(word(called.function), "")))
    return frozenset(kind for kind in found if kind and "*" not in kind)


def _is_optional(function: ir.Function, name: str) -> bool:
    """Whether the function asks if a library has it, and does without it."""
    deciding = (s.condition for s in _statements(function.body) if isinstance(s, ir.If))
    return any(word(e) == name for condition in deciding for e in expressions(condition))


def _taken(argument: ir.Expression) -> str:
    """The variable whose address is given."""
    bare = uncast(argument)
    is_address = isinstance(bare, ir.Operation) and bare.operator == "address"
    return word(bare.operands[0]) if is_address and isinstance(bare, ir.Operation) else ""


def _asks(statement: ir.Statement, name: str) -> bool:
    """Whether a statement decides by the name itself; what is reached through it (``name->run()``) is a use."""
    deciding = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
    parts = [*expressions(deciding)]
    through = {id(uncast(e.base)) for e in parts if isinstance(e, ir.Member) and e.through}
    return any(word(e) == name and id(e) not in through for e in parts)


def _reads_through(statement: ir.Statement, name: str) -> bool:
    return any(
        isinstance(e, ir.Member) and e.through and word(e.base) == name
        for top in tops(statement)
        for e in expressions(top)
    )


def _loading(facts: Facts) -> frozenset[str]:
    """The functions of the program that load, look up or close something themselves, by their last word."""
    native = (unit for unit in facts.program.units if unit.language in NATIVE)
    return frozenset(
        last_word(f.name) for unit in native for f in unit.functions if any(_is_ours(c.name) for c in calls_in(f.body))
    )


def _handlers(
    rule: Rule, unit: ir.Unit, function: ir.Function, statement: ir.Try, good: list[int], loading: frozenset[str]
) -> Iterator[Claim]:
    called = next((c for c in calls_in(statement.body) if _is_ours(c.name) or last_word(c.name) in loading), None)
    ends = bool(statement.body.body) and isinstance(statement.body.body[-1], ir.Return)
    if called is None or ends or last_word(function.name).startswith("~"):
        return  # what follows runs only where it failed, as another attempt; a destructor lets nothing out
    for handler in statement.handlers:
        if _does_nothing(handler.body):
            yield rule.no(
                (
                    f"A failure of {called.name} (line {called.line}) is caught at line "
                    f"{handler.line} and dropped; what follows runs as if it had worked."
                ),
                Location.lines(unit.path, handler.line),
                context=function.name,
                condition=function.condition,
            )
        else:
            good.append(handler.line)


def _is_ours(name: str) -> bool:
    api = tables().get(name)
    return api is not None and api.role in _ROLES


def _does_nothing(block: ir.Block) -> bool:
    for statement in block.body:
        if isinstance(statement, ir.Evaluate) and isinstance(statement.expression, ir.Literal):
            continue
        return False
    return True


def _empty_branch(rule: Rule, unit: ir.Unit, function: ir.Function, statement: ir.If) -> Iterator[Claim]:
    """``if (!handle) { }``: the failure is seen and nothing is done about it."""
    condition = statement.condition
    negated = isinstance(condition, ir.Operation) and (
        condition.operator == "!"
        or (condition.operator == "==" and any(isinstance(o, ir.Literal) and not o.value for o in condition.operands))
    )
    if (
        not negated
        or not isinstance(condition, ir.Operation)
        or statement.otherwise is not None
        or not _only_talks(statement.then)
    ):
        return
    subject = condition.operands[0]
    name = subject.name if isinstance(subject, ir.Name) else ""
    if name and name in _results_of(function):
        yield rule.no(
            f"Line {statement.line} sees that {name} failed and continues as if it had succeeded.",
            Location.lines(unit.path, statement.line),
            context=function.name,
            condition=function.condition,
        )


def _only_talks(block: ir.Block) -> bool:
    return not block.body


def _results_of(function: ir.Function) -> set[str]:
    found = set()
    for statement in _statements(function.body):
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Name):
            value: ir.Expression | None = statement.value
            while isinstance(value, ir.Cast):
                value = value.operand
            if isinstance(value, ir.Call) and _is_ours(value.name):
                found.add(statement.target.name)
    return found


def _statements(block: ir.Block) -> Iterator[ir.Statement]:
    stack: list[ir.Statement] = [block]
    while stack:
        statement = stack.pop()
        yield statement
        match statement:
            case ir.Block(body=body):
                stack.extend(reversed(body))
            case ir.If(then=then, otherwise=otherwise):
                stack.extend(b for b in (otherwise, then) if b is not None)
            case ir.Loop(body=body) | ir.With(body=body):
                stack.append(body)
            case ir.Switch(cases=cases):
                stack.extend(c.body for c in reversed(cases))
            case ir.Try():
                stack.extend(h.body for h in statement.handlers)
                stack.extend(b for b in (statement.final, statement.otherwise, statement.body) if b is not None)


RULE: Final = Rule(
    id="ignored-failure",
    question="Does a detected failure change what happens next?",
    practice=Practice.ERROR_HANDLING,
    cwe=390,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="A failure that is caught and dropped comes back later as a crash with no trace of its cause.",
    fix="Return, retry or fall back.",
    bad="void *h = dlopen(path, RTLD_NOW);\nif (!h) {\n}\n",
    good="void *h = dlopen(path, RTLD_NOW);\nif (!h) {\n    return report(dlerror());\n}\n",
    references=("https://cwe.mitre.org/data/definitions/390.html",),
    answer=_answer,
)
