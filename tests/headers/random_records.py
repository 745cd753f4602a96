"""Random C structs and unions, as text: every type, qualifier and attribute that has a say in a layout."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from loadstone.headers.abi import DataModel

__all__ = ["Made", "records"]

PRELUDE = """
typedef unsigned short char16_t_; enum small { SMALL_A, SMALL_B }; enum signed_one { SIGNED_A = -1 };
enum wide_one { WIDE_A = 0x100000000LL }; enum __attribute__((packed)) tiny { TINY_A = 200 };
struct eight { int a, b; }; typedef _Atomic(struct eight) atomic_eight;
typedef int over_int __attribute__((aligned(16))); typedef double under_double __attribute__((aligned(2)));
typedef long long under_ll __attribute__((aligned(1))); typedef int (*callback_t)(int, struct later *);
"""
INTEGERS = (
    "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned", "long", "unsigned long",
    "long long", "unsigned long long", "_Bool", "enum small", "enum signed_one", "enum wide_one",
)  # fmt: skip
OTHERS = (
    "float", "double", "long double", "void *", "const char *", "callback_t", "wchar_t", "_Complex float",
    "_Complex double", "_Complex long double", "over_int", "under_double", "under_ll", "enum tiny", "size_t", "int64_t",
    "uint8_t", "volatile int", "const short", "_Atomic char", "_Atomic int", "_Atomic long long", "_Atomic double",
    "_Atomic struct eight", "atomic_eight", "_Atomic(void *)",
    "over_int *", "_Atomic(struct eight) *",
)  # fmt: skip

ATOMIC = ("_Atomic long long", "_Atomic double", "_Atomic struct eight", "atomic_eight")


@dataclass
class Made:
    """One record: its text, its tag, and the members that can be named, with those that are bit fields."""

    tag: str
    kind: str
    text: str
    plain: list[str] = field(default_factory=list)
    bits: list[str] = field(default_factory=list)
    booleans: set[str] = field(default_factory=set)


class _Generator:
    def __init__(self, seed: int, abi: DataModel, *, microsoft: bool = False) -> None:
        self.random = random.Random(seed)
        self.abi = abi
        self.microsoft = microsoft
        self.done: list[Made] = []
        self.count = 0
        self.pack = 0

    def name(self) -> str:
        self.count += 1
        return f"m{self.count}"

    def attribute(self, rate: float) -> str:
        roll = self.random.random()
        if roll < rate:
            return f" __attribute__((aligned({self.random.choice((1, 2, 4, 8, 16, 32))})))"
        return " __attribute__((packed))" if roll < rate * 1.6 else ""

    def sizes(self, kind: str) -> int:
        table = {"char": 1, "short": 2, "_Bool": 1, "long": self.abi.long}
        if kind == "enum wide_one" or kind.endswith("long long"):
            return 8
        return table.get(kind.rsplit(maxsplit=1)[-1], 4)

    def member(self, made: Made, depth: int) -> str:
        roll = self.random.random()
        if roll < 0.4:
            kind = self.random.choice(INTEGERS)
            width = 1 if kind == "_Bool" else self.random.randint(1, 8 * self.sizes(kind))
            if self.random.random() < 0.12:
                return f"{kind} : {self.random.choice((0, width))};"
            name = self.name()
            made.bits.append(name)
            if kind == "_Bool":
                made.booleans.add(name)
            return f"{kind} {name} : {width}{'' if self.microsoft or self.pack else self.attribute(0.04)};"
        if roll < 0.5 and depth < 2:
            inner = " ".join(self.member(made, depth + 1) for _ in range(self.random.randint(1, 3)))
            return f"{self.random.choice(('struct', 'union'))} {{ {inner} }};"
        name = self.name()
        made.plain.append(name)
        if roll < 0.6 and self.done:
            other = self.random.choice(self.done)
            return f"{other.kind} {other.tag} {name}{self.random.choice(('', '', '[2]'))}{self.attribute(0.1)};"
        kind = self.random.choice(OTHERS + INTEGERS + (("__int128",) if self.abi.has_int128 else ()))
        if self.abi.member_align < 8 and kind in ATOMIC:
            kind = "int"  # refused there
        bare = kind in ("over_int", *ATOMIC[2:]) or "under" in kind
        array = "" if bare else self.random.choice(("", "", "", "[3]", "[2][2]"))
        return f"{kind} {name}{array}{self.attribute(0.12)};"

    def record(self, number: int) -> Made:
        kind = "struct" if self.random.random() < 0.8 else "union"
        pack = self.pack = self.random.choice((0, 0, 0, 0, 1, 2, 4, 8))
        made = Made(f"r{number}", kind, "")
        body = " ".join(self.member(made, 0) for _ in range(self.random.randint(1, 6)))
        flexible = kind == "struct" and made.plain and self.random.random() < 0.05
        if flexible:
            body += f" {self.random.choice(('int', 'double', 'char'))} {self.name()}[];"
        before, after = self.random.choice((("", ""),) * 8 + (
            (" __attribute__((packed))", ""), ("", " __attribute__((packed))"), (" __attribute__((aligned(16)))", ""),
            ("", " __attribute__((packed, aligned(4)))"), ("", " __attribute__((__aligned__(8), __packed__))"),
        ))  # fmt: skip
        text = f"{kind}{before} {made.tag} {{ {body} }}{after};"
        made.text = f"#pragma pack(push, {pack})\n{text}\n#pragma pack(pop)" if pack else text
        if not flexible:
            self.done = [*self.done[-12:], made]
        return made


def records(seed: int, count: int, abi: DataModel, *, microsoft: bool = False) -> list[Made]:
    """``count`` records, each of which may hold earlier ones."""
    generator = _Generator(seed, abi, microsoft=microsoft)
    return [generator.record(number) for number in range(count)]
