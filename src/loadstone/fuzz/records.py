"""What a worker may say, and how much of it: the schema of every record that reaches the parent.

The worker is ours, but it watches foreign code, and what it passes on was written by that code. So nothing here is
free: kinds come from a fixed set, texts and numbers are bounded, inputs are no longer than inputs can be. A line that
does not fit was not sent by a worker of ours; it is counted as forged, and nothing in it is used.
"""

from __future__ import annotations

import signal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from loadstone.core.fuzzing import MEMORY_ERRORS
from loadstone.fuzz.plan import Heap

__all__ = [
    "KINDS",
    "CannotLoad",
    "Done",
    "FindingRecord",
    "HookFailed",
    "New",
    "ProgressRecord",
    "Ready",
    "Record",
    "RefusedRecord",
    "read_record",
]

KINDS: Final = (
    frozenset({"hang", "memory", "exit", "check", *MEMORY_ERRORS, "stack-overflow", "descriptor-leak"})
    | {s.name for s in signal.Signals}
    | {f"signal {number}" for number in range(1, 65)}
)
"""Every kind of finding there is; folders are named by these words and no others."""

_MAX_INPUT: Final = 2 * ((1 << 20) + 1)  # hexadecimal, and the NUL of a text

_Text = Annotated[str, Meta(max_length=8192)]
_Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Input = Annotated[str, Meta(max_length=_MAX_INPUT, pattern="^(?:[0-9a-f]{2})*$")]
_Frames = Annotated[list[_Count], Meta(max_length=64)]
_States = Annotated[list[tuple[_Text, _Text]], Meta(max_length=32)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", kw_only=True):
    pass


class Ready(_Record, tag="ready", frozen=True, kw_only=True):
    """The first child stands: its layers, and what watches it, as they turned out."""

    layers: _States
    observers: _States


class New(_Record, tag="new", frozen=True, kw_only=True):
    """An input reached a new block."""

    input: _Input
    block: _Count
    run: _Count


class FindingRecord(_Record, tag="found", frozen=True, kw_only=True):
    """A child ended, or had to be ended; ``inputs`` are those before it, the last one the one at work."""

    kind: str
    inputs: Annotated[list[_Input], Meta(min_length=1, max_length=200_000)]
    run: _Count
    fault: Annotated[int, Meta(ge=0)] = 0
    guard: Annotated[str, Meta(pattern="^(?:over|under)?$")] = ""
    frames: _Frames = []
    heap: Annotated[str, Meta(max_length=16)] = "plain"
    slack: Annotated[int, Meta(ge=0, le=4096)] = 0
    signal: Annotated[str, Meta(max_length=16)] = ""
    allocated: _Frames = []
    freed: _Frames = []
    status: Annotated[int, Meta(ge=0, le=255)] = 0
    detail: _Text = ""
    words: _Text = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.fault >= 1 << 64 or self.heap not in tuple(Heap):
            raise ValueError("no such kind of finding, or no address")


class HookFailed(_Record, tag="hook_failed", frozen=True, kw_only=True):
    """A hook of the user raised an exception."""

    text: _Text


class ProgressRecord(_Record, tag="status", frozen=True, kw_only=True):
    """How far the campaign is."""

    runs: _Count
    seconds: Annotated[float, Meta(ge=0)]
    blocks: _Count
    forged: _Count
    slow: _Count = 0


class Done(ProgressRecord, tag="done", frozen=True, kw_only=True):
    """The last record of a campaign that came to its end."""


class CannotLoad(_Record, tag="cannot_load", frozen=True, kw_only=True):
    """The library did not come as far as the first call."""

    text: _Text
    signal: _Count | None = None
    exited: _Count | None = None


class RefusedRecord(_Record, tag="refused", frozen=True, kw_only=True):
    """A layer that was required is missing: nothing ran."""

    text: _Text


Record = RefusedRecord | Ready | New | FindingRecord | HookFailed | ProgressRecord | Done | CannotLoad

_DECODER: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)


def read_record(line: bytes) -> Record | None:
    """The record of a line; None when no worker of ours says that.

    >>> read_record(b'{"record": "new", "input": "6162", "block": 4096, "run": 3}').input
    '6162'
    >>> read_record(b'{"record": "found", "kind": "../../root/x", "inputs": [""], "run": 1}')
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
