"""When a method closes what its object holds, can another method still use it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple, words_in
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.places import PYTHON, step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, parts_of, statements

__all__ = ["CLOSES", "RULE", "SYSTEM", "library_of"]

_ENDS: Final = (
    r"close|free|release|destroy|delete|dispose|end|fini|finish|finali[sz]e|unref|unload|shutdown|terminate|term"
    r"|disconnect|deinit|cleanup|done|detach|unmap|munmap"
)
_CAPITAL_ENDS: Final = "|".join(word[:1].upper() + word[1:] for word in _ENDS.split("|"))
CLOSES: Final = re.compile(
    rf"(?:\A|_)(?!Free(?:Type|Image|Glut))(?i:{_ENDS})(?:_|\Z|(?=[A-Z]))"
    rf"|(?<=[a-z0-9])(?!(?<=\A[cg]l)Finish)(?:{_CAPITAL_ENDS})(?=[A-Z_0-9]|\Z)"
    r"|(?<=[A-Z][A-Z])(?:Free|Release|Destroy|Delete)(?=[A-Z]|\Z)"
    r"|(?:\A|_)(?:free(?!z)|close|destroy|delete)[a-z]*\Z|_del\Z"
)
"""Names of foreign functions that end what another one began; ``clFinish`` and ``glFinish`` wait."""

_SPEAKS: Final = ("ctypes", "ffi", "os.close")
SYSTEM: Final = ("os.", "fcntl.", "mmap.", "select.", "termios.")
"""Modules whose functions take descriptors."""

_NUMBER: Final = re.compile(r"(?:\A|\.)(?:c_u?(?:int|long|short|byte)\w*|c_size_t|DWORD|UINT|INT|LONG|ULONG)\Z")

_LAST: Final = re.compile(r"__del__|_?finali[sz]e")
"""Methods after which nobody has the object any more."""

_SETS_UP: Final = frozenset({"__init__", "__new__", "__enter__", "open", "load", "connect", "start"})


@dataclass(frozen=True, slots=True)
class _Close:
    """An attribute that a method closes and leaves as it is."""

    attribute: str
    method: ir.Function
    line: int
    kind: int
    is_sure: bool  # a descriptor or an address; a number that the library looks up itself it can refuse


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or not any(
            word in unit.text for word in ("ctypes", "ffi", "os.close")
        ):
            continue
        by_class: dict[str, list[ir.Function]] = {}
        for function in unit.functions:
            if function.owner:
                by_class.setdefault(function.owner, []).append(function)
        for methods in by_class.values():
            yield from _of_class(rule, unit, methods, facts.bindings[unit.path])


def _of_class(rule: Rule, unit: ir.Unit, methods: list[ir.Function], bindings: Bindings) -> Iterator[Claim]:
    closing = (method for method in methods if not _LAST.search(simple(method.name)))
    for closed in (close for method in closing for close in _closes(method, bindings)):
        if _is_own_number(methods, closed.attribute):
            continue
        for method in methods:
            if method is closed.method or simple(method.name) in _SETS_UP or simple(method.name) == "__del__":
                continue
            use = _use(method, closed, bindings)
            if use is not None and _has_ended(method, closed, methods):
                continue
            if use is None or _reopens(methods, closed, bindings) or _asks(method, closed, methods):
                continue
            callers = [
                Spot(unit.path, call.line, other.name)
                for other in methods
                if other is not method
                for call in calls(other.body.body)
                if call.name == method.name
            ]
            if simple(method.name).startswith("_") and callers and all(simple(c.function) in _SETS_UP for c in callers):
                continue  # done before anybody can close
            yield rule.no(
                f"{closed.attribute} is closed at line {closed.line} and not cleared; {simple(method.name)} "
                f"uses it all "
                "the same.",
                Location.lines(unit.path, use),
                cwe=closed.kind,
                severity=Severity.MEDIUM if closed.is_sure else Severity.LOW,
                why=(
                    step(Spot(unit.path, closed.line, closed.method.name), "closed", "release"),
                    *(step(spot, f"calls {simple(method.name)}", "call") for spot in callers[:4]),
                    step(Spot(unit.path, use, method.name), "used", "use"),
                ),
                context=method.name,
            )
            break


def _has_ended(method: ir.Function, closed: _Close, methods: list[ir.Function]) -> bool:
    """Whether a method is what a thread runs, and nothing else, and the close waits for the end of that thread."""
    name = simple(method.name)
    every = [call for other in methods for call in calls(other.body.body)]
    runs = any(simple(spelled(given)) == name for call in every for key, given in call.keywords if key == "target")
    joins = (c for c in calls(closed.method.body.body) if simple(c.name) == "join" and c.line < closed.line)
    waits = any(not call.arguments and not call.keywords for call in joins)  # a time that is over ends nothing
    return runs and waits and all(simple(call.name) != name for call in every)


def _is_own_number(methods: list[ir.Function], attribute: str) -> bool:
    """``self.channel = c_ubyte(int(channel))``: the name of a device that its owner chose, before and after."""
    given = [
        uncast(s.value)
        for method in methods
        for s in statements(method.body.body)
        if isinstance(s, ir.Assign) and spelled(s.target) == attribute
    ]
    return bool(given) and all(isinstance(v, ir.Call) and bool(v.arguments) and _NUMBER.search(v.name) for v in given)


def _reopens(methods: list[ir.Function], closed: _Close, bindings: Bindings) -> bool:
    """Whether the attribute is what is opened and closed again, and not what an open gave."""
    return any(
        (symbol := bindings.symbol(call, method.owner)) is not None
        and "open" in symbol.lower()
        and any(spelled(argument) == closed.attribute for argument in call.arguments)
        for method in methods
        for call in calls(method.body.body)
    )


def _closes(method: ir.Function, bindings: Bindings) -> Iterator[_Close]:
    cleared = {spelled(s.target) for s in statements(method.body.body) if isinstance(s, ir.Assign)}
    if any(name.startswith("self.") for name in cleared):
        return  # something about the object is noted; whether it is enough is for the reader to see
    known = tables()
    for call in calls(method.body.body):
        if not call.arguments or not all(isinstance(uncast(a), ir.Literal) for a in call.arguments[1:]):
            continue  # uc_mem_unmap(engine, address, size) ends a part of what the first one names
        attribute = library_of(spelled(call.arguments[0]))
        if not attribute.startswith("self.") or attribute.count(".") != 1:
            continue
        api = known.get(call.name)
        symbol = bindings.symbol(call, method.owner)
        if call.name == "os.close":
            yield _Close(attribute, method, call.line, 910, is_sure=True)
        elif api is not None and api.role is ApiRole.UNLOAD:
            yield _Close(attribute, method, call.line, 416, is_sure=True)
        elif symbol is not None and CLOSES.search(symbol):
            taken = (bindings.prototypes[symbol].arguments or ())[:1] if symbol in bindings.prototypes else ()
            is_number = any(_NUMBER.search(spelled(kind)) for kind in taken)
            yield _Close(attribute, method, call.line, 416, is_sure=bool(taken) and not is_number)


def library_of(name: str) -> str:
    """``self.lib`` for ``self.lib._handle``, which is how ctypes spells it; ``self._handle`` is an object's own."""
    return name.removesuffix("._handle") if name.count(".") > 1 or not name.startswith("self.") else name


def _use(method: ir.Function, closed: _Close, bindings: Bindings) -> int | None:
    """The first line at which a method hands the attribute to foreign code or to the system."""
    opened = {id(s) for s in method.body.body if isinstance(s, ir.Assign) and spelled(s.target) == closed.attribute}
    for statement in statements(method.body.body):
        if id(statement) in opened:
            return None  # from here on it is another one
        for part in parts_of(statement):
            match part:
                case ir.Call(name=name, arguments=arguments) if (
                    name.startswith(SYSTEM) or bindings.symbol(part, method.owner) is not None
                ):
                    if any(spelled(argument) == closed.attribute for argument in arguments):
                        return part.line
                case ir.Operation(operator="format", operands=operands) if closed.kind == 910:
                    fixed = [o.value for o in operands if isinstance(o, ir.Literal)]
                    if any(isinstance(text, str) and "/fd/" in text for text in fixed) and any(
                        spelled(operand) == closed.attribute for operand in operands
                    ):
                        return part.line
                case ir.Call(receiver=receiver) if receiver is not None and spelled(receiver) == closed.attribute:
                    if closed.kind == 416 and bindings.symbol(part, method.owner) is not None:
                        return part.line
    return None


def _asks(method: ir.Function, closed: _Close, methods: list[ir.Function]) -> bool:
    """Whether the method, or one it calls first, asks about the attribute."""
    word = closed.attribute.partition(".")[2]
    bodies = [method]
    called = {call.name for call in calls(method.body.body)}
    bodies += [other for other in methods if other.name in called]
    for body in bodies:
        for statement in statements(body.body.body):
            condition = getattr(statement, "condition", None)
            if condition is not None and word in set(words_in(condition)):
                return True
            for part in parts_of(statement):
                if (
                    isinstance(part, ir.Operation)
                    and part.operator == ("?:")
                    and word in set(words_in(part.operands[0]))
                ):
                    return True
    return False


RULE: Final = Rule(
    id="use-after-close",
    question="When a method closes what its object holds, can another method still use it?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.MEDIUM,  # in which order callers call the two methods is not seen
    languages=PYTHON,
    why="A handle stays a number after it was closed. By then it may name another file, or memory that is gone.",
    fix="Set the attribute to None in the method that closes, and test it where it is used.",
    bad="def close(self):\n    os.close(self._fd)\n\n\ndef read(self):\n    return os.read(self._fd, 1)\n",
    good="def close(self):\n    fd, self._fd = self._fd, None\n    if fd is not None:\n        os.close(fd)\n",
    references=("https://cwe.mitre.org/data/definitions/910.html", "https://cwe.mitre.org/data/definitions/416.html"),
    answer=_answer,
)
