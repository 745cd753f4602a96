"""Connections that take whoever answers for the server: certificates that nobody looks at, or whose errors pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, says
from loadstone.review.analyses.words import dotted_name, last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["unverified_peers"]

_TURNED_OFF: Final = {
    "curl_easy_setopt": (1, ("CURLOPT_SSL_VERIFYPEER", "CURLOPT_SSL_VERIFYHOST"), 2),
    "SSL_CTX_set_verify": (1, ("SSL_VERIFY_NONE",), None),
    "SSL_set_verify": (1, ("SSL_VERIFY_NONE",), None),
    "setPeerVerifyMode": (0, ("VerifyNone", "QueryPeer"), None),
    "set_verify_mode": (0, ("verify_none",), None),
    "WinHttpSetOption": (2, ("SECURITY_FLAG_IGNORE_UNKNOWN_CA", "SECURITY_FLAG_IGNORE_CERT_CN_INVALID"), None),
    "InternetSetOption": (2, ("SECURITY_FLAG_IGNORE_UNKNOWN_CA", "SECURITY_FLAG_IGNORE_CERT_CN_INVALID"), None),
    "InternetOpenUrl": (4, ("INTERNET_FLAG_IGNORE_CERT_CN_INVALID", "INTERNET_FLAG_IGNORE_CERT_DATE_INVALID"), None),
    "HttpOpenRequest": (6, ("INTERNET_FLAG_IGNORE_CERT_CN_INVALID", "INTERNET_FLAG_IGNORE_CERT_DATE_INVALID"), None),
    "Context": (2, ("VERIFY_NONE",), None),
    "enable_server_certificate_verification": (0, ("false",), 0),
    "g_tls_client_connection_set_validation_flags": (1, ("0",), 1),
}
"""Calls that leave the other side unverified: which argument says so by which words, and which has to be zero.

Source: the references of curl, OpenSSL, Qt, Boost.Asio, WinHTTP, WinINet, Poco and GLib.
"""

_CALLBACK_AT: Final = {"SSL_CTX_set_verify": 2, "SSL_set_verify": 2, "set_verify_callback": 0}
"""Calls that name who judges a certificate, and as which argument."""

_SERVES: Final = re.compile(r"SERVER_USE|Purpose\.CLIENT_AUTH|PROTOCOL_TLS_SERVER|ssl_stream_base::server")
"""A server seldom asks who its clients are by their certificates."""


_CHECKS_ITSELF: Final = re.compile(r"(?i)compare_digest|hexdigest|(?<!un)verif|\bsigned\b|check_sig")
"""Calls that compare what came with what it should be."""


_PYTHON_WORDS: Final = re.compile("ssl|verify|check_hostname|CERT_NONE")
"""Words without which a Python file turns nothing off."""


def unverified_peers(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The connections of a program that take whoever answers."""
    for unit in facts.program.units:
        python = unit.language is ir.Language.PYTHON
        for function in unit.functions if not python or says(unit, _PYTHON_WORDS) else ():
            if python and any(_CHECKS_ITSELF.search(call.name) for call in calls_in(function.body)):
                continue  # who answers decides nothing where what he sends is verified
            found = _of_python(function) if python else _of_native(unit, function)
            for line, what in found:
                yield rule.no(
                    f"{what} at line {line} takes whoever answers for the server.",
                    Location.lines(unit.path, line),
                    cwe=295,
                    severity=Severity.MEDIUM,
                    fix="Leave the verification on; give the program the certificate it is to trust.",
                    context=function.name,
                    condition=function.condition,
                )


# C and C++.


def _of_native(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[int, str]]:
    chosen = [s.then for s in every_statement(function.body) if isinstance(s, ir.If) and _is_chosen(s.condition)]
    chosen += [block for s in every_statement(function.body) if isinstance(s, ir.If) for block in _either(s)]
    for part in every_expression(function.body):
        if isinstance(part, ir.Closure):
            yield from _of_native(unit, part.function)
    for call in calls_in(function.body):
        if any(block.line <= call.line <= block.end_line for block in chosen):
            continue
        if _takes_anybody(function, call):
            yield call.line, last_word(call.name)
        elif (line := _approved(unit, call)) is not None:
            yield line, last_word(call.name)


def _either(test: ir.If) -> tuple[ir.Block, ...]:
    """Both ways of a test by a setting, each of which says how to verify: whoever configures the program chooses."""
    if test.otherwise is None or not any(isinstance(e, ir.Member) for e in expressions(test.condition)):
        return ()
    first, second = ({last_word(c.name) for c in calls_in(b)} & _TURNED_OFF.keys() for b in (test.then, test.otherwise))
    return (test.then, test.otherwise) if first & second else ()


def _takes_anybody(function: ir.Function, call: ir.Call) -> bool:
    called = last_word(call.name)
    if called == "ignoreSslErrors":
        return not call.arguments
    found = _TURNED_OFF.get(called) or _TURNED_OFF.get(called[:-1] if called.endswith(("A", "W")) else called)
    if found is None:
        return False
    number, words, off = found
    if called == "Context":
        said = next((a for a in call.arguments[1:] if _last(a) in words), None)
        return said is not None and not any(_SERVES.search(word(a)) for a in call.arguments)
    if len(call.arguments) <= max(number, off or 0):
        return False
    given = uncast(call.arguments[number])
    if off == number:
        return isinstance(given, ir.Literal) and not given.value
    value = uncast(call.arguments[off]) if off is not None else None
    if off is not None and not (isinstance(value, ir.Literal) and not value.value):
        return False
    return any(_says(part, words) for part in (given, *_held_in(function, given)))


def _says(given: ir.Expression, words: tuple[str, ...]) -> bool:
    chosen = isinstance(given, ir.Operation) and given.operator == "?:"  # one arm of two: somebody decides
    return not chosen and any(isinstance(e, ir.Name | ir.Member) and e.name.endswith(words) for e in expressions(given))


def _held_in(function: ir.Function, given: ir.Expression) -> Iterator[ir.Expression]:
    """The value of the variable whose address is given, where it has one value."""
    bare = uncast(given.operands[0]) if isinstance(given, ir.Operation) and given.operator == "address" else given
    if isinstance(bare, ir.Name):
        values = [
            uncast(s.value)
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.target.name == bare.name
        ]
        if len(values) == 1:
            yield values[0]


def _last(expression: ir.Expression) -> str:
    """The last name of an enumerator: ``VERIFY_NONE`` of ``Context::VERIFY_NONE``."""
    bare = uncast(expression)
    return last_word(bare.name) if isinstance(bare, ir.Name | ir.Member) else ""


def _approved(unit: ir.Unit, call: ir.Call) -> int | None:
    """The line at which who judges certificates says yes to each; None when it may say no."""
    at = _CALLBACK_AT.get(last_word(call.name))
    if at is None or len(call.arguments) <= at:
        return None
    judge = uncast(call.arguments[at])
    if isinstance(judge, ir.Operation) and judge.operands:
        judge = uncast(judge.operands[0])
    body = judge.function if isinstance(judge, ir.Closure) else None
    if isinstance(judge, ir.Name):
        body = next((f for f in unit.functions if f.name == judge.name), None)
    if body is None:
        return None
    given = [s for s in every_statement(body.body) if isinstance(s, ir.Return)]
    return given[0].line if given and all(_is_yes(s.value) for s in given) else None


_CHOSEN: Final = re.compile(r"(?i)insecure|verif|self_?signed|unsafe|trust|no_?check|skip|debug|dev\b|test")
"""Words in a condition by which somebody decides that nothing is verified."""


def _is_chosen(condition: ir.Expression) -> bool:
    """Whether somebody asks for it: the condition names a setting, or a literal key of one."""
    parts = [*expressions(condition)]
    texts = [e.value for e in parts if isinstance(e, ir.Literal) and isinstance(e.value, str)]
    return bool(_CHOSEN.search(" ".join((*map(word, parts), *texts))))


def _is_yes(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Literal) and bool(bare.value)


# Python.

_OPENS: Final = frozenset(
    {
        *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send"),
        *("Client", "AsyncClient", "Session", "ClientSession", "TCPConnector", "ws_connect", "connect"),
        *("open_connection", "create_connection", "urlopen", "PoolManager", "HTTPSConnectionPool", "SMTP_SSL"),
    }
)


def _of_python(function: ir.Function) -> Iterator[tuple[int, str]]:
    contexts = [*_contexts(function)]
    if not any(_SERVES.search(text) for text in contexts):
        settings = [*_settings(function.body)]
        none = [line for line, name in settings if name == "verify_mode"]
        yield from ((line, "CERT_NONE") for line in none)
        if not none:
            yield from ((line, "check_hostname = False") for line, name in settings if name == "check_hostname")
        yield from ((line, "verify = False") for line, name in settings if name == "verify")
    for call in calls_in(function.body):
        called = last_word(call.name)
        off = {key for key, value in call.keywords if isinstance(value, ir.Literal) and value.value is False}
        named = {key: dotted_name(uncast(value)) for key, value in call.keywords}
        if call.name in {"ssl._create_unverified_context", "ssl._create_stdlib_context"}:
            yield call.line, called
        elif called in _OPENS and off & {"verify", "ssl", "verify_ssl"}:
            yield call.line, f"{called} with {min(off & {'verify', 'ssl', 'verify_ssl'})}=False"
        elif named.get("cert_reqs", "").endswith("CERT_NONE"):
            yield call.line, f"{called} with CERT_NONE"


def _contexts(function: ir.Function) -> Iterator[str]:
    """How the contexts of a function are made, as names."""
    for part in every_expression(function.body):
        if isinstance(part, ir.Member):
            yield dotted_name(part)
        elif isinstance(part, ir.Name):
            yield part.name


def _settings(block: ir.Block) -> Iterator[tuple[int, str]]:
    """What is turned off by an assignment to a member, but not where a condition says that somebody asked for it."""
    for statement in block.body:
        match statement:
            case ir.Assign(target=ir.Member(name=name), value=value):
                bare = uncast(value)
                off = isinstance(bare, ir.Literal) and bare.value is False
                none = dotted_name(bare).endswith("CERT_NONE") or word(bare).endswith("CERT_NONE")
                if (name == "verify_mode" and none) or (name in {"check_hostname", "verify"} and off):
                    yield statement.line, name
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                if not _is_chosen(condition):
                    yield from _settings(then)
                    yield from _settings(otherwise) if otherwise is not None else ()
            case ir.Try(body=body) | ir.With(body=body) | ir.Loop(body=body):
                yield from _settings(body)
