"""What a header says about how a function is used: who makes the handles it takes, and who ends them.

A function that takes a pointer to a struct nobody defines needs another one that returns it, or stores it through a
pointer to a pointer, and after it one that takes it alone and is named for ending. Constraints by types, as in Hopper
(Chen et al., CCS 2023), without running anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from loadstone.core.image import Image, SymbolKind
from loadstone.errors import InvalidPrototype, LoadstoneError
from loadstone.fuzz.plan import TAKING, CallPlan, Role
from loadstone.fuzz.sequence import Step, handle_tag, sequence_of
from loadstone.fuzz.target import STREAMS
from loadstone.headers.spelling import prototype as spelled
from loadstone.headers.types import Declarations, Pointer, Prototype

__all__ = ["Proposal", "learn", "proposals", "undeclared"]

_MAX_DEPTH: Final = 3
_MAKING: Final = re.compile(r"(?i)new|create|init|open|alloc|make|start|begin")
_ENDING: Final = re.compile(r"(?i)free|destroy|close|delete|release|dispose|finish|unref|fini$|end$|cleanup")
_PIECES: Final = re.compile(r"(?i)feed|update|push|append|process|write|chunk")
_READING: Final = re.compile(
    r"(?i)parse|decode|read|load|inflate|decompress|unpack|deserial|scan|lex|from_|import|verify|validate|match"
)
_UNSET: Final = re.compile(r"(?i)(?:.*_)?(?:encoding|charset|locale|language|password|passphrase|options?|opts)")
"""What a handle is made without when it is NULL, by the name of the parameter: garbage there leaves nothing to work."""
_UNDECLARED: Final = "no debug information declares it: give --header FILE, or its prototype"


def learn(name: str, header: Declarations, roles: Mapping[str, str], image: Image) -> tuple[CallPlan, ...]:
    """The calls that fuzz a function of a header: its handles made before it, and ended after it.

    Raises:
        InvalidPrototype: the header does not declare it, a parameter has no role, or nobody makes a handle it takes.
        SymbolNotFound, WrongSymbolKind: the library has no such function.
    """
    target = header.functions.get(name)
    if target is None:
        raise InvalidPrototype(text=name, reason="the header does not declare it", advice="Give another --header.")
    exported = {n: p for n, p in header.functions.items() if any(s.exported for s in image.symbols.named(n))}
    made: list[str] = []
    steps = list(_makers(target, exported, made, image, 0))
    steps.append(Step(target, dict(roles), repeat=bool(made and _PIECES.search(name))))
    given = handle_tag(target.result)
    for tag in dict.fromkeys((*([given] if given else ()), *reversed(made))):
        ender = next((p for n, p in sorted(exported.items()) if _ENDING.search(n) and _takes_only(p, tag)), None)
        if ender is not None and ender is not target:
            steps.append(Step(ender, {}))
    calls = sequence_of(steps, image)
    if not any(a.role in TAKING or a.role is Role.INTEGER for call in calls for a in call.arguments):
        raise InvalidPrototype(
            text=target.text, reason="no parameter takes the input", advice="See `loadstone fuzz -h`."
        )
    return calls


def _makers(
    prototype: Prototype, exported: Mapping[str, Prototype], made: list[str], image: Image, depth: int
) -> Iterator[Step]:
    """The calls that make the handles a function takes, those that make theirs first."""
    for parameter in prototype.parameters:
        tag = handle_tag(parameter.type)
        if not tag or tag in made or tag in STREAMS or depth >= _MAX_DEPTH:
            continue
        for maker in _who_makes(tag, exported):
            before = list(made)
            try:
                steps = [*_makers(maker, exported, made, image, depth + 1), Step(maker, _unset(maker))]
                sequence_of(steps, image, frozenset(before))
            except LoadstoneError:  # it cannot be called either: the next one
                made[:] = before
                continue
            made.append(tag)
            yield from steps
            break


def _unset(maker: Prototype) -> dict[str, str]:
    """The roles of a maker's texts that may be left out."""
    texts = (p for p in maker.parameters if isinstance(p.type, Pointer) and p.type.const and _UNSET.fullmatch(p.name))
    return {parameter.name: f"{Role.CONST}:0" for parameter in texts}


def _who_makes(tag: str, exported: Mapping[str, Prototype]) -> list[Prototype]:
    """The functions that return such a handle or store it, and need none; the likeliest first."""
    found = []
    for name, prototype in exported.items():
        kinds = [parameter.type for parameter in prototype.parameters]
        if any(handle_tag(kind) == tag for kind in kinds):
            continue
        stores = any(isinstance(k, Pointer) and handle_tag(k.target) == tag for k in kinds)
        if handle_tag(prototype.result) == tag or stores:
            found.append((not _MAKING.search(name), len(kinds), name, prototype))
    return [prototype for *_, prototype in sorted(found, key=lambda row: row[:3])]


def _takes_only(prototype: Prototype, tag: str) -> bool:
    return len(prototype.parameters) == 1 and handle_tag(prototype.parameters[0].type) == tag


@dataclass(frozen=True, slots=True)
class Proposal:
    """A function worth fuzzing: its prototype, or why it cannot be; the calls of a run; how much it promises."""

    name: str
    prototype: str
    calls: tuple[CallPlan, ...]
    score: int
    refused: str = ""


def proposals(header: Declarations, image: Image) -> list[Proposal]:
    """The exported functions of a header that take an input, the most promising first; those that cannot be, last."""
    found = []
    for name, prototype in header.functions.items():
        if not any(s.exported for s in image.symbols.named(name)):
            continue
        reads = 2 * bool(_READING.search(name))
        try:
            calls = learn(name, header, {}, image)
        except LoadstoneError as error:
            if reads:
                found.append(Proposal(name, spelled(prototype), (), 0, getattr(error, "reason", str(error))))
            continue
        takers = [a.role for call in calls if call.symbol == name for a in call.arguments if a.role in TAKING]
        if takers:
            score = reads + 3 * (Role.BUFFER in takers) + 2 * (Role.BUFFER not in takers) - len(calls) // 4
            found.append(Proposal(name, spelled(prototype), calls, score))
    return sorted(found, key=lambda one: (-one.score, one.name))


def undeclared(image: Image) -> list[Proposal]:
    """The exported functions that by their names read something, where nothing says how they are called."""
    names = {s.name for s in image.exports if s.kind in (SymbolKind.FUNCTION, SymbolKind.UNTYPED)}
    wanted = sorted(name for name in names if name.isidentifier() and not name.startswith("_Z"))
    return [Proposal(name, "", (), 0, _UNDECLARED) for name in wanted if _READING.search(name)]
