"""``loadstone fuzz``: coverage-guided fuzzing of one exported function, in a confined child."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from loadstone.cli import progress
from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.options import OutputFormat, add_allow_read, add_format, add_output, at_least, one_of
from loadstone.cli.output import colour_wanted, emit
from loadstone.core.fuzzing import FuzzProgress, FuzzReport, Stopped
from loadstone.escape import printable
from loadstone.fuzz.plan import Heap


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help="the library, by name or path")
    parser.add_argument(
        "prototype", nargs="?", default="", metavar="PROTOTYPE",
        help="the function, as C: 'int parse(const uint8_t *data, size_t n)'; its name is enough where the library "
        "has debug information",
    )  # fmt: skip
    parser.add_argument(
        "--role", action="append", default=[], type=_pair, metavar="PARAMETER=ROLE",
        help="what an argument is for, where its type does not say",
    )  # fmt: skip
    parser.add_argument(
        "--sequence", type=Path, metavar="FILE", help="several calls in order, from a TOML file; no PROTOTYPE then"
    )
    parser.add_argument(
        "--hooks",
        "--mutator",
        type=Path,
        metavar="FILE",
        help="Python with fixup(data), check(data, result), mutate(data, max_size, random), or several of them",
    )
    parser.add_argument(
        "--seeds", type=Path, metavar="DIR", help="inputs to start from: files, or a folder of AFL++ or libFuzzer"
    )
    parser.add_argument(
        "--time", type=at_least(0.1, float), default=60.0, metavar="S", help="how long to search, in seconds [60]"
    )
    parser.add_argument(
        "--runs", type=at_least(0), default=0, metavar="N", help="stop after so many runs; 0 is no limit"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="for the random choices; the same seed repeats them"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep corpus and findings here; resumes")
    parser.add_argument(
        "--heap", type=one_of(*Heap), choices=tuple(Heap), default=Heap.MIXED, metavar="KIND",
        help=f"how the library's own heap is guarded: {', '.join(Heap)} [{Heap.MIXED}: each in turn]",
    )  # fmt: skip
    parser.add_argument(
        "--max-size", type=at_least(1, most=1 << 20), default=4096, metavar="BYTES", help="largest input to try [4096]"
    )
    parser.add_argument(
        "--export", type=Path, metavar="DIR", help="write a harness for libFuzzer and AFL++ instead of searching"
    )
    parser.add_argument(
        "--jobs", type=at_least(1, most=64), default=1, metavar="N", help="workers side by side, with one corpus [1]"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="SYMBOL|LOW-HIGH",
        help="count the coverage of this function, or of this range of virtual addresses",
    )  # fmt: skip
    parser.add_argument(
        "--minimise-corpus", action="store_true", help="keep only the inputs of --out, and --seeds, that add coverage"
    )
    parser.add_argument(
        "--header", type=Path, metavar="FILE",
        help="a C header: PROTOTYPE is a name in it, its functions create and destroy the handles",
    )  # fmt: skip
    parser.add_argument(
        "--list", action="store_true", dest="listed",
        help="list the functions worth fuzzing and how they are called, by --header or by debug information",
    )  # fmt: skip
    parser.add_argument("--status", type=Path, metavar="DIR", help="show the progress of the campaign in this folder")
    parser.add_argument("--first", action="store_true", help="stop at the first finding")
    parser.add_argument(
        "--require", default="", metavar="LAYER,...", help="run nothing unless these sandbox layers are active"
    )
    add_allow_read(parser)
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.SARIF, OutputFormat.HTML)
    add_output(parser)


def run(
    *,
    target: str,
    prototype: str,
    role: list[tuple[str, str]],
    sequence: Path | None,
    hooks: Path | None,
    seeds: Path | None,
    time: float,
    runs: int,
    seed: int,
    out: Path | None,
    heap: Heap,
    max_size: int,
    export: Path | None,
    first: bool,
    jobs: int,
    only: list[str],
    minimise_corpus: bool,
    header: Path | None,
    listed: bool,
    status: Path | None,
    require: str,
    allow_read: list[Path],
    output_format: OutputFormat,
    output: Path | None,
) -> ExitStatus:
    """Find inputs that break an exported function of a closed library. It runs, in a confined child process.

    Coverage comes from one-shot breakpoints, so neither source nor compiler is needed. Ctrl-C ends the search and keeps
    what was found.
    """
    from loadstone.fuzz.campaign import export_harness, fuzz, minimise
    from loadstone.fuzz.outcome.corpus import inputs_in

    if status:
        return _tell_status(status, output)
    if not target:
        raise UsageError("say which library: TARGET")
    if listed:
        return _list(target, header, output)
    if bool(prototype) == bool(sequence):
        raise UsageError("say which function: its PROTOTYPE, or --sequence FILE")
    roles = dict(role)
    given = inputs_in(seeds) if seeds else ()
    steps = str(sequence) if sequence else ""
    if export:
        written = export_harness(target, prototype, folder=str(export), roles=roles, sequence=steps, seeds=given)
        emit("".join(f"{printable(path)}\n" for path in written), output)
        return ExitStatus.CLEAN
    if minimise_corpus:
        if not out:
            raise UsageError("say whose corpus: --out DIR")
        kept = minimise(target, prototype, out=str(out), roles=roles, sequence=steps, seeds=given, max_size=max_size)
        emit("{:,} of {:,} inputs reach all that is reached, and are kept\n".format(*kept), output)
        return ExitStatus.CLEAN
    report = fuzz(
        target,
        prototype,
        roles=roles,
        time_s=time,
        runs=runs,
        seed=seed,
        out=str(out) if out else "",
        heap=heap,
        max_size=max_size,
        first=first,
        jobs=jobs,
        only=only,
        sequence=steps,
        header=str(header) if header else "",
        hooks=str(hooks) if hooks else "",
        seeds=given,
        require=[word.strip() for word in require.split(",") if word.strip()],
        allow_read=allow_read,
        progress=_line if progress.wanted() else None,
    )
    emit(_rendered(report, output_format, colour=output is None and colour_wanted()), output)
    return _status(report)


def _status(report: FuzzReport) -> ExitStatus:
    if report.stopped in (Stopped.CANNOT_LOAD, Stopped.NOT_RUN):
        return ExitStatus.UNDECIDED
    return ExitStatus.FINDINGS if report.findings else ExitStatus.CLEAN


def _rendered(report: FuzzReport, output_format: OutputFormat, *, colour: bool) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.fuzz import fuzz_document
        from loadstone.report.json import render as render_json

        return render_json(fuzz_document(report))
    if output_format is OutputFormat.SARIF:
        from loadstone.core.fuzzing import fuzz_claims
        from loadstone.report.sarif import render as render_sarif

        return render_sarif(fuzz_claims(report))
    if output_format is OutputFormat.HTML:
        from loadstone.report.html.fuzz import render as render_html

        return render_html(report)
    from loadstone.report.text.fuzz import render
    from loadstone.report.text.style import Style

    return render(report, Style(colour))


def _tell_status(folder: Path, output: Path | None) -> ExitStatus:
    from loadstone.fuzz.outcome.corpus import campaign_status
    from loadstone.report.text.fuzz import progress_line

    found = campaign_status(folder)
    state = "running" if found.running else "killed before its end" if found.ended_early else "ended"
    emit(f"{state}: {progress_line(found.progress).strip()}, {found.progress.corpus:,} inputs kept\n", output)
    return ExitStatus.CLEAN


def _list(target: str, header: Path | None, output: Path | None) -> ExitStatus:
    from loadstone.fuzz.campaign import propose

    found = propose(target, str(header) if header else "")
    lines = []
    for one in found:
        lines.append(printable(f"{one.name}: {one.refused}" if one.refused else one.name))
        if not one.refused:
            lines.append(printable(f"    {' '.join(one.prototype.split())}"))
            lines.append(printable(f"    {' -> '.join(call.symbol for call in one.calls)}"))
    emit("".join(f"{line}\n" for line in lines) or "no declared function takes an input\n", output)
    return ExitStatus.CLEAN if any(not one.refused for one in found) else ExitStatus.UNDECIDED


def _pair(text: str) -> tuple[str, str]:
    name, separator, word = text.partition("=")
    if not separator:
        raise ArgumentTypeError(f"{text!r} is not PARAMETER=ROLE")
    return name, word


def _line(now: FuzzProgress) -> None:
    from loadstone.report.text.fuzz import progress_line

    progress.show(progress_line(now))
