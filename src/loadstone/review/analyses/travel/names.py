"""Which function a call may go to, which place a name rests in, and what a parameter brings from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.neighbours import Neighbours
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.travel.flows import Place, ValueSource
from loadstone.review.walk import calls, expressions, statements, tops

__all__ = ["PythonNames", "Routine", "attribute_place"]

_ROUTES: Final = re.compile(
    r"(?:\A|\.)(?:route|get|post|put|patch|delete|websocket|api_route|view|endpoint|on_message)\Z"
)
_EXPOSES: Final = re.compile(
    r"(?:\A|\.)(?:expose|register_function|shared_task|task)\Z|\Astrawberry\.(?:field|mutation)\Z"
    r"|\Ajsonrpcserver\.(?:\w+\.)*method\Z"
)
"""Decorators of functions that clients call over the network. Source: cherrypy, Pyro, xmlrpc, celery, strawberry."""

_ON_BUS: Final = re.compile(r"\A(?:dbus|dbus_next|dbus_fast|sdbus)\.(?:\w+\.)*(?:method|dbus_method_async)\Z")
"""Decorators of methods that other processes call over D-Bus."""

_COMMANDS: Final = re.compile(r"(?:\A|\.)(?:command|callback|group|argument|option)\Z")
_SERVERS: Final = re.compile(r"RequestHandler\Z|HTTPRequestHandler|APIView\Z|\bView\Z|Resource\Z|HTTPEndpoint\Z")
_HEARS: Final = frozenset(
    {
        "on_message",
        "on_message_callback",
        "message_callback_add",
        "on_data",
        "on_request",
        "start_server",
        "serve",
        "serve_forever",
    }
)
"""Where clients of a broker and servers keep what they call with a message. Source: paho-mqtt, pika, asyncio."""
_REGISTERS: Final = re.compile(r"register_|" + "|".join(sorted(_HEARS)))
_HEARD: Final = (
    (
        re.compile(r"Protocol\Z|LineReceiver\Z|StringReceiver\Z"),
        re.compile(r"data_?received|\w*_received|\w*Received\Z", re.IGNORECASE),
    ),
    (re.compile(r"rpyc\.\w*Service\Z|\AService\Z"), re.compile(r"exposed_")),
    (re.compile(r"(?:discord|telegram|slack)\w*\."), re.compile(r"on_message\Z")),
)
"""Classes and the methods of them that are called with what a peer sends. Source: asyncio, twisted, rpyc, discord."""

_TAKES: Final = frozenset({"do_GET", "do_POST", "do_PUT", "do_DELETE", "get", "post", "put", "delete", "patch"})
_MAX_BY_NAME: Final = 3
"""Methods of one name that a call on an unknown object may go to."""

_COMMON: Final = frozenset(
    {
        *(
            "get",
            ("set"),
            ("items"),
            ("keys"),
            ("values"),
            ("pop"),
            ("append"),
            ("extend"),
            ("add"),
            ("update"),
            ("read"),
            ("write"),
            ("close"),
        ),
        *(
            "open",
            ("join"),
            ("split"),
            ("strip"),
            ("format"),
            ("encode"),
            ("decode"),
            ("copy"),
            ("clear"),
            ("remove"),
            ("insert"),
            ("sort"),
        ),
        *("start", "stop", "run", "send", "recv", "find", "index", "replace", "match", "search", "exists", "next"),
    }
)
"""Methods that half of all objects have: on an unknown one they say nothing."""


@dataclass(slots=True, eq=False)
class Routine:
    """A function of the program with the names it binds."""

    unit: ir.Unit
    function: ir.Function
    locals: frozenset[str]
    outer: Routine | None = None
    tuples: dict[str, Place] = field(default_factory=dict)  # unpacked results of functions of the program

    @property
    def parameters(self) -> list[str]:
        """The parameters a caller names; not ``self``."""
        names = [parameter.name for parameter in self.function.parameters]
        return names[1:] if self.function.owner and "staticmethod" not in self.function.marks else names

    @property
    def rest(self) -> int | None:
        """Which parameter takes all further arguments, ``*args``; None without one."""
        starred = {p.name for p in self.function.parameters if p.type.startswith("*")}
        return next((n for n, name in enumerate(self.parameters) if name in starred), None)

    def place(self, name: str) -> Place:
        """Where a variable of this function rests, or of one around it, or of the module."""
        routine: Routine | None = self
        while routine is not None:
            if name in routine.locals:
                return ("v", self.unit.path, routine.function.name, name)
            routine = routine.outer
        return ("g", self.unit.path, name)

    @property
    def result(self) -> Place:
        """Where what it returns rests."""
        return ("r", self.unit.path, self.function.name)

    def argument(self, call: ir.Call, position: int) -> ir.Expression | None:
        """What a call gives for a parameter; None for its default."""
        if position < len(call.arguments) and (self.rest is None or position < self.rest):
            return call.arguments[position]
        names = self.parameters
        return dict(call.keywords).get(names[position]) if position < len(names) else None


_PROPERTIES: Final = frozenset({"property", "cached_property", "functools.cached_property"})
"""Decorators with which a method is read as an attribute."""


class PythonNames:
    """The functions and classes of a program's Python files."""

    def __init__(self, program: ir.Program) -> None:
        self.units: list[ir.Unit] = [unit for unit in program.units if unit.language is ir.Language.PYTHON]
        self.routines: list[Routine] = []
        self.classes: dict[str, list[tuple[ir.Unit, ir.Class]]] = {}
        self.owners: dict[str, list[tuple[ir.Unit, str]]] = {}  # attribute -> classes that have it
        self._by_name: dict[str, list[Routine]] = {}
        self._by_method: dict[str, list[Routine]] = {}
        self._named: dict[tuple[int, str, str], list[Routine]] = {}
        self._neighbours = Neighbours(self.units)
        self._served: dict[str, frozenset[str]] = {}
        self.stems: dict[str, str] = {unit.path: PurePath(unit.path).stem for unit in self.units}
        self.by_stem: dict[str, str] = {stem: path for path, stem in reversed(self.stems.items())}
        for unit in self.units:
            self._take(unit)
        self._exits = {id(r.function): _never_returns(r.function) for r in self.routines}

    def near(self, unit: ir.Unit) -> frozenset[str]:
        """The paths of a file, of those it imports and of those that import it."""
        return self._neighbours.near(unit)

    def _nearest(self, unit: ir.Unit, found: Iterable[Routine]) -> list[Routine]:
        """Those of a file, of what it imports, and of what imports it."""
        near = self.near(unit)
        return [routine for routine in found if routine.unit.path in near]

    def _take(self, unit: ir.Unit) -> None:
        by_name: dict[str, Routine] = {}
        for function in sorted(unit.functions, key=lambda f: f.name.count(".")):
            around = function.name.rpartition(".")[0]
            outer = by_name.get(around) if around else None
            routine = Routine(unit, function, _locals(function), outer)
            by_name[function.name] = routine
            self.routines.append(routine)
            self._by_name.setdefault(function.name, []).append(routine)
            self._by_method.setdefault(function.name.rpartition(".")[2], []).append(routine)
        for one in unit.classes:
            self.classes.setdefault(one.name, []).append((unit, one))
            for member in one.members:
                self.owners.setdefault(member.name, []).append((unit, one.name))

    def called(self, routine: Routine, call: ir.Call) -> list[Routine]:
        """The functions of the program a call may go to: the one it names, or those that have its name."""
        if call.name.startswith("?.") and isinstance(call.receiver, ir.Name):
            given = self._handed_in.get((routine.unit.path, routine.function.name, call.receiver.name), "")
            if own := self._by_name.get(f"{given}{call.name[1:]}") if given else None:
                return own[:1]
        return self.named(routine, call.name)

    @cached_property
    def _handed_in(self) -> dict[tuple[str, str, str], str]:
        """The class of the objects that a parameter gets, by file, function and name; empty where they differ."""
        found: dict[tuple[str, str, str], str] = {}
        for routine in self.routines:
            held = dict(self._built(routine))
            for call in calls(routine.function.body.body) if held else ():
                for to in self.named(routine, call.name):
                    for name, given in zip(to.parameters, call.arguments, strict=False):
                        if isinstance(given, ir.Name) and given.name in held:
                            key = (to.unit.path, to.function.name, name)
                            found[key] = (
                                held[given.name] if found.get(key, held[given.name]) == held[given.name] else ""
                            )
        return found

    def _built(self, routine: Routine) -> Iterator[tuple[str, str]]:
        """The variables of a function that hold an object of a class of the program."""
        for statement in statements(routine.function.body.body):
            match statement:
                case ir.Assign(target=ir.Name(name=name), value=ir.Call(name=made)) if made in self.classes:
                    yield name, made

    def named(self, routine: Routine, name: str) -> list[Routine]:
        """The functions of the program that a resolved name means in one of its files."""
        key = (id(routine.unit), routine.function.name, name)
        if key not in self._named:
            self._named[key] = self._meant(routine, name)
        return self._named[key]

    def _meant(self, routine: Routine, name: str) -> list[Routine]:
        found = self._by_name.get(name, ())
        own = [r for r in found if r.unit is routine.unit]
        if own:
            return own[:1]
        if routine.function.name and (nested := self._by_name.get(f"{routine.function.name}.{name}")):
            return [r for r in nested if r.unit is routine.unit][:1]
        module, _, last = name.rpartition(".")
        if name.startswith("?."):
            methods = self._nearest(routine.unit, (r for r in self._by_method.get(last, ()) if r.function.owner))
            return methods if last not in _COMMON and len(methods) <= _MAX_BY_NAME else []
        if not module:
            return []
        for words in (1, 2):
            tail = ".".join(name.split(".")[-words:])
            where = name.split(".")[:-words] or [""]
            for candidate in self._by_name.get(tail, ()):
                stem = self.stems[candidate.unit.path]
                if stem == where[-1] or (stem == "__init__" and where[-1] in PurePath(candidate.unit.path).parts):
                    return [candidate]
        return []

    def made(self, routine: Routine, name: str) -> tuple[ir.Unit, ir.Class, Routine | None] | None:
        """The class a call makes an object of, with its file, and its ``__init__`` if it has one."""
        last = name.rpartition(".")[2]
        found = self.classes.get(last, ())
        if not found or name.startswith("?"):
            return None
        near = self.near(routine.unit)
        own = [(u, c) for u, c in found if u is routine.unit] or [(u, c) for u, c in found if u.path in near]
        if not own:
            return None
        unit, one = own[0]
        makers = [r for r in self._by_name.get(f"{last}.__init__", ()) if r.unit is unit]
        return unit, one, makers[0] if makers else None

    def attribute(self, unit: ir.Unit, owner: str, name: str) -> Iterator[Place]:
        """Where an attribute rests: of its class, or of the few classes near by that have one of that name."""
        if owner:
            yield attribute_place(unit, owner, name)
            return
        near, every = self.near(unit), self.owners.get(name, ())
        owners = list(dict.fromkeys(attribute_place(where, one, name) for where, one in every if where.path in near))
        if owners and len(owners) <= _MAX_BY_NAME:
            yield from owners
        else:
            yield ("a", "", name)

    def properties(self, unit: ir.Unit, owner: str, name: str) -> list[Routine]:
        """The methods that are read as an attribute: of its class, or of the few classes near by."""
        read = [r for r in self._by_method.get(name, ()) if r.function.owner and r.function.marks & _PROPERTIES]
        own = [r for r in read if not owner or r.function.owner == owner]
        found = self._nearest(unit, own) if own else []
        return found if len(found) <= _MAX_BY_NAME else []

    def never_returns(self, routine: Routine, call: ir.Call) -> bool:
        """Whether a function of the program that is called always raises or ends the process."""
        found = self.called(routine, call)
        return bool(found) and all(self._exits.get(id(r.function), False) for r in found)

    def parameter_source(self, routine: Routine, parameter: ir.Parameter) -> ValueSource | None:
        """What a framework puts into a parameter: a part of a request, a word of the command line."""
        function = routine.function
        spot = Spot(routine.unit.path, parameter.line, function.name)
        if parameter.name in {"self", "cls"}:
            return None
        if any(_ROUTES.search(mark) for mark in function.marks) and not function.marks <= {"property"}:
            injected = isinstance(parameter.default, ir.Call) and parameter.default.name.rpartition(".")[2] == (
                "Depends"
            )
            return None if injected or parameter.name in {"request", "req"} else ValueSource("network", spot)
        if function.name in self.served(routine.unit) or self._hears(routine, parameter):
            return ValueSource("network", spot)
        if any(_ON_BUS.search(mark) for mark in function.marks):
            return ValueSource("another process", spot)
        if any(_EXPOSES.search(mark) for mark in function.marks):
            return ValueSource("network", spot)
        if any(_COMMANDS.search(mark) for mark in function.marks):
            return None if _is_chosen(routine, parameter.name) else ValueSource("command line", spot)
        return None

    def _hears(self, routine: Routine, parameter: ir.Parameter) -> bool:
        """Whether a parameter is what a peer sends, by the class and the name of a method, or by what it is called."""
        function = routine.function
        names = [p.name for p in function.parameters]
        if names == ["event", "context"] and parameter.name == "event" and function.name.endswith("handler"):
            return True  # AWS Lambda
        if names == ["environ", "start_response"] and parameter.name == "environ":
            return True  # WSGI, PEP 3333
        method = function.name.rpartition(".")[2]
        bases = [b for _, one in self.classes.get(function.owner, ()) for b in one.bases] if function.owner else []
        return parameter.name not in {"addr", "address"} and any(
            heard.match(method) and any(base.search(one) for one in bases) for base, heard in _HEARD
        )

    def served(self, unit: ir.Unit) -> frozenset[str]:
        """The functions and public methods of a file that a server is told to call for its clients."""
        known = self._served.get(unit.path)
        if known is None:
            known = self._served[unit.path] = frozenset(
                {*self._registered(unit), *self._listening(unit)} if _REGISTERS.search(unit.text) else ()
            )
        return known

    @staticmethod
    def _registered(unit: ir.Unit) -> Iterator[str]:
        made = {
            spelled(s.target): s.value.name
            for f in unit.functions
            for s in statements(f.body.body)
            if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)
        }
        for call in (c for f in unit.functions for c in calls(f.body.body) if c.arguments):
            word, given = call.name.rpartition(".")[2], call.arguments[0]
            heard = [value for keyword, value in call.keywords if keyword in _HEARS]
            heard += [argument for argument in call.arguments if word in _HEARS]
            yield from (f.name for f in unit.functions for one in heard if _is_called(f, one))
            if word == "register_function":
                yield spelled(given)
            elif word == "register_instance":
                owner = given.name if isinstance(given, ir.Call) else made.get(spelled(given), "")
                yield from (f.name for f in unit.functions if f.owner == owner and "._" not in f.name)

    @staticmethod
    def _listening(unit: ir.Unit) -> Iterator[str]:
        """``client.on_message = self.heard``: what a client of a broker calls for every message."""
        for statement in (s for f in unit.functions for s in statements(f.body.body)):
            match statement:
                case ir.Assign(target=ir.Member(name=name), value=value) if name in _HEARS and value is not None:
                    yield from (f.name for f in unit.functions if _is_called(f, value))

    def serves(self, routine: Routine) -> bool:
        """Whether a method belongs to a class that answers requests."""
        return any(
            _SERVERS.search(base) for _, one in self.classes.get(routine.function.owner, ()) for base in one.bases
        )


def _is_chosen(routine: Routine, name: str) -> bool:
    """``@click.option("--driver", type=click.Choice([...]))``: one of the words that the program lists."""
    for line in range(routine.function.line - 1, max(0, routine.function.line - _DECORATORS), -1):
        text = routine.unit.line_text(line).strip()
        if not text.startswith(("@", ")", '"', "'", "type=")):
            return False
        if re.search(rf"[\"']-*{name.replace('_', '[-_]')}[\"']", text):
            return "Choice(" in text or "Choice(" in routine.unit.line_text(line + 1)
    return False


_DECORATORS: Final = 40
"""So many lines of decorators are looked at."""


def _is_called(function: ir.Function, value: ir.Expression) -> bool:
    """Whether a value is this function, or a method of this name of some object."""
    name = spelled(value)
    return bool(name) and (
        function.name == name or ("." in name and function.name.endswith("." + name.rpartition(".")[2]))
    )


def attribute_place(unit: ir.Unit, owner: str, name: str) -> Place:
    """Where an attribute of a class rests; two files may each have a class of that name."""
    return ("a", f"{unit.path}:{owner}", name)


def _never_returns(function: ir.Function) -> bool:
    if function.name == "<module>":
        return False
    last = function.body.body[-1] if function.body.body else None
    if any(isinstance(statement, ir.Return) for statement in statements(function.body.body)):
        return False
    if isinstance(last, ir.Raise):
        return True
    return isinstance(last, ir.Evaluate) and any(
        call.name in {"sys.exit", "os._exit", "os.abort", "exit", "quit"} for call in calls((last,))
    )


def _locals(function: ir.Function) -> frozenset[str]:
    if function.name == "<module>":
        return frozenset()
    found = {parameter.name for parameter in function.parameters}
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(target=target):
                found.update(_bound(target))
            case ir.Loop(each=(target, _)):
                found.update(_bound(target))
            case ir.With(items=items):
                found.update(name for _, bound in items if bound is not None for name in _bound(bound))
            case ir.Try(handlers=handlers):
                found.update(handler.name for handler in handlers if handler.name)
        for top in tops(statement):
            for part in expressions(top):
                if isinstance(part, ir.AssignmentExpression):
                    found.update(_bound(part.target))
    return frozenset(found - function.globals)


def _bound(target: ir.Expression) -> Iterator[str]:
    stack = [target]
    while stack:
        current = stack.pop()
        if isinstance(current, ir.Name):
            yield current.name
        elif isinstance(current, ir.Display):
            stack.extend(current.items)
