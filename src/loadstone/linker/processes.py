"""A running process, read from /proc without stopping it: its program, its surroundings, what it has loaded and why.

Source: proc(5). Nothing is traced: what /proc does not tell (a variable set after the start, the order of loading) is
assumed, and the assumption is said.
"""

from __future__ import annotations

import os
import posixpath
import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.host import effective_user
from loadstone.core.image import Image
from loadstone.errors import LoadstoneError, Unreadable
from loadstone.linker.discovery import machine_of, model_for_loader
from loadstone.linker.glibc_load import opener
from loadstone.linker.graph import Process
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.simulators import explain_with
from loadstone.linker.view import FileView, HostFiles
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["LoadedFile", "LoadedReport", "MappedState", "loaded_by", "model_of_process", "parse_maps"]

_LINE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+)\s*(.*)")
_DELETED: Final = " (deleted)"
_IN_MEMORY: Final = "/memfd:"
_FLAGS, _STARTED = 6, 19  # among the fields of /proc/PID/stat after the name
_IN_GROUP: Final = re.compile(r"^Tgid:\s+(\d+)", re.MULTILINE)
_IS_KERNEL_THREAD: Final = 0x00200000  # PF_KTHREAD of linux/sched.h
_MAX_TEXT: Final = 64 << 20
_AT_PAGESZ, _AT_SECURE = 6, 23


class MappedState(StrEnum):
    """What is to be minded about a file that a process has mapped."""

    DELETED = "deleted"  # no longer there: the process goes on with what it had
    UNNAMED = "without a file"  # it came from memory (memfd_create(2)), which never had a path
    REPLACED = "replaced"  # another file lies at its path now: the next start takes that one
    COPY = "second copy"  # another loaded file has the same SONAME
    TEXT_RELOCATIONS = "text relocations"
    WRITABLE_CODE = "writable code"
    MISSING = "missing"  # of a core dump: not on this machine
    OTHER_BUILD = "other build"  # of a core dump: the build-id differs here


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A library of a process: its path there, where it begins, by which rule it came and for whom, what is to mind."""

    path: str
    address: int
    rule: str
    asked_by: str
    identity: str | None
    build_id: str | None
    states: tuple[MappedState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedReport:
    """What a process has loaded, its program first, then in the order of the addresses; ``process`` 0 for a dump."""

    process: int
    program: str
    files: tuple[LoadedFile, ...]
    has_executable_stack: bool = False
    assumptions: tuple[str, ...] = ()

    @property
    def has_something_to_mind(self) -> bool:
        return self.has_executable_stack or any(file.states for file in self.files)


@dataclass(slots=True)
class _Mapped:
    """The mappings of one file."""

    path: str
    address: int
    inode: int
    device: str
    is_deleted: bool
    permissions: set[str] = field(default_factory=set)


def parse_maps(text: str) -> tuple[list[_Mapped], bool]:
    """The files of /proc/PID/maps in the order of their addresses, and whether the stack is executable. Pure."""
    found: dict[tuple[str, int, str], _Mapped] = {}
    executable_stack = False
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        start, _, permissions, _, device, inode, path = match.groups()
        if path == "[stack]":
            executable_stack = "x" in permissions
        if not path.startswith("/"):
            continue
        deleted = path.endswith(_DELETED)
        key = path, int(inode), device
        mapped = found.setdefault(
            key, _Mapped(path.removesuffix(_DELETED), int(start, 16), int(inode), device, deleted)
        )
        mapped.permissions.add(permissions)
    return list(found.values()), executable_stack


def model_of_process(pid: int) -> LoaderModel:
    """A load as the running process ``pid`` would do it now: its program, environment, directory, root and user.

    Raises:
        Unreadable: there is no such process, it ended meanwhile, or its program may not be read.
    """
    with _while_it_runs(pid):
        return _model_of(pid)


@contextmanager
def _while_it_runs(pid: int) -> Iterator[None]:
    """Say of a process that ended, or became another program, while it was read that it did."""
    before = _incarnation(pid)
    try:
        yield
    except (OSError, LoadstoneError):
        if before is None or _incarnation(pid) == before:
            raise
    else:
        if _incarnation(pid) == before:
            return
    reason = "the process ended or started another program while it was read"
    raise Unreadable(path=f"/proc/{pid}", reason=reason, advice="ask again while it runs")


def _incarnation(pid: int) -> tuple[str, str] | None:
    """When a process started and which program it runs; None when there is none. Source: proc_pid_stat(5)."""
    try:
        fields = _text(pid, "stat").rpartition(")")[2].split()
        return fields[_STARTED], os.readlink(f"/proc/{pid}/exe")
    except (OSError, IndexError, Unreadable):
        return None


def _model_of(pid: int) -> LoaderModel:
    program = _link(pid, "exe").removesuffix(_DELETED)
    view = _view_of(pid)
    image = view.image(view.open(program)) if view.exists(program) else _image_of_file(f"/proc/{pid}/exe")
    abi = machine_of(image)
    said = [f"the process {pid} is as /proc shows it: variables it has set since its start are not known"]
    whole = _IN_GROUP.search(_text(pid, "status"))
    if whole is not None and int(whole[1]) != pid:
        said.append(f"{pid} is a thread of the process {whole[1]}, which it shares all this with")
    loader = image.interpreter or next((path for path in abi.loaders if view.exists(path)), None) if abi else None
    if loader is None or abi is None:
        said.append(f"{program} names no loader")
        model = LoaderModel(view=view)
    else:  # of a static program: the loader its dlopen would follow
        model = model_for_loader(view, loader, abi)
    environment, unread = _environment(pid)
    auxiliary = _auxiliary(pid)
    if unread:
        said.append(f"its environment may not be read ({unread}); an empty one is assumed")
    return replace(
        model,
        env=environment,
        cwd=_link(pid, "cwd", "/"),
        main_image=program,
        secure=bool(auxiliary.get(_AT_SECURE)),
        page_size=auxiliary.get(_AT_PAGESZ) or model.page_size,
        already_loaded=_opened_later(pid, model, program) if model.kind is LoaderKind.GLIBC else (),
        is_chosen=True,
        assumptions=(*model.assumptions, *said),
    )


def loaded_by(pid: int) -> LoadedReport:
    """What a running process has loaded, by which rule each library came, and what is to mind about them.

    Raises:
        Unreadable: there is no such process, it ended meanwhile, or /proc does not show it to this user.

    No tracing and no signal: the process does not notice. Linux only. Source: proc(5).
    """
    with _while_it_runs(pid):
        return _loaded_by(pid)


def _loaded_by(pid: int) -> LoadedReport:
    model = _model_of(pid)
    mapped, executable_stack = parse_maps(_text(pid, "maps"))
    view = model.view
    program = model.main_image or ""
    images = {id(m): image for m in mapped if (image := _image_of(view, pid, m)) is not None}
    libraries = [m for m in mapped if id(m) in images]
    origin = _origins(model) if model.kind is LoaderKind.GLIBC else _origins_elsewhere(model)
    copies = _copies(libraries, images)
    files = []
    for entry in libraries:
        rule, asked_by = origin.get(entry.path, ("", ""))
        if entry.path == program:
            rule = "program"
        files.append(
            LoadedFile(
                path=entry.path,
                address=entry.address,
                rule=rule or "opened by the program",
                asked_by=asked_by,
                identity=images[id(entry)].identity,
                build_id=images[id(entry)].build_id,
                states=tuple(_states(view, entry, images[id(entry)], is_copy=id(entry) in copies)),
            )
        )
    files.sort(key=lambda f: (f.path != program, f.address))
    return LoadedReport(
        process=pid,
        program=program,
        files=tuple(files),
        has_executable_stack=executable_stack,
        assumptions=model.assumptions,
    )


def _view_of(pid: int) -> HostFiles:
    """The files as the process sees them: in its own root and mounts, with its user's permissions."""
    same_mounts = _link(pid, "ns/mnt", "") == os.readlink("/proc/self/ns/mnt")
    root = _link(pid, "root", "/")
    found = re.search(r"^Uid:\s+\d+\s+(\d+)", _text(pid, "status"), re.MULTILINE)
    uid = int(found[1]) if found else effective_user()
    place = root if same_mounts else f"/proc/{pid}/root"
    return HostFiles(root=place, uid=None if uid == effective_user() else uid)


def _origins(model: LoaderModel) -> dict[str, tuple[str, str]]:
    """By real path: the rule by which a library was found and who asked for it, in a start simulated again."""
    process = opener(model)
    found: dict[str, tuple[str, str]] = {}
    for edge in process.edges:
        if edge.chosen is not None:
            found.setdefault(_real(model, edge.chosen), (edge.how, edge.requester))
    for loaded in process.namespace.objects:
        if loaded.path == model.interpreter:
            found[_real(model, loaded.path)] = ("loader", model.main_image or "")
    for path in model.already_loaded:
        found[_real(model, path)] = ("opened by the program", "")
    return found


def _origins_elsewhere(model: LoaderModel) -> dict[str, tuple[str, str]]:
    """As :func:`_origins`, of a program whose loader is not glibc's."""
    found: dict[str, tuple[str, str]] = {}
    if model.main_image:
        started = replace(model, main_image=None)
        edges = explain_with(model.main_image, started, as_library=False, bindings=False).graph.edges
        found = {_real(model, edge.chosen): (edge.how, edge.requester) for edge in edges if edge.chosen is not None}
    return found | {_real(model, model.interpreter): ("loader", model.main_image or "")}


def _opened_later(pid: int, model: LoaderModel, program: str) -> tuple[str, ...]:
    """What the process opened after its start: what is mapped and neither the start nor another of them needs."""
    mapped, _ = parse_maps(_text(pid, "maps"))
    process = Process(replace(model, main_image=program))
    process.start(program)
    there = {_real(model, o.path) for o in process.namespace.objects}
    rest: dict[str, Image] = {}
    for entry in mapped:
        image = _image_of(model.view, pid, entry)
        if entry.path not in there and image is not None and not entry.is_deleted:
            rest[entry.path] = image
    needed = {dependency.name for image in rest.values() for dependency in image.needed}
    return tuple(p for p, i in rest.items() if (i.identity or posixpath.basename(p)) not in needed)


def _real(model: LoaderModel, path: str) -> str:
    try:
        return model.view.real_path(model.absolute(path))
    except OSError:
        return path


def _image_of(view: FileView, pid: int, entry: _Mapped) -> Image | None:
    """What is in a mapped file: from its path, or from the mapping itself when that leads to another file now."""
    if entry.is_deleted:
        return _deleted_image(pid, entry)
    try:
        return view.image(view.open(entry.path))
    except (OSError, LoadstoneError):
        return None


def _deleted_image(pid: int, entry: _Mapped) -> Image | None:
    """A deleted file is still there behind its mapping, for those who may look (CAP_CHECKPOINT_RESTORE)."""
    folder = f"/proc/{pid}/map_files"
    try:
        name = next(n for n in os.listdir(folder) if n.startswith(f"{entry.address:x}-"))
        return _image_of_file(f"{folder}/{name}")
    except (OSError, StopIteration, LoadstoneError):
        return None


def _image_of_file(path: str) -> Image:
    view = HostFiles()
    try:
        return view.image(view.open(path))
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error


def _copies(libraries: list[_Mapped], images: dict[int, Image]) -> set[int]:
    """The files that share a SONAME with another one that is loaded too."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for entry in libraries:
        identity = images[id(entry)].identity
        if identity:
            by_name[identity].append(id(entry))
    return {one for group in by_name.values() if len(group) > 1 for one in group}


def _states(view: FileView, entry: _Mapped, image: Image, *, is_copy: bool) -> Iterator[MappedState]:
    if entry.is_deleted and entry.path.startswith(_IN_MEMORY):
        yield MappedState.UNNAMED
    elif entry.is_deleted:
        yield MappedState.REPLACED if view.exists(entry.path) else MappedState.DELETED
    if is_copy:
        yield MappedState.COPY
    if isinstance(image.native, ElfFacts) and image.native.text_relocations:
        yield MappedState.TEXT_RELOCATIONS
    if any("w" in p and "x" in p for p in entry.permissions):
        yield MappedState.WRITABLE_CODE


def _environment(pid: int) -> tuple[tuple[tuple[str, str], ...], str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            data = stream.read(_MAX_TEXT)
    except OSError as error:
        return (), error.strerror or str(error)
    pairs = (part.decode("utf-8", "surrogateescape").partition("=") for part in data.split(b"\0") if b"=" in part)
    return tuple(sorted((name, value) for name, _, value in pairs)), ""


def _auxiliary(pid: int) -> dict[int, int]:
    """The auxiliary vector of a process with words of this machine's size; empty when it may not be read."""
    try:
        with open(f"/proc/{pid}/auxv", "rb") as stream:
            data = stream.read(4096)
    except OSError:
        return {}
    return dict(struct.iter_unpack("@LL", data[: len(data) // 16 * 16]))


def _link(pid: int, name: str, default: str | None = None) -> str:
    path = f"/proc/{pid}/{name}"
    try:
        return os.readlink(path)
    except OSError as error:
        if default is not None:
            return default
        without = _without_program(pid) if isinstance(error, FileNotFoundError) else ""
        reason = without or error.strerror or str(error)
        advice = "" if without else "ask as the user it belongs to, or as root"
        raise Unreadable(path=path, reason=reason, code=error.errno, advice=advice) from error


def _without_program(pid: int) -> str:
    """Why a process has no program, by /proc/PID/stat; empty where that does not tell. Source: proc_pid_stat(5)."""
    try:
        fields = _text(pid, "stat").rpartition(")")[2].split()
    except Unreadable:
        return "there is no such process"
    if fields[:1] in (["Z"], ["X"]):
        return "the process has ended, and its parent has not yet asked how (a zombie)"
    if len(fields) > _FLAGS and fields[_FLAGS].isdigit() and int(fields[_FLAGS]) & _IS_KERNEL_THREAD:
        return "it is a thread of the kernel, which runs no program"
    return ""


def _text(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(_MAX_TEXT)
    except OSError as error:
        raise Unreadable(path=f"/proc/{pid}/{name}", reason=error.strerror or str(error), code=error.errno) from error
