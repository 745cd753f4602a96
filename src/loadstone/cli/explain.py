"""``loadstone explain``: will it load here; if not, why, and what to do."""

from __future__ import annotations

from argparse import ArgumentParser
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.loader_options import LoaderOptions, add_binding_options, add_loader_options
from loadstone.cli.options import add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit
from loadstone.core.trace import LoadVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from loadstone.core.trace import Explanation
    from loadstone.linker import LoaderModel
    from loadstone.linker.answers import Answers
    from loadstone.linker.surveys import Survey, SurveyRow


class ExplainFormat(StrEnum):
    """How an explanation is rendered; rows are for surveys, and come as they are found."""

    TEXT = "text"
    JSON = "json"
    TABLE = "table"
    CSV = "csv"


_ROWS = (ExplainFormat.TABLE, ExplainFormat.CSV)


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a path, or a name the way a loader gets it")
    add_loader_options(parser)
    add_binding_options(parser)
    parser.add_argument("--symbol", metavar="NAME", help="also list which files define, import or lack this symbol")
    parser.add_argument(
        "--versions",
        action="store_true",
        help="also list the versions that symbols need; of a wheel or folder: its platform tag and abi3",
    )
    parser.add_argument(
        "--replace", metavar="OLD=FILE", help="what breaks if OLD is replaced by FILE; of a folder, for which files"
    )
    parser.add_argument("--as-library", action="store_true", help="open a program as dlopen would")
    parser.add_argument(
        "--table", dest="output_format", action="store_const", const=ExplainFormat.TABLE,
        help="one row per file, as they are found",
    )  # fmt: skip
    add_format(parser, *ExplainFormat)
    add_output(parser)
    add_verbose(parser)


def run(
    *,
    targets: list[str],
    lazy: bool,
    symbol: str | None,
    versions: bool,
    replace: str | None,
    as_library: bool,
    output_format: ExplainFormat,
    output: Path | None,
    verbose: int,
    **places: Any,
) -> ExitStatus:
    """Will it load here? If not: why, in the loader's words and in plain ones, and how to fix it.

    TARGET is a library or a program, by path or by name; or a folder (site-packages/) or an archive (a wheel, jar,
    conda, deb, rpm or apk package, a tar archive, a container image), of which every library is explained and equal
    causes are shown once. Nothing is run, loaded or unpacked to disk; the loader is simulated. The options put the
    question for another process, user, processor, loader or system.
    """
    from loadstone.linker.survey_target import is_survey_target

    options = LoaderOptions.of(**places)
    surveyed = [t for t in targets if is_survey_target(t, options.model(t))]
    colour = output is None and colour_wanted()
    if surveyed:
        if symbol:
            raise UsageError("--symbol asks about one library, not a folder or archive")
        if len(surveyed) < len(targets):
            raise UsageError("ask about folders and archives, or about single libraries, not about both at once")
        if replace:
            return _replaced(targets, replace, options.model(targets[0]), output, output_format, colour=colour)
        if versions:
            return _portability(targets, options.model(targets[0]), output, colour=colour, verbose=verbose)
        return _survey(targets, options.model(targets[0]), output_format, output, colour=colour, verbose=verbose)
    if output_format in _ROWS:
        raise UsageError(f"--format {output_format} is for folders and archives")
    worst = ExitStatus.CLEAN
    rendered: list[str] = []
    for target in targets:
        named = located(target, options)
        explained = _explained(named, options, lazy=lazy, as_library=as_library)
        answers = _answers(explained, symbol, replace, versions=versions)
        rendered.append(_rendered(explained, answers, output_format, colour=colour, verbose=verbose))
        worst = max(worst, status_of(explained), _status_of_replacement(answers), key=GRAVITY.index)
    joined = (
        f"[{','.join(rendered)}]" if len(rendered) > 1 and output_format is ExplainFormat.JSON else "\n".join(rendered)
    )
    emit(joined, output)
    return worst


def _explained(target: str, options: LoaderOptions, *, lazy: bool, as_library: bool) -> Explanation:
    from loadstone.linker import explain

    return explain(
        target,
        model=options.model(target),
        mode="lazy" if lazy else "now",
        as_library=as_library or options.main is not None,
        thorough=True,
    )


def status_of(explained: Explanation) -> ExitStatus:
    """What one explanation tells the shell: a file that is not there is no verdict on a file."""
    first = explained.first_blocking
    if first is not None and first.code == "no-such-file":
        return ExitStatus.UNDECIDED
    return STATUS[explained.verdict]


STATUS = {
    LoadVerdict.LOADS: ExitStatus.CLEAN,
    LoadVerdict.LOADS_WITH_RISK: ExitStatus.CLEAN,
    LoadVerdict.FAILS: ExitStatus.FINDINGS,
    LoadVerdict.UNKNOWN: ExitStatus.UNDECIDED,
}
"""What each verdict tells the shell."""

GRAVITY = (ExitStatus.CLEAN, ExitStatus.UNDECIDED, ExitStatus.FINDINGS)
"""Of several answers the gravest counts."""


def located(target: str, surroundings: LoaderOptions) -> str:
    """What the loader is given: the target itself, or the file a short name like ``z`` stands for."""
    from loadstone.library.target import as_the_loader_gets_it

    if surroundings.root:
        from loadstone.linker import HostFiles

        return HostFiles(root=surroundings.root).inside(target)
    return target if surroundings != LoaderOptions() else as_the_loader_gets_it(target)


def _survey(
    targets: list[str],
    model: LoaderModel | None,
    output_format: ExplainFormat,
    output: Path | None,
    *,
    colour: bool,
    verbose: int,
) -> ExitStatus:
    from loadstone.linker.surveys import survey

    def shown(rows: Iterator[SurveyRow]) -> Iterable[SurveyRow]:
        from loadstone.cli.progress import each
        from loadstone.report.text.survey import COLUMNS, csv_row, table_row

        if output_format is ExplainFormat.CSV and output is None:
            emit(csv_row(COLUMNS))
        for row in each(rows, "explaining", total=0):
            if output_format in _ROWS and output is None:
                emit(csv_row(row) if output_format is ExplainFormat.CSV else table_row(row, Style(colour)))
            yield row

    from loadstone.report.text.style import Style

    result = survey(*targets, model=model, progress=shown)
    if output is not None or output_format not in _ROWS:
        emit(_rendered_survey(result, output_format, colour=colour, verbose=verbose), output)
    return STATUS[result.verdict]


def _portability(
    targets: list[str], model: LoaderModel | None, output: Path | None, *, colour: bool, verbose: int
) -> ExitStatus:
    """The tag that wheels or folders deserve; not what was asked for when they claim a better one."""
    from loadstone.linker.surveys import portability
    from loadstone.report.text.portability import render
    from loadstone.report.text.style import Style

    found = portability(*targets, model=model)
    emit(render(found, Style(colour), verbose=verbose), output)
    return ExitStatus.CLEAN if found.is_honest and not found.stable_abi else ExitStatus.FINDINGS


def _replaced(
    targets: list[str],
    replace: str,
    model: LoaderModel | None,
    output: Path | None,
    output_format: ExplainFormat,
    *,
    colour: bool,
) -> ExitStatus:
    """What breaks in every library of folders and archives when one is replaced."""
    from loadstone.binary import read
    from loadstone.linker.answers import Answers
    from loadstone.linker.surveys import replacing_everywhere
    from loadstone.report.text.answers import render
    from loadstone.report.text.style import Style

    if output_format in (*_ROWS, ExplainFormat.JSON):
        raise UsageError("--replace over a folder or archive answers in text only")
    old, new = _old_and_new(replace)
    found = Answers(replacement=replacing_everywhere(*targets, old=old, new=read(new), named=new, model=model))
    emit(render(found, Style(colour)).strip(), output)
    return _status_of_replacement(found)


def _status_of_replacement(answers: Answers) -> ExitStatus:
    """What breaks is a finding; a library that nothing uses was not compared."""
    replacement = answers.replacement
    if replacement is None:
        return ExitStatus.CLEAN
    if not replacement.users:
        return ExitStatus.UNDECIDED
    return ExitStatus.FINDINGS if replacement.broken else ExitStatus.CLEAN


def _old_and_new(replace: str) -> tuple[str, str]:
    from loadstone.errors import InvalidName

    old, equals, new = replace.partition("=")
    if not old or not equals:
        raise InvalidName(name=replace, reason="a replacement is given as OLD=FILE")
    return old, new


def _answers(explained: Explanation, symbol: str | None, replace: str | None, *, versions: bool) -> Answers:
    """The further questions that were asked, answered."""
    from loadstone.binary import read
    from loadstone.linker import answers

    replacement = None
    if replace:
        old, new = _old_and_new(replace)
        replacement = answers.replacing(explained, old, read(new), named=new)
    return answers.Answers(
        symbol=answers.story_of(explained, symbol) if symbol else None,
        versions=answers.needs_of(explained) if versions else None,
        replacement=replacement,
    )


def _rendered_survey(result: Survey, output_format: ExplainFormat, *, colour: bool, verbose: int) -> str:
    if output_format is ExplainFormat.JSON:
        from loadstone.report.documents.survey import survey_document
        from loadstone.report.json import render as render_json

        return render_json(survey_document(result))
    from loadstone.report.text.style import Style
    from loadstone.report.text.survey import COLUMNS, csv_row, render, table_row

    if output_format is ExplainFormat.CSV:
        return "\n".join((csv_row(COLUMNS), *map(csv_row, result.rows)))
    if output_format is ExplainFormat.TABLE:
        return "\n".join(table_row(row, Style(colour)) for row in result.rows)
    return render(result, Style(colour), verbose=verbose)


def _rendered(
    result: Explanation, answers: Answers, output_format: ExplainFormat, *, colour: bool, verbose: int
) -> str:
    if output_format is ExplainFormat.JSON:
        from loadstone.report.documents.explanation import explanation_document
        from loadstone.report.json import render as render_json

        return render_json(explanation_document(result, answers))
    from loadstone.report.text.answers import render as render_answers
    from loadstone.report.text.explanation import render
    from loadstone.report.text.style import Style

    style = Style(colour)
    return render(result, style, verbose=verbose) + render_answers(answers, style)
