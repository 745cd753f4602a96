"""``loadstone explain``: will it load here; if not, why, and what to do."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadstone.cli.exits import ExitStatus, UsageError
from loadstone.cli.loader_options import LoaderOptions, add_binding_options, add_loader_options
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit
from loadstone.core.trace import LoadVerdict

if TYPE_CHECKING:
    from loadstone.core.trace import Explanation
    from loadstone.linker.answers import Answers
    from loadstone.linker.survey import Survey


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("target", metavar="TARGET", help="a path, or a name the way a loader gets it")
    add_loader_options(parser)
    add_binding_options(parser)
    parser.add_argument("--symbol", metavar="NAME", help="also: who defines, wants and misses this symbol")
    parser.add_argument(
        "--versions", action="store_true", help="also: which symbols need which version; the smallest glibc"
    )
    parser.add_argument("--replace", metavar="OLD=FILE", help="also: what breaks if OLD were FILE")
    parser.add_argument("--as-library", action="store_true", help="open a program as dlopen would")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)


def run(
    *,
    target: str,
    lazy: bool,
    symbol: str | None,
    versions: bool,
    replace: str | None,
    as_library: bool,
    output_format: OutputFormat,
    output: Path | None,
    verbose: int,
    **places: Any,
) -> ExitStatus:
    """Will it load here? If not: why, in the loader's words and in plain ones, and what to do about it.

    TARGET is a library or a program, by path or by name; or a folder (site-packages/) or a wheel, of which every
    library is explained and the worst comes first. Nothing is run or loaded; the loader is simulated. The options
    put the question for another process, user, processor, loader or system.
    """
    from loadstone.linker import explain
    from loadstone.linker.survey import is_survey_target

    surroundings = LoaderOptions.of(**places)
    colour = output is None and colour_wanted()
    if is_survey_target(target):
        if symbol or versions or replace:
            raise UsageError("--symbol, --versions and --replace ask about one library, not a folder or wheel")
        result = _survey(target, surroundings)
        emit(_rendered_survey(result, output_format, colour=colour, verbose=verbose), output)
        return STATUS[result.verdict]
    mode = "lazy" if lazy else "now"
    explained = explain(
        located(target, surroundings),
        model=surroundings.model(target),
        mode=mode,
        as_library=as_library or surroundings.main is not None,
        thorough=True,
    )
    answers = _answers(explained, symbol, replace, versions=versions)
    emit(_rendered(explained, answers, output_format, colour=colour, verbose=verbose), output)
    return STATUS[explained.verdict]


STATUS = {
    LoadVerdict.LOADS: ExitStatus.CLEAN,
    LoadVerdict.LOADS_WITH_RISK: ExitStatus.CLEAN,
    LoadVerdict.FAILS: ExitStatus.FINDINGS,
    LoadVerdict.UNKNOWN: ExitStatus.UNDECIDED,
}
"""What each verdict tells the shell."""


def located(target: str, surroundings: LoaderOptions) -> str:
    """What the loader is given: the target itself, or the file a short name like ``z`` stands for."""
    from loadstone.library.target import as_the_loader_gets_it

    return target if surroundings != LoaderOptions() else as_the_loader_gets_it(target)


def _survey(target: str, surroundings: LoaderOptions) -> Survey:
    from loadstone.cli.progress import each
    from loadstone.linker.survey import survey

    return survey(target, model=surroundings.model(target), progress=lambda paths: each(paths, "explaining"))


def _answers(explained: Explanation, symbol: str | None, replace: str | None, *, versions: bool) -> Answers:
    """The further questions that were asked, answered."""
    from loadstone.binary import read
    from loadstone.errors import InvalidName
    from loadstone.linker import answers

    replacement = None
    if replace:
        old, equals, new = replace.partition("=")
        if not old or not equals:
            raise InvalidName(name=replace, reason="a replacement is given as OLD=FILE")
        replacement = answers.Replacement(old, new, answers.replacing(explained, old, read(new)))
    return answers.Answers(
        symbol=answers.story_of(explained, symbol) if symbol else None,
        versions=answers.needs_of(explained) if versions else None,
        replacement=replacement,
    )


def _rendered_survey(result: Survey, output_format: OutputFormat, *, colour: bool, verbose: int) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.survey import survey_document
        from loadstone.report.json import render as render_json

        return render_json(survey_document(result))
    from loadstone.report.text.style import Style
    from loadstone.report.text.survey import render

    return render(result, Style(colour), verbose=verbose)


def _rendered(result: Explanation, answers: Answers, output_format: OutputFormat, *, colour: bool, verbose: int) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.explanation import explanation_document
        from loadstone.report.json import render as render_json

        return render_json(explanation_document(result, answers))
    from loadstone.report.text.answers import render as render_answers
    from loadstone.report.text.explanation import render
    from loadstone.report.text.style import Style

    style = Style(colour)
    return render(result, style, verbose=verbose) + render_answers(answers, style)
