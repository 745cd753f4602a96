"""What to do on Windows about a file of another Windows or another Python than the one that is there.

Sources: Khronos on the loaders of Vulkan and OpenCL; Microsoft on the Universal C Runtime and on the redistributables.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

from loadstone.linker.diagnoses.environments import anew
from loadstone.linker.request import LoaderModel
from loadstone.linker.windows_names import SYSTEM_DLLS, VC_RUNTIME, VC_YEARS

__all__ = [
    "FOLDERS_OF_PROJECTS",
    "by_its_path",
    "for_an_older_windows",
    "for_another_python",
    "newer_of_the_system",
    "numbered_otherwise",
    "of_a_smaller_windows",
    "redistributable_of",
]

FOLDERS_OF_PROJECTS: Final = ("bin", "lib", "build", "build/Release", "Release", "x64/Release", "dll", "libs")
"""Where the DLLs of a project lie, seen from the folder that one works in."""
_OF_DRIVERS: Final = frozenset(
    ("vulkan-1", "opencl", "nvcuda", "nvapi64", "nvml", "nvencodeapi64", "atiadlxx", "amfrt64")
)
_PYTHON: Final = re.compile(r"python(\d)(\d{1,2})")
_NUMBERS: Final = re.compile(r"[-_.]?\d[\d_.-]*(?=\D)")
_LEAST_WORD: Final = 3
_OF_THE_PLATFORM_UPDATE: Final = re.compile(
    r"api-ms-win-downlevel-(?:advapi32-l[12]|normaliz-l1|ole32-l1|shell32-l1|shlwapi-l[12]|user32-l1|version-l1)-"
)
_OF_C: Final = ("ucrtbase", "api-ms-win-crt-")


def newer_of_the_system(name: str) -> str:
    """What brings a newer DLL of System32; empty for one that is not known to come with anything.

    >>> newer_of_the_system("vulkan-1.dll")
    'vulkan-1.dll comes with the driver of the graphics card: update that'
    """
    stem = name.casefold().removesuffix(".dll")
    if stem in _OF_DRIVERS:
        return f"{name} comes with the driver of the graphics card: update that"
    if stem in VC_RUNTIME or stem.startswith(_OF_C):
        return f"{name} is older than what needs it: install the newest Visual C++ redistributable, or update Windows"
    if stem in SYSTEM_DLLS:
        return (
            f"{name} is of Windows, which is older here than what it was built for: update it, or take a build for it"
        )
    return ""


def for_another_python(model: LoaderModel, stem: str, path: str) -> str:
    """What to do where a module needs the interpreter of another release; empty for all other names.

    Args:
        model: the process that opens it.
        stem: the DLL that is missing, without its ending, in lower case.
        path: the module.
    """
    found = _PYTHON.fullmatch(stem)
    if found is None:
        return ""
    opener = model.main_image or "this Python"
    again = anew(model, path)
    return f"it was built for Python {found[1]}.{found[2]}, and {opener} opens it: {again or 'install its build'}"


def for_an_older_windows(path: str, of_the_system: str, missing: str) -> str:
    """What to do about a file that asks for what this Windows does not have yet.

    Args:
        path: the file.
        of_the_system: the one of the same name in System32; empty where it has none.
        missing: what it asks for, in lower case.
    """
    if _OF_THE_PLATFORM_UPDATE.match(missing):
        return f"{missing} came to Windows 7 by an update: install the Platform Update, KB2670838"
    if of_the_system and path != of_the_system:
        return f"{path} is of a newer Windows, and this one has {of_the_system}: take the first away"
    name = posixpath.basename(path)
    return f"take the last release of {name} for this Windows, or a newer Windows (Python: 3.8 is the last for 7)"


def of_a_smaller_windows(stem: str, name: str) -> str:
    """What to do where a DLL of Windows itself is missing, as in images of Server Core and Nano Server; else empty."""
    if stem not in SYSTEM_DLLS:
        return ""
    return (
        f"{name} is of Windows, and this one lacks it, as Server Core and Nano Server do: take a whole one (as image"
        " mcr.microsoft.com/windows/server), or add the feature that has it"
    )


def redistributable_of(stem: str) -> str:
    """The Visual C++ whose redistributable has a run-time library, as Microsoft names it."""
    return next((year for number, year in VC_YEARS.items() if number in stem), "of 2015 to 2022")


def numbered_otherwise(name: str, folders: Mapping[str, Sequence[str]]) -> str:
    """The path of a DLL whose name differs in its numbers alone, in the first folder with one; empty where none has.

    >>> numbered_otherwise("avcodec-58.dll", {"/app": ("avutil-58.dll", "avcodec-60.dll")})
    '/app/avcodec-60.dll'
    """
    bare = _NUMBERS.sub("", name.casefold())
    if bare == name.casefold() or len(bare.removesuffix(".dll")) < _LEAST_WORD:
        return ""
    found = (f"{folder}/{leaf}" for folder, names in folders.items() for leaf in names)
    return next((path for path in found if _NUMBERS.sub("", posixpath.basename(path).casefold()) == bare), "")


def by_its_path(name: str, folder: str) -> str:
    """How a DLL is opened that was asked for by its name alone, with the folder that has it where one is known."""
    path = posixpath.join(folder, name) if folder else f"FOLDER/{name}"
    said = "a name alone is looked for neither in the current folder nor in PATH since Python 3.8"
    return f"open it by its whole path, {path}: {said} (winmode=0 of ctypes.CDLL searches as before)"
