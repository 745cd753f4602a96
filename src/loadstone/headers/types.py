"""C types and declarations as plain values: what a header says, without sizes in memory (``layout.py`` has those).

Source: ISO C17 6.2.5 and 6.7; the attributes of GCC and clang where they change a layout or a call.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadstone.quick_dataclass import dataclass, field

__all__ = [
    "Array",
    "CType",
    "Complex",
    "Constant",
    "DataDeclaration",
    "Declarations",
    "Enumeration",
    "FunctionParameter",
    "FunctionType",
    "Integer",
    "NotTaken",
    "Pointer",
    "PointerConstant",
    "Prototype",
    "Real",
    "StructMember",
    "StructOrUnion",
    "TextPlace",
    "Void",
]


@dataclass(frozen=True, slots=True)
class Void:
    """``void``."""

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer type by size in bytes and sign; ``name`` is how it was spelled.

    ``is_char`` is a plain ``char``, ``is_wide`` a ``wchar_t``, ``char16_t`` or ``char32_t``: characters, not numbers.
    """

    size: int
    signed: bool
    name: str
    is_char: bool = False
    is_bool: bool = False
    is_wide: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Real:
    """A floating type by size in bytes; ``long double`` is the one above 8."""

    size: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Complex:
    """``_Complex`` of a floating type: two of them, one behind the other."""

    part: Real

    @property
    def size(self) -> int:
        return 2 * self.part.size

    def __str__(self) -> str:
        return f"_Complex {self.part}"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; ``const`` says that what it points to is not written."""

    target: CType
    const: bool = False

    def __str__(self) -> str:
        if isinstance(self.target, FunctionType):
            return self.target.spelled("*")
        return f"{'const ' if self.const else ''}{self.target} *"


@dataclass(frozen=True, slots=True)
class Array:
    """An array; ``length`` None is an open one.

    Of a parameter ``static`` says that NULL is none, and ``variable`` is the length that other parameters tell, as an
    expression of their names: ``int a[static n]``.
    """

    element: CType
    length: int | None
    static: bool = False
    const: bool = False
    variable: str = ""

    @property
    def bound(self) -> str:
        """What stands in the brackets."""
        return f"{'static ' * self.static}{self.variable or ('' if self.length is None else self.length)}"

    def __str__(self) -> str:
        return f"{self.element}[{self.bound}]"


@dataclass(frozen=True, slots=True)
class StructMember:
    """A member of a struct or union.

    ``bits`` is the width of a bit field, None when it is none. ``align`` is what an attribute asks for in bytes, 0 for
    nothing; ``type_align`` is that of its typedef, which also lowers. ``packed`` is the attribute of this member.
    """

    name: str
    type: CType
    bits: int | None = None
    align: int = 0
    type_align: int = 0
    packed: bool = False
    const: bool = False

    def __repr__(self) -> str:
        return f"<{self.type} {self.name}>"  # a struct by its name: written out, structs in structs never end


@dataclass(frozen=True, slots=True)
class StructOrUnion:
    """A struct or union by its tag; ``members`` None while it is incomplete (only pointers to it can be used).

    ``packed``, ``align`` and ``microsoft`` (``ms_struct``, None where nothing says so) are its attributes, ``pack`` the
    ``#pragma pack`` it was defined under, 0 for none. ``alias`` is the typedef that names one without a tag.
    """

    kind: str  # struct or union
    tag: str
    members: tuple[StructMember, ...] | None = None
    packed: bool = False
    align: int = 0
    pack: int = 0
    microsoft: bool | None = None
    alias: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """What it is called in ``Declarations.records``."""
        return f"{self.kind} {self.tag}"

    def __hash__(self) -> int:
        return hash((self.kind, self.tag))  # not of the members: those of structs in structs are exponentially many

    def __str__(self) -> str:
        return self.alias or self.key


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum and the integer type that holds it: of gcc and clang, ``unsigned int`` unless a value needs another."""

    tag: str
    values: tuple[tuple[str, int], ...] = ()
    size: int = 4
    signed: bool = False
    alias: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.alias or f"enum {self.tag}"


@dataclass(frozen=True, slots=True)
class FunctionParameter:
    """A parameter; ``name`` may be empty."""

    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a function takes and gives; ``convention`` is the attribute of another calling convention than C's."""

    result: CType
    parameters: tuple[FunctionParameter, ...] = ()
    variadic: bool = False
    convention: str = ""

    def spelled(self, name: str) -> str:
        """The declaration of a ``name`` of this type; ``*`` for a pointer to it."""
        inside = ", ".join([*(str(p.type) for p in self.parameters), *(["..."] if self.variadic else [])])
        return f"{self.result} {f'({name})' if name == '*' else name}({inside or 'void'})"

    def __str__(self) -> str:
        return self.spelled("")


CType = Void | Integer | Real | Complex | Pointer | Array | StructOrUnion | Enumeration | FunctionType


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where in the text: the file as it was named, line and column from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file or 'declaration'}:{self.line}"


@dataclass(frozen=True, slots=True)
class Prototype:
    """A declared function. ``records`` are the complete structs and unions it may need, by ``kind tag``.

    ``symbol`` is the exported name where an ``asm`` label gives another one. ``doc`` is the comment before it.
    """

    name: str
    type: FunctionType
    text: str
    records: Mapping[str, StructOrUnion] = field(default_factory=dict)
    symbol: str = ""
    place: TextPlace = field(default=TextPlace(), compare=False)
    doc: str = field(default="", compare=False)

    @property
    def result(self) -> CType:
        return self.type.result

    @property
    def parameters(self) -> tuple[FunctionParameter, ...]:
        return self.type.parameters

    @property
    def variadic(self) -> bool:
        return self.type.variadic


@dataclass(frozen=True, slots=True)
class DataDeclaration:
    """A declared variable; ``const`` when C promises not to write it."""

    name: str
    type: CType
    text: str
    records: Mapping[str, StructOrUnion] = field(default_factory=dict)
    const: bool = False
    symbol: str = ""
    place: TextPlace = field(default=TextPlace(), compare=False)
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PointerConstant:
    """An address with a type that a macro stands for, such as ``((void *)-1)``."""

    type: Pointer
    address: int


Constant = int | float | str | bytes | PointerConstant
"""What a macro or an enumerator stands for. ``"text"`` is bytes, as C has it; ``L"text"`` is str."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Something in a header that could not be taken, and why."""

    name: str
    place: TextPlace
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.name or 'a declaration'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Declarations:
    """Everything a header declares, by name; ``not_taken`` is what it has besides, each with its reason.

    ``inline`` are functions without a symbol (``static inline``), ``macros`` those that are no constant.
    """

    functions: Mapping[str, Prototype]
    variables: Mapping[str, DataDeclaration]
    records: Mapping[str, StructOrUnion]
    types: Mapping[str, CType]
    constants: Mapping[str, Constant]
    enumerations: tuple[Enumeration, ...] = ()
    inline: Mapping[str, NotTaken] = field(default_factory=dict)
    macros: Mapping[str, NotTaken] = field(default_factory=dict)
    not_taken: tuple[NotTaken, ...] = ()
    files: tuple[str, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    defined: tuple[StructOrUnion, ...] = ()  # those of ``records`` that the header's own files define
