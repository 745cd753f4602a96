from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loadstone.fuzz.child.mutate import mutate


@given(st.integers(), st.lists(st.binary(max_size=64), min_size=1, max_size=5), st.lists(st.binary(max_size=8)))
def test_an_input_is_never_longer_than_asked_for(seed: int, corpus: list[bytes], words: list[bytes]) -> None:
    random = Random(seed).random
    for _ in range(20):
        assert len(mutate(random, corpus, words, 40)) <= 40


@given(st.integers(), st.lists(st.binary(max_size=64), min_size=1, max_size=5))
def test_the_same_seed_gives_the_same_inputs(seed: int, corpus: list[bytes]) -> None:
    first, second = Random(seed).random, Random(seed).random
    assert [mutate(first, corpus, [], 64) for _ in range(10)] == [mutate(second, corpus, [], 64) for _ in range(10)]


def test_an_empty_input_grows() -> None:
    random = Random(1).random
    assert all(len(mutate(random, [b""], [], 64)) > 0 for _ in range(50))


def test_dictionary_words_and_neighbours_are_reached() -> None:
    random = Random(2).random
    made = [mutate(random, [b"aaaaaaaa"], [b"MAGIC"], 64) for _ in range(3000)]
    assert any(b"MAGIC" in m for m in made)
    assert any(len(m) == 8 and sum(x != y for x, y in zip(m, b"aaaaaaaa", strict=True)) == 1 for m in made)
    assert any(len(m) == 64 for m in made)  # block repetition reaches the limit
