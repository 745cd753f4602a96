"""C and C++ declarators, unwound: which name is declared, with which type, as a function or as a variable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir

__all__ = [
    "Declarator",
    "comma_parts",
    "declared",
    "declared_in",
    "parameters_of",
    "text",
    "type_text",
    "undeclared_pointer",
]

_MAX_WRAPPERS: Final = 64
_WRAPPERS: Final = {
    "pointer_declarator": "*",
    "reference_declarator": "&",
    "array_declarator": "[]",
    "parenthesized_declarator": "",
    "attributed_declarator": "",
    "init_declarator": "",
    "function_declarator": "()",
}
_NAMES: Final = {
    "identifier",
    "field_identifier",
    "type_identifier",
    "qualified_identifier",
    "destructor_name",
    "operator_name",
    "template_function",
    "structured_binding_declarator",
}
_TYPE_PARTS: Final = {"storage_class_specifier", "type_qualifier"}


@dataclass(frozen=True, slots=True)
class Declarator:
    """One declarator: the name, what surrounds it from the outside in, and the nodes a caller may want."""

    name: str
    shape: str
    node: Node
    value: Node | None = None
    function: Node | None = None

    @property
    def is_function(self) -> bool:
        """Whether the name itself is a function (and not a pointer to one)."""
        return self.shape.endswith("()")


def text(node: Node | None) -> str:
    """The source text of a node; empty for None."""
    return (node.text or b"").decode(errors="replace") if node is not None else ""


def declared(node: Node) -> Declarator | None:
    """Unwind one declarator; None when no name is found within it."""
    shape: list[str] = []
    value = function = None
    current: Node | None = node
    for _ in range(_MAX_WRAPPERS):
        if current is None:
            return None
        if current.type in _NAMES:
            return Declarator(text(current), "".join(shape), node, value, function)
        mark = _WRAPPERS.get(current.type)
        if mark is None:
            return None
        if current.type == "init_declarator":
            value = current.child_by_field_name("value")
        if current.type == "function_declarator":
            function = current
        shape.append(mark)
        current = current.child_by_field_name("declarator") or next(
            (c for c in current.named_children if c.type in _NAMES or c.type in _WRAPPERS), None
        )
    return None


def declared_in(declaration: Node) -> Iterator[Declarator]:
    """Every declarator of a declaration, a field declaration or a parameter."""
    inner = declaration.children_by_field_name("declarator")
    default = declaration.child_by_field_name("default_value") or declaration.child_by_field_name("value")
    for node in inner:
        found = declared(node)
        if found is not None:
            yield Declarator(found.name, found.shape, node, found.value or default, found.function)


def type_text(declaration: Node, shape: str = "") -> str:
    """The type a declaration spells, with its qualifiers and the pointers of one declarator."""
    words = [text(c) for c in declaration.named_children if c.type in _TYPE_PARTS]
    kind = declaration.child_by_field_name("type")
    if kind is not None and kind.type in {"struct_specifier", "class_specifier", "enum_specifier", "union_specifier"}:
        words.append(text(kind.child_by_field_name("name")))
    else:
        words.append(text(kind))
    marks = shape.replace("()", "(*)", 1) if shape.count("()") else shape
    return " ".join(w for w in words if w) + (f" {marks}" if marks else "")


def parameters_of(function: Node | None) -> tuple[ir.Parameter, ...]:
    """The parameters of a function declarator; unnamed ones have an empty name."""
    listed = function.child_by_field_name("parameters") if function is not None else None
    if listed is None:
        return ()
    found = []
    for node in listed.named_children:
        if node.type not in {"parameter_declaration", "optional_parameter_declaration"}:
            continue
        line = node.start_point[0] + 1
        one = next(declared_in(node), None)
        if one is None:
            spelled = text(node)
            if spelled != "void":
                found.append(ir.Parameter(line, "", spelled))
        else:
            found.append(ir.Parameter(line, one.name, type_text(node, one.shape)))
    return tuple(found)


_TYPE_NAMES: Final = {"identifier", "qualified_identifier", "primitive_type", "template_function", "template_type"}


def undeclared_pointer(node: Node) -> tuple[Declarator, str] | None:
    """``Plugin *(*make)(void) = f`` and its type, where the grammar, which knows no types, reads calls and a product.

    Nothing else is written so: what a call gives cannot be assigned to in C, and a product alone has no effect.
    """
    kind, marks, target, value = None, "", node, None
    if node.type == "binary_expression":
        operator, right = text(node.child_by_field_name("operator")), node.child_by_field_name("right")
        if operator not in {"*", "&"} or right is None:
            return None
        kind, marks, target = node.child_by_field_name("left"), operator, right
    if target.type == "assignment_expression":
        left, value = target.child_by_field_name("left"), target.child_by_field_name("right")
        if left is None or text(target.child_by_field_name("operator")) != "=":
            return None
        target = left
    while kind is not None and target.type == "pointer_expression" and len(marks) < _MAX_WRAPPERS:
        inner = target.child_by_field_name("argument")
        if inner is None:
            return None
        marks, target = f"{marks}*", inner
    called = target.child_by_field_name("function") if target.type == "call_expression" else None
    if called is not None and kind is None and called.type == "call_expression":
        kind, called = called.child_by_field_name("function"), called.child_by_field_name("arguments")
    named = _pointed_to(called)
    if kind is None or named is None or kind.type not in _TYPE_NAMES:
        return None
    if value is None and not marks and kind.type != "primitive_type":
        return None  # ``f(*p)(x)`` may be two calls
    return Declarator(text(named), "", node, value), f"{text(kind)} {marks}(*)*"


def _pointed_to(node: Node | None) -> Node | None:
    """``make`` of ``(*make)``."""
    inner = (
        node.named_children if node is not None and node.type in {"argument_list", "parenthesized_expression"} else []
    )
    if (
        len(inner) != 1
        or inner[0].type != "pointer_expression"
        or text(inner[0].child_by_field_name("operator")) != "*"
    ):
        return None
    named = inner[0].child_by_field_name("argument")
    return named if named is not None and named.type == "identifier" else None


def comma_parts(node: Node) -> list[Node]:
    """The expressions of ``a, b, c``."""
    parts: list[Node] = []
    current: Node | None = node
    while current is not None and current.type == "comma_expression":
        left, right = current.child_by_field_name("left"), current.child_by_field_name("right")
        if left is not None:
            parts.append(left)
        current = right
    if current is not None:
        parts.append(current)
    return parts
