"""A campaign from start to report: analyse, run the worker, keep what it finds, and try every finding again.

The parent reads bytes, writes files and decides; the worker runs; nothing of the library is ever in this process.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.binary.elf.link_symbols import read_link_symbols
from loadstone.core.counting import counted
from loadstone.core.fuzzing import FuzzFinding, FuzzProgress, FuzzReport
from loadstone.core.image import Image
from loadstone.errors import InvalidConfiguration, Unreadable, Unsupported
from loadstone.files import read_bytes
from loadstone.fuzz.child.guarded_heap import ALLOCATORS
from loadstone.fuzz.code.analyse import CodeMap, analyse
from loadstone.fuzz.code.compare import COMPARERS
from loadstone.fuzz.code.gaps import global_gaps
from loadstone.fuzz.code.slots import import_slots
from loadstone.fuzz.merge import minimised
from loadstone.fuzz.outcome.corpus import Folder
from loadstone.fuzz.outcome.triage import Replayer, confirm
from loadstone.fuzz.parts import SEPARATOR
from loadstone.fuzz.plan import CallPlan, Campaign, Heap, Job
from loadstone.fuzz.search import Harvest, Progress, search
from loadstone.fuzz.worker.garbage import GARBAGE
from loadstone.probe.readable import readable_for
from loadstone.probe.scratch import Scratch, home_of_scratch
from loadstone.probe.surroundings import require_proc

__all__ = ["minimise_corpus", "run_campaign"]

_KNOW_STACK: Final = frozenset({"pthread_getattr_np", "pthread_attr_getstack", "__libc_stack_end", "GC_init"})
"""Imports of a library that looks for where its thread's stack lies, as collectors of garbage do."""

_CONFIRM_S: Final = 30.0
"""Seconds in which findings are explained and shrunk, all of them together; a long search gets half of its own."""

_HEAP: Final = {
    Heap.MIXED: "active: every other child's is guarded, in three ways in turn",
    Heap.PLAIN: "degraded: not guarded, so that only heap errors that end the process are seen; --heap mixed guards it",
    Heap.EXACT: "active: guarded to the byte",
    Heap.ALIGNED: "active: guarded to 16 bytes, with a pattern between",
    Heap.UNDER: "active: guarded before each block",
}


def run_campaign(campaign: Campaign, progress: Progress | None = None) -> FuzzReport:
    """Fuzz, then confirm and shrink every finding.

    ``progress`` is called about once a second from this thread. KeyboardInterrupt ends the search, not the report.

    Raises:
        ProbeFailed: no worker could be started, or it died by itself.
        Unsupported: this is not Linux.
        InvalidConfiguration: a hook raised an exception.
        Unreadable, MalformedImage: the library, or the hooks, cannot be read.
    """
    here: str = sys.platform  # as a value: what follows is checked for every platform
    if not here.startswith("linux"):
        raise Unsupported(
            feature="fuzzing",
            reason=f"the child cannot be confined and watched on {sys.platform} yet",
            advice="Fuzz on Linux, or write a harness for another fuzzer with --export.",
        )
    require_proc()
    library = _study(campaign)
    content, code = library.content, library.code
    sha256 = hashlib.sha256(content).hexdigest()
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(campaign.folder, sha256).reserved()) if campaign.folder else None
        seeds = tuple(dict.fromkeys((*campaign.seeds, *(folder.inputs() if folder else ()), b"", bytes(16))))
        homes = [
            stack.enter_context(Scratch(home_of_scratch(), purpose="fuzz")).home for _ in range(max(1, campaign.jobs))
        ]
        job = _job(campaign, library, seeds, homes[0])
        harvest, stopped = search(job, homes, code, folder, progress, campaign)
        if harvest.hook_failed:
            raise InvalidConfiguration(
                path=campaign.hooks, reason=harvest.hook_failed, advice="Fix the hook, or leave it out."
            )
        reached = harvest.progress()
        limit_s = max(_CONFIRM_S, campaign.time_s / 2)
        tried = _confirmed(job, code, harvest, limit_s, _teller(folder, reached, progress))
        confirmed = _distinct(tried)
        if folder:
            confirmed = folder.keep_findings(harvest.found, confirmed, campaign)
            folder.save_state(campaign, reached.runs, job.words)
            folder.save_status(replace(reached, findings=len(confirmed)), running=False)
    return FuzzReport(
        library=campaign.library,
        sha256=sha256,
        prototype=campaign.prototype,
        seed=campaign.seed,
        stopped=stopped,
        level=code.level.value,
        progress=reached,
        findings=tuple(found for found in confirmed if found.reproducible),
        flaky=tuple(found for found in confirmed if not found.reproducible),
        observers=(*harvest.watched_by(), ("heap", _heap(job, tried.count(None))), *_kept(folder)),
        layers=harvest.layers,
        folder=campaign.folder,
        loader_message=harvest.refused or harvest.loader_message,
        curve=(*harvest.curve, reached),
    )


def minimise_corpus(campaign: Campaign) -> tuple[int, int]:
    """Cut the corpus of a campaign's folder, and its seeds, down to what reaches something; (kept, of how many).

    Raises as :func:`run_campaign`.
    """
    library = _study(campaign)
    with (
        Folder(campaign.folder).reserved() as folder,
        Scratch(home_of_scratch(), purpose="fuzz") as scratch,
    ):
        inputs = tuple(dict.fromkeys((*campaign.seeds, *folder.corpus())))
        kept = minimised(_job(campaign, library, inputs, scratch.home), inputs)
        folder.keep_only(kept)
    return len(kept), len(inputs)


@dataclass(frozen=True, slots=True)
class _Library:
    """What is fuzzed, as its bytes, as an image, and as code."""

    content: bytes
    image: Image
    code: CodeMap


def _study(campaign: Campaign) -> _Library:
    with Cursor.open(campaign.library) as cursor:
        content = cursor.bytes(0, cursor.size)
    image = read(content)
    code = analyse(image, content, tuple(call.address for call in campaign.calls))
    code = code.with_names(read_link_symbols(content))
    return _Library(content, image, code.only(campaign.only) if campaign.only else code)


def _job(campaign: Campaign, library: _Library, seeds: tuple[bytes, ...], scratch: str) -> Job:
    image, content, code = library.image, library.content, library.code
    return Job(
        library=os.path.abspath(campaign.library),
        calls=campaign.calls,
        blocks=code.blocks,
        entries=tuple(sorted(code.entries())),
        first_address=min((s.address for s in image.segments if s.kind == "LOAD"), default=0),
        inputs=seeds,
        words=tuple(dict.fromkeys((*campaign.words, *_separators(campaign.calls), *code.words))),
        seed=campaign.seed,
        max_size=campaign.max_size,
        time_s=campaign.time_s,
        runs=campaign.runs,
        hang_s=campaign.hang_s,
        heap=campaign.heap,
        heap_slots=import_slots(image, content, ALLOCATORS),
        compares=code.compares,
        compare_slots=import_slots(image, content, COMPARERS),
        own_stack=_may_move(image),
        gaps=global_gaps(image, content, read_link_symbols(content)),
        hooks=_text(campaign.hooks) if campaign.hooks else "",
        scratch=scratch,
        require=campaign.require,
        readable=readable_for(campaign.library, image, campaign.allow_read),
    )


def _may_move(image: Image) -> bool:
    """Whether the library may be called on another stack: one that scans its thread's, or runs code there, may not."""
    flags = next((segment.flags for segment in image.segments if segment.kind == "GNU_STACK"), "")
    return "x" not in flags and not _KNOW_STACK & {s.name for s in image.imports}


def _confirmed(
    job: Job, code: CodeMap, harvest: Harvest, limit_s: float, tell: Callable[[int], None]
) -> list[FuzzFinding | None]:
    """Each finding, tried again, each with a fair share of ``limit_s`` seconds and of what others left of theirs.

    ``tell`` is told before each how many were tried. KeyboardInterrupt leaves the rest untried: told as seen once.
    """
    guarded = bool(job.heap_slots or job.gaps) and job.heap is not Heap.PLAIN
    end = time.monotonic() + limit_s
    found = list(harvest.found.values())
    tried: list[FuzzFinding | None] = []
    try:
        with Replayer(job, code) as again:
            for number, one in enumerate(found):
                tell(number)
                share = (end - time.monotonic()) / (len(found) - number)
                tried.append(confirm(again, one, guarded=guarded, limit_s=share))
    except KeyboardInterrupt:
        tried += found[len(tried) :]
    return tried


def _teller(folder: Folder | None, reached: FuzzProgress, progress: Progress | None) -> Callable[[int], None]:
    """Says how many findings were tried again, to who asks in the folder and to ``progress``."""

    def tell(confirmed: int) -> None:
        now = replace(reached, confirmed=confirmed)
        if folder:
            folder.save_status(now, running=True)
        if progress:
            progress(now)

    return tell


def _distinct(tried: Iterable[FuzzFinding | None]) -> list[FuzzFinding]:
    """Each finding once: what looked like two may have one cause. The one that repeats best is kept.

    What was noticed late (no frames) is left out where the write to the same block was caught in the act, or past the
    same frames by a longer form of the same input.
    """
    kept: dict[str, FuzzFinding] = {}
    for found in tried:
        if found is not None and (found.stack_hash not in kept or found.repeated > kept[found.stack_hash].repeated):
            kept[found.stack_hash] = found
    caught = [found for found in kept.values() if found.frames]
    return [found for found in kept.values() if not any(_is_late(found, exact) for exact in caught)]


def _is_late(found: FuzzFinding, exact: FuzzFinding) -> bool:
    """Whether ``found`` is what comes later of what ``exact`` saw happen."""
    if found is exact or found.kind != exact.kind:
        return False
    if found.kind == GARBAGE and not found.frames:
        return True  # garbage reached the result: by way of what it decided
    if found.kind == "stack-buffer-overflow":
        same = not found.frames or found.frames[0].function == exact.frames[0].function
        longer = len(exact.inputs[-1]) > len(found.inputs[-1])
        return same and longer and exact.inputs[-1].startswith(found.inputs[-1])
    return not found.frames and bool(found.allocated) and found.allocated[:1] == exact.allocated[:1]


def _separators(calls: Iterable[CallPlan]) -> tuple[bytes, ...]:
    """What cuts an input, as a word of the dictionary, where one is cut."""
    return (SEPARATOR,) if any(len(call.takers) > 1 or call.shares or call.repeat for call in calls) else ()


def _kept(folder: Folder | None) -> tuple[tuple[str, str], ...]:
    """What could not be kept, as an observer's state."""
    return (("folder", f"degraded: {folder.trouble}"),) if folder and folder.trouble else ()


def _heap(job: Job, left_out: int) -> str:
    """How the library's heap was guarded, as a state of an observer."""
    if job.heap is not Heap.PLAIN and not job.heap_slots:
        return "active: the library imports no allocator, so nothing of it needs a guard"
    more = f"; left out: {counted(left_out, 'failure')} that only a guarded heap shows and none of its pages explains"
    return _HEAP[job.heap] + (more if left_out else "")


def _text(path: str) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(path=path, reason=str(error)) from error
