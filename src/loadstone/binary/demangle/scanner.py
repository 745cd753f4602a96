"""What every part of the C++ demangler stands on: the name being read, what it can refer back to, and the bounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, NamedTuple

__all__ = ["MAX_INPUT", "MAX_TEXT", "Argument", "DemangledName", "NotMangled", "Scanner", "Type", "shown"]

_MAX_DEPTH: Final = 96
_MAX_STEPS: Final = 10_000
_MAX_KEPT: Final = 1 << 20  # text that can be referred back to, all together
MAX_TEXT: Final = 1 << 14
MAX_INPUT: Final = 1 << 13


class NotMangled(Exception):
    """The name does not follow the grammar, or goes beyond the bounds. Never leaves this package."""


class Type(NamedTuple):
    """A type around its declarator: ``void (*`` and ``)(int)``. ``bare`` marks a function or array not pointed to."""

    left: str
    right: str = ""
    bare: bool = False

    def __str__(self) -> str:
        return f"{self.left} {self.right}" if self.bare else self.left + self.right

    def declared(self, mark: str) -> Type:
        """A pointer, reference or member pointer to this type."""
        if self.bare:
            space = " " if self.right.startswith("[") else ""
            inside = self.left.count("(") > self.left.count(")")  # what it returns is a pointer to a function itself
            return Type(f"{self.left}{'' if inside else ' '}({mark}", f"){space}{self.right}")
        if mark in ("&", "&&") and self.left.endswith("&"):  # references collapse
            return Type(self.left[:-1], self.right) if mark == "&" and self.left.endswith("&&") else self
        return Type(self.left + mark, self.right)

    def qualified(self, word: str) -> Type:
        if self.bare and self.right.startswith("("):
            return Type(self.left, self.right + word, bare=True)
        if self.left.endswith(("&", word)):  # a reference has no qualifiers, and none is there twice
            return self
        return Type(self.left + word, self.right, self.bare)


Argument = Type | list[Type]  # a template argument; a list is a pack


class DemangledName(NamedTuple):
    """A parsed name. ``templated``: it ends in template arguments; ``typeless``: it has no return type even so."""

    text: str
    templated: bool = False
    typeless: bool = False
    suffix: str = ""  # qualifiers of a member function


def shown(argument: Argument) -> str:
    """A template argument as text; the members of a pack one after the other."""
    return ", ".join(map(str, argument)) if isinstance(argument, list) else str(argument)


class Scanner(ABC):
    """The state of one pass: where it is, what can be referred back to, which template arguments are in force.

    The grammar is recursive through all its parts, so each part names what it asks of the others here.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position: int = 0
        self.known: list[Type] = []
        self.parameters_known: dict[int, int] = {}  # which of them are template parameters, and which ones
        self.arguments: list[Argument] = []
        self.element: int | None = None  # which element of packs is being written
        self.pack_size: int | None = None  # seen while writing one
        self.in_lambda = False
        self.just_named = False
        self.depth: int = 0
        self.steps: int = 0
        self.kept: int = 0

    @abstractmethod
    def encoding(self, *, scope: bool = False) -> str: ...
    @abstractmethod
    def name(self, *, binding: bool = False) -> DemangledName: ...
    @abstractmethod
    def unqualified(self, last: str) -> tuple[str, bool]: ...
    @abstractmethod
    def source_name(self) -> str: ...
    @abstractmethod
    def substitution(self) -> Type: ...
    @abstractmethod
    def parameters(self) -> str: ...
    @abstractmethod
    def template_arguments(self, of: str = "", *, binding: bool = False) -> str: ...
    @abstractmethod
    def template_parameter(self) -> Type: ...
    @abstractmethod
    def argument(self, index: int) -> Type: ...
    @abstractmethod
    def elements(self, one: Callable[[], Type]) -> list[Type]: ...
    @abstractmethod
    def types(self) -> list[Type]: ...
    @abstractmethod
    def type(self) -> Type: ...
    @abstractmethod
    def literal(self) -> str: ...
    @abstractmethod
    def expression(self) -> str: ...

    def peek(self, count: int = 1) -> str:
        return self.text[self.position : self.position + count]

    def take(self, word: str) -> bool:
        if self.text.startswith(word, self.position):
            self.position += len(word)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise NotMangled

    def number(self) -> int:
        start = self.position
        while self.peek().isdigit() and self.peek().isascii() and self.position - start < 10:
            self.position += 1
        if start == self.position:
            raise NotMangled
        return int(self.text[start : self.position])

    def sequence(self) -> int:
        """``_`` is 0, ``0_`` is 1, and so on in base 36."""
        word, bar, _ = self.text[self.position : self.position + 8].partition("_")
        if not bar or not (word == "" or (word.isalnum() and word.isascii())):
            raise NotMangled
        self.position += len(word) + 1
        return int(word, 36) + 1 if word else 0

    def sequence_after(self, mark: str) -> int:
        self.expect(mark)
        return self.sequence()

    def ordinal(self) -> int:
        """``_`` is 0, ``0_`` is 1, and so on in base 10."""
        value = 0 if self.peek() == "_" else self.number() + 1
        self.expect("_")
        return value

    def enter(self) -> None:
        self.depth += 1
        self.steps += 1
        if self.depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            raise NotMangled

    def leave(self) -> None:
        self.depth -= 1

    @staticmethod
    def bounded(text: str) -> str:
        if len(text) > MAX_TEXT:
            raise NotMangled
        return text

    def remember(self, text: str | Type) -> None:
        found = text if isinstance(text, Type) else Type(self.bounded(text))
        self.kept += len(found.left) + len(found.right)
        if self.kept > _MAX_KEPT:
            raise NotMangled
        self.known.append(found)
