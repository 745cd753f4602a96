"""A resolved address as a typed callable, with no Python code of ours between the caller and C.

It is an object of the optional extension where that can make the call (see ``fastcall.py``), else a ctypes function.
"""

from __future__ import annotations

import codecs
import ctypes
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Literal

from loadstone.errors import InvalidPrototype
from loadstone.headers.types import Array, Pointer, Prototype, Void
from loadstone.library.typed import fastcall
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.exact_arguments import counted
from loadstone.library.typed.pointers import ArrayView, Ref
from loadstone.quick_dataclass import dataclass

__all__ = ["CallOptions", "bind"]


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How the functions of a namespace, or one of them, are called.

    Args:
        gil: ``keep`` holds the interpreter lock during the call, for short functions that wait for nobody.
        encoding: of text: ``const char *`` parameters then take ``str`` too, and results ``char *`` are ``str``.
        errno: keep errno of each call for ``ctypes.get_errno()``.
        out: names of out-parameters: they are left out of the call, and come back behind the result, as a tuple.
        free: of a result ``char *`` or a pointer: the name of the function that frees it; text is copied, then freed.
    """

    gil: Literal["release", "keep"] = "release"
    encoding: str | None = None
    errno: bool = False
    out: tuple[str, ...] = ()
    free: str = ""


def bind(
    address: int,
    prototype: Prototype,
    *,
    owner: object,
    capture_errno: bool = False,
    types: CtypesTypes | None = None,
    gil: Literal["release", "keep"] = "release",
    encoding: str | None = None,
    out: Sequence[str] = (),
    free: Callable[[int], Any] | None = None,
) -> Callable[..., Any]:
    """Make the function at ``address`` callable as its prototype says.

    Args:
        address: of the code.
        prototype: its declaration; further arguments of a variadic one are promoted as C does it.
        owner: kept alive by the callable, by a plain reference.
        capture_errno: keep errno of each call for ``ctypes.get_errno()``.
        types: where structs of several declarations are to be the same class.
        gil: ``keep`` holds the interpreter lock during the call, for short functions that wait for nobody. It takes
            effect where the extension makes the call.
        encoding: of text: ``const char *`` parameters then take ``str`` too, and such a result is ``str``.
        out: names of parameters that are places for results; see :class:`CallOptions`.
        free: called with the address of a ``char *`` result once its text is copied.

    Raises:
        LookupError: there is no such encoding.
        InvalidPrototype: a struct is used by value and its members are not known.
        Unsupported: it is called by rules that are not known here.

    The interpreter lock is released during a call, unless kept. Calling from several threads is as safe as the C
    function is.
    """
    if encoding is not None:
        codecs.lookup(encoding)
    known = types or CtypesTypes(prototype.records, prototype.text, owner)
    signature = prototype.type
    made = counted(known.function(signature, capture_errno=capture_errno), prototype, known)(address)
    made.argtypes = [known.parameter(p.type, encoding) for p in signature.parameters]
    made.convert = known.converted(signature.result, encoding)
    made.owner = owner
    made.__name__ = prototype.name
    made.__doc__ = signature.spelled(prototype.name)
    if free is not None:
        made.convert = _freed(prototype, free, encoding)
    fast = None
    if free is None:
        fast = fastcall.made(
            made,
            address,
            prototype,
            known,
            made.argtypes,
            owner=owner,
            keep_gil=gil == "keep",
            capture_errno=capture_errno,
            encoding=encoding,
        )
    function: Callable[..., Any] = fast or made
    return _with_results(function, prototype, known, out) if out else function


CtypesTypes.bind_function = staticmethod(bind)


def _freed(prototype: Prototype, free: Callable[[int], Any], encoding: str | None) -> Callable[[Any], Any]:
    """What copies a text that the caller owns, and frees it."""

    def copy(address: int | None) -> bytes | str | None:
        if not address:
            return None
        try:
            content = ctypes.string_at(address)
        finally:
            free(address)
        return content if encoding is None else content.decode(encoding)

    if not isinstance(prototype.result, Pointer):
        raise InvalidPrototype(text=prototype.text, reason=f"{prototype.name} returns no pointer that could be freed")
    return copy


def _place(kind: Pointer | Array, types: CtypesTypes) -> Ref | ArrayView:
    """Memory for what C puts behind a parameter: one item, or as many as its array has."""
    if isinstance(kind, Pointer) or not kind.length:
        return Ref()
    memory = ctypes.create_string_buffer(types.layouts.size(kind))
    return ArrayView(types, kind.element, kind.length, memory, 0, const=False, life=None)


def _with_results(
    function: Callable[..., Any], prototype: Prototype, types: CtypesTypes, out: Sequence[str]
) -> Callable[..., Any]:
    """The function without its out-parameters; what C put there comes back behind its result."""
    names = [p.name for p in prototype.parameters]
    kinds: list[Pointer | Array] = []
    for name in out:
        kind = prototype.parameters[names.index(name)].type if name in names else None
        if not isinstance(kind, (Pointer, Array)):
            raise InvalidPrototype(
                text=prototype.text, reason=f"{prototype.name} has no pointer parameter named {name!r}"
            )
        kinds.append(kind)
    places = [name in out for name in names]
    silent = isinstance(prototype.result, Void)

    @wraps(function, assigned=("__name__", "__doc__"))
    def call(*given: Any) -> Any:
        rest = iter(given)
        refs = [_place(kind, types) for kind in kinds]
        waiting = iter(refs)
        result = function(*(next(waiting) if is_out else next(rest, _MISSING) for is_out in places), *rest)
        values = tuple(one.value for one in refs)
        return values[0] if silent and len(values) == 1 else values if silent else (result, *values)

    return call


_MISSING: Any = type("missing", (), {"__repr__": lambda _: "an argument that is missing"})()
