"""The search rules in the words of the loader's manual (ld.so(8)): why a library was chosen."""

from __future__ import annotations

__all__ = ["BECAUSE"]

BECAUSE = {
    "rpath": "RPATH",
    "runpath": "RUNPATH",
    "ld_library_path": "LD_LIBRARY_PATH",
    "cache": "ld.so.cache",
    "default": "built-in directory",
    "explicit": "named by its path",
    "loaded-name": "loaded already",
    "loaded-soname": "loaded already, by its SONAME",
    "same-inode": "the same file, loaded already",
}
"""By the rule of a step; a rule that is missing here speaks for itself."""
