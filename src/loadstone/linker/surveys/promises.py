"""What the tags of a wheel promise of the machine and the system, and a file in it does not keep (PEP 425, PEP 600).

A module for another processor than the tag says can never be imported. Another library of that kind may be meant for
another process, and a file for a newer macOS is opened and misses what that system brought: both are risks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Severity
from loadstone.core.image import Format, Image
from loadstone.core.trace import Diagnosis
from loadstone.linker.discovery import machine_of
from loadstone.linker.dyld_policy import build_for_macos, numbers_of
from loadstone.linker.extension import is_extension

__all__ = ["broken_promises"]

_MACOS: Final = re.compile(r"macosx_(\d+)_(\d+)_(\w+)$")
_WITHOUT_MINOR: Final = (11,)
_MACHINES: Final = {
    "x86_64": ("x86-64",), "amd64": ("x86-64",), "i686": ("i386",), "win32": ("i386",), "aarch64": ("aarch64",),
    "arm64": ("aarch64",), "universal2": ("aarch64", "x86-64"), "intel": ("x86-64",), "armv7l": ("arm",),
    "ppc64le": ("ppc64le",), "s390x": ("s390x",), "riscv64": ("riscv64",),
    "loongarch64": ("loongarch64",), "armv6l": ("arm",),
}  # fmt: skip
"""The processors that the end of a platform tag stands for: all of them are promised."""


def broken_promises(path: str, images: tuple[Image, ...], platforms: tuple[str, ...]) -> Iterator[Diagnosis]:
    """What one file of a wheel does not keep of the wheel's platform tags.

    Args:
        path: the file, as it is called.
        images: its images: of a universal file one for each processor.
        platforms: the platform tags; for any platform nothing is promised.
    """
    have = {_machine(image) for image in images}
    needed = {name for tag in platforms for end, names in _MACHINES.items() if tag.endswith(end) for name in names}
    lacking = sorted(needed - have)
    if lacking and (not have & needed or len(images) > 1 or images[0].format is Format.MACHO):
        tags, there, is_module = ", ".join(platforms), ", ".join(sorted(have)), _is_module(path, images[0])
        yield Diagnosis(
            code="wheel-machine",
            blocking=is_module,
            subject=path,
            explanation=f"The wheel's tag promises {' and '.join(lacking)} ({tags}), and {path} is for {there} alone.",
            advice=f"build it for {' and '.join(lacking)} as well, or tag the wheel for {there}: wheel tags"
            " --platform-tag=TAG WHEEL",
            severity=Severity.HIGH if is_module else Severity.LOW,
        )
    promised = min((numbers_of(f"{m[1]}.{m[2]}") for t in platforms if (m := _MACOS.match(t))), default=())
    for image in images:
        build = build_for_macos(image)
        # Apple silicon began with macOS 11, whatever the tag of a wheel for both processors says.
        lowest = max(promised, (11,)) if image.machine.name == "aarch64" else promised
        if promised and build is not None and _as_tagged(numbers_of(build.minimum)) > lowest:
            version = ".".join(map(str, numbers_of(build.minimum)))
            yield Diagnosis(
                code="macho-min-os",
                blocking=False,
                subject=path,
                explanation=f"The wheel's tag promises macOS {'.'.join(map(str, promised))}, and {path} was built for"
                f" {version} and newer: on older ones symbols of newer systems are not found.",
                loader_message=f"Symbol not found: ... (which was built for Mac OS X {version})",
                advice=f"build it with MACOSX_DEPLOYMENT_TARGET={'.'.join(map(str, promised))}, or tag the wheel for"
                f" {version}",
                severity=Severity.MEDIUM,
            )
            return


def _as_tagged(release: tuple[int, ...]) -> tuple[int, ...]:
    """A release as far as a tag can say it: since macOS 11 installers know the first number alone (PEP 425's 11_0)."""
    return release[:1] if release >= _WITHOUT_MINOR else release


def _machine(image: Image) -> str:
    """The processor as systems call it: an ELF file's own number leaves word size and byte order open."""
    abi = machine_of(image) if image.format is Format.ELF else None
    return abi.name if abi is not None else image.machine.name


def _is_module(path: str, image: Image) -> bool:
    return is_extension(path, image) or path.endswith(".pyd") or ".cpython-" in path
