"""The one representation all front ends lower to and all analyses read: small, language neutral, with lines kept.

A front end turns one file into a :class:`Unit`. Names are already resolved when they get here: ``Call.name`` is the
name the API tables know (``dlopen``, ``QLibrary::load``, ``ctypes.CDLL``, ``os.path.join``) after import aliases,
macros and the declared type of a receiver were looked through; an unknown receiver leaves ``?.name``. Literals are
folded where the language allows (adjacent strings, constants defined in the file). Lines count from 1.

What could not be read becomes a :class:`Gap`, never silence: claims that touch one become undecided.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from functools import lru_cache

from loadstone.quick_dataclass import dataclass

__all__ = [
    "Assign",
    "AssignmentExpression",
    "Block",
    "Branch",
    "Call",
    "Case",
    "Cast",
    "Class",
    "Closure",
    "Conditional",
    "DeclaredVariable",
    "Display",
    "Evaluate",
    "Expression",
    "Function",
    "Gap",
    "Handler",
    "If",
    "Item",
    "Jump",
    "Label",
    "Language",
    "Literal",
    "Loop",
    "Member",
    "Name",
    "Operation",
    "Parameter",
    "Program",
    "Raise",
    "Return",
    "Statement",
    "Switch",
    "Try",
    "Unit",
    "With",
]


class Language(StrEnum):
    """A source language with a front end."""

    C = "c"
    CPP = "cpp"
    PYTHON = "python"


# Expressions. Identity is what tells two of them apart, so eq stays off: comparing trees is never meant.


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A variable, a function, ``this`` or ``self``; in Python also a module's dotted name once resolved."""

    line: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant; ``None`` is null, ``nullptr`` and Python's None."""

    line: int
    value: int | float | str | bytes | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """``base.name`` or ``base->name`` (``through`` says it was the arrow, so base is dereferenced)."""

    line: int
    base: Expression
    name: str
    through: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """``base[index]``."""

    line: int
    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call. ``name`` is the resolved name; ``function`` what was written; ``receiver`` the object of a method."""

    line: int
    name: str
    function: Expression
    arguments: tuple[Expression, ...] = ()
    keywords: tuple[tuple[str, Expression], ...] = ()
    receiver: Expression | None = None
    end_line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operator over operands.

    Spelled as in C in every language: ``! && || == != < <= > >= + - * / % & | ^ ~ << >>``; also ``?:`` (condition,
    yes, no), ``address``, ``deref``, ``format`` (f-string, ``%``, ``str.format``: the pieces in order), ``in``,
    ``not in``, ``,`` and ``await``. ``is`` and ``is not`` are ``==`` and ``!=``.
    """

    line: int
    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """``operand`` seen as ``type``, spelled as in the source."""

    line: int
    type: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """A list, tuple, set, dict or initialiser list: ``keys`` and ``items`` in order; an unnamed item has key ``""``."""

    line: int
    items: tuple[Expression, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A lambda, or a nested function used as a value."""

    line: int
    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentExpression:
    """An assignment used as a value: ``(p = dlopen(...))``, ``:=``. ``operator`` is ``+`` for ``+=`` and so on."""

    line: int
    target: Expression
    value: Expression
    operator: str = ""


Expression = Name | Literal | Member | Item | Call | Operation | Cast | Display | Closure | AssignmentExpression


# Statements.


@dataclass(frozen=True, slots=True, eq=False)
class Evaluate:
    """An expression for its effect; ``discards`` marks a deliberate ``(void)`` or ``_ =``."""

    line: int
    expression: Expression
    discards: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Assign:
    """``target = value``, or a declaration.

    ``type`` is the declared type as spelled (C, C++) or annotated or inferred from a constructor (Python), ``""`` when
    unknown. ``static`` marks storage that outlives the function. ``cleanup`` names the function run on the variable
    when its scope ends (cleanup attribute, smart-pointer deleter). ``operator`` is ``+`` for ``+=`` and so on.
    """

    line: int
    target: Expression
    value: Expression | None
    declares: bool = False
    type: str = ""
    static: bool = False
    cleanup: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Statements with a scope of their own: what was declared inside ends with it."""

    line: int
    end_line: int
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class If:
    """``condition`` decides between two blocks."""

    line: int
    condition: Expression
    then: Block
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Any loop: ``condition`` None is for ever, ``each`` a for-each's (target, iterable), ``runs_first`` do-while.

    ``type`` is the spelled type of what a for-each of C++ goes through.
    """

    line: int
    body: Block
    condition: Expression | None = None
    step: tuple[Expression, ...] = ()
    each: tuple[Expression, Expression] | None = None
    otherwise: Block | None = None
    runs_first: bool = False
    type: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One arm of a switch or match: its values (none for default), its statements, whether it falls into the next."""

    line: int
    values: tuple[Expression, ...]
    body: Block
    falls_through: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """A choice among cases."""

    line: int
    subject: Expression
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    """Leaves the function with a value, or without."""

    line: int
    value: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Raise:
    """Throws; ``value`` None rethrows."""

    line: int
    value: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Jump:
    """``kind`` is break, continue or goto (to ``label``)."""

    line: int
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Where a goto may arrive."""

    line: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """``catches`` are resolved exception names, empty for all; ``name`` what the exception is bound to."""

    line: int
    catches: tuple[str, ...]
    body: Block
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """``body`` with handlers, Python's else, and finally."""

    line: int
    body: Block
    handlers: tuple[Handler, ...] = ()
    otherwise: Block | None = None
    final: Block | None = None


@dataclass(frozen=True, slots=True, eq=False)
class With:
    """``items`` are (context expression, target or None), left in reverse order when the body ends in any way."""

    line: int
    items: tuple[tuple[Expression, Expression | None], ...]
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Source that could not be read, and why."""

    line: int
    end_line: int
    why: str


Statement = Assign | Block | Evaluate | Gap | If | Jump | Label | Loop | Raise | Return | Switch | Try | With


# What a file is made of.


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter; ``type`` as spelled, after a ``*`` for ``*args``; ``default`` None when there is none."""

    line: int
    name: str
    type: str = ""
    default: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function with a body.

    ``name`` is qualified with class and namespace (``Library::open``, ``Library.open``); ``owner`` is the class;
    ``local`` says nobody outside the file (or, in Python, by convention: a leading underscore) can call it;
    ``marks`` are attributes, decorators and words that matter (``constructor``, ``noreturn``, ``noexcept``,
    ``extern C``, ``async``, ``property``); ``condition`` is the ``#if`` branch this body was read under.
    ``globals`` are names Python declares global or nonlocal. A Python module's top level is a function ``<module>``.
    """

    name: str
    line: int
    end_line: int
    body: Block
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    owner: str = ""
    local: bool = False
    marks: frozenset[str] = frozenset()
    condition: str = ""
    globals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredVariable:
    """A variable at file scope or a member of a class; ``type`` as spelled, with const, static and atomic kept."""

    name: str
    line: int
    type: str = ""
    value: Expression | None = None
    local: bool = False
    private: bool = False
    condition: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class, struct or union; ``methods`` are the simple names declared in it; ``copyable`` None when not C++.

    ``overlaid``: it is a union, whose members are one place.
    """

    name: str
    line: int
    end_line: int
    members: tuple[DeclaredVariable, ...] = ()
    methods: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    copyable: bool | None = None
    local: bool = False
    overlaid: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One arm of a conditional: its own condition text (``""`` for else), its lines, whether it ends in ``#error``."""

    line: int
    end_line: int
    condition: str
    refuses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """A ``#if`` family, or a Python ``if sys.platform``: its branches in order."""

    line: int
    end_line: int
    branches: tuple[Branch, ...]

    @property
    def has_fallback(self) -> bool:
        """Whether some branch is taken when no condition holds."""
        return bool(self.branches) and not self.branches[-1].condition


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One file, read. ``text`` is what was decoded (invalid UTF-8 replaced); ``exported`` Python's ``__all__``.

    ``words`` are all identifiers in it: what tells which functions of other units it may call.
    """

    path: str
    language: Language
    text: str
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    variables: tuple[DeclaredVariable, ...] = ()
    conditionals: tuple[Conditional, ...] = ()
    gaps: tuple[Gap, ...] = ()
    imports: tuple[str, ...] = ()
    exported: frozenset[str] | None = None
    line_count: int = 0
    words: frozenset[str] = frozenset()

    def line_text(self, line: int) -> str:
        """The text of one line, without its end; empty when there is no such line."""
        lines = _lines(self.text)
        return lines[line - 1] if 0 < line <= len(lines) else ""


@lru_cache(4)
def _lines(text: str) -> list[str]:
    """The lines of a file: whoever asks for one asks for the next."""
    return text.splitlines()


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The units of one run: summaries and lock order reach across all of them."""

    units: tuple[Unit, ...] = field(default=())
