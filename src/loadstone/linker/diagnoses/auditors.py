"""Who watches the load: audit libraries, opened before the program and each in a namespace of its own.

Source: rtld-audit(7); elf/rtld.c of glibc, read for its rules. An auditor that cannot be opened is ignored with a word
on standard error. One that defines ``la_objsearch`` may send the loader anywhere: what its code decides is not
simulated, and the verdict is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Location, Severity
from loadstone.core.image import DependencyKind
from loadstone.core.trace import Diagnosis
from loadstone.linker.bindings import find_definition
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf, risk
from loadstone.linker.glibc_load import Load, simulate
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import BindingMode
from loadstone.quick_dataclass import replace

__all__ = ["auditors"]

_ENTRY: Final = "la_version"
_REDIRECTS: Final = "la_objsearch"

_SUPPORTED: Final = 12
"""Auditors in one process: sixteen namespaces, of which four are kept for others (the default of glibc.rtld.nns)."""


def auditors(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """What each audit library means for this load, in the order they are opened; too many end the process at once."""
    named = list(_named(case))
    paths = [(name, place) for name, place in named if "/" in name] if case.model.secure else []
    for name, place in paths:
        text = f"The auditor {name} is ignored: a privileged program takes no paths."
        yield risk("audit-ignored", name, text, evidence=place)
    named = [asked for asked in named if asked not in paths]
    if len(named) > _SUPPORTED:
        yield _too_many(case, len(named))
        return
    for name, place in named:
        load = _opened(case, name)
        refused = next((refusal.failure.text for refusal in load.refusals if refusal.fatal), "")
        if not refused and find_definition(_ENTRY, None, load.searchlist).provider is None:
            refused = f"undefined symbol: {_ENTRY}"
        yield _ignored(name, refused, place) if refused else _active(name, load, place)


def _too_many(case: SimulatedLoad, count: int) -> Diagnosis:
    return Diagnosis(
        code="too-many-auditors",
        blocking=True,
        subject=case.target,
        explanation=f"{count} auditors are asked for, and glibc ends a program that has more than {_SUPPORTED}.",
        loader_message=f"Failed loading {count} audit modules, {_SUPPORTED} are supported.",
        advice="shorten LD_AUDIT",
        severity=Severity.CRITICAL,
    )


def _named(case: SimulatedLoad) -> Iterator[tuple[str, tuple[Location, ...]]]:
    """The auditors asked for by the environment, then by the program itself, with the bytes that ask."""
    for name in filter(None, (case.model.variable("LD_AUDIT") or "").split(":")):
        yield name, ()
    program = case.process.program
    if program is None or not behaviour_of(case.model.release).audit_entries:
        return
    for dependency in program.image.needed:
        if dependency.kind is DependencyKind.AUDIT:
            yield dependency.name, (Location.bytes(program.path, dependency.offset, 1),)


def _opened(case: SimulatedLoad, name: str) -> Load:
    program = case.target if case.starts_program else case.model.main_image
    model = replace(
        case.model,
        main_image=program,
        caller=None,
        already_loaded=(),
        new_namespace=True,
        deep_bind=False,
        mode=BindingMode.LAZY,
    )
    return simulate(name, model, as_library=True)


def _ignored(name: str, refused: str, place: tuple[Location, ...]) -> Diagnosis:
    said = f"ERROR: ld.so: object '{name}' cannot be loaded as audit interface: {refused}; ignored."
    text = f"The auditor {leaf(name)} cannot be loaded and is ignored: {refused}. Nothing is audited by it."
    advice = "correct or unset LD_AUDIT" if not place else f"link the program without --audit={name}"
    return risk("audit-ignored", name, text, advice, evidence=place, severity=Severity.MEDIUM, loader_message=said)


def _active(name: str, load: Load, place: tuple[Location, ...]) -> Diagnosis:
    asked = "the program's DT_AUDIT" if place else "LD_AUDIT"
    if find_definition(_REDIRECTS, None, load.searchlist).provider is not None:
        text = (
            f"{leaf(name)}, loaded first because of {asked}, is asked about every file that is looked for"
            f" ({_REDIRECTS}) and may name another."
        )
        code, advice = "audit-redirects", "see what happens: loadstone probe; or explain it without the auditor"
    else:
        text = f"{leaf(name)} is loaded first, because of {asked}: it runs in the process and watches every load."
        code, advice = "audited", "fine when it is meant; else unset it"
    return risk(code, name, text, advice, evidence=place, severity=Severity.MEDIUM)
