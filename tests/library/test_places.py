from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadstone.errors import NotVerified
from loadstone.library import Assurance, Policy
from loadstone.library.trust.places import assurance_of, check_place, is_open_to_all, steps_of


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "lib"
    folder.mkdir(mode=0o755)
    path = folder / "libx.so"
    path.touch(mode=0o644)
    return path


def test_a_closed_place_is_accepted(library: Path) -> None:
    check_place(str(library), Policy.default())


@pytest.mark.parametrize("part", ["libx.so", "."])
def test_what_everybody_may_write_to_is_refused_by_name(library: Path, part: str) -> None:
    place = (library.parent / part).resolve()
    place.chmod(0o777)
    with pytest.raises(NotVerified) as caught:
        check_place(str(library), Policy.default())
    assert f"{place} can be written by everybody" in str(caught.value)
    check_place(str(library), Policy(allow_writable=True))


def test_a_sticky_directory_is_no_danger(library: Path) -> None:
    library.parent.chmod(0o1777)
    check_place(str(library), Policy.default())


def test_the_place_of_a_link_counts_as_well_as_its_target(library: Path, tmp_path: Path) -> None:
    other = tmp_path / "open"
    other.mkdir()
    other.chmod(0o777)
    link = other / "libx.so"
    link.symlink_to(library)
    with pytest.raises(NotVerified, match="open can be written by everybody"):
        check_place(str(link), Policy.default())
    back = library.parent / "back.so"
    back.symlink_to("../lib/../lib/libx.so")
    check_place(str(back), Policy.default())
    assert [p for p, _, _ in steps_of(str(back))][-1] == str(library)


def test_owners_are_held_to_for_the_file_and_every_directory(library: Path) -> None:
    strangers = Policy(require_owner=(os.geteuid() + 1,))
    with pytest.raises(NotVerified, match="belongs to user") as caught:
        check_place(str(library), strangers)
    assert "chown" in caught.value.advice


def test_group_writable_counts_when_owners_do(library: Path) -> None:
    library.chmod(0o664)
    check_place(str(library), Policy.default())
    with pytest.raises(NotVerified, match="can be written by group"):
        check_place(str(library), Policy.strict())


def test_trusted_directories_are_compared_after_links(library: Path, tmp_path: Path) -> None:
    check_place(str(library), Policy(trusted_dirs=(str(tmp_path),)))
    outside = tmp_path / "outside"
    outside.mkdir()
    link = outside / "libx.so"
    link.symlink_to(library)
    with pytest.raises(NotVerified, match="must be in a trusted directory"):
        check_place(str(link), Policy(trusted_dirs=(str(outside),)))


def test_assurance_says_what_a_place_is_worth(library: Path) -> None:
    assert assurance_of(str(library)) is Assurance.PATH_TRUSTED
    library.chmod(0o666)
    assert assurance_of(str(library)) is Assurance.NONE
    assert assurance_of("/no/such/file") is Assurance.NONE


def test_what_cannot_be_looked_at_counts_as_open(tmp_path: Path) -> None:
    assert is_open_to_all(str(tmp_path / "none"))
    assert not is_open_to_all(str(tmp_path))


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(list(steps_of(str(tmp_path / "a")))) < 100


def test_a_directory_whose_name_only_begins_like_a_trusted_one_is_not_trusted(tmp_path: Path) -> None:
    trusted, beside = tmp_path / "lib", tmp_path / "lib-of-somebody"
    for folder in (trusted, beside):
        folder.mkdir()
        (folder / "libx.so").write_bytes(b"")
    policy = Policy(trusted_dirs=(str(trusted),))
    check_place(str(trusted / "libx.so"), policy)
    with pytest.raises(NotVerified):
        check_place(str(beside / "libx.so"), policy)


def test_a_trusted_directory_may_be_a_link_the_root_or_end_in_a_slash(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    (real / "libx.so").write_bytes(b"")
    for trusted in (str(link), f"{link}/", f"{real}/", "/"):
        check_place(str(real / "libx.so"), Policy(trusted_dirs=(trusted,)))
