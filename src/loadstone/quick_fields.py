"""Where the quick dataclass meets the standard module: classes whose fields are not all plain, and what others ask.

Imported on demand only. Fields are the standard library's, made from the annotations as they are written, which are not
looked up; source: ``dataclasses.fields`` and what it goes by.
"""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import FrozenInstanceError, replace
from typing import Any

from loadstone.quick_dataclass import ABSENT, PlainField, is_class_variable, slotted

__all__ = ["FrozenInstanceError", "finished", "replace", "twin"]

_FIELDS = "__dataclass_fields__"


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Standard:
    """What the standard decorator notes of a class and of a field; :mod:`dataclasses` looks for it in ours."""

    field: object


@dataclasses.dataclass(init=False, repr=False, eq=False, frozen=True)
class _StandardFrozen:
    """The same of a frozen one: a standard frozen class may have no other base."""

    field: object


_PLAIN: Any = dataclasses.fields(_Standard)[0]


def finished(cls: type, *, frozen: bool, slots: bool, kw_only: bool) -> tuple[type, tuple[PlainField, ...]]:
    """The class with what :mod:`dataclasses` keeps of its fields, and these; with slots it is another class."""
    annotated = {n: a for n, a in inspect.get_annotations(cls).items() if not _is_class_variable(a)}
    found: dict[str, Any] = {}
    for base in cls.__mro__[-1:0:-1]:
        found |= getattr(base, _FIELDS) if _FIELDS in vars(base) else {}
    found |= {name: _field(cls, name, annotation, kw_only=kw_only) for name, annotation in annotated.items()}
    for name in annotated:
        if name in vars(cls):
            delattr(cls, name)
        if not slots and found[name].default is not dataclasses.MISSING:
            setattr(cls, name, found[name].default)
    _note(cls, found, frozen=frozen)
    made = slotted(cls, tuple(found)) if slots else cls
    return made, tuple(map(_plain, found.values()))


def twin(fields: tuple[PlainField, ...], *, frozen: bool) -> type:
    """A class with the same fields, for what the standard module wants to see of one that was made without it."""
    made = type("Twin", (), {field.name: _standard(field) for field in fields})
    found = {field.name: _field(made, field.name, field.type, kw_only=field.kw_only) for field in fields}
    _note(made, found, frozen=frozen)
    return made


def _standard(field: PlainField) -> Any:
    """The standard field that a plain one stands for."""
    default = dataclasses.MISSING if field.default is ABSENT else field.default
    factory = dataclasses.MISSING if field.factory is ABSENT else field.factory
    options: Any = {"default": default, "default_factory": factory}
    return dataclasses.field(**options, init=field.init, repr=field.repr, compare=field.compare, hash=field.hash)


def _note(cls: type, found: dict[str, Any], *, frozen: bool) -> None:
    kept = {
        _FIELDS: found,
        "__dataclass_params__": vars(_StandardFrozen if frozen else _Standard)["__dataclass_params__"],
        "__match_args__": tuple(name for name, field in found.items() if field.init and not field.kw_only),
    }
    for name, value in kept.items():
        setattr(cls, name, value)


def _is_class_variable(annotation: Any) -> bool:
    return is_class_variable(annotation if isinstance(annotation, str) else repr(annotation))


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


def _plain(standard: Any) -> PlainField:
    """What our methods need to know of a standard field."""
    missing = dataclasses.MISSING
    default = ABSENT if standard.default is missing else standard.default
    made = PlainField(standard.name, standard.type, default, kw_only=standard.kw_only)
    made.factory = ABSENT if standard.default_factory is missing else standard.default_factory
    made.init, made.repr = standard.init, standard.repr
    made.compare, made.hash = standard.compare, standard.hash
    return made
