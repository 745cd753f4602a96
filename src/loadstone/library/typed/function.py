"""A resolved address as a typed callable, with no Python code of ours between the caller and C.

It is an object of the optional extension where that can make the call (see ``fastcall.py``), else a ctypes function.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any, Literal

from loadstone.library.typed import fastcall
from loadstone.library.typed.ctypes_types import CtypesTypes, is_text
from loadstone.library.typed.exact_arguments import counted
from loadstone.library.typed.prototype import Prototype

__all__ = ["bind"]


def bind(
    address: int,
    prototype: Prototype,
    *,
    owner: object,
    capture_errno: bool = False,
    types: CtypesTypes | None = None,
    gil: Literal["release", "keep"] = "release",
    encoding: str | None = None,
) -> Callable[..., Any]:
    """Make the function at ``address`` callable as its prototype says.

    Args:
        address: of the code.
        prototype: its declaration; of a variadic one the fixed parameters are converted, further arguments are passed
            as the ctypes instances they must be.
        owner: kept alive by the callable, by a plain reference.
        capture_errno: keep errno of each call for ``ctypes.get_errno()``.
        types: where structs of several declarations are to be the same class.
        gil: ``keep`` holds the interpreter lock during the call, for short functions that wait for nobody. It takes
            effect where the extension makes the call.
        encoding: of text: ``const char *`` parameters then take ``str`` too, and such a result is ``str``.

    Raises:
        LookupError: there is no such encoding.
        InvalidPrototype: a struct is used by value and its members are not known.

    The interpreter lock is released during a call, unless kept. Calling from several threads is as safe as the C
    function is.
    """
    if encoding is not None:
        codecs.lookup(encoding)
    known = types or CtypesTypes(prototype.records, prototype.text)
    signature = prototype.type
    made = counted(known.function(signature, capture_errno=capture_errno), prototype)(address)
    made.argtypes = [known.parameter(p.type, encoding) for p in signature.parameters]
    if encoding is not None and is_text(signature.result):
        made.errcheck = _decoded(encoding)
    made.owner = owner
    made.__name__ = prototype.name
    made.__doc__ = f"{signature.result} {prototype.name}{str(signature)[len(str(signature.result)) + 1 :]}"
    fast = None
    if not capture_errno and not encoding:  # ctypes keeps errno for its own get_errno(), and converts the text
        fast = fastcall.made(made, address, prototype, owner=owner, keep_gil=gil == "keep")
    function: Callable[..., Any] = fast or made
    return function


def _decoded(encoding: str) -> Callable[..., str | None]:
    """What makes text of a result; bytes that are none in that encoding raise UnicodeDecodeError."""

    def decode(result: bytes | None, *_call: object) -> str | None:
        return None if result is None else result.decode(encoding)

    return decode
