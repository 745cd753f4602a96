"""What calls of known interfaces do to the state: the transfer functions, one a role of the tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.flow import before, into, lineage, mix, opened_text, put_into, taint_of, whole_text
from loadstone.review.analyses.locks import Locks, PlaceOf
from loadstone.review.analyses.memory import PathMemory
from loadstone.review.analyses.mentions import calls_in, names_in
from loadstone.review.analyses.printed import only_printed
from loadstone.review.analyses.program import Frame
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import CONFIGURATION, State, Taint
from loadstone.review.analyses.values import (
    Answer,
    CallResult,
    CallStatus,
    Constant,
    Field,
    Initial,
    Local,
    Object,
    PlaceAddress,
    Unknown,
    Value,
)
from loadstone.review.analyses.words import ADMINISTERED, is_c_library, is_null, rooted_locally
from loadstone.review.apis import Api, ApiRole, Success
from loadstone.review.typenames import is_text_object

__all__ = ["Applied", "Effects"]

_LOCKING: Final = frozenset({ApiRole.LOCK, ApiRole.UNLOCK, ApiRole.TRY_LOCK, ApiRole.GUARD})
_FLAGGED: Final = frozenset(
    {
        ApiRole.VERIFY,
        ApiRole.SEARCH_FLAGS,
        ApiRole.PRIVILEGE,
        ApiRole.DOWNLOAD,
        ApiRole.SET_ENVIRONMENT,
        ApiRole.TEMPORARY,
    }
)
_REPORTS: Final = frozenset(
    {
        *(
            ApiRole.UNLOAD,
            ApiRole.SET_ENVIRONMENT,
            ApiRole.SEARCH_PATH,
            ApiRole.SEARCH_FLAGS,
            ApiRole.VERIFY,
            ApiRole.PRIVILEGE,
        ),
        *(ApiRole.LOOK, ApiRole.DOWNLOAD),
    }
)
"""Roles whose result says whether it worked, and is nothing else."""

_MADE_ANEW: Final = frozenset({ApiRole.OPEN, ApiRole.LOAD, ApiRole.RESOLVE})
_TAKES: Final = frozenset({ApiRole.RESOLVE, ApiRole.UNLOAD, ApiRole.FREE, ApiRole.CLOSE})
_KEEPS: Final = frozenset({ApiRole.THREAD, ApiRole.REGISTER, ApiRole.CALLBACK})
_APPENDS: Final = frozenset(
    {"strcat", "strncat", "strlcat", "wcscat", "wcsncat", "lstrcat", "_tcscat", "StringCchCat", "PathAppend"}
)
_WITH_POSITION: Final = 3
_COPIES: Final = frozenset({"memcpy", "memmove", "CopyMemory", "RtlCopyMemory"})
Outcomes = list[tuple[Value, State]]


@dataclass(frozen=True, slots=True)
class Applied:
    """A call of a known interface with what it was given: the object of a method, and every argument."""

    api: Api
    call: ir.Call
    receiver: Value
    values: tuple[Value, ...]
    place_of: PlaceOf

    @property
    def subject(self) -> Value:
        """The value the interface acts on."""
        number = self.api.subject
        if number < 0:
            return self.receiver
        return self.values[number] if number < len(self.values) else None


_RIGHTS: Final = ({"getuid", "geteuid"}, {"getgid", "getegid"}, {"issetugid"}, {"AT_SECURE"})
"""What is asked by who wants to know whether a program has more rights than its user."""


def _asks_for_rights(function: ir.Function) -> bool:
    asked = {call.name for call in calls_in(function.body)}
    asked |= {name for name in names_in(function.body) if name == "AT_SECURE"}  # getauxval(3) tells other things too
    return any(rights <= asked for rights in _RIGHTS)


class Effects:
    """Applies what the tables say of an interface."""

    def __init__(self, record: Record, sites: Sites, memory: PathMemory, locks: Locks) -> None:
        self.record = record
        self.sites = sites
        self.memory = memory
        self.locks = locks

    def apply(self, applied: Applied, state: State, frame: Frame) -> Outcomes:
        """Every outcome of a call: what it gives, and the state after it."""
        api, call, values = applied.api, applied.call, applied.values
        subject = self._held(applied, state)
        match api.role:
            case role if role in _LOCKING:
                return self.locks.call(api, call, subject, state, frame, applied.place_of)
            case ApiRole.HOLDER:
                return [(subject if subject is not None else Constant(None), state)]
            case ApiRole.PASS:
                return [self._passed(applied, subject, state, frame)]
            case ApiRole.TEST | ApiRole.COMPARE:
                return [(_asked(applied, subject, frame), state)]
            case ApiRole.SPLIT:
                return [(self._split(applied, subject, state, frame), state)]
            case ApiRole.CLEAR:
                self.memory.clear(subject, state)
                return [(subject, state)]
            case ApiRole.THREAD | ApiRole.ONCE:
                self.record.threads.add(frame.spot(call.line))
        number = self._site(applied, subject, state, frame)
        site = self.record.sites[number]
        if api.role is ApiRole.PATH:
            return [self._named_object(applied, subject, state, frame)]
        made = CallResult(number)
        self._do(applied, subject, made, state, frame)
        printed = only_printed(call)
        for place, value in enumerate(values):
            if api.role not in _TAKES and place not in printed:
                self.sites.use(value, "argument", state, frame, call.line)
            if api.role in _KEEPS:
                self.memory.escape(value, state, "registered" if api.role is ApiRole.REGISTER else "")
        self._counted(values, state, frame, call)
        if api.out is not None and api.out < len(values) and not is_null(values[api.out]):
            if not (api.name in _COPIES and _copies_a_value(values)):
                self._give(values[api.out], made, state, frame)
            if api.kind == "end":
                return [(into(whole_text(values[api.out], state), frame.number, id(call)), state)]
            reports = api.role in {ApiRole.LOAD, ApiRole.RESOLVE, ApiRole.OPEN} or api.success is not Success.NONE
            return [(CallStatus(number) if reports else made, state)]
        if api.every is not None:
            self._give_each(applied, made, state, frame)
        if api.raises:
            state.suppose(made, True)
        reports = api.role in _REPORTS or api.success in {Success.ZERO, Success.ONE, Success.NON_ZERO}
        if site.api.role is ApiRole.ERROR and state.pending is not None:
            state.put("about", made, state.pending)
        return [(CallStatus(number) if reports else made, state)]

    @staticmethod
    def _counted(values: tuple[Value, ...], state: State, frame: Frame, call: ir.Call) -> None:
        """``ReadFile(pipe, text, room, &count, 0)``: a number whose address a call is given is another one then."""
        for position, value in enumerate(values):
            held = state.env.get(value.place) if isinstance(value, PlaceAddress) else None
            if isinstance(held, Constant) and isinstance(held.value, int) and isinstance(value, PlaceAddress):
                state.assign(value.place, Unknown(frame.number, (id(call), position)))

    def _named_object(self, applied: Applied, subject: Value, state: State, frame: Frame) -> tuple[Value, State]:
        """An object that is told which library it is about; a load comes later, or not."""
        if applied.receiver is not None:
            return Unknown(frame.number, id(applied.call)), state
        built = Object(frame.number, id(applied.call))
        state.renew(built)
        mix(built, (subject,), state, keep=True)
        return built, state

    def _held(self, applied: Applied, state: State) -> Value:
        """The subject; what a place holds when the call is given its address and acts on what is in it."""
        subject = applied.subject
        if isinstance(subject, PlaceAddress) and applied.api.role in {ApiRole.UNLOAD, ApiRole.RESOLVE, ApiRole.PIN}:
            held = state.env.get(subject.place)
            return held if self.sites.of(held) is not None else subject
        return subject

    def _site(self, applied: Applied, subject: Value, state: State, frame: Frame) -> int:
        api = applied.api
        parent = subject.site if api.role is ApiRole.RESOLVE and isinstance(subject, CallResult) else None
        number = self.sites.add(api, applied.call, frame, parent)
        site = self.record.sites[number]
        self.sites.invoked(site, subject, applied.values, state, frame)
        made = CallResult(number)
        if made in state.touched and made not in self.memory.kept(state):
            self.sites.lost(made, site, state)
        if api.role in _MADE_ANEW:  # what an earlier round opened is another one from here on
            above = state.lineage.get(made)
            for place in [p for p, held in state.env.items() if held == made]:
                older = state.age(place)
                if above is not None:
                    state.put("lineage", older, above)
        state.drop("touched", made)
        state.renew(made)
        for name in ("truth", "closed"):
            state.drop(name, made)
            state.drop(name, CallStatus(number))
        state.drop("escaped", made)
        return number

    def _do(self, applied: Applied, subject: Value, made: CallResult, state: State, frame: Frame) -> None:
        api, call, values = applied.api, applied.call, applied.values
        spot = frame.spot(call.line)
        match api.role:
            case ApiRole.UNLOAD | ApiRole.FREE | ApiRole.CLOSE:
                self.sites.release(subject, state, frame, call.line, by=api.name)
                if (
                    api.role is ApiRole.UNLOAD
                    and subject is not None
                    and not isinstance(subject, CallResult | Constant)
                ):
                    self.sites.close_unseen(subject, state, frame, call.line)
                    for holder in self._holders(subject, state):
                        self._closed_slot(holder, frame, call.line)
                        if holder not in state.closed:
                            state.put("closed", holder, spot)
            case ApiRole.LOAD:
                if not any(is_c_library(given) for given in call.arguments[:1]):
                    state.flag("loaded", spot)
                state.pending = made
                if api.kind == "object":
                    state.drop("closed", subject)
                elif self.sites.role(subject) in {ApiRole.CANONICAL, ApiRole.SPLIT}:
                    self.sites.use(subject, "load", state, frame, call.line)
            case ApiRole.RESOLVE:
                if api.kind == "loads":  # ``QPluginLoader::instance`` loads again what was unloaded
                    state.drop("closed", subject)
                self.sites.use(subject, "resolve", state, frame, call.line)
                state.put("lineage", made, subject)
                state.pending = made
            case ApiRole.PIN:
                if isinstance(subject, CallResult):
                    state.escape(subject)
            case ApiRole.ALLOCATE if api.kind == "copy":
                mix(made, values[:1], state, keep=True)
            case ApiRole.SOURCE:
                named = [v.value for v in values[:1] if isinstance(v, Constant) and isinstance(v.value, str)]
                paths = [path for v in values if (path := state.about.get(v)) is not None]
                if not any(self._is_callers(path) for path in paths):
                    kind = self._kind_of_source(api, paths, state, frame)
                    state.put("taint", made, Taint(kind, spot, name=named[0] if named else ""))
            case ApiRole.JOIN | ApiRole.CANONICAL:
                self._joined(applied, made, state, frame)
            case ApiRole.LOOK | ApiRole.DIGEST | ApiRole.OPEN:
                self._looked(api, subject, state, frame, call.line)
                if api.role is ApiRole.OPEN and subject is not None:
                    state.put("about", made, subject)
                if api.kind == "takes over":  # the descriptor is closed with the stream
                    state.escape(subject)
            case role if role in _FLAGGED:
                state.flag(f"{api.role}:{api.kind}", spot)
                if api.role is ApiRole.TEMPORARY and api.kind != "private":
                    state.put("taint", made, Taint(f"{api.kind} temporary", spot))
                if api.role is ApiRole.DOWNLOAD:
                    state.flag("downloaded", spot)
                    for value in values:
                        state.add_check(value, "downloaded", spot)

    def _kind_of_source(self, api: Api, paths: Sequence[Value], state: State, frame: Frame) -> str:
        """What kind of source a call reads: a file only root writes, a variable that rights guard, others."""
        if any(self._is_administered(path, state) for path in paths):
            return CONFIGURATION
        guarded = api.kind == "environment" and _asks_for_rights(frame.known.function)
        return f"guarded {api.kind}" if guarded else api.kind

    @staticmethod
    def _is_administered(path: Value, state: State) -> bool:
        """Whether a file lies where only an administrator writes."""
        if taint_of(path, state) is not None:
            return False
        parts = [*state.leaves(path)]
        texts = [str(part.value) if isinstance(part, Constant) else "" for part in parts]
        form = next((n for n, text in enumerate(texts) if "%" in text), None)
        if form is not None:  # what stands before it is the size of the buffer
            texts = texts[form + texts[form].startswith("%") :]
        return bool(texts) and texts[0].startswith(ADMINISTERED)

    def _is_callers(self, path: Value) -> bool:
        """Whether a path is what the callers of a local function give it: reading it is followed from there."""
        place = path.place if isinstance(path, Initial) else None
        frame = self.memory.frame_types.get(place.frame) if isinstance(place, Local) else None
        if frame is None or not isinstance(place, Local):
            return False
        function, unit = frame.known.function, frame.known.unit
        is_parameter = any(p.name == place.name for p in function.parameters)
        return is_parameter and function.local and (unit.path, function.name) in self.memory.program.called

    @staticmethod
    def _holders(subject: Value, state: State) -> list[Value]:
        """The handle that was closed, or the container that it is an element of."""
        if isinstance(subject, Unknown):
            return [leaf for leaf in state.leaves(subject) if isinstance(leaf, Initial)]
        return [subject]

    def _closed_slot(self, subject: Value, frame: Frame, line: int) -> None:
        if isinstance(subject, Initial):
            slot = self.memory.slot(subject.place, frame)
            if slot is not None:
                self.record.closed_slots.setdefault(slot, {})[frame.spot(line)] = None

    def _looked(self, api: Api, subject: Value, state: State, frame: Frame, line: int) -> None:
        spot = frame.spot(line)
        if subject is not None:
            word = {ApiRole.LOOK: api.kind or "look", ApiRole.DIGEST: "digest", ApiRole.OPEN: "open"}[api.role]
            state.put("looks", subject, (f"{word} {api.name}", spot))
            for leaf in state.parts.get(subject, ()):
                if leaf not in state.looks:
                    state.put("looks", leaf, (f"{word} {api.name}", spot))
        if api.role is ApiRole.DIGEST:
            state.flag("digest", spot)

    def _joined(self, applied: Applied, made: Value, state: State, frame: Frame) -> None:
        api, values, receiver = applied.api, applied.values, applied.receiver
        spot = frame.spot(applied.call.line)
        if api.role is ApiRole.CANONICAL:
            mix(made, (applied.subject,), state, keep=True)
            out = values[api.out] if api.out is not None and api.out < len(values) else None
            for target in (made, out):
                state.add_check(target, "canonical", spot)
            return
        if api.name in _COPIES and self._copied(values, state):
            return
        inputs = tuple(v for number, v in enumerate(values) if number != api.out)
        is_appended = api.name.removesuffix("A").removesuffix("W") in _APPENDS
        if is_appended and values and whole_text(values[0], state) == values[0]:
            inputs = (*(state.parts.get(values[0]) or (before(values[0], made, state),)), *inputs)
        if receiver is not None:
            inputs = (receiver, *inputs)
        mix(made, inputs, state)

    def _copied(self, values: tuple[Value, ...], state: State) -> bool:
        """``memcpy(&function, &symbol, sizeof symbol)``: the value itself is copied."""
        if not _copies_a_value(values):
            self._copied_away(values, state)
            return False
        assert isinstance(values[0], PlaceAddress)
        assert isinstance(values[1], PlaceAddress)
        source, target = values[1].place, values[0].place
        held = state.env.get(source) or Initial(source)
        state.assign(target, held)
        if not isinstance(target, Local) and not rooted_locally(target):
            self.sites.stored(held, target)
        self.memory.copy(source, target, state)
        return True

    def _copied_away(self, values: tuple[Value, ...], state: State) -> None:
        """``memcpy((char *)table + offset, &symbol, size)``: whoever reaches the table needs the library."""
        held = state.env.get(values[1].place) if len(values) > 1 and isinstance(values[1], PlaceAddress) else None
        if self.sites.role(held) is ApiRole.RESOLVE:
            for above in [*lineage(held, state)][1:]:
                state.escape(above)

    def _passed(self, applied: Applied, subject: Value, state: State, frame: Frame) -> tuple[Value, State]:
        call = applied.call
        if call.name == "std::move" and call.arguments:
            place = applied.place_of(call.arguments[0])
            if place is not None and self.sites.of(subject) is not None:
                state.assign(place, Constant(None))
            if isinstance(subject, Object):
                taker = Object(frame.number, id(call))
                state.renew(taker)
                self.memory.begun(taker, state)
                self.memory.moved(subject, taker, state)
                return taker, state
        if subject is None:
            return Unknown(frame.number, id(call)), state
        if subject in state.lineage and is_text_object(call.name.partition("::from")[0]):
            return self.memory.copy_of_text(subject, id(call), state, frame, call.line), state
        if applied.api.kind == "part":
            return self._part(applied, subject, state, frame), state
        return subject, state

    def _part(self, applied: Applied, subject: Value, state: State, frame: Frame) -> Value:
        """Something that lies in what the call is given, and goes with it: a resource of a module."""
        made = Unknown(frame.number, id(applied.call))
        state.renew(made)
        state.put("lineage", made, subject)
        out, last = applied.api.out, applied.values[-1]
        if out is not None and out < len(applied.values) and isinstance(last, Constant) and last.value == 0:
            if isinstance(given := applied.values[out], PlaceAddress):
                self.memory.types.setdefault(made, self.memory.type_of(given.place, frame))
            self._give(given, made, state, frame)  # LoadString: a size of zero asks for the address
        return made

    def _split(self, applied: Applied, subject: Value, state: State, frame: Frame) -> Value:
        """A piece of a text: the next word of ``strtok``, a field of ``sscanf``. It may not be there."""
        if isinstance(subject, Constant) and subject.value is None:
            subject = state.split
        state.split = subject
        made = Unknown(frame.number, id(applied.call))
        state.renew(made)
        mix(made, (subject,), state, keep=True)
        api = applied.api
        if api.every is not None:
            self._give_each(applied, made, state, frame)
        elif api.out is not None and api.out < len(applied.values):
            self._give(applied.values[api.out], made, state, frame)
        return made

    def _give_each(self, applied: Applied, made: Value, state: State, frame: Frame) -> None:
        """A call stores to every further argument; what a layout lets only harmless characters into, nobody decides."""
        every = applied.api.every or 0
        layout = applied.values[every - 1] if 0 < every <= len(applied.values) else None
        plain = _plain_words(layout.value) if isinstance(layout, Constant) and isinstance(layout.value, str) else []
        for number, value in enumerate(applied.values[every:]):
            word = made
            if number < len(plain) and plain[number]:
                word = Unknown(frame.number, (id(applied.call), "word", number))
                state.renew(word)
            self._give(value, word, state, frame)

    def _give(self, target: Value, made: Value, state: State, frame: Frame) -> None:
        """A call stores its result where an argument points."""
        if target is None or made is None:
            return
        if isinstance(target, PlaceAddress):
            place = target.place
            state.assign(place, made)
            self.memory.stored.put(place, made, state, frame)
            if not isinstance(place, Local) and not rooted_locally(place) and isinstance(made, CallResult):
                self.sites.stored(made, place)
                state.escape(made)
            return
        whole = whole_text(target, state)
        if whole != target:
            put_into(whole, made, state)
        target = opened_text(target, state)
        if isinstance(target, Initial):
            self.memory.stored.put(target.place, made, state, frame)
        # A buffer or a caller's pointer: what it held is replaced, whoever controls the call controls it.
        taint = taint_of(made, state)
        if taint is not None:
            state.put("taint", target, taint)
        else:
            state.drop("taint", target)
        if isinstance(made, CallResult) and isinstance(target, Initial):
            state.assign(Field(target, "*"), made)
            state.escape(made)
        inner = state.parts.get(made)
        if inner is not None:
            state.put("parts", target, inner)
            state.drop("checks", target)


_WORD: Final = re.compile(r"%(\*?)[\d$]*(?:hh|h|ll|l|j|z|t|L|m)*(?:\[(\^?\]?[^]]*)\]|([a-zA-Z]))")


def _plain_words(layout: str) -> list[bool]:
    """Of each word that a layout of scanf reads: whether it is a set of characters without a separator or a point."""
    found = _WORD.findall(layout.replace("%%", ""))
    return [
        bool(kept) and not kept.startswith("^") and not set(kept) & set("/\\.:") for skip, kept, _ in found if not skip
    ]


def _copies_a_value(values: tuple[Value, ...]) -> bool:
    """Whether a copy of bytes goes from one variable to another, and not from one text to another."""
    return len(values) > 1 and isinstance(values[0], PlaceAddress) and isinstance(values[1], PlaceAddress)


def _asked(applied: Applied, subject: Value, frame: Frame) -> Value:
    """A question asked of a string, kept until somebody looks at the answer."""
    api, call = applied.api, applied.call
    others = tuple(v for n, v in enumerate(applied.values) if n != api.subject)
    needle = others[0] if others else None
    spot = frame.spot(call.line)
    if api.role is ApiRole.COMPARE:
        question = "compare"
        if api.subject < 0 and len(others) >= _WITH_POSITION:  # text.compare(position, length, other)
            question = "compare beginning" if others[0] == Constant(0) else "compare part"
            needle = others[2]
        elif "ncmp" in api.name or "nicmp" in api.name:
            question = "compare beginning"
        return Answer(question, subject, needle, api.success is Success.ZERO, spot, api.name)
    return Answer(api.kind, subject, needle, zero_is_same=False, spot=spot, api=api.name)
