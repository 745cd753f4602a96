"""Bytes to images: what is in a binary, read without running any of it.

:func:`read` answers for one image, :func:`images` for all images of a universal file or an archive. A format is a file
and a row in :data:`READERS`: a function ``read_x(cursor, damage) -> Image`` that gets the bytes of one image and the
log of what it does not believe.
"""

from __future__ import annotations

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.interposition import shadowing
from loadstone.binary.readers import READERS, identify_file, image_members, images, read
from loadstone.binary.scripts import follow_script
from loadstone.binary.sniff import FileKind, Identified, identify

__all__ = [
    "READERS",
    "Cursor",
    "DamageLog",
    "FileKind",
    "Identified",
    "follow_script",
    "identify",
    "identify_file",
    "image_members",
    "images",
    "read",
    "shadowing",
]
