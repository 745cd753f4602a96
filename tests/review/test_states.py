"""States: copies that share, keys that follow every write, and joins that are monotone and end."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies

from loadstone.review.analyses.state import Held, State
from loadstone.review.analyses.summaries import components
from loadstone.review.analyses.values import (
    CallResult,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Place,
    Spot,
    Unknown,
    Value,
)

SPOT = Spot("a.c", 1, "f")
PLACES: list[Place] = [
    Local(0, "a"),
    Local(0, "b"),
    Global("a.c", "g"),
    Field(CallResult(1), "h"),
    Field(Initial(Local(0, "p")), "[0]"),
]
VALUES: list[Value] = [Constant(None), Constant(1), CallResult(1), CallResult(2), Initial(Local(0, "p")), Unknown(0, 7)]


@strategies.composite
def states(draw: strategies.DrawFn) -> State:
    state = State()
    for place in PLACES:
        if draw(strategies.booleans()):
            state.assign(place, draw(strategies.sampled_from(VALUES)))
    for value in VALUES[2:]:
        if draw(strategies.booleans()):
            state.suppose(value, draw(strategies.booleans()))
        if draw(strategies.booleans()):
            state.put("closed", value, SPOT)
        if draw(strategies.booleans()):
            state.escape(value)
        if draw(strategies.booleans()):
            state.add_check(value, draw(strategies.sampled_from(["length", "characters"])), SPOT)
    for lock in draw(strategies.lists(strategies.sampled_from("xyz"), max_size=2, unique=True)):
        state.locks = (*state.locks, Held(lock, SPOT, scoped=False))
    return state


def is_below(low: State, high: State) -> bool:
    """Whether everything ``high`` still says holds in ``low`` too (see the table of the module)."""
    return (
        all(low.truth.get(v) is t for v, t in high.truth.items())
        and set(high.closed) <= set(low.closed)
        and low.escaped.keys() <= high.escaped.keys()
        and all(found <= high.checks.get(v, frozenset()) for v, found in low.checks.items())
        and {h.lock for h in high.locks} <= {h.lock for h in low.locks}
        and all(low.env.get(p, Initial(p)) == v or v == Unknown(0, p) for p, v in high.env.items())
    )


@given(states(), states())
def test_a_join_is_above_both(one: State, two: State) -> None:
    joined = one.join(two, 0)
    assert is_below(one, joined)
    assert is_below(two, joined)


@given(states(), states(), states())
def test_joining_is_monotone(one: State, two: State, third: State) -> None:
    assert is_below(one.join(third, 0), one.join(two, 0).join(third, 0))


@given(states(), strategies.lists(states(), max_size=12))
def test_joining_again_and_again_settles(start: State, others: list[State]) -> None:
    state = start
    for other in others:
        state = state.join(other, 0)
    settled = state.key()
    for other in others:
        state = state.join(other, 0)
    assert state.key() == settled


@given(states())
def test_a_state_joined_with_itself_is_itself(state: State) -> None:
    assert state.join(state, 0).key() == state.key()


@given(states(), strategies.sampled_from(PLACES), strategies.sampled_from(VALUES))
def test_a_copy_shares_nothing_that_is_written(state: State, place: Place, value: Value) -> None:
    before, env = state.key(), dict(state.env)
    copy = state.copy()
    copy.assign(place, value)
    copy.suppose(value, True)
    assert (state.key(), state.env) == (before, env)


@given(states(), strategies.sampled_from(PLACES), strategies.sampled_from(VALUES))
def test_a_key_is_what_a_state_holds_and_not_how_it_came_to_hold_it(state: State, place: Place, value: Value) -> None:
    one, two = state.copy(), state.copy()
    one.assign(place, Unknown(3, "elsewhere"))
    one.assign(place, value)
    two.assign(place, value)
    assert one.key() == two.key()


@given(states(), strategies.frozensets(strategies.sampled_from("abp")))
def test_forgetting_what_is_dead_keeps_what_is_live(state: State, live: frozenset[str]) -> None:
    before = dict(state.env)
    state.forget_dead(0, live)
    assert all(state.env.get(p) == v for p, v in before.items() if isinstance(p, Local) and p.name in live)
    assert not [p for p in state.env if isinstance(p, Local) and p.name not in live]


def test_a_value_made_anew_leaves_nothing_of_the_one_before() -> None:
    state, made = State(), CallResult(1)
    state.renew(made)
    state.assign(Field(made, "name"), Constant(1))
    state.put("closed", made, SPOT)
    state.renew(made)
    assert (state.env, state.closed) == ({}, {})


def test_components_come_with_callees_first_and_cycles_as_one() -> None:
    called: dict[Any, tuple[Any, ...]] = {"main": ("a", "leaf"), "a": ("b",), "b": ("a", "leaf"), "leaf": ()}
    found: list[Any] = [set(c) for c in components(called)]
    assert found == [{"leaf"}, {"a", "b"}, {"main"}]
