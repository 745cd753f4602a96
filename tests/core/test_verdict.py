from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from loadstone.core.claims import Claim, Evidence, Finding, Location, NotApplicable, Severity, Undecided
from loadstone.core.verdict import Verdict, decide

PLACE = Location("libx.so")


def finding(severity: Severity, *, blocking: bool = False) -> Finding:
    return Finding(rule="r", message="m", location=PLACE, severity=severity, blocking=blocking)


def undecided(*, blocking: bool = False) -> Undecided:
    return Undecided(rule="r", message="m", location=PLACE, reason="why", blocking=blocking)


EVIDENCE = Evidence(rule="r", message="m", location=PLACE)
claims = st.lists(
    st.one_of(
        st.builds(finding, st.sampled_from(Severity), blocking=st.booleans()),
        st.builds(undecided, blocking=st.booleans()),
        st.just(EVIDENCE),
        st.just(NotApplicable(rule="r", message="m", location=PLACE)),
    ),
    max_size=8,
)


def test_nothing_against_it_means_load() -> None:
    assert decide([EVIDENCE, undecided(), finding(Severity.LOW), finding(Severity.NOTE)]).verdict is Verdict.LOAD


def test_a_medium_finding_asks_for_care_and_is_the_reason() -> None:
    minor, major = finding(Severity.LOW), finding(Severity.MEDIUM)
    decision = decide([minor, major])
    assert decision.verdict is Verdict.LOAD_WITH_CARE
    assert decision.reasons == (major,)


def test_a_blocking_question_outweighs_care_but_not_refusal() -> None:
    question = undecided(blocking=True)
    assert decide([finding(Severity.HIGH), question]).verdict is Verdict.CANNOT_TELL
    assert decide([finding(Severity.LOW, blocking=True), question]).verdict is Verdict.DO_NOT_LOAD


def test_a_critical_finding_refuses_without_being_blocking() -> None:
    assert decide([finding(Severity.CRITICAL)]).verdict is Verdict.DO_NOT_LOAD


def test_reasons_come_worst_first() -> None:
    ordered = decide([finding(Severity.MEDIUM), finding(Severity.HIGH)]).reasons
    assert [r.severity for r in ordered if isinstance(r, Finding)] == [Severity.HIGH, Severity.MEDIUM]


def test_what_blocks_comes_before_what_is_worse_and_equals_keep_their_order() -> None:
    first, second = finding(Severity.NOTE, blocking=True), finding(Severity.HIGH, blocking=True)
    critical, third = finding(Severity.CRITICAL), finding(Severity.HIGH, blocking=True)
    for equals in ([second, third], [third, second]):
        reasons = decide([critical, finding(Severity.HIGH), first, *equals]).reasons
        assert [id(reason) for reason in reasons] == [*map(id, equals), id(first), id(critical)]


def test_open_questions_are_the_reasons_in_the_order_they_were_asked() -> None:
    one, two = undecided(blocking=True), undecided(blocking=True)
    reasons = decide([one, undecided(), finding(Severity.HIGH), two]).reasons
    assert [id(reason) for reason in reasons] == [id(one), id(two)]


@given(claims, st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_change_the_verdict(some: list[Claim], shuffler: random.Random) -> None:
    mixed = list(some)
    shuffler.shuffle(mixed)
    assert decide(mixed).verdict is decide(some).verdict


@given(claims)
def test_evidence_never_outweighs_a_finding(some: list[Claim]) -> None:
    assert decide([*some, EVIDENCE]).verdict is decide(some).verdict


@given(claims, st.sampled_from(Severity))
def test_a_further_finding_never_makes_a_verdict_milder(some: list[Claim], severity: Severity) -> None:
    order = (Verdict.LOAD, Verdict.LOAD_WITH_CARE, Verdict.CANNOT_TELL, Verdict.DO_NOT_LOAD)
    worse = decide([*some, finding(severity)]).verdict
    assert order.index(worse) >= order.index(decide(some).verdict)
