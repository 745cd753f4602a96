"""Answers to further questions about one load, as the ``answers`` of an explanation in JSON."""

from __future__ import annotations

import msgspec

from loadstone.linker.answers import Answers, Replacement, SymbolStory, VersionNeeds

__all__ = ["AnswersDocument", "answers_document"]


class DefinitionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One library that offers the symbol; ``version`` is null where it has none."""

    path: str
    version: str | None


class UseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One library that imports the symbol, and the one whose definition it gets."""

    consumer: str
    provider: str


class SymbolStoryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who defines a symbol, in load order; who is bound to which definition; who gets nothing."""

    symbol: str
    defined_by: list[DefinitionDocument]
    bound_to: list[UseDocument]
    unmet: list[str]


class VersionUseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A version the target needs of a file, and the symbols it needs it for; ``offset`` is where the need stands."""

    file: str
    version: str
    symbols: list[str]
    offset: int


class VersionNeedsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Every version the target needs; ``smallest_glibc`` is null for one that needs none of glibc."""

    uses: list[VersionUseDocument]
    smallest_glibc: str | None


class LostDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer loses: a symbol (in a version, or null), or with an empty symbol the whole version."""

    consumer: str
    symbol: str
    version: str | None


class ChangedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that a consumer still gets, of another kind or size; ``change`` says which it was and is."""

    consumer: str
    symbol: str
    version: str | None
    change: str


class ReplacementDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What breaks for its ``users`` when the library ``old`` is replaced by the file ``new``."""

    old: str
    new: str
    users: list[str]
    lost: list[LostDocument]
    changed: list[ChangedDocument]


class AnswersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The questions asked by --symbol, --versions and --replace; null where one was not asked."""

    symbol: SymbolStoryDocument | None
    versions: VersionNeedsDocument | None
    replacement: ReplacementDocument | None


def answers_document(answers: Answers) -> AnswersDocument:
    """The answers with every key present."""
    return AnswersDocument(
        symbol=_story(answers.symbol) if answers.symbol else None,
        versions=_needs(answers.versions) if answers.versions else None,
        replacement=_replacement(answers.replacement) if answers.replacement else None,
    )


def _story(story: SymbolStory) -> SymbolStoryDocument:
    return SymbolStoryDocument(
        symbol=story.symbol,
        defined_by=[DefinitionDocument(path=path, version=version or None) for path, version in story.defined_by],
        bound_to=[UseDocument(consumer=consumer, provider=provider) for consumer, provider in story.bound_to],
        unmet=list(story.unmet),
    )


def _needs(needs: VersionNeeds) -> VersionNeedsDocument:
    return VersionNeedsDocument(
        uses=[
            VersionUseDocument(file=use.file, version=use.version, symbols=list(use.symbols), offset=use.offset)
            for use in needs.uses
        ],
        smallest_glibc=needs.smallest_glibc,
    )


def _replacement(replacement: Replacement) -> ReplacementDocument:
    return ReplacementDocument(
        old=replacement.old,
        new=replacement.new,
        users=list(replacement.users),
        lost=[
            LostDocument(consumer=item.consumer, symbol=item.symbol, version=item.version or None)
            for item in replacement.broken
            if not item.change
        ],
        changed=[
            ChangedDocument(
                consumer=item.consumer, symbol=item.symbol, version=item.version or None, change=item.change
            )
            for item in replacement.broken
            if item.change
        ],
    )
