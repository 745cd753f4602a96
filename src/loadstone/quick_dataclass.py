"""The standard :func:`dataclasses.dataclass`, made at a tenth of its cost at import.

The standard decorator writes six methods of each class as source text and compiles them, half a millisecond a class
before Python 3.13, and looks up every annotation in case it names a class of its own; a command imports a hundred
classes, and to import the standard module costs as much as Python's own start. Here equality, hash, representation and
immutability are plain functions over the field names, and the one method that is worth compiling, ``__init__``, is
compiled when the first instance is made. The standard module is imported for a class that is not plain (one with a
base that the standard one made, say), and when somebody asks for the fields (``quick_fields.py``).

Equality compares the fields as tuples do, on every Python. The standard one does so before Python 3.13; since then it
compares them one by one, where a NaN that both hold is unequal to itself.
"""

from __future__ import annotations

import itertools
import operator
import sys
from importlib import import_module
from reprlib import recursive_repr
from types import MemberDescriptorType

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import dataclass, field, replace
    from typing import Any, Final

__all__ = ["ABSENT", "PlainField", "dataclass", "field", "is_class_variable", "replace", "slotted"]

_set = object.__setattr__
ABSENT: Final = object()
_FIELDS: Final = "__plain_fields__"
"""Where a class that was made here keeps what is known of its fields."""


class PlainField:
    """What a method needs to know of a field; ``default`` or ``factory`` is :data:`ABSENT` where there is none."""

    __slots__ = ("compare", "default", "factory", "hash", "init", "kw_only", "name", "repr", "type")

    def __init__(self, name: str, kind: Any, default: Any, *, kw_only: bool) -> None:
        self.name: str = name
        self.type: Any = kind
        self.default: Any = default
        self.factory: Any = ABSENT
        self.init: bool = True
        self.repr: bool = True
        self.compare: bool = True
        self.hash: bool | None = None
        self.kw_only: bool = kw_only

    @property
    def required(self) -> bool:
        """Whether an instance cannot be made without a value for it."""
        return self.default is ABSENT and self.factory is ABSENT


def _with_standard() -> Any:
    return import_module("loadstone.quick_fields")


class _InitOnDemand:
    """The ``__init__`` of a class until it is first asked for; then the compiled one takes its place."""

    def __init__(self, cls: type, fields: tuple[PlainField, ...], *, frozen: bool) -> None:
        self._cls = cls
        self._fields = fields
        self._frozen = frozen

    def __get__(self, instance: object, owner: type) -> Any:
        # Two threads may both compile; the results are alike, and the last one stays.
        compiled = _compiled_init(self._cls, self._fields, frozen=self._frozen)
        type.__setattr__(self._cls, "__init__", compiled)
        return compiled.__get__(instance, owner)


class _StandardOnDemand:
    """An attribute that the standard decorator gives a class, until it is first asked for."""

    def __init__(self, cls: type, name: str, fields: tuple[PlainField, ...], *, frozen: bool) -> None:
        self._cls = cls
        self._name = name
        self._fields = fields
        self._frozen = frozen

    def __get__(self, instance: object, owner: type) -> Any:
        made = getattr(_with_standard().twin(self._fields, frozen=self._frozen), self._name)
        type.__setattr__(self._cls, self._name, made)
        return made


def _compiled_init(cls: type, fields: Iterable[PlainField], *, frozen: bool) -> Callable[..., None]:
    """The function that takes the fields as arguments, as the standard decorator would have made it."""
    names: dict[str, Any] = {"_set": _set, "_absent": object()}
    positional: list[str] = ["self"]
    keyword: list[str] = []
    body: list[str] = []
    for field in fields:
        name = field.name
        names[f"_default_{name}"] = field.default
        names[f"_make_{name}"] = field.factory
        made_here = field.factory is not ABSENT
        if field.init:
            (keyword if field.kw_only else positional).append(_parameter(field))
            value = f"_make_{name}() if {name} is _absent else {name}" if made_here else name
        elif made_here or field.default is not ABSENT:
            value = f"_make_{name}()" if made_here else f"_default_{name}"
        else:
            continue
        if not frozen:
            body.append(f"self.{name} = {value}")
        elif isinstance(slot := getattr(cls, name, None), MemberDescriptorType):  # half as long as by the name
            names[f"_set_{name}"] = slot.__set__
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"_set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*positional, *(["*", *keyword] if keyword else [])])
    scope: dict[str, Any] = {}
    exec(f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"]), names, scope)  # noqa: S102  field names only
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    init.__annotations__ = {f.name: f.type for f in fields if f.init} | {"return": None}
    return init


def _parameter(field: PlainField) -> str:
    if field.factory is not ABSENT:
        return f"{field.name}=_absent"
    return field.name if field.default is ABSENT else f"{field.name}=_default_{field.name}"


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


def _representation(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def shown(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({values})"

    return shown


def _refuse_to_set(_self: Any, name: str, _value: Any) -> None:
    raise _with_standard().FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: Any, name: str) -> None:
    raise _with_standard().FrozenInstanceError(f"cannot delete field {name!r}")


def _state(names: tuple[str, ...]) -> dict[str, Any]:
    """How one with slots is pickled and copied although it cannot be changed."""

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restore(self: Any, values: list[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            _set(self, name, value)

    return {"__getstate__": state, "__setstate__": restore}


def _methods(
    cls: type, fields: tuple[PlainField, ...], *, frozen: bool, eq: bool, order: bool, explicit_hash: bool
) -> dict[str, Any]:
    """The methods that the standard decorator would have compiled."""
    shown = tuple(f.name for f in fields if f.repr)
    methods: dict[str, Any] = {
        "__init__": _InitOnDemand(cls, fields, frozen=frozen),
        "__repr__": _representation(shown),
    }
    compared = tuple(f.name for f in fields if f.compare)
    if eq:
        methods["__eq__"] = _comparison(compared, operator.eq)
    if order:
        methods |= {f"__{name}__": _comparison(compared, getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}
    if eq and not explicit_hash:
        hashed = tuple(f.name for f in fields if (f.compare if f.hash is None else f.hash))
        methods["__hash__"] = _hash(hashed) if frozen else None
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    if frozen and "__slots__" in vars(cls):
        methods |= _state(tuple(f.name for f in fields))
    return methods


def is_class_variable(annotation: str) -> bool:
    """Whether an annotation says ClassVar; it is taken at its word, and not looked up."""
    return annotation.partition("[")[0].rpartition(".")[2] == "ClassVar"


def _is_plain(cls: type) -> bool:
    """Whether a class needs nothing of the standard module: documented, annotated in text, no base made there."""
    elsewhere = any("__dataclass_fields__" in vars(base) and _FIELDS not in vars(base) for base in cls.__mro__[1:])
    as_text = all(isinstance(kind, str) for kind in cls.__annotations__.values())
    return as_text and not elsewhere and bool(cls.__doc__) and "__slots__" not in vars(cls)


def _plain_fields(cls: type, *, kw_only: bool) -> tuple[PlainField, ...] | None:
    """The fields of a plain class, its bases' first; None where the standard decorator has to judge."""
    if not _is_plain(cls):
        return None
    fields: dict[str, PlainField] = {}
    for base in cls.__mro__[:0:-1]:
        fields |= {field.name: field for field in vars(base).get(_FIELDS, ())}
    for name, kind in cls.__annotations__.items():
        if is_class_variable(kind):
            continue
        given = vars(cls).get(name, ABSENT)
        if given.__class__.__hash__ is None or type(given).__name__ == "Field":
            return None
        fields[name] = _named(given, name, kind, kw_only=kw_only)
    _refuse_late_required(tuple(f for f in fields.values() if f.init and not f.kw_only))
    return tuple(fields.values())


def _refuse_late_required(positional: tuple[PlainField, ...]) -> None:
    for before, field in itertools.pairwise(positional):
        if field.required and not before.required:
            raise TypeError(f"non-default argument {field.name!r} follows default argument {before.name!r}")


def _named(given: Any, name: str, kind: str, *, kw_only: bool) -> PlainField:
    """The field of one annotation: ``given`` is its value in the class, a default or what :func:`field` said of it."""
    if not isinstance(given, PlainField):
        return PlainField(name, kind, given, kw_only=kw_only)
    given.name, given.type, given.kw_only = name, kind, given.kw_only or kw_only
    return given


def slotted(cls: type, names: tuple[str, ...]) -> type:
    """The same class with slots: they can only be given to a new one."""
    inherited = {name for base in cls.__mro__[1:] for name in vars(base).get("__slots__", ())}
    body = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__", *names)}
    body["__slots__"] = tuple(name for name in names if name not in inherited)
    body["__qualname__"] = cls.__qualname__
    return type(cls)(cls.__name__, cls.__bases__, body)


def _made_plainly(cls: type, fields: tuple[PlainField, ...], *, frozen: bool, slots: bool) -> type:
    """The class with what the standard decorator adds besides the methods."""
    for field in [f for f in fields if vars(cls).get(f.name) is f]:
        if field.default is ABSENT:
            delattr(cls, field.name)
        else:
            setattr(cls, field.name, field.default)
    if slots:
        cls = slotted(cls, tuple(f.name for f in fields))
    added: dict[str, Any] = {
        name: _StandardOnDemand(cls, name, fields, frozen=frozen)
        for name in ("__dataclass_fields__", "__dataclass_params__")
    }
    added["__match_args__"] = tuple(f.name for f in fields if not f.kw_only)
    if sys.version_info >= (3, 13):
        added["__replace__"] = _replace
    for name, value in added.items():
        if name not in vars(cls):
            setattr(cls, name, value)
    return cls


def _replace(self: Any, /, **changes: Any) -> Any:
    fields = vars(type(self)).get(_FIELDS)
    if fields is None:  # made by the standard decorator
        return _with_standard().replace(self, **changes)
    for field in fields:
        if field.init:
            changes.setdefault(field.name, getattr(self, field.name))
        elif field.name in changes:
            raise ValueError(f"field {field.name} is declared with init=False, it cannot be specified with replace()")
    return type(self)(**changes)


if not TYPE_CHECKING:  # to a type checker they are the standard ones

    def field(
        *,
        default: Any = ABSENT,
        default_factory: Any = ABSENT,
        init: bool = True,
        repr: bool = True,  # noqa: A002  the standard name
        compare: bool = True,
    ) -> Any:
        """As :func:`dataclasses.field`; of its options those that are used here."""
        made = PlainField("", "", default, kw_only=False)
        made.factory, made.init, made.repr, made.compare = default_factory, init, repr, compare
        return made

    def replace(self: Any, /, **changes: Any) -> Any:
        """As :func:`dataclasses.replace`."""
        return _replace(self, **changes)

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
            fields = _plain_fields(given, kw_only=kw_only)
            if fields is None:
                finished, fields = _with_standard().finished(given, frozen=frozen, slots=slots, kw_only=kw_only)
            else:
                finished = _made_plainly(given, fields, frozen=frozen, slots=slots)
            type.__setattr__(finished, _FIELDS, fields)
            methods = _methods(finished, fields, frozen=frozen, eq=eq, order=order, explicit_hash=explicit_hash)
            for name, method in methods.items():
                if name not in own or (name == "__hash__" and not explicit_hash):
                    type.__setattr__(finished, name, method)
            return finished

        return made if cls is None else made(cls)
