from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tools import needed

from loadstone.core.claims import Claim, Evidence, Finding, Location, Severity
from loadstone.core.fingerprints import content_of, fingerprints, statements
from loadstone.core.trace import Diagnosis
from loadstone.review.images import review_binary


def finding(message: str = "It may be planted", path: str = "libx.so", **more: object) -> Finding:
    given = {"rule": "r", "message": message, "location": Location(path), "severity": Severity.LOW, **more}
    return Finding(**given)  # type: ignore[arg-type]


def test_a_sentence_is_never_part_of_a_fingerprint() -> None:
    plain = [finding(), Evidence(rule="r", message="No", location=Location.bytes("libx.so", 4))]
    said_better = [replace(claim, message="Put in the field's words") for claim in plain]
    assert fingerprints(plain) == fingerprints(said_better)


def test_what_a_claim_is_about_tells_it_apart_in_whatever_order() -> None:
    one, other = finding(subject="liba.so"), finding(subject="libb.so")
    assert fingerprints([one, other]) == tuple(reversed(fingerprints([other, one])))
    assert len({content_of(f) for f in fingerprints([one, other])}) == 2


def test_equal_claims_of_one_file_are_unique_and_have_one_content() -> None:
    first, second = fingerprints([finding(), finding()])
    assert first != second
    assert content_of(first) == content_of(second)


def test_a_statement_counts_where_there_is_one_and_its_white_space_does_not() -> None:
    texts = {"a.c": ["", "  dlopen ( p );"], "b.c": ["dlopen(p);"]}
    at = statements(lambda path: texts.get(path, ()))
    (first,) = fingerprints([finding("one", location=Location.lines("a.c", 2))], at)
    (moved,) = fingerprints([finding("two", location=Location.lines("b.c", 1))], at)
    (absent,) = fingerprints([finding("two", location=Location.lines("gone.c", 1))], at)
    assert content_of(first) == content_of(moved) != content_of(absent)


def test_a_diagnosis_is_named_by_its_subject_wherever_its_folder_is() -> None:
    def diagnosed(path: str, sentence: str) -> str:
        claim = Diagnosis(code="dep-not-found", blocking=True, subject=path, explanation=sentence).finding()
        return content_of(fingerprints([replace(claim, location=Location("libx.so"))])[0])

    assert diagnosed("/opt/1/liby.so", "gone") == diagnosed("/opt/1/liby.so", "it is not there")
    in_a = Diagnosis(code="c", blocking=False, subject="/a/liby.so", explanation="x", evidence=(Location("libx.so"),))
    in_b = replace(in_a, subject="/b/liby.so")
    assert fingerprints([in_a.finding()]) == fingerprints([in_b.finding()])


@pytest.fixture
def built(tmp_path: Path) -> Path:
    needed("gcc")
    (tmp_path / "x.c").write_text(
        "char *gets(char *); char *tmpnam(char *); int f(char *a) { return gets(a) && tmpnam(a); }\n"
    )
    return tmp_path


def review_of(folder: Path, *search: str) -> list[Claim]:
    where = [f"-Wl,-rpath,{element}" for element in search]
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", *where, "-o", "libx.so", "x.c"], cwd=folder, check=True)
    return [result.claim for result in review_binary("libx.so", folder / "libx.so").results]


def test_another_finding_in_a_binary_leaves_the_fingerprints_of_the_others(built: Path) -> None:
    before = review_of(built, "/home/ann/lib", "relative/lib")
    after = review_of(built, "/tmp/first", "/home/ann/lib", "relative/lib")

    def found(claims: list[Claim]) -> set[str]:
        pairs = zip(claims, fingerprints(claims), strict=True)
        return {name for claim, name in pairs if isinstance(claim, Finding)}

    assert found(before) < found(after)
    assert len(found(after) - found(before)) == 1


def test_no_two_findings_in_a_binary_are_told_apart_by_their_order_alone(built: Path) -> None:
    claims = review_of(built, "/home/ann/lib", "relative/lib", "/tmp/x")
    contents = Counter(content_of(name) for name in fingerprints(claims))
    assert not {name for name, count in contents.items() if count > 1}
