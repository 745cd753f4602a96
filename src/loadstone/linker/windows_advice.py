"""What brings a newer file of Windows' own folder, where the one that is there lacks a function.

Sources: Khronos on the loaders of Vulkan and OpenCL; Microsoft on the Universal C Runtime and on the redistributables.
"""

from __future__ import annotations

from typing import Final

from loadstone.linker.windows_names import SYSTEM_DLLS, VC_RUNTIME

__all__ = ["newer_of_the_system"]

_OF_DRIVERS: Final = frozenset(
    ("vulkan-1", "opencl", "nvcuda", "nvapi64", "nvml", "nvencodeapi64", "atiadlxx", "amfrt64")
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
