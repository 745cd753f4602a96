"""What the image offers and takes: versioned exports, names that shadow the C library's, unsafe functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import Share
from loadstone.core.image import Format, ImageKind, SymbolTable, Visibility
from loadstone.core.practices import Practice
from loadstone.escape import printable
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_SHADOWED: Final = frozenset(
    {
        *("malloc", "calloc", "realloc", "free", "memcpy", "strcpy"),
        *("open", "open64", "openat", "read", "write", "close", "connect", "socket", "send", "recv"),
        *("dlopen", "dlsym", "dlclose", "execve", "fork", "system"),
        *("getenv", "setenv", "getpid", "pthread_create", "pthread_mutex_lock"),
    }
)
"""Functions of the C library that a program trusts most: defining one of them changes it for the whole process."""

_C_LIBRARIES: Final = (
    "libc.",
    "libc-",
    "ld-",
    "libpthread.",
    "libdl.",
    "libasan.",
    "libtsan.",
    "libubsan.",
    "liblsan.",
)

_PROTECTED: Final = bytes(at == tuple(Visibility).index(Visibility.PROTECTED) for at in range(256))

_RISKY: Final = {
    "gets": (242, Severity.MEDIUM, "cannot know the size of its buffer"),
    "tmpnam": (377, Severity.LOW, "gives a name that somebody else can take first"),
    "tempnam": (377, Severity.LOW, "gives a name that somebody else can take first"),
    "mktemp": (377, Severity.LOW, "gives a name that somebody else can take first"),
}
"""Imports that cannot be used safely: bugs sections of gets(3), tmpnam(3), tempnam(3), mktemp(3)."""


def _versioned(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    image = subject.image
    if image.format is not Format.ELF or image.kind is not ImageKind.SHARED:
        return
    exported = image.symbols.exported
    total, guarded = exported.count(1), _guarded(image.symbols, exported)
    table = subject.at(image.symbols.offset, max(len(image.symbols) * image.symbols.entry_size, 1))
    if not total:
        yield rule.without_site("It exports no symbol", table)
    elif guarded:
        carries = Share(
            "export", "carries a version or cannot be overridden", "carry a version or cannot be overridden"
        )
        yield rule.yes(carries, table, met=guarded, sites=total)


def _guarded(table: SymbolTable, exported: bytes) -> int:
    """How many of the exported rows have a version or are protected; by columns, as there are 80,000 of them."""
    versioned = [version is not None for version in table.version_names]
    versions = table.versions if len(table.versions) else bytes(len(table))
    protected = table.visibilities.translate(_PROTECTED) or bytes(len(table))
    return sum(versioned[v] or p for e, v, p in zip(exported, versions, protected, strict=True) if e)


def _interposition(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    image = subject.image
    if image.format is not Format.ELF or (image.identity or "").startswith(_C_LIBRARIES):
        return
    shadowing = [
        symbol
        for name in sorted(_SHADOWED)
        for symbol in image.symbols.named(name)
        if symbol.exported and not (symbol.version and symbol.version.name)
    ]
    if shadowing:
        names = ", ".join(dict.fromkeys(printable(s.name) for s in shadowing))
        yield rule.no(f"It defines {names}, which the whole process may then use", subject.at(shadowing[0].offset))


def _risky(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    for name, (cwe, severity, because) in _RISKY.items():
        for symbol in subject.image.symbols.named(name):
            if not symbol.defined:
                message = f"It imports {name} (CWE-{cwe}), which {because}"
                at = subject.at(symbol.offset)
                yield rule.no(message, at, severity=severity, confidence=Confidence.LIKELY, subject=name)


RULES: Final = (
    BinaryRule(
        id="unversioned-exports",
        question="Are its exports versioned or protected from being overridden?",
        practice=Practice.ENCAPSULATION,
        why="A version ties a name to its library: another library's function of that name is not taken for it.",
        fix="link with --version-script",
        bad="gcc -shared -o libx.so x.c",
        good="gcc -shared -Wl,--version-script=libx.map -o libx.so x.c",
        references=("https://sourceware.org/binutils/docs/ld/VERSION.html",),
        answer=_versioned,
    ),
    BinaryRule(
        id="libc-interposition",
        question="Does it leave the C library's names alone?",
        practice=Practice.ENCAPSULATION,
        cwe=829,
        severity=Severity.LOW,
        why="Symbol interposition: the first definition in load order wins, and every other library calls this one.",
        fix="give the function another name, or hide it with -fvisibility=hidden",
        bad="void *malloc(size_t n) { ... }",
        good="static void *pool_malloc(size_t n) { ... }",
        references=("https://man7.org/linux/man-pages/man8/ld.so.8.html",),
        answer=_interposition,
    ),
    BinaryRule(
        id="unsafe-c-functions",
        question="Does it do without functions that cannot be used safely?",
        practice=Practice.INPUT_VALIDATION,
        cwe=676,
        severity=Severity.LOW,
        why="Some functions cannot be used safely by any caller.",
        fix="use fgets for gets, mkstemp for the makers of temporary names",
        bad="char line[80]; gets(line);",
        good="char line[80]; if (fgets(line, sizeof line, stdin) == NULL) return -1;",
        references=("https://cwe.mitre.org/data/definitions/676.html",),
        answer=_risky,
    ),
)
