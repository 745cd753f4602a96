"""Types."""

from __future__ import annotations

from loadstone.binary.demangle.scanner import Scanner, Type, shown
from loadstone.binary.demangle.tables import BUILTINS, QUALIFIERS, TWO_LETTER_BUILTINS

__all__ = ["TypeParser"]


class TypeParser(Scanner):
    """Types."""

    position: int

    def type(self) -> Type:
        self.enter()
        try:
            found, fresh = self.parsed_type()
            self.bounded(found.left + found.right)
            if fresh:
                self.remember(found)
            return found
        finally:
            self.leave()

    def parsed_type(self) -> tuple[Type, bool]:
        """A type, and whether it can be referred back to."""
        mark, word = self.peek(), self.peek(2)
        if word in TWO_LETTER_BUILTINS:
            self.position += 2
            return Type(TWO_LETTER_BUILTINS[word]), False
        if mark in BUILTINS:
            self.position += 1
            return Type(BUILTINS[mark]), False
        if mark in ("r", "V", "K"):
            words = "".join(reversed([w for m, w in QUALIFIERS if self.take(m)]))
            return self.type_without_sharing().qualified(words), True
        for sign, written in (("P", "*"), ("R", "&"), ("O", "&&")):
            if self.take(sign):
                return self.type().declared(written), True
        if mark == "F" or word in ("Do", "DO", "Dw"):
            return self.function_type(), True
        if self.take("A"):
            return self.array(), True
        if self.take("M"):
            holder = self.type()
            member = self.type()
            if member.bare:
                return Type(f"{member.left} ({holder}::*", f"){member.right}"), True
            return Type(f"{member.left} {holder}::*", member.right), True
        if mark == "T" and word not in ("Ts", "Tu", "Te"):
            index = self.sequence_after("T")
            found = self.argument(index)
            self.parameters_known[len(self.known)] = index
            if self.peek() == "I":
                self.remember(found)
                return Type(f"{found}{self.template_arguments()}"), True
            return found, True
        if word == "Dp":
            return Type(shown(self.types())), True
        if word in ("Dt", "DT"):
            self.position += 2
            text = self.expression()
            self.expect("E")
            return Type(f"decltype ({text})"), True
        if self.take("Dv"):
            size = str(self.number()) if self.peek() != "_" else ""
            self.expect("_")
            return Type(f"{self.type()} __vector({size})"), True
        if self.take("DF"):
            bits = self.number()
            self.expect("_")
            return Type(f"_Float{bits}"), False
        for sign, written in (("C", " _Complex"), ("G", " _Imaginary")):
            if self.take(sign):
                return self.type().qualified(written), True
        if self.take("u"):
            return Type(self.source_name()), True
        if self.take("U"):
            vendor = self.source_name()
            return self.type().qualified(f" {vendor}"), True
        if mark == "S" and word != "St":
            found = self.substitution()
            if self.peek() == "I":
                return Type(f"{found}{self.template_arguments()}"), True
            return found, False
        if word in ("Ts", "Tu", "Te"):
            self.position += 2
        saved = self.arguments
        name = self.name()
        self.arguments = saved
        return Type(name.text + name.suffix), True

    def type_without_sharing(self) -> Type:
        """The type behind qualifiers: a function's qualifiers belong to it, so it is not shared on its own."""
        if self.peek() == "F":
            return self.function_type()
        return self.type()

    def function_type(self) -> Type:
        suffix = ""
        if self.take("Do"):
            suffix = " noexcept"
        elif self.take("DO"):
            suffix = f" noexcept({self.expression()})"
            self.expect("E")
        self.take("Dx")
        self.expect("F")
        self.take("Y")
        returned = self.type()
        parameters = self.parameters()
        suffix = (" &" if self.take("R") else " &&" if self.take("O") else "") + suffix
        self.expect("E")
        if returned.right and not returned.bare:
            return Type(returned.left, f"({parameters}){suffix}{returned.right}", bare=True)
        return Type(str(returned), f"({parameters}){suffix}", bare=True)

    def array(self) -> Type:
        size = ""
        if self.peek().isdigit():
            size = str(self.number())
        elif self.peek() != "_":
            size = self.expression()
        self.expect("_")
        item = self.type()
        if item.bare and item.right.startswith("["):
            return Type(item.left, f"[{size}]{item.right}", bare=True)
        return Type(str(item), f"[{size}]", bare=True)
