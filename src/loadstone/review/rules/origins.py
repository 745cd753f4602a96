"""Where a loaded path came from, judged once for all rules that ask about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from loadstone.core.claims import Severity
from loadstone.quick_dataclass import dataclass
from loadstone.review.analyses.facts import Facts, Invocation, Part, Site
from loadstone.review.analyses.state import CONFIGURATION
from loadstone.review.analyses.stored import PROVEN
from loadstone.review.analyses.words import MAINS
from loadstone.review.apis import ApiRole
from loadstone.review.ir import Language
from loadstone.review.rules.rights import lends_rights

__all__ = [
    "HARMLESS",
    "Judgement",
    "Origin",
    "begun_by",
    "constant_path",
    "is_absolute",
    "judgements",
    "led_by",
    "weighed",
]

HARMLESS: Final = frozenset(
    {"guarded environment", "predictable temporary", "shared directory temporary", "current directory"}
)
"""Kinds of taint that other rules speak about."""

_GIVEN: Final = frozenset({"environment", "command line"})
"""What whoever starts a program gives it."""

_OWN: Final = _GIVEN | {"file or terminal"}
"""Sources of whoever starts the program, as far as the text tells: who gains nothing without more rights."""

_EXPLICIT: Final = "explicit path"
_PATH_SEPARATOR: Final = re.compile(r"[/\\]")
_SUFFIX: Final = re.compile(r"(?:%s)?\.(?:so|dll|dylib)[\d.]*\Z")


class Origin(StrEnum):
    """Who decides what is loaded."""

    FIXED = "fixed"
    CHECKED = "checked"
    CONTROLLED = "controlled"
    EXPLICIT = "explicit"
    PART = "part"
    JOINED = "joined"
    PARAMETER = "parameter"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about one load: its origin, and the piece that decided."""

    site: Site
    origin: Origin
    piece: Part | None
    invocation: Invocation


def is_absolute(text: str) -> bool:
    """Whether a path names one place whatever the working directory and the search order are."""
    return text.startswith(("/", "\\\\")) or bool(re.match(r"[A-Za-z]:[\\/]", text))


def constant_path(invocation: Invocation) -> str | None:
    """The whole path, when the text alone decides it."""
    if invocation.whole.text is not None:
        return invocation.whole.text
    texts = [p.text for p in invocation.parts]
    return "".join(t for t in texts if t is not None) if texts and all(t is not None for t in texts) else None


def weighed(severity: Severity, source: str, facts: Facts, language: Language) -> Severity:
    """How severe it is that a source decides what runs: what a person gives an own program is low.

    Nobody gains by choosing for oneself. A native library is medium: the programs that use it may have more rights than
    whoever sets their environment, see secure_getenv(3). A program that handles rights itself keeps its severity: of
    its command line only one that has more rights than whoever starts it.
    """
    rights = facts.of(ApiRole.PRIVILEGE)
    handled = any(map(lends_rights, rights)) if source == "command line" else next(rights, None) is not None
    if source not in _OWN or handled:
        return severity
    own = source == "command line" or language is Language.PYTHON or any(facts.is_defined(main) for main in MAINS)
    most = Severity.LOW if source in _GIVEN and own else Severity.MEDIUM
    return min(severity, most, key=lambda s: s.rank)


def judgements(facts: Facts) -> Iterator[Judgement]:
    """Every load by every way it is reached, judged."""
    for site in facts.reached:
        if site.api.role is ApiRole.PATH or (site.api.role is ApiRole.LOAD and site.api.kind != "object"):
            for invocation in site.invocations:
                yield _judged(site, invocation)


def _judged(site: Site, invocation: Invocation) -> Judgement:
    pieces = [p for p in invocation.parts if p.text != ""]
    tainted = [
        p for p in pieces if p.taint is not None and p.taint.kind not in HARMLESS and not _is_number(p, invocation)
    ]
    counted = any(_is_number(p, invocation) for p in pieces if p.taint is not None)
    if not (tainted or counted) and invocation.whole.taint is not None and invocation.whole.taint.kind not in HARMLESS:
        tainted = [invocation.whole]
    verified = any(word == "verified" for word, _ in invocation.flags)
    for piece in tainted:
        if not (_is_cleared(piece, site) or _is_cleared(invocation.whole, site) or verified):
            origin = Origin.EXPLICIT if _is_explicit(piece) else _origin_of(piece, pieces, invocation)
            if origin is Origin.JOINED and piece.taint is not None and piece.taint.kind == CONFIGURATION:
                origin = Origin.EXPLICIT  # whoever writes it can write to the directory as well
            return Judgement(site, origin, piece, invocation)
    if tainted:
        return Judgement(site, Origin.CHECKED, tainted[0], invocation)
    half = next((p for p in (*pieces, invocation.whole) if "prefix" in {kind for kind, _ in p.checks}), None)
    if half is not None and not _is_cleared(half, site) and not verified:
        return Judgement(site, Origin.PREFIX, half, invocation)
    joined = _joined_parameter(site, pieces)
    if joined is not None:
        cleared = _is_cleared(joined, site) or _is_cleared(invocation.whole, site) or verified
        return Judgement(site, Origin.CHECKED if cleared else Origin.PARAMETER, joined, invocation)
    return Judgement(site, Origin.FIXED, None, invocation)


def led_by(site: Site, invocation: Invocation, kinds: frozenset[str]) -> Part | None:
    """What of such a source may lead a path out of the directory that it is joined to; None when nothing may."""
    pieces = [p for p in invocation.parts if p.text != ""]
    if _is_cleared(invocation.whole, site):
        return None
    below = site.api.subject > 0  # openat(directory, name)
    for piece in pieces:
        sent = piece.taint is not None and piece.taint.kind in kinds and not _is_number(piece, invocation)
        sent = sent and not _is_cleared(piece, site)
        if sent and (_follows_separator(piece, pieces) or (below and len(pieces) == 1)):
            return piece
    return None


def begun_by(site: Site, invocation: Invocation, pieces: Sequence[Part], kinds: frozenset[str]) -> Part | None:
    """What of such a source a text of these pieces begins with, and nobody asked about; None when nothing does."""
    first = next((p for p in pieces if p.text != ""), None)
    if first is None or first.taint is None or first.taint.kind not in kinds or _is_number(first, invocation):
        return None
    return None if _is_cleared(first, site) or _is_cleared(invocation.whole, site) else first


_LAYOUT: Final = re.compile(r"%|\{[\d:][^}]*\}|\{\}")
"""Where a layout of printf, of Qt or of std::format puts something in."""

_CONVERSION: Final = re.compile(r"%([-+ #0-9.*]*)(?:hh|h|ll|l|j|z|t|L)?([a-zA-Z])")


def _is_number(piece: Part, invocation: Invocation) -> bool:
    """Whether a layout puts a piece in as a number: ``"%u.job"`` leads nowhere."""
    parts = invocation.parts
    form = next((n for n, p in enumerate(parts) if p.text is not None and "%" in p.text), len(parts))
    behind = next((n for n, p in enumerate(parts) if p is piece), form) - form - 1
    found = _CONVERSION.findall((parts[form].text or "").replace("%%", "")) if behind >= 0 else []
    kinds = [
        taken for width, kind in found for taken in (*("d" * width.count("*")), kind)
    ]  # "%.*s" takes a length first
    return behind < len(kinds) and kinds[behind] not in "sS" if kinds else False


def _is_cleared(piece: Part, site: Site) -> bool:
    kinds = {kind for kind, _ in piece.checks}
    if site.unit.language is not Language.PYTHON and "no .." in kinds:
        return True
    return bool(kinds & PROVEN)


def _is_explicit(piece: Part) -> bool:
    """Whether who starts or administers the program names the file itself, and is made to name it as a path."""
    taint = piece.taint
    return (
        taint is not None
        and taint.kind in ("command line", CONFIGURATION)
        and any(kind == _EXPLICIT for kind, _ in piece.checks)
    )


def _origin_of(piece: Part, pieces: list[Part], invocation: Invocation) -> Origin:
    texts = [p.text or "" for p in pieces]
    formats = [t for t in texts if _LAYOUT.search(t)]
    others = [p for p in pieces if p is not piece and not (p.text is None and p.name == "" and p.taint is None)]
    if (
        not others
        and not formats
        and not (piece.taint is not None and invocation.whole.taint and invocation.whole.taint.partial)
    ):
        return Origin.CONTROLLED
    if _follows_separator(piece, pieces):
        return Origin.JOINED
    return Origin.PART


def _follows_separator(piece: Part, pieces: list[Part]) -> bool:
    """Whether a piece stands behind a directory in the path that is made."""
    layout = next((p.text for p in pieces if p.text is not None and _LAYOUT.search(p.text)), None)
    arguments = [p for p in pieces if p.text is None or not _LAYOUT.search(p.text)]
    named = [p for p in arguments if p.text is not None or p.name or p.taint is not None]
    if layout is not None:
        before = _LAYOUT.split(layout)[0]
        if before and len(named) < 2:
            return before.endswith(("/", "\\"))
        position = named.index(piece) if piece in named else 0
        return position > 0 and bool(_PATH_SEPARATOR.search(layout))
    index = next((i for i, p in enumerate(pieces) if p is piece), 0)
    earlier = pieces[:index]
    return any(
        (p.text is not None and (_PATH_SEPARATOR.search(p.text) or not _SUFFIX.search(p.text))) or p.text is None
        for p in earlier
    )


def _joined_parameter(site: Site, pieces: list[Part]) -> Part | None:
    """A parameter of the function, unknown to us, that is joined to a directory."""
    if len(pieces) < 2 or site.is_inner:
        return None
    strings = {p.name for p in site.function.parameters if _is_text(p.type, site.unit.language)}
    for piece in pieces:
        if piece.name in strings and piece.text is None and _follows_separator(piece, pieces):
            return piece
    return None


def _is_text(spelled: str, language: Language) -> bool:
    return language is Language.PYTHON or "char" in spelled or "string" in spelled.lower()
