"""Simulate one load with glibc from beginning to end: a program's start or a dlopen, and what came of it."""

from __future__ import annotations

from typing import Final

from loadstone.core.image import Image, ImageKind
from loadstone.core.trace import Binding, DependencyEdge
from loadstone.errors import LoadstoneError
from loadstone.linker.bindings import bind, settle
from loadstone.linker.extension import FROM_HOST, is_for_other_host, is_host_symbol
from loadstone.linker.glibc import Failure
from loadstone.linker.graph import FailureStage, Process, Refusal
from loadstone.linker.mapping import check_program
from loadstone.linker.objects import LoadedObject
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.symbol_index import SymbolIndex
from loadstone.linker.versions import check_versions
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["Load", "SharedLoads", "opener", "simulate"]


@dataclass(slots=True)
class Load:
    """A simulated load: the process, the target's object and closure, what was refused, in the loader's order."""

    process: Process
    starts_program: bool
    opening: DependencyEdge | None = None
    root: LoadedObject | None = None
    was_loaded: bool = False  # before anyone asked: then nothing is left to go wrong
    searchlist: list[LoadedObject] = field(default_factory=list)
    edges: list[DependencyEdge] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)


def simulate(
    target: str,
    model: LoaderModel,
    *,
    as_library: bool = False,
    bindings: bool = True,
    shared: SharedLoads | None = None,
) -> Load:
    """Load ``target`` in a process of ``model``: start it when it is a program, else open it as dlopen would.

    ``shared``: what several loads of one survey have in common; its bindings are only those that are in doubt.
    """
    image = None if as_library or "/" not in target else _program_image(target, model)
    if image is not None and model.view.gains_privileges(model.view.open(model.absolute(target))):
        model = replace(model, secure=True)
    if image is not None:
        load = _start(Process(model), target, image)
    else:
        load = _open(shared.process(model) if shared is not None else opener(model), target)
    _check(load, bindings=bindings, index=shared.index if shared is not None else None)
    load.edges += load.process.declared(load.searchlist)
    load.refusals = list(load.process.refusals)
    return load


@dataclass(slots=True)
class SharedLoads:
    """The started processes and the symbols that the loads of one survey share. Not thread-safe."""

    index: SymbolIndex = field(default_factory=SymbolIndex)
    _openers: list[Process] = field(default_factory=list)

    def process(self, model: LoaderModel) -> Process:
        """A process that is ready to open something, started once a model."""
        known = next((p for p in self._openers if p.model is model), None)
        if known is None:
            known = opener(model)
            self._openers.append(known)
        return known.fork()


_RUN_AS_WELL: Final = {62: (62, 3), 183: (40,), 21: (20,), 22: (22,)}
"""Machines whose programs the kernel of another one runs too: i386 and x32 on x86-64, ARM on AArch64 ..."""


def _program_image(target: str, model: LoaderModel) -> Image | None:
    try:
        image = model.view.image(model.view.open(model.absolute(target)))
    except (OSError, LoadstoneError):
        return None
    return image if image.kind in (ImageKind.EXECUTABLE, ImageKind.PIE) else None


def _start(process: Process, target: str, image: Image) -> Load:
    refusal = _refused_by_kernel(process.model, target, image)
    if refusal is not None:
        process.refusals.append(refusal)
        return Load(process, starts_program=True)
    root = process.start(target)
    ended = _ended_at_start(process)
    if ended is not None:
        process.refusals.insert(0, ended)
    return Load(process, starts_program=True, root=root, searchlist=process.global_scope, edges=process.edges)


def _ended_at_start(process: Process) -> Refusal | None:
    """What the loader says of the program itself before it loads anything for it."""
    program = process.program
    refused = check_program(program.image, process.model) if program is not None else None
    if program is None or refused is None:
        return None
    failure = Failure(program.path, refused.text, refused.errno, refused.offset)
    return Refusal(refused.code, program.path, failure, opened=program.opened, crashes=refused.crashes)


def _refused_by_kernel(model: LoaderModel, target: str, image: Image) -> Refusal | None:
    """What execve would say before any loader runs: it is for another machine, or its interpreter is missing.

    Source: fs/binfmt_elf.c of Linux (load_elf_binary), which looks at the machine first.
    """
    opened = model.view.open(model.absolute(target))
    abi, interpreter = model.abi, image.interpreter
    is_own = (image.machine.code, image.bits, image.byte_order) == (abi.machine, abi.bits, abi.order)
    is_missing = bool(interpreter) and not model.view.exists(interpreter or "")
    if not is_own and not (is_missing and image.machine.code in _RUN_AS_WELL.get(abi.machine, ())):
        failure = Failure(target, "Exec format error", offset=18)
        return Refusal(
            "program-of-other-machine", image.machine.name, failure, opened=opened, phase=FailureStage.KERNEL
        )
    if is_missing:
        failure = Failure(target, "No such file or directory")
        return Refusal("interp-missing", interpreter or "", failure, opened=opened, phase=FailureStage.KERNEL)
    return None


def opener(model: LoaderModel) -> Process:
    """A process of the model up to the call that opens something: its program, what was opened before, the caller."""
    process = Process(model)
    if model.main_image:
        process.start(model.main_image)
    else:
        process.without_program()
    for path in model.already_loaded:
        _bring_in(process, path, is_global=False)
    if model.caller:
        process.caller = _bring_in(process, model.caller, is_global=False)
    started = {id(o) for o in process.global_scope}
    settle(process, [o for o in process.namespace.objects if id(o) not in started and o.path != model.interpreter])
    if model.new_namespace:
        process.enter_new_namespace()
    return process


def _open(process: Process, target: str) -> Load:
    model = process.model
    process.refusals.clear()
    before = len(process.edges)
    known = {id(o) for o in process.namespace.objects}
    root = process.dlopen(target, process.caller)
    opening = process.edges[before]
    if process.program is not None and _has_no_dlopen(process.program):
        failure = Failure("", "Dynamic loading not supported")
        process.refusals.insert(0, Refusal("static-program", target, failure))
    ended = _ended_at_start(process)
    if ended is not None:
        process.refusals.insert(0, ended)
    load = Load(process, starts_program=False, opening=opening, root=root)
    if root is not None:
        load.searchlist = process.close_over(root)
        load.was_loaded = id(root) in known
        if not load.was_loaded and load.searchlist[0] is not root and not behaviour_of(model.release).filter_opened:
            process.refusals.append(_filter_opened(root))
    load.edges = process.edges[0 if load.was_loaded else before + 1 :]
    return load


def _has_no_dlopen(program: LoadedObject) -> bool:
    """Whether a program is static and not glibc's, whose dlopen works in static programs too: musl's then refuses."""
    return program.image.interpreter is None and not program.image.needed and not program.facts.abi_tag


def _filter_opened(root: LoadedObject) -> Refusal:
    """What a filter puts before itself in its own list is not foreseen by older releases when it is the one opened."""
    text = "_dl_map_object_deps: Assertion `map->l_searchlist.r_list[0] == map' failed!"
    failure = Failure("Inconsistency detected by ld.so", text, offset=root.facts.dynamic.offset)
    return Refusal("filter-opened", root.path, failure, root, opened=root.opened, crashes=True)


def _bring_in(process: Process, path: str, *, is_global: bool) -> LoadedObject | None:
    """Something loaded earlier: it and what it needs are there, nothing of it is judged."""
    loaded = process.dlopen(path)
    if loaded is None:
        process.notes.append(f"{path} was said to be loaded and cannot be: it is left out")
        return None
    closure = process.close_over(loaded)
    if is_global:
        process.global_scope += [o for o in closure if o not in process.global_scope]
    return loaded


def _check(load: Load, *, bindings: bool, index: SymbolIndex | None) -> None:
    """Versions, the processor's level and symbols of everything this load added; symbols only if all is there."""
    process = load.process
    if load.root is None or load.was_loaded:
        return
    first = load.root.order
    new = [o for o in load.searchlist if o.order >= first and o.path != process.model.interpreter]
    mapped = not process.refusals
    process.refusals += check_versions(process, new)
    process.refusals += _processor_too_old(process, new)
    if not bindings or not mapped or process.is_incomplete:
        return
    unmet = {(id(r.requester), r.name) for r in process.refusals if r.code == "version-not-found"}
    version: str | None = None
    for found in bind(process, load.searchlist, {id(o) for o in new}, index):
        if isinstance(found, Binding):
            load.bindings.append(found)
            version = found.version
        elif _is_of_other_host(found, load.root, process):
            if FROM_HOST not in process.notes:
                process.notes.append(FROM_HOST)
        elif (id(found.requester), version) not in unmet or found.code == "static-tls":  # else it is said already
            process.refusals.append(found)


def _is_of_other_host(missed: Refusal, root: LoadedObject, process: Process) -> bool:
    """Whether what is missed is there once an interpreter imports the target, which none does into a new namespace."""
    return not process.model.new_namespace and is_host_symbol(missed.name) and is_for_other_host(root, process)


def _processor_too_old(process: Process, new: list[LoadedObject]) -> list[Refusal]:
    model = process.model
    if not behaviour_of(model.release).isa_level_checked or not model.isa_level:
        return []
    found = []
    for loaded in new:
        needed = loaded.facts.isa_needed.bit_length()
        if needed > model.isa_level:
            failure = Failure(loaded.path, "CPU ISA level is lower than required")
            found.append(Refusal("isa-level", str(needed), failure, loaded, opened=loaded.opened))
    return found
