"""Which pointers an expression reads through, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.words import last_word, uncast

__all__ = ["read_by"]

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


def read_by(part: ir.Expression) -> Iterator[ir.Expression]:
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
        case ir.Call(name="std::string" | "std::wstring", arguments=(text,)):
            yield uncast(text)
