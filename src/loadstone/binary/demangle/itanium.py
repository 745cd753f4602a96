"""C++ names by the Itanium ABI, spelled as GNU c++filt spells them. Source: Itanium C++ ABI, section 5.1.

One pass from left to right over the name; nothing is looked at twice but the pattern of a pack expansion, once for each
element. Depth, steps and the length of every piece of text are bounded, because a substitution can double a name at
each use.
"""

from __future__ import annotations

from loadstone.binary.demangle.expressions import ExpressionParser
from loadstone.binary.demangle.names import Names
from loadstone.binary.demangle.scanner import MAX_INPUT, NotMangled, shown
from loadstone.binary.demangle.tables import SPECIALS
from loadstone.binary.demangle.templates import Templates
from loadstone.binary.demangle.types import TypeParser

__all__ = ["NotMangled", "demangle_itanium"]


def demangle_itanium(name: str) -> str:
    """The readable form of a name that begins with ``_Z``.

    Raises:
        NotMangled: it is not such a name, or has parts not known here, or is beyond the bounds.
    """
    if len(name) > MAX_INPUT or not name.isprintable():  # control characters mark parameters while parsing
        raise NotMangled
    mangled, dot, clone = name.partition(".")
    parser = _Parser(mangled)
    text = parser.encoding_at(2)
    if parser.position != len(mangled):
        raise NotMangled
    return f"{text} [clone .{clone}]" if dot else text


class _Parser(Names, Templates, TypeParser, ExpressionParser):
    """Encodings: a function with its parameters, a variable, or what compilers make; the rest is inherited."""

    def encoding_at(self, position: int) -> str:
        self.position = position
        return self.bounded(self.encoding())

    def encoding(self, *, scope: bool = False) -> str:
        """A function with its parameters, a variable, or one of the things compilers make.

        As the ``scope`` of something inside it, a function is written without its return type.
        """
        self.enter()
        try:
            if self.peek() in ("T", "G"):
                return self.special()
            just_named, self.just_named = self.just_named, False
            name = self.name(binding=True)
            name = name._replace(text=self.resolved(name.text))
            if self.position >= len(self.text) or self.peek() in ("E", "."):
                return name.text + name.suffix
            outer = ""
            tail = ""
            if name.templated and not name.typeless:
                returned = self.type()
                outer, tail = (f"{returned.left} ", returned.right) if not returned.bare else (f"{returned} ", "")
                if returned.right and not returned.bare:
                    outer = returned.left
                if scope:
                    outer = tail = ""
            parameters = self.parameters()
            if just_named and not name.templated:
                return name.text
            return self.bounded(f"{outer}{name.text}({parameters}){name.suffix}{tail}")
        finally:
            self.leave()

    def resolved(self, text: str) -> str:
        """``text`` with the template parameters that were named before their arguments were known."""
        while "\x01" in text:
            before, _, rest = text.partition("\x01")
            index, _, after = rest.partition("\x02")
            if int(index) >= len(self.arguments):
                raise NotMangled
            found = self.arguments[int(index)]
            text = self.bounded(before + shown(found) + after)
            self.enter()
            self.leave()
        return text

    def parameters(self) -> str:
        found: list[str] = []
        while self.position < len(self.text) and self.peek() not in ("E", "."):
            if self.peek(2) in ("RE", "OE"):
                break
            found.extend(map(str, self.types()))
        return "" if found == ["void"] else ", ".join(found)

    def special(self) -> str:
        word = self.peek(2)
        if word in SPECIALS:
            self.position += 2
            return SPECIALS[word] + (str(self.type()) if word in ("TV", "TT", "TI", "TS") else self.whole_name())
        if self.take("TC"):
            inner = self.type()
            self.number()
            self.expect("_")
            return f"construction vtable for {self.type()}-in-{inner}"
        if self.take("Tc"):
            self.call_offset()
            self.call_offset()
            return f"covariant return thunk to {self.encoding()}"
        if self.peek(2) in ("Th", "Tv"):
            self.position += 1
            kind = "non-virtual" if self.peek() == "h" else "virtual"
            self.call_offset()
            return f"{kind} thunk to {self.encoding()}"
        if self.take("GR"):
            name = self.whole_name()
            number = self.sequence() if self.position < len(self.text) else 0
            return f"reference temporary #{number} for {name}"
        if self.take("GTt"):
            return f"transaction clone for {self.encoding()}"
        raise NotMangled

    def whole_name(self) -> str:
        name = self.name(binding=True)
        return self.resolved(name.text) + name.suffix

    def call_offset(self) -> None:
        kind = self.peek()
        self.position += 1
        if kind not in ("h", "v"):
            raise NotMangled
        for _ in range(1 if kind == "h" else 2):
            self.take("n")
            self.number()
            self.expect("_")
