"""Places that hold values: loads, stores, copies of whole objects, and who else can reach a place.

An object has identity: the site that allocated it, the variable it is, or the value that points at it; a field of it is
a path from there (see :mod:`values`). What other functions, threads and files can reach is named by a *slot*: the type
that has the member, or the file that has the variable. Slots are how facts about memory cross functions: two functions
that touch ``struct codec``'s ``refs`` touch one slot, one that touches ``struct window``'s does not.
"""

from __future__ import annotations

from typing import Any, Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Access
from loadstone.review.analyses.flow import lineage, mix
from loadstone.review.analyses.program import Frame, KnownProgram
from loadstone.review.analyses.record import Record
from loadstone.review.analyses.sites import Sites
from loadstone.review.analyses.state import State
from loadstone.review.analyses.stored import SharedInputs
from loadstone.review.analyses.values import (
    MAX_DEPTH,
    CallResult,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Object,
    Place,
    PlaceAddress,
    Spot,
    This,
    Unknown,
    Value,
    depth,
)
from loadstone.review.analyses.words import describe, is_inside, last_word, rooted_locally, uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.typenames import base_type, element, is_text_object, of_pair, pointee

__all__ = ["PathMemory"]

_SET_UP: Final = frozenset(
    {
        *("__init__", "__del__", "__new__", "<module>", "main", "wmain", "WinMain", "wWinMain", "DllMain"),
        *("cleanup", "teardown", "shutdown", "fini"),
    }
)
"""Functions that run while nobody else can: before threads start, or when they have ended."""

_MAX_ITEMS: Final = 64


class PathMemory:
    """Loads from places and stores to them."""

    def __init__(self, tables: Tables, program: KnownProgram, record: Record, sites: Sites) -> None:
        self.tables = tables
        self.program = program
        self.record = record
        self.sites = sites
        self.types: dict[Value, str] = {}
        self.frame_types: dict[int, Frame] = {}
        self._spelled: dict[tuple[object, int], str] = {}
        self._noted: set[tuple[object, ...]] = set()
        self._types_then = 0
        self.stored: SharedInputs = SharedInputs(program, record, self.frame_types, self.slot, self.slot_of_copy)
        sites.slot = self.slot_of_copy
        sites.slots = self.stored.slots

    # Loading.

    def load(self, place: Place, state: State, frame: Frame, line: int) -> Value:
        """What a place holds."""
        found = state.env.get(place)
        self._access(place, state, frame, line, is_write=False)
        if found is not None:
            return found
        defined = self._defined(place, state, frame)
        if defined is not None:
            return defined
        return Initial(place) if depth(place) <= MAX_DEPTH else Unknown(frame.number, ("deep", describe(place)))

    def _defined(self, place: Place, state: State, frame: Frame) -> Value:
        """What a constant of the program holds: its one value, or all the values its elements have."""
        start: object = place
        while isinstance(start, Field | Initial):  # the address of an array is where it begins
            start = start.base if isinstance(start, Field) else start.place
        if not isinstance(start, Global):
            return None
        initial = self.program.initial(start)
        if initial is None:
            return None
        found = [uncast(e) for e in self._within(place, initial, start)]
        values = [v for e in found[:_MAX_ITEMS] if (v := self._constant(e, start)) is not None]
        if len(values) != len(found) or not values:
            return None
        if len(values) == 1:
            return values[0]
        made = Unknown(frame.number, ("one of", place))
        state.put("parts", made, tuple(values))
        return made

    def _within(self, place: object, initial: ir.Expression, start: Global) -> list[ir.Expression]:
        """The initialisers that a path into a constant can mean."""
        if isinstance(place, Initial):
            return self._within(place.place, initial, start)
        if not isinstance(place, Field):
            return [initial]
        found: list[ir.Expression] = []
        for outer in self._within(place.base, initial, start):
            bare = uncast(outer)
            if not isinstance(bare, ir.Display):
                return [bare] if place.name == "*" else []
            found.extend(self._items(bare, place.name, start))
        return found

    def _items(self, display: ir.Display, name: object, start: Global) -> list[ir.Expression]:
        if name in display.keys:
            return [display.items[display.keys.index(str(name))]]
        if not isinstance(name, str):
            return [*display.items]
        if name.startswith("["):
            digits = name[1:-1]
            if digits.isdigit():
                return [display.items[int(digits)]] if int(digits) < len(display.items) else []
            return [*display.items]
        order = [*self.program.members.get(base_type(self.program.type_of_global(start)), ())]
        number = order.index(name) if name in order else len(display.items)
        return [display.items[number]] if number < len(display.items) and not any(display.keys) else []

    def _constant(self, expression: ir.Expression, start: Global) -> Value:
        match expression:
            case ir.Literal(value=value):
                return Constant(value)
            case ir.Name(name=name) | ir.Operation(operator="address", operands=(ir.Name(name=name),)):
                hidden = name in self.program.variables.get(start.unit, ())
                known = name in self.program.functions or self.tables.get(name) is not None
                return Code(name) if known and not hidden else None
        return None

    @staticmethod
    def held_in(place: Place, state: State) -> object:
        """The object that a variable holds, or the variable itself: what the fields are fields of."""
        held = state.env.get(place)
        return held if isinstance(held, Object) else place

    # Storing.

    def store(
        self, place: Place, value: Value, state: State, frame: Frame, line: int, *, holds: str = "", begun: bool = False
    ) -> None:
        """Put a value into a place; ``begun``: the first of a static variable."""
        if not begun:
            self._access(place, state, frame, line, is_write=True, holds=holds)
        if value in state.lineage and is_text_object(self.type_of(place, frame)):
            value = self.copy_of_text(value, place, state, frame, line)
        old = state.env.get(place)
        if isinstance(value, Constant) and value.value == 0 and value.value is not False:
            self._emptied(Initial(place) if old is None else old, state)
        self._wipe(place, state)
        state.assign(place, value)
        for one in state.either(value):
            if not isinstance(one, CallResult):
                continue
            if not self._is_private(place, state):
                state.escape(one)
            if not isinstance(place, Local):
                self.sites.stored(one, place)
            self.sites.use(one, "store", state, frame, line, owner=describe(place))
        self.stored.put(place, value, state, frame)
        if isinstance(place, Local) and value is not None and not isinstance(value, Constant):
            self.types.setdefault(value, frame.known.types.get(place.name, ""))
        self.sites.overwritten(old, value, state, frame, line)

    def changed(self, place: Place, state: State, frame: Frame, line: int) -> None:
        """A method changes what a place holds: a container gets or loses an element."""
        self._access(place, state, frame, line, is_write=True)

    @staticmethod
    def _wipe(place: Place, state: State) -> None:
        """What is written as a whole has no old fields."""
        for field in [p for p in state.env if type(p) is Field and p != place and is_inside(p, place)]:
            state.drop("env", field)

    def copy_of_text(self, text: Value, source: object, state: State, frame: Frame, line: int) -> Value:
        """A string is made from a library's text: that is read here, and nothing needs the library any more."""
        self.sites.use(text, "argument", state, frame, line)
        made = Unknown(frame.number, ("copy", source))
        state.renew(made)
        mix(made, (text,), state, keep=True)
        return made

    @staticmethod
    def _emptied(count: Value, state: State) -> None:
        """A count is zero again: what its table holds from there on is nobody's any more."""
        for field in [p for p in state.env if type(p) is Field and p.name == ("[", count)]:
            state.drop("env", field)

    def forget_inside(self, place: Place, state: State) -> None:
        """What an object held may be anything by now: what its fields were, and that their library was closed."""
        whole = self.held_in(place, state)
        for field in [p for p in state.env if type(p) is Field and is_inside(p, whole)]:
            state.drop("env", field)
        for value in [v for v in state.closed if isinstance(v, Initial) and is_inside(v.place, place)]:
            state.drop("closed", value)

    def moved(self, value: Object, taker: Object, state: State) -> None:
        """An object is moved from: what it held belongs to another now."""
        self.types.setdefault(taker, self.types.get(value, ""))
        self._escape_fields(value, state)
        for field, held in [*state.env.items()]:
            if isinstance(field, Field) and is_inside(field, value):
                state.assign(_moved(field, value, taker), held)
                if isinstance(held, CallResult):
                    state.assign(field, Constant(None))

    def begun(self, built: Object, state: State) -> None:
        """An object is made where one was made in an earlier round of a loop: nothing is in it yet."""
        for field in [p for p in state.env if type(p) is Field and is_inside(p, built)]:
            state.drop("env", field)

    def clear(self, target: Value, state: State) -> None:
        """``memset(&x, 0, sizeof x)``: every field is null."""
        base: object = self.held_in(target.place, state) if isinstance(target, PlaceAddress) else target
        for field in [p for p in state.env if type(p) is Field and is_inside(p, base)]:
            state.assign(field, Constant(None))
        if isinstance(target, PlaceAddress) and not isinstance(target.place, Local):
            state.assign(target.place, Constant(None))

    def copy(self, source: Place, target: Place, state: State) -> None:
        """A whole object is copied: what its fields hold is held twice."""
        for field, value in [*state.env.items()]:
            if isinstance(field, Field) and is_inside(field, source):
                moved = _moved(field, source, target)
                state.assign(moved, value)
                if isinstance(value, CallResult) and not self._is_private(moved, state):
                    state.escape(value)
                    self.sites.stored(value, moved)

    def escape(self, value: Value, state: State, name: str) -> None:
        """A value is handed to somebody who may keep it, and all it leads to with it."""
        for one in state.either(value):
            if isinstance(one, CallResult):
                state.escape(one)
                site = self.sites.of(one)
                if site is not None and name:
                    site.stores.add(name)
        if isinstance(value, Object):
            self._escape_fields(value, state)
        if isinstance(value, PlaceAddress):
            base: object = value.place
            while isinstance(base, Field):
                base = base.base
            if isinstance(base, CallResult):
                state.escape(base)
            self._escape_fields(self.held_in(value.place, state), state)

    def _escape_fields(self, place: object, state: State) -> None:
        for field, held in state.env.items():
            if type(held) is CallResult and type(field) is Field and is_inside(field, place):
                state.escape(held)

    def _is_private(self, place: Place, state: State) -> bool:
        """Whether only this call can reach a place: its variables, and memory it allocated and still owns."""
        base: object = place
        while isinstance(base, Field):
            base = base.base
        if isinstance(base, CallResult):
            return self.sites.role(base) is ApiRole.ALLOCATE and base not in state.escaped
        return isinstance(place, Local) or rooted_locally(place)

    def kept(self, state: State) -> set[Value]:
        """The results that others can reach at the end of a path: escaped, returned, or led to by such."""
        given = (*state.escaped, *state.leaves(state.result))
        found: set[Value] = {v for v in given if isinstance(v, CallResult)}
        shared = (v for p, v in state.env.items() if not isinstance(p, Local) and not rooted_locally(p))
        found.update(v for v in shared if isinstance(v, Object))
        inside = [(p, v) for p, v in state.env.items() if isinstance(v, CallResult) and isinstance(p, Field)]
        grown = True
        while grown:
            grown = False
            for place, value in inside:
                if value in found:
                    continue
                base: object = place
                while isinstance(base, Field):
                    base = base.base
                if (
                    base in found
                    or base == state.result
                    or (isinstance(state.result, Initial | PlaceAddress) and is_inside(place, state.result.place))
                ):
                    found.add(value)
                    grown = True
        return found

    def needed(self, state: State) -> set[Value]:
        """The libraries whose symbols others can reach at the end of a path: they are left open on purpose."""
        found: set[Value] = set()
        for place, value in state.env.items():
            start: object = place
            while isinstance(start, Field):
                start = start.base
            gone = isinstance(start, CallResult) and (start in state.closed or start not in state.escaped)
            if isinstance(place, Local) or rooted_locally(place) or gone or state.truth.get(value) is False:
                continue  # a symbol that is not there needs nothing
            found.update([*lineage(value, state)][1:])
        for value in state.leaves(state.result):
            found.update([*lineage(value, state)][1:])
        return found

    # Types.

    def type_of(self, thing: object, frame: Frame) -> str:
        """The spelled type of a place, or of what a value points at; empty when nothing tells."""
        if type(thing) is not Field and type(thing) is not Initial:
            return self._type_of(thing, frame)
        self._forget_if_learnt()
        key = (thing, frame.number)
        found = self._spelled.get(key)
        if found is None:
            found = self._spelled[key] = self._type_of(thing, frame)
        return found

    def _forget_if_learnt(self) -> None:
        """What was worked out from types is worked out again when more of them are known."""
        if len(self.types) != self._types_then:
            self._types_then = len(self.types)
            self._spelled.clear()
            self._noted.clear()

    def _type_of(self, thing: object, frame: Frame) -> str:
        match thing:
            case Local(frame=number, name=name):
                owner = frame if number == frame.number else self.frame_types.get(number)
                return owner.known.types.get(name, "") if owner is not None else ""
            case Global():
                return self.program.type_of_global(thing)
            case Field(base=base, name=str(name)) if not name.startswith(("[", "*")):
                held = pointee(self.type_of(base, frame))
                return self.program.type_of_member(held, name) or of_pair(held, name)
            case Field(base=base):
                return element(self.type_of(base, frame))
            case Initial(place=place) | PlaceAddress(place=place):
                return self.type_of(place, frame)
            case This(owner=owner_name):
                return owner_name
            case _:
                return self.types.get(thing, "")  # type: ignore[call-overload, no-any-return]

    def is_pointer(self, value: Value, frame: Frame) -> bool:
        """Whether a value is known to be an address, by the type of what it was read from or put into."""
        spelled = self.type_of(value, frame)
        return "*" in spelled or "(*)" in spelled

    # Shared state.

    def shared(self, place: Place, frame: Frame) -> tuple[str, str, str] | None:
        """The name, the owner and the home of state that others can reach; None for what only this call can."""
        if isinstance(place, Global):
            return (place.name, "", self._home(place)) if place.unit else None
        if not isinstance(place, Field):
            return None
        base = place.base
        is_plain = isinstance(place.name, str) and not place.name.startswith(("[", "*"))
        if isinstance(base, This):  # classes of one name in two Python files are two
            unit = frame.known.unit
            home = unit.path if unit.language is ir.Language.PYTHON else self._of_class(base.owner, frame)
            owner = self.program.declaring(base.owner, str(place.name))
            home = home if owner == base.owner or not home else self._of_class(owner, frame)
            return (str(place.name), owner, home) if is_plain else None
        if isinstance(base, Global | Field):
            outer = self.shared(base, frame)
            if outer is None:
                return None
            one = self._class_of(base, frame) if is_plain and _is_element(base) else ""
            if one in self.program.members:  # reached through the table or through a pointer, it is one member
                return str(place.name), one, self._of_class(one, frame)
            return (f"{outer[0]}.{place.name}" if is_plain else outer[0], outer[1], outer[2])
        if not isinstance(base, Initial | PlaceAddress):
            return None
        if not is_plain:
            outer = self.shared(base.place, frame)
            return (outer[0], outer[1] or outer[0], outer[2]) if outer is not None else None
        owner = self._class_of(base, frame)
        start = base.place
        if isinstance(start, Global) and start.unit:
            return str(place.name), owner or start.name, self._of_class(owner, frame) if owner else self._home(start)
        if isinstance(start, Local | Field):
            return str(place.name), owner or "*", self._of_class(owner, frame)
        return None

    def _class_of(self, thing: object, frame: Frame) -> str:
        """The class of an object, or of what a pointer leads to, a smart one too."""
        return base_type(pointee(self.type_of(thing, frame)))

    def _of_class(self, owner: str, frame: Frame) -> str:
        return self.program.class_home(owner, frame.known.unit)

    def _home(self, place: Global) -> str:
        variable = self.program.variables.get(place.unit, {}).get(place.name)
        return place.unit if (variable is None or variable.local) and place.name in self.program.shadowed else ""

    def slot(self, place: Place, frame: Frame) -> tuple[str, str, str] | None:
        """What two functions must name alike to mean one place: :meth:`shared`, of what has a known owner."""
        found = self.shared(place, frame)
        if found is None and isinstance(place, Field) and isinstance(place.base, CallResult | Object):
            owner = self._class_of(place.base, frame)  # an object made here, which others get to see
            is_plain = isinstance(place.name, str) and not place.name.startswith(("[", "*"))
            return (str(place.name), owner, self._of_class(owner, frame)) if owner and is_plain else None
        if found is None or found[1] == "*":
            return None
        return found

    def slot_of_copy(self, place: Place, frame: Frame) -> tuple[str, str, str] | None:
        """As :meth:`slot`, and of a struct that is a copy of what others reach, the slot it was copied from."""
        found = self.slot(place, frame)
        if found is None and isinstance(place, Field) and isinstance(place.base, Local | Unknown):
            owner = self._class_of(place.base, frame)
            is_plain = isinstance(place.name, str) and not place.name.startswith(("[", "*"))
            return (str(place.name), owner, self._of_class(owner, frame)) if owner and is_plain else None
        return found

    def _without_threads(self, frame: Frame, line: int) -> bool:
        """Whether a line lies before its function starts the thread, or after it waited for the thread's end."""
        started, joined = self.program.thread_lines(frame.known, self.tables)
        return line < started or 0 < joined < line

    def _is_being_made(self, caller: Spot, owner: str, frame: Frame) -> bool:
        """Whether a call comes from the constructor of the object, before that starts a thread: nobody else has it."""
        if not owner or caller.function.split("::")[-2:] != [last_word(owner)] * 2:
            return False
        made = self.program.find(caller.function, frame.known.unit)
        started = self.program.thread_lines(made, self.tables)[0] if made is not None else 1
        return not started or caller.line < started

    def _access(self, place: Place, state: State, frame: Frame, line: int, *, is_write: bool, holds: str = "") -> None:
        if isinstance(place, Local) or frame.known.function.name == "main":
            return
        self._forget_if_learnt()
        key = (place, frame.number, line, is_write, holds, state.locks)
        if key in self._noted:
            return
        self._noted.add(key)
        found = self.shared(place, frame)
        if found is None:
            return
        variable, owner, home = found
        once = self.program.run_once
        alone = _is_alone(frame, owner) or any(
            s.function in _SET_UP or s.function in once or self._is_being_made(s, owner, frame) for s in frame.chain
        )
        alone = alone or frame.known.function.name in once or (not state.locks and self._without_threads(frame, line))
        spot = frame.spot(line)
        inner = bool(frame.chain)
        self.record.accesses.add(Access(variable, owner, spot, is_write, state.locks, alone, holds, inner, home))


def _is_element(place: Place) -> bool:
    """Whether a place is one of an array's."""
    return isinstance(place, Field) and not (isinstance(place.name, str) and not place.name.startswith("["))


def _moved(place: Any, source: object, target: Any) -> Any:
    """A place that is ``source``, or lies in it, as the same of ``target``."""
    return target if place == source else Field(_moved(place.base, source, target), place.name)


def _is_alone(frame: Frame, owner: str) -> bool:
    """Whether a function sets up or takes down what it works on, when nobody else can reach it."""
    function = frame.known.function
    name = last_word(function.name)
    return (
        name in {owner, f"~{owner}", function.owner, f"~{function.owner}", *_SET_UP} or "constructor" in function.marks
    )
