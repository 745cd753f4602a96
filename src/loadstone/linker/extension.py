"""Python extension modules: their interpreter's symbols come from whatever imports them.

An extension module does not name the library its ``Py...`` symbols are in (PEP 513, and the C API manual "Building C
Extensions"): the program that imports it has them. In another program they cannot be there, and that is no fault.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.core.image import Image
from loadstone.linker.graph import Process
from loadstone.linker.objects import LoadedObject

__all__ = ["FROM_HOST", "HOST_SIGN", "is_extension", "is_for_other_host", "is_host_symbol"]

FROM_HOST: Final = "its Py... symbols are provided by the Python interpreter that imports it"
"""What is then taken for granted."""

_FILE_NAME: Final = re.compile(r"\.(?:cpython-\d+[a-z]*-[\w-]+|abi3|pypy\d+-pp\d+-[\w-]+)\.so$")
_HOST_SYMBOL: Final = re.compile(r"_?Py[A-Z_]")
HOST_SIGN: Final = "PyObject_Free"
"""A symbol that every interpreter since 2.2 exports, and nothing else."""


def is_host_symbol(name: str) -> bool:
    """Whether a symbol is of the kind only an interpreter offers.

    >>> is_host_symbol("PyLong_FromLong"), is_host_symbol("_PyArg_Parse"), is_host_symbol("Pyramid")
    (True, True, False)
    """
    return _HOST_SYMBOL.match(name) is not None


def is_extension(path: str, image: Image) -> bool:
    """Whether a library is a Python extension module: by its file name, or by the function an interpreter calls."""
    return bool(_FILE_NAME.search(path)) or any(symbol.name.startswith("PyInit_") for symbol in image.exports)


def is_for_other_host(root: LoadedObject, process: Process) -> bool:
    """Whether ``root`` is for Python, as an extension module is, and simulated in a program that is no interpreter."""
    if any(loaded.image.symbols.positions(HOST_SIGN) for loaded in process.global_scope):
        return False
    return process.model.is_python or is_extension(root.path, root.image)
