"""Does a failed verification, or a missing one, keep code from being loaded?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple, words_in
from loadstone.review.analyses.mentions import module_value, values_given
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.keyed_digests import about_keyed_digests
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.python_proofs import answers_of_three, prefixes_alone, read_again
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.verification_off import DIGEST, VERIFIES, off_by_default, speaks_of_digests
from loadstone.review.rules.verifying_tools import dropped_tool_verdicts
from loadstone.review.walk import calls, expressions, statements, tops

__all__ = ["RULE"]

_MAC: Final = re.compile(r"(?i)(?:\A|_)mac(?:\Z|_)")
_WEAK: Final = {
    "zlib.crc32": "CRC-32", "zlib.adler32": "Adler-32", "binascii.crc32": "CRC-32", "binascii.crc_hqx": "CRC",
    "hashlib.md5": "MD5", "hashlib.sha1": "SHA-1",
}  # fmt: skip
_STRONG: Final = re.compile(
    r"hashlib\.(?:sha2|sha3|sha5|blake|file_digest|new)|hmac\.|\.verify|gnupg|nacl|cryptography|sigstore"
)
_RAISING: Final = frozenset({"verify", "verify_file", "verify_data", "check_signature", "verify_signature", "unsign"})
_REFUSES: Final = re.compile(r"(?i)signature|verification|verify|badsig|integrity|tamper|untrusted|digest")
"""Methods that raise when what they are given is not genuine, and what they raise. Source: cryptography, PyNaCl."""

_TALKS: Final = frozenset({"warning", "warn", "info", "debug", "error", "exception", "print", "log", "critical"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    tuples = _tuple_returns(facts)
    for visit in facts.travels.visits:
        if isinstance(visit.statement, ir.Try):
            yield from _swallowed(rule, visit, visit.statement)
            yield from _refusal_told(rule, facts, visit, visit.statement)
            yield from _missing_is_good(rule, visit, visit.statement)
        if isinstance(visit.statement, ir.If):
            yield from _goes_on(rule, visit, visit.statement)
            yield from _missing_passes(rule, visit, visit.statement)
            yield from _cut_short(rule, visit, visit.statement)
        yield from _always_true(rule, facts, visit, tuples)
        yield from _never_refuses(rule, visit)
    yield from _dropped_verdicts(rule, facts)
    yield from dropped_tool_verdicts(rule, facts)
    yield from about_keyed_digests(rule, facts)
    yield from read_again(rule, facts)
    for unit in (u for u in facts.program.units if u.language is ir.Language.PYTHON):
        yield from answers_of_three(rule, facts, unit)
        yield from prefixes_alone(rule, unit)
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON and unit.functions and speaks_of_digests(unit):
            yield from _weak(rule, facts, unit)
            yield from off_by_default(rule, unit)


def _missing_is_good(rule: Rule, visit: Visit, statement: ir.Try) -> Iterator[Claim]:
    """``except FileNotFoundError: return True``, of a function that says whether something is genuine."""
    if not _OF_ORIGIN.search(simple(visit.function.name)):
        return
    for handler in statement.handlers:
        last = handler.body.body[-1] if handler.body.body else None
        value = uncast(last.value) if isinstance(last, ir.Return) and last.value is not None else None
        if last is not None and isinstance(value, ir.Literal) and value.value is True:
            yield _no(
                rule,
                visit,
                last.line,
                f"{simple(visit.function.name)} answers yes when what it compares with cannot be read.",
                345,
                "Refuse what cannot be verified.",
            )


def _never_refuses(rule: Rule, visit: Visit) -> Iterator[Claim]:
    """``return digest == wanted or True``, of a function that is named after its verdict."""
    statement = visit.statement
    if not isinstance(statement, ir.Return) or not VERIFIES.search(simple(visit.function.name)):
        return
    value = uncast(statement.value)
    if isinstance(value, ir.Operation) and value.operator == "||":
        always = any(isinstance(o, ir.Literal) and o.value and not isinstance(o.value, str) for o in value.operands)
        if always and any(_compared(o, visit.function, "==", "!=") for o in value.operands):
            yield _no(
                rule,
                visit,
                statement.line,
                f"{simple(visit.function.name)} answers yes whatever the comparison says.",
                347,
                "Give back the outcome of the comparison itself.",
            )


def _dropped_verdicts(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """``self._verify(path)`` as a statement, where ``_verify`` says yes or no and never raises for a bad file."""
    names = facts.travels.names
    for routine in names.routines:
        for statement in statements(routine.function.body.body):
            call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
            if not isinstance(call, ir.Call):
                continue
            for called in names.called(routine, call):
                if _gives_verdict(called.function):
                    yield rule.no(
                        f"{simple(call.name)} says whether the file is good, and its result is ignored.",
                        Location.lines(routine.unit.path, call.line),
                        cwe=347,
                        fix="Refuse the file when the answer is no.",
                        context=routine.function.name,
                    )


def _gives_verdict(function: ir.Function) -> bool:
    """Whether a function gives the outcome of a comparison of digests, or of its own verification, as true or false."""
    given = [
        uncast(s.value) for s in statements(function.body.body) if isinstance(s, ir.Return) and s.value is not None
    ]
    if not given or not all(_is_truth(value) for value in given):
        return False
    compared = any(_compared(value, function, "==", "!=") or _refused_or_not(value) for value in given)
    denied = any(isinstance(value, ir.Literal) and value.value is False for value in given)
    return compared or (denied and bool(_OF_ORIGIN.search(simple(function.name))))


_OF_ORIGIN: Final = re.compile(r"(?i)verif|authent|trusted|signed|signature|integrity|digest|checksum")
"""What a function is named after that says where something comes from, or whether it was changed."""


def _is_truth(value: ir.Expression) -> bool:
    match value:
        case ir.Literal(value=bool()):
            return True
        case ir.Operation(operator=operator):
            return operator in {"==", "!=", "&&", "||", "!", "in", "not in", "<", "<=", ">", ">="}
        case ir.Call(name=name):
            return simple(name) == "compare_digest"
        case _:
            return False


def _refused_or_not(value: ir.Expression) -> bool:
    return any(isinstance(part, ir.Call) and simple(part.name) == "compare_digest" for part in expressions(value))


def _no(rule: Rule, visit: Visit, line: int, message: str, cwe: int, fix: str) -> Claim:
    return rule.no(message, Location.lines(visit.unit.path, line), cwe=cwe, fix=fix, context=visit.function.name)


def _compared(condition: ir.Expression, function: ir.Function, *operators: str) -> bool:
    """Whether a condition compares two values of which one is called a digest."""
    return any(
        isinstance(part, ir.Operation)
        and part.operator in operators
        and any(DIGEST.search(word) or _MAC.search(word) for word in (*words_in(part), *_made_by(part, function)))
        and not any(isinstance(operand, ir.Literal) for operand in part.operands)
        and not any(isinstance(uncast(o), ir.Call) and simple(uncast(o).name) == ("len") for o in part.operands)  # type: ignore[union-attr]
        for part in expressions(condition)
    )


def _goes_on(rule: Rule, visit: Visit, statement: ir.If) -> Iterator[Claim]:
    """``if digest != expected: log.warning(...)`` and on."""
    differs = _compared(statement.condition, visit.function, "!=") or _refused(statement.condition)
    if differs and statement.otherwise is None and _only_talks(statement.then):
        yield _no(
            rule,
            visit,
            statement.line,
            "A digest that differs is only reported; what follows uses the file all the same.",
            345,
            "Raise, and remove the file.",
        )


def _swallowed(rule: Rule, visit: Visit, statement: ir.Try) -> Iterator[Claim]:
    """A failed verification raises, and a handler around it says so and goes on."""
    raised = [
        inner
        for inner in statements(statement.body.body)
        if isinstance(inner, ir.If)
        and any(isinstance(s, ir.Raise) for s in inner.then.body)
        and _verifies(inner, visit)
    ]
    called = [c for c in calls(statement.body.body) if simple(c.name) in _RAISING]
    for handler in statement.handlers:
        named = any(_REFUSES.search(name) for name in handler.catches)
        passes = _only_talks(handler.body) or all(_is_nothing(s) for s in handler.body.body)
        if called and passes and (named or _is_last(called[0], statement)):
            yield _no(
                rule,
                visit,
                handler.line,
                f"{simple(called[0].name)} (line {called[0].line}) raises for a bad file; this only says so.",
                347,
                "Let the failure through, and remove the file.",
            )
        broad = not handler.catches or bool({"Exception", "BaseException"} & set(handler.catches))
        if raised and broad and (_only_talks(handler.body) or not handler.body.body):
            yield _no(
                rule,
                visit,
                handler.line,
                f"The verification at line {raised[0].line} raises, and this handler continues as if it had succeeded.",
                345,
                "Let the failure through, and remove the file.",
            )


def _refusal_told(rule: Rule, facts: Facts, visit: Visit, statement: ir.Try) -> Iterator[Claim]:
    """``try: check_seal(pack)`` where ``check_seal`` raises for a bad file, and a handler says so and goes on."""
    last = statement.body.body[-1] if statement.body.body else None
    call = uncast(last.expression) if isinstance(last, ir.Evaluate) else None
    if not isinstance(call, ir.Call) or statement.otherwise is not None:
        return
    routine = next((r for r in facts.travels.names.routines if r.function is visit.function), None)
    called = facts.travels.names.called(routine, call) if routine is not None else []
    if not any(_raises_for_bad(one.function) for one in called):
        return
    for handler in statement.handlers:
        if _only_talks(handler.body):
            yield _no(
                rule,
                visit,
                handler.line,
                f"{simple(call.name)} (line {call.line}) raises for a bad file; this only says so and goes on.",
                347,
                "Let the failure through, or leave the file out.",
            )


def _raises_for_bad(function: ir.Function) -> bool:
    """Whether a function compares digests, or verifies, and raises where they differ."""
    return any(
        isinstance(s, ir.If)
        and any(isinstance(inner, ir.Raise) for inner in s.then.body)
        and (_refused(s.condition) or _compared(s.condition, function, "!="))
        for s in statements(function.body.body)
    )


def _is_nothing(statement: ir.Statement) -> bool:
    return isinstance(statement, ir.Evaluate) and isinstance(statement.expression, ir.Literal)


def _is_last(call: ir.Call, statement: ir.Try) -> bool:
    """Whether a verifier that raises is the last thing that is tried: nothing notes there that it went well."""
    last = statement.body.body[-1]
    noted = statement.otherwise is not None
    return bool(call.arguments) and not noted and isinstance(last, ir.Evaluate) and last.expression is call


def _verifies(statement: ir.If, visit: Visit) -> bool:
    names = [part.name for part in expressions(statement.condition) if isinstance(part, ir.Call)]
    about = any(VERIFIES.search(simple(name)) or DIGEST.search(name) for name in names)
    return about or _refused(statement.condition) or _compared(statement.condition, visit.function, "!=")


def _refused(condition: ir.Expression) -> bool:
    """``not hmac.compare_digest(a, b)``."""
    return (
        isinstance(condition, ir.Operation)
        and condition.operator == "!"
        and any(
            isinstance(part, ir.Call) and simple(part.name) == ("compare_digest") for part in expressions(condition)
        )
    )


def _only_talks(block: ir.Block) -> bool:
    return bool(block.body) and all(
        isinstance(s, ir.Evaluate) and isinstance(s.expression, ir.Call) and simple(s.expression.name) in _TALKS
        for s in block.body
    )


def _missing_passes(rule: Rule, visit: Visit, statement: ir.If) -> Iterator[Claim]:
    """``if expected and digest != expected: raise``: where nothing is expected, anything passes."""
    condition = statement.condition
    if not isinstance(condition, ir.Operation) or condition.operator != "&&" or _only_talks(statement.then):
        return
    first, *rest = condition.operands
    given = uncast(first)
    if isinstance(given, ir.Operation) and given.operator == "!=" and _is_none(given.operands[1]):
        given = uncast(given.operands[0])
    if isinstance(given, ir.Operation) and given.operator == "in" and isinstance(uncast(given.operands[0]), ir.Literal):
        given = uncast(given.operands[1])  # "sha256" in entry
    if isinstance(given, ir.Call) and given.name.rpartition(".")[2] == "get" and given.receiver is not None:
        given = uncast(given.receiver)
    if isinstance(given, ir.Item):
        given = uncast(given.base)
    if not isinstance(given, (ir.Name, ir.Member)) or not rest or not _compared(rest[-1], visit.function, "!="):
        return
    name = given.name
    if any(name in set(words_in(part)) for part in rest):
        yield _no(
            rule,
            visit,
            statement.line,
            f"Where {name.rpartition('.')[2]} is missing nothing is compared, and the file passes.",
            345,
            "Refuse what has no digest.",
        )


def _cut_short(rule: Rule, visit: Visit, statement: ir.If) -> Iterator[Claim]:
    """``mac[:4] != seen[:4]``, ``digest.startswith(short)``: few enough bytes to be found by trying."""
    for part in expressions(statement.condition):
        words = {*words_in(part), *(_made_by(part, visit.function) if isinstance(part, ir.Operation) else ())}
        short = False
        match part:
            case ir.Operation(operator="==" | "!=", operands=operands):
                text = any("hex" in word for word in words)
                short = any(_is_cut(operand, 32 if text else 16) for operand in operands)
            case ir.Call(name=name, receiver=receiver) if name.endswith(".startswith") and receiver is not None:
                other = next(iter(part.arguments), None)
                words = {*words_in(receiver), *_made_by(part, visit.function)}
                short = other is not None and not isinstance(uncast(other), ir.Literal)
            case ir.Operation(operator="in" | "not in", operands=(sought, held)):
                words = {*words_in(sought), *_made_by(part, visit.function)}
                whole = isinstance(uncast(sought), ir.Literal) or not any("digest" in word for word in words)
                short = not whole and (_is_cut(sought, 32) or _is_text(held, visit.function))
        if short and any(DIGEST.search(word) or _MAC.search(word) for word in words):
            yield _no(
                rule,
                visit,
                part.line,
                "Only the beginning of the digest is compared; another file with the same beginning is soon found.",
                347,
                "Compare the whole digest with hmac.compare_digest.",
            )
            return


_READS_TEXT: Final = frozenset({"read", "decode", "read_text", "text", "getvalue", "fetch"})


def _is_text(held: ir.Expression, function: ir.Function) -> bool:
    """Whether what is searched is one text, and no collection of whole digests."""
    bare = uncast(held)
    made = [part.name for part in expressions(bare) if isinstance(part, ir.Call)]
    if isinstance(bare, ir.Name):
        made = [*_made_by(ir.Operation(bare.line, "in", (bare,)), function)]
    words = {simple(name) for name in made}
    return bool(words & _READS_TEXT) and not words & {"split", "splitlines", "set", "json", "load", "loads"}


def _is_cut(operand: ir.Expression, enough: int) -> bool:
    bare = uncast(operand)
    if not isinstance(bare, ir.Item) or not isinstance(bare.index, ir.Display):
        return False
    end = dict(zip(bare.index.keys, bare.index.items, strict=False)).get("upper")
    return isinstance(end, ir.Literal) and isinstance(end.value, int) and 0 < end.value < enough


def _is_none(expression: ir.Expression) -> bool:
    return isinstance(expression, ir.Literal) and expression.value is None


def _tuple_returns(facts: Facts) -> frozenset[tuple[str, str]]:
    """Functions whose every return is a tuple with something in it, with their files."""
    found = set()
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON:
            for function in unit.functions:
                returned = [s.value for s in statements(function.body.body) if isinstance(s, ir.Return)]
                if returned and all(isinstance(v, ir.Display) and v.items and not v.keys for v in returned):
                    found.add((unit.path, function.name))
    return frozenset(found)


def _always_true(rule: Rule, facts: Facts, visit: Visit, tuples: frozenset[tuple[str, str]]) -> Iterator[Claim]:
    condition = getattr(visit.statement, "condition", None)
    for atom in _atoms(condition):
        near = facts.travels.names.near(visit.unit) if isinstance(atom, ir.Call) and tuples else ()
        if isinstance(atom, ir.Call) and any((path, atom.name) in tuples for path in near):
            verifies = bool(VERIFIES.search(simple(atom.name)))
            yield _no(
                rule,
                visit,
                atom.line,
                f"{simple(atom.name)} returns a tuple, which is always true: a failed answer passes this test.",
                347 if verifies else 253,
                "Test the element that holds the answer.",
            )


def _atoms(condition: ir.Expression | None) -> Iterator[ir.Expression]:
    stack = [] if condition is None else [condition]
    while stack:
        current = uncast(stack.pop())
        if isinstance(current, ir.Operation) and current.operator in {"!", "&&", "||"}:
            stack.extend(current.operands)
        else:
            yield current


_AGAINST_NOISE: Final = frozenset({"CRC-32", "Adler-32"})
"""Checksums that are enough for data that stays data."""


def _runs_what_came(facts: Facts, unit: ir.Unit, function: ir.Function, call: ir.Call) -> bool:
    """Whether a call downloads, or loads what neither the program names nor the system finds."""
    named = all(_is_named(a, unit, function) for a in call.arguments[:1])
    return plays(facts, call, ApiRole.DOWNLOAD) or (plays(facts, call, ApiRole.LOAD) and not named)


def _is_named(path: ir.Expression, unit: ir.Unit, function: ir.Function) -> bool:
    """``find_library("lz4") or "liblz4.so.1"``, at once, by a constant or by a variable that is given nothing else."""
    match uncast(path):
        case ir.Literal():
            return True
        case ir.Call(name="ctypes.util.find_library"):
            return True
        case ir.Operation(operator="||" | "?:", operands=operands):
            return all(_is_named(o, unit, function) for o in operands[-2:])
        case ir.Name(name=name):
            given = [*values_given(function.body, name)] or [module_value(unit, name)]
            return all(
                v is not None and not isinstance(uncast(v), ir.Name) and _is_named(v, unit, function) for v in given
            )
    return False


def _weak(rule: Rule, facts: Facts, unit: ir.Unit) -> Iterator[Claim]:
    """A checksum against noise where code is fetched or loaded, and no digest or signature anywhere."""
    every = [(function, call) for function in unit.functions for call in calls(function.body.body)]
    if any(_STRONG.search(call.name) for _, call in every):
        return
    code = any(_runs_what_came(facts, unit, function, call) for function, call in every)
    for function in unit.functions:
        for statement in statements(function.body.body):
            if not isinstance(statement, ir.If):
                continue
            for part in expressions(statement.condition):
                if isinstance(part, ir.Operation) and part.operator in {"==", "!="}:
                    weak = next((_WEAK[name] for name in _made_by(part, function) if name in _WEAK), "")
                    if weak and (code or weak not in _AGAINST_NOISE):
                        yield rule.no(
                            f"{weak} is the only check of what is loaded; whoever changes the file makes it fit.",
                            Location.lines(unit.path, statement.line),
                            cwe=328 if weak in {"MD5", "SHA-1"} else 353,
                            fix="Compare a SHA-256 pinned in the program, or verify a signature.",
                            context=function.name,
                        )


def _made_by(comparison: ir.Expression, function: ir.Function) -> Iterator[str]:
    """The functions that made what is compared."""
    names = set()
    for part in expressions(comparison):
        if isinstance(part, ir.Call):
            yield part.name
        elif isinstance(part, ir.Name):
            names.add(part.name)
    for statement in statements(function.body.body):
        if (
            isinstance(statement, ir.Assign)
            and isinstance(statement.target, ir.Name)
            and statement.target.name in names
        ):
            for top in tops(statement):
                yield from (part.name for part in expressions(top) if isinstance(part, ir.Call))


RULE: Final = Rule(
    id="ignored-verification",
    question="Does a failed verification, or a missing one, keep code from being loaded?",
    practice=Practice.INTEGRITY,
    cwe=345,
    severity=Severity.HIGH,
    languages=PYTHON,
    why=(
        "A digest that is compared and not obeyed, that may be missing, or that anybody can match proves "
        "nothing about "
        "where the code came from."
    ),
    fix="Require a pinned digest or a signature, and stop when it does not fit.",
    bad='if sha256 and seen != sha256:\n    log.warning("digest differs")\nctypes.CDLL(path)\n',
    good="if not hmac.compare_digest(seen, sha256):\n    raise ValueError(path)\nctypes.CDLL(path)\n",
    references=(
        "https://cwe.mitre.org/data/definitions/345.html",
        "https://cwe.mitre.org/data/definitions/347.html",
        "https://cwe.mitre.org/data/definitions/353.html",
        "https://cwe.mitre.org/data/definitions/1188.html",
    ),
    answer=_answer,
)
