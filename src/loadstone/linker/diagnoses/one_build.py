"""Parts of the C library that are of two builds: the loader, libc.so.6 and their companions fit only each other.

Source: glibc's manual and its GLIBC_PRIVATE version, by which its parts use what is no interface.
"""

from __future__ import annotations

import posixpath
from typing import Final

from loadstone.linker.alternatives import taken_by
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf
from loadstone.linker.diagnoses.overruling import led_to
from loadstone.linker.objects import LoadedObject
from loadstone.shell import quoted_path

__all__ = ["PRIVATE", "one_build"]

PRIVATE: Final = "GLIBC_PRIVATE"
_OF_FOLDERS: Final = ("_PATH", "_DIR", "_DIRS", "_PREFIX", "_FILE")
"""Ends of the variables by which programs are told where their modules are."""


def one_build(case: SimulatedLoad, asking: LoadedObject, provider: LoadedObject) -> str:
    """Which of two parts does not belong to the loader of the process, and what leads to it."""
    model = case.model
    home = posixpath.dirname(model.view.real_path(model.interpreter or provider.path))
    stranger = asking if posixpath.dirname(_real(case, asking)) != home else provider
    said = f"{posixpath.normpath(stranger.path)} is of another build of glibc than {model.interpreter}, the loader"
    variables = _leading_to(case, case.target)
    taken = taken_by(case.process, stranger.path)
    if variables and not (taken is not None and taken[0].rule == "ld_library_path"):
        return f"{said}: unset {' '.join(variables)}, which leads to {case.target}"
    change = led_to(case, taken[0]) if taken is not None else ""
    if not change and stranger is asking and asking is case.process.program:
        who = quoted_path(stranger.path)
        return (
            f"{said}, and uses parts of it that are no interface (GLIBC_PRIVATE): build it on this system, or take a"
            f" build for glibc {'.'.join(map(str, model.release))}; with its own libraries beside it: its loader"
            f" --library-path DIR {who}"
        )
    return f"{said}: {change or f'take {leaf(stranger.path)} of {home}'}"


def _real(case: SimulatedLoad, loaded: LoadedObject) -> str:
    return case.model.view.real_path(case.model.absolute(loaded.path))


def _leading_to(case: SimulatedLoad, path: str) -> list[str]:
    """The variables of the environment that lead a program to a module."""
    whole = case.model.absolute(path)
    return [
        name
        for name, value in case.model.env
        for part in value.split(":")
        if name.endswith(_OF_FOLDERS) and part.strip("/") and whole.startswith(f"{part.rstrip('/')}/")
    ]
