"""``fuzz``: a library by name or path, a prototype, and the search begins; ``export_harness``: for other fuzzers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.core.fuzzing import FuzzProgress, FuzzReport
from loadstone.core.image import Image
from loadstone.errors import InvalidPrototype
from loadstone.fuzz.code.analyse import analyse
from loadstone.fuzz.code.dwarf import declarations, declared
from loadstone.fuzz.engine import minimise_corpus, run_campaign
from loadstone.fuzz.learn import Proposal, learn, proposals, undeclared
from loadstone.fuzz.outcome.export import export
from loadstone.fuzz.plan import CallPlan, Campaign, Heap
from loadstone.fuzz.sequence import read_sequence
from loadstone.fuzz.target import plan
from loadstone.headers import read_header, read_text
from loadstone.headers.types import Declarations
from loadstone.library.target import locate

__all__ = ["export_harness", "fuzz", "minimise", "propose"]


def fuzz(
    target: str | os.PathLike[str],
    prototype: str = "",
    *,
    roles: Mapping[str, str] | None = None,
    time_s: float = 60.0,
    runs: int = 0,
    seed: int = 0,
    out: str = "",
    heap: Heap = Heap.MIXED,
    max_size: int = 4096,
    seeds: Sequence[bytes] = (),
    words: Sequence[bytes] = (),
    first: bool = False,
    jobs: int = 1,
    only: Sequence[str] = (),
    sequence: str = "",
    header: str = "",
    hooks: str = "",
    require: Sequence[str] = (),
    allow_read: Sequence[str | os.PathLike[str]] = (),
    progress: Callable[[FuzzProgress], None] | None = None,
) -> FuzzReport:
    """Search for inputs that break an exported function, in a confined child process.

    Args:
        target: the library, by name or path.
        prototype: the function, as C; its name alone where the library has DWARF that declares it.
        roles: what a parameter is for, by its name, where its type does not say.
        time_s: how long to search, in seconds; confirming findings takes some more.
        runs: stop after so many calls; 0 for no limit.
        seed: of the random choices.
        out: a folder for corpus and findings; a campaign on the same folder goes on.
        heap: how the library's own heap is guarded; by default in each way in turn.
        max_size: of one input, in bytes.
        seeds: inputs to start from.
        words: dictionary entries beyond those found in the code.
        first: stop at the first finding.
        jobs: workers side by side, one processor each, with one corpus.
        only: the code whose coverage counts: functions by name, or ranges as ``0x1000-0x2000``.
        sequence: a TOML file with several calls (see :mod:`loadstone.fuzz.sequence`) instead of ``prototype``.
        header: a C header that declares ``prototype``, which is a name then, and the functions that make and end the
            handles it takes; they are called around it.
        hooks: a Python file with ``fixup(data)``, ``check(data, result)`` or ``mutate(data, max_size, random)``.
        require: names of layers (``landlock``, ``seccomp`` ...) without which nothing may run.
        allow_read: files and folders that it may read besides the system's and those of its own folder.
        progress: called about once a second, in this thread.

    Raises:
        NotFound, Unreadable, MalformedImage: there is no such library.
        InvalidPrototype: the text is no prototype, or a parameter has no role.
        SymbolNotFound: the library does not export the function.
        ProbeFailed: no worker process could be started.
        Unwritable: ``out`` cannot be made.

    Never loads the library in this process. Linux on x86-64; elsewhere coverage is absent and the report says so.
    """
    path, text, calls = _target(target, prototype, roles or {}, sequence, header)
    return run_campaign(
        Campaign(
            library=path,
            prototype=text,
            calls=calls,
            time_s=time_s,
            runs=runs,
            seed=seed,
            max_size=max_size,
            heap=heap,
            seeds=tuple(seeds),
            words=tuple(words),
            folder=out,
            first=first,
            jobs=jobs,
            only=tuple(only),
            hooks=hooks,
            require=tuple(require),
            allow_read=tuple(os.fspath(name) for name in allow_read),
        ),
        progress,
    )


def propose(target: str | os.PathLike[str], header: str = "") -> list[Proposal]:
    """The exported functions that are worth fuzzing, the most promising first.

    How they are called is declared by ``header``, or else by the debug information of the library; where there is
    neither, those are listed, refused, that read something by their names. Raises as :func:`fuzz`, for the library
    and the header.
    """
    path = str(locate(target).path)
    image = read(path)
    if header:
        return proposals(read_header(header), image)
    return proposals(_declarations(path, image), image) or undeclared(image)


def _declarations(path: str, image: Image) -> Declarations:
    """What the debug information declares of the exports; nothing where there is none, or nothing to read it with."""
    try:
        return read_text(declarations(path, {symbol.name for symbol in image.exports}))
    except InvalidPrototype:
        return read_text("")


def minimise(
    target: str | os.PathLike[str],
    prototype: str = "",
    *,
    out: str,
    roles: Mapping[str, str] | None = None,
    sequence: str = "",
    seeds: Sequence[bytes] = (),
    max_size: int = 4096,
) -> tuple[int, int]:
    """Cut the corpus of the folder ``out``, together with ``seeds``, down to the inputs that reach something.

    Returns how many are kept, and of how many. Arguments and errors as :func:`fuzz`; what ends the process is left out.
    """
    path, text, calls = _target(target, prototype, roles or {}, sequence)
    return minimise_corpus(
        Campaign(library=path, prototype=text, calls=calls, folder=out, seeds=tuple(seeds), max_size=max_size)
    )


def export_harness(
    target: str | os.PathLike[str],
    prototype: str = "",
    *,
    folder: str,
    roles: Mapping[str, str] | None = None,
    sequence: str = "",
    seeds: Sequence[bytes] = (),
) -> tuple[str, ...]:
    """Write the same target as a harness for libFuzzer and AFL++; arguments and errors as :func:`fuzz`.

    Returns the paths written: harness, build script, dictionary, corpus. Runs nothing, builds nothing.
    """
    path, text, calls = _target(target, prototype, roles or {}, sequence)
    with Cursor.open(path) as cursor:
        content = cursor.bytes(0, cursor.size)
    words = analyse(read(content), content).words
    return export(folder, path, f"{text} in {path}", calls, inputs=(*seeds, b"0"), words=words)


def _target(
    target: str | os.PathLike[str], prototype: str, roles: Mapping[str, str], sequence: str, header: str = ""
) -> tuple[str, str, tuple[CallPlan, ...]]:
    """(path of the library, what is fuzzed in a line, the calls)."""
    path = str(locate(target).path)
    image = read(path)
    if sequence:
        calls = read_sequence(sequence, image)
        return path, _name(calls), calls
    if header:
        calls = learn(prototype.strip(), read_header(header), roles, image)
        return path, _name(calls), calls
    text = declared(prototype, path)
    try:
        return path, text, (plan(text, roles, image),)
    except InvalidPrototype:  # by its name alone: what it needs may be made by others of the library
        if text == prototype:
            raise
        with suppress(InvalidPrototype):
            calls = learn(prototype.strip(), _declarations(path, image), roles, image)
            return path, _name(calls), calls
        raise


def _name(calls: Sequence[CallPlan]) -> str:
    """A sequence in a few words."""
    return " -> ".join(f"{call.symbol}()" + (" again and again" if call.repeat else "") for call in calls)
