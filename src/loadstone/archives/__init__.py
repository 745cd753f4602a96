"""What is in an archive, read without unpacking it to disk: packages, images of containers, plain archives.

:func:`members` gives the files of one container in the order they are stored, as bounded seekable bytes that know where
they come from (``X.whl!/pkg/lib.so``); :func:`walk` goes into the containers among them as well. A format is a file and
a row in :data:`~loadstone.archives.formats.FORMATS`. Every count, size, ratio and depth is bounded; a bomb is a
:class:`~loadstone.errors.TooLarge`. Nothing is run or fetched, and nothing written but a file without a name that holds
what is large.
"""

from __future__ import annotations

from loadstone.archives.bounds import Bounds, UnpackBudget
from loadstone.archives.formats import FORMATS, ContainerFormat, format_of, is_archive, members, walk
from loadstone.archives.member import SEPARATOR, PackedFile

__all__ = [
    "FORMATS",
    "SEPARATOR",
    "Bounds",
    "ContainerFormat",
    "PackedFile",
    "UnpackBudget",
    "format_of",
    "is_archive",
    "members",
    "walk",
]
