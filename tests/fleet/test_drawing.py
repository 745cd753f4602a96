"""The drawing of the most needed libraries."""

from __future__ import annotations

import pytest

pytest.importorskip("duckdb")

from loadstone.fleet.report.drawing import drawn


def test_a_library_stands_right_of_those_that_need_it() -> None:
    needs = {"z": ["c"], "png": ["z", "c", "m", "elsewhere"], "m": ["c"]}
    made = drawn({"c": 90, "m": 40, "z": 20, "png": 10}, needs)
    column = {library.name: library.x for library in made.libraries}
    assert column["png"] < column["z"] == column["m"] < column["c"]
    assert len(made.arrows) == 5
    assert [library.row for library in made.libraries] == [0, 1, 2, 3]
    assert max(library.radius for library in made.libraries) == made.libraries[0].radius


def test_no_two_libraries_lie_on_each_other_and_all_lie_in_the_drawing() -> None:
    names = {f"lib{number}": 30 - number for number in range(24)}
    made = drawn(names, {name: [*names][at + 1 : at + 3] for at, name in enumerate(names)})
    assert len({(library.x, library.y) for library in made.libraries}) == 24
    assert all(0 < library.x < made.width and 0 < library.y < made.height for library in made.libraries)


@pytest.mark.parametrize("needs", [{"a": ["b"], "b": ["a"]}, {"a": ["a"]}, {}])
def test_circles_end(needs: dict[str, list[str]]) -> None:
    assert len(drawn({"a": 2, "b": 1}, needs).libraries) == 2


def test_nothing_needs_nothing() -> None:
    assert drawn({}, {}).libraries == ()


def test_a_name_is_drawn_without_its_tricks() -> None:
    (library,) = drawn({"lib\x1b[2J\u202e.so" + "x" * 99: 1}, {}).libraries
    assert library.name.isprintable()
    assert len(library.name) <= 40
