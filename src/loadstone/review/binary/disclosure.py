"""What a binary tells about how it was built: debug information shipped inside it, and where it was built."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.image import Format, ImageKind
from loadstone.core.practices import Practice
from loadstone.escape import quoted
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_PREFIXES: Final = (".debug_", ".zdebug_", "__debug_", ".stab")


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    sections = subject.image.sections
    if subject.image.kind is ImageKind.DEBUG or not sections:
        return
    shipped = [s for s in sections if s.name.startswith(_PREFIXES) and s.size]
    if not shipped:
        yield rule.yes("No debug information is shipped inside it", subject.at(sections[0].header_offset))
        return
    size = sum(s.size for s in shipped)
    message = f"{size:,} bytes of debug information are shipped inside it, with the paths it was built from"
    yield rule.no(message, subject.at(shipped[0].offset, shipped[0].size))


def _symbols_path(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    if subject.image.format is not Format.PE:
        return
    from loadstone.binary.pe.facts import PeFacts  # noqa: PLC0415  asked of PE files only

    facts = subject.image.native
    if not isinstance(facts, PeFacts) or facts.pdb is None:
        return
    path, place = facts.pdb.path, subject.at(facts.pdb.offset)
    drive, rest = ntpath.splitdrive(path)
    if path.startswith("/") or (drive and (rest or drive).startswith(("\\", "/"))):
        yield rule.no(f"It names the directory it was built in: {quoted(path)}", place)
    else:
        yield rule.yes(f"It names its symbol file without the directory it was built in: {quoted(path)}", place)


RULES: Final = (
    BinaryRule(
        id="embedded-debug-information",
        question="Is debug information kept out of the shipped file?",
        practice=Practice.HARDENING,
        cwe=215,
        severity=Severity.NOTE,
        why="Names of locals and paths of the build help an attacker, and make the file large.",
        fix="objcopy --only-keep-debug libx.so libx.so.debug && strip --strip-debug libx.so",
        bad="gcc -g -shared -o libx.so x.c",
        good="gcc -g -shared -o libx.so x.c && strip --strip-debug libx.so",
        references=("https://cwe.mitre.org/data/definitions/215.html",),
        answer=_answer,
    ),
    BinaryRule(
        id="embedded-build-path",
        question="Is the directory it was built in kept out of it?",
        practice=Practice.HARDENING,
        cwe=215,
        severity=Severity.NOTE,
        why="The path of the symbol file tells names of people, machines and projects to everybody who has the file.",
        fix="link with /PDBALTPATH:%_PDB%",
        bad=r"link.exe /DLL /DEBUG /PDB:C:\Users\ann\secret\x.pdb x.obj",
        good="link.exe /DLL /DEBUG /PDBALTPATH:%_PDB% x.obj",
        references=(
            "https://learn.microsoft.com/en-us/cpp/build/reference/pdbaltpath-use-alternate-pdb-path",
            "https://cwe.mitre.org/data/definitions/215.html",
        ),
        answer=_symbols_path,
    ),
)
