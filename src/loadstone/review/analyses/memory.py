"""Places that hold values: which one an expression names, loads, stores, and who else can reach it."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.facts import Access
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import Memory, State, Value, initial
from loadstone.review.analyses.words import describe, rooted_locally, shared_name, uncast
from loadstone.review.apis import Role

__all__ = ["Places"]


class Places(Sites):
    """Loads from places and stores to them."""

    def place(self, expression: ir.Expression, state: State, frame: Frame, base_value: Value = None) -> Memory | None:
        """Where an expression is stored; None when it is not a place. ``base_value`` saves asking for it again."""
        match expression:
            case ir.Name(name=name):
                return self._named(name, frame)
            case ir.Cast(operand=operand):
                return self.place(operand, state, frame)
            case ir.Member(base=base, name=name, through=through):
                return ("m", self._object(base, state, frame, base_value, through=through), name)
            case ir.Item(base=base, index=index):
                inner = self._object(base, state, frame, base_value, through=True)
                key = str(index.value) if isinstance(index, ir.Literal) else "[]"
                return ("m", inner, f"[{key}]")
            case ir.Operation(operator="deref", operands=(operand,)):
                value = self._one(operand, state, frame)
                if value is not None and value[0] == "a":
                    place: Memory = value[1]
                    return place
                return ("m", value or self.fresh(frame, expression), "*")
            case ir.Operation(operator="address", operands=(operand,)):
                return self.place(operand, state, frame)
        return None

    def _named(self, name: str, frame: Frame) -> Memory:
        known = frame.known
        if name in known.locals and name not in known.statics:
            return ("v", frame.number, name)
        if name in known.statics:
            return ("g", known.unit.path, f"{known.function.name}:{name}")
        owner = known.function.owner
        if name in self.program.variables.get(known.unit.path, ()):
            return ("g", known.unit.path, name)
        if (
            owner
            and known.unit.language is not ir.Language.PYTHON
            and (name in self.program.members.get(owner, ()) or name not in self.program.functions)
        ):
            return ("m", frame.this, name)
        return ("g", "", name)

    def _object(self, base: ir.Expression, state: State, frame: Frame, value: Value = None, *, through: bool) -> object:
        """What a member is a member of. Each link of a chain is asked for once: twice would double with every link."""
        bare = uncast(base)
        if isinstance(bare, ir.Name) and (
            bare.name == "this" or (bare.name in {"self", "cls"} and frame.known.function.owner)
        ):
            return frame.this
        by_value = through or frame.known.unit.language is ir.Language.PYTHON
        place = None
        if not by_value and isinstance(bare, (ir.Member, ir.Item)):
            place = self.place(bare, state, frame)
            if value is None and place is not None:
                value = self.load(place, state, frame, bare.line)
        if value is None:
            value = self._one(base, state, frame)
        if value is not None and value[0] == "a":
            return value[1]
        if by_value or (value is not None and value[0] == "o"):
            return value
        if place is None:
            place = self.place(base, state, frame)
        return place if place is not None else value

    def _one(self, expression: ir.Expression, state: State, frame: Frame) -> Value:
        """The value of an expression without following calls in it anew."""
        results = self.value(expression, state, frame)  # none, when evaluating it never comes back
        return results[0][0] if results else None

    def load(self, place: Memory, state: State, frame: Frame, line: int) -> Value:
        """What a place holds."""
        found = state.env.get(place)
        self._access(place, state, frame, line, is_write=False)
        return found if found is not None else initial(place)

    def store(
        self, target: ir.Expression, value: Value, state: State, frame: Frame, line: int, *, holds: str = ""
    ) -> None:
        """Put a value where an expression says."""
        if isinstance(target, ir.Display):
            for item in target.items:
                self.store(
                    item, self.fresh(frame, item) if value is None or value[0] != "s" else value, state, frame, line
                )
            return
        place = self.place(target, state, frame)
        if place is None:
            return
        self._access(place, state, frame, line, is_write=True, holds=holds)
        old = state.env.get(place)
        state.env[place] = value
        site = self._site(value)
        if (
            site is not None
            and value is not None
            and place[0] != "v"
            and not (place[0] == "m" and rooted_locally(place))
        ):
            state.escaped |= {value[1]}
            site.stores.add(describe(place))
        if site is not None and value is not None and value[0] == "s":
            self._use(value, "store", state, frame, line, owner=describe(place))
        taint = self.taint_of(value, state)
        if taint is not None and place[0] != "v":
            self.record.stored_taint.setdefault(describe(place), taint)
        self._overwrites(old, value, state, frame, line)

    def _overwrites(self, old: Value, new: Value, state: State, frame: Frame, line: int) -> None:
        if old is None or old == new or old[0] != "s" or old in state.env.values() or old in state.closed:
            return
        site = self.record.sites[old[1]]
        if (
            site.api.role is Role.LOAD
            and site.api.owned
            and state.truth.get(old) is True
            and old[1] not in state.escaped
        ):
            site.overwritten.add(frame.spot(line))

    def _access(
        self,
        place: Memory,
        state: State,
        frame: Frame,
        line: int,
        *,
        is_write: bool,
        holds: str = "",
    ) -> None:
        if place[0] == "v" or frame.known.function.name == "main":
            return
        shared = shared_name(place, frame)
        if shared is None:
            return
        variable, owner = shared
        function = frame.known.function
        name = function.name.rpartition("::")[2].rpartition(".")[2]
        setting_up = (
            name
            in {
                owner,
                f"~{owner}",
                "__init__",
                "__del__",
                "main",
                "<module>",
                "__new__",
                "cleanup",
                "teardown",
                "shutdown",
                "fini",
            }
            or "constructor" in function.marks
            or name in (function.owner, f"~{function.owner}")
        )
        self.record.accesses.add(
            Access(variable, owner, frame.spot(line), is_write, state.locks, setting_up, holds, bool(frame.chain))
        )
