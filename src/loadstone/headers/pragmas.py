"""Pragmas about layout: ``pack`` with its stack, ``ms_struct``, ``scalar_storage_order``.

Source: GCC's manual, "Structure-Layout Pragmas"; where gcc warns and clang disagrees, it is refused.
"""

from __future__ import annotations

__all__ = ["LayoutPragmas"]


class LayoutPragmas:
    """What the pragmas so far have said; ``pack`` is the limit in force (0 for none), ``microsoft`` None for unsaid."""

    def __init__(self) -> None:
        self._packs = [0]
        self._labels: list[str] = []  # of all but the lowest
        self.microsoft: bool | None = None

    @property
    def pack(self) -> int:
        return self._packs[-1]

    def follow(self, text: str) -> None:
        """Do as a pragma says. Raises ValueError where it cannot be followed."""
        words = text.replace("(", " ( ").replace(")", " ) ").replace(",", " ").split()
        if words[0] == "ms_struct":
            self.microsoft = {"on": True, "off": False, "reset": None}.get(words[1] if len(words) > 1 else "")
        elif words[0] == "pack":
            if words[1:2] not in ([], ["("]):
                raise ValueError("#pragma pack without its parentheses")
            self._follow_pack([w for w in words[1:] if w not in ("(", ")")])
        elif words[0] == "scalar_storage_order" and words[-1] not in ("little-endian", "default"):
            raise ValueError("#pragma scalar_storage_order is not supported")

    def _follow_pack(self, words: list[str]) -> None:
        """Follow ``pack(n)``, ``pack(push, label, n)``, ``pack(pop, label)``; both label and number may be left out.

        A label that nothing pushed pops once, as in gcc. What gcc ignores with a warning is refused: clang does not.
        """
        actions = [w for w in words if w in ("push", "pop", "show")]
        numbers = [_alignment(w) for w in words if w[0].isdigit()]
        labels = [w for w in words if w not in actions and not w[0].isdigit()]
        if len(numbers) > 1 or len(labels) > 1 or (labels and not actions) or (numbers and "pop" in actions):
            raise ValueError(f"#pragma pack({', '.join(words)}) is not understood")
        label = labels[0] if labels else ""
        if "pop" in actions:
            above = self._labels[::-1].index(label) + 1 if label in self._labels and label else 1
            del self._packs[max(len(self._packs) - above, 1) :]
            del self._labels[len(self._packs) - 1 :]
        elif "push" in actions:
            self._packs.append(self._packs[-1])
            self._labels.append(label)
        if numbers or not actions:
            self._packs[-1] = numbers[0] if numbers else 0


def _alignment(word: str) -> int:
    """What ``pack`` is told, as written in C."""
    try:
        number = int(word, 8 if word.isdigit() and word[0] == "0" else 0)
    except ValueError:
        number = -1
    if number not in (0, 1, 2, 4, 8, 16):
        raise ValueError(f"#pragma pack({word}) is not an alignment")
    return number
