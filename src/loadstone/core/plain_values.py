"""Frozen dataclasses as plain JSON values and back, checked by their own annotations; standard library only.

For processes that must not have a third-party module: the fuzzing worker and the probe's helper run with ``-S``, beside
foreign code. What crosses their borders is a dataclass on both sides; a value that does not fit it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["UnfitValue", "from_plain", "to_plain"]

Value = TypeVar("Value")
_SIMPLE = frozenset((str, bool, int, float, NoneType))


class UnfitValue(ValueError):
    """A field is missing, unknown or of another type: nothing that we wrote."""


def to_plain(value: object) -> Any:
    """What ``json`` takes: dataclasses as objects, tuples as lists, bytes as hexadecimal, enums by value."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float, NoneType)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return list(value) if _SIMPLE.issuperset(map(type, value)) else [to_plain(item) for item in value]
    return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]


def from_plain(kind: type[Value], raw: object) -> Value:
    """The value of a dataclass that :func:`to_plain` took apart.

    Raises:
        UnfitValue: it does not fit the annotations.

    Thread-safe: nothing is kept but what the annotations say.
    """
    try:
        made: Value = _reader(cast("Any", kind))(raw)
    except (TypeError, ValueError) as error:
        raise UnfitValue(f"{kind.__name__}: {error}") from error
    return made


@lru_cache(maxsize=256)
def _reader(kind: Any) -> Callable[[Any], Any]:
    """The function that checks and makes values of one annotation."""
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        if Ellipsis not in arguments:
            return partial(_row, tuple(_reader(a) for a in arguments))
        if arguments[0] in _SIMPLE:
            return partial(_many_simple, arguments[0])
        return partial(_many, _reader(arguments[0]))
    if get_origin(kind) in (Union, UnionType):
        (given,) = (a for a in arguments if a is not NoneType)
        return partial(_optional, _reader(given))
    if kind is bytes:
        return _bytes
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if kind in _SIMPLE:
        return partial(_simple, kind)
    hints = get_type_hints(kind)
    return partial(_object, kind, {field.name: _reader(hints[field.name]) for field in fields(kind)})


def _simple(kind: type, raw: object) -> object:
    if type(raw) is kind or (kind is float and type(raw) is int):
        return raw
    raise TypeError(f"{kind.__name__} expected, not {type(raw).__name__}")


def _bytes(raw: object) -> bytes:
    return bytes.fromhex(str(_simple(str, raw)))


def _optional(given: Callable[[Any], Any], raw: object) -> object:
    return None if raw is None else given(raw)


def _list(raw: object) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError(f"list expected, not {type(raw).__name__}")
    return raw


def _many_simple(kind: type, raw: object) -> tuple[Any, ...]:
    """All at once: a library may export a hundred thousand names."""
    given = tuple(_list(raw))
    return given if set(map(type, given)) <= {kind} else tuple(_simple(kind, item) for item in given)


def _many(item: Callable[[Any], Any], raw: object) -> tuple[Any, ...]:
    return tuple(map(item, _list(raw)))


def _row(items: tuple[Callable[[Any], Any], ...], raw: object) -> tuple[Any, ...]:
    return tuple(item(value) for item, value in zip(items, _list(raw), strict=True))


def _object(kind: Callable[..., Any], readers: dict[str, Callable[[Any], Any]], raw: object) -> Any:
    if not isinstance(raw, dict) or raw.keys() != readers.keys():
        raise ValueError(f"not the fields of {getattr(kind, '__name__', kind)}")
    return kind(**{name: read(raw[name]) for name, read in readers.items()})
