"""Which loader a target needs, and whether it can be simulated.

A program says so itself, by its PT_INTERP; a library is opened in the process it is asked for; a file of another
format needs the loader of its own system, whatever process asks.
"""

from __future__ import annotations

from typing import Final

from loadstone.binary import FileKind, identify
from loadstone.core.image import Image, ImageKind
from loadstone.errors import LoadstoneError
from loadstone.linker.discovery import loader_kind_of, of_another_system, with_program
from loadstone.linker.openers import Openers, Tags
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.simulators import SIMULATED
from loadstone.linker.windows_packages import packages_around
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["Choice", "loader_for", "loader_of_format"]

_BY_FORMAT: Final = {
    FileKind.PE: LoaderKind.WINDOWS,
    FileKind.MACHO: LoaderKind.DYLD,
    FileKind.UNIVERSAL: LoaderKind.DYLD,
}

_NAMES: Final = {LoaderKind.BIONIC: "Android's loader"}
"""The loaders that are known by name only."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to simulate with, or None with the name of the loader it would take and why that is not simulated."""

    model: LoaderModel | None
    loader: str = ""
    assumptions: tuple[str, ...] = ()


def loader_for(target: str, model: LoaderModel | None, *, as_library: bool = False) -> Choice:
    """Choose for ``target``, a program that is started unless ``as_library``; a ``model`` that was given is kept."""
    asked = model or LoaderModel.this_process()
    if "/" in target:
        kind = loader_of_format(target, asked)
        if model is None and kind is LoaderKind.WINDOWS:
            path = asked.absolute(target)
            return Choice(Openers(asked, Tags(), packages=lambda: packages_around(asked.view, path)).windows_for(path))
        if model is None and kind is not None and kind is not asked.kind:
            return Choice(of_another_system(asked, kind))
        if model is None and kind is None:
            asked = Openers(asked, Tags()).python_for(asked.absolute(target))
        program = None if as_library else _program(target, asked)
        if program is not None and program.interpreter and program.interpreter != asked.interpreter:
            asked = _for_program(target, program.interpreter, asked)
    if asked.kind in SIMULATED:
        return Choice(asked)
    return Choice(None, asked.kind.value, (f"it needs {_NAMES[asked.kind]}, which is not simulated here",))


def loader_of_format(target: str, model: LoaderModel) -> LoaderKind | None:
    """The loader of the system whose format a file has, where that is not ELF; None for all else."""
    try:
        opened = model.view.open(model.absolute(target))
    except OSError:
        return None
    return _BY_FORMAT.get(identify(opened.head).kind)


def _program(target: str, model: LoaderModel) -> Image | None:
    try:
        image = model.view.image(model.view.open(model.absolute(target)))
    except (OSError, LoadstoneError):
        return None
    return image if image.kind in (ImageKind.EXECUTABLE, ImageKind.PIE) else None


def _for_program(target: str, interpreter: str, asked: LoaderModel) -> LoaderModel:
    """The model of the loader a program names, where it is there: else the kernel refuses it before any loader runs."""
    if loader_kind_of(interpreter) is not LoaderKind.BIONIC and not asked.view.exists(interpreter):
        return asked
    return replace(with_program(asked, target), main_image=asked.main_image, caller=asked.caller)
