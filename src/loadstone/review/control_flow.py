"""The control flow of one function: one node a step, and where each step may go on. :mod:`cfg` makes it."""

from __future__ import annotations

from dataclasses import field
from enum import Enum, auto

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir

__all__ = ["Graph", "Kind", "Leave", "Node"]


class Kind(Enum):
    """What a node does."""

    __hash__ = object.__hash__  # a kind is itself: asked at every step of every walk

    ENTRY = auto()
    ASSIGN = auto()
    EVALUATE = auto()
    TEST = auto()
    CHOOSE = auto()
    LOOP = auto()
    EACH = auto()
    LOOP_DONE = auto()
    ENTER = auto()
    LEAVE = auto()
    CATCH = auto()
    HANDLER = auto()
    RETURN = auto()
    RAISE = auto()
    GAP = auto()
    END = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Leave:
    """What happens when a scope ends: a variable's destructor or cleanup function, or a context manager's exit."""

    line: int
    name: str
    type: str = ""
    cleanup: str = ""
    context: ir.Expression | None = None


@dataclass(slots=True, eq=False)
class Node:
    """One step. ``next`` are successors: of a test (true, false), of a choice one a case."""

    kind: Kind
    line: int
    statement: ir.Statement | ir.Handler | None = None
    expression: ir.Expression | None = None
    target: ir.Expression | None = None
    leave: Leave | None = None
    next: list[int] = field(default_factory=list)
    unwind: int = -1
    guarded: tuple[Leave, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The nodes of one function; node 0 is the entry."""

    function: ir.Function
    nodes: tuple[Node, ...]
    is_cut: bool = False
