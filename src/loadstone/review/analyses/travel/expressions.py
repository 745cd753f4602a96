"""What an expression is made of, which sinks it holds, and where its value goes when it is stored or handed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loadstone.review import ir
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import vocabulary
from loadstone.review.analyses.travel.checks import Learner, spelled
from loadstone.review.analyses.travel.command_words import added_words, command_helpers, words_after
from loadstone.review.analyses.travel.deferred import deferred
from loadstone.review.analyses.travel.flows import (
    Check,
    Piece,
    Place,
    Shape,
    Sink,
    SinkKind,
    Travels,
    ValueSource,
    Visit,
)
from loadstone.review.analyses.travel.names import PythonNames, Routine, attribute_place
from loadstone.review.analyses.travel.sinks import (
    format_place,
    option_places,
    program_places,
    shell_places,
    sinks_of,
    writes,
)
from loadstone.review.analyses.travel.source_files import is_own_file, is_source_file, reads_own_files
from loadstone.review.analyses.words import dotted_name, names_own_place, uncast
from loadstone.review.apis import Api, ApiRole, Tables

__all__ = ["ValueReader"]


class ValueReader:
    """Reads the expressions of one function with the checks in force at one statement."""

    __slots__ = ("found", "known", "learner", "names", "routine", "tables", "visit")

    def __init__(
        self,
        names: PythonNames,
        tables: Tables,
        found: Travels,
        routine: Routine,
        known: Mapping[str, frozenset[Check]],
        learner: Learner,
        visit: Visit | None = None,
    ) -> None:
        self.names: PythonNames = names
        self.tables: Tables = tables
        self.found: Travels = found
        self.routine: Routine = routine
        self.known: Mapping[str, frozenset[Check]] = known
        self.learner: Learner = learner
        self.visit: Visit | None = visit

    def spot(self, line: int) -> Spot:
        """A line of the function that is read."""
        return Spot(self.routine.unit.path, line, self.routine.function.name, self.routine.function.condition)

    # Statements.

    def assign(self, statement: ir.Assign) -> None:
        """``target = value``, ``target += value``."""
        if statement.value is None:
            return
        target = statement.target
        called = statement.value if isinstance(statement.value, ir.Call) else None
        if isinstance(target, ir.Name) and target.name.startswith("<") and called is not None:
            found = self.names.called(self.routine, called)
            if len(found) == 1:
                self.routine.tuples[target.name] = found[0].result
        pieces = self.pieces(statement.value)
        if statement.operator:
            pieces = _turned(pieces, Shape.PART)
        self.store(target, pieces, statement.line)

    def words(self, statement: ir.Statement) -> None:
        """What a statement adds to the words of a command."""
        for word in added_words(self.routine.unit, self.routine.function, statement):
            self._sink(SinkKind.OPTION, "the command", statement.line, self.pieces(word))

    def store(self, target: ir.Expression, pieces: list[Piece], line: int) -> None:
        """Move pieces to where a target rests."""
        match uncast(target):
            case ir.Name(name=name):
                self.found.move(pieces, self.routine.place(name), self.spot(line))
            case ir.Member(base=base, name=name):
                owner = self.routine.function.owner if self._is_self(base) else ""
                for place in self.names.attribute(self.routine.unit, owner, name):
                    self.found.move(pieces, place, self.spot(line))
            case ir.Item(base=base, index=index):
                self._environment(index, pieces, line)
                if vocabulary.ENVIRONMENT.search(spelled(base)) and not isinstance(uncast(index), ir.Literal):
                    self._sink(SinkKind.VARIABLES, spelled(base), line, self.pieces(index))
                self.store(base, pieces, line)
            case ir.Display(items=items):
                for item in items:
                    self.store(item, pieces, line)

    def give_back(self, value: ir.Expression | None, line: int) -> None:
        """``return value``: a tuple keeps its elements apart."""
        if value is None:
            return
        if isinstance(value, ir.Display) and not value.keys:
            for position, item in enumerate(value.items):
                self.found.move(self.pieces(item), (*self.routine.result, str(position)), self.spot(line))
            return
        self.found.move(self.pieces(value), self.routine.result, self.spot(line))

    def evaluate(self, expression: ir.Expression | None) -> None:
        """An expression for its effects."""
        if expression is not None:
            self.pieces(expression)

    def elements(self, iterable: ir.Expression) -> list[Piece]:
        """What a loop over an expression gives."""
        bare = uncast(iterable)
        if isinstance(bare, ir.Display) and all(isinstance(item, ir.Literal) for item in bare.items):
            return []
        return self.pieces(iterable)

    # Expressions.

    def pieces(self, expression: ir.Expression) -> list[Piece]:
        """What an expression is made of; its sinks and moves are noted on the way."""
        match uncast(expression):
            case ir.Literal():
                return []
            case ir.Name() as name:
                return self._name(name)
            case ir.Member() as member:
                return self._member(member)
            case ir.Item() as element:
                return self._item(element)
            case ir.Call() as call:
                return self._call(call)
            case ir.AssignmentExpression(target=target, value=value, line=line):
                pieces = self.pieces(value)
                self.store(target, pieces, line)
                return pieces
            case ir.Operation() as operation:
                return self._operation(operation)
            case ir.Display(items=items, keys=keys) as display:
                for key, item in zip(keys, items, strict=False):
                    if vocabulary.LOADER_VARIABLE.match(key):
                        self._sink(SinkKind.ENVIRONMENT, key, display.line, self.pieces(item))
                if "" in keys and any(spelled(i) == "os.environ" for i in items):
                    others = (i for k, i in zip(keys, items, strict=False) if not k and spelled(i) != "os.environ")
                    pieces = [piece for item in others for piece in self.pieces(item)]
                    self._sink(SinkKind.VARIABLES, "os.environ", display.line, pieces)
                return [piece for item in items for piece in self.pieces(item)]
            case ir.Closure(function=function):
                if function.name == "<lambda>":
                    for statement in function.body.body:
                        if isinstance(statement, ir.Return) and statement.value is not None:
                            return self.pieces(statement.value)
        return []

    def _checked(self, expression: ir.Expression) -> frozenset[Check]:
        checks = self.known.get(spelled(expression), frozenset())
        every = self.known.get("*")
        return checks | every if every else checks

    def _is_self(self, base: ir.Expression) -> bool:
        bare = uncast(base)
        return isinstance(bare, ir.Name) and bare.name in {"self", "cls"} and bool(self.routine.function.owner)

    def _name(self, name: ir.Name) -> list[Piece]:
        source = self._source_named(name.name, name.line)
        checks = self._checked(name)
        if source is not None:
            return [Piece(source, Shape.WHOLE, checks)]
        return [Piece(self._place(name.name), Shape.WHOLE, checks)]

    def _place(self, name: str) -> Place:
        """Where a name rests; one that was imported from a file of the program rests there."""
        module, _, last = name.rpartition(".")
        if module and (path := self.names.by_stem.get(module.rpartition(".")[2])):
            return ("g", path, last)
        return self.routine.place(name)

    def _source_named(self, name: str, line: int) -> ValueSource | None:
        while name:
            api = self.tables.get(name)
            if api is not None:
                return ValueSource(api.kind, self.spot(line)) if api.role is ApiRole.SOURCE else None
            name = name.rpartition(".")[0]  # flask.request.args is a part of flask.request
        return None

    def _member(self, member: ir.Member) -> list[Piece]:
        name = dotted_name(member)
        checks = self._checked(member)
        if name and (source := self._source_named(name, member.line)) is not None:
            return [Piece(source, Shape.WHOLE, checks)]
        if member.name in vocabulary.ASKED and vocabulary.REQUEST.search(spelled(member.base)):
            return [Piece(ValueSource("network", self.spot(member.line)), Shape.WHOLE, checks)]
        own = self._is_self(member.base)
        if own and member.name in vocabulary.SERVED and self.names.serves(self.routine):
            return [Piece(ValueSource("network", self.spot(member.line)), Shape.WHOLE, checks)]
        owner = self.routine.function.owner if own else ""
        pieces = [
            Piece(place, Shape.WHOLE, checks | self.found.invariants.get(place, frozenset()))
            for place in self.names.attribute(self.routine.unit, owner, member.name)
        ]
        methods = self.names.properties(self.routine.unit, owner, member.name)
        pieces += [Piece(method.result, Shape.WHOLE, checks) for method in methods]
        if not own:
            pieces += [_with(piece, checks) for piece in self.pieces(member.base)]
        return pieces

    def _item(self, item: ir.Item) -> list[Piece]:
        checks = self._checked(item)
        named = self.pieces(item.index)
        base = uncast(item.base)
        if isinstance(base, ir.Name) and base.name in self.routine.tuples and isinstance(item.index, ir.Literal):
            result = self.routine.tuples[base.name]
            return [
                Piece((*result, str(item.index.value)), Shape.WHOLE, checks),
                Piece(result, Shape.WHOLE, checks),
            ]
        key = item.index.value if isinstance(item.index, ir.Literal) else None
        where = dotted_name(base) or (base.name if isinstance(base, ir.Name) else "")
        if where in {"os.environ", "os.environb"}:
            return self._variable(key, item.line, checks)
        if where in vocabulary.LOADERS:
            self._sink(SinkKind.LOAD, where, item.line, named)
            return []
        if where == "sys.argv" and key == 0:
            return []
        return [_with(piece, checks) for piece in self.pieces(item.base)]

    def _variable(self, name: object, line: int, checks: frozenset[Check]) -> list[Piece]:
        """A variable of the environment; those that say where the system is are the system's word."""
        if isinstance(name, str) and vocabulary.SYSTEM_NAMED.match(name):
            return []
        kind = "user's own place" if isinstance(name, str) and names_own_place(name) else "environment"
        return [Piece(ValueSource(kind, self.spot(line)), Shape.WHOLE, checks)]

    def _operation(self, operation: ir.Operation) -> list[Piece]:
        operator, operands = operation.operator, operation.operands
        match operator:
            case "&&" | "||":
                return [piece for operand in operands for piece in self.pieces(operand)]
            case "?:":
                self.evaluate(operands[0])
                yes = self._after(operands[0], holds=True).chosen(operands[1])
                no = self._after(operands[0], holds=False).pieces(operands[2])
                return yes + no
            case "await" | ",":
                found: list[Piece] = []
                for operand in operands:
                    found = self.pieces(operand)
                return found
            case "format" | "+" | "%":
                return self._put_together(operands)
            case "/":
                return self._put_together(operands, joins=True)
            case "-" | "*" | "&" | "|" | "<<" | ">>" | "^":
                return _turned([p for operand in operands for p in self.pieces(operand)], Shape.PART)
        for operand in operands:
            self.evaluate(operand)
        return []

    def _after(self, condition: ir.Expression, *, holds: bool) -> ValueReader:
        known = dict(self.known)
        for name, check in self.learner.learn(condition, holds=holds):
            if name:
                known[name] = known.get(name, frozenset()) | {(check, self.spot(condition.line))}
        visit = self.visit
        if visit is not None:
            visit = Visit(visit.unit, visit.function, visit.statement, known)
        return ValueReader(self.names, self.tables, self.found, self.routine, known, self.learner, visit)

    def chosen(self, value: ir.Expression) -> list[Piece]:
        """What a condition lets through: of ``{k: v for k, v in given if k in ALLOWED}`` the whole pair."""
        pieces = self.pieces(value)
        match value:
            case ir.Display(items=(key, _)):
                return [_with(piece, self._checked(key)) for piece in pieces]
        return pieces

    def _put_together(self, operands: Iterable[ir.Expression], *, joins: bool = False) -> list[Piece]:
        """Text or a path made of several: what stands behind a directory is joined to it."""
        found: list[Piece] = []
        behind = False
        count = 0
        for operand in operands:
            count += 1
            pieces = self.pieces(operand)
            found += _turned(pieces, Shape.JOINED if behind else Shape.PART)
            text = operand.value if isinstance(operand, ir.Literal) else None
            layout = isinstance(text, str) and "%" in text
            behind = (
                behind or joins or not isinstance(operand, ir.Literal) or (isinstance(text, str) and _is_place(text))
            )
            if layout and isinstance(text, str):
                behind = _is_place(text.split("%")[0])
        return found if count > 1 else [Piece(p.origin, Shape.WHOLE, p.checks) for p in found]

    # Calls.

    def _call(self, call: ir.Call) -> list[Piece]:
        if self.visit is not None:
            self.found.calls.setdefault(id(call), (call, self.visit))
        given = [self.pieces(argument) for argument in call.arguments]
        named = [(key, self.pieces(value)) for key, value in call.keywords]
        receiver = self.pieces(call.receiver) if call.receiver is not None else []
        if call.receiver is None and isinstance(call.function, ir.Call):
            self.evaluate(call.function)
        word = call.name.rpartition(".")[2]
        api = self.tables.get(call.name)
        for kind, name, pieces in sinks_of(call, api, given, dict(named), receiver):
            self._sink(kind, name, call.line, pieces, call)
        at = format_place(call, self.routine.unit.text)
        if at is not None:
            self._sink(SinkKind.FORMAT, call.name, call.line, given[at], call)
        gathered = {p.name for p in self.routine.function.parameters if p.type.startswith("*")}
        for word_given in option_places(call, api):
            if isinstance(word_given, ir.Name) and word_given.name in gathered:
                continue  # seen where they are handed in
            self._sink(SinkKind.OPTION, call.name, call.line, self.pieces(word_given), call)
        for text in shell_places(call, api):
            self._sink(SinkKind.COMMAND, call.name, call.line, self.pieces(text), call)
        for program in program_places(call, api):
            self._sink(SinkKind.PROGRAM, call.name, call.line, self.pieces(program), call)
        written = word in {"write", "writelines", "write_text"} and bool(given)
        if written and is_source_file(self.routine.unit, self.routine.function, call.receiver):
            self._sink(SinkKind.SOURCE, call.name, call.line, given[0], call)
        if call.receiver is not None and word in vocabulary.TAKES_IN:
            self.store(call.receiver, [piece for pieces in given for piece in pieces], call.line)
        routines = self.names.called(self.routine, call)
        if routines:
            if any(r.function.name in command_helpers(r.unit) for r in routines):
                for word_given in words_after(call.arguments):
                    self._sink(SinkKind.OPTION, call.name, call.line, self.pieces(word_given), call)
            return self._of_program(call, routines, given, named)
        later = deferred(call, given, self.pieces, self.routine.function.owner)
        if later is not None:
            if routines := self.names.named(self.routine, later[0]):
                return self._of_program(call, routines, later[1], [])
            handed = ir.Call(call.line, later[0], call.function, call.arguments, (), None, call.end_line)
            for kind, name, pieces in sinks_of(handed, self.tables.get(later[0]), later[1], {}, []):
                self._sink(kind, name, call.line, pieces, handed)
        made = self.names.made(self.routine, call.name)
        if made is not None:
            return self._object(call, made, given, named)
        return self._of_others(call, api, word, receiver, given, named)

    def _of_program(
        self, call: ir.Call, routines: list[Routine], given: list[list[Piece]], named: list[tuple[str, list[Piece]]]
    ) -> list[Piece]:
        spot = self.spot(call.line)
        for routine in routines:
            names = routine.parameters
            rest = routine.rest
            for position, pieces in enumerate(_spread(call, given, len(names))):
                if (at := position if rest is None else min(position, rest)) < len(names):
                    self.found.move(pieces, routine.place(names[at]), spot)
            for key, pieces in named:
                if key in names:
                    self.found.move(pieces, routine.place(key), spot)
        checks = self._checked(call)
        return [Piece(routine.result, Shape.WHOLE, checks) for routine in routines]

    def _object(
        self,
        call: ir.Call,
        made: tuple[ir.Unit, ir.Class, Routine | None],
        given: list[list[Piece]],
        named: list[tuple[str, list[Piece]]],
    ) -> list[Piece]:
        """An object of a class of the program: its fields rest in the class."""
        unit, one, maker = made
        if maker is not None:
            self._of_program(call, [maker], given, named)
            return []
        for member, pieces in zip(one.members, _spread(call, given, len(one.members)), strict=False):
            self.found.move(pieces, attribute_place(unit, one.name, member.name), self.spot(call.line))
        for key, pieces in named:
            for field in (key,) if key != "**" else (member.name for member in one.members):
                self.found.move(pieces, attribute_place(unit, one.name, field), self.spot(call.line))
        return []

    def _of_others(
        self,
        call: ir.Call,
        api: Api | None,
        word: str,
        receiver: list[Piece],
        given: list[list[Piece]],
        named: list[tuple[str, list[Piece]]],
    ) -> list[Piece]:
        every = [piece for pieces in given for piece in pieces] + [piece for _, pieces in named for piece in pieces]
        checks = self._checked(call)
        if call.name in {"os.environ.get", "os.getenv", "os.environ.pop", "os.environ.setdefault"}:
            key = call.arguments[0].value if call.arguments and isinstance(call.arguments[0], ir.Literal) else None
            return self._variable(key, call.line, checks) + [piece for pieces in given[1:] for piece in pieces]
        if call.name == "yield":
            self.found.move(every, self.routine.result, self.spot(call.line))
            return []
        if call.name in vocabulary.NUMBERS:
            return _turned(every, Shape.NUMBER)
        if call.receiver is not None and word in vocabulary.FILLS:
            return _turned(every, Shape.PART)
        if call.name in vocabulary.STOPS:
            return []
        if call.name == "os.path.basename":
            return [_with(piece, frozenset({("bare", self.spot(call.line))})) for piece in every]
        if call.name in vocabulary.PASSES:
            return every
        source = self._source(call, api, word)
        if source is not None:
            return [
                Piece(source, Shape.WHOLE, checks),
                *(every if api is not None and api.kind == ("configuration file") else []),
            ]
        if api is not None and api.role in {ApiRole.PASS, ApiRole.CANONICAL, ApiRole.ALLOCATE}:
            return receiver if api.subject < 0 else every
        if (api is not None and api.role is ApiRole.JOIN) or word in {"joinpath", "join"}:
            return self._path(call, receiver, given)
        if word == "format":
            return _turned(receiver + every, Shape.JOINED)
        if call.receiver is not None and word in vocabulary.KEEPS:
            return [_with(p, checks) for p in receiver] + (
                [p for pieces in given[1:] for p in pieces] if word in {"get", "pop", "setdefault"} else []
            )
        return []

    def _path(self, call: ir.Call, receiver: list[Piece], given: list[list[Piece]]) -> list[Piece]:
        if call.receiver is not None:
            text = call.receiver.value if isinstance(call.receiver, ir.Literal) else None
            if isinstance(text, str):  # ", ".join(names)
                return _turned([piece for pieces in given for piece in pieces], Shape.PART)
            given = [receiver, *given]
        if len(given) == 1:
            return given[0]
        return [
            *_turned(given[0] if given else [], Shape.PART),
            *_turned([piece for pieces in given[1:] for piece in pieces], Shape.JOINED),
        ]

    def _source(self, call: ir.Call, api: Api | None, word: str) -> ValueSource | None:
        spot = self.spot(call.line)
        if api is not None and api.name.startswith("configparser.") and reads_own_files(self.routine.unit, call):
            return None
        if call.receiver is None and (source := self._source_named(call.name, call.line)) is not None:
            return source
        if api is not None and api.role is ApiRole.SOURCE:
            return ValueSource(api.kind, spot)
        if api is not None and api.role is ApiRole.COMMAND:
            return ValueSource("output of another program", spot)
        if word in vocabulary.ASKED and call.receiver is not None and vocabulary.REQUEST.search(spelled(call.receiver)):
            return ValueSource("network", spot)
        own = call.receiver is not None and self._is_self(call.receiver)
        if own and word in vocabulary.SERVED and self.names.serves(self.routine):
            return ValueSource("network", spot)
        read = call.name in vocabulary.FILES or (word in vocabulary.READS_FILES and call.receiver is not None)
        if read and not writes(call):
            about = call.receiver if call.receiver is not None else call.arguments[0] if call.arguments else None
            return None if about is None or is_own_file(self.routine.unit, about) else ValueSource("file", spot)
        return None

    # Sinks.

    def _sink(self, kind: SinkKind, name: str, line: int, pieces: Iterable[Piece], call: ir.Call | None = None) -> None:
        self.found.sinks.append(Sink(kind, name, self.spot(line), tuple(pieces), call))

    def _environment(self, index: ir.Expression, pieces: list[Piece], line: int) -> None:
        """``env["LD_PRELOAD"] = value``, of this process or of a child."""
        key: object = index.value if isinstance(index, ir.Literal) else ""
        if isinstance(key, str) and vocabulary.LOADER_VARIABLE.match(key):
            self._sink(SinkKind.ENVIRONMENT, key, line, pieces)


def _is_place(text: str) -> bool:
    return "/" in text or "\\" in text


def _spread(call: ir.Call, given: list[list[Piece]], wanted: int) -> list[list[Piece]]:
    """What each parameter gets: ``*row`` may reach every one from its place on."""
    for position, argument in enumerate(call.arguments):
        if isinstance(argument, ir.Cast) and argument.type == "*" and position < len(given):
            return given[:position] + [given[position]] * (wanted - position)
    return given


def _with(piece: Piece, checks: frozenset[Check]) -> Piece:
    return Piece(piece.origin, piece.shape, piece.checks | checks) if checks else piece


def _turned(pieces: list[Piece], shape: Shape) -> list[Piece]:
    """The pieces as a smaller part of something; what stands behind a directory does so in a longer path, too."""
    kept = {Shape.NUMBER} if shape is Shape.JOINED else {Shape.NUMBER, Shape.JOINED}
    return [Piece(p.origin, p.shape if p.shape in kept else shape, p.checks) for p in pieces]
