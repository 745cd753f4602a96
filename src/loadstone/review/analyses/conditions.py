"""Both answers of a condition, each with the state it leaves behind."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Site
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.questions import Questions
from loadstone.review.analyses.results import success_when
from loadstone.review.analyses.state import State, Value, constant, pointer
from loadstone.review.analyses.words import describe, names_an_error, uncast
from loadstone.review.apis import Role, Success

__all__ = ["Conditions"]

_GOOD_ZERO: Final = re.compile(r"(?:SUCCESS|_OK|S_OK|NO_ERROR|ERROR_SUCCESS|NOERROR)\Z")


class Conditions(Questions):
    """Splits a state by the answers of a condition."""

    def test(self, expression: ir.Expression, state: State, frame: Frame) -> list[tuple[bool, State]]:
        """Both answers a condition can have here, with what each of them teaches."""
        bare = uncast(expression)
        if isinstance(bare, ir.Operation):
            if bare.operator == "!" and bare.operands:
                return [(not holds, s) for holds, s in self.test(bare.operands[0], state, frame)]
            if bare.operator in {"&&", "||"}:
                return self._both(bare, state, frame)
            if bare.operator in {"==", "!=", "<", "<=", ">", ">=", "in", "not in"} and len(bare.operands) == 2:
                return [
                    answer
                    for (left, right), after in self._all(bare.operands, state, frame)
                    for answer in self._compare(bare, left, right, after, frame)
                ]
        results = []
        for value, after in self.value(expression, state, frame):
            results.extend(self._truth(value, after, frame, expression.line))
        return results

    def _both(self, bare: ir.Operation, state: State, frame: Frame) -> list[tuple[bool, State]]:
        stop = bare.operator == "||"
        results = []
        for holds, after in self.test(bare.operands[0], state, frame):
            if holds is stop:
                results.append((holds, after))
            else:
                results.extend(self.test(bare.operands[1], after, frame))
        return results

    def _truth(self, value: Value, state: State, frame: Frame, line: int) -> list[tuple[bool, State]]:
        value = self._as_constant(value)
        if value is None:
            return [(True, state.copy()), (False, state)]
        if value[0] == "c":
            return [(bool(value[1]), state)]
        if value[0] == "f" or value[0] == "a":
            return [(True, state)]
        if value[0] == "q":
            yes, no = state.copy(), state
            self._learn(value, yes, holds=True, spot=frame.spot(line))
            self._learn(value, no, holds=False, spot=frame.spot(line))
            return [(True, yes), (False, no)]
        site = self._site(value)
        if site is not None:
            site.tests.add(frame.spot(line))
            state.touched[value] = frame.spot(line)
            if value[0] == "t" and site.api.success is Success.ONE:
                site.wrong_tests.add((frame.spot(line), "any value but zero is taken for success"))
        if value[0] == "i" and value[1][0] != "v":
            self.record.tested_places.add(describe(value[1]).rpartition(".")[2])
        known = state.truth.get(value)
        if known is not None:
            return [(known, state)]
        yes, no = state.copy(), state
        self._assume(value, yes, truth=True, frame=frame, line=line)
        self._assume(value, no, truth=False, frame=frame, line=line)
        return [(True, yes), (False, no)]

    def _assume(self, value: Value, state: State, *, truth: bool, frame: Frame, line: int) -> None:
        assert value is not None
        state.truth[value] = truth
        if value[0] == "i":
            state.add_check(value, "null", frame.spot(line))
        if value[0] == "s" and self.record.sites[value[1]].api.role is Role.SOURCE:
            state.flags |= {("environment tested", frame.spot(line))}
        if value[0] == "t":
            site = self.record.sites[value[1]]
            succeeded = truth if site.api.success is not Success.ZERO else not truth
            if site.api.out is not None:
                state.truth[pointer(value[1])] = succeeded
            if site.api.role is Role.VERIFY and succeeded:
                state.flags |= {("verified", frame.spot(line))}

    def _compare(
        self, bare: ir.Operation, left: Value, right: Value, state: State, frame: Frame
    ) -> list[tuple[bool, State]]:
        operator = bare.operator
        if left is not None and left[0] == "c" and not (right is not None and right[0] == "c"):
            left, right = right, left
            operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
        right = self._as_constant(right)
        if left is not None and right is not None and left[0] == "c" and right[0] == "c":
            return self._constants(operator, left[1], right[1], state)
        if operator in {"in", "not in"}:
            return self._membership(operator, left, right, bare, state, frame)
        if right is not None and right[0] == "c" and left is not None:
            number = right[1]
            if left[0] == "q":
                return self._asked_number(operator, left, number, state, frame, bare.line)
            if not number and operator in {"==", "!="} and names_an_error(left):
                return [(operator == "!=", state)]
            if not number and operator in {"==", "!="} and not isinstance(number, str):
                answers = self._truth(left, state, frame, bare.line)
                return [(holds if operator == "!=" else not holds, s) for holds, s in answers]
            site = self._site(left)
            if site is not None and not isinstance(number, str | bytes):
                return self._status(operator, left, number, site, state, frame, bare.line)
            if operator == "==" and isinstance(number, int | str) and number:
                yes, no = state.copy(), state
                yes.truth.setdefault(left, True)
                yes.add_check(left, "equals a constant", frame.spot(bare.line))
                return [(True, yes), (False, no)]
        return self._compared(operator, left, right, bare, state, frame)

    def _as_constant(self, value: Value) -> Value:
        if (
            value is not None
            and value[0] == "i"
            and isinstance(value[1], tuple)
            and value[1][0] == "g"
            and _GOOD_ZERO.search(str(value[1][-1]))
        ):
            return constant(0)
        return value

    @staticmethod
    def _constants(operator: str, left: object, right: object, state: State) -> list[tuple[bool, State]]:
        if operator == "==":
            return [
                (
                    left == right
                    or (not left and not right and not isinstance(left, str) and not isinstance(right, str)),
                    state,
                )
            ]
        if operator == "!=":
            return [
                (
                    left != right
                    and not (not left and not right and not isinstance(left, str) and not isinstance(right, str)),
                    state,
                )
            ]
        if isinstance(left, int | float) and isinstance(right, int | float):
            answer = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator)
            if answer is not None:
                return [(answer, state)]
        return [(True, state.copy()), (False, state)]

    def _status(
        self, operator: str, value: Value, number: object, site: Site, state: State, frame: Frame, line: int
    ) -> list[tuple[bool, State]]:
        """A result compared with a number: what it says of success, or that it says nothing."""
        spot = frame.spot(line)
        site.tests.add(spot)
        assert value is not None
        good = success_when(site.api.success, operator, number, is_status=value[0] == "t")
        if good is None:
            site.wrong_tests.add((spot, f"{operator} {number}"))
            return [(True, state.copy()), (False, state)]
        answers = []
        for holds in (True, False):
            succeeded = good if holds else not good
            truth = succeeded if site.api.success is not Success.ZERO else not succeeded
            known = state.truth.get(value)
            if known is not None and known is not truth:
                continue
            after = state.copy()
            self._assume(value, after, truth=truth, frame=frame, line=line)
            answers.append((holds, after))
        return answers

    def _membership(
        self, operator: str, left: Value, right: Value, bare: ir.Operation, state: State, frame: Frame
    ) -> list[tuple[bool, State]]:
        inside, outside = state.copy(), state
        spot = frame.spot(bare.line)
        if (left is not None and left[0] == "c" and isinstance(left[1], str)) or (
            right is not None and right[0] == "c" and left is not None and isinstance(left[1], str)
        ):
            outside.add_check(right, f"no {left[1]}", spot)
        elif self.taint_of(right, state) is None:
            inside.add_check(left, "allowed", spot)
        if operator == "in":
            return [(True, inside), (False, outside)]
        return [(False, inside), (True, outside)]

    def _compared(
        self, operator: str, left: Value, right: Value, bare: ir.Operation, state: State, frame: Frame
    ) -> list[tuple[bool, State]]:
        yes, no = state.copy(), state
        spot = frame.spot(bare.line)
        if operator in {"==", "!="}:
            same = yes if operator == "==" else no
            if state.has_flag("digest") is not None:
                same.flags |= {("verified", spot)}
            for one, other in ((left, right), (right, left)):
                if one is not None and self.taint_of(other, state) is None:
                    same.add_check(one, "compared", spot)
        for value in (left, right):
            for leaf in state.leaves(value):
                if leaf is not None and leaf[0] in {"i", "r", "s"}:
                    yes.add_check(leaf, "compared", spot)
                    no.add_check(leaf, "compared", spot)
        return [(True, yes), (False, no)]
