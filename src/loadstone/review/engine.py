"""The driver: files in, a review out. It reads, parts, asks, merges and counts; every decision is a rule's.

Sources are asked about in parts of a fixed size, so that the result does not depend on how many processes share the
work, and neither memory nor time grows faster than the source. Functions of one part know each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from loadstone.archives import SEPARATOR
from loadstone.core.claims import Location
from loadstone.core.review import Limit, LimitKind, Result, Review, ReviewedFile, conclude
from loadstone.errors import Unreadable
from loadstone.files import read_bytes
from loadstone.processes import mapped
from loadstone.quick_dataclass import dataclass
from loadstone.review.baseline import Baseline, compare
from loadstone.review.batch import Batch, BatchOutcome, SourceFile, review_batch
from loadstone.review.cache import Cache
from loadstone.review.files import FoundFile, find_files, most_read
from loadstone.review.images import review_binary
from loadstone.review.packed import read_archive
from loadstone.review.side_trees import lessened
from loadstone.review.suppress import ListedWaiver, apply_listed

__all__ = ["Options", "review"]

_PART: Final = 2 << 20
"""Bytes of source asked about together: some 60,000 lines."""

_MANY: Final = 3
"""Parts for each process from which it pays that each process takes whole ones."""

_WORTH_A_PROCESS: Final = 1 << 20
"""Bytes of source from which starting processes pays."""

Watch = Callable[[Iterable[BatchOutcome], int], Iterable[BatchOutcome]]
Consult = Callable[[Sequence[str], Sequence[Result]], tuple[tuple[Result, ...], tuple[Limit, ...]]]


def _unwatched(outcomes: Iterable[BatchOutcome], _total: int) -> Iterable[BatchOutcome]:
    return outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to review.

    ``exclude`` are shell patterns of paths in folders; ``only`` limits the report (not what is read) to these paths;
    ``consult`` asks further tools and merges what they say; ``waivers`` are those of the settings; ``tables`` are paths
    of interface tables beside the shipped ones; each file may take ``seconds_per_file`` of processor time; ``jobs``
    processes share the work; ``keep_text`` keeps the source for a report that shows it; ``watch`` sees each part as it
    is done.
    """

    exclude: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    consult: Consult | None = None
    baseline: Baseline | None = None
    waivers: tuple[ListedWaiver, ...] = ()
    cache: Cache | None = None
    tables: tuple[str, ...] = ()
    seconds_per_file: float = 20.0
    jobs: int = 1
    keep_text: bool = False
    watch: Watch = _unwatched


def review(paths: Sequence[str | os.PathLike[str]], options: Options | None = None) -> Review:
    """Review source files, folders, archives and binaries.

    Args:
        paths: what to look at; a folder or an archive stands for what is in it and can be read.
        options: see :class:`Options`.

    Raises:
        Unreadable: a path that was named is not there.

    What is in the files is never run, imported or loaded. Call it from the main thread for the time limit to hold.
    """
    chosen = options or Options()
    targets = [os.fspath(path) for path in paths]
    found = find_files(targets, chosen.exclude)
    sources, unread = _read_all(found)
    packed = [read_archive(path, chosen.exclude) for path in found.archives]
    sources += [source for archive in packed for source in archive.sources]
    outcomes = [
        BatchOutcome(limits=tuple(unread)),
        *_reviewed_sources(sources, chosen),
        *(review_binary(path, path) for path in found.binaries),
        *(outcome for archive in packed for outcome in archive.outcomes),
    ]
    results = [*lessened((result for outcome in outcomes for result in outcome.results), targets)]
    limits = [*found.limits, *(limit for outcome in outcomes for limit in outcome.limits)]
    files = [file for outcome in outcomes for file in outcome.files]
    if chosen.consult is not None:
        merged, unheard = chosen.consult([path for path, _ in found.sources], results)
        results, limits = [*merged], [*limits, *unheard]
        message = "further tools were not asked about what is in archives: they read files"
        limits += [Limit(LimitKind.ENGINE, Location(path), message) for path in found.archives]
    if chosen.waivers:
        waived, unused = apply_listed(results, chosen.waivers, date.today())  # noqa: DTZ011 - a day in a calendar
        results, limits = [*waived], [*limits, *unused]
    if chosen.baseline is not None:
        results = [*compare(results, chosen.baseline)]
    if chosen.only is not None:
        wanted = {_key(path) for path in chosen.only}
        results = [result for result in results if _key(result.claim.location.path) in wanted]
        limits = [limit for limit in limits if _key(limit.location.path) in wanted]
        files = [file for file in files if _key(file.path) in wanted]
    if not files and not any(limit.gap for limit in limits) and chosen.only is None:
        message = "nothing here is a binary or in a language that is reviewed"
        limits.append(Limit(LimitKind.NOT_REVIEWED, Location(targets[0] if targets else "."), message, gap=True))
    if chosen.keep_text:
        texts = {source.path: source.content for source in sources}
        files = [_with_text(file, texts.get(file.path)) for file in files]
    return conclude(targets, results, limits, files)


def _key(path: str) -> str:
    """The file on disk that a path of a report is in."""
    return os.path.realpath(path.partition(SEPARATOR)[0])


# Sources.


def _reviewed_sources(sources: Sequence[SourceFile], options: Options) -> Iterator[BatchOutcome]:
    """The outcome of every part, from the cache where it is known."""
    batches = [replace(part, tables=options.tables) for part in _parts(sources, options.seconds_per_file)]
    if len(batches) > 1:
        message = f"the source was reviewed in {len(batches)} parts; a helper in one part is not known in another"
        yield BatchOutcome(limits=(Limit(LimitKind.NOT_REVIEWED, Location("."), message),))
    known = [options.cache.get(batch) if options.cache else None for batch in batches]
    missing = [batch for batch, outcome in zip(batches, known, strict=True) if outcome is None]
    fresh = iter(options.watch(_reviewed(missing, options.jobs), len(missing)))
    for batch, outcome in zip(batches, known, strict=True):
        if outcome is not None:
            yield outcome
            continue
        made = next(fresh)
        if options.cache:
            options.cache.put(batch, made)
        yield made


def _reviewed(batches: Sequence[Batch], jobs: int) -> Iterator[BatchOutcome]:
    """Each batch's outcome, in order; many are done side by side, few one after another by all processes together."""
    size = sum(len(source.content) for batch in batches for source in batch.sources)
    if jobs > 1 and len(batches) >= _MANY * jobs and size >= _WORTH_A_PROCESS:
        yield from mapped(review_batch, batches, processes=jobs)
    else:
        yield from (review_batch(batch, jobs) for batch in batches)


def _read_all(found: FoundFile) -> tuple[list[SourceFile], list[Limit]]:
    sources: list[SourceFile] = []
    limits: list[Limit] = []
    for path, language in found.sources:
        try:
            size = os.stat(path).st_size
            most = most_read(language)
            if size > most:
                message = f"{size:,} bytes; files beyond {most:,} are not read"
                limits.append(Limit(LimitKind.TOO_BIG, Location(path), message, gap=True))
                continue
            sources.append(SourceFile(_reported(path), language, read_bytes(path, most)))
        except Unreadable as error:
            limits.append(Limit(LimitKind.UNREADABLE, Location(path), error.reason, gap=True))
        except OSError as error:
            reason = error.strerror or str(error)
            limits.append(Limit(LimitKind.UNREADABLE, Location(path), reason, gap=True))
    return sources, limits


def _reported(path: str) -> str:
    """The path as reports spell it: as given, without ``./``, so that it reads the same on every system."""
    return os.path.normpath(path).replace(os.sep, "/")


def _parts(sources: Sequence[SourceFile], seconds: float) -> Iterator[Batch]:
    """Files in their order, in parts of a fixed size; a folder is split only when it is larger than a part."""
    part: list[SourceFile] = []
    size = 0
    folders: dict[str, list[SourceFile]] = {}
    for source in sources:
        folders.setdefault(os.path.dirname(source.path), []).append(source)
    for files in folders.values():
        folder_size = sum(len(source.content) for source in files)
        if part and size + folder_size > _PART:
            yield Batch(tuple(part), seconds)
            part, size = [], 0
        for source in files:
            if part and size + len(source.content) > _PART:
                yield Batch(tuple(part), seconds)
                part, size = [], 0
            part.append(source)
            size += len(source.content)
    if part:
        yield Batch(tuple(part), seconds)


def _with_text(file: ReviewedFile, content: bytes | None) -> ReviewedFile:
    if content is None:
        return file
    text = content.decode("utf-8", errors="replace")
    return replace(file, text=text.replace("\r\n", "\n").replace("\r", "\n"))
