"""Template arguments, parameters and packs."""

from __future__ import annotations

from collections.abc import Callable

from loadstone.binary.demangle.scanner import MAX_TEXT, Argument, NotMangled, Scanner, Type, shown

__all__ = ["Templates"]


class Templates(Scanner):
    """Template arguments, parameters and packs."""

    position: int
    known: list[Type]

    def template_arguments(self, of: str = "", *, binding: bool = False) -> str:
        """Arguments in angle brackets; ``of`` is what they belong to, for ``operator<`` is kept apart from them."""
        self.expect("I")
        found: list[Argument] = []
        if binding:
            self.arguments = found
        while not self.take("E"):
            found.append(self.template_argument())
        text = ", ".join(shown(one) for one in found if one != [])
        apart = text.endswith(">") and found[-1] != []  # c++filt leaves no blank after an empty pack
        return self.bounded(f"{' ' if of.endswith('<') else ''}<{text}{' ' if apart else ''}>")

    def template_argument(self) -> Argument:
        self.enter()
        try:
            if self.take("J"):
                pack: list[Type] = []
                while not self.take("E"):
                    one = self.template_argument()
                    pack += one if isinstance(one, list) else [one]
                return pack
            if self.take("X"):
                text = self.expression()
                self.expect("E")
                return Type(text)
            if self.peek() == "L":
                return Type(self.literal())
            if self.take("Dp"):
                return self.elements(self.type)
            return self.type()
        finally:
            self.leave()

    def template_parameter(self) -> Type:
        return self.argument(self.sequence_after("T"))

    def argument(self, index: int) -> Type:
        """What a template parameter stands for: now, or once the arguments are known."""
        if self.in_lambda:
            found = Type(f"auto:{index + 1}")
        elif index >= len(self.arguments):
            found = Type(f"\x01{index}\x02")
        else:
            value = self.arguments[index]
            if isinstance(value, list):
                self.pack_size = len(value)
                if self.element is None:
                    return Type(shown(value))
                return value[self.element] if self.element < len(value) else Type("")
            found = value
        return found

    def types(self) -> list[Type]:
        """One type, or those a pack expansion gives."""
        return self.elements(self.type) if self.take("Dp") else [self.type()]

    def elements(self, one: Callable[[], Type]) -> list[Type]:
        """What the pattern of a pack expansion gives for each element of its packs."""
        start, outer, outer_size = self.position, self.element, self.pack_size
        self.pack_size, self.element = None, 0
        first = one()
        size = self.pack_size
        found = [Type(f"{first}...")] if size is None else [first] if size else []
        end, known, length = self.position, list(self.known), 0
        for element in range(1, size or 0):
            self.position, self.element = start, element
            found.append(one())
            length += len(found[-1].left)
            if length > MAX_TEXT:
                raise NotMangled
        self.position, self.known, self.element, self.pack_size = end, known, outer, outer_size
        return found
