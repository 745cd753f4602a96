"""Pointers of the system's library that are null when nothing was found or opened, and that nobody tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.nullable_results import NullableResult, is_asked

__all__ = ["BLOCKS", "untested_system_pointers"]

_ENTRIES: Final = frozenset(
    {"getpwuid", "getpwnam", "getgrgid", "getgrnam", "getspnam", "gethostbyname", "getservbyname", "getprotobyname"}
)
_STREAMS: Final = frozenset({"fopen", "fopen64", "fdopen", "popen", "tmpfile", "opendir", "fdopendir", "setmntent"})
_TEXTS: Final = frozenset({"getenv", "secure_getenv", "getlogin", "ttyname"})
BLOCKS: Final = frozenset({"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "aligned_alloc"})
_GIVE: Final = _ENTRIES | _STREAMS | _TEXTS | BLOCKS
"""Functions that give null for what is not there, or for want of memory. Source: the manual pages, RETURN VALUE."""

_READS_STREAM: Final = frozenset(
    {"fgets", "fread", "fwrite", "fputs", "fputc", "fgetc", "getc", "fprintf", "vfprintf", "fscanf", "getline"}
    | {"getdelim", "fseek", "fseeko", "ftell", "rewind", "fflush", "fclose", "pclose", "feof", "ferror", "fileno"}
    | {"readdir", "closedir", "dirfd", "rewinddir", "getmntent", "endmntent"}
)
_READS_TEXT: Final = frozenset(
    {"strlen", "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strcpy", "strncpy", "strcat", "strncat", "strdup"}
    | {"strndup", "strchr", "strrchr", "strstr", "strpbrk", "strspn", "strcspn", "strtok", "strtok_r", "memcpy"}
    | {"atoi", "atol", "strtol", "strtoul", "strtoull", "stpcpy", "puts", "fputs"}
    | {"memmove", "memcmp"}
)
"""Functions that read what they are given whatever it is. Source: C17 7.1.4, and their manual pages."""
_WRITES_FIRST: Final = frozenset({"memset", "sprintf", "snprintf", "vsprintf", "vsnprintf"})
"""Functions that write through their first argument whatever it is."""


def untested_system_pointers(facts: Facts, unit: ir.Unit) -> Iterator[NullableResult]:
    """The pointers of a file that are read through though the system may have given null."""
    for function in unit.functions:
        for statement in every_statement(function.body):
            call = _giving(facts, statement.value) if isinstance(statement, ir.Assign) else None
            target = statement.target if isinstance(statement, ir.Assign) else None
            if call is None or not isinstance(target, ir.Name) or is_asked(facts, function, target.name):
                continue
            used = _first_read(function, target.name, statement.line)
            if used:
                yield NullableResult(function, target.name, call.name, statement.line, used)
        for part in every_expression(function.body):
            for given in _read_by(part):
                call = _giving(facts, given)
                if call is not None:
                    yield NullableResult(function, "the result", call.name, call.line, part.line)


def _giving(facts: Facts, value: ir.Expression | None) -> ir.Call | None:
    call = uncast(value)
    gives = isinstance(call, ir.Call) and call.name in _GIVE and not facts.is_defined(call.name)
    return call if gives and isinstance(call, ir.Call) else None


def _first_read(function: ir.Function, name: str, after: int) -> int:
    """The first line behind another that reads through a variable."""
    parts = (e for e in every_expression(function.body) if e.line > after)
    lines = (e.line for e in parts for given in _read_by(e) if isinstance(given, ir.Name) and given.name == name)
    return min(lines, default=0)


def _read_by(part: ir.Expression) -> Iterator[ir.Expression]:
    """The pointers that an expression reads through, whether they are null or not."""
    match part:
        case ir.Member(base=base, through=True):
            yield uncast(base)
        case ir.Operation(operator="deref", operands=(pointer,)):
            yield uncast(pointer)
        case ir.Item(base=base):
            yield uncast(base)
        case ir.Call(name=name, arguments=arguments) if last_word(name) in _READS_STREAM | _READS_TEXT:
            yield from map(uncast, arguments)
        case ir.Call(name=name, arguments=(first, *_)) if last_word(name) in _WRITES_FIRST:
            yield uncast(first)
