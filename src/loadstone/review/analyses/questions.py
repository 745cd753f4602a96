"""Questions asked of strings, and what their answers teach of who may choose a library."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.locks import Locks
from loadstone.review.analyses.state import Spot, State, Value
from loadstone.review.apis import Api, Role, Success

__all__ = ["Questions"]


class Questions(Locks):
    """Learns from what is asked of strings."""

    def _asked(
        self, api: Api, call: ir.Call, subject: Value, values: tuple[Value, ...], state: State, frame: Frame
    ) -> tuple[Value, State]:
        others = tuple(v for n, v in enumerate(values) if n != api.subject)
        if api.role is Role.COMPARE:
            return (
                "q",
                "compare",
                subject,
                others[0] if others else None,
                api.success is Success.ZERO,
                frame.spot(call.line),
                api.name,
            ), state
        needle = others[0] if others else None
        return ("q", api.kind, subject, needle, False, frame.spot(call.line), api.name), state

    def _asked_number(
        self, operator: str, value: Value, number: object, state: State, frame: Frame, line: int
    ) -> list[tuple[bool, State]]:
        assert value is not None
        yes, no = state.copy(), state
        zero = not number
        if operator in {"==", "!="}:
            truth_when_yes = (operator == "!=") if zero else (operator == "==")
            self._learn(value, yes, holds=truth_when_yes, spot=frame.spot(line))
            self._learn(value, no, holds=not truth_when_yes, spot=frame.spot(line))
        else:
            self._learn(value, yes, holds=True, spot=frame.spot(line))
            self._learn(value, no, holds=True, spot=frame.spot(line))
        return [(True, yes), (False, no)]

    def _learn(self, value: Value, state: State, *, holds: bool, spot: Spot) -> None:
        """What the answer to a question about a string teaches."""
        assert value is not None
        kind, subject = value[1], value[2]
        if kind == "check":
            if holds:
                state.add_check(subject, "allowed", spot)
                state.flags |= {("verified", spot)}
            return
        if len(value) < 6:
            return
        needle, zero_is_same = value[3], value[4]
        name = str(value[6]) if len(value) > 6 else ""
        if kind == "compare":
            same = holds is not zero_is_same
            if same:
                self._same(subject, needle, name, state, spot)
        elif kind == "contains" and not holds:
            state.add_check(subject, f"no {needle[1] if needle is not None and needle[0] == 'c' else '?'}", spot)
        elif kind in {"character", "length"}:
            state.add_check(subject, "characters" if kind == "character" and holds else kind, spot)
        elif kind in {"whole", "inside"} and holds:
            state.add_check(subject, "characters" if kind == "whole" else "inside", spot)
        elif kind == "prefix" and holds:
            ends = needle is not None and self._ends_with_separator(needle, state)
            state.add_check(subject, "inside" if ends else "prefix", spot)
        elif kind in {"part", "bare"}:
            state.add_check(subject, kind, spot)

    def _same(self, subject: Value, needle: Value, name: str, state: State, spot: Spot) -> None:
        if "ncmp" in name:
            ends = self._ends_with_separator(needle, state)
            state.add_check(subject, "inside" if ends else "prefix", spot)
            return
        if "mem" in name or "digest" in name or state.has_flag("digest") is not None:
            state.flags |= {("verified", spot)}
        state.add_check(subject, "allowed", spot)
        state.add_check(needle, "allowed", spot)

    def _ends_with_separator(self, value: Value, state: State) -> bool:
        leaves = [leaf for leaf in state.leaves(value) if leaf is not None]
        last = leaves[-1] if leaves else None
        if last is None:
            return False
        if last[0] == "c":
            return isinstance(last[1], str) and last[1].endswith(("/", "\\"))
        return last[0] == "i" and str(last[1][-1]) in {"os.sep", "sep"}
