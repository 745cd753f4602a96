"""Every bound on hostile input, in one place. Sizes are bytes, counts are items, times are seconds."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Final


__all__ = [
    "MAX_ARCHIVE_MEMBERS",
    "MAX_DEPENDENCIES",
    "MAX_FILE_SIZE",
    "MAX_GRAPH_NODES",
    "MAX_HEADER_FILE",
    "MAX_HEADER_TABLE",
    "MAX_HEADER_TEXT",
    "MAX_HEADER_TOKENS",
    "MAX_INCLUDE_DEPTH",
    "MAX_INITIALISERS",
    "MAX_NAME_LENGTH",
    "MAX_RECORD_SIZE",
    "MAX_STRING_LENGTH",
    "MAX_TABLE_SIZE",
    "MAX_TOKENS_PER_CHARACTER",
    "MAX_TYPE_DEPTH",
    "MAX_TYPE_PARTS",
    "MAX_VERSION_NODES",
    "MIN_MACRO_TOKENS",
]

MAX_FILE_SIZE: Final = 8 << 30
"""Files beyond this are refused, not mapped (8 GiB; the largest real shared objects are near 4)."""

MAX_NAME_LENGTH: Final = 4096
"""A library name or path handed to us (PATH_MAX of Linux)."""

MAX_STRING_LENGTH: Final = 1 << 16
"""One string inside an image: a symbol (long C++ ones reach some 10,000 bytes), a needed name, a search path."""

MAX_TABLE_SIZE: Final = 128 << 20
"""One table of an image held in memory; the largest real ones (string and relocation tables) reach some 60 MiB."""

MAX_DEPENDENCIES: Final = 4096
"""Needed entries of one image."""

MAX_ARCHIVE_MEMBERS: Final = 65_536
"""Files in one archive."""

MAX_HEADER_TABLE: Final = 65_536
"""Entries in one header table: program headers, section headers, load commands."""

MAX_INITIALISERS: Final = 16_384
"""Functions of one kind that one image runs at load; large C++ libraries have some hundred."""

MAX_VERSION_NODES: Final = 16_384
"""Verneed, Vernaux, Verdef and Verdaux entries of one image, taken together."""

MAX_GRAPH_NODES: Final = 20_000
"""Libraries in one dependency graph."""

MAX_HEADER_TEXT: Final = 1 << 20
"""Characters of C declarations given as text."""

MAX_HEADER_TOKENS: Final = 4_000_000
"""Tokens of one header with all that it includes, after macros; the largest real ones reach some 600,000."""

MIN_MACRO_TOKENS: Final = 100_000
"""Tokens that macros may always make, however short the text is."""

MAX_TOKENS_PER_CHARACTER: Final = 16
"""And so many more for each character read: a macro that says another twice doubles what it makes at each step."""

MAX_INCLUDE_DEPTH: Final = 200
"""Headers open inside one another, as GCC has it."""

MAX_RECORD_SIZE: Final = 1 << 32
"""Bytes of one C object by its declared type."""


MAX_HEADER_FILE: Final = 16 << 20
"""One C header; the largest generated ones reach some 4 MiB."""

MAX_TYPE_DEPTH: Final = 200
"""Pointers to arrays of functions and so on, through typedefs and members; C17 5.2.4.1 asks for 12 and 63."""

MAX_TYPE_PARTS: Final = 10_000
"""Types in one type when it is written out without typedefs: a chain of function typedefs doubles it at each step."""
