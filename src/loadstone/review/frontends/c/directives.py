"""Preprocessor directives of one file: its conditionals, its macros, and copies of it in which each branch is seen.

Nothing is included and no file is looked for. A *projection* is the text under one choice of conditions: branches not
chosen and all directive lines become spaces, so every offset and line stays what it was. Conditions are compared as
text after ``#ifdef X`` is spelled ``defined(X)`` and a leading ``!`` is taken as the opposite choice, so that regions
which belong together are chosen together. Source: C17 6.10.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review.ir import Branch, Conditional

__all__ = [
    "Directives",
    "MacroDefinition",
    "Projection",
    "Region",
    "defined_in",
    "read",
    "substituted",
    "without_comments",
]

MAX_PROJECTIONS: Final = 8
"""Copies of one file that are read; real files rarely need more than four to show every branch."""

_DIRECTIVE: Final = re.compile(rb"^[ \t]*#[ \t]*([a-z_]+)\b((?:[^\n\\]|\\\r?\n|\\.)*)", re.MULTILINE)
_LEXEME: Final = re.compile(
    rb"//(?:[^\n\\]|\\\r?\n|\\.)*|/\*.*?(?:\*/|\Z)"
    rb"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'",
    re.DOTALL,
)
_NOT_NEWLINE: Final = re.compile(rb"[^\n]+")
_DEFINE: Final = re.compile(rb"\s*([A-Za-z_]\w*)(\(([^)]*)\))?[ \t]*(.*)", re.DOTALL)
_TOP_LEVEL: Final = re.compile(rb"^(?:\}|[A-Za-z_][^\n;]*;|extern|static|typedef)", re.MULTILINE)
_IFDEF: Final = re.compile(r"(!?)\s*defined\s*\(?\s*(\w+)\s*\)?\Z")


_TYPEOF: Final = re.compile(r"\b(?:__typeof__|__typeof|typeof)\s*\((?:[^()]|\([^()]*\))*\)")


def without_typeof(text: str) -> str:
    """A text with ``__typeof__(x)`` written as a pointer of the same length, which the grammar takes for a type."""
    return _TYPEOF.sub(lambda m: "void *".ljust(len(m[0])), text)


@dataclass(frozen=True, slots=True)
class MacroDefinition:
    """One ``#define``: ``parameters`` None for an object-like macro."""

    name: str
    parameters: tuple[str, ...] | None
    body: str
    line: int


@dataclass(frozen=True, slots=True)
class Region:
    """One branch of one conditional: bytes ``start`` to ``end`` between the directives around it."""

    family: int
    index: int
    start: int
    end: int
    atom: str
    truth: bool
    label: str


@dataclass(frozen=True, slots=True)
class Projection:
    """The text under one choice of conditions, and the regions chosen."""

    text: bytes
    chosen: tuple[Region, ...]

    def condition(self, start: int, end: int) -> str:
        """The choices that matter for a byte range: those inside it and those around it."""
        words: list[str] = []
        for region in self.chosen:
            inside = start <= region.start and region.end <= end
            around = region.start <= start and end <= region.end
            if (inside or around) and region.label and region.label not in words:
                words.append(region.label)
        return " && ".join(words)


@dataclass(frozen=True, slots=True)
class Directives:
    """Everything the preprocessor lines of a file say.

    ``outer``: the branch (family, index) that a conditional stands in, by its family; None for one at the top.
    """

    text: bytes
    spans: tuple[tuple[int, int], ...]
    conditionals: tuple[Conditional, ...]
    regions: tuple[Region, ...]
    dead: tuple[tuple[int, int], ...]
    macros: Mapping[str, MacroDefinition]
    includes: tuple[str, ...]
    outer: Mapping[int, tuple[int, int] | None]

    def projections(self, is_wanted: re.Pattern[bytes] | None) -> Iterator[Projection]:
        """Copies that together show every branch; after the first only those where ``is_wanted`` finds something."""
        by_family: dict[int, list[Region]] = {}
        for region in self.regions:
            by_family.setdefault(region.family, []).append(region)
        matter = {
            family
            for family, branches in by_family.items()
            if is_wanted is None or any(is_wanted.search(self.text, r.start, r.end) for r in branches)
        }
        seen: set[tuple[int, int]] = set()
        for number in range(MAX_PROJECTIONS):
            unseen = [r for r in self.regions if (r.family, r.index) not in seen and r.family in matter]
            if number and not unseen:
                return
            chosen = self._choose(unseen, by_family)
            fresh = {(r.family, r.index) for r in chosen}
            if number and fresh <= seen:
                return
            seen |= fresh
            yield Projection(self._blanked(chosen), chosen)

    def _choose(self, unseen: Sequence[Region], by_family: Mapping[int, Sequence[Region]]) -> tuple[Region, ...]:
        wanted: dict[str, bool] = {}
        families: dict[int, int] = {}
        for region in unseen:
            needs = self._needs(region, families)
            if needs is None or wanted.get(region.atom, region.truth) != region.truth:
                continue
            families.update(needs)
            if region.atom:
                wanted[region.atom] = region.truth
        chosen: list[Region] = []
        taken: dict[int, int] = {}
        for family, branches in by_family.items():
            around = self.outer[family]
            if around is not None and taken.get(around[0]) != around[1]:
                continue
            region = self._branch_of(branches, families.get(family), wanted)
            if region.atom:
                wanted.setdefault(region.atom, region.truth)
            taken[family] = region.index
            chosen.append(region)
        return tuple(chosen)

    def _needs(self, region: Region, families: Mapping[int, int]) -> dict[int, int] | None:
        """The branches to take for a region, beyond ``families``; None where that was decided otherwise.

        What a family in ``families`` stands in is in there too, so the way out ends at the first one that is.
        """
        needs: dict[int, int] = {}
        branch: tuple[int, int] | None = (region.family, region.index)
        while branch is not None:
            family, index = branch
            known = families.get(family)
            if known is not None:
                return needs if known == index else None
            needs[family] = index
            branch = self.outer[family]
        return needs

    @staticmethod
    def _branch_of(branches: Sequence[Region], forced: int | None, wanted: Mapping[str, bool]) -> Region:
        if forced is not None:
            return next((b for b in branches if b.index == forced), branches[0])
        for branch in branches:
            if wanted.get(branch.atom, branch.truth) == branch.truth:
                return branch
        return branches[-1]

    def _blanked(self, chosen: Sequence[Region]) -> bytes:
        text = bytearray(self.text)
        keep = {(r.family, r.index) for r in chosen}
        for region in self.regions:
            if (region.family, region.index) not in keep:
                _blank(text, region.start, region.end)
        for start, end in (*self.dead, *self.spans):
            _blank(text, start, end)
        return bytes(text)


def _blank(text: bytearray, start: int, end: int) -> None:
    if start < end:
        text[start:end] = _NOT_NEWLINE.sub(lambda m: b" " * len(m[0]), bytes(text[start:end]))


def without_comments(text: bytes) -> bytes:
    """``text`` with comments blanked, offsets and lines kept, strings untouched.

    >>> without_comments(b'a /* x */ b "// no" // y')
    b'a         b "// no"     '
    """

    def blank(match: re.Match[bytes]) -> bytes:
        found = match[0]
        return found if found[:1] in b"\"'" else _NOT_NEWLINE.sub(lambda m: b" " * len(m[0]), found)

    return _LEXEME.sub(blank, text)


@dataclass(slots=True)
class _Open:
    family: int
    line: int
    branches: list[tuple[int, int, str, bool]]  # first line, start offset, condition, refuses
    ends: list[tuple[int, int]]


class _Reader:
    """Builds :class:`Directives` in one pass over the directive lines."""

    def __init__(self, text: bytes, known: Mapping[str, bool]) -> None:
        self.text = text
        self.known = known
        self.dead: list[tuple[int, int]] = []
        self.newlines = [m.start() for m in re.finditer(rb"\n", text)]
        self.spans: list[tuple[int, int]] = []
        self.conditionals: list[Conditional] = []
        self.regions: list[Region] = []
        self.macros: dict[str, MacroDefinition] = {}
        self.includes: list[str] = []
        self.stack: list[_Open] = []
        self.families = 0
        self.outer: dict[int, tuple[int, int] | None] = {}

    def line(self, offset: int) -> int:
        return bisect_right(self.newlines, offset - 1) + 1

    def run(self) -> Directives:
        for match in _DIRECTIVE.finditer(self.text):
            self.spans.append(match.span())
            word, rest = match[1], match[2]
            if word in {b"if", b"ifdef", b"ifndef"}:
                self.families += 1
                condition = _condition(word, rest)
                line = self.line(match.start())
                self.stack.append(_Open(self.families, line, [(line, match.end(), condition, False)], []))
            elif word in {b"elif", b"elifdef", b"elifndef", b"else"} and self.stack:
                self._next(match, "" if word == b"else" else _condition(word[2:] if word != b"elif" else b"if", rest))
            elif word == b"endif" and self.stack:
                self._close(match.start())
            elif word == b"define":
                self._define(match, rest)
            elif word == b"error" and self.stack:
                first, start, condition, _ = self.stack[-1].branches[-1]
                self.stack[-1].branches[-1] = (first, start, condition, True)
            elif word in {b"include", b"import"}:
                self.includes.append(rest.strip().strip(b'<>"').decode(errors="replace"))
        while self.stack:
            self._close(len(self.text))
        self.conditionals.sort(key=lambda c: (c.line, -c.end_line))
        self.regions.sort(key=lambda r: (r.family, r.index))
        return Directives(
            self.text,
            tuple(self.spans),
            tuple(self.conditionals),
            tuple(self.regions),
            tuple(self.dead),
            self.macros,
            tuple(self.includes),
            self.outer,
        )

    def _next(self, match: re.Match[bytes], condition: str) -> None:
        opened = self.stack[-1]
        opened.ends.append((match.start(), self.line(match.start()) - 1))
        opened.branches.append((self.line(match.start()), match.end(), condition, False))

    def _close(self, offset: int) -> None:
        opened = self.stack.pop()
        opened.ends.append((offset, self.line(offset) - 1))
        around = self.stack[-1] if self.stack else None
        self.outer[opened.family] = (around.family, len(around.branches) - 1) if around else None
        conditions = [condition for _, _, condition, _ in opened.branches]
        branches = []
        for index, ((first, start, condition, refuses), (end, last)) in enumerate(
            zip(opened.branches, opened.ends, strict=True)
        ):
            branches.append(Branch(first, max(last, first), condition, refuses))
            self._add(opened.family, index, start, end, conditions)
        if conditions[-1] and self._may_be_absent(opened, offset):
            self._add(opened.family, len(conditions), offset, offset, [*conditions, ""])
        self.conditionals.append(Conditional(opened.line, self.line(offset), tuple(branches)))

    def _add(
        self,
        family: int,
        index: int,
        start: int,
        end: int,
        conditions: Sequence[str],
    ) -> None:
        condition = conditions[index]
        if condition:
            atom, truth = _atom(condition)
            label = condition
        else:
            atom, truth = _atom(conditions[0], flip=True) if index == 1 else ("", True)
            label = " && ".join(_negated(c) for c in conditions[:index])
        known = self.known.get(atom)
        if known is not None and known != truth:
            self.dead.append((start, end))
        else:
            self.regions.append(Region(family, index, start, end, atom, truth, "" if known is not None else label))

    def _may_be_absent(self, opened: _Open, offset: int) -> bool:
        """Whether leaving a branch without #else out could change what a function does."""
        _, start, condition, _ = opened.branches[0]
        if _atom(condition)[0] in self.known:
            return True
        whole = self.text[start:offset]
        guard = condition.startswith("!defined(") and f"define {condition[9:-1]}".encode() in whole[:200]
        return not guard and _TOP_LEVEL.search(whole) is None

    def _define(self, match: re.Match[bytes], rest: bytes) -> None:
        macro = _definition(rest, self.line(match.start()))
        before = self.macros.get(macro.name) if macro is not None else None
        if macro is not None and (
            before is None or not before.body
        ):  # of two under two conditions, what does something
            self.macros[macro.name] = macro


def _definition(rest: bytes, line: int) -> MacroDefinition | None:
    """The macro that the rest of a ``#define`` line defines."""
    found = _DEFINE.match(rest.replace(b"\\\r\n", b" ").replace(b"\\\n", b" "))
    if found is None:
        return None
    parameters = None
    if found[2]:
        parameters = tuple(p.strip().decode(errors="replace") for p in found[3].split(b",") if p.strip())
    return MacroDefinition(
        found[1].decode(), parameters, without_typeof(found[4].strip().decode(errors="replace")), line
    )


def defined_in(text: bytes) -> Iterator[tuple[int, int, str, MacroDefinition | None]]:
    """The definitions of a file in order: where each begins and ends, its name, and None where it is taken back."""
    for match in _DIRECTIVE.finditer(text):
        macro = _definition(match[2], 0) if match[1] == b"define" else None
        if macro is not None:
            yield match.start(), match.end(), macro.name, macro
        else:
            yield (
                match.start(),
                match.end(),
                match[2].strip().decode(errors="replace") if match[1] == b"undef" else "",
                None,
            )


def substituted(macro: MacroDefinition, arguments: Sequence[str]) -> str:
    """The body of a function-like macro with a call's arguments in place; empty when they do not fit."""
    parameters = macro.parameters or ()
    variadic = bool(parameters) and parameters[-1] == "..."
    if len(arguments) < len(parameters) - variadic or (len(arguments) > len(parameters) and not variadic):
        return ""
    values = {name: given.strip() for name, given in zip(parameters, arguments, strict=False)}
    if variadic:
        values["__VA_ARGS__"] = ", ".join(arguments[len(parameters) - 1 :])
    if not values:
        return macro.body
    names = "|".join(re.escape(n) for n in values if n != "...")
    body = re.sub(rf"(?<!#)#\s*({names})\b", lambda m: '"' + values[m[1]].replace('"', '\\"') + '"', macro.body)
    body = re.sub(rf"\b({names})\b", lambda m: values[m[1]], body)
    return re.sub(r"\s*##\s*", "", body)


def _condition(word: bytes, rest: bytes) -> str:
    text = " ".join(rest.replace(b"\\\n", b" ").replace(b"\\\r\n", b" ").decode(errors="replace").split())
    if word == b"ifdef":
        return f"defined({text.split(' ')[0]})"
    if word == b"ifndef":
        return f"!defined({text.split(' ')[0]})"
    return text


def _atom(condition: str, *, flip: bool = False) -> tuple[str, bool]:
    """The thing a condition asks about, and the answer that makes it true."""
    simple = _IFDEF.match(condition)
    if simple:
        return f"defined({simple[2]})", (not simple[1]) != flip
    if condition.startswith("!(") and condition.endswith(")"):
        return condition[2:-1], flip
    return condition, not flip


def _negated(condition: str) -> str:
    atom, truth = _atom(condition)
    return f"!{atom}" if truth else atom


def read(text: bytes, known: Mapping[str, bool]) -> Directives:
    """The directives of a file whose comments are blanked already; ``known`` decides conditions such as ``0``."""
    return _Reader(text, known).run()
