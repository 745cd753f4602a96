"""A host program as a library, so that a plugin finds in it what no library has.

glibc refuses to load a program as a library since 2.30: its dynamic section says DF_1_PIE. A copy that does not say so
is loaded like any other library; its initialisers run, its ``main`` never does. What must lie at one address (ET_EXEC)
cannot be loaded at all. Source: glibc, elf/dl-load.c; the generic ABI, dynamic section. Runs nothing, writes one file.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from loadstone.binary import read
from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import DF_1_PIE, ElfFacts
from loadstone.core.image import ImageKind
from loadstone.errors import NotFound, Unsupported, Unwritable
from loadstone.files import read_bytes
from loadstone.probe.scratch import Scratch, home_of_scratch

__all__ = ["host_as_library"]

_MOST: Final = 512 << 20
_READABLE: Final = 0o755
_REACHABLE: Final = 0o711  # by who knows the name, and nobody can guess it: the child may be another user


@contextmanager
def host_as_library(program: str) -> Iterator[str]:
    """The path of a copy of a program that can be loaded as a library; it is there as long as the context.

    Args:
        program: a path, or a name that is searched for in ``PATH``.

    Raises:
        NotFound: there is no such program.
        Unreadable, MalformedImage: it cannot be read, or is no binary (a script).
        Unsupported: it can only be loaded at one address.
        Unwritable: there is no room for the copy.
    """
    path = shutil.which(program)
    if path is None:
        raise NotFound(name=program, advice="Give the path of the program that loads it.")
    content = _without_mark(path)
    with Scratch(home_of_scratch(), purpose="host") as scratch:
        copy = os.path.join(scratch.home, os.path.basename(os.path.realpath(path)))
        try:
            with open(copy, "xb") as file:
                file.write(content)
            for folder in (scratch.base, scratch.home):
                os.chmod(folder, _REACHABLE)
            os.chmod(copy, _READABLE)
        except OSError as error:
            raise Unwritable(path=copy, reason=error.strerror or str(error)) from error
        yield copy


def _without_mark(path: str) -> bytes:
    content = bytearray(read_bytes(path, _MOST))
    image = read(bytes(content), path=path)
    facts = image.native
    if not isinstance(facts, ElfFacts) or image.kind is ImageKind.EXECUTABLE:
        raise Unsupported(
            feature=f"{path} as a host",
            reason="it is not position-independent (no PIE), so it cannot be loaded as a library",
            advice="Give the library that has its interface with --preload, such as libpython3.so for Python.",
        )
    if facts.pie:
        word = facts.dynamic.entry_size // 2
        value = facts.dynamic.place(DynamicTag.FLAGS_1) + word
        content[value : value + word] = (facts.flags_1 & ~DF_1_PIE).to_bytes(word, sys.byteorder)
    return bytes(content)
