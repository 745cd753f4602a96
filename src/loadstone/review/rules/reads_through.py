"""Which pointers an expression reads through, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.printed import conversions
from loadstone.review.analyses.words import last_word, uncast

__all__ = ["read_by"]

_READS: Final = {
    (0,): {"fprintf", "vfprintf", "fscanf", "fgetc", "getc", "fseek", "fseeko", "ftell", "rewind", "fflush", "fclose"}
    | {"pclose", "feof", "ferror", "fileno", "readdir", "closedir", "dirfd", "rewinddir", "getmntent", "endmntent"}
    | {"strlen", "strdup", "strndup", "strchr", "strrchr", "atoi", "atol", "strtol", "strtoul", "strtoull", "puts"},
    (0, 1): {"strcmp", "strncmp", "strcasecmp", "strncasecmp", "strcpy", "strncpy", "strcat", "strncat", "stpcpy"}
    | {"strstr", "strpbrk", "strspn", "strcspn", "fputs", "memcpy", "memmove", "memcmp"},
    (1,): {"strtok", "strtok_r", "fputc"},
    (0, 2): {"fgets"},
    (2,): {"getline"},
    (0, 3): {"fread", "fwrite"},
    (3,): {"getdelim"},
}
"""Functions that read through what they are given whatever it is, by the arguments that are pointers. Source: C17
7.1.4, 7.21, 7.24, and their manual pages."""
_POINTERS: Final = {name: places for places, names in _READS.items() for name in names}
_WRITES_FIRST: Final = frozenset({"memset", "sprintf", "snprintf", "vsprintf", "vsnprintf"})
"""Functions that write through their first argument whatever it is."""


def read_by(part: ir.Expression) -> Iterator[ir.Expression]:
    """The pointers that an expression reads through, whether they are null or not."""
    match part:
        case ir.Member(base=base, through=True):
            yield uncast(base)
        case ir.Operation(operator="deref", operands=(pointer,)):
            yield uncast(pointer)
        case ir.Item(base=base):
            yield uncast(base)
        case ir.Call(name=name, arguments=arguments) if last_word(name) in _POINTERS:
            yield from (uncast(arguments[n]) for n in _POINTERS[last_word(name)] if n < len(arguments))
            if last_word(name) == "fprintf":
                yield from _texts_printed(arguments[1:])
        case ir.Call(name=name, arguments=(first, *_)) if last_word(name) in _WRITES_FIRST:
            yield uncast(first)
        case ir.Call(name="std::string" | "std::wstring", arguments=(text,)):
            yield uncast(text)


def _texts_printed(arguments: Sequence[ir.Expression]) -> Iterator[ir.Expression]:
    """The arguments that a format reads as texts; a number is only printed."""
    text = uncast(arguments[0]) if arguments else None
    if isinstance(text, ir.Literal) and isinstance(text.value, str):
        kinds = zip(conversions(text.value), arguments[1:], strict=False)
        yield from (uncast(argument) for kind, argument in kinds if kind == "s")
