"""What a process has loaded, as text: what is to mind first, then every library with the rule by which it came."""

from __future__ import annotations

import posixpath

from loadstone.core.counting import counted
from loadstone.escape import printable
from loadstone.linker.processes import LoadedFile, LoadedReport, MappedState
from loadstone.report.text.style import Style, columns

__all__ = ["render"]

_MEANS = {
    MappedState.DELETED: "the file was deleted; the process still runs the old code: restart it",
    MappedState.UNNAMED: "its code came from memory (memfd_create) and lies in no file",
    MappedState.REPLACED: "the file was replaced; the process still runs the old code: restart it",
    MappedState.COPY: "another loaded file has the same SONAME: two copies of its data in one process",
    MappedState.TEXT_RELOCATIONS: "it patches its own code while loading: rebuild it with -fPIC",
    MappedState.WRITABLE_CODE: "a part of it is mapped writable and executable",
    MappedState.MISSING: "not on this machine: copy it from where the dump was made, or set a sysroot",
    MappedState.OTHER_BUILD: "the file here is another build: a debugger would show the wrong lines",
}


def render(report: LoadedReport, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` adds addresses and build-ids."""
    minded = [file for file in report.files if file.states]
    whose = f"process {report.process}" if report.process else "core dump"
    lines = [f"{style.bold(f'{whose}: {printable(report.program)}')}, {counted(len(report.files), 'file')} loaded"]
    if report.has_executable_stack:
        lines.append(f"  {style.bad('!')} its stack is executable")
    lines += [
        f"  {style.bad('!')} {printable(file.path)}: {state.value}: {_MEANS[state]}"
        for file in minded
        for state in file.states
    ]
    lines += ["", *columns([_row(file, verbose) for file in report.files])]
    said = "; ".join(map(printable, report.assumptions))
    return "\n".join([*lines, "", style.dim(f"Assumed: {said or 'nothing'}.")]) + "\n"


def _row(file: LoadedFile, verbose: int) -> tuple[str, ...]:
    asked = f"for {printable(posixpath.basename(file.asked_by))}" if file.asked_by else ""
    cells = (printable(file.path), printable(file.rule), asked)
    return (f"{file.address:#x}", *cells, file.build_id or "") if verbose else cells
