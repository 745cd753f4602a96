"""C types and declarations as C text again: what a binding carries, so that it needs no header where it runs.

The text says what the header said after its preprocessor: attributes, ``#pragma pack`` and bit fields among it. Reading
it gives equal types; ``tests/headers/test_spelling.py`` holds it to that.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping

from loadstone.headers.types import (
    Array,
    CType,
    DataDeclaration,
    Declarations,
    Enumeration,
    FunctionType,
    Pointer,
    Prototype,
    StructMember,
    StructOrUnion,
)

__all__ = [
    "declaration", "name_of", "prototype", "python_name", "records_in_order", "struct", "tag_name", "variable",
]  # fmt: skip


def python_name(name: str) -> str:
    """A C name as one of Python's: a word of the language gets an underscore behind it."""
    return f"{name}_" if keyword.iskeyword(name) else name


def tag_name(kind: StructOrUnion | Enumeration, declared: Declarations) -> str:
    """What a tag is called where it has no space of names of its own: ``struct_stat`` beside a function ``stat``."""
    tag = kind.tag
    named = declared.types.get(tag, kind)
    own = type(named) is type(kind) and getattr(named, "tag", tag) == tag
    if own and not any(tag in names for names in (declared.functions, declared.variables, declared.constants)):
        return tag
    return f"{kind.kind if isinstance(kind, StructOrUnion) else 'enum'}_{tag}"


def declaration(kind: CType, name: str, *, const: bool = False) -> str:
    """The declaration of ``name`` with that type, inside out as C has it."""
    match kind:
        case Pointer():
            inner = f"*{' const ' if const else ''}{name}"
            if isinstance(kind.target, (Array, FunctionType)):
                inner = f"({inner})"
            return declaration(kind.target, inner, const=kind.const)
        case Array():
            return declaration(kind.element, f"{name}[{kind.bound}]", const=kind.const)
        case FunctionType():
            given = [declaration(p.type, p.name) for p in kind.parameters] + (["..."] if kind.variadic else [])
            convention = f" __attribute__(({kind.convention}))" if kind.convention else ""
            return declaration(kind.result, f"{name}({', '.join(given) or 'void'})") + convention
    word = f"{'const ' if const else ''}{_word(kind)}"
    return f"{word} {name}" if name else word


def name_of(record: StructOrUnion) -> str:
    """How a struct is written: one without tag or typedef gets a name, because types cannot be spelled without."""
    if not record.tag.startswith("("):
        return record.key
    return record.alias or record.tag.strip("()").replace(" ", "_")


def _word(kind: CType) -> str:
    """A type that is one word, or tag."""
    if isinstance(kind, StructOrUnion):
        return name_of(kind)
    if isinstance(kind, Enumeration):
        return {
            (4, False): "unsigned int",
            (4, True): "int",
            (8, False): "unsigned long long",
            (8, True): "long long",
        }.get((kind.size, kind.signed), f"{'' if kind.signed else 'u'}int{8 * kind.size}_t")
    return str(kind)


def prototype(one: Prototype) -> str:
    """A function's declaration, with the name it is exported by where that is another."""
    label = f' __asm__("{one.symbol}")' if one.symbol and one.symbol != one.name else ""
    return declaration(one.type, one.name) + label + ";"


def variable(one: DataDeclaration) -> str:
    """A variable's declaration."""
    label = f' __asm__("{one.symbol}")' if one.symbol and one.symbol != one.name else ""
    return "extern " + declaration(one.type, one.name, const=one.const) + label + ";"


def struct(record: StructOrUnion, records: Mapping[str, StructOrUnion]) -> str:
    """The definition of a struct or union."""
    text = f"{_definition(record, records)};"
    if record.tag.startswith("("):
        text = f"typedef {_definition(record, records)} {name_of(record)};"
    return f"#pragma pack(push, {record.pack})\n{text}\n#pragma pack(pop)" if record.pack else text


def _definition(record: StructOrUnion, records: Mapping[str, StructOrUnion]) -> str:
    words = ["packed"] * record.packed + [f"aligned({record.align})"] * bool(record.align)
    if record.microsoft is not None:
        words.append("ms_struct" if record.microsoft else "gcc_struct")
    attribute = f" __attribute__(({', '.join(words)}))" if words else ""
    tag = "" if record.tag.startswith("(") else f" {record.tag}"
    members = " ".join(f"{_member(m, records)};" for m in record.members or ())
    return f"{record.kind}{attribute}{tag} {{ {members} }}"


def _member(member: StructMember, records: Mapping[str, StructOrUnion]) -> str:
    text = declaration(member.type, member.name, const=member.const)
    if not member.name and isinstance(member.type, StructOrUnion):
        text = _definition(records.get(member.type.key, member.type), records)
    words = ["packed"] * member.packed + [f"aligned({member.align})"] * bool(member.align)
    width = "" if member.bits is None else f" : {member.bits}"
    return f"{text}{width}" + (f" __attribute__(({', '.join(words)}))" if words else "")


def records_in_order(kinds: Iterator[CType], records: Mapping[str, StructOrUnion]) -> list[StructOrUnion]:
    """Every struct and union that these types need, complete or not, each behind those it holds."""
    done: dict[str, StructOrUnion] = {}
    for kind in kinds:
        _gather(kind, records, done)
    return list(done.values())


def _gather(kind: CType, records: Mapping[str, StructOrUnion], done: dict[str, StructOrUnion]) -> None:
    """Depth first: what a struct holds by value comes before it, what it points to somewhere."""
    later: list[CType] = []
    _by_value(kind, records, done, later)
    while later:
        _by_value(later.pop(0), records, done, later)


def _by_value(
    kind: CType, records: Mapping[str, StructOrUnion], done: dict[str, StructOrUnion], later: list[CType]
) -> None:
    match kind:
        case Pointer():
            _mentioned(kind.target, records, done, later)
        case Array():
            _by_value(kind.element, records, done, later)
        case FunctionType():
            for part in (kind.result, *(p.type for p in kind.parameters)):
                _mentioned(part, records, done, later)
        case StructOrUnion() if kind.key not in done:
            whole = records.get(kind.key, kind)
            for member in whole.members or ():
                _by_value(member.type, records, done, later)
            done.setdefault(kind.key, whole)


def _mentioned(
    kind: CType, records: Mapping[str, StructOrUnion], done: dict[str, StructOrUnion], later: list[CType]
) -> None:
    """A type that is spelled, but not held: one with a tag can come later, one without cannot."""
    if isinstance(kind, StructOrUnion) and not kind.tag.startswith("("):
        later.append(kind)
    else:
        _by_value(kind, records, done, later)
