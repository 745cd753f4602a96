"""Rust's names since 2021 (``_R...``). Source: RFC 2603, and the rustc book, "v0 Symbol Format".

Recursive descent over one text; back references are followed by reading the earlier part again, which a budget of
steps keeps from costing more than a fixed amount.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["demangle_rust_v0"]

_MAX_INPUT: Final = 4096
_MAX_DEPTH: Final = 100
_MAX_STEPS: Final = 10_000
_MAX_OUTPUT: Final = 16_384
_MAX_WRITTEN: Final = 4 << 20  # characters in all parts together, the same ones counted at every level
_MAX_LIFETIMES: Final = 256
_MAX_WIDE: Final = 16  # hexadecimal digits of what is written as a decimal number
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASIC: Final = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8", "i": "isize", "j": "usize",
    "l": "i32", "m": "u32", "n": "i128", "o": "u128", "p": "_", "s": "i16", "t": "u16", "u": "()", "v": "...",
    "x": "i64", "y": "u64", "z": "!",
}  # fmt: skip
_UNSIGNED: Final = frozenset("hjmoty")
_SIGNED: Final = frozenset("ailnsx")
_ESCAPES: Final = {"\t": r"\t", "\r": r"\r", "\n": r"\n", "\\": r"\\", "'": r"\'"}
_SPECIAL: Final = {"C": "closure", "S": "shim"}


class _Refused(ValueError):
    """Control flow inside this module: the name is not of this scheme, or beyond the bounds."""


def demangle_rust_v0(name: str) -> str | None:
    """The path with its generic arguments; None when it is no such name.

    Crates are shown without their disambiguator, and constants without their type.

    >>> demangle_rust_v0("_RINvNtC3std3mem8align_ofdE")
    'std::mem::align_of::<f64>'
    """
    mangled, dot, suffix = name.partition(".")
    if not mangled.startswith("_R") or not mangled.isascii() or not mangled.isprintable() or len(mangled) > _MAX_INPUT:
        return None
    parser = _Parser(mangled[2:])
    try:
        text = parser.path(in_value=True)
        if parser.position < len(parser.text):  # the crate it was instantiated in: read, and not shown
            parser.path(in_value=False)
        if parser.position != len(parser.text):
            return None
    except _Refused:
        return None
    return f"{text} (.{suffix})" if dot and not suffix.startswith("llvm") else text


class _Parser:
    """A position in the text, and how many lifetimes are bound around it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._depth = 0
        self._steps = 0
        self._written = 0
        self._lifetimes = 0

    # -- letters and numbers

    def _next(self) -> str:
        if self.position >= len(self.text):
            raise _Refused
        self.position += 1
        return self.text[self.position - 1]

    def _take(self, letter: str) -> bool:
        if self.text.startswith(letter, self.position):
            self.position += 1
            return True
        return False

    def _base_62(self) -> int:
        """``_`` is 0, and every digit sequence one more than it says."""
        value = 0
        while not self._take("_"):
            digit = _DIGITS.find(self._next())
            if digit < 0 or value >= 1 << 64:
                raise _Refused
            value = value * 62 + digit
            if self._take("_"):
                return value + 1
        return value

    def _optional(self, letter: str) -> int:
        """A number that is there when its letter is, and then counts from one."""
        return self._base_62() + 1 if self._take(letter) else 0

    def _identifier(self) -> str:
        """An identifier without its disambiguator."""
        encoded = self._take("u")
        digits = ""
        while self.text[self.position : self.position + 1].isdigit() and digits != "0" and len(digits) < 5:
            digits += self._next()
        if not digits:
            raise _Refused
        self._take("_")
        end = self.position + int(digits)
        if end > len(self.text):
            raise _Refused
        text = self.text[self.position : end]
        self.position = end
        return _from_punycode(text) if encoded else text

    # -- nesting

    def _within(self, read: Callable[[], str]) -> str:
        """What ``read`` gives, one level deeper; every bound is kept here."""
        self._depth += 1
        self._steps += 1
        if self._depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            raise _Refused
        text = read()
        self._depth -= 1
        self._written += len(text)
        if len(text) > _MAX_OUTPUT or self._written > _MAX_WRITTEN:
            raise _Refused
        return text

    def _back(self, read: Callable[[], str]) -> str:
        """A part that stands earlier in the name."""
        start = self.position - 1
        target = self._base_62()
        if target >= start:
            raise _Refused
        here, self.position = self.position, target
        text = read()
        self.position = here
        return text

    def _listed(self, read: Callable[[], str]) -> list[str]:
        items: list[str] = []
        while not self._take("E"):
            items.append(read())
        return items

    # -- paths

    def path(self, *, in_value: bool) -> str:
        """A path; ``in_value``: generic arguments are written with ``::``, as in an expression."""
        return self._within(lambda: self._path(in_value=in_value))

    def _path(self, *, in_value: bool) -> str:
        match self._next():
            case "C":
                self._optional("s")
                return self._identifier()
            case "M":
                self._implementation()
                return f"<{self.type()}>"
            case "X":
                self._implementation()
                return f"<{self.type()} as {self.path(in_value=False)}>"
            case "Y":
                return f"<{self.type()} as {self.path(in_value=False)}>"
            case "N":
                return self._nested(in_value=in_value)
            case "I":
                path = self.path(in_value=in_value)
                arguments = ", ".join(self._listed(self._argument))
                return f"{path}{'::' if in_value else ''}<{arguments}>"
            case "B":
                return self._back(lambda: self.path(in_value=in_value))
            case _:
                raise _Refused

    def _implementation(self) -> None:
        """Where an implementation stands; what it is for says more."""
        self._optional("s")
        self.path(in_value=False)

    def _nested(self, *, in_value: bool) -> str:
        space = self._next()
        if not space.isalpha():
            raise _Refused
        path = self.path(in_value=in_value)
        number = self._optional("s")
        name = self._identifier()
        if space.isupper():
            kind = _SPECIAL.get(space, space)
            return f"{path}::{{{kind}{':' if name else ''}{name}#{number}}}"
        return f"{path}::{name}" if name else path

    def _argument(self) -> str:
        if self._take("L"):
            return self._lifetime()
        return self._constant() if self._take("K") else self.type()

    def _lifetime(self) -> str:
        number = self._base_62()
        if not number:
            return "'_"
        if number > self._lifetimes:
            raise _Refused
        return _lifetime_name(self._lifetimes - number)

    def _bound(self, read: Callable[[], str]) -> str:
        """``for<'a> ...`` round what is read, when there is something to bind."""
        count = self._optional("G")
        if count + self._lifetimes > _MAX_LIFETIMES:
            raise _Refused
        names = ", ".join(_lifetime_name(self._lifetimes + number) for number in range(count))
        self._lifetimes += count
        text = read()
        self._lifetimes -= count
        return f"for<{names}> {text}" if names else text

    # -- types

    def type(self) -> str:
        """A type."""
        return self._within(self._type)

    def _type(self) -> str:
        letter = self._next()
        if letter in _BASIC:
            return _BASIC[letter]
        match letter:
            case "A":
                return f"[{self.type()}; {self._constant()}]"
            case "S":
                return f"[{self.type()}]"
            case "T":
                items = self._listed(self.type)
                return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
            case "R" | "Q":
                lifetime = self._lifetime() if self._take("L") else "'_"
                name = "" if lifetime == "'_" else f"{lifetime} "
                return f"&{name}{'mut ' if letter == 'Q' else ''}{self.type()}"
            case "P":
                return f"*const {self.type()}"
            case "O":
                return f"*mut {self.type()}"
            case "F":
                return self._bound(self._function)
            case "D":
                return self._object()
            case "B":
                return self._back(self.type)
            case _:
                self.position -= 1
                return self._path(in_value=False)

    def _function(self) -> str:
        unsafe = "unsafe " if self._take("U") else ""
        convention = ""
        if self._take("K"):
            name = "C" if self._take("C") else self._identifier().replace("_", "-")
            convention = f'extern "{name}" '
        parameters = ", ".join(self._listed(self.type))
        result = self.type()
        return f"{unsafe}{convention}fn({parameters})" + ("" if result == "()" else f" -> {result}")

    def _object(self) -> str:
        """``dyn A + B + 'a``."""
        traits = self._bound(lambda: " + ".join(self._listed(self._trait)))
        if not self._take("L"):
            raise _Refused
        lifetime = self._lifetime()
        return f"dyn {traits}" + ("" if lifetime == "'_" else f" + {lifetime}")

    def _trait(self) -> str:
        path = self.path(in_value=False)
        bindings: list[str] = []
        while self._take("p"):
            bindings.append(f"{self._identifier()} = {self.type()}")
        if not bindings:
            return path
        inner = ", ".join(bindings)
        return f"{path[:-1]}, {inner}>" if path.endswith(">") else f"{path}<{inner}>"

    # -- constants

    def _constant(self) -> str:
        return self._within(self._value)

    def _value(self) -> str:
        letter = self._next()
        if letter == "B":
            return self._back(self._constant)
        if letter == "p":
            return "_"
        negative = letter in _SIGNED and self._take("n")
        digits = ""
        while not self._take("_"):
            digit = self._next()
            if digit not in "0123456789abcdef":
                raise _Refused
            digits += digit
        value = int(digits or "0", 16)
        if letter in _UNSIGNED or letter in _SIGNED:
            shown = str(value) if len(digits) <= _MAX_WIDE else f"0x{digits}"
            return f"-{shown}" if negative else shown
        if letter == "b" and value < 2:
            return "true" if value else "false"
        if letter == "c" and value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
            return f"'{_character(chr(value))}'"
        raise _Refused


def _lifetime_name(depth: int) -> str:
    """``'a`` for the outermost."""
    return f"'{chr(ord('a') + depth)}" if depth < 26 else f"'_{depth}"


def _character(one: str) -> str:
    """As Rust writes it between quotes."""
    return _ESCAPES.get(one) or (one if one.isascii() and one.isprintable() else f"\\u{{{ord(one):x}}}")


def _from_punycode(text: str) -> str:
    """RFC 3492, with ``_`` where that has ``-``."""
    basic, _, encoded = text.rpartition("_")
    try:
        return f"{basic}-{encoded}".encode().decode("punycode") if basic else encoded.encode().decode("punycode")
    except (UnicodeError, ValueError, OverflowError) as error:
        raise _Refused from error
