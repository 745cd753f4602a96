"""``loadstone inspect``: what is in a file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from loadstone.cli.exits import ExitStatus
from loadstone.cli.options import OutputFormat, add_format, add_output, add_verbose
from loadstone.cli.output import colour_wanted, emit, emit_diagnostic
from loadstone.cli.progress import each
from loadstone.errors import LoadstoneError, MalformedImage
from loadstone.quick_dataclass import dataclass, replace

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from loadstone.core.image import Image
    from loadstone.report.text.checksec import ChecksecRow

    Subject: TypeAlias = "str | tuple[Image, ...] | _Unread"

Answer = TypeVar("Answer")

_WORTH_A_POOL = 200


@dataclass(frozen=True, slots=True)
class _Unread:
    """An archive, or a file in one, that could not be read, and why."""

    path: str
    error: LoadstoneError


"""Files from which on starting worker processes pays (about 0.2 s for the start, 1 to 3 ms a file)."""


def add_arguments(parser: ArgumentParser) -> None:
    """What this command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a binary, or a folder or an archive of them")
    add_format(parser, OutputFormat.TEXT, OutputFormat.JSON)
    add_output(parser)
    add_verbose(parser)
    words = "one row per file: RELRO, stack canary, NX, PIE, FORTIFY and so on, as checksec has them"
    parser.add_argument("--checksec", action="store_true", help=words)


def run(
    *, files: list[str], output_format: OutputFormat, output: Path | None, verbose: int, checksec: bool = False
) -> ExitStatus:
    """What is in a file: SONAME, dependencies, exports, hardening, code run at load. ELF, PE, Mach-O; nothing is run.

    A folder or an archive (wheel, package, tar, container image) stands for the binaries in it. Of several files,
    those that cannot be read are listed as such, and the exit status is 3.
    """
    colour = output is None and colour_wanted()
    archives = [file for file in files if _is_packed(file)]
    paths = list(_expanded([file for file in files if file not in archives]))
    if checksec:
        return _checksec(paths, archives, output, colour=colour)
    if len(files) == 1 and paths == files:
        emit(_joined(_images(files[0], output_format, colour, verbose), output_format, single=True), output)
        return ExitStatus.CLEAN
    answer = partial(_answer, output_format=output_format, colour=colour, verbose=verbose)
    parts: list[str] = []
    unread = 0
    interrupted = False
    try:
        answers = chain(_mapped(answer, paths), map(answer, chain.from_iterable(map(_packed, archives))))
        for read, rendered in each(answers, "inspecting", total=len(paths) if not archives else 0):
            unread += not read
            parts += rendered
    except KeyboardInterrupt:
        interrupted = True
    emit(_joined(parts, output_format), output)
    if interrupted:
        emit_diagnostic(f"loadstone: interrupted; {len(parts)} answers of {len(paths)} files are above")
        return ExitStatus.INTERRUPTED
    return ExitStatus.UNDECIDED if unread else ExitStatus.CLEAN


def _checksec(paths: list[str], archives: list[str], output: Path | None, *, colour: bool) -> ExitStatus:
    """The rows of all files as tables; what could not be read is said on the error stream, and in the exit status."""
    from loadstone.report.text.checksec import checksec_tables
    from loadstone.report.text.style import Style

    rows: list[ChecksecRow] = []
    unread = 0
    answers = chain(_mapped(partial(_checked), paths), map(_checked, chain.from_iterable(map(_packed, archives))))
    for found, problem in each(answers, "inspecting", total=len(paths) if not archives else 0):
        rows += found
        if problem:
            unread += 1
            emit_diagnostic(problem)
    emit(checksec_tables(rows, Style(colour)), output)
    return ExitStatus.UNDECIDED if unread else ExitStatus.CLEAN


def _checked(path: Subject) -> tuple[list[ChecksecRow], str]:
    """The rows of one file, or why there are none."""
    from loadstone.report.text.checksec import checksec_row

    try:
        return [checksec_row(image) for image in _read(path)], ""
    except LoadstoneError as error:
        return [], f"loadstone: {error.message}"


def _is_packed(file: str) -> bool:
    """Whether a file is an archive of other things than object files."""
    from loadstone.archives import format_of

    try:
        with open(file, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0))) as stream:
            found = format_of(stream.read(4096), file)
    except OSError:
        return False
    return found is not None and found.name != "static library"


def _packed(archive: str) -> Iterator[Subject]:
    """The images in an archive, each called by where it comes from; an archive that ends in an error says so last."""
    from loadstone.archives import walk
    from loadstone.binary import FileKind, identify, images

    binaries = {FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL}
    try:
        for member in walk(archive):
            if member.opener is None or identify(member.head(512)).kind not in binaries:
                continue
            try:
                yield tuple(replace(image, path=member.path) for image in images(member.read()))
            except MalformedImage as error:
                yield _Unread(member.path, error)
    except LoadstoneError as error:
        yield _Unread(archive, error)


def _read(subject: Subject) -> tuple[Image, ...]:
    """The images of a file; those that were read from an archive as they are."""
    from loadstone.binary import images

    if isinstance(subject, _Unread):
        raise subject.error
    return images(subject) if isinstance(subject, str) else subject


def _expanded(files: list[str]) -> Iterator[str]:
    """The files, and for a folder the binaries in it, in order of their names; links to files are followed once."""
    from loadstone.binary import FileKind, identify_file

    binaries = {FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL}
    for file in files:
        if not os.path.isdir(file):
            yield file
            continue
        for folder, folders, names in os.walk(file):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                try:
                    if os.path.isfile(path) and not os.path.islink(path) and identify_file(path).kind in binaries:
                        yield path
                except (LoadstoneError, OSError):  # it is there and unreadable, or just gone: said when its turn comes
                    yield path


def _mapped(answer: partial[Answer], paths: list[str]) -> Iterator[Answer]:
    """The answers in the order of the paths, made by as many processes as there are processors when it is worth it."""
    if len(paths) < _WORTH_A_POOL:
        yield from map(answer, paths)
        return
    from loadstone.processes import mapped

    yield from mapped(answer, paths, together=16)


def _answer(path: Subject, *, output_format: OutputFormat, colour: bool, verbose: int) -> tuple[bool, list[str]]:
    """Whether the file could be read, and its rendering: one text an image, or one that says why there is none."""
    try:
        return True, _images(path, output_format, colour, verbose)
    except LoadstoneError as error:
        named = path.path if isinstance(path, _Unread) else path
        assert isinstance(named, str)  # what was read from an archive raises no more
        return False, [_unread(named, error, output_format, colour)]


def _images(path: Subject, output_format: OutputFormat, colour: bool, verbose: int) -> list[str]:
    found = _members(path) if isinstance(path, str) else _read(path)
    return [_image(one, output_format, colour, verbose) for one in found]


def _members(path: str) -> tuple[Image | MalformedImage, ...]:
    from loadstone.binary import image_members

    return image_members(path)


def _image(found: Image | MalformedImage, output_format: OutputFormat, colour: bool, verbose: int) -> str:
    if isinstance(found, MalformedImage):
        return _unread(str(found.path), found, output_format, colour)
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.image import image_document
        from loadstone.report.json import render as render_json

        return render_json(image_document(found))
    from loadstone.report.text.image import render
    from loadstone.report.text.style import Style

    return render(found, Style(colour), verbose=verbose)


def _unread(path: str, error: LoadstoneError, output_format: OutputFormat, colour: bool) -> str:
    if output_format is OutputFormat.JSON:
        from loadstone.report.documents.image import unread_document
        from loadstone.report.json import render as render_json

        return render_json(unread_document(path, error))
    from loadstone.report.text.image import render_unread
    from loadstone.report.text.style import Style

    return render_unread(path, error, Style(colour))


def _joined(parts: list[str], output_format: OutputFormat, *, single: bool = False) -> str:
    """All renderings as one: texts with a blank line between, documents as an array, or the only one as it is."""
    if output_format is OutputFormat.TEXT:
        return "\n".join(parts)
    return parts[0] if single and len(parts) == 1 else "[\n" + ",\n".join(parts) + "\n]"
