"""What conditions teach: of a result, whether the call worked; of a string, what may still be in it.

A test splits a state in two and refines each (branch refinement, as in path-sensitive typestate: Das, Lerner and Seigle
2002). Facts are only ever added, so refining is monotone: a state with more facts never learns less. A helper that
tests its argument and returns a verdict needs no rule of its own: it is followed with the caller's value, and what its
true branch learnt is what the caller's true branch knows.
"""

from __future__ import annotations

import re
from typing import Final, cast

from loadstone.review import ir
from loadstone.review.analyses.facts import Site
from loadstone.review.analyses.flow import taint_of
from loadstone.review.analyses.program import Frame
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.results import success_when
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.values import (
    Answer,
    CallResult,
    CallStatus,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Object,
    PlaceAddress,
    Spot,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import describe, is_inside, last_word, names_an_error, uncast
from loadstone.review.apis import ApiRole, Success
from loadstone.review.typenames import is_text

__all__ = ["COMPARES", "Refine"]

COMPARES: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_GOOD_ZERO: Final = re.compile(r"(?:SUCCESS|_OK|S_OK|NO_ERROR|ERROR_SUCCESS|NOERROR)\Z")
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NOWHERE: Final = re.compile(r"(?:^|::)npos\Z")
_SEPARATORS: Final = ("/", "\\")
Answers = list[tuple[bool, State]]


_STREAMS: Final = (0, 1, 2)
"""The descriptors that every program begins with: a number that is compared with one of them is asked which it is."""


class Refine:
    """Splits a state by the answers of a condition."""

    def __init__(self, record: Record, sites: Sites) -> None:
        self.record = record
        self.sites = sites

    # Truth.

    def truth(self, value: Value, state: State, frame: Frame, line: int) -> Answers:
        """Both answers of ``if (value)``, with what each of them teaches."""
        value = _as_constant(value)
        spot = frame.spot(line)
        if value is None:
            return [(True, state.copy()), (False, state)]
        if isinstance(value, Constant):
            return [(bool(value.value), state)]
        if isinstance(value, Object):
            return self._object(value, state, spot)
        if isinstance(value, Code | PlaceAddress):
            return [(True, state)]
        if isinstance(value, Answer):
            yes, no = state.copy(), state
            self.learn(value, yes, holds=True, spot=spot)
            self.learn(value, no, holds=False, spot=spot)
            return [(True, yes), (False, no)]
        for one in state.either(value):
            site = self.sites.tested(one, spot)
        if site is not None and isinstance(value, CallResult | CallStatus):
            state.put("touched", value, spot)
            if isinstance(value, CallStatus) and site.api.success is Success.ONE:
                site.wrong_tests.add((spot, "any value but zero is taken for success"))
        if isinstance(value, Initial) and not isinstance(value.place, Local):
            self.record.tested_places.add((spot.path, describe(value.place).rpartition(".")[2]))
        known = state.truth.get(value)
        if known is not None:
            return [(known, state)]
        yes, no = state.copy(), state
        self.assume(value, yes, truth=True, spot=spot)
        self.assume(value, no, truth=False, spot=spot)
        return [(True, yes), (False, no)]

    def _object(self, value: Object, state: State, spot: Spot) -> Answers:
        """An object that is asked whether it is good: what it holds is asked for."""
        held = [v for p, v in state.env.items() if isinstance(v, CallResult) and is_inside(p, value)]
        for one in held:
            self.sites.tested(one, spot)
        yes, no = state.copy(), state
        if len(held) == 1 and held[0] not in state.truth:
            yes.suppose(held[0], truth=True)
            no.suppose(held[0], truth=False)
        return [(True, yes), (False, no)]

    def assume(self, value: Value, state: State, *, truth: bool, spot: Spot) -> None:
        """A value is null, or it is not: what else is known then."""
        if not isinstance(value, Unknown) or value in state.env.values():
            state.suppose(value, truth)
        if isinstance(value, Initial):
            state.add_check(value, "null", spot)
        if self.sites.role(value) is ApiRole.SOURCE:
            state.flag("environment tested", spot)
        about = state.about.get(value)
        if about is not None and about not in state.truth:
            state.suppose(about, not truth)  # an error text means that the lookup failed, null that it did not
            self.sites.tested(about, spot)
        if isinstance(value, Unknown) and not truth:
            self._span_ended(value, state, spot)
        if isinstance(value, CallStatus):
            site = self.record.sites[value.site]
            if site.api.role is ApiRole.LOOK and (truth is (site.api.success is Success.ZERO)):
                state.flag("looked in vain", spot)
            succeeded = truth if site.api.success is not Success.ZERO else not truth
            if site.api.out is not None:
                state.suppose(CallResult(value.site), succeeded)
            if site.api.role is ApiRole.VERIFY and succeeded:
                state.flag("verified", spot)

    @staticmethod
    def _span_ended(value: Unknown, state: State, spot: Spot) -> None:
        """``name[strspn(name, set)]`` is the end of the text: nothing but the set is in it."""
        if isinstance(value.source, tuple) and value.source[:1] == ("behind",):
            for leaf in state.leaves(value.source[1]):
                state.add_check(leaf, "characters", spot)

    # Comparisons.

    def compare(self, bare: ir.Operation, left: Value, right: Value, state: State, frame: Frame) -> Answers:
        """Both answers of ``left operator right``."""
        operator = bare.operator
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left, right = right, left
            operator = _MIRRORED.get(operator, operator)
        left, right = _as_constant(left), _as_constant(right)
        spot = frame.spot(bare.line)
        if isinstance(left, Constant) and isinstance(right, Constant):
            return _constants(operator, left.value, right.value, state)
        if operator in {"in", "not in"}:
            return self._membership(operator, left, right, state, spot)
        if isinstance(left, Answer) and (special := self._asked(operator, left, right, state, spot)) is not None:
            return special
        if isinstance(right, Answer) and (special := self._asked(operator, right, left, state, spot)) is not None:
            return special
        if operator in {"==", "!="} and any(map(_is_end, bare.operands)):
            return self._found(operator, left, right, state, spot)
        if operator in {"==", "!="} and (isinstance(left, Code) or isinstance(right, Code)):
            for one in (left, right):
                self.sites.tested(one, spot)  # which function it is decides: null is none of them
        if operator in {"==", "!="} and isinstance(left, CallStatus) and isinstance(right, Initial):
            self._one_failure(left, right, spot)
        if isinstance(right, Constant) and left is not None:
            found = self._with_number(operator, left, right.value, state, frame, bare)
            if found is not None:
                return found
        return self._compared(operator, left, right, bare, state, frame)

    @staticmethod
    def _found(operator: str, left: Value, right: Value, state: State, spot: Spot) -> Answers:
        """``names.find(name) == names.end()``: where it is another place, the name is one of the list's."""
        yes, no = state.copy(), state
        for place in (left, right):
            if isinstance(place, Unknown) and isinstance(place.source, tuple) and place.source[0] == "found":
                there = no if operator == "==" else yes
                for leaf in there.leaves(place.source[1]):
                    there.add_check(leaf, "allowed", spot)
        return [(True, yes), (False, no)]

    def _one_failure(self, status: CallStatus, other: Initial, spot: Spot) -> None:
        """A status compared with one of the errors it may be: what it is otherwise is not asked."""
        if isinstance(other.place, Global) and other.place.name.isupper():
            self.record.sites[status.site].partial_tests.add(spot)

    def _with_number(
        self, operator: str, left: Value, number: object, state: State, frame: Frame, bare: ir.Operation
    ) -> Answers | None:
        equality = operator in {"==", "!="}
        if not number and equality and names_an_error(left):
            return [(operator == "!=", state)]
        if equality and (number == "\0" or (not number and not isinstance(number, str))):
            answers = self.truth(left, state, frame, bare.line)
            return [(holds if operator == "!=" else not holds, s) for holds, s in answers]
        site = self.sites.of(left)
        if site is not None and not isinstance(number, str | bytes):
            return self._status(operator, left, number, site, state, frame.spot(bare.line))
        if operator == "==" and isinstance(number, int | str) and number:
            yes, no = state.copy(), state
            if left not in yes.truth:
                yes.suppose(left, True)
            yes.add_check(left, "equals a constant", frame.spot(bare.line))
            _begins(left, number, yes, frame.spot(bare.line))
            return [(True, yes), (False, no)]
        return None

    def _status(self, operator: str, value: Value, number: object, site: Site, state: State, spot: Spot) -> Answers:
        """A result compared with a number: what it says of success, or that it says nothing."""
        site.tests.add(spot)
        good = success_when(site.api.success, operator, number, is_status=isinstance(value, CallStatus))
        if good is None:
            which = operator in {"==", "!="} and site.api.success is Success.NON_NEGATIVE and number in _STREAMS
            if state.truth.get(value) is None and not which:  # tested before: which of the good ones it is
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
            self.assume(value, after, truth=truth, spot=spot)
            answers.append((holds, after))
        return answers

    def _membership(self, operator: str, left: Value, right: Value, state: State, spot: Spot) -> Answers:
        inside, outside = state.copy(), state
        if isinstance(left, Constant) and isinstance(left.value, str):
            outside.add_check(right, f"no {left.value}", spot)
        elif taint_of(right, state) is None:
            inside.add_check(left, "allowed", spot)
            if state.has_flag("digest") is not None:
                inside.flag("verified", spot)  # one of several digests, or of a list in a text
        return [(True, inside), (False, outside)] if operator == "in" else [(False, inside), (True, outside)]

    def _compared(
        self, operator: str, left: Value, right: Value, bare: ir.Operation, state: State, frame: Frame
    ) -> Answers:
        yes, no = state.copy(), state
        spot = frame.spot(bare.line)
        if operator in {"==", "!="}:
            same = yes if operator == "==" else no
            if state.has_flag("digest") is not None:
                same.flag("verified", spot)
            kind = "allowed" if any(_is_text(o, frame) for o in bare.operands) else "compared"
            for one, other in ((left, right), (right, left)):
                if one is not None and taint_of(other, state) is None:
                    same.add_check(one, kind, spot)
                if taint_of(other, state) is None or _is_name_of(one, other, state):
                    _lies_in(one, same, spot)
                if isinstance(other, Constant):
                    _begins(one, other.value, same, spot)
        for value in (left, right):
            for leaf in state.leaves(value):
                if isinstance(leaf, Initial | Unknown | CallResult):
                    yes.add_check(leaf, "compared", spot)
                    no.add_check(leaf, "compared", spot)
        return [(True, yes), (False, no)]

    # Questions asked of strings.

    def _asked(self, operator: str, value: Answer, other: Value, state: State, spot: Spot) -> Answers | None:
        """An answer compared with something; None when that teaches no more than any comparison."""
        yes, no = state.copy(), state
        equality = operator in {"==", "!="}
        same = yes if operator == "==" else no
        if value.question in {"span", "length"} and not isinstance(other, Constant):
            if value.question == "length" or equality:
                both = (same,) if value.question == "span" else (yes, no)
                for one in both:
                    self.learn(value, one, holds=True, spot=spot)
                if value.question == "length" and isinstance(other, Answer) and other.question == "span" and equality:
                    self.learn(other, same, holds=True, spot=spot)
            return [(True, yes), (False, no)]
        nowhere = (isinstance(other, Constant) and other.value == -1) or (
            isinstance(other, Initial) and isinstance(other.place, Global) and bool(_NOWHERE.search(other.place.name))
        )
        if nowhere and equality:
            self.learn(value, same, holds=False, spot=spot)
            self.learn(value, no if same is yes else yes, holds=True, spot=spot)
            return [(True, yes), (False, no)]
        if not isinstance(other, Constant):
            return None
        if equality and other == Constant(0) and value.question == "contains" and "find" in value.api:
            self.learn(value._replace(question="prefix"), same, holds=True, spot=spot)  # it is found at the beginning
            return [(True, yes), (False, no)]
        if equality:
            truth_when_yes = (operator == "!=") if not other.value else (operator == "==")
            self.learn(value, yes, holds=truth_when_yes, spot=spot)
            self.learn(value, no, holds=not truth_when_yes, spot=spot)
        elif value.question != "span":
            self.learn(value, yes, holds=True, spot=spot)
            self.learn(value, no, holds=True, spot=spot)
        return [(True, yes), (False, no)]

    def learn(self, value: Answer, state: State, *, holds: bool, spot: Spot) -> None:
        """What the answer to a question about a string teaches."""
        kind, subject, needle = value.question, value.about, value.needle
        if kind == "check":
            if holds:
                state.add_check(subject, "allowed", spot)
                state.flag("verified", spot)
        elif kind.startswith("compare"):
            if holds is not value.zero_is_same:
                self._same(value, state, spot)
        elif kind == "contains":
            found = needle.value if isinstance(needle, Constant) else "?"
            each = str(found) if value.api.endswith(("pbrk", "find_first_of")) else (str(found),)
            for leaf in state.leaves(subject):
                if not holds:
                    for one in each:
                        state.add_check(leaf, f"no {one}", spot)
                elif found in _SEPARATORS:
                    state.add_check(leaf, "explicit path", spot)
        elif kind in {"character", "length"}:
            state.add_check(subject, "characters" if kind == "character" and holds else kind, spot)
        elif (kind in {"whole", "span"} and holds) or (kind == "others" and not holds):
            for leaf in state.leaves(subject):
                state.add_check(leaf, "characters", spot)
        elif kind == "inside" and holds:
            state.add_check(subject, "inside", spot)
        elif kind == "prefix" and holds:
            ends = self._ends_with_separator(needle, state) and _is_without_links(subject, state)
            state.add_check(subject, "inside" if ends else "prefix", spot)
            if state.has_flag("digest") is not None and not isinstance(needle, Constant):
                state.flag("verified", spot)  # how much of it was compared is asked elsewhere
        elif kind == "listed" and holds is not value.zero_is_same:
            for leaf in state.leaves(subject):
                state.add_check(leaf, "allowed", spot)
        elif kind in {"part", "bare"}:
            state.add_check(subject, kind, spot)

    def _same(self, value: Answer, state: State, spot: Spot) -> None:
        name = value.api
        if value.question == "compare part":
            state.add_check(value.about, "part", spot)
            return
        if state.has_flag("digest") is None and value.question == "compare beginning":
            ends = self._ends_with_separator(value.needle, state)
            state.add_check(value.about, "inside" if ends else "prefix", spot)
            return
        if "mem" in name or "digest" in name or state.has_flag("digest") is not None:
            state.flag("verified", spot)
        state.add_check(value.about, "allowed", spot)
        state.add_check(value.needle, "allowed", spot)

    @staticmethod
    def _ends_with_separator(value: Value, state: State) -> bool:
        leaves = [leaf for leaf in state.leaves(value) if leaf is not None]
        if isinstance(value, Unknown) and isinstance(value.source, tuple) and value.source[0] == "one of":
            texts = [leaf.value for leaf in leaves if isinstance(leaf, Constant) and leaf.value is not None]
            return all(isinstance(text, str) and text.endswith(_SEPARATORS) for text in texts)
        last = leaves[-1] if leaves else None
        if isinstance(last, Constant):
            return isinstance(last.value, str) and last.value.endswith(_SEPARATORS)
        return isinstance(last, Initial) and getattr(last.place, "name", "") in {"os.sep", "sep"}


def _is_end(operand: ir.Expression) -> bool:
    """Whether an expression is where a container ends."""
    bare = uncast(operand)
    return isinstance(bare, ir.Call) and last_word(bare.name) in {"end", "cend", "constEnd"}


def _is_without_links(path: Value, state: State) -> bool:
    """Whether a text that begins with a folder lies in it: it was made canonical, or has no ``..`` in it."""
    kinds = {kind for one in (path, *state.leaves(path)) for kind, _ in state.checks.get(one, ())}
    return bool(kinds & {"canonical", "no .."}) or taint_of(path, state) is None


def _taken_from(value: Value, what: str) -> Value:
    """The path that a value is the ``folder`` or the ``name`` of; None when it is not."""
    match value:
        case Unknown(source=(word, path, _)) if word == what:
            return cast("Value", path)
    return None


def _is_name_of(name: Value, path: Value, state: State) -> bool:
    """``path.filename() == path``: the path has no folder in it."""
    whole = _taken_from(name, "name")
    return whole is not None and {whole, *state.leaves(whole)} & {path, *state.leaves(path)} != set()


def _lies_in(folder: Value, state: State, spot: Spot) -> None:
    """``path.parent_path() == root``, of a path without links: the file lies in that folder."""
    path, named = _taken_from(folder, "folder"), _taken_from(folder, "name")
    if path is not None and any(k == "canonical" for k, _ in state.checks.get(path, ())):
        state.add_check(path, "inside", spot)
    for leaf in (named, *state.leaves(named)) if named is not None else ():
        state.add_check(leaf, "bare", spot)


def _begins(character: Value, text: object, state: State, spot: Spot) -> None:
    """``name[0] == '/'``: the text is a path from the root."""
    place = character.place if isinstance(character, Initial) else None
    if text not in _SEPARATORS or not isinstance(place, Field) or place.name not in {"[0]", "*"}:
        return
    base = place.base
    whole = state.env.get(base, Initial(base)) if isinstance(base, Local | Global | Field) else base
    for leaf in state.leaves(whole):
        state.add_check(leaf, "explicit path", spot)


def _as_constant(value: Value) -> Value:
    """``ERROR_SUCCESS``, ``S_OK`` and their like are zero, whoever defines them."""
    if isinstance(value, Initial) and isinstance(value.place, Global) and _GOOD_ZERO.search(value.place.name):
        return Constant(0)
    return value


def _constants(operator: str, left: object, right: object, state: State) -> Answers:
    both_null = not left and not right and not isinstance(left, str) and not isinstance(right, str)
    if operator == "==":
        return [(left == right or both_null, state)]
    if operator == "!=":
        return [(left != right and not both_null, state)]
    if isinstance(left, int | float) and isinstance(right, int | float):
        answer = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator)
        if answer is not None:
            return [(answer, state)]
    return [(True, state.copy()), (False, state)]


def _is_text(operand: ir.Expression, frame: Frame) -> bool:
    """Whether ``==`` on this compares texts: an object of a string class, not a pointer to characters."""
    bare = uncast(operand)
    if frame.known.unit.language is not ir.Language.CPP or not isinstance(bare, ir.Name):
        return False
    spelled = frame.known.types.get(bare.name, "")
    return is_text(spelled) and "*" not in spelled
