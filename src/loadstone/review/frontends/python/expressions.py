"""Python expressions to the shared representation, names resolved on the way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.frontends.python.scopes import Scope

__all__ = ["PythonExpressions", "TooDeep"]

_MAX_DEPTH: Final = 120
"""Nested expressions beyond this become a gap; hand-written code stays below twenty."""

_BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "/",
    ast.Mod: "%",
    ast.Pow: "*",
    ast.MatMult: "*",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_UNARY: Final[dict[type[ast.unaryop], str]] = {ast.Not: "!", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
_COMPARE: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "==",
    ast.IsNot: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}


class TooDeep(Exception):
    """An expression is nested deeper than anybody writes; its statement becomes a gap."""


@dataclass(slots=True)
class PythonExpressions:
    """Lowers the expressions of one scope.

    ``closure`` lowers a lambda's body in a scope of its own, as deep as it stands; ``choice`` is told of every
    conditional expression; ``depth`` is how deep this one stands.
    """

    scope: Scope
    closure: Callable[[ast.Lambda, Scope, int], ir.Function]
    choice: Callable[[ast.IfExp, Scope], None]
    depth: int = 0

    def lower(self, node: ast.expr) -> ir.Expression:
        """The expression; raises :class:`TooDeep` beyond the depth anybody writes."""
        if self.depth >= _MAX_DEPTH:
            raise TooDeep
        self.depth += 1
        try:
            return _LOWER.get(type(node), _unknown)(self, node)
        finally:
            self.depth -= 1

    def all(self, nodes: Sequence[ast.expr]) -> tuple[ir.Expression, ...]:
        """Several expressions, in order."""
        return tuple(self.lower(node) for node in nodes)

    def balanced(self, line: int, operator: str, operands: Sequence[ir.Expression]) -> ir.Expression:
        """An associative operator over many operands, as a shallow tree of pairs."""
        if len(operands) == 1:
            return operands[0]
        middle = len(operands) // 2
        left = self.balanced(line, operator, operands[:middle])
        right = self.balanced(line, operator, operands[middle:])
        return ir.Operation(line, operator, (left, right))


def _unknown(x: PythonExpressions, node: ast.expr) -> ir.Expression:
    """What has no counterpart: its parts, so that calls inside are seen."""
    parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return ir.Display(node.lineno, x.all(parts))


def _constant(_x: PythonExpressions, node: ast.Constant) -> ir.Expression:
    value = node.value
    if isinstance(value, (int, float, str, bytes, bool)) or value is None:
        return ir.Literal(node.lineno, value)
    return ir.Name(node.lineno, "..." if value is ... else repr(value))


def _name(x: PythonExpressions, node: ast.Name) -> ir.Expression:
    dotted = x.scope.dotted(node)
    return ir.Name(node.lineno, dotted or node.id)


def _attribute(x: PythonExpressions, node: ast.Attribute) -> ir.Expression:
    dotted = x.scope.dotted(node)
    if dotted is not None:
        return ir.Name(node.lineno, dotted)
    return ir.Member(node.lineno, x.lower(node.value), node.attr)


def _subscript(x: PythonExpressions, node: ast.Subscript) -> ir.Expression:
    return ir.Item(node.lineno, x.lower(node.value), x.lower(node.slice))


def _slice(x: PythonExpressions, node: ast.Slice) -> ir.Expression:
    given = {"lower": node.lower, "upper": node.upper, "step": node.step}
    parts = {name: part for name, part in given.items() if part is not None}
    return ir.Display(node.lineno, x.all([*parts.values()]), tuple(parts))


def _call(x: PythonExpressions, node: ast.Call) -> ir.Expression:
    name = x.scope.callee(node.func)
    receiver = None
    if isinstance(node.func, ast.Attribute) and x.scope.dotted(node.func) is None:
        receiver = x.lower(node.func.value)
        function: ir.Expression = ir.Member(node.func.lineno, receiver, node.func.attr)
    else:
        function = x.lower(node.func)
    positional = [arg.value if isinstance(arg, ast.Starred) else arg for arg in node.args]
    if name == "?.format" and isinstance(node.func, ast.Attribute) and x.scope.type_of(node.func.value) == "str":
        pieces = [node.func.value, *positional, *(k.value for k in node.keywords)]
        return ir.Operation(node.lineno, "format", x.all(pieces))
    return ir.Call(
        node.lineno,
        name,
        function,
        tuple(
            ir.Cast(arg.lineno, "*", x.lower(arg.value)) if isinstance(arg, ast.Starred) else x.lower(arg)
            for arg in node.args
        ),
        tuple((keyword.arg or "**", x.lower(keyword.value)) for keyword in node.keywords),
        receiver,
        node.end_lineno or node.lineno,
    )


def _chain(node: ast.BinOp) -> list[ast.expr]:
    """``a + b + c`` as its operands: generated code has thousands."""
    operands: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
        operands.append(left.right)
        left = left.left
    operands.append(left)
    return operands[::-1]


def _binary(x: PythonExpressions, node: ast.BinOp) -> ir.Expression:
    if isinstance(node.op, ast.Mod) and x.scope.type_of(node.left) in ("str", "bytes"):
        right = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return ir.Operation(node.lineno, "format", x.all([node.left, *right]))
    operator = _BINARY[type(node.op)]
    if operator == "/" and x.scope.type_of(node.left) == "pathlib.Path":
        name = ir.Name(node.lineno, "pathlib.Path.joinpath")
        base = x.lower(node.left)
        return ir.Call(
            node.lineno, name.name, ir.Member(node.lineno, base, "joinpath"), (x.lower(node.right),), (), base
        )
    if isinstance(node.op, (ast.Add, ast.BitOr, ast.BitAnd)):
        return _folded(x.balanced(node.lineno, operator, x.all(_chain(node))))
    return ir.Operation(node.lineno, operator, (x.lower(node.left), x.lower(node.right)))


def _folded(value: ir.Expression) -> ir.Expression:
    """Two literals of text added are one."""
    match value:
        case ir.Operation(operator="+", operands=(ir.Literal(value=str(left)), ir.Literal(value=str(right)))):
            return ir.Literal(value.line, left + right)
        case _:
            return value


def _unary(x: PythonExpressions, node: ast.UnaryOp) -> ir.Expression:
    operand = x.lower(node.operand)
    if isinstance(node.op, ast.USub) and isinstance(operand, ir.Literal) and isinstance(operand.value, (int, float)):
        return ir.Literal(node.lineno, -operand.value)
    return ir.Operation(node.lineno, _UNARY[type(node.op)], (operand,))


def _boolean(x: PythonExpressions, node: ast.BoolOp) -> ir.Expression:
    return x.balanced(node.lineno, "&&" if isinstance(node.op, ast.And) else "||", x.all(node.values))


def _compare(x: PythonExpressions, node: ast.Compare) -> ir.Expression:
    values = x.all([node.left, *node.comparators])
    links = [ir.Operation(node.lineno, _COMPARE[type(op)], (values[i], values[i + 1])) for i, op in enumerate(node.ops)]
    return x.balanced(node.lineno, "&&", links)


def _conditional(x: PythonExpressions, node: ast.IfExp) -> ir.Expression:
    x.choice(node, x.scope)
    return ir.Operation(node.lineno, "?:", x.all([node.test, node.body, node.orelse]))


def _sequence(x: PythonExpressions, node: ast.List | ast.Tuple | ast.Set) -> ir.Expression:
    return ir.Display(node.lineno, x.all([e.value if isinstance(e, ast.Starred) else e for e in node.elts]))


def _mapping(x: PythonExpressions, node: ast.Dict) -> ir.Expression:
    keys = tuple(k.value if isinstance(k, ast.Constant) and isinstance(k.value, str) else "" for k in node.keys)
    return ir.Display(node.lineno, x.all(node.values), keys)


def _text(x: PythonExpressions, node: ast.JoinedStr) -> ir.Expression:
    pieces = [piece.value if isinstance(piece, ast.FormattedValue) else piece for piece in node.values]
    return ir.Operation(node.lineno, "format", x.all(pieces)) if pieces else ir.Literal(node.lineno, "")


def _await(x: PythonExpressions, node: ast.Await) -> ir.Expression:
    return ir.Operation(node.lineno, "await", (x.lower(node.value),))


def _yield(x: PythonExpressions, node: ast.Yield | ast.YieldFrom) -> ir.Expression:
    value = x.lower(node.value) if node.value is not None else ir.Literal(node.lineno, None)
    return ir.Call(node.lineno, "yield", ir.Name(node.lineno, "yield"), (value,))  # handed to whoever iterates


def _walrus(x: PythonExpressions, node: ast.NamedExpr) -> ir.Expression:
    return ir.AssignmentExpression(node.lineno, x.lower(node.target), x.lower(node.value))


def _lambda(x: PythonExpressions, node: ast.Lambda) -> ir.Expression:
    return ir.Closure(node.lineno, x.closure(node, x.scope, x.depth))


def _starred(x: PythonExpressions, node: ast.Starred) -> ir.Expression:
    return x.lower(node.value)


def _comprehension(
    x: PythonExpressions, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
) -> ir.Expression:
    """The element, as often as the iterables say; each loop variable stands for an item of its iterable."""
    stores = [
        ir.AssignmentExpression(
            g.iter.lineno, x.lower(g.target), ir.Item(g.iter.lineno, x.lower(g.iter), ir.Literal(g.iter.lineno, None))
        )
        for g in node.generators
    ]
    conditions = [x.lower(test) for g in node.generators for test in g.ifs]
    element: ir.Expression
    if isinstance(node, ast.DictComp):
        element = ir.Display(node.lineno, x.all([node.key, node.value]))
    else:
        element = x.lower(node.elt)
    if conditions:
        test = x.balanced(node.lineno, "&&", conditions)
        element = ir.Operation(node.lineno, "?:", (test, element, ir.Literal(node.lineno, None)))
    value: ir.Expression = ir.Display(node.lineno, (element,))
    for store in reversed(stores):
        value = ir.Operation(node.lineno, ",", (store, value))
    return ir.Cast(node.lineno, "generator", value) if isinstance(node, ast.GeneratorExp) else value  # read later


_LOWER: Final[dict[type[ast.expr], Callable[..., ir.Expression]]] = {
    ast.Attribute: _attribute,
    ast.Await: _await,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _mapping,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _conditional,
    ast.JoinedStr: _text,
    ast.Lambda: _lambda,
    ast.List: _sequence,
    ast.ListComp: _comprehension,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _sequence,
    ast.SetComp: _comprehension,
    ast.Slice: _slice,
    ast.Starred: _starred,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.UnaryOp: _unary,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
