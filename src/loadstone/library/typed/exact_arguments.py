"""A ctypes function that takes exactly the arguments of its prototype, and says what they are.

ctypes itself passes further arguments on, which C then ignores: a slip that nobody hears of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadstone.library.typed.prototype import Prototype

if TYPE_CHECKING:
    from inspect import Signature

__all__ = ["counted"]


def counted(kind: Any, prototype: Prototype) -> Any:
    """The ctypes function type ``kind`` for one prototype; of a variadic one further arguments are no slip."""
    count, name = len(prototype.type.parameters), prototype.name

    def call(self: Any, *arguments: Any) -> Any:
        if len(arguments) != count:
            plural = "" if count == 1 else "s"
            raise TypeError(f"{name}() takes {count} argument{plural} ({len(arguments)} given)")
        return kind.__call__(self, *arguments)

    def refuse(self: Any) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it is an address in this process")

    members: dict[str, Any] = {word: getattr(kind, word) for word in ("_flags_", "_restype_", "_argtypes_")}
    members |= {
        "__repr__": lambda self: f"<C function {self.__doc__}>",
        "__reduce__": refuse,
        "__signature__": property(lambda _self: _signature(prototype)),
    }
    if not prototype.type.variadic:
        members["__call__"] = call
    return type(kind)(kind.__name__, (kind,), members)


def _signature(prototype: Prototype) -> Signature:
    """Names and C types, for ``help()`` and editors."""
    from inspect import Parameter, Signature  # noqa: PLC0415  heavy, and asked for by people only

    given: list[Parameter] = []
    for number, parameter in enumerate(prototype.type.parameters):
        name = parameter.name if parameter.name.isidentifier() else f"argument_{number + 1}"
        given.append(Parameter(name, Parameter.POSITIONAL_ONLY, annotation=str(parameter.type)))
    if prototype.type.variadic:
        given.append(Parameter("more", Parameter.VAR_POSITIONAL))
    return Signature(given, return_annotation=str(prototype.type.result))
