"""C declarations as text, for this platform: one function, one variable, or a piece of header.

The reading is done by :mod:`loadstone.headers`, without a compiler; conditionals, macros and includes are carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_text
from loadstone.headers.types import (
    Array,
    Complex,
    CType,
    DataDeclaration,
    Declarations,
    Enumeration,
    FunctionType,
    Integer,
    Parameter,
    Pointer,
    Prototype,
    Real,
    StructMember,
    StructOrUnion,
    Void,
)

__all__ = [
    "Array",
    "CType",
    "Complex",
    "DataDeclaration",
    "Declarations",
    "Enumeration",
    "FunctionType",
    "Integer",
    "Parameter",
    "Pointer",
    "Prototype",
    "Real",
    "StructMember",
    "StructOrUnion",
    "Void",
    "parse",
    "parse_data",
    "parse_header",
]


<<<<<<< HEAD
@dataclass(frozen=True, slots=True)
class Void:
    """``void``."""

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer type by size in bytes and sign; ``name`` is how it was spelled, ``is_char`` a plain ``char``."""

    size: int
    signed: bool
    name: str
    is_char: bool = False
    is_bool: bool = False

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
class Pointer:
    """A pointer; ``const`` says that what it points to is not written."""

    target: CType
    const: bool = False

    def __str__(self) -> str:
        return f"{'const ' if self.const else ''}{self.target} *"


@dataclass(frozen=True, slots=True)
class Array:
    """An array; ``length`` None is an open one, ``at_least`` what ``static n`` demands of an argument."""

    element: CType
    length: int | None
    at_least: int = 0
    const: bool = False

    def __str__(self) -> str:
        return f"{self.element}[{'' if self.length is None else self.length}]"


@dataclass(frozen=True, slots=True)
class StructMember:
    """A member of a struct or union; ``bits`` is the width of a bit field, 0 for none."""

    name: str
    type: CType
    bits: int = 0


@dataclass(frozen=True, slots=True)
class StructOrUnion:
    """A struct or union by its tag; ``members`` None while it is incomplete (only pointers to it can be used)."""

    kind: str  # struct or union
    tag: str
    members: tuple[StructMember, ...] | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.tag}"


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum; its values are ints of C's ``int``."""

    tag: str
    values: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"enum {self.tag}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; ``name`` may be empty."""

    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a function takes and gives."""

    result: CType
    parameters: tuple[Parameter, ...] = ()
    variadic: bool = False

    def __str__(self) -> str:
        inside = ", ".join(str(p.type) for p in self.parameters) + (", ..." if self.variadic else "")
        return f"{self.result} ({inside or 'void'})"


CType = Void | Integer | Real | Pointer | Array | StructOrUnion | Enumeration | FunctionType


@dataclass(frozen=True, slots=True)
class Prototype:
    """A declared function. ``records`` are the complete structs and unions it may need, by ``kind tag``."""

    name: str
    type: FunctionType
    text: str
    records: Mapping[str, StructOrUnion] = field(default_factory=dict)

    @property
    def result(self) -> CType:
        return self.type.result

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.type.parameters

    @property
    def variadic(self) -> bool:
        return self.type.variadic


@dataclass(frozen=True, slots=True)
class DataDeclaration:
    """A declared variable."""

    name: str
    type: CType
    text: str
    records: Mapping[str, StructOrUnion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declarations:
    """Everything a piece of header declares, by name."""

    functions: Mapping[str, Prototype]
    variables: Mapping[str, DataDeclaration]
    records: Mapping[str, StructOrUnion]
    types: Mapping[str, CType]
    constants: Mapping[str, int]


def _sizes() -> dict[tuple[str, ...], CType]:
    """The basic types by their sorted specifiers (C99 6.7.2), with this platform's sizes."""
    made: dict[tuple[str, ...], CType] = {("void",): Void()}
    for spelled, kind in (
        ("short", ctypes.c_short),
        ("int", ctypes.c_int),
        ("long", ctypes.c_long),
        ("long long", ctypes.c_longlong),
    ):
        size, words = ctypes.sizeof(kind), spelled.split()
        forms = [words] if spelled == "int" else [words, [*words, "int"]]
        for form in forms:
            made[tuple(sorted(form))] = made[tuple(sorted([*form, "signed"]))] = Integer(size, True, spelled)
            made[tuple(sorted([*form, "unsigned"]))] = Integer(size, False, f"unsigned {spelled}")
    made["signed",] = made["int",]
    made["unsigned",] = Integer(ctypes.sizeof(ctypes.c_uint), False, "unsigned int")
    made["char",] = Integer(1, True, "char", is_char=True)
    made["char", "signed"] = Integer(1, True, "signed char")
    made["char", "unsigned"] = Integer(1, False, "unsigned char")
    made["_Bool",] = Integer(1, False, "bool", is_bool=True)
    made["float",] = Real(4, "float")
    made["double",] = Real(8, "double")
    made["double", "long"] = Real(ctypes.sizeof(ctypes.c_longdouble), "long double")
    return made


_BASIC: Final = _sizes()


def _own_typedefs() -> dict[str, CType]:
    """The typedefs of the C library that declarations use without saying so."""
    made: dict[str, CType] = {"bool": _BASIC["_Bool",], "va_list": Pointer(Void())}
    for bits in (8, 16, 32, 64):
        for signed, letter in ((True, ""), (False, "u")):
            for name in (f"{letter}int{bits}_t", f"{letter}int_least{bits}_t", f"{letter}int_fast{bits}_t"):
                size = ctypes.sizeof(ctypes.c_long) if "fast" in name and 8 < bits < 64 else bits // 8
                made[name] = Integer(size, signed, name)
    word = ctypes.sizeof(ctypes.c_void_p)
    for name, size, signed in (
        ("size_t", word, False), ("ssize_t", word, True), ("ptrdiff_t", word, True), ("intptr_t", word, True),
        ("uintptr_t", word, False), ("intmax_t", 8, True), ("uintmax_t", 8, False), ("off_t", word, True),
        ("off64_t", 8, True), ("time_t", word, True), ("clock_t", word, True), ("suseconds_t", word, True),
        ("pid_t", 4, True), ("uid_t", 4, False), ("gid_t", 4, False), ("mode_t", 4, False), ("dev_t", 8, False),
        ("ino_t", word, False), ("nlink_t", word, False), ("blksize_t", word, True), ("blkcnt_t", word, True),
        ("socklen_t", 4, False), ("wchar_t", ctypes.sizeof(ctypes.c_wchar), True), ("wint_t", 4, False),
        ("char16_t", 2, False), ("char32_t", 4, False), ("DWORD", 4, False), ("WORD", 2, False), ("BYTE", 1, False),
        ("BOOL", 4, True), ("u_char", 1, False), ("u_int", 4, False), ("uint", 4, False),
    ):  # fmt: skip
        made[name] = Integer(size, signed, name)
    for name in ("FILE", "DIR"):
        made[name] = StructOrUnion("struct", name)
    for name in ("HANDLE", "HMODULE", "HWND", "LPVOID", "PVOID"):
        made[name] = Pointer(Void())
    return made


_TYPEDEFS: Final[Mapping[str, CType]] = MappingProxyType(_own_typedefs())
_PRELUDE: Final = "".join(f"typedef int {name};" for name in _TYPEDEFS) + '\n# 1 "declaration"\n'

_COMMENT: Final = re.compile(r"//[^\n]*|/\*(?:.*?\*/|.*)", re.DOTALL)  # one that nobody closes goes to the end
_DEFINE: Final = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(?(-?)(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\)?[ \t]*$", re.MULTILINE | re.ASCII
)
_DIRECTIVE: Final = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_EXTENSION: Final = re.compile(
    r"\b(?:__attribute__|__declspec|__asm__|__asm|asm)[ \t\n]*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
    r"|\b(?:__extension__|__restrict(?:__)?|__inline(?:__)?|__const|__cdecl|__stdcall|WINAPI|__THROW|__wur)\b"
    r'|\bextern[ \t]+"C"(?=[ \t]+\w)'
)
_INTEGER: Final = re.compile(r"(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|(0[0-7]*)|([1-9][0-9]*))[uUlL]*", re.ASCII)
"""C11 6.4.4.1, and the binary ones of C23."""

_MAX_DIGITS: Final = 64
"""No integer of C has more, in whatever base."""

_MAX_NESTING: Final = 200
"""Pointers to arrays of functions and so on, through typedefs and members; C11 5.2.4.1 asks for 12 and 63."""

_CHARACTER: Final = re.compile(
    r"'([ -~]|\\[abfnrtv\\'\"?0]|\\x[0-7][0-9a-fA-F]|\\[0-7]{1,2}|\\[01][0-7]{2})'", re.ASCII
)
"""One ASCII character: what others are worth differs between compilers and machines."""

_WHERE: Final = re.compile(r"(?:declaration)?:(\d+):(\d+):?\s*(.*)", re.DOTALL)


=======
>>>>>>> 9e5c821 (Read and write C values in memory, structs and pointers by their declared types)
def parse(text: str) -> Prototype:
    """Understand the declaration of one function.

    Args:
        text: such as ``"double cos(double)"``, with or without the final semicolon; structs may be defined before it.

    Raises:
        InvalidPrototype: it is no C, declares no function or several, or is longer than 1 MiB. It says where.

    Pure and thread-safe.

    >>> prototype = parse("int puts(const char *s)")
    >>> prototype.name, str(prototype.parameters[0].type), str(prototype.result)
    ('puts', 'const char *', 'int')
    """
    declared = parse_header(text)
    if len(declared.functions) != 1:
        many = f"{len(declared.functions)} functions" if declared.functions else "no function"
        raise InvalidPrototype(
            text=text, reason=f"it declares {many}", advice="write it as in a header: 'int puts(const char *s)'"
        )
    return next(iter(declared.functions.values()))


def parse_data(text: str) -> DataDeclaration:
    """Understand the declaration of one variable; errors as :func:`parse`.

    >>> str(parse_data("extern char *optarg").type)
    'char *'
    """
    declared = parse_header(text)
    if len(declared.variables) != 1:
        raise InvalidPrototype(
            text=text,
            reason=f"it declares {len(declared.variables) or 'no'} variables",
            advice="write it as in a header: 'int optind'",
        )
    return next(iter(declared.variables.values()))


def parse_header(
    text: str, *, include: Sequence[str] = (), defines: Mapping[str, str | None] | None = None
) -> Declarations:
    r"""Understand a piece of header: functions, variables, structs, unions, enums, typedefs and constants.

    Args:
        text: as in a header file.
        include: directories of ``#include``, before the system's.
        defines: macros that are defined beforehand.

    Raises:
        InvalidPrototype: it is no C, longer than 1 MiB or nested too deeply; with the line and column in ``text``.

    >>> parse_header("#define SEEK_END 2\nenum color { RED, GREEN = 5, BLUE };").constants["BLUE"]
    6
    """
<<<<<<< HEAD
    if len(text) > MAX_HEADER_TEXT:
        raise InvalidPrototype(text=text, reason=f"longer than {MAX_HEADER_TEXT} characters")
    if "\0" in text:
        raise InvalidPrototype(text=text, reason="it has a NUL in it")
    plain = _COMMENT.sub(lambda comment: _without(comment, text), text)
    defined = {
        m[1]: -number if m[2] else number for m in _DEFINE.finditer(plain) if (number := _integer(m[3])) is not None
    }
    plain = _EXTENSION.sub(_blank, _DIRECTIVE.sub(_blank, plain)).rstrip()
    if plain and not plain.endswith((";", "}")):
        plain += ";"
    try:
        tree = CParser().parse(_PRELUDE + plain)
        return _Reader(text, defined).read(tree)
    except ParseError as error:
        raise _unparsable(text, str(error)) from error
    except RecursionError as error:
        raise InvalidPrototype(text=text, reason="it is nested too deeply") from error


def _without(comment: re.Match[str], text: str) -> str:
    if comment[0].startswith("/*") and (len(comment[0]) < 4 or not comment[0].endswith("*/")):
        line, column = text.count("\n", 0, comment.start()) + 1, comment.start() - text.rfind("\n", 0, comment.start())
        raise InvalidPrototype(text=text, reason="a comment that is never closed", line=line, column=column)
    return _blank(comment)


def _blank(match: re.Match[str]) -> str:
    """As many lines and columns of nothing, so that positions stay true."""
    return re.sub(r"[^\n]", " ", match[0])


def _unparsable(text: str, said: str) -> InvalidPrototype:
    found = _WHERE.search(said)
    line, column, reason = (int(found[1]), int(found[2]), found[3]) if found else (0, 0, said)
    reason = reason.removeprefix("declaration: ")
    reason = reason.replace("before: ", "it cannot be understood before ") if "before:" in reason else reason
    return InvalidPrototype(
        text=text,
        reason=reason or "it is no C declaration",
        line=line,
        column=column,
        advice="declare unknown type names first: 'typedef struct x x; ...'",
    )


class _Reader:
    """One parsed text on its way to :class:`Declarations`."""

    def __init__(self, text: str, constants: dict[str, int]) -> None:
        self.text = text
        self.constants = constants
        self.typedefs: dict[str, CType] = dict(_TYPEDEFS)
        self.records: dict[str, StructOrUnion] = {}
        self.functions: dict[str, Prototype] = {}
        self.variables: dict[str, DataDeclaration] = {}
        self.count = 0
        self.depths: dict[int, tuple[CType, int]] = {}  # by id; the type is kept so that the id stays its own

    def read(self, tree: c_ast.FileAST) -> Declarations:
        records = MappingProxyType(self.records)
        for node in tree.ext[len(_TYPEDEFS) :]:
            if isinstance(node, c_ast.Typedef):
                self.typedefs[node.name] = self._type(node.type)
            elif isinstance(node, c_ast.Decl):
                self._declare(node, records)
            elif isinstance(node, c_ast.FuncDef):
                self._declare(node.decl, records)
        own = {name: kind for name, kind in self.typedefs.items() if name not in _TYPEDEFS}
        return Declarations(
            MappingProxyType(self.functions),
            MappingProxyType(self.variables),
            records,
            MappingProxyType(own),
            MappingProxyType(self.constants),
        )

    def _declare(self, node: c_ast.Decl, records: Mapping[str, StructOrUnion]) -> None:
        kind = self._type(node.type)
        if node.name is None:
            return  # a struct, union or enum on its own
        if isinstance(kind, FunctionType):
            self.functions[node.name] = Prototype(node.name, kind, self.text, records)
        else:
            self.variables[node.name] = DataDeclaration(node.name, kind, self.text, records)

    def _type(self, node: Any) -> CType:
        made = self._understood(node)
        deepest = max((self._depth(part) for part in _parts(made)), default=0)
        if deepest >= _MAX_NESTING:
            raise self._refused(node, "it is nested too deeply")
        self.depths[id(made)] = made, deepest + 1
        return made

    def _depth(self, part: CType) -> int:
        return self.depths[id(part)][1] if id(part) in self.depths else 1

    def _understood(self, node: Any) -> CType:
        match node:
            case c_ast.TypeDecl():
                return self._type(node.type)
            case c_ast.IdentifierType():
                return self._named(node)
            case c_ast.PtrDecl():
                return Pointer(self._type(node.type), "const" in _qualifiers(node.type))
            case c_ast.ArrayDecl():
                return self._array(node)
            case c_ast.FuncDecl():
                return self._function(node)
            case c_ast.Struct() | c_ast.Union():
                return self._record(node)
            case c_ast.Enum():
                return self._enumeration(node)
        raise self._refused(node, f"{type(node).__name__} is not understood")

    def _named(self, node: c_ast.IdentifierType) -> CType:
        words = tuple(node.names)
        if len(words) == 1 and words[0] in self.typedefs:
            return self.typedefs[words[0]]
        found = _BASIC.get(tuple(sorted(words)))
        if found is None:
            raise self._refused(node, f"the type {' '.join(words)} is not known")
        return found

    def _array(self, node: c_ast.ArrayDecl) -> Array:
        length = self._number(node.dim) if node.dim is not None else None
        static = "static" in (node.dim_quals or ())
        if length is not None and length < 0:
            raise self._refused(node, "an array of negative length")
        return Array(self._type(node.type), length, length or 0 if static else 0, "const" in _qualifiers(node.type))

    def _function(self, node: c_ast.FuncDecl) -> FunctionType:
        parameters = list(self._parameters(node))
        variadic = bool(node.args) and any(isinstance(p, c_ast.EllipsisParam) for p in node.args.params)
        if [p.type for p in parameters] == [Void()]:
            parameters = []
        result = self._type(node.type)
        if isinstance(result, (Array, FunctionType)):
            raise self._refused(node, "a function cannot return an array or a function")
        return FunctionType(result, tuple(parameters), variadic)

    def _parameters(self, node: c_ast.FuncDecl) -> Iterator[Parameter]:
        """The parameters as they are passed: arrays and functions as pointers (C99 6.7.5.3)."""
        for parameter in node.args.params if node.args else ():
            if isinstance(parameter, c_ast.EllipsisParam):
                continue
            if isinstance(parameter, c_ast.ID):
                raise self._refused(node, f"the parameter {parameter.name} has no type")
            kind = self._type(parameter.type)
            yield Parameter(parameter.name or "", Pointer(kind) if isinstance(kind, FunctionType) else kind)

    def _record(self, node: c_ast.Struct | c_ast.Union) -> StructOrUnion:
        kind = "struct" if isinstance(node, c_ast.Struct) else "union"
        if node.name is None:
            self.count += 1
        tag = node.name or f"(unnamed {self.count})"
        key = f"{kind} {tag}"
        if node.decls is None:
            return self.records.get(key, StructOrUnion(kind, tag))
        members = tuple(self._member(d) for d in node.decls)
        self.records[key] = StructOrUnion(kind, tag, members)
        return self.records[key]

    def _member(self, node: c_ast.Decl) -> StructMember:
        bits = self._number(node.bitsize) if node.bitsize is not None else 0
        return StructMember(node.name or "", self._type(node.type), bits)

    def _enumeration(self, node: c_ast.Enum) -> Enumeration:
        values: list[tuple[str, int]] = []
        following = 0
        for entry in node.values.enumerators if node.values else ():
            number = self._number(entry.value) if entry.value is not None else following
            values.append((entry.name, number))
            self.constants[entry.name] = number
            following = number + 1
        return Enumeration(node.name or "", tuple(values))

    def _number(self, node: Any) -> int:
        """A constant expression: numbers, earlier constants, signs, sums, products, shifts, sizeof a type."""
        match node:
            case c_ast.Constant() if (value := _constant(node.value)) is not None:
                return value
            case c_ast.ID() if node.name in self.constants:
                return self.constants[node.name]
            case c_ast.UnaryOp(op="-"):
                return -self._number(node.expr)
            case c_ast.UnaryOp(op="~"):
                return ~self._number(node.expr)
            case c_ast.UnaryOp(op="sizeof") if isinstance(node.expr, c_ast.Typename):
                kind = self._type(node.expr.type)
                if isinstance(kind, (Integer, Real)):
                    return kind.size
                if isinstance(kind, Pointer):
                    return ctypes.sizeof(ctypes.c_void_p)
            case c_ast.BinaryOp() if node.op in _OPERATORS:
                left, right = self._number(node.left), self._number(node.right)
                if not (abs(left) >> 64 or abs(right) >> 64 or (node.op == "<<" and not 0 <= right < 64)):
                    return _OPERATORS[node.op](left, right)
        raise self._refused(node, "an expression that is no simple constant")

    def _refused(self, node: Any, reason: str) -> InvalidPrototype:
        place = getattr(node, "coord", None)
        return InvalidPrototype(
            text=self.text,
            reason=reason,
            line=getattr(place, "line", 0) or 0,
            column=getattr(place, "column", 0) or 0,
            advice="declare unknown type names first: 'typedef struct x x; ...'",
        )


def _parts(kind: CType) -> tuple[CType, ...]:
    """The types that a type is made of."""
    match kind:
        case Pointer():
            return (kind.target,)
        case Array():
            return (kind.element,)
        case FunctionType():
            return (kind.result, *(parameter.type for parameter in kind.parameters))
        case StructOrUnion():
            return tuple(member.type for member in kind.members or ())
    return ()


_OPERATORS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b if 0 <= b < 64 else 0,
}


def _constant(text: str) -> int | None:
    """What an integer or character constant is worth; None for every other constant."""
    character = _CHARACTER.fullmatch(text)
    if character is None:
        return _integer(text)
    escape = character[1].removeprefix("\\")
    if escape is character[1] or escape == "":
        return ord(character[1])
    return _ESCAPES[escape] if escape in _ESCAPES else _number_escape(escape)


_ESCAPES: Final = dict(zip("abfnrtv\\'\"?", (7, 8, 12, 10, 13, 9, 11, 92, 39, 34, 63), strict=True))
"""C11 6.4.4.4."""


def _number_escape(escape: str) -> int:
    return int(escape[1:], 16) if escape[0] == "x" else int(escape, 8)


def _integer(text: str) -> int | None:
    """What an integer constant is worth; None when it is none, or larger than any type."""
    found = _INTEGER.fullmatch(text)
    if found is None or len(text) > _MAX_DIGITS + 8:
        return None
    digits = zip(found.groups(), (16, 2, 8, 10), strict=True)
    value = next(int(written, base) for written, base in digits if written is not None)
    return value if not value >> 64 else None


def _qualifiers(node: Any) -> tuple[str, ...]:
    return tuple(getattr(node, "quals", None) or ())
=======
    return read_text(text, include=include, defines=defines)
>>>>>>> 9e5c821 (Read and write C values in memory, structs and pointers by their declared types)
