"""The standard :func:`dataclasses.dataclass`, made at a tenth of its cost at import.

The standard decorator writes six methods of each class as source text and compiles them, half a millisecond a class
before Python 3.13, and looks up every annotation in case it names a class of its own; a command imports a hundred
classes. Here the fields are the standard library's, made from the annotations as they are written. Equality, hash,
representation and immutability are plain functions over the field names, and the one method that is worth compiling,
``__init__``, is compiled when the first instance is made.

Equality compares the fields as tuples do, on every Python. The standard one does so before Python 3.13; since then it
compares them one by one, where a NaN that both hold is unequal to itself.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass

__all__ = ["dataclass"]

_set = object.__setattr__
_FIELDS = "__dataclass_fields__"


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Standard:
    """What the standard decorator notes of a class and of a field; :mod:`dataclasses` looks for it in ours."""

    field: object


_PLAIN: Any = dataclasses.fields(_Standard)[0]


class _InitOnDemand:
    """The ``__init__`` of a class until it is first asked for; then the compiled one takes its place."""

    def __init__(self, cls: type, *, frozen: bool) -> None:
        self._cls = cls
        self._frozen = frozen

    def __get__(self, instance: object, owner: type) -> Any:
        # Two threads may both compile; the results are alike, and the last one stays.
        compiled = _compiled_init(self._cls, frozen=self._frozen)
        type.__setattr__(self._cls, "__init__", compiled)
        return compiled.__get__(instance, owner)


def _compiled_init(cls: type, *, frozen: bool) -> Callable[..., None]:
    """The function that takes the fields as arguments, as the standard decorator would have made it."""
    names: dict[str, Any] = {"_set": _set, "_absent": object()}
    positional: list[str] = ["self"]
    keyword: list[str] = []
    body: list[str] = []
    for field in dataclasses.fields(cls):
        name = field.name
        names[f"_default_{name}"] = field.default
        names[f"_make_{name}"] = field.default_factory
        made_here = field.default_factory is not dataclasses.MISSING
        if field.init:
            (keyword if field.kw_only else positional).append(_parameter(field))
            value = f"_make_{name}() if {name} is _absent else {name}" if made_here else name
        elif made_here or field.default is not dataclasses.MISSING:
            value = f"_make_{name}()" if made_here else f"_default_{name}"
        else:
            continue
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*positional, *(["*", *keyword] if keyword else [])])
    scope: dict[str, Any] = {}
    exec(f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"]), names, scope)  # noqa: S102  field names only
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    init.__annotations__ = {f.name: f.type for f in dataclasses.fields(cls) if f.init} | {"return": None}
    return init


def _parameter(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"{field.name}=_absent"
    return field.name if field.default is dataclasses.MISSING else f"{field.name}=_default_{field.name}"


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that gives the values of these fields as a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return (lambda self: (getattr(self, names[0]),)) if names else (lambda _self: ())


def _comparison(names: tuple[str, ...], compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    values = _values(names)

    def compared(self: Any, other: Any) -> bool:
        return compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return compared


def _hash(names: tuple[str, ...]) -> Callable[[Any], int]:
    values = _values(names)

    def hashed(self: Any) -> int:
        return hash(values(self))

    return hashed


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        _set(self, field.name, value)


def _methods(cls: type, *, frozen: bool, eq: bool, order: bool, explicit_hash: bool) -> dict[str, Any]:
    """The methods that the standard decorator would have compiled."""
    methods: dict[str, Any] = {"__init__": _InitOnDemand(cls, frozen=frozen), "__repr__": _repr}
    compared = tuple(f.name for f in dataclasses.fields(cls) if f.compare)
    if eq:
        methods["__eq__"] = _comparison(compared, operator.eq)
    if order:
        methods |= {f"__{name}__": _comparison(compared, getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}
    if eq and not explicit_hash:
        hashed = tuple(f.name for f in dataclasses.fields(cls) if (f.compare if f.hash is None else f.hash))
        methods["__hash__"] = _hash(hashed) if frozen else None
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    if frozen and "__slots__" in vars(cls):
        methods |= {"__getstate__": _state, "__setstate__": _restore}
    return methods


def _is_class_variable(annotation: Any) -> bool:
    """Whether an annotation says ClassVar; as text it is taken at its word, and not looked up."""
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return text.partition("[")[0].rpartition(".")[2] == "ClassVar"


def _field(cls: type, name: str, annotation: Any, *, kw_only: bool) -> Any:
    """The field of one annotation, as the standard decorator would have made it."""
    given = vars(cls).get(name, dataclasses.MISSING)
    made: Any = given if isinstance(given, dataclasses.Field) else dataclasses.field(default=given)
    if made.default.__class__.__hash__ is None:
        raise ValueError(f"mutable default for field {name}: use default_factory")
    made.name, made.type = name, annotation
    made._field_type = _PLAIN._field_type  # noqa: SLF001  dataclasses.fields() goes by it
    if made.kw_only is dataclasses.MISSING:
        made.kw_only = kw_only
    return made


def _with_fields(cls: type, *, slots: bool, kw_only: bool) -> type:
    """The class with what :mod:`dataclasses` keeps of its fields; with slots it is another class."""
    annotated = {n: a for n, a in inspect.get_annotations(cls).items() if not _is_class_variable(a)}
    found = {n: field for base in cls.__mro__[-1:0:-1] for n, field in vars(base).get(_FIELDS, {}).items()}
    found |= {name: _field(cls, name, annotation, kw_only=kw_only) for name, annotation in annotated.items()}
    for name in annotated:
        if name in vars(cls):
            delattr(cls, name)
        if not slots and found[name].default is not dataclasses.MISSING:
            setattr(cls, name, found[name].default)
    kept = {
        _FIELDS: found,
        "__dataclass_params__": vars(_Standard)["__dataclass_params__"],
        "__match_args__": tuple(name for name, field in found.items() if field.init and not field.kw_only),
    }
    for name, value in kept.items():
        setattr(cls, name, value)
    return _slotted(cls, tuple(found)) if slots else cls


def _slotted(cls: type, names: tuple[str, ...]) -> type:
    """The same class with slots: they can only be given to a new one."""
    inherited = {name for base in cls.__mro__[1:] for name in vars(base).get("__slots__", ())}
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    body["__slots__"] = tuple(name for name in names if name not in inherited)
    body["__qualname__"] = cls.__qualname__
    return type(cls)(cls.__name__, cls.__bases__, body)


if not TYPE_CHECKING:  # to a type checker it is the standard decorator

    def dataclass(
        cls: type | None = None,
        /,
        *,
        frozen: bool = False,
        slots: bool = False,
        kw_only: bool = False,
        eq: bool = True,
        order: bool = False,
    ) -> Any:
        """As :func:`dataclasses.dataclass`; of its options those that are used here."""

        def made(given: type) -> type:
            own = set(vars(given))
            explicit_hash = "__hash__" in own and not (given.__hash__ is None and "__eq__" in own)
            finished = _with_fields(given, slots=slots, kw_only=kw_only)
            methods = _methods(finished, frozen=frozen, eq=eq, order=order, explicit_hash=explicit_hash)
            for name, method in methods.items():
                if name not in own or (name == "__hash__" and not explicit_hash):
                    type.__setattr__(finished, name, method)
            return finished

        return made if cls is None else made(cls)
