"""Mach-O files to images: dylibs, bundles and programs of Apple's systems. Hostile bytes give damage, not exceptions.

Sources: Apple's mach-o/loader.h, nlist.h, fixup-chains.h; XNU's cs_blobs.h for code signatures.
"""

from __future__ import annotations

from loadstone.binary.macho.reader import read_macho

__all__ = ["read_macho"]
