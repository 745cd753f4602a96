"""Numbers that a file gives, followed inside one function, and what is done with them before anything compares them.

A number is of the file when a function of the program put it together from bytes, or when it is a member of a record
that was copied from bytes. Functions that do so are found bottom-up, to a fixed point: one that hands on what another
gave is one too. A comparison of the number, of a sum it is in, or a call in a condition that is given it, counts as
the test; whether it is the right one is not asked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.walk import children, expressions, kept, tops

__all__ = ["FileNumbers", "Untested", "reads_headers"]

_BYTES: Final = re.compile(r"\b(?:u?int8_t|unsigned char|BYTE|UCHAR|guint8|quint8|char|void|byte|uchar|u8)\b[^*]*\*")
_NUMBER: Final = re.compile(
    r"\b(?:u?int(?:16|32|64)_t|unsigned|size_t|DWORD|WORD|ULONG|USHORT|u16|u32|u64|long|guint32)\b"
)
_NARROW: Final = re.compile(
    r"\b(?:DWORD|ULONG|UINT|uint32_t|u_int32_t|quint32|guint32|unsigned int|u32)\b|\Aunsigned\Z"
)
_HEADERS: Final = re.compile(r"Elf(?:32|64|W)|\be_shoff|e_lfanew|IMAGE_(?:DOS|NT|SECTION|EXPORT)|mach_header")
_COPIES: Final = {"memcpy": (0, 1), "memmove": (0, 1), "CopyMemory": (0, 1), "fread": (0, None), "read": (1, None),
                  "pread": (1, None), "ReadFile": (1, None)}  # fmt: skip
"""Functions that fill a record: which argument it is, and which the bytes, where they are one."""

_SIZES: Final = {
    "fread": (0, 2),
    "read": (1, 2),
    "recv": (1, 2),
    "memcpy": (0, 2),
    "memmove": (0, 2),
    "ReadFile": (1, 2),
}
"""Functions that write as many bytes as they are told: which argument is the target, and which the number."""

_VECTOR: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:vector|array|span)\s*<")
"""Containers whose ``[]`` asks nothing."""

_UNNAMED: Final = re.compile(r"\bstruct\s*\{([^{}]*)\}\s*\w")
_MEMBER: Final = re.compile(r"\b(\w[\w:]*(?:\s+\w+)*?)\s+(\w+)\s*;")
"""A struct without a name, as variables of a function have it, and its members."""

_ALLOCATES: Final = frozenset(
    {"malloc", "realloc", "reallocf", "alloca", "aligned_alloc", "memalign", "valloc", "xmalloc", "xrealloc"}
    | {"g_malloc", "g_malloc0", "g_realloc", "g_try_malloc", "g_try_malloc0", "OPENSSL_malloc", "av_malloc"}
    | {"HeapAlloc", "HeapReAlloc", "LocalAlloc", "GlobalAlloc", "CoTaskMemAlloc", "VirtualAlloc", "kmalloc", "kzalloc"}
)
"""Functions that give a block of as many bytes as one argument says."""

_COMPARES: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "%", "&"})
_LIMITS: Final = frozenset({"min", "clamp", "MIN", "std::min"})


@dataclass(frozen=True, slots=True)
class Untested:
    """A number of the file that nothing compared: its name, where it is used, and as what."""

    name: str
    line: int
    use: str


class FileNumbers:
    """The numbers of one file of source, and which of them are used untested."""

    def __init__(self, unit: ir.Unit) -> None:
        self.unit = unit
        self.fields: dict[str, str] = {m.name: m.type for c in unit.classes for m in c.members}
        for body in _UNNAMED.findall(unit.text):
            for spelled, name in _MEMBER.findall(body):
                self.fields.setdefault(name, spelled)
        self.arrays: set[str] = {v.name for v in unit.variables if "[]" in v.type}
        self.arrays |= {m.name for c in unit.classes for m in c.members if "[]" in m.type}
        self.readers: set[str] = self._readers()
        self.pointers: set[str] = {last_word(f.name) for f in unit.functions if self._points(f)}
        self.records: set[str] = {name for f in unit.functions for name in self._filled(f)}

    def _readers(self) -> set[str]:
        """Functions that give a number put together from bytes they are given, directly or through one another."""
        found: set[str] = set()
        while True:
            more = {last_word(f.name) for f in self.unit.functions if self._reads(f, found)} - found
            if not more:
                return found
            found |= more

    def _points(self, function: ir.Function) -> bool:
        """Whether a function gives a pointer into the bytes it has, of a type the caller asks for."""
        types = self.fields | _types(function)
        given = (uncast(s.value) for s in every_statement(function.body) if isinstance(s, ir.Return))
        return "*" in function.returns and any(
            isinstance(one, ir.Operation) and one.operator == "+" and _is_bytes(one, types) for one in given
        )

    def _reads(self, function: ir.Function, known: set[str]) -> bool:
        bytes_ = {p.name for p in function.parameters if _BYTES.search(p.type)}
        if not bytes_ or not _NUMBER.search(function.returns):
            return False
        copied = {
            place_named(c.arguments[0])
            for c in calls_in(function.body)
            if c.name in {"memcpy", "memmove"} and len(c.arguments) > 1 and _roots(c.arguments[1]) & bytes_
        }
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Return) and statement.value is not None:
                for part in expressions(statement.value):
                    called = isinstance(part, ir.Call) and last_word(part.name) in known
                    taken = isinstance(part, ir.Item) and place_named(part.base) in bytes_
                    if called or taken or (isinstance(part, ir.Name) and part.name in copied):
                        return True
        return False

    def _filled(self, function: ir.Function) -> Iterator[str]:
        """Records that are copied from bytes as a whole."""
        types = _types(function)
        for call in calls_in(function.body):
            streams = last_word(call.name) == "read" and call.receiver is not None
            places = (0, None) if streams else _COPIES.get(last_word(call.name))
            if places is None or len(call.arguments) <= max(p or 0 for p in places):
                continue
            target, source = places
            name = place_named(call.arguments[target])
            spelled = types.get(name, "") or self.fields.get(name, "")
            if name and not _BYTES.search(spelled) and (source is None or _is_bytes(call.arguments[source], types)):
                yield name

    # Asking.

    def untested(self, function: ir.Function) -> Iterator[Untested]:
        """Numbers of the file that index an array or move a pointer in a function before anything compares them."""
        numbers, derived = self._numbers(function)
        if not numbers:
            return
        tested = self._tested(function, derived)
        types = _types(function)
        local = self.arrays | {name for name, spelled in types.items() if "[]" in spelled or _VECTOR.match(spelled)}
        for expression in every_expression(function.body):
            match expression:
                case ir.Item(base=base, index=index) if place_named(base).rpartition(".")[2] in local:
                    yield from self._used(index, numbers, tested, expression.line, "index")
                case ir.Operation(operator="+", operands=(first, *rest)) if _is_bytes(first, types):
                    for operand in rest:
                        yield from self._used(operand, numbers, tested, expression.line, "offset")
                case ir.Call(arguments=arguments) if (place := _sized(expression)) is not None:
                    target = place_named(arguments[place[0]])
                    if target.rpartition(".")[2] in local:
                        limited = self._limited(function, expression, target)
                        limited |= {n for n, parts in derived.items() if parts and parts <= limited}
                        yield from self._used(arguments[place[1]], numbers, limited, expression.line, "size")

    def _limited(self, function: ir.Function, reading: ir.Call, target: str) -> set[str]:
        """What limits how much a call reads: what is compared before it, members anywhere, and the room made for it."""
        found = {p for f in self.unit.functions if f is not function for p in _limits(f, "") if "." in p}
        found |= _limits(function, target, reading.line)
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and statement.declares and place_named(statement.target) == target:
                found |= _paths([statement.value] if statement.value is not None else [])
        return found

    def _used(
        self, expression: ir.Expression, numbers: set[str], tested: set[str], line: int, use: str
    ) -> Iterator[Untested]:
        for part in expressions(expression):
            path = place_named(part)
            if (
                path in numbers
                and path not in tested
                and not any(path in place_named(p) != path for p in expressions(part))
            ):
                yield Untested(path.replace("[]", ""), line, use)
                return

    def _numbers(self, function: ir.Function) -> tuple[set[str], dict[str, set[str]]]:
        """The numbers of the file that a function mentions, and what each local one was made of."""
        numbers = {p for e in every_expression(function.body) if (p := place_named(e)) and self._is_field(p, function)}
        derived: dict[str, set[str]] = {}
        for target, value in _stores(function):
            name = place_named(target)
            mine = {p for e in expressions(value) if (p := place_named(e)) in numbers}
            called = any(isinstance(e, ir.Call) and last_word(e.name) in self.readers for e in expressions(value))
            called = called or self._is_pointed_at(value)
            if (
                name
                and (mine or called)
                and not isinstance(uncast(value), ir.Operation | ir.Call | ir.Member | ir.Name)
            ):
                continue
            if name and (mine or called):
                numbers.add(name)
                derived.setdefault(name, set()).update(mine)
        return numbers, derived

    def _is_pointed_at(self, value: ir.Expression) -> bool:
        """``*at<uint16_t>(offset)``: the number that a pointer into the bytes leads to."""
        bare = uncast(value)
        operand = uncast(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "deref" else None
        return isinstance(operand, ir.Call) and last_word(operand.name) in self.pointers

    def _is_field(self, path: str, function: ir.Function) -> bool:
        start, _, field = path.rpartition(".")
        if not field or not _NUMBER.search(self.fields.get(field, "")):
            return False
        alias = _aliases(function).get(start, start)
        return alias.removesuffix("[]") in self.records

    def _tested(self, function: ir.Function, derived: dict[str, set[str]]) -> set[str]:
        """What something compares, in this function; of members, anywhere in the file."""
        found = {*_compared(function), *_members_compared(self.unit)}
        words = {p.rpartition(".")[2] for p in found if "." in p}
        found |= {p for p in derived if "." in p and p.rpartition(".")[2] in words}
        for name, parts in derived.items():
            if name in found:
                found |= parts
            elif parts and parts <= found:
                found.add(name)
        return found

    def wraps(self, function: ir.Function) -> Iterator[tuple[str, int]]:
        """``off + len > size`` of two numbers of 32 bits that the file gives: the sum is one of 32 bits too."""
        numbers, _ = self._numbers(function)
        types = _types(function)
        narrow = {n for n in numbers if _NARROW.search(types.get(n, "") or self.fields.get(n.rpartition(".")[2], ""))}
        for expression in every_expression(function.body):
            if isinstance(expression, ir.Operation) and expression.operator in {">", ">=", "<", "<="}:
                for side in expression.operands:
                    if isinstance(side, ir.Operation) and side.operator == "+":
                        names = [place_named(o) for o in side.operands if not isinstance(o, ir.Cast)]
                        if len(names) == len(side.operands) and set(names) <= narrow:
                            yield " + ".join(names), expression.line

    def small_blocks(self, function: ir.Function) -> Iterator[tuple[str, int]]:
        """``malloc(n + 16)`` of a number of 32 bits that the file gives: near its end the sum is a small number.

        A size of 64 bits in the sum or product (a cast, ``sizeof``, a variable of another type) makes it one of 64.
        """
        numbers, derived = self._numbers(function)
        blocks = [c for c in calls_in(function.body) if last_word(c.name) in _ALLOCATES] if numbers else []
        types = _types(function)
        others = (e for f in self.unit.functions if f is not function and blocks for e in _asked(f))
        elsewhere = {p for p in _paths(others) if "." in p}
        for call in blocks:
            asked = elsewhere | _paths(e for e in _asked(function) if e.line <= call.line)
            for size in call.arguments:
                if isinstance(size, ir.Operation) and size.operator in {"+", "*"}:
                    added = [o for o in size.operands if not isinstance(o, ir.Literal)]
                    names = {place_named(o) for o in added}
                    sources = names.union(*(derived.get(n, ()) for n in names))
                    if all(self._is_narrow(o, types) for o in added) and names & numbers and not sources & asked:
                        yield min(names & numbers), call.line

    def small_products(self, function: ir.Function) -> Iterator[tuple[str, int]]:
        """``count * 16 > size``, ``need = count * 16; malloc(need)``: products of 32 bits, whatever they are used for.

        Silent where a comparison of order, or a call that decides something, was asked about the number before.
        """
        numbers = {*self._numbers(function)[0], *self._mapped(function)}
        types = _types(function)
        rounds = [s.condition for s in every_statement(function.body) if isinstance(s, ir.Loop)]
        narrow = []
        for product in self._sizes(function) if numbers else ():
            factors = [o for o in product.operands if not isinstance(o, ir.Literal)]
            if all(self._is_narrow(o, types) for o in factors) and {place_named(o) for o in factors} & numbers:
                narrow.append(product)
        for product in narrow:
            asking = (e for e in _asked(function) if e.line <= product.line and e not in rounds)
            parts = (part for e in asking for part in _without(e, narrow))
            names = {place_named(o) for o in product.operands} & numbers
            if not names & {place_named(p) for p in parts}:
                yield min(names), product.line

    def small_sums(self, function: ir.Function) -> Iterator[tuple[str, int, int]]:
        """``total = a + b; if (total > limit) ...; read(to, a)``: two numbers of 32 bits whose sum alone is tested.

        With each sum comes the line at which one of its parts is a size by itself.
        """
        numbers, _ = self._numbers(function)
        types = _types(function)
        asked = _paths(_asked(function)) if numbers else set()
        for target, value in _stores(function) if numbers else ():
            total = uncast(value)
            if not isinstance(total, ir.Operation) or total.operator != "+" or place_named(target) not in asked:
                continue
            names = {place_named(o) for o in total.operands}
            narrow = all(self._is_narrow(o, types) for o in total.operands) and names <= numbers
            if narrow and len(names) == len(total.operands) and not names & asked:
                used = next(_sized_by(function, names, total.line), 0)
                if used:
                    yield " + ".join(sorted(names)), total.line, used

    def _mapped(self, function: ir.Function) -> Iterator[str]:
        """The members that a function reads of records it finds in a run of bytes: ``h = (const header *)map``."""
        types = _types(function)
        bytes_ = {p.name for p in function.parameters if _BYTES.search(p.type)}
        found = {
            s.target.name
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign)
            and isinstance(s.target, ir.Name)
            and isinstance(s.value, ir.Cast)
            and (_roots(s.value) & bytes_ or _is_bytes(s.value, types))
        }
        for part in every_expression(function.body):
            if isinstance(part, ir.Member) and place_named(part.base) in found:
                yield place_named(part)

    @staticmethod
    def _sizes(function: ir.Function) -> Iterator[ir.Operation]:
        """The products that are compared with something, or kept and then compared or allocated."""
        asking = [e for e in _asked(function) if isinstance(e, ir.Operation)]
        blocks = [a for c in calls_in(function.body) if last_word(c.name) in _ALLOCATES for a in c.arguments]
        sized = {name for e in (*asking, *blocks) for part in expressions(e) if (name := place_named(part))}
        kept = (value for target, value in _stores(function) if place_named(target) in sized)
        for value in dict.fromkeys((*asking, *kept)):
            yield from (p for p in _uncast_parts(value) if isinstance(p, ir.Operation) and p.operator == "*")

    def _is_narrow(self, operand: ir.Expression, types: dict[str, str]) -> bool:
        name = place_named(operand)
        own = types.get(name, "") or self.fields.get(name.rpartition(".")[2], "")
        return bool(_NARROW.search(operand.type if isinstance(operand, ir.Cast) else own))


def _uncast_parts(expression: ir.Expression) -> Iterator[ir.Expression]:
    """The operands of sums, products and comparisons, casts and calls not entered."""
    yield expression
    if isinstance(expression, ir.Operation) and expression.operator in _COMPARES | {"+", "-", "*"}:
        for operand in expression.operands:
            yield from _uncast_parts(operand)


def _sized_by(function: ir.Function, names: set[str], after: int) -> Iterator[int]:
    """The lines at which one of these numbers says how much is read or copied."""
    for call in calls_in(function.body):
        reads = call.line > after and last_word(call.name) in _SIZES.keys() | {"fwrite", "write"}
        if reads and any(place_named(a) in names for a in call.arguments[1:]):
            yield call.line


def _without(expression: ir.Expression, left_out: list[ir.Operation]) -> Iterator[ir.Expression]:
    """The parts of an expression, some of them left out with all that is in them."""
    if expression not in left_out:
        yield expression
        for part in children(expression):
            yield from _without(part, left_out)


def _sized(call: ir.Call) -> tuple[int, int] | None:
    """Which argument of a call is written to, and which says how much; None for one that does not write."""
    name = last_word(call.name)
    streams = name == "read" and call.receiver is not None  # in.read(text, count)
    place = (0, 1) if streams else _SIZES.get(name)
    return place if place is not None and max(place) < len(call.arguments) else None


def _limits(function: ir.Function, target: str, before: int = sys.maxsize) -> set[str]:
    """The places that comparisons and limits of a function are about; not those that ask how much was read.

    What is called on a container itself, ``target``, makes room in it.
    """
    found = set()
    for statement in every_statement(function.body):
        deciding = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        for part in (e for top in tops(statement) for e in expressions(top)):
            calls = [e for e in expressions(part) if isinstance(e, ir.Call)]
            if part.line > before or any(_sized(c) is not None for c in calls):
                continue
            compares = isinstance(part, ir.Operation) and part.operator in _COMPARES
            decides = part is deciding and bool(calls)
            makes_room = isinstance(part, ir.Call) and bool(target) and place_named(part.receiver) == target
            limits = isinstance(part, ir.Call) and last_word(part.name) in _LIMITS
            if compares or decides or makes_room or limits:
                found |= _paths([part])
    return found


def _paths(asking: Iterable[ir.Expression]) -> set[str]:
    """The places that expressions mention."""
    return {path for expression in asking for path in map(place_named, expressions(expression)) if path}


def _asked(function: ir.Function) -> Iterator[ir.Expression]:
    """What limits a number: comparisons of order, masks, and calls that decide something. That two are equal does not.

    A call in the condition of an ``if`` or a loop asks, unless it is one that reads.
    """
    for statement in every_statement(function.body):
        deciding = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        for top in tops(statement):
            for part in expressions(top):
                is_order = isinstance(part, ir.Operation) and part.operator in _COMPARES - {"==", "!="}
                word = last_word(part.name) if isinstance(part, ir.Call) else ""
                if is_order or word in _LIMITS or (word and top is deciding and word not in _SIZES):
                    yield part


def _roots(expression: ir.Expression) -> set[str]:
    return {e.name for e in expressions(expression) if isinstance(e, ir.Name)}


def _types(function: ir.Function) -> dict[str, str]:
    found = {p.name: p.type for p in function.parameters}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            found.setdefault(statement.target.name, statement.type)
    return found


def _is_bytes(expression: ir.Expression, types: dict[str, str]) -> bool:
    """Whether an expression is a place in a run of bytes."""
    bare = uncast(expression)
    if isinstance(bare, ir.Operation) and bare.operator == "+":
        return _is_bytes(bare.operands[0], types)
    if isinstance(bare, ir.Call):
        return last_word(bare.name) == "data" and bare.receiver is not None
    if isinstance(bare, ir.Name):
        return bool(_BYTES.search(types.get(bare.name, "")))
    return isinstance(bare, ir.Member) and bare.name in {"base", "data", "bytes", "image", "map", "buf", "start"}


def _aliases(function: ir.Function) -> dict[str, str]:
    """``const Entry &e = entries[i]``: another name for an element."""
    return {
        s.target.name: place_named(s.value)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign)
        and s.declares
        and isinstance(s.target, ir.Name)
        and s.value is not None
        and place_named(s.value).endswith("[]")
    }


def _stores(function: ir.Function) -> Iterator[tuple[ir.Expression, ir.Expression]]:
    return ((s.target, s.value) for s in stores_in(function.body) if s.value is not None)


@kept
def _members_compared(unit: ir.Unit) -> frozenset[str]:
    """The members that something in a file compares."""
    return frozenset(path for function in unit.functions for path in _compared(function) if "." in path)


@kept
def _compared(function: ir.Function) -> frozenset[str]:
    """What a function compares, limits or decides by."""
    return frozenset(_each_compared(function))


def _each_compared(function: ir.Function) -> Iterator[str]:
    for statement in every_statement(function.body):
        deciding = statement.condition if isinstance(statement, ir.If | ir.Loop) else None
        subject = statement.subject if isinstance(statement, ir.Switch) else None
        for part in expressions(subject):
            yield place_named(part)
        for top in tops(statement):
            for part in expressions(top):
                asks = isinstance(part, ir.Operation) and part.operator in _COMPARES
                limits = isinstance(part, ir.Call) and (last_word(part.name) in _LIMITS or top is deciding)
                if asks or limits:
                    yield from filter(None, map(place_named, expressions(part)))


@kept
def reads_headers(unit: ir.Unit) -> bool:
    """Whether a C or C++ file reads the headers of ELF, PE or Mach-O files."""
    return unit.language is not ir.Language.PYTHON and _HEADERS.search(unit.text) is not None
