"""Expressions in template arguments and decltype."""

from __future__ import annotations

from loadstone.binary.demangle.scanner import NotMangled, Scanner, Type, shown
from loadstone.binary.demangle.tables import CASTS, LITERAL_SUFFIXES, OF_EXPRESSIONS, OF_TYPES, OPERATORS, QUALIFIERS

__all__ = ["ExpressionParser"]


class ExpressionParser(Scanner):
    """Expressions in template arguments and decltype."""

    position: int

    def literal(self) -> str:
        self.expect("L")
        if self.take("_Z") or self.take("Z"):
            saved = self.arguments
            text = self.encoding()
            self.arguments = saved
            self.expect("E")
            return text
        code = self.peek()
        kind = self.type()
        start = self.position
        end = self.text.find("E", start)
        if end < 0:
            raise NotMangled
        self.position = end + 1
        value = self.text[start:end]
        value = f"-{value[1:]}" if value.startswith("n") else value
        if code == "b" and value in ("0", "1"):
            return ("false", "true")[int(value)]
        if str(kind) == "decltype(nullptr)":
            return "(decltype(nullptr))0" if value in ("", "0") else f"(decltype(nullptr)){value}"
        if code in LITERAL_SUFFIXES:
            return value + LITERAL_SUFFIXES[code]
        if code in ("f", "d", "e"):
            return f"({kind})[{value}]"
        return f"({kind}){value}"

    def expression(self) -> str:
        self.enter()
        try:
            return self.bounded(self.parsed_expression())
        finally:
            self.leave()

    def parsed_expression(self) -> str:
        word = self.peek(2)
        if self.peek() == "L":
            return self.literal()
        if self.peek() == "T":
            return str(self.template_parameter())
        if word in ("fp", "fL"):
            return self.function_parameter()
        if word in OF_TYPES:
            self.position += 2
            return f"{OF_TYPES[word]} ({self.type()})"
        if word in OF_EXPRESSIONS:
            self.position += 2
            return f"{OF_EXPRESSIONS[word]} {self.operand()}"
        if word in CASTS:
            self.position += 2
            return f"{CASTS[word]}<{self.type()}>({self.expression()})"
        if self.take("sZ"):
            before = self.pack_size
            self.template_parameter()
            size = self.pack_size
            self.pack_size = before
            return str(size if size is not None else 0)
        if self.take("sp"):
            return shown(self.elements(lambda: Type(self.expression())))
        if self.take("sr"):
            scope = "::".join(self.levels()) if self.peek().isdigit() else str(self.type())
            plain, _ = self.unqualified("")
            arguments = self.template_arguments() if self.peek() == "I" else ""
            return f"{scope}::{plain}{arguments}"
        if self.take("cl"):
            return self.call()
        if self.take("cv"):
            target = self.type()
            operands = self.listed() if self.take("_") else [self.expression()]
            return f"({target})({', '.join(operands)})"
        if self.take("tl"):
            return f"{self.type()}{{{', '.join(self.listed())}}}"
        if self.take("il"):
            return f"{{{', '.join(self.listed())}}}"
        if word in ("dt", "pt"):
            self.position += 2
            return f"{self.expression()}{'.' if word == 'dt' else '->'}{self.member()}"
        if self.take("on"):
            return self.member()
        if word in OPERATORS and OPERATORS[word][1]:
            return self.operation(word)
        return self.member()

    def levels(self) -> list[str]:
        """The scopes of an unresolved name, up to their ``E``; they cannot be referred back to."""
        found = []
        while not self.take("E"):
            found.append(self.member())
        return found

    def operation(self, word: str) -> str:
        self.position += 2
        sign, operands = OPERATORS[word]
        behind = word in ("pp", "mm") and not self.take("_")
        if word == "ad" and self.peek(4) == "L_ZN":
            self.just_named = True  # c++filt leaves out the parameters of a function in a scope
        if word == "ix":
            return f"{self.operand()}[{self.expression()}]"
        values = [self.operand() for _ in range(operands)]
        if operands == 1:
            return f"{values[0]}{sign}" if behind else f"{sign}{values[0]}"
        if operands == 3:
            return f"{values[0]}?{values[1]} : {values[2]}"
        text = f"{values[0]}{sign}{values[1]}"
        return f"({text})" if word == "gt" else text

    def operand(self) -> str:
        """An expression as part of another one: in parentheses, but for plain names and parameters."""
        plain = self.peek(2) in ("fp", "fL", "il")
        named = self.peek(2) == "sr" or self.peek().isdigit() or self.just_named
        text = self.expression()
        return text if plain or (named and not text.endswith((">", ")"))) else f"({text})"

    def member(self) -> str:
        plain, _ = self.unqualified("")
        return plain + (self.template_arguments(plain) if self.peek() == "I" else "")

    def call(self) -> str:
        function = self.operand()
        return f"{function}({', '.join(self.listed())})"

    def listed(self) -> list[str]:
        found = []
        while not self.take("E"):
            found.append(self.expression())
        return found

    def function_parameter(self) -> str:
        self.position += 2
        if self.text[self.position - 1] == "L":
            self.number()
            self.expect("p")
        for mark, _ in QUALIFIERS:
            self.take(mark)
        if self.take("T"):
            return "this"
        return f"{{parm#{self.ordinal() + 1}}}"
