"""Whether a target is one library or a place with many: asked of every target, so nothing of a survey is imported."""

from __future__ import annotations

import os
import posixpath
from typing import Final

from loadstone.archives import format_of, is_archive
from loadstone.files import open_regular
from loadstone.linker.process_number import process_number
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import HostFiles

__all__ = ["archive_format", "inside", "is_survey_target", "root_of"]

_HEAD: Final = 4096


def is_survey_target(target: str, model: LoaderModel | None = None) -> bool:
    """Whether ``target`` is a folder or an archive of libraries rather than one library."""
    if model is not None and root_of(model) != "/" and not model.view.is_directory(inside(target, model)):
        return True
    if target.startswith("/proc/") and process_number(target) is not None:
        return False
    if os.path.isdir(target) or target.endswith(".whl"):
        return True
    return os.path.isfile(target) and is_archive(target) and archive_format(target) != "static library"


def archive_format(path: str) -> str | None:
    """The name of the kind of archive a file is; None for any other file."""
    try:
        with open(path, "rb", opener=open_regular) as stream:
            found = format_of(stream.read(_HEAD), path)
    except OSError:
        return None
    return found.name if found is not None else None


def root_of(model: LoaderModel) -> str:
    """The folder whose system a model describes."""
    return model.view.root if isinstance(model.view, HostFiles) else "/"


def inside(target: str, model: LoaderModel) -> str:
    """A path of the root; one that was given from outside, with the root before it, is understood as well."""
    path = model.view.inside(target) if isinstance(model.view, HostFiles) else target
    return posixpath.normpath(path if path.startswith("/") else f"/{path}")
