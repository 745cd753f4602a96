"""What values are put together from, who controls them, and which library what came from a library needs.

Taint is the usual one of a forward may-analysis (CodeQL's taint tracking, Livshits and Lam 2005): a value is tainted
when a named source gave it, or when one of its parts is. Parts are kept in order, so that a rule can tell the whole
path from a name joined behind a directory. A member or an element of what somebody controls is controlled by them.

Lineage leads from an address to the library it needs: the table a lookup gave, an object its function made, a text in
that object. Whoever uses any of these needs the library at the start of the chain (typestate of one object decided by
another: Naeem and Lhoták 2008).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.review.analyses.state import State, Taint
from loadstone.review.analyses.values import (
    Answer,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    PlaceAddress,
    Spot,
    Unknown,
    Value,
)

__all__ = ["before", "closed_since", "into", "lineage", "mix", "opened_text", "put_into", "taint_of", "whole_text"]

_STEPS: Final = 8


def mix(made: Value, values: Iterable[Value], state: State, *, keep: bool = False) -> None:
    """``made`` is put together from ``values``: who controls one of them controls part of it.

    ``keep`` says that nothing was added: the whole of one of them is the whole of ``made``.
    """
    given = tuple(values)
    before = state.parts.get(made, ()) if made in given else ()
    fresh = (v for v in given if v is not None and not isinstance(v, Code) and v != made)
    inputs = tuple(dict.fromkeys((*before, *fresh)))
    if inputs or made in state.parts:
        state.put("parts", made, inputs)
    state.drop("looks", made)
    state.drop("checks", made)
    taints = [t for v in inputs if (t := taint_of(v, state)) is not None]
    if not taints:
        state.drop("taint", made)
        return
    others = sum(1 for v in inputs if not (isinstance(v, Constant) and not (v.value and isinstance(v.value, str))))
    first = taints[0]
    partial = first.partial or (others > 1 and not keep)
    state.put("taint", made, Taint(first.kind, first.spot, partial, first.name))


def into(text: Value, frame: int, step: object) -> Value:
    """A pointer into a text: what ``text + n`` gives. What is written there becomes a part of the text."""
    return Unknown(frame, ("into", text, step))


def whole_text(pointer: Value, state: State) -> Value:
    """The text that a pointer leads into; the pointer itself, where it leads into none or to the start of one."""
    texts = {_text_behind(one) for one in state.either(pointer)}
    return texts.pop() if len(texts) == 1 else pointer


def _text_behind(pointer: Value) -> Value:
    match pointer:
        case Unknown(source=("into", text, _)):
            return text  # type: ignore[return-value]
        case Answer(question="contains", about=about):  # where something was found in it
            return _text_behind(about)
    return pointer


def put_into(text: Value, made: Value, state: State) -> None:
    """More is written into a text: what it was made of before stays a part of it."""
    text = opened_text(text, state)
    mix(text, (*(state.parts.get(text) or (before(text, made, state),)), *(state.parts.get(made) or (made,))), state)


def opened_text(text: Value, state: State) -> Value:
    """A text that is about to change: an array that still has its first text is another value from here on."""
    if not isinstance(text, Constant) or text.home is None:
        return text
    written = Unknown(0, ("array", text.home))
    for place in [p for p, held in state.env.items() if held == text]:
        state.assign(place, written)
    state.put("parts", written, (text,))
    return written


def before(text: Value, made: Value, state: State) -> Value:
    """What a text held before more is written to it: a value of its own, where the text is named by its place."""
    if text is None or isinstance(text, Constant):
        return text
    held = Unknown(0, ("before", made))
    taint = taint_of(text, state)
    if taint is not None:
        state.put("taint", held, taint)
    return held


def taint_of(value: Value, state: State) -> Taint | None:
    """Who controls a value, or what it is a member, an element or a piece of."""
    for _ in range(_STEPS):
        if value is None:
            return None
        found = state.taint.get(value)
        if found is not None:
            return found
        if isinstance(value, PlaceAddress):
            value = state.env.get(value.place) or Initial(value.place)
        elif isinstance(value, Answer):
            value = value.about if value.question != "check" else None
        elif isinstance(value, Unknown) and (text := _text_behind(value)) != value:
            value = text
        elif isinstance(value, Initial) and isinstance(value.place, Field):
            base = value.place.base
            value = (state.env.get(base) or Initial(base)) if isinstance(base, Local | Global | Field) else base
        else:
            return None
    return None


def lineage(value: Value, state: State) -> Iterator[Value]:
    """The value, what it came from, and so on up to the handle of the library."""
    current = value
    for _ in range(_STEPS):
        if current is None:
            return
        yield current
        above = state.lineage.get(current)
        if above is None and isinstance(current, Initial) and isinstance(current.place, Field):
            base = current.place.base
            held = state.env.get(base) if isinstance(base, Local | Global | Field) else None
            came = base if base in state.lineage else None
            above = held if isinstance(held, Initial) else came  # of a copy of what a pointer led to
        current = above


def closed_since(value: Value, state: State) -> Spot | None:
    """Where the value, or the library it needs, was released on this path."""
    return next((spot for v in lineage(value, state) if (spot := state.closed.get(v)) is not None), None)
