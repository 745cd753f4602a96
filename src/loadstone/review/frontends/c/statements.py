"""C and C++ statements and function bodies to the shared representation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Final

from tree_sitter import Node, Parser

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.frontends.c.aggregates import laid_out
from loadstone.review.frontends.c.declarators import (
    Declarator,
    comma_parts,
    declared_in,
    parameters_of,
    text,
    type_text,
    undeclared_pointer,
)
from loadstone.review.frontends.c.decorations import Decorations
from loadstone.review.frontends.c.directives import MacroDefinition
from loadstone.review.frontends.c.expressions import MAX_DEPTH, CExpressions, TooDeepForC
from loadstone.review.frontends.c.holders import braced, constructed, deduced, deleter, inferred, is_object
from loadstone.review.frontends.c.house_macros import ended, is_open, is_returning_macro
from loadstone.review.frontends.c.lambdas import LAMBDA
from loadstone.review.frontends.c.stored_lambdas import KEPT, OWN_COPIES, in_place
from loadstone.review.typenames import base_type, cast_to, iterated, long_name

__all__ = ["Bodies"]

_MAX_MACRO_DEPTH: Final = 6


@dataclass(slots=True)
class Bodies:
    """Lowers function bodies of one projection of one file."""

    parser: Parser
    macros: Mapping[str, MacroDefinition]
    decorations: Decorations
    types: Mapping[str, str]
    is_cpp: bool
    aliases: Mapping[str, str] = field(default_factory=dict)
    gaps: list[ir.Gap] = field(default_factory=list)

    def function(
        self, node: Node, one: Declarator, *, owner: str, name: str, local: bool, marks: frozenset[str], condition: str
    ) -> ir.Function:
        """A function definition, lowered."""
        parameters = parameters_of(one.function)
        types = dict(self.types)
        types.update({p.name: p.type for p in parameters})
        if owner:
            types["this"] = f"{owner} *"
        expressions = CExpressions(self.parser, self.macros, types, self.nested, dict(self.aliases), owner=owner)
        body = self.body(node, expressions)
        if KEPT.search(node.text or b""):
            body = in_place(body, parameters)
        return ir.Function(
            name=name,
            line=node.start_point[0] + 1,
            end_line=node.end_point[0] + 1,
            body=body,
            parameters=parameters,
            returns=type_text(node, one.shape.replace("()", "")),
            owner=owner,
            local=local,
            marks=marks,
            condition=condition,
        )

    def body(self, node: Node, expressions: CExpressions) -> ir.Block:
        """The body of a definition, member initialisers first."""
        inner = node.child_by_field_name("body") or next(
            (c for c in node.named_children if c.type in {"compound_statement", "try_statement"}), None
        )
        start: list[ir.Statement] = []
        for listed in (c for c in node.named_children if c.type == "field_initializer_list"):
            for entry in listed.named_children:
                start.extend(self._guarded(entry, expressions, self._member_initializer))
        if inner is None:
            return ir.Block(node.start_point[0] + 1, node.end_point[0] + 1, tuple(start))
        block = self.block(inner, expressions)
        return ir.Block(block.line, block.end_line, (*start, *block.body)) if start else block

    def nested(self, node: Node, outer: CExpressions) -> ir.Function:
        """A lambda, or a statement expression, as a function of its own."""
        declarator = node.child_by_field_name("declarator")
        parameters = parameters_of(declarator)
        types = dict(outer.types)
        types.update({p.name: p.type for p in parameters})
        inner = CExpressions(
            self.parser,
            self.macros,
            types,
            self.nested,
            outer.aliases,
            outer.fixed_line,
            outer.depth,
            outer.macro_depth,
            outer.owner,
        )
        body = node.child_by_field_name("body") or node
        line = outer.line(node)
        block = self.block(body, inner)
        kept = tuple(_captured(node, line))
        block = ir.Block(block.line, block.end_line, (*kept, *block.body)) if kept else block
        marks = frozenset({LAMBDA} if node.type == "lambda_expression" else ())
        marks |= frozenset({OWN_COPIES} if _keeps_copies(node) else ())
        return ir.Function("<lambda>", line, outer.end_line(node), block, parameters, local=True, marks=marks)

    def block(self, node: Node, expressions: CExpressions) -> ir.Block:
        """Any statement as a block of its own."""
        body = tuple(self.statements(node, expressions))
        return ir.Block(expressions.line(node), expressions.end_line(node), body)

    def statements(self, node: Node, expressions: CExpressions) -> Iterator[ir.Statement]:
        """The statements of a compound statement, or the one statement that ``node`` is."""
        nodes = node.named_children if node.type == "compound_statement" else [node]
        for child in nodes:
            yield from self._guarded(child, expressions, self._statement)

    def _guarded(
        self, node: Node, expressions: CExpressions, lower: Callable[[Node, CExpressions], Iterator[ir.Statement]]
    ) -> Iterator[ir.Statement]:
        depth = expressions.depth
        if node.type in _SILENT:
            return
        if depth >= MAX_DEPTH:
            yield self._gap(node, expressions, "nested deeper than is read")
            return
        expressions.depth += 1
        try:
            yield from tuple(lower(node, expressions))
        except TooDeepForC:
            yield self._gap(node, expressions, "nested deeper than is read")
        finally:
            expressions.depth = depth

    def _gap(self, node: Node, expressions: CExpressions, why: str) -> ir.Gap:
        gap = ir.Gap(expressions.line(node), expressions.end_line(node), why)
        self.gaps.append(gap)
        return gap

    def _statement(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        handler = _STATEMENTS.get(node.type)
        if handler is not None:
            yield from handler(self, node, x)
        elif node.type.endswith("_expression") or node.type in {"identifier", "call_expression"}:
            yield ir.Evaluate(x.line(node), x.lower(node))

    def _compound(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield self.block(node, x)

    def _expression(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        inner = next((c for c in node.named_children if c.type != "comment"), None)
        if inner is None:
            return
        if inner.type == "comma_expression":
            for part in comma_parts(inner):
                yield from self._simple(part, x)
            return
        yield from self._simple(inner, x)

    def _simple(self, inner: Node, x: CExpressions) -> Iterator[ir.Statement]:
        line = x.line(inner)
        if inner.type == "call_expression":
            expanded = self._expanded(inner, x)
            if expanded is not None:
                yield from expanded
                return
        if inner.type == "identifier" and (macro := x.macros.get(text(inner))) is not None and macro.parameters is None:
            expanded = self._snippet(macro.body, x, line)
            if expanded is not None:
                yield from expanded
                return
        if (pointer := self._function_pointer(inner, x)) is not None:
            yield pointer
            return
        if is_returning_macro(inner):
            arguments = inner.child_by_field_name("arguments")
            given = x.arguments(arguments) if arguments is not None else ()
            yield ir.Return(line, given[0] if len(given) == 1 else None)
            return
        lowered = x.lower(inner)
        if isinstance(lowered, ir.AssignmentExpression):
            made = ir.Assign(lowered.line, lowered.target, lowered.value, operator=lowered.operator)
            yield from laid_out(made, x.types)
        elif isinstance(lowered, ir.Cast) and lowered.type.strip() == "void":
            yield ir.Evaluate(line, lowered.operand, discards=True)
        else:
            yield ir.Evaluate(line, lowered)

    @staticmethod
    def _function_pointer(node: Node, x: CExpressions) -> ir.Assign | None:
        found = undeclared_pointer(node)
        if found is None:
            return None
        one, spelled = found
        x.types[one.name] = spelled
        value = x.lower(one.value) if one.value is not None else None
        return ir.Assign(x.line(node), ir.Name(x.line(node), one.name), value, declares=True, type=spelled)

    def _expanded(self, node: Node, x: CExpressions) -> tuple[ir.Statement, ...] | None:
        """The statements of a function-like macro of this file; None when the call is not one."""
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        macro = x.macros.get(text(function)) if function is not None and function.type == "identifier" else None
        if macro is None or macro.parameters is None or arguments is None or x.macro_depth >= _MAX_MACRO_DEPTH:
            return None
        return self._snippet(x.substituted(macro, arguments), x, x.line(node))

    def _snippet(self, body: str, x: CExpressions, line: int) -> tuple[ir.Statement, ...] | None:
        if not body or len(body) > 4096 or x.macro_depth >= _MAX_MACRO_DEPTH:
            return None
        trees = (self.parser.parse(f"void _(void) {{ {one}; }}".encode()) for one in dict.fromkeys((body, ended(body))))
        root = next((tree.root_node for tree in trees if not tree.root_node.has_error), None)
        block = root.named_children[0].child_by_field_name("body") if root is not None and root.named_children else None
        if block is None or is_open(block):
            return None
        return x.within_macro(line, lambda: tuple(self.statements(block, x)))

    def _declaration(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        before = node.prev_sibling
        start = before.end_byte if before is not None else node.start_byte
        words = self.decorations.within(start, node.end_byte)
        cleanup = next((w[8:-1] for w in words if w.startswith("cleanup(")), "")
        is_static = any(
            c.type == "storage_class_specifier" and text(c) in {"static", "extern"} for c in node.named_children
        )
        for one in declared_in(node):
            yield from self._declare(node, one, x, cleanup=cleanup, static=is_static)

    def _declare(
        self, node: Node, one: Declarator, x: CExpressions, *, cleanup: str, static: bool
    ) -> Iterator[ir.Statement]:
        spelled = long_name(type_text(node, one.shape), x.types)
        spelled = x.types.get(f"using {base_type(spelled)}", spelled)
        line = x.line(one.node)
        value: ir.Expression | None = None
        if one.is_function:
            if not self.is_cpp or not is_object(text(node.child_by_field_name("type"))):
                return
            arguments = _taken_for_parameters(one.function, x)
            spelled = long_name(type_text(node), x.types)
            spelled = x.types.get(f"using {base_type(spelled)}", spelled)
            value = constructed(spelled, arguments, line)
        elif one.value is not None and one.value.type == "argument_list":
            value = constructed(spelled, x.arguments(one.value), line)
        elif one.value is not None:
            value = x.lower(one.value)
            if self.is_cpp and isinstance(value, ir.Display):
                value = braced(spelled, value, line)
        elif self.is_cpp and is_object(spelled) and not one.shape:
            value = ir.Call(line, base_type(spelled), ir.Name(line, base_type(spelled)), (), (), None, line)
        if "auto" in spelled.split() and value is not None:
            spelled = deduced(spelled, inferred(value, x))
        x.types[one.name] = spelled
        cleanup = cleanup or deleter(spelled, value)
        name = ir.Name(line, one.name)
        yield from laid_out(ir.Assign(line, name, value, True, spelled, static, cleanup), x.types)

    def _member_initializer(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        children = node.named_children
        if len(children) < 2:
            return
        line = x.line(node)
        arguments = x.arguments(children[1])
        name = text(children[0])
        spelled = x.types.get(f"{x.owner}.{name}", "")
        spelled = x.types.get(f"using {base_type(spelled)}", spelled)
        value: ir.Expression
        if len(arguments) == 1 and not (spelled and is_object(spelled)):
            value = arguments[0]
        elif spelled:
            value = constructed(spelled, arguments, line)
        else:
            value = ir.Display(line, arguments)
        yield ir.Assign(line, ir.Member(line, ir.Name(line, "this"), name, through=True), value)

    # Control flow.

    def _if(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        start, condition = self._condition(node.child_by_field_name("condition"), x)
        yes, no = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        then = self.block(yes, x) if yes is not None else ir.Block(x.line(node), x.line(node), ())
        otherwise = None
        if no is not None:
            inner = no.named_children[-1] if no.type == "else_clause" and no.named_children else no
            otherwise = self.block(inner, x)
        made = ir.If(x.line(node), condition, then, otherwise)
        if start:
            yield ir.Block(x.line(node), x.end_line(node), (*start, made))
        else:
            yield made

    def _condition(self, node: Node | None, x: CExpressions) -> tuple[tuple[ir.Statement, ...], ir.Expression]:
        """What a condition declares or does first, and what it tests."""
        if node is None:
            return (), ir.Literal(0, value=True)
        if node.type in {"condition_clause", "parenthesized_expression"}:
            start: list[ir.Statement] = []
            before = node.child_by_field_name("initializer")
            for child in before.named_children if before is not None else ():
                start.extend(self._statement(child, x))
            value = node.child_by_field_name("value") or next(
                (c for c in node.named_children if c.type != "comment"), None
            )
            if value is not None and value.type == "declaration":
                made = tuple(self._declaration(value, x))
                name = next((s.target for s in made if isinstance(s, ir.Assign)), ir.Literal(x.line(node), value=True))
                return (*start, *made), name
            pointer = self._function_pointer(value, x) if value is not None else None
            if pointer is not None:
                return (*start, pointer), pointer.target
            return tuple(start), x.lower(value) if value is not None else ir.Literal(x.line(node), value=True)
        return (), x.lower(node)

    def _while(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        start, condition = self._condition(node.child_by_field_name("condition"), x)
        body = self._loop_body(node, x)
        if start:
            test = ir.If(
                x.line(node), condition, body, ir.Block(x.line(node), x.line(node), (ir.Jump(x.line(node), "break"),))
            )
            body = ir.Block(body.line, body.end_line, (*start, test))
            yield ir.Loop(x.line(node), body)
        else:
            yield ir.Loop(x.line(node), body, condition)

    def _do(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        _, condition = self._condition(node.child_by_field_name("condition"), x)
        yield ir.Loop(x.line(node), self._loop_body(node, x), condition, runs_first=True)

    def _for(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        start: list[ir.Statement] = []
        first = node.child_by_field_name("initializer")
        if first is not None:
            start.extend(self._declaration(first, x) if first.type == "declaration" else self._simple(first, x))
        condition = node.child_by_field_name("condition")
        step = node.child_by_field_name("update")
        loop = ir.Loop(
            x.line(node),
            self._loop_body(node, x),
            x.lower(condition) if condition is not None else None,
            (x.lower(step),) if step is not None else (),
        )
        if start:
            yield ir.Block(x.line(node), x.end_line(node), (*start, loop))
        else:
            yield loop

    def _for_range(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        right = node.child_by_field_name("right")
        one = next(declared_in(node), None)
        line = x.line(node)
        name = one.name if one is not None else "?"
        iterable = x.lower(right) if right is not None else ir.Operation(line, "?", ())
        spelled = type_text(node, one.shape if one is not None else "")
        if "auto" in spelled.split() and (held := x.type_of(iterable)):
            spelled = deduced(spelled, iterated(held))
        x.types[name] = spelled
        yield ir.Loop(line, self._loop_body(node, x), each=(ir.Name(line, name), iterable), type=spelled)

    def _loop_body(self, node: Node, x: CExpressions) -> ir.Block:
        body = node.child_by_field_name("body")
        return self.block(body, x) if body is not None else ir.Block(x.line(node), x.line(node), ())

    def _switch(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        _, subject = self._condition(node.child_by_field_name("condition"), x)
        body = node.child_by_field_name("body")
        cases = [c for c in body.named_children if c.type == "case_statement"] if body is not None else []
        yield ir.Switch(x.line(node), subject, tuple(self._case(c, x) for c in cases))

    def _case(self, node: Node, x: CExpressions) -> ir.Case:
        value = node.child_by_field_name("value")
        skip = value.id if value is not None else 0
        body = [s for c in node.named_children if c.id != skip for s in self._guarded(c, x, self._statement)]
        ends = bool(body) and isinstance(body[-1], ir.Jump | ir.Return | ir.Raise)
        if body and isinstance(body[-1], ir.Block) and body[-1].body:
            ends = isinstance(body[-1].body[-1], ir.Jump | ir.Return | ir.Raise)
        line = x.line(node)
        block = ir.Block(line, x.end_line(node), tuple(body))
        return ir.Case(line, (x.lower(value),) if value is not None else (), block, falls_through=not ends)

    def _return(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        value = next((c for c in node.named_children if c.type != "comment"), None)
        yield ir.Return(x.line(node), x.lower(value) if value is not None else None)

    def _throw(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        value = next((c for c in node.named_children if c.type != "comment"), None)
        yield ir.Raise(x.line(node), x.lower(value) if value is not None else None)

    def _break(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield ir.Jump(x.line(node), "break")

    def _continue(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield ir.Jump(x.line(node), "continue")

    def _goto(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield ir.Jump(x.line(node), "goto", text(node.child_by_field_name("label")))

    def _labeled(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield ir.Label(x.line(node), text(node.child_by_field_name("label")))
        for child in node.named_children[1:]:
            yield from self._guarded(child, x, self._statement)

    def _try(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        body = node.child_by_field_name("body")
        handlers = []
        for clause in (c for c in node.named_children if c.type == "catch_clause"):
            inner = clause.child_by_field_name("body")
            caught = parameters_of(clause)
            names = tuple(base_type(p.type) for p in caught)
            block = self.block(inner, x) if inner is not None else ir.Block(x.line(clause), x.line(clause), ())
            handlers.append(ir.Handler(x.line(clause), names, block, caught[0].name if caught else ""))
        block = self.block(body, x) if body is not None else ir.Block(x.line(node), x.line(node), ())
        yield ir.Try(x.line(node), block, tuple(handlers))

    def _error(self, node: Node, x: CExpressions) -> Iterator[ir.Statement]:
        yield self._gap(node, x, "could not be parsed")
        for child in node.named_children:
            if child.type in _STATEMENTS and child.type != "ERROR":
                yield from self._guarded(child, x, self._statement)


def _keeps_copies(node: Node) -> bool:
    """Whether a lambda holds a variable of its own beside one that the function has."""
    captures = node.child_by_field_name("captures")
    kept = text(captures).strip("[] ").split(",") if captures is not None else []
    return any(one.strip()[:1] not in {"&", ""} and one.strip() != "this" for one in kept)


def _captured(node: Node, line: int) -> Iterator[ir.Statement]:
    """The variables a lambda copies when it is made, used in its body or not."""
    captures = node.child_by_field_name("captures")
    for child in captures.named_children if captures is not None else ():
        by_reference = child.prev_sibling is not None and child.prev_sibling.type == "&"
        if child.type == "identifier" and not by_reference:
            yield ir.Evaluate(line, ir.Name(line, text(child)), discards=True)


def _taken_for_parameters(function: Node | None, x: CExpressions) -> tuple[ir.Expression, ...]:
    """``Holder held(dlopen(path, FLAGS))``: the grammar, which knows no types, takes the arguments for parameters."""
    listed = function.child_by_field_name("parameters") if function is not None else None
    found: list[ir.Expression] = []
    for node in listed.named_children if listed is not None else ():
        kind, declarator = node.child_by_field_name("type"), node.child_by_field_name("declarator")
        if kind is None:
            continue
        line = x.line(node)
        named = ir.Name(line, text(kind))
        if declarator is not None and declarator.type == "abstract_function_declarator":
            given = _taken_for_parameters(declarator, x)
            call = ir.Call(line, x.name_of(named), named, given, (), None, line)
            found.append(ir.Cast(line, cast, given[0]) if (cast := cast_to(text(kind))) and given else call)
        else:
            found.append(named)
    return tuple(found)


_SILENT: Final = {
    "comment",
    "access_specifier",
    "preproc_call",
    "preproc_def",
    "preproc_include",
    "attribute_declaration",
    "static_assert_declaration",
    "using_declaration",
    "type_definition",
    "alias_declaration",
    "struct_specifier",
    "class_specifier",
    "enum_specifier",
    "union_specifier",
    "field_declaration",
}

_STATEMENTS: Final[dict[str, Callable[[Bodies, Node, CExpressions], Iterator[ir.Statement]]]] = {
    "compound_statement": Bodies._compound,
    "expression_statement": Bodies._expression,
    "declaration": Bodies._declaration,
    "if_statement": Bodies._if,
    "while_statement": Bodies._while,
    "do_statement": Bodies._do,
    "for_statement": Bodies._for,
    "for_range_loop": Bodies._for_range,
    "switch_statement": Bodies._switch,
    "return_statement": Bodies._return,
    "throw_statement": Bodies._throw,
    "break_statement": Bodies._break,
    "continue_statement": Bodies._continue,
    "goto_statement": Bodies._goto,
    "labeled_statement": Bodies._labeled,
    "try_statement": Bodies._try,
    "ERROR": Bodies._error,
}
