"""Our dataclass is the standard one in all that can be seen of it."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import typing
from collections.abc import Sequence
from dataclasses import field
from typing import Any, ClassVar

import pytest

from loadstone import quick_dataclass


class Bare:
    """Fields of every kind that is used."""

    kind: ClassVar[str] = "bare"
    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list, compare=False)
    fourth: int = field(default=4, repr=False)
    fifth: int = field(default=5, init=False)
    sixth: int = field(default=6, kw_only=True)


class QuickBare:
    """Fields of every kind that is used."""

    kind: ClassVar[str] = "bare"
    first: int
    second: str = "two"
    third: list[int] = quick_dataclass.field(default_factory=list, compare=False)
    fourth: int = quick_dataclass.field(default=4, repr=False)
    fifth: int = quick_dataclass.field(default=5, init=False)
    sixth: int = 6


class Single:
    only: float


class Nothing:
    """No field."""


def both(cls: type, **options: Any) -> tuple[Any, Any]:
    """The class as the standard decorator makes it and as ours does."""
    copies = [type(cls.__name__, (), {k: v for k, v in vars(cls).items() if k != "__weakref__"}) for _ in range(2)]
    fresh = [
        type(c.__name__, (), {k: copy.copy(v) for k, v in vars(c).items() if k not in ("__weakref__", "__dict__")})
        for c in copies
    ]
    return dataclasses.dataclass(**options)(fresh[0]), quick_dataclass.dataclass(**options)(fresh[1])


OPTIONS = [
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "order": True},
    {"frozen": True, "slots": True, "kw_only": True},
    {"frozen": True, "slots": True, "eq": False},
    {"slots": True},
    {"eq": False},
    {"frozen": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_it_is_made_as_the_standard_one(options: dict[str, bool]) -> None:
    standard, ours = both(Bare, **options)
    words = {"first": 1, "second": "b", "third": [3], "fourth": 7, "sixth": 8}
    one, other = standard(**words), ours(**words)
    assert repr(other) == repr(one)
    assert dataclasses.astuple(other) == dataclasses.astuple(one)
    assert dataclasses.astuple(dataclasses.replace(other, first=9)) == dataclasses.astuple(
        dataclasses.replace(one, first=9)
    )
    assert ours.__match_args__ == standard.__match_args__
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(standard).parameters)
    assert ours(first=1).third == []
    assert ours(first=1).third is not ours(first=1).third
    with pytest.raises(TypeError):
        ours()
    with pytest.raises(TypeError):
        ours(first=1, seventh=7)


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("cls", [Single, Bare])
def test_it_compares_and_hashes_as_the_standard_one(cls: type, options: dict[str, bool]) -> None:
    made = both(cls, **options)
    nan = float("nan")
    first = dataclasses.fields(made[0])[0].name

    def facts(each: Any) -> list[object]:
        low, high, same = (each(**{first: value}) for value in (1, 2, 1))
        # Since Python 3.13 the standard one compares field by field, and not as tuples: there it is no oracle for this.
        numbers = (each(**{first: nan}), each(**{first: nan})) if sys.version_info < (3, 13) else (low, same)
        order = [low < high, low >= high] if options.get("order") else []
        hashes = [hash(low) == hash(same)] if each.__hash__ else ["no hash"]
        return [low == same, low == high, low != object(), numbers[0] == numbers[1], *order, *hashes]

    assert facts(made[1]) == facts(made[0])


def test_one_without_fields_equals_its_like() -> None:
    _, ours = both(Nothing, frozen=True, slots=True)
    assert ours() == ours()
    assert repr(ours()) == "Nothing()"


@quick_dataclass.dataclass(frozen=True, slots=True)
class Point:
    """At the module's top, so that it can be pickled."""

    x: int
    y: int = 0

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x")


@quick_dataclass.dataclass(frozen=True, slots=True)
class Dot(Point):
    """A field more than its base."""

    name: str = ""


@quick_dataclass.dataclass(frozen=True, slots=True)
class Told:
    """Equality of its own."""

    x: int

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


def test_it_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    with pytest.raises(AttributeError):
        point.other = 2  # type: ignore[attr-defined]


def test_it_is_copied_pickled_checked_and_inherited() -> None:
    dot = Dot(1, 2, "d")
    assert pickle.loads(pickle.dumps(dot)) == dot == copy.deepcopy(dot)
    assert dot != Point(1, 2)
    assert repr(dot) == "Dot(x=1, y=2, name='d')"
    with pytest.raises(ValueError, match="x"):
        Dot(-1)


def test_a_standard_one_may_be_its_base_or_its_child() -> None:
    @dataclasses.dataclass(frozen=True)
    class Base:
        x: int = 1

    @quick_dataclass.dataclass(frozen=True, slots=True)
    class Ours(Base):
        shared: typing.ClassVar[int] = 3
        y: int = 2

    @dataclasses.dataclass(frozen=True)
    class Child(Ours):
        z: int = 4

    assert [field.name for field in dataclasses.fields(Child)] == ["x", "y", "z"]
    assert (vars(Ours)["__slots__"], Ours.shared) == (("x", "y"), 3)
    assert Child(5) == Child(5, 2, 4) != Child(6)


def test_a_default_that_would_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @quick_dataclass.dataclass(slots=True)
        class Shared:
            """One list for all."""

            items: list[int] = []  # noqa: RUF012


def test_what_a_class_defines_itself_stays() -> None:
    assert Told(1) == Told(2)
    assert hash(Told(1)) == 7


def test_one_that_holds_itself_is_shown() -> None:
    @quick_dataclass.dataclass(slots=True)
    class Knot:
        """A ring of one."""

        inner: object = None

    knot = Knot()
    knot.inner = knot
    assert repr(knot).endswith("Knot(inner=...)")


def test_a_pickle_is_read_before_the_first_is_made() -> None:
    code = (
        "import pickle, sys; from loadstone.core.claims import Location;"
        "new = object.__new__(Location); new.__setstate__(['f', 1, 2, None][:len(Location.__match_args__)]);"
        "print(new.__class__.__name__, new == new, isinstance(hash(new), int))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["Location", "True", "True"], done.stderr


class Watched(Sequence[int]):
    """An abstract base of another metaclass."""

    __slots__ = ()


def bodies(module: Any) -> tuple[Any, Any]:
    """A base and a class that inherits from it, as ``module``'s decorator makes them."""

    @module.dataclass(frozen=True, slots=True)
    class Base:
        """Two fields."""

        first: int
        second: list[int] = module.field(default_factory=list, repr=False)

    @module.dataclass(frozen=True, slots=True)
    class Derived(Base, Watched):
        """One more, and a default for one of the base."""

        first: int = 7
        third: str = module.field(default="", compare=False)
        kind: ClassVar[int] = 3

        def __len__(self) -> int:
            return 0

        def __getitem__(self, index: Any) -> Any:
            raise IndexError(index)

    return Base, Derived


def test_bases_and_fields_are_those_of_the_standard_one() -> None:
    (_, standard), (base, ours) = bodies(dataclasses), bodies(quick_dataclass)
    assert issubclass(ours, base)
    for words in ({}, {"first": 1, "second": [2], "third": "c"}, {"third": "d"}):
        assert repr(ours(**words)) == repr(standard(**words))
        assert dataclasses.astuple(ours(**words)) == dataclasses.astuple(standard(**words))
    assert ours(third="a") == ours(third="b")
    assert ours.kind == 3
    assert not hasattr(ours(), "__dict__")
    theirs = {f.name: (f.default, f.default_factory, f.repr, f.compare) for f in dataclasses.fields(standard)}
    assert {f.name: (f.default, f.default_factory, f.repr, f.compare) for f in dataclasses.fields(ours)} == theirs


def test_a_replaced_one_is_that_of_the_standard_function() -> None:
    ours: Any = quick_dataclass.dataclass(frozen=True)(type("Made", (), dict(vars(QuickBare))))
    made = ours(1, third=[1])
    assert quick_dataclass.replace(made, first=2) == dataclasses.replace(made, first=2) == ours(2)
    assert quick_dataclass.replace(made, first=2).third == [1]
    assert ours.fourth == 4
    for function in (quick_dataclass.replace, dataclasses.replace):
        with pytest.raises(ValueError, match="init=False"):
            function(made, fifth=1)
        with pytest.raises(TypeError):
            function(made, unknown=1)
    standard = dataclasses.make_dataclass("Standard", ["x"])
    assert quick_dataclass.replace(standard(1), x=2) == standard(2)


def test_what_the_standard_one_refuses_is_refused() -> None:
    def made(**body: Any) -> None:
        quick_dataclass.dataclass(type("Made", (), {"__doc__": "A class.", **body}))

    with pytest.raises(ValueError, match="mutable default"):
        made(__annotations__={"x": "list"}, x=[])
    with pytest.raises(TypeError, match="non-default argument 'y'"):
        made(__annotations__={"x": "int", "y": "int"}, x=1)
