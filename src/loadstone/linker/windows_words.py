"""What Windows says: an error code with its text to who opens a library, a dialog to who starts a program.

Sources: Microsoft, "System Error Codes" and the messages of NTSTATUS values (STATUS_DLL_NOT_FOUND 0xC0000135,
STATUS_ENTRYPOINT_NOT_FOUND 0xC0000139, STATUS_ORDINAL_NOT_FOUND 0xC0000138, STATUS_INVALID_IMAGE_FORMAT 0xC000007B).
"""

from __future__ import annotations

import posixpath

from loadstone.core.image import ImageKind
from loadstone.linker.walk import SimulatedLibrary

__all__ = ["is_program", "no_entry", "not_found", "not_valid"]


def is_program(root: SimulatedLibrary) -> bool:
    """Whether a simulated load is the start of a program."""
    return root.image is not None and root.image.kind in (ImageKind.EXECUTABLE, ImageKind.PIE)


def not_found(name: str, root: SimulatedLibrary | None) -> str:
    """A DLL that is in none of the places searched."""
    if root is None or not is_program(root):
        return "[WinError 126] The specified module could not be found"
    return (
        f"The code execution cannot proceed because {name} was not found. Reinstalling the program may fix this"
        " problem. (0xc0000135)"
    )


def no_entry(wanted: str, importer: SimulatedLibrary) -> str:
    """An import, by name or by ``#ordinal``, that a DLL does not export."""
    if not is_program(importer.stack[-1]):
        return "[WinError 127] The specified procedure could not be found"
    by_number = wanted.startswith("#")
    what = f"ordinal {wanted[1:]}" if by_number else f"procedure entry point {wanted}"
    code = "0xc0000138" if by_number else "0xc0000139"
    return f"The {what} could not be located in the dynamic link library {posixpath.basename(importer.path)}. ({code})"


def not_valid(root: SimulatedLibrary | None) -> str:
    """A file that is no DLL, or one for another processor."""
    if root is None or not is_program(root):
        return "[WinError 193] %1 is not a valid Win32 application"
    return "The application was unable to start correctly (0xc000007b)."
