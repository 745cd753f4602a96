"""What calls of known interfaces do to the state."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.conditions import Conditions
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.state import State, Taint, Value, constant, pointer, status
from loadstone.review.apis import Api, Role, Success

__all__ = ["Effects"]


class Effects(Conditions):
    """Applies what the tables say of an interface."""

    def _effect(
        self, api: Api, call: ir.Call, receiver: Value, values: tuple[Value, ...], state: State, frame: Frame
    ) -> list[tuple[Value, State]]:
        subject = receiver if api.subject < 0 else values[api.subject] if api.subject < len(values) else None
        if subject is not None and subject[0] == "a" and api.role in {Role.UNLOAD, Role.RESOLVE, Role.PIN}:
            held = state.env.get(subject[1])
            subject = held if self._site(held) is not None else subject
        match api.role:
            case Role.LOCK | Role.UNLOCK | Role.TRY_LOCK | Role.GUARD:
                return self._locking(api, call, subject, state, frame)
            case Role.PASS:
                return [self._passed(subject, call, state, frame)]
            case Role.TEST | Role.COMPARE:
                return [self._asked(api, call, subject, values, state, frame)]
            case Role.THREAD | Role.ONCE:
                self.record.threads.add(frame.spot(call.line))
        parent = subject[1] if api.role is Role.RESOLVE and subject is not None and subject[0] == "s" else None
        number = self._new_site(api, call, frame, parent if isinstance(parent, int) else None)
        site = self.record.sites[number]
        self._invoked(site, subject, values, state)
        made = pointer(number)
        self._lost(made, site, state)
        state.truth.pop(made, None)
        state.truth.pop(status(number), None)
        state.closed.pop(made, None)
        state.escaped -= {number}
        match api.role:
            case Role.UNLOAD | Role.FREE | Role.CLOSE:
                self._release(subject, state, frame, call.line)
                if subject is not None and api.role is Role.UNLOAD and subject[0] not in {"s", "c"}:
                    self._close_unseen(subject, state, frame, call.line)
            case Role.LOAD:
                state.flags |= {("loaded", frame.spot(call.line))}
            case Role.RESOLVE:
                self._use(subject, "resolve", state, frame, call.line)
            case Role.PIN:
                if subject is not None and subject[0] == "s":
                    state.escaped |= {subject[1]}
            case Role.REGISTER:
                self._registered(values, state)
            case Role.ALLOCATE if api.kind == "copy":
                self._mix(made, values[:1], state, keep=True)
            case Role.SOURCE:
                state.taint[made] = Taint(api.kind, frame.spot(call.line))
            case Role.JOIN | Role.CANONICAL:
                self._joined(api, made, call, values, receiver, state, frame)
            case Role.LOOK | Role.DIGEST | Role.OPEN:
                if subject is not None:
                    word = {Role.LOOK: api.kind or "look", Role.DIGEST: "digest", Role.OPEN: "open"}[api.role]
                    state.looks[subject] = (f"{word} {api.name}", frame.spot(call.line))
                    for leaf in state.parts.get(subject, ()):
                        state.looks.setdefault(leaf, (f"{word} {api.name}", frame.spot(call.line)))
                if api.role is Role.DIGEST:
                    state.flags |= {("digest", frame.spot(call.line))}
            case (
                Role.VERIFY | Role.SEARCH_FLAGS | Role.PRIVILEGE | Role.DOWNLOAD | Role.SET_ENVIRONMENT | Role.TEMPORARY
            ):
                state.flags |= {(f"{api.role}:{api.kind}", frame.spot(call.line))}
                if api.role is Role.TEMPORARY and api.kind != "private":
                    state.taint[made] = Taint(f"{api.kind} temporary", frame.spot(call.line))
                if api.role is Role.DOWNLOAD:
                    for value in values:
                        state.flags |= {("downloaded", frame.spot(call.line))}
                        state.add_check(value, "downloaded", frame.spot(call.line))
        for value in values:
            if api.role not in {Role.RESOLVE, Role.UNLOAD, Role.FREE, Role.CLOSE}:
                self._use(value, "argument", state, frame, call.line)
        if api.out is not None and api.out < len(values):
            self._give(values[api.out], made, state)
            if api.role in {Role.LOAD, Role.RESOLVE, Role.OPEN} or api.success is not Success.NONE:
                return [(status(number), state)]
            return [(made, state)]
        if api.raises:
            state.truth[made] = True
        if api.role in {
            Role.UNLOAD,
            Role.SET_ENVIRONMENT,
            Role.SEARCH_PATH,
            Role.SEARCH_FLAGS,
            Role.VERIFY,
            Role.PRIVILEGE,
            Role.LOOK,
            Role.DOWNLOAD,
        } or api.success in {Success.ZERO, Success.ONE, Success.NON_ZERO}:
            return [(status(number), state)]
        return [(made, state)]

    def _joined(
        self,
        api: Api,
        made: Value,
        call: ir.Call,
        values: tuple[Value, ...],
        receiver: Value,
        state: State,
        frame: Frame,
    ) -> None:
        inputs = tuple(v for number, v in enumerate(values) if number != api.out)
        if api.role is Role.CANONICAL:
            subject = receiver if api.subject < 0 else values[api.subject] if values else None
            self._mix(made, (subject,), state, keep=True)
            for target in (made, values[api.out] if api.out is not None and api.out < len(values) else None):
                state.add_check(target, "canonical", frame.spot(call.line))
            return
        if api.name in {"strcat", "strncat", "strlcat"} and values:
            inputs = (*state.parts.get(values[0], ()), *inputs)
        if receiver is not None:
            inputs = (receiver, *inputs)
        self._mix(made, inputs, state)

    def _passed(self, subject: Value, call: ir.Call, state: State, frame: Frame) -> tuple[Value, State]:
        if call.name == "std::move" and call.arguments:
            place = self.place(call.arguments[0], state, frame)
            site = self._site(subject)
            if place is not None and site is not None:
                state.env[place] = constant(None)
        if subject is None:
            return self.fresh(frame, call), state
        return subject, state
