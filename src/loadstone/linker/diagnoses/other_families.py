"""Libraries whose name tells that what needs them was built for another family of Linux than the one that is here.

Sources: the packages of OpenSSL, libpng and ATLAS in CentOS 7 and in Debian 8.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.linker.package_systems import PackageSystem, system_of
from loadstone.linker.view import FileView

__all__ = ["of_another_family"]

_RED_HAT: Final = "CentOS 7 and its kin"
_DEBIAN: Final = "Debian, Ubuntu and their kin"
_ROWS: Final = (
    (re.compile(r"lib(?:ssl|crypto)\.so\.10"), _RED_HAT, "OpenSSL 1.0"),
    (re.compile(r"lib(?:ssl|crypto)\.so\.6"), _RED_HAT, "OpenSSL 0.9.8"),
    (re.compile(r"libpng15\.so\.15"), _RED_HAT, "libpng 1.5"),
    (re.compile(r"lib[st]atlas\.so\.3"), _RED_HAT, "ATLAS"),
    (re.compile(r"lib(?:ssl|crypto)\.so\.1\.0\.[02]"), _DEBIAN, "OpenSSL 1.0"),
    (re.compile(r"libpng12\.so\.0\.\d+\.0"), _DEBIAN, "libpng 1.2"),
)
"""The file name, who calls it that, and what it is."""


def of_another_family(view: FileView, name: str, who: str) -> str:
    """What to do about a library that no package of this system has under that name; empty for all other names."""
    system = system_of(view)
    here = _DEBIAN if view.exists("/var/lib/dpkg/status") and system is None else _RED_HAT if _is_rpm(system) else ""
    row = next(((whose, what) for pattern, whose, what in _ROWS if pattern.fullmatch(name)), None)
    if row is None or not here or row[0] == here:
        return ""
    return (
        f"{row[1]} has that name in {row[0]}, and no package of this system has it: take a build of {who} for this"
        " system, or build it here, or run it in a container of that one"
    )


def _is_rpm(system: PackageSystem | None) -> bool:
    return system is not None and system.install.startswith(("dnf", "zypper"))
