"""The little XML that binaries carry - manifests, entitlements - read with bounds and without a document type.

A document type can define entities that unfold to gigabytes, so one is refused. CWE-776. Source: XML 1.0.
"""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from loadstone.quick_dataclass import dataclass

__all__ = ["Element", "MalformedMarkup", "elements"]

_MAX_SIZE: Final = 256 << 10
_MAX_ELEMENTS: Final = 2000
_MAX_DEPTH: Final = 64


class MalformedMarkup(ValueError):
    """The bytes are no XML, or such as nobody puts in a binary in good faith."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element without its namespace: how deep it lies (the outermost is 0), its attributes, its own text."""

    name: str
    depth: int
    attributes: tuple[tuple[str, str], ...]
    text: str

    def attribute(self, name: str) -> str:
        """The value of that attribute, empty when it has none."""
        return next((value for key, value in self.attributes if key == name), "")


def elements(data: bytes) -> tuple[Element, ...]:
    """All elements in the order they begin.

    Raises:
        MalformedMarkup: no well-formed XML, a document type with definitions of its own, too large, too deep.

    >>> [e.name for e in elements(b"<a xmlns='urn:x'><b/></a>")]
    ['a', 'b']
    """
    if len(data) > _MAX_SIZE:
        raise MalformedMarkup(f"{len(data)} bytes are more than the {_MAX_SIZE} allowed")
    found: list[tuple[str, int, tuple[tuple[str, str], ...], list[str]]] = []
    opened: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(found) >= _MAX_ELEMENTS or len(opened) >= _MAX_DEPTH:
            raise MalformedMarkup("too many elements, or nested too deeply")
        pairs = tuple((_local(key), value) for key, value in attributes.items())
        found.append((_local(name), len(opened), pairs, []))
        opened.append(len(found) - 1)

    def end(_: str) -> None:
        opened.pop()

    def text(words: str) -> None:
        found[opened[-1]][3].append(words)

    def definition(*_: object) -> None:
        raise MalformedMarkup("it defines entities of its own")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = definition
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, UnicodeError) as error:
        raise MalformedMarkup(str(error)) from error
    return tuple(Element(name, depth, pairs, "".join(words).strip()) for name, depth, pairs, words in found)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
