"""Which loader a target needs, and whether it can be simulated.

A program says so itself, by its PT_INTERP; a library is opened in the process it is asked for; a file of another
format needs the loader of its own system, whatever process asks.
"""

from __future__ import annotations

from loadstone.core.image import Format, Image, ImageKind
from loadstone.errors import LoadstoneError
from loadstone.linker.android import android_of, is_for_android
from loadstone.linker.discovery import (
    loader_kind_of,
    loader_of_format,
    machine_of,
    of_another_system,
    with_program,
)
from loadstone.linker.openers import Openers, Tags
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.windows_packages import packages_around
from loadstone.quick_dataclass import replace

__all__ = ["loader_for", "model_of_format"]


def loader_for(target: str, model: LoaderModel | None, *, as_library: bool = False) -> LoaderModel:
    """Choose for ``target``, a program that is started unless ``as_library``; a ``model`` that was given is kept."""
    asked = model or LoaderModel.this_process()
    if "/" in target:
        found = model_of_format(target, asked) if model is None else None
        found = found or _android(target, asked)
        if found is not None:
            return found
        if model is None and loader_of_format(asked.view, asked.absolute(target)) is None:
            asked = Openers(asked, Tags()).python_for(asked.absolute(target))
        program = None if as_library else _program(target, asked)
        if program is not None and program.interpreter and program.interpreter != asked.interpreter:
            asked = _for_program(target, program.interpreter, asked)
    return asked


def model_of_format(target: str, asked: LoaderModel) -> LoaderModel | None:
    """The model of the system whose format a target has, on the same files; None where it is ``asked``'s own or ELF.

    The program that was asked for is kept; a module for Windows is opened by the Python above it.
    """
    path = asked.absolute(target)
    kind = loader_of_format(asked.view, path)
    if kind is LoaderKind.WINDOWS:
        return Openers(asked, Tags(), packages=lambda: packages_around(asked.view, path)).windows_for(path)
    return None if kind in (None, asked.kind) else of_another_system(asked, kind)


def _android(target: str, asked: LoaderModel) -> LoaderModel | None:
    """The model of Android for a file that says it is for one; None for all others, or where a system was named."""
    image = _image(target, asked) if asked.kind in (LoaderKind.GLIBC, LoaderKind.MUSL) and not asked.is_chosen else None
    if image is None or image.format is not Format.ELF or not is_for_android(image):
        return None
    return android_of(asked, machine_of(image) or asked.abi)


def _image(target: str, model: LoaderModel) -> Image | None:
    try:
        return model.view.image(model.view.open(model.absolute(target)))
    except (OSError, LoadstoneError):
        return None


def _program(target: str, model: LoaderModel) -> Image | None:
    image = _image(target, model)
    return image if image is not None and image.kind in (ImageKind.EXECUTABLE, ImageKind.PIE) else None


def _for_program(target: str, interpreter: str, asked: LoaderModel) -> LoaderModel:
    """The model of the loader a program names, where it is there: else the kernel refuses it before any loader runs."""
    if loader_kind_of(interpreter) is not LoaderKind.BIONIC and not asked.view.exists(interpreter):
        if asked.kind is LoaderKind.MUSL:  # whose rules begin with its loader, and here none runs at all
            return replace(asked, kind=LoaderKind.GLIBC, release=LoaderModel().release)
        return asked
    return replace(with_program(asked, target), main_image=asked.main_image, caller=asked.caller)
