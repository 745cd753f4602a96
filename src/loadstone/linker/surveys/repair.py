"""What to do about a library of an archive: advice about a file in it is carried out where the archive is unpacked.

What a wheel misses is put into it by the tool of its system; a package manager on one machine mends that machine alone.
Sources: the documentation of auditwheel, delocate, delvewheel and of the ``wheel`` command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.core.image import Format
from loadstone.core.trace import Diagnosis
from loadstone.linker.diagnoses.vendors import is_of_a_driver
from loadstone.quick_dataclass import replace
from loadstone.shell import quoted_path

__all__ = ["for_an_archive"]

_REPAIR: Final = {
    Format.ELF: "auditwheel repair {}",
    Format.MACHO: "delocate-wheel -w wheelhouse {}",
    Format.PE: "delvewheel repair {}",
}
_UNPACK: Final = {".whl": "wheel unpack {}", ".AppImage": "{} --appimage-extract"}
_NOT_HELD: Final = frozenset(("dep-not-found", "pe-missing-dll", "macho-not-found", "macho-rpath"))
"""A library that is needed and is in none of the places searched."""


def for_an_archive(
    diagnosis: Diagnosis, archive: str, place: str, kind: Format, brought: Callable[[str], str] = lambda _: ""
) -> Diagnosis:
    """The diagnosis with advice that can be carried out on the archive.

    Args:
        diagnosis: of a file in the archive.
        archive: the archive, as it was named.
        place: where its root is seen; paths below it are those of its files.
        kind: the format of the file.
        brought: by which distribution that the wheel requires a library is brought; empty for none.
    """
    is_wheel = archive.endswith(".whl")
    required = brought(diagnosis.subject) if diagnosis.code in _NOT_HELD else ""
    if required:
        both = f"pip install {quoted_path(archive)}, and loadstone explain the site-packages that it goes to"
        return replace(diagnosis, advice=f"{required}, which it requires, brings {diagnosis.subject}: {both}")
    within = f"{place}/"
    if is_wheel and within in diagnosis.advice and " -m pip install " in diagnosis.advice:  # into where it is unpacked
        return replace(diagnosis, advice=diagnosis.advice.replace(within, "SITE-PACKAGES/"))
    if place and within in diagnosis.advice:
        named = quoted_path(archive)
        inside = diagnosis.advice.replace(within, "")
        unpack = next((how for ending, how in _UNPACK.items() if archive.endswith(ending)), "unpack {}").format(named)
        return replace(diagnosis, advice=f"{unpack}, and in its folder: {inside}")
    if is_wheel and diagnosis.blocking and diagnosis.code in _NOT_HELD and not is_of_a_driver(diagnosis.subject):
        repair = _REPAIR[kind].format(quoted_path(archive))
        advice = f"where it was built, {repair} puts {diagnosis.subject} into it; for this system: {diagnosis.advice}"
        return replace(diagnosis, advice=advice if diagnosis.advice else advice.partition(";")[0])
    return diagnosis
