"""What to do on Windows about a file of another Windows or another Python than the one that is there.

Sources: Khronos on the loaders of Vulkan and OpenCL; Microsoft on the Universal C Runtime and on the redistributables.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from loadstone.linker.diagnoses.environments import anew
from loadstone.linker.request import LoaderModel
from loadstone.linker.windows_names import SYSTEM_DLLS, VC_RUNTIME

__all__ = ["for_an_older_windows", "for_another_python", "newer_of_the_system"]

_OF_DRIVERS: Final = frozenset(
    ("vulkan-1", "opencl", "nvcuda", "nvapi64", "nvml", "nvencodeapi64", "atiadlxx", "amfrt64")
)
_PYTHON: Final = re.compile(r"python(\d)(\d{1,2})")
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


def for_an_older_windows(path: str, of_the_system: str) -> str:
    """What to do about a file that asks for what this Windows does not have yet.

    Args:
        path: the file.
        of_the_system: the one of the same name in System32; empty where it has none.
    """
    if of_the_system and path != of_the_system:
        return f"{path} is of a newer Windows, and this one has {of_the_system}: take the first away"
    name = posixpath.basename(path)
    return f"take the last release of {name} for this Windows, or a newer Windows (Python: 3.8 is the last for 7)"
