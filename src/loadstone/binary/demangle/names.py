"""Names: nested, local, unscoped, and those the compiler makes up."""

from __future__ import annotations

from loadstone.binary.demangle.scanner import DemangledName, NotMangled, Scanner, Type
from loadstone.binary.demangle.tables import OPERATORS, QUALIFIERS, STANDARD

__all__ = ["Names"]


class Names(Scanner):
    """Names: nested, local, unscoped, and those the compiler makes up."""

    position: int

    def name(self, *, binding: bool = False) -> DemangledName:
        """A nested, local or unscoped name; ``binding``: its template arguments are the ones parameters refer to."""
        self.enter()
        try:
            if self.take("N"):
                return self.nested(binding=binding)
            if self.take("Z"):
                return self.local()
            if self.peek() == "S" and self.peek(2) != "St":
                text = str(self.substitution())
                if self.peek() != "I":
                    return DemangledName(text)
                return DemangledName(text + self.template_arguments(binding=binding), templated=True)
            scope = "std::" if self.take("St") else ""
            self.take("L")
            plain, typeless = self.unqualified("")
            text = scope + plain
            if self.peek() != "I":
                return DemangledName(text, typeless=typeless)
            self.remember(text)
            text += self.template_arguments(text, binding=binding)
            return DemangledName(text, templated=True, typeless=typeless)
        finally:
            self.leave()

    def nested(self, *, binding: bool) -> DemangledName:
        suffix = "".join(reversed([word for mark, word in QUALIFIERS if self.take(mark)]))
        suffix += " &" if self.take("R") else " &&" if self.take("O") else ""
        text, last, templated, typeless = "", "", False, False
        while not self.take("E"):
            self.enter()
            self.leave()
            mark = self.peek()
            fresh = True
            if mark == "S":
                if self.take("St"):
                    text, last, fresh = "std", "std", False
                else:
                    constructed = self.text[self.position + 1 : self.position + 2]
                    text = str(self.substitution())
                    last = STANDARD[constructed][1] if constructed in STANDARD else _last_name(text)
                    fresh = False
                templated = False
            elif mark == "T":
                text = str(self.template_parameter())
                last, templated = _last_name(text), False
            elif mark == "I":
                text += self.template_arguments(text, binding=binding)
                templated = True
            elif mark == "D" and self.peek(2) in ("Dt", "DT"):
                text = str(self.type())
                last, fresh = text, False
            elif mark == "M":
                self.position += 1
                fresh = False
            elif mark in ("C", "D") and last:
                text += f"::{self.constructor(last.partition('[abi:')[0])}"
                templated, typeless = False, True
            else:
                self.take("L")
                plain, typeless = self.unqualified(last)
                text, last, templated = (f"{text}::{plain}" if text else plain), plain, False
            self.bounded(text)
            if fresh and self.peek() != "E":
                self.remember(text)
        if not text:
            raise NotMangled
        return DemangledName(text, templated, typeless, suffix)

    def constructor(self, last: str) -> str:
        kind = self.peek()
        self.position += 1
        inherited = kind == "C" and self.take("I")
        if self.peek() not in "012345" or not self.peek():
            raise NotMangled
        self.position += 1
        if inherited:
            self.type()
        return self.tagged(f"~{last}" if kind == "D" else last)

    def tagged(self, text: str) -> str:
        while self.take("B"):
            text = f"{text}[abi:{self.source_name()}]"
        return text

    def source_name(self) -> str:
        length = self.number()
        text = self.text[self.position : self.position + length]
        if len(text) < length or not length:
            raise NotMangled
        self.position += length
        return "(anonymous namespace)" if text.startswith("_GLOBAL__N") else text

    def unqualified(self, last: str) -> tuple[str, bool]:
        """A name without its scope, and whether functions of that name have no return type in their signature."""
        mark = self.peek()
        if mark.isdigit():
            return self.tagged(self.source_name()), False
        if self.take("Ut"):
            return f"{{unnamed type#{self.ordinal() + 1}}}", False
        if self.take("Ul"):
            outer, self.in_lambda = self.in_lambda, True
            parameters = self.parameters()
            self.in_lambda: bool = outer
            self.expect("E")
            return self.tagged(f"{{lambda({parameters})#{self.ordinal() + 1}}}"), False
        if self.take("DC"):
            names = []
            while not self.take("E"):
                names.append(self.source_name())
            return f"[{', '.join(names)}]", False
        if self.take("cv"):
            return f"operator {self.converted_to()}", True
        if self.take("li"):
            return f'operator"" {self.source_name()}', False
        word = self.peek(2)
        if word in OPERATORS:
            self.position += 2
            return self.tagged(f"operator{OPERATORS[word][0]}"), False
        if mark in ("C", "D") and last:
            return self.constructor(last), True
        raise NotMangled

    def converted_to(self) -> Type:
        """The type of a conversion operator; arguments behind a parameter are those of the operator itself."""
        if self.peek() != "T" or self.peek(2) in ("Ts", "Tu", "Te"):
            return self.type()
        index = self.sequence_after("T")
        found = Type(f"\x01{index}\x02") if self.peek() == "I" else self.argument(index)
        self.parameters_known[len(self.known)] = index
        self.remember(found)
        return found

    def local(self) -> DemangledName:
        """Something inside a function: ``function()::thing``."""
        outer_arguments = self.arguments
        function = self.encoding(scope=True)
        self.expect("E")
        if self.take("s"):
            self.discriminator()
            return DemangledName(f"{function}::string literal")
        if self.take("d"):
            function = f"{function}::{{default arg#{self.ordinal() + 1}}}"
        inner = self.name(binding=True)
        self.discriminator()
        if not inner.templated and not self.arguments:
            self.arguments = outer_arguments
        return inner._replace(text=self.bounded(f"{function}::{inner.text}"))

    def discriminator(self) -> None:
        if self.peek() == "_" and self.peek(2)[1:].isdigit():
            self.position += 2
        elif self.take("__"):
            self.number()
            self.expect("_")

    def substitution(self) -> Type:
        self.expect("S")
        mark = self.peek()
        if mark in STANDARD:
            self.position += 1
            return Type(self.tagged(STANDARD[mark][0]))
        index = self.sequence()
        if index >= len(self.known):
            raise NotMangled
        parameter = self.parameters_known.get(index)  # means the argument that is in force here, not there
        return self.known[index] if parameter is None else self.argument(parameter)


def _last_name(text: str) -> str:
    """The innermost name in a scope, without its template arguments: what a constructor is called."""
    depth, end = 0, len(text)
    for position in range(len(text) - 1, -1, -1):
        letter = text[position]
        if letter == ">":
            depth += 1
        elif letter == "<":
            depth -= 1
            if not depth:
                end = position
        elif letter == ":" and not depth:
            return text[position + 1 : end]
    return text[:end]
