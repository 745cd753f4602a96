"""What the declarations of a file name: types, their short names, and the parameters of templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from loadstone.review.frontends.c.declarators import declared_in, text

__all__ = [
    "CLASSES",
    "MAX_NODES",
    "SCOPES",
    "UNION",
    "short_names",
    "template_parameters",
    "type_names",
    "typedef_name",
]

MAX_NODES: Final = 400_000
"""Top-level and member declarations visited in one file."""

SCOPES: Final = {
    "namespace_definition",
    "linkage_specification",
    "declaration_list",
    "template_declaration",
    "ERROR",
    "translation_unit",
    "export_declaration",
}
UNION: Final = "union_specifier"
CLASSES: Final = {"class_specifier", "struct_specifier", UNION}


def template_parameters(node: Node) -> str:
    """The names of a function template's parameters that are types, in order."""
    outer = node.parent
    listed = outer.child_by_field_name("parameters") if outer and outer.type == "template_declaration" else None
    kinds = [c for c in listed.named_children if "type_parameter" in c.type] if listed is not None else []
    return " ".join(text(kind.named_children[0]) for kind in kinds if kind.named_children)


def typedef_name(node: Node) -> str:
    """The name a typedef gives to a struct without a tag."""
    outer = node.parent
    return (
        next((d.name for d in declared_in(outer)), "") if outer is not None and outer.type == "type_definition" else ""
    )


def type_names(root: Node) -> Iterator[tuple[str, str]]:
    """Names that ``using`` and ``typedef`` give to class types, as entries ``using Name``."""
    stack = [root]
    visited = 0
    while stack and visited < MAX_NODES:
        node = stack.pop()
        visited += 1
        if node.type == "alias_declaration":
            spelled = text(node.child_by_field_name("type"))
            if not spelled.startswith("typename "):  # what a template's argument names: nobody knows here what that is
                yield f"using {text(node.child_by_field_name('name'))}", spelled
        elif node.type == "type_definition":
            spelled = text(node.child_by_field_name("type"))
            yield from ((f"typedef {d.name}", spelled) for d in declared_in(node))
            if "::" in spelled or "<" in spelled:
                yield from ((f"using {d.name}", spelled) for d in declared_in(node))
        elif node.type in SCOPES or node.type in CLASSES or node.type == "field_declaration_list":
            stack.extend(node.named_children)


def short_names(root: Node) -> Iterator[tuple[str, str]]:
    """What ``namespace dll = boost::dll`` and ``using Poco::SharedLibrary`` shorten, as entries ``short dll``."""
    stack = [root]
    visited = 0
    while stack and visited < MAX_NODES:
        node = stack.pop()
        visited += 1
        if node.type == "namespace_alias_definition" and len(node.named_children) > 1:
            yield f"short {text(node.named_children[0])}", text(node.named_children[-1])
        elif node.type == "using_declaration" and "namespace" not in text(node)[:20] and node.named_children:
            full = text(node.named_children[-1])
            if "::" in full:
                yield f"short {full.rpartition('::')[2]}", full
        elif node.type in SCOPES:
            stack.extend(node.named_children)
