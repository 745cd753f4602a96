"""What a loop does again and again: what it stores to, what only grows in it, what goes up by one."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["guarded", "parts_again", "rising", "stepped", "stored"]


def parts_again(loop: ir.Loop) -> Iterator[ir.Expression]:
    """Every expression that runs more than once."""
    for statement in _again(loop.body):
        yield from parts_of(statement)
    for top in (loop.condition, *loop.step):
        yield from expressions(top)


def _again(block: ir.Block) -> Iterator[ir.Statement]:
    """The statements after which a loop may go on: not those of a block that leaves it."""
    last = block.body[-1] if block.body else None
    if isinstance(last, ir.Return | ir.Raise) or (isinstance(last, ir.Jump) and last.kind == "break"):
        return
    for statement in block.body:
        match statement:
            case ir.If(then=then, otherwise=otherwise):
                yield ir.Evaluate(statement.line, statement.condition)
                yield from _again(then)
                if otherwise is not None:
                    yield from _again(otherwise)
            case ir.Block():
                yield from _again(statement)
            case _:
                yield from statements((statement,))


def stored(loop: ir.Loop) -> Iterator[ir.Expression]:
    """What a loop stores to, each time."""
    for statement in _again(loop.body):
        if isinstance(statement, ir.Assign):
            yield uncast(statement.target)
    for part in parts_again(loop):
        if isinstance(part, ir.AssignmentExpression):
            yield uncast(part.target)
    if loop.each is not None:
        yield uncast(loop.each[0])


def _changes_of(loop: ir.Loop) -> dict[str, list[tuple[str, object]]]:
    found: dict[str, list[tuple[str, object]]] = {}
    for statement in _again(loop.body):
        if isinstance(statement, ir.Assign):
            value = uncast(statement.value)
            given = value.value if isinstance(value, ir.Literal) else None
            found.setdefault(place_named(statement.target), []).append((statement.operator, given))
    for part in parts_again(loop):
        if isinstance(part, ir.AssignmentExpression):
            value = uncast(part.value)
            given = value.value if isinstance(value, ir.Literal) else None
            found.setdefault(place_named(part.target), []).append((part.operator, given))
    return found


def rising(loop: ir.Loop) -> set[str]:
    """What a loop only adds positive numbers to."""
    return {
        path
        for path, changes in _changes_of(loop).items()
        if path and all(o == "+" and isinstance(v, int) and v > 0 for o, v in changes)
    }


def stepped(loop: ir.Loop) -> set[str]:
    """What a loop adds one to, at one place."""
    return {path for path, changes in _changes_of(loop).items() if path and changes == [("+", 1)]}


def guarded(loop: ir.Loop) -> dict[str, ir.Expression]:
    """The counters that go up by one and leave the loop at a limit: ``if (i == LIMIT) return -1;``, and the limits.

    The question stands in the body itself and before anything that begins the next round.
    """
    counters = stepped(loop)
    changed = {place_named(t) for t in stored(loop)}
    found: dict[str, ir.Expression] = {}
    for statement in loop.body.body if counters else ():
        if isinstance(statement, ir.If) and _leaves(statement.then):
            for part in _disjuncts(statement.condition):
                match part:
                    case ir.Operation(operator="==" | ">=", operands=(counter, limit)):
                        names = {place_named(e) for e in expressions(limit)}
                        if (path := place_named(counter)) in counters and not names & changed:
                            found.setdefault(path, limit)
        if any(isinstance(s, ir.Jump) and s.kind == "continue" for s in statements((statement,))):
            break
    return found


def _leaves(block: ir.Block) -> bool:
    last = block.body[-1] if block.body else None
    return isinstance(last, ir.Return) or (isinstance(last, ir.Jump) and last.kind in {"break", "goto"})


def _disjuncts(condition: ir.Expression) -> Iterator[ir.Expression]:
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator == "||":
        for operand in bare.operands:
            yield from _disjuncts(operand)
    else:
        yield bare
