"""What a path or a name that is not there may have meant: nothing of this is any package's business."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice
from typing import Final

from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.package_systems import file_of_a_package
from loadstone.linker.request import LoaderModel
from loadstone.shell import quoted_path

__all__ = ["first_gone", "library_meant", "meant", "near_names"]

_SHOWN: Final = 3
_MAX_FOLDERS: Final = 100
_HOMES: Final = ("~/", "$HOME/", "${HOME}/")


def meant(model: LoaderModel, path: str) -> str:
    """What to write instead of a path that is not there, or where to look from."""
    home = next((start for start in _HOMES if path.startswith(start)), None)
    if home is not None:
        whole = posixpath.join(model.variable("HOME") or "/root", path.removeprefix(home))
        return f"{home.rstrip('/')} is for a shell to replace, and none did: {quoted_path(whole)}"
    packed, inside, _ = path.partition("!/")
    if inside and model.view.exists(model.absolute(packed)):
        return f"loadstone explain {quoted_path(packed)} answers for every library in it"
    near = near_names(model, path)
    if near:
        return f"did you mean {', '.join(map(quoted_path, near))}?"
    brings = file_of_a_package(model.view, path)
    return brings or f"see: ls -ld {quoted_path(first_gone(model, path))}"


def near_names(model: LoaderModel, path: str) -> tuple[str, ...]:
    """What a mistyped path may have meant: a name of its folder that is spelled alike, or the same one in one near by.

    A folder above that is spelled otherwise is put right on the way.
    """
    from difflib import get_close_matches  # noqa: PLC0415  a path that is right needs no other

    folder, leaf = posixpath.split(_with_folders_put_right(model, path))
    if leaf in names_in(model, folder or "."):
        return (posixpath.join(folder, leaf),)
    names = names_in(model, folder or ".")
    same = (name for name in names if name.casefold() == leaf.casefold())
    stem = leaf.partition(".")[0]
    other_tag = (name for name in names if stem and name.startswith(f"{stem}."))
    close = tuple(dict.fromkeys((*same, *other_tag, *get_close_matches(leaf, names, _SHOWN))))[:_SHOWN]
    if close:
        return tuple(posixpath.join(folder, name) for name in close)
    around = (posixpath.join(place, leaf) for place in _around(model, folder or "."))
    return tuple(islice((there for there in around if model.view.exists(model.absolute(there))), _SHOWN))


def _with_folders_put_right(model: LoaderModel, path: str) -> str:
    """A path whose folders are there, as far as one that is not is spelled like one that is."""
    from difflib import get_close_matches  # noqa: PLC0415

    folder, leaf = posixpath.split(path)
    if folder in ("", "/") or model.view.is_directory(model.absolute(folder)) == 0:
        return path
    above, name = posixpath.split(_with_folders_put_right(model, folder))
    names = names_in(model, above or ".")
    same = next((other for other in names if other.casefold() == name.casefold()), None)
    right = name if name in names else same or next(iter(get_close_matches(name, names, 1)), name)
    return posixpath.join(above, right, leaf)


def _around(model: LoaderModel, folder: str) -> Iterator[str]:
    """The folders in a folder, the one above it, and those beside it."""
    yield from (posixpath.join(folder, name) for name in islice(names_in(model, folder), _MAX_FOLDERS))
    above = posixpath.dirname(folder.rstrip("/"))
    if above not in ("", "/"):
        yield above
        yield from (posixpath.join(above, name) for name in islice(names_in(model, above), _MAX_FOLDERS))


def first_gone(model: LoaderModel, path: str) -> str:
    """The part of a path from which on nothing is there."""
    gone = path
    while True:
        above = posixpath.dirname(gone)
        if above in ("", "/", gone) or model.view.exists(model.absolute(above)):
            return gone
        gone = above


def library_meant(model: LoaderModel, name: str) -> str:
    """The library that a name without ``.so`` is short for, as an option of a compiler is; empty for all else."""
    stem = name.removeprefix("-l") if name.startswith("-l") else name.removeprefix("lib")
    if ".so" in name or "/" in name or not stem:
        return ""
    known = sorted(entry.name for entry in model.cache.entries)
    built_in = (other for folder in model.system_dirs for other in names_in(model, folder))
    return next((other for source in (known, built_in) for other in source if other.startswith(f"lib{stem}.so")), "")
