"""What is done with a lock held, as the source of one function of C or C++ shows it, block by block.

The walk of paths knows better where it goes; this is for questions about statements it does not look at. A block that
leaves its function says nothing of what comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.walk import blocks

__all__ = ["locked_statements", "locked_word", "statements_with_locks"]


def statements_with_locks(facts: Facts, block: ir.Block) -> Iterator[tuple[ir.Statement, frozenset[str]]]:
    """Every statement of a block, each with the last words of the locks that are held there."""
    yield from _walk(facts, block, {}, {})


def locked_statements(facts: Facts, function: ir.Function) -> Iterator[tuple[ir.Statement, frozenset[str]]]:
    """The statements of a function that are done with a lock held."""
    return ((s, held) for s, held in statements_with_locks(facts, function.body) if held)


def locked_word(expression: ir.Expression | None) -> str:
    """The member or variable that a lock is called by last: ``mu`` of ``&host->mu``."""
    bare = uncast(expression)
    while isinstance(bare, ir.Operation) and bare.operator in {"address", "deref"} and bare.operands:
        bare = uncast(bare.operands[0])
    return last_word(word(bare))


def _walk(
    facts: Facts, block: ir.Block, held: dict[str, int], guards: dict[str, str]
) -> Iterator[tuple[ir.Statement, frozenset[str]]]:
    """The statements of a block; ``held`` is changed to what is held at its end by what was taken by hand."""
    scoped: dict[str, int] = {}
    for statement in block.body:
        yield statement, frozenset(held) | frozenset(scoped)
        call = _call(statement)
        if call is not None and plays(facts, call, ApiRole.GUARD):
            if isinstance(statement, ir.Assign) and not any("defer_lock" in word(a) for a in call.arguments):
                name = locked_word(call.arguments[0]) if call.arguments else ""
                scoped[name] = 1
                guards[word(statement.target)] = name
        elif call is not None and plays(facts, call, ApiRole.LOCK):
            name = _subject(call)
            scoped.pop(name, None) if name in guards else None
            held[guards.get(name, name)] = 1
        elif call is not None and plays(facts, call, ApiRole.UNLOCK):
            name = guards.get(_subject(call), _subject(call))
            held.pop(name, None)
            scoped.pop(name, None)
        for inner in blocks(statement):
            after = {**held, **scoped}
            yield from _walk(facts, inner, after, guards)
            if not _leaves(inner):
                for name in [n for n in held if n not in after]:
                    del held[name]
                for name in [n for n in scoped if n not in after]:
                    del scoped[name]


def _call(statement: ir.Statement) -> ir.Call | None:
    value = statement.expression if isinstance(statement, ir.Evaluate) else None
    value = statement.value if isinstance(statement, ir.Assign) else value
    return value if isinstance(value, ir.Call) else None


def _subject(call: ir.Call) -> str:
    return locked_word(call.receiver if call.receiver is not None else call.arguments[0] if call.arguments else None)


def _leaves(block: ir.Block) -> bool:
    return bool(block.body) and isinstance(block.body[-1], ir.Return | ir.Raise | ir.Jump)
