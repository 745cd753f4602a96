"""A resolved address as a typed callable: a plain ctypes function, with nothing of ours between the caller and C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadstone.library.ctypes_types import Types
from loadstone.library.prototype import Prototype

__all__ = ["bind"]


def bind(
    address: int, prototype: Prototype, *, owner: object, capture_errno: bool = False, types: Types | None = None
) -> Callable[..., Any]:
    """Make the function at ``address`` callable as its prototype says.

    Args:
        address: of the code.
        prototype: its declaration; of a variadic one the fixed parameters are converted, further arguments are passed
            as the ctypes instances they must be.
        owner: kept alive by the callable, by a plain reference.
        capture_errno: keep errno of each call for ``ctypes.get_errno()``.
        types: where structs of several declarations are to be the same class.

    Raises:
        InvalidPrototype: a struct is used by value and its members are not known.

    The interpreter lock is released during a call. Calling from several threads is as safe as the C function is.
    """
    known = types or Types(prototype.records, prototype.text)
    signature = prototype.type
    made = known.function(signature, capture_errno=capture_errno)(address)
    made.argtypes = [known.parameter(p.type) for p in signature.parameters]
    made.owner = owner
    made.__name__ = prototype.name
    made.__doc__ = f"{signature.result} {prototype.name}{str(signature)[len(str(signature.result)) + 1 :]}"
    function: Callable[..., Any] = made
    return function
