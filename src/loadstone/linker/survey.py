"""Many libraries at once: every one in a folder or a wheel, explained against each other and the target system.

A wheel is looked into without unpacking it to disk: its files appear, in a view, below a folder of their own.
"""

from __future__ import annotations

import os
import posixpath
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from loadstone.core.image import Image
from loadstone.core.trace import Explanation, LoadVerdict
from loadstone.errors import MalformedImage, Unreadable
from loadstone.linker.explanation import explain
from loadstone.linker.layers import LayeredFiles
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import PretendedFiles

__all__ = ["Survey", "is_survey_target", "survey"]

_MAX_FILES: Final = 100_000
_MAX_WHEEL_BYTES: Final = 4 << 30
_WHEEL_PLACE: Final = "/wheel"
_BADNESS: Final = (LoadVerdict.FAILS, LoadVerdict.UNKNOWN, LoadVerdict.LOADS_WITH_RISK, LoadVerdict.LOADS)


@dataclass(frozen=True, slots=True)
class Survey:
    """The explanations of every library of one place, worst first, and SONAMEs that several different files carry."""

    place: str
    explanations: tuple[Explanation, ...]
    duplicates: tuple[tuple[str, tuple[str, ...]], ...] = ()
    left_out: int = 0  # files beyond the bound

    @property
    def verdict(self) -> LoadVerdict:
        """That of the worst."""
        return self.explanations[0].verdict if self.explanations else LoadVerdict.LOADS

    def count(self, verdict: LoadVerdict) -> int:
        return sum(e.verdict is verdict for e in self.explanations)


def is_survey_target(target: str) -> bool:
    """Whether ``target`` is a folder or a wheel rather than one library."""
    return os.path.isdir(target) or target.endswith(".whl")


def survey(
    target: str | os.PathLike[str],
    *,
    model: LoaderModel | None = None,
    progress: Callable[[tuple[str, ...]], Iterator[str]] = iter,
) -> Survey:
    """Explain every ELF library below a folder, or in a wheel.

    Args:
        target: a folder, or a ``.whl`` file.
        model: the process and system to load them in; a fresh start of this process when left out.
        progress: wraps the list of paths, to show how far it is.

    Raises:
        Unreadable: the folder or wheel cannot be read.
        MalformedImage: the wheel is no ZIP archive, or claims to hold more than can be looked at.
    """
    place = os.path.abspath(target)
    asked = model or LoaderModel.this_process()
    if os.path.isdir(place):
        paths = list(_libraries_below(place))
    else:
        files = _wheel_files(place)
        paths = sorted(path for path, data in files.items() if data[:4] == b"\x7fELF")
        asked = replace(asked, view=LayeredFiles(PretendedFiles(files), asked.view, _WHEEL_PLACE))
    kept = tuple(paths[:_MAX_FILES])
    found = [explain(path, model=asked, as_library=True, thorough=True) for path in progress(kept)]
    found.sort(key=lambda e: (_BADNESS.index(e.verdict), e.target))
    return Survey(place, tuple(found), _duplicates(found), len(paths) - len(kept))


def _libraries_below(folder: str) -> Iterator[str]:
    """Shared objects below a folder, each file once, symbolic links left out."""
    try:
        os.listdir(folder)
    except OSError as error:
        raise Unreadable(path=folder, reason=error.strerror or str(error), code=error.errno) from error
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = posixpath.join(place, name)
            if ".so" in name and not os.path.islink(path) and _is_library(path):
                yield path


def _is_library(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            head = stream.read(18)
    except OSError:
        return False
    return head[:4] == b"\x7fELF" and head[16:18] in (b"\x03\0", b"\0\x03")


def _wheel_files(path: str) -> dict[str, bytes]:
    """The shared objects of a wheel, by the path they appear under."""
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [i for i in archive.infolist() if ".so" in posixpath.basename(i.filename)]
            if len(wanted) > _MAX_FILES or sum(i.file_size for i in wanted) > _MAX_WHEEL_BYTES:
                raise MalformedImage(what="it claims to hold more than a wheel may", path=path)
            return {_place_of(i.filename): archive.read(i) for i in wanted}
    except zipfile.BadZipFile as error:
        raise MalformedImage(what=f"not a wheel: {error}", path=path) from error
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error


def _place_of(name: str) -> str:
    return posixpath.join(_WHEEL_PLACE, posixpath.normpath("/" + name).lstrip("/"))


def _duplicates(found: list[Explanation]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """SONAMEs of more than one file that differ in build: two of them in one process are two copies."""
    by_soname: dict[str, list[tuple[str, Image]]] = defaultdict(list)
    for explanation in found:
        node = explanation.graph.root
        if node.image is not None and node.identity:
            by_soname[node.identity].append((node.path, node.image))
    return tuple(
        (soname, tuple(path for path, _ in copies)) for soname, copies in sorted(by_soname.items()) if len(copies) > 1
    )
