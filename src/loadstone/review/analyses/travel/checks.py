"""What a condition teaches of the expressions it mentions, when it holds and when it does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.walk import expressions, kept

__all__ = ["Learner", "spelled"]

_DIGEST: Final = re.compile(r"(?i)digest|sha\d|hash|checksum|hmac|\bmac\b|signature|fingerprint")
_CHARACTERS: Final = frozenset(
    {("isalnum"), ("isidentifier"), ("isdigit"), ("isalpha"), ("isdecimal"), ("isnumeric"), ("fullmatch")}
)
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_MAX_SPELLED: Final = 8


@kept
def spelled(expression: ir.Expression | None) -> str:
    """``a.b.c`` as it is written, and ``str(x)``, ``x.strip()`` as ``x``; empty when it is something else."""
    parts: list[str] = []
    current = uncast(expression)
    for _ in range(_MAX_SPELLED):
        match current:
            case ir.Name(name=name):
                return ".".join([name, *reversed(parts)])
            case ir.Member(base=base, name=name):
                parts.append(name)
                current = uncast(base)
            case ir.Item(base=base, index=ir.Literal(value=value)):
                parts.append(f"[{value!r}]")
                current = uncast(base)
            case ir.Call(name="str" | "os.fspath" | "pathlib.Path" | "pathlib.PurePath" | "len", arguments=(inner,)):
                current = uncast(inner)
            case ir.Call(receiver=inner, name=name) if inner is not None and name.rpartition(".")[2] in _SAME:
                current = uncast(inner)
            case ir.AssignmentExpression(target=target):
                current = uncast(target)
            case _:
                return ""
    return ""


_SIZES: Final = frozenset({"len", "min", "max", "abs", "int", "float", "round", "sum", "ord", "ctypes.sizeof"})
"""Functions that say how large what they are given is."""


def _not_compared(part: ir.Expression) -> Iterator[ir.Expression]:
    """What stands in a comparison and is not compared: a function that is called, and what it is handed."""
    if isinstance(part, ir.Call):
        if part.function is not None:
            yield part.function
        if part.name not in _SIZES:
            yield from (inner for argument in part.arguments for inner in expressions(argument))


_SAME: Final = frozenset({"strip", "lower", "resolve", "encode", "decode", "absolute", "rstrip", "casefold"})

Learnt = Iterator[tuple[str, str]]


class Learner:
    """Reads conditions.

    ``verdict`` says what a true answer of a function of the program teaches of its arguments, ``meaning`` the one value
    that a name of the file ever gets, and ``is_same`` whether an expression has kept its value since a line.
    """

    def __init__(
        self,
        tables: Tables,
        verdict: Callable[[ir.Call], list[tuple[str, str]]],
        meaning: Callable[[str], ir.Expression | None] = lambda _name: None,
        is_same: Callable[[str, int], bool] = lambda _name, _line: False,
    ) -> None:
        self.tables = tables
        self.verdict = verdict
        self.meaning = meaning
        self.is_same = is_same
        self._asking: list[str] = []  # names whose one value is being looked at

    def learn(self, condition: ir.Expression, *, holds: bool) -> Learnt:
        """Pairs of an expression as it is spelled and a check it has passed."""
        bare = uncast(condition)
        match bare:
            case ir.Operation(operator="!", operands=(operand,)):
                yield from self.learn(operand, holds=not holds)
            case ir.Operation(operator="&&" | "||" as operator, operands=operands):
                if holds is (operator == "&&"):
                    for operand in operands:
                        yield from self.learn(operand, holds=holds)
                else:
                    yield from self._either(operands, holds=holds)
            case ir.Operation(operator="in" | "not in" as operator, operands=(left, right)):
                yield from self._membership(left, right, inside=holds is (operator == "in"))
            case ir.Operation(operator="==" | "!=" as operator, operands=(left, right)) if _is_null(right):
                yield from self.learn(left, holds=holds is (operator == "!="))
            case ir.Operation(operator="-", operands=(ir.Call(name="set", arguments=(left,)), _)) if not holds:
                if name := spelled(left):
                    yield name, "characters"
            case (
                ir.Operation(operator="<=", operands=(ir.Call(name="set", arguments=(left,)), _))
                | ir.Operation(operator=">=", operands=(_, ir.Call(name="set", arguments=(left,))))
            ) if holds and spelled(left):
                yield spelled(left), "characters"
            case ir.Operation(operator="==" | "!=" as operator, operands=(left, right)):
                yield from self._equality(left, right, same=holds is (operator == "=="))
            case ir.Operation(
                operator=",",
                operands=(
                    ir.AssignmentExpression(target=target, value=ir.Item(base=every)),
                    ir.Display(items=(ir.Operation(operator="?:", operands=(test, *_)),)),
                ),
            ) if not holds:  # [n for n in names if n not in KNOWN] is empty
                yield from ((spelled(every), c) for of, c in self.learn(test, holds=False) if of == spelled(target))
            case ir.Operation(operator=operator, operands=(left, right)) if operator in _ORDERS:
                handed = {id(inner) for part in expressions(bare) for inner in _not_compared(part)}
                for part in (part for side in (left, right) for part in expressions(side)):
                    if id(part) not in handed and (name := spelled(part)):
                        yield name, "compared"
            case ir.Call():
                yield from self._answer(bare, holds=holds)
            case ir.Name() | ir.Member():
                if name := spelled(bare):
                    yield name, "true" if holds else "false"
                    yield from self._kept_answer(name, holds=holds)

    def _kept_answer(self, name: str, *, holds: bool) -> Learnt:
        """``unknown = set(names) - KNOWN`` and ``if unknown:``: what the question taught that was asked before."""
        asked = uncast(self.meaning(name))
        if isinstance(asked, ir.Operation | ir.Call) and name not in self._asking:
            self._asking.append(name)
            yield from ((of, check) for of, check in self.learn(asked, holds=holds) if self.is_same(of, asked.line))
            self._asking.pop()

    def _either(self, operands: tuple[ir.Expression, ...], *, holds: bool) -> Learnt:
        """``a in X or a in Y``: what every side teaches."""
        each = [set(self.learn(operand, holds=holds)) for operand in operands]
        yield from sorted(set.intersection(*each)) if each else ()

    def _membership(self, left: ir.Expression, right: ir.Expression, *, inside: bool) -> Learnt:
        sought, place = uncast(left), uncast(right)
        if isinstance(place, ir.Member) and place.name == "parents":
            if inside and (name := spelled(place.base)):
                yield name, f"inside {spelled(left)}"
            return
        if isinstance(sought, ir.Literal):
            if not inside and (name := spelled(right)):
                yield name, f"no {sought.value!r}"
                if sought.value == "/":
                    yield name, "bare"  # one part of a path; what is loaded as '..' is a folder
        elif inside and (name := spelled(left)):
            yield name, "allowed"

    def _equality(self, left: ir.Expression, right: ir.Expression, *, same: bool) -> Learnt:
        texts = {spelled(left), spelled(right)}
        if same and any(_DIGEST.search(text) for text in (*texts, *_called(left), *_called(right))):
            yield "*", "verified"
        for one, other in ((left, right), (right, left)):
            name, bare = spelled(one), uncast(one)
            if isinstance(bare, ir.Call) and same:
                yield from self._named_again(bare, other)
            if same and (held := _folder_of(bare)):
                yield held, "inside"
            if name:
                fixed = _is_fixed(other) and not (isinstance(bare, ir.Call) and bare.name == "len")
                yield name, "tested" if not same else "allowed" if fixed else "compared"

    @staticmethod
    def _named_again(call: ir.Call, other: ir.Expression) -> Learnt:
        """``os.path.basename(x) == x`` and ``os.path.commonpath([root, x]) == root``."""
        if call.name == "os.path.basename" and call.arguments and spelled(call.arguments[0]) == spelled(other):
            yield spelled(other), "bare"
        if call.name in {"os.path.commonpath", "os.path.commonprefix"}:
            for argument in call.arguments:
                for part in expressions(argument):
                    if name := spelled(part):
                        yield name, "inside"

    def _answer(self, call: ir.Call, *, holds: bool) -> Learnt:
        if holds:
            yield from self.verdict(call)
        word = call.name.rpartition(".")[2]
        api = self.tables.get(call.name)
        subject = call.receiver if call.receiver is not None else None
        if api is not None and api.role is ApiRole.COMPARE and holds:
            yield "*", "verified"
        elif word == "fullmatch" and holds and call.arguments:
            position = 0 if call.receiver is not None else 1
            yield spelled(call.arguments[min(position, len(call.arguments) - 1)]), "characters"
        elif word in {"match", "search"} and holds and call.arguments:
            yield spelled(call.arguments[-1]), "characters" if self._is_whole(call, word) else "part"
        elif word in _CHARACTERS and holds and subject is not None:
            yield spelled(subject), "characters"
        elif word == "is_relative_to" and holds and subject is not None:
            yield spelled(subject), f"inside {spelled(call.arguments[0])}" if call.arguments else "inside"
        elif word == "startswith" and not holds and subject is not None and _is_dash(call.arguments):
            yield spelled(subject), "no option"
        elif word == "startswith" and holds and subject is not None:
            yield spelled(subject), "inside" if self._ends_with_separator(call.arguments[:1]) else "prefix"
        elif word in {"all", "any"} and call.arguments and (holds is (word == "all")):
            yield from self._each(call.arguments[0])
        elif word == "difference" and not holds and isinstance(subject, ir.Call) and subject.name == "set":
            if subject.arguments and (name := spelled(subject.arguments[0])):
                yield name, "characters"
        elif word in {"issubset", "intersection"} and holds and subject is not None:
            for part in expressions(subject):
                if name := spelled(part):
                    yield name, "characters"
        elif word == "isinstance" and holds and call.arguments:
            yield spelled(call.arguments[0]), "tested"

    def _is_whole(self, call: ir.Call, word: str) -> bool:
        """Whether a pattern is about the whole text: anchored at its end, and for ``search`` at its start."""
        given: ir.Expression | None = call.arguments[0] if len(call.arguments) > 1 else call.receiver
        named = self.meaning(spelled(given)) if isinstance(given, ir.Name | ir.Member) else given
        if isinstance(named, ir.Call) and named.name.rpartition(".")[2] == "compile" and named.arguments:
            named = named.arguments[0]
        text = named.value if isinstance(named, ir.Literal) else None
        if not isinstance(text, str) or ".*" in text or ".+" in text or "|" in text:
            return False
        return text.endswith(("$", "\\Z")) and (word == "match" or text.startswith(("^", "\\A")))

    def _ends_with_separator(self, arguments: tuple[ir.Expression, ...]) -> bool:
        for argument in arguments:
            named = self.meaning(spelled(argument)) if isinstance(argument, (ir.Name, ir.Member)) else None
            last = named if named is not None else argument
            while isinstance(last, ir.Operation) and last.operands:
                last = last.operands[-1]
            match last:
                case ir.Literal(value=str(text)) if text.endswith(("/", "\\")):
                    return True
                case ir.Name(name=name) if name in {"os.sep", "os.path.sep"}:
                    return True
        return False

    @staticmethod
    def _each(looped: ir.Expression) -> Learnt:
        """``all(c in GOOD for c in name)``: every character of it."""
        for part in expressions(looped):
            if (
                isinstance(part, ir.AssignmentExpression)
                and isinstance(part.value, ir.Item)
                and (name := spelled(part.value.base))
            ):
                yield name, "characters"


def _is_dash(arguments: tuple[ir.Expression, ...]) -> bool:
    first = uncast(arguments[0]) if arguments else None
    return isinstance(first, ir.Literal) and first.value in ("-", b"-")


def _folder_of(expression: ir.Expression | None) -> str:
    """``os.path.dirname(x)``, ``os.path.split(x)[0]`` and ``x.parent``: what x is; empty for anything else."""
    match expression:
        case ir.Call(name="os.path.dirname", arguments=(inner,)) | ir.Member(base=inner, name="parent"):
            return spelled(inner)
        case ir.Item(base=ir.Call(name="os.path.split", arguments=(inner,)), index=ir.Literal(value=0)):
            return spelled(inner)
        case _:
            return ""


def _is_null(expression: ir.Expression) -> bool:
    """``None``, and cffi's null pointer."""
    bare = uncast(expression)
    if isinstance(bare, ir.Literal):
        return bare.value is None
    return isinstance(bare, ir.Name | ir.Member) and bare.name.rpartition(".")[2] == "NULL"


def _is_fixed(expression: ir.Expression) -> bool:
    """A literal, or a name written as constants are."""
    bare = uncast(expression)
    if isinstance(bare, ir.Literal):
        return bare.value is not None
    return spelled(bare).rpartition(".")[2].isupper()


def _called(expression: ir.Expression) -> Iterator[str]:
    return (part.name for part in expressions(expression) if isinstance(part, ir.Call))
