"""What crosses to a worker or a helper and back is a dataclass on both sides, and nothing else fits."""

from __future__ import annotations

import json
from dataclasses import replace
from types import NoneType

import pytest

from loadstone.core.observations import (
    LayerState,
    LayerStatus,
    MappedObject,
    ObservationKind,
    Phase,
    ProbeOutcome,
    Witness,
)
from loadstone.core.plain_values import UnfitValue, from_plain, to_plain
from loadstone.fuzz.plan import Argument, CallPlan, Compare, Heap, Job, Operand, Role, SharedInput
from loadstone.probe.answer import (
    CodePlace,
    CountedObservation,
    HelperHello,
    HelperReply,
    ProbeAnswer,
    TracedCrash,
    TracedThread,
)
from loadstone.probe.request import ProbeRequest

CALLS = (
    CallPlan("parse", 64, (Argument(Role.BUFFER), Argument(Role.ONE_OF, values=(1, -2), text=None)), returns="pointer"),
    CallPlan("name", 0, (Argument(Role.CONST, text="\udcff\u00e9"),), into="box", repeat=True),
)
COMPARE = Compare(1, 2, 4, Operand(5, "rax", memory=True), Operand(-1))
JOB = Job(
    library="/tmp/\udcff.so",
    calls=CALLS,
    blocks=((1, 2), (3, 4)),
    entries=(1,),
    inputs=(b"", b"\xff\0"),
    heap=Heap.EXACT,
    heap_slots=(("malloc", 8),),
    compares=(COMPARE,),
    passed=(("kind", 1),),
    time_s=3,
    require=("seccomp",),
)
REQUEST = ProbeRequest(script="full", path="/l\udcff.so", symbols=("a",), timeout=1, deadline=2.5, home="/root")
FRAMES = (CodePlace(1 << 63, "/l\udcff.so", 4, likely=True),)
ANSWER = ProbeAnswer(
    outcome=ProbeOutcome.CRASH,
    phase=Phase.RELOAD,
    signal=11,
    crash=TracedCrash(11, Phase.LOAD, 1, None, "null page", FRAMES),
    symbol="f\udcff",
    stacks=(TracedThread(main=True, name="n", does="waits", frames=FRAMES), TracedThread(False, "", "", ())),
    observations=(CountedObservation(ObservationKind.OUTPUT, Phase.LOAD, Witness.KERNEL, "x", 3),),
    layers=(LayerStatus("landlock", LayerState.ACTIVE, "tried"),),
    traced="",
    mapped=("/l\udcff.so",),
    objects=(MappedObject("/a", "a", 1 << 40, 2),),
    unmapped=False,
    series=(("threads", (1, 2)), ("descriptors", ())),
)


@pytest.mark.parametrize(
    "value",
    [
        JOB,
        REQUEST,
        SharedInput(share=b"\1\2", block=7),
        ANSWER,
        ProbeAnswer(outcome=ProbeOutcome.OK, phase=Phase.EXIT),
        HelperReply(ANSWER),
        HelperReply(None, "No space left on device (28)", 28),
        HelperHello(7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_the_same(value: object) -> None:
    assert from_plain(type(value), json.loads(json.dumps(to_plain(value)))) == value


@pytest.mark.parametrize("whole", [JOB, REQUEST, ANSWER], ids=lambda value: type(value).__name__)
def test_every_field_is_checked(whole: object) -> None:
    raw = to_plain(whole)
    for name, value in raw.items():
        wrong = 5 if isinstance(value, (str, list, NoneType)) else "5"
        with pytest.raises(UnfitValue):
            from_plain(type(whole), {**raw, name: wrong})


@pytest.mark.parametrize(
    "broken",
    [
        {"extra": 1},
        {"blocks": [[1]]},
        {"blocks": [[1, 2, 3]]},
        {"blocks": [[1, True]]},
        {"inputs": ["zz"]},
        {"heap": "no heap"},
        {"calls": [{}]},
        {"calls": [None]},
        {"runs": 1.5},
    ],
)
def test_what_does_not_fit_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UnfitValue):
        from_plain(Job, {**to_plain(JOB), **broken})


def test_a_missing_field_is_refused() -> None:
    raw = to_plain(replace(JOB, calls=()))
    del raw["seed"]
    with pytest.raises(UnfitValue):
        from_plain(Job, raw)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(UnfitValue, match=r"^HelperHello: int expected, not str$"):
        from_plain(HelperHello, {**to_plain(HelperHello(7)), **dict.fromkeys(to_plain(HelperHello(7)), "7")})
    with pytest.raises(UnfitValue, match=r"^ProbeAnswer: str expected, not int$"):
        from_plain(ProbeAnswer, {**to_plain(ANSWER), "mapped": ["/a", 7]})
