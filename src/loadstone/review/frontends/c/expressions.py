"""C and C++ expressions to the shared representation: macros expanded, constants folded, receivers typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, TypeVar

from tree_sitter import Node, Parser

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.frontends.c.declarators import text
from loadstone.review.frontends.c.directives import MacroDefinition, substituted
from loadstone.review.frontends.c.literals import character, number, string_value
from loadstone.review.typenames import base_type, cast_to, element, instance, is_number, long_name, of_pair, pointee
from loadstone.review.walk import last_word, uncast

__all__ = ["CExpressions", "TooDeepForC"]

_T = TypeVar("_T")

MAX_DEPTH: Final = 60
"""Nested constructs beyond this become a gap; hand-written code stays below thirty. Bounds our own recursion."""

MAX_CHAIN: Final = 40
"""Operators in a row (a + b + c ...) beyond this become a gap: each is a level of the tree."""

_MAX_EXPANSION: Final = 4096
_MAX_MACRO_DEPTH: Final = 6
_TEMPLATE: Final = re.compile(r"<.*>", re.DOTALL)
_POINTER_TYPE: Final = re.compile(r"[A-Z]\w*(?:Pointer|Ptr|Func|Function|Fn)\Z|_(?:fn|func|ptr)_t\Z")
_CAST_MACRO: Final = re.compile(r"(?i)(?:\A|_)cast(?:_|\Z)")
_DATA_POINTER: Final = re.compile(r"\(\s*(?:\w*pointer|L?P(?:C?VOID|BYTE|C?W?STR)|\w+_ptr(?:_t)?)\s*\)\Z")
_KNOWN_CONSTANTS: Final[Mapping[str, object]] = {
    "true": True, "false": False, "TRUE": True, "FALSE": False, "NULL": None, "nullptr": None, "Q_NULLPTR": None,
    "nil": None, "Nil": None, "INVALID_HANDLE_VALUE": -1,
}  # fmt: skip
_TRUTH: Final = re.compile(r"[A-Z]\w*_(TRUE|FALSE)\Z")
"""What projects call the two truth values: ``SDL_TRUE``, ``GL_FALSE``, ``JNI_TRUE``."""


class TooDeepForC(Exception):
    """Source is nested deeper than anybody writes; the statement becomes a gap."""


@dataclass(slots=True)
class CExpressions:
    """Lowers the expressions of one function.

    ``types`` are the spelled types of the names in scope; ``nested`` lowers a lambda or a statement expression;
    ``fixed_line`` is the line of the macro call when a macro's body is being lowered.
    """

    parser: Parser
    macros: Mapping[str, MacroDefinition]
    types: dict[str, str]
    nested: Callable[[Node, CExpressions], ir.Function]
    aliases: Mapping[str, str] = field(default_factory=dict)
    fixed_line: int = 0
    depth: int = 0
    macro_depth: int = 0
    owner: str = ""

    def line(self, node: Node) -> int:
        """The line a node starts on; that of the macro call inside an expansion."""
        return self.fixed_line or node.start_point[0] + 1

    def end_line(self, node: Node) -> int:
        """The line a node ends on."""
        return self.fixed_line or node.end_point[0] + 1

    def lower(self, node: Node) -> ir.Expression:
        """The expression; raises :class:`TooDeepForC`."""
        if self.depth >= MAX_DEPTH:
            raise TooDeepForC
        self.depth += 1
        try:
            handler = _LOWER.get(node.type)
            return handler(self, node) if handler is not None else self._unknown(node)
        finally:
            self.depth -= 1

    def child(self, node: Node, name: str) -> ir.Expression:
        """The expression in a field of a node; an unknown one when it is missing."""
        found = node.child_by_field_name(name)
        return self.lower(found) if found is not None else ir.Operation(self.line(node), "?", ())

    def arguments(self, node: Node | None) -> tuple[ir.Expression, ...]:
        """The arguments of a list node."""
        if node is None:
            return ()
        return tuple(self.lower(n) for n in node.named_children if n.type != "comment")

    def type_of(self, expression: ir.Expression) -> str:
        """The declared type of a name or member, as spelled; empty when unknown."""
        match expression:
            case ir.Name(name=name):
                return self._named(self.types.get(name, "") or self.types.get(f"{self.owner}.{name}", ""))
            case ir.Member(base=base, name=name, through=through):
                held = self.type_of(base)
                held = pointee(held) if through else held
                owner = base_type(held)
                found = self.types.get(f"{owner}.{name}", "") or of_pair(held, name) or self.types.get(f".{name}", "")
                return self._named(found)
            case ir.Item(base=base) | ir.Operation(operator="deref", operands=(base,)):
                return self._named(element(self.type_of(base)))
            case ir.Operation(operator="address", operands=(base,)):
                return self.type_of(base)
            case ir.Call(name=name, function=called) if "::" in name and f"returns {name}" in self.types:
                return self._named(self._instance(name, called))
            case ir.Call(receiver=receiver, name=name) if receiver is not None and (word := last_word(name)) in _GIVES:
                held = self.type_of(receiver)
                if word == "lock":  # a weak pointer gives a shared one
                    return held.rstrip("& ").replace("weak_ptr", "shared_ptr") if "weak_ptr" in held else ""
                return self._named(f"iterator<{held}>" if word in _ITERATORS else element(held)) if held else ""
            case ir.Cast(type=spelled):
                return spelled
            case ir.Call(name="std::move", arguments=(moved,)):
                return self.type_of(moved)
            case ir.Call(name=name, function=called):
                mine = f"{self.owner}::{name}" if self.owner else ""
                return self._named(self._instance(mine, called) or self._instance(name, called))
        return ""

    def _instance(self, name: str, called: ir.Expression) -> str:
        """What a function of the file returns, of a template as it is called."""
        written = called.name if isinstance(called, ir.Name | ir.Member) else ""
        return instance(self.types.get(f"returns {name}", ""), self.types.get(f"template {name}", ""), written)

    def _named(self, spelled: str) -> str:
        """A type whose name ``using`` gave to another."""
        return self.types.get(f"using {base_type(spelled)}", spelled) if spelled else ""

    def _unknown(self, node: Node) -> ir.Expression:
        return ir.Operation(self.line(node), "?", tuple(self.lower(n) for n in node.named_children))

    # Leaves.

    def _identifier(self, node: Node) -> ir.Expression:
        name = text(node)
        line = self.line(node)
        if name in _KNOWN_CONSTANTS:
            return ir.Literal(line, _KNOWN_CONSTANTS[name])  # type: ignore[arg-type]
        if (truth := _TRUTH.match(name)) is not None and name not in self.macros:
            return ir.Literal(line, truth[1] == "TRUE")
        macro = self.macros.get(name)
        is_flag = name.startswith("RTLD_")  # defined as 0 where a system lacks it
        if macro is not None and macro.parameters is None and macro.body and self.macro_depth < _MAX_MACRO_DEPTH:
            expanded = self.expand(macro.body, line) if not is_flag else None
            if expanded is not None:
                return expanded
        return ir.Name(line, "this" if name == "this" else name.removeprefix("::"))

    def expand(self, body: str, line: int) -> ir.Expression | None:
        """A macro's body as an expression, every line that of the call; None when it is not an expression."""
        if len(body) > _MAX_EXPANSION:
            return None
        tree = self.parser.parse(f"void _(void) {{ _ = {body}; }}".encode())
        if tree.root_node.has_error:
            return None
        block = tree.root_node.named_children[0].child_by_field_name("body")
        if block is None or len(block.named_children) != 1 or not block.named_children[0].named_children:
            return None
        assignment = block.named_children[0].named_children[0]
        value = assignment.child_by_field_name("right")
        if assignment.type != "assignment_expression" or value is None:
            return None
        return self.within_macro(line, lambda: self.lower(value))

    def within_macro(self, line: int, work: Callable[[], _T]) -> _T:
        """Run ``work`` with every line taken to be that of the macro call."""
        before, self.fixed_line = self.fixed_line, self.fixed_line or line
        self.macro_depth += 1
        try:
            return work()
        finally:
            self.fixed_line = before
            self.macro_depth -= 1

    def substituted(self, macro: MacroDefinition, node: Node) -> str:
        """The body of a function-like macro with the call's arguments in place; empty when they do not fit."""
        return substituted(macro, [text(n) for n in node.named_children] if node is not None else [])

    def _literal(self, node: Node) -> ir.Expression:
        value = number(text(node))
        return ir.Literal(self.line(node), value) if value is not None else ir.Operation(self.line(node), "?", ())

    def _string(self, node: Node) -> ir.Expression:
        return ir.Literal(self.line(node), string_value(text(node)))

    def _concatenated(self, node: Node) -> ir.Expression:
        pieces = [self.lower(n) for n in node.named_children]
        if all(isinstance(p, ir.Literal) and isinstance(p.value, str) for p in pieces):
            return ir.Literal(self.line(node), "".join(str(p.value) for p in pieces if isinstance(p, ir.Literal)))
        return ir.Operation(self.line(node), "format", tuple(pieces))

    def _char(self, node: Node) -> ir.Expression:
        value = character(text(node))
        return ir.Literal(self.line(node), value)

    def _null(self, node: Node) -> ir.Expression:
        return ir.Literal(self.line(node), None)

    def _true(self, node: Node) -> ir.Expression:
        return ir.Literal(self.line(node), node.type == "true")

    # Operators.

    def _parenthesized(self, node: Node) -> ir.Expression:
        inner = [n for n in node.named_children if n.type != "comment"]
        if len(inner) == 1 and inner[0].type == "compound_statement":
            return ir.Closure(self.line(node), self.nested(inner[0], self))
        return self.lower(inner[0]) if inner else ir.Operation(self.line(node), "?", ())

    def _binary(self, node: Node) -> ir.Expression:
        spine = []
        left: Node | None = node
        while left is not None and left.type == "binary_expression":
            spine.append(left)
            left = left.child_by_field_name("left")
        if len(spine) > MAX_CHAIN:
            raise TooDeepForC
        result = self.lower(left) if left is not None else ir.Operation(self.line(node), "?", ())
        for part in reversed(spine):
            operator = part.child_by_field_name("operator")
            if part is spine[-1] and left is not None and operator is not None and self._casts_address(left, operator):
                address = ir.Operation(self.line(part), "address", (self.child(part, "right"),))
                result = ir.Cast(self.line(part), text(left)[1:-1].strip(), address)
                continue
            word = {"and": "&&", "or": "||", "not_eq": "!="}.get(found := text(operator) if operator else "?", found)
            if word in {"&&", "||"} and isinstance(result, ir.Literal) and type(result.value) is int:
                if bool(result.value) is (word == "&&"):  # 1 && x is x, 0 && x is never asked: an argument of a macro
                    result = self.child(part, "right")
                continue
            result = ir.Operation(self.line(part), word, (result, self.child(part, "right")))
        return result

    def _unary(self, node: Node) -> ir.Expression:
        operator = node.child_by_field_name("operator")
        operand = self.child(node, "argument")
        word = {"not": "!"}.get(found := text(operator) if operator else "?", found)
        if word == "-" and isinstance(operand, ir.Literal) and isinstance(operand.value, int):
            return ir.Literal(self.line(node), -operand.value)
        return ir.Operation(self.line(node), word, (operand,))

    def _pointer(self, node: Node) -> ir.Expression:
        operator = node.child_by_field_name("operator")
        operand = self.child(node, "argument")
        inner = uncast(operand)
        if operator is not None and text(operator) == "*":
            if isinstance(inner, ir.Operation) and inner.operator == "address":
                return inner.operands[0]
            return ir.Operation(self.line(node), "deref", (operand,))
        if isinstance(inner, ir.Operation) and inner.operator == "deref":
            return inner.operands[0]
        return ir.Operation(self.line(node), "address", (operand,))

    def _conditional(self, node: Node) -> ir.Expression:
        yes = node.child_by_field_name("consequence")
        condition = self.child(node, "condition")
        first = self.lower(yes) if yes is not None else condition
        return ir.Operation(self.line(node), "?:", (condition, first, self.child(node, "alternative")))

    def _comma(self, node: Node) -> ir.Expression:
        return ir.Operation(self.line(node), ",", (self.child(node, "left"), self.child(node, "right")))

    def _assignment(self, node: Node) -> ir.Expression:
        operator = node.child_by_field_name("operator")
        word = text(operator).removesuffix("=") if operator is not None else ""
        return ir.AssignmentExpression(self.line(node), self.child(node, "left"), self.child(node, "right"), word)

    def _update(self, node: Node) -> ir.Expression:
        operator = node.child_by_field_name("operator")
        word = "-" if operator is not None and text(operator) == "--" else "+"
        line = self.line(node)
        target = self.child(node, "argument")
        stored = ir.AssignmentExpression(line, target, ir.Literal(line, 1), word)
        after = operator is not None and operator.start_byte > node.start_byte
        return ir.Operation(line, "post", (stored,)) if after else stored

    def _cast(self, node: Node) -> ir.Expression:
        spelled = node.child_by_field_name("type")
        return ir.Cast(self.line(node), text(spelled) if spelled else "", self.child(node, "value"))

    def _sizeof(self, node: Node) -> ir.Expression:
        value, spelled = node.child_by_field_name("value"), node.child_by_field_name("type")
        line = self.line(node)
        if value is not None:
            return ir.Operation(line, "sizeof", (self.lower(value),))
        of = () if spelled is None else (ir.Cast(line, text(spelled), ir.Literal(line, 0)),)
        return ir.Operation(line, "sizeof", of)

    # Access.

    def _field(self, node: Node) -> ir.Expression:
        member = node.child_by_field_name("field")
        operator = node.child_by_field_name("operator")
        through = operator is not None and text(operator) == "->"
        base = self.child(node, "argument")
        if isinstance(base, ir.Operation) and base.operator == "deref" and not through:
            base, through = base.operands[0], True
        if isinstance(base, ir.Operation) and base.operator == "address" and through:
            base, through = base.operands[0], False
        return ir.Member(self.line(node), base, text(member) if member else "?", through)

    def _subscript(self, node: Node) -> ir.Expression:
        index = node.child_by_field_name("index") or node.child_by_field_name("indices")
        if index is not None and index.type == "subscript_argument_list":
            index = index.named_children[0] if index.named_children else None
        lowered = self.lower(index) if index is not None else ir.Literal(self.line(node), 0)
        return ir.Item(self.line(node), self.child(node, "argument"), lowered)

    # Calls.

    def _call(self, node: Node) -> ir.Expression:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        line = self.line(node)
        if function is None:
            return self._unknown(node)
        if function.type == "identifier":
            macro = self.macros.get(text(function))
            if macro is not None and macro.parameters is not None and self.macro_depth < _MAX_MACRO_DEPTH and arguments:
                expanded = self.expand(self.substituted(macro, arguments), line)
                if expanded is not None:
                    return expanded
        values = arguments.named_children if arguments is not None else []
        if len(values) == 1 and is_number(text(function)):
            return ir.Cast(line, text(function), self.lower(values[0]))
        if function.type == "parenthesized_expression" and len(values) == 1 and self._names_type(function):
            return ir.Cast(line, text(function)[1:-1], self.lower(values[0]))
        if (
            function.type == "identifier"
            and len(values) == 1
            and (_POINTER_TYPE.search(text(function)) or _CAST_MACRO.search(text(function)))
            and text(function) not in self.types
        ):
            return ir.Cast(line, text(function), self.lower(values[0]))
        if (made := _MAKES.match(text(function))) is not None:  # std::make_unique<Module>(path)
            name = base_type(long_name(made[2], self.types))
            given = self.arguments(arguments)
            count = given[:1] if made[2].endswith("[]") else ()
            built = ir.Call(line, name, ir.Name(line, name), given[len(count) :], (), None, self.end_line(node))
            return ir.Cast(line, f"std::{made[1]}_ptr<{made[2]}>", ir.Operation(line, "new", (built, *count)))
        callee = self.lower(function)
        inner = uncast(callee)
        while isinstance(inner, ir.Operation) and inner.operator in {"deref", "address"}:
            inner = uncast(inner.operands[0])
        receiver = inner.base if isinstance(inner, ir.Member) else None
        given = self.arguments(arguments)
        if text(function) == "Q_D" and arguments is not None:
            return ir.AssignmentExpression(
                line, ir.Name(line, "d"), ir.Member(line, ir.Name(line, "this"), "d_ptr", through=True)
            )
        return ir.Call(line, self.name_of(inner), callee, given, (), receiver, self.end_line(node))

    def _casts_address(self, left: Node, operator: Node) -> bool:
        """``(gpointer) &x``: the grammar, which knows no types, takes it for ``gpointer & x``."""
        name = text(left)
        return text(operator) == "&" and bool(_DATA_POINTER.match(name)) and name[1:-1].strip() not in self.types

    def _names_type(self, node: Node) -> bool:
        """``(name)(x)``: a cast when name is no variable and reads like a type (nothing else tells without headers)."""
        name = text(node)[1:-1].strip()
        if f"typedef {name}" in self.types:
            return name not in self.types
        return (
            name.isidentifier() and name not in self.types and (name.endswith("_t") or any(c.isupper() for c in name))
        )

    def name_of(self, callee: ir.Expression) -> str:
        """The name API tables know a callee by."""
        match callee:
            case ir.Name(name=name):
                alias = long_name(self.types.get(f"using {name}", self.aliases.get(name, name)), self.types)
                return _TEMPLATE.sub("", alias).removeprefix("::")
            case ir.Member(base=base, name=name, through=through):
                held = self.type_of(base)
                spelled = base_type(pointee(held) if through else held)
                name = _TEMPLATE.sub("", name)
                return f"{spelled}::{name}" if spelled else f"?.{name}"
        return "?"

    def _new(self, node: Node) -> ir.Expression:
        spelled = node.child_by_field_name("type")
        name = base_type(text(spelled)) if spelled is not None else "?"
        arguments = self.arguments(node.child_by_field_name("arguments"))
        line = self.line(node)
        made = ir.Call(line, name, ir.Name(line, name), arguments, (), None, line)
        declarator = node.child_by_field_name("declarator")
        length = declarator.child_by_field_name("length") if declarator is not None else None
        return ir.Operation(line, "new", (made,) if length is None else (made, self.lower(length)))

    def _delete(self, node: Node) -> ir.Expression:
        line = self.line(node)
        spelled = "delete[]" if any(child.type == "[" for child in node.children) else "delete"
        return ir.Call(line, "delete", ir.Name(line, spelled), self.arguments(node), (), None, line)

    def _compound_literal(self, node: Node) -> ir.Expression:
        spelled = node.child_by_field_name("type")
        value = self.child(node, "value")
        line = self.line(node)
        if isinstance(value, ir.Display) and spelled is not None and len(value.items) == 1 and is_number(text(spelled)):
            return ir.Cast(line, text(spelled), value.items[0])
        if isinstance(value, ir.Display) and spelled is not None and self.is_class_name(text(spelled)):
            name = base_type(text(spelled))
            return ir.Call(line, name, ir.Name(line, name), value.items, (), None, self.end_line(node))
        return value

    @staticmethod
    def is_class_name(spelled: str) -> bool:
        """Whether braces after this type construct an object in C++ (and not fill a plain struct)."""
        return "::" in spelled or "<" in spelled or spelled.startswith("Q")

    def _initializer(self, node: Node) -> ir.Expression:
        items, keys = [], []
        for child in node.named_children:
            if child.type == "initializer_pair":
                designator = child.child_by_field_name("designator")
                keys.append(text(designator).lstrip(".") if designator is not None else "")
                items.append(self.child(child, "value"))
            elif child.type != "comment":
                keys.append("")
                items.append(self.lower(child))
        return ir.Display(self.line(node), tuple(items), tuple(keys))

    def _lambda(self, node: Node) -> ir.Expression:
        return ir.Closure(self.line(node), self.nested(node, self))

    def _qualified(self, node: Node) -> ir.Expression:
        return ir.Name(self.line(node), text(node).removeprefix("::"))

    def _template(self, node: Node) -> ir.Expression:
        name = text(node)
        return ir.Name(self.line(node), name)

    def _named_cast(self, node: Node) -> ir.Expression:
        """``static_cast<T>(x)`` and its sisters arrive as a call of a template function."""
        function = node.child_by_field_name("function")
        if function is not None and function.type == "template_function":
            spelled, values = cast_to(text(function)), self.arguments(node.child_by_field_name("arguments"))
            if spelled and len(values) == 1:
                return ir.Cast(self.line(node), spelled, values[0])
        return self._call(node)


_MAKES: Final = re.compile(r"(?:std::|boost::)?make_(unique|shared)\s*<(.+)>\s*\Z", re.DOTALL)
_ITERATORS: Final = frozenset({"find", "begin", "cbegin", "lower_bound", "upper_bound", "constFind", "end", "erase"})
_GIVES: Final = _ITERATORS | {"front", "back", "at", "top", "value", "get", "first", "last", "data", "lock", "take"}
"""Methods of containers and smart pointers that give an iterator, an element, or what is pointed at."""


_LOWER: Final[dict[str, Callable[[CExpressions, Node], ir.Expression]]] = {
    "identifier": CExpressions._identifier,
    "field_identifier": CExpressions._identifier,
    "type_identifier": CExpressions._identifier,
    "this": CExpressions._identifier,
    "number_literal": CExpressions._literal,
    "string_literal": CExpressions._string,
    "raw_string_literal": CExpressions._string,
    "concatenated_string": CExpressions._concatenated,
    "char_literal": CExpressions._char,
    "null": CExpressions._null,
    "true": CExpressions._true,
    "false": CExpressions._true,
    "parenthesized_expression": CExpressions._parenthesized,
    "extension_expression": CExpressions._parenthesized,
    "condition_clause": CExpressions._parenthesized,
    "binary_expression": CExpressions._binary,
    "unary_expression": CExpressions._unary,
    "pointer_expression": CExpressions._pointer,
    "conditional_expression": CExpressions._conditional,
    "comma_expression": CExpressions._comma,
    "assignment_expression": CExpressions._assignment,
    "update_expression": CExpressions._update,
    "cast_expression": CExpressions._cast,
    "sizeof_expression": CExpressions._sizeof,
    "field_expression": CExpressions._field,
    "subscript_expression": CExpressions._subscript,
    "call_expression": CExpressions._named_cast,
    "new_expression": CExpressions._new,
    "delete_expression": CExpressions._delete,
    "compound_literal_expression": CExpressions._compound_literal,
    "initializer_list": CExpressions._initializer,
    "lambda_expression": CExpressions._lambda,
    "qualified_identifier": CExpressions._qualified,
    "template_function": CExpressions._template,
}
