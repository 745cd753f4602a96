"""Read a loader's facts from the files of its system, without running it.

The release stands in the C library's banner and in its version definitions, the built-in directories and the meaning
of ``$LIB`` in the loader's read-only data. What could not be read is assumed, and the assumption is said.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Final

from loadstone.binary import FileKind, identify
from loadstone.core.image import ByteOrder, Image
from loadstone.errors import InvalidName, LoadstoneError, NotFound
from loadstone.linker.abi import ABIS, X86_64, Abi, abi_of
from loadstone.linker.android import android_of
from loadstone.linker.cache import LoaderCache, read_cache
from loadstone.linker.processor import hwcaps_of_level, isa_level, legacy_names, x86_flags
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderKind, LoaderModel, Release
from loadstone.linker.view import FileView, HostFiles, host_kernel, host_platform
from loadstone.quick_dataclass import replace

__all__ = [
    "glibc_beside",
    "loader_kind_of",
    "loader_of_format",
    "model_for_loader",
    "musl_of",
    "of_root",
    "of_view",
    "this_process",
    "with_cpu_level",
    "with_loader",
    "with_program",
    "with_uid",
]

_BANNER: Final = re.compile(rb"stable release version (\d+)\.(\d+)|release version (\d+)\.(\d+)")
_VERSION_NODE: Final = re.compile(r"GLIBC_(\d+)\.(\d+)$")
_SYSTEM_DIRS: Final = re.compile(rb"((?:/[A-Za-z0-9._/+-]+/\0){2,})")
_LIB_TOKEN: Final = re.compile(rb"\0(lib(?:x?32|64)?(?:/[a-z0-9_]+-linux-[a-z0-9]+)?)\0")
_MUSL_RELEASE: Final = re.compile(rb"\0(1\.\d{1,2}\.\d{1,2})\0")
_DEFAULT_RELEASE: Final[Release] = (2, 36)
_CACHE: Final = "/etc/ld.so.cache"

_OTHER_SYSTEMS: Final = {"darwin": LoaderKind.DYLD, "win32": LoaderKind.WINDOWS}
_BY_FORMAT: Final = {
    FileKind.PE: LoaderKind.WINDOWS,
    FileKind.MACHO: LoaderKind.DYLD,
    FileKind.UNIVERSAL: LoaderKind.DYLD,
}
_OF_MACOS: Final = ("/System/Library", "/usr/lib/dyld", "/opt/homebrew", "/Applications")


def loader_kind_of(interpreter: str) -> LoaderKind:
    """Which loader a PT_INTERP path names.

    >>> loader_kind_of("/lib/ld-musl-x86_64.so.1")
    <LoaderKind.MUSL: 'musl'>
    """
    name = interpreter.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return LoaderKind.MUSL
    return LoaderKind.BIONIC if name in ("linker", "linker64") else LoaderKind.GLIBC


def this_process() -> LoaderModel:
    """The loader of the program that is running now."""
    kind = _OTHER_SYSTEMS.get(host_platform())
    if kind is not None:
        return LoaderModel(kind=kind, assumptions=(f"this is {host_platform()}: its loader is asked",))
    program = os.path.realpath("/proc/self/exe")
    model = _of_program(program, "/proc/self/exe")
    try:
        cwd = os.getcwd()
    except OSError:  # removed under us
        cwd = "/"
    caller = _ctypes_module()
    return replace(
        model,
        cache=_cache(model.view),
        cwd=cwd,
        env=tuple(sorted(os.environ.items())),
        main_image=program,
        caller=caller,
    )


def _ctypes_module() -> str | None:
    """The extension module that calls dlopen for ctypes, found without importing it; None when it is built in."""
    from importlib.machinery import PathFinder  # noqa: PLC0415  only this question needs the import machinery

    spec = PathFinder.find_spec("_ctypes")
    return spec.origin if spec is not None and spec.origin and spec.origin.startswith("/") else None


@lru_cache(maxsize=4)
def _of_program(program: str, opened: str) -> LoaderModel:
    view = HostFiles()
    image = view.image(view.open(opened))
    abi = abi_of(image.machine.code, image.bits, image.byte_order) or X86_64
    loader = image.interpreter or next((path for path in abi.loaders if view.exists(path)), "")
    if not loader:
        said = f"{program} names no loader; glibc {_release_text(_DEFAULT_RELEASE)} is assumed"
        return LoaderModel(abi=abi, assumptions=(said,))
    return model_for_loader(view, loader, abi)


def of_root(root: str, program: str | None = None, *, target: str | None = None) -> LoaderModel:
    """The loader of the system unpacked below ``root``; see :meth:`LoaderModel.of_root`.

    Where there is no loader of an ELF system, the format of ``target`` says which system it is.
    """
    return of_view(HostFiles(root=os.path.abspath(root)), program, root, target=target)


def of_view(
    view: FileView, program: str | None = None, named: str = "the image", *, target: str | None = None
) -> LoaderModel:
    """The loader of a whole system that a view shows, packed or not; errors as :meth:`LoaderModel.of_root`."""
    wanted = _interpreter_of(view, program) if program else None
    candidates = [(abi, path) for abi in ABIS for path in abi.loaders]
    for abi, path in candidates:
        if path == wanted or (wanted is None and view.exists(path)):
            return model_for_loader(view, path, abi)
    musl = next((f"/lib/{n}" for n in _names(view, "/lib") if n.startswith("ld-musl-")), None)
    loader = wanted or musl or _loader_in_a_store(view)
    if loader is not None:
        return model_for_loader(view, loader, _abi_of_file(view, loader) or X86_64)
    other = _other_system(view, program or target)
    if other is not None:
        return of_another_system(LoaderModel(view=view), other)
    of_program = _loader_named(view, program or target)
    if of_program is not None:  # an image that is made for programs without one: the kernel refuses all others
        return of_program
    raise NotFound(name="ld.so", advice=f"no loader of a known system was found in {named}; is it a root directory?")


def _loader_named(view: FileView, program: str | None) -> LoaderModel | None:
    """The loader that a program names and its system lacks."""
    image = _image_of(view, program) if program else None
    abi = machine_of(image) if image is not None else None
    return model_for_loader(view, image.interpreter, abi) if image and image.interpreter and abi else None


def _loader_in_a_store(view: FileView) -> str | None:
    """The loader of a system whose packages lie side by side in a store, as those of NixOS and of Guix do."""
    for store in ("/nix/store", "/gnu/store"):
        for package in sorted(name for name in _names(view, store) if "-glibc" in name or "-musl" in name):
            folder = f"{store}/{package}/lib"
            found = next((n for n in _names(view, folder) if n.startswith(("ld-linux", "ld-musl-", "ld64."))), None)
            if found is not None:
                return f"{folder}/{found}"
    return None


def _other_system(view: FileView, program: str | None) -> LoaderKind | None:
    """The loader of a system that is no ELF one: as the program's format says, else by what lies in its root."""
    kind = loader_of_format(view, program) if program else None
    if kind is not None:
        return kind
    if _windows_dirs(view):
        return LoaderKind.WINDOWS
    return LoaderKind.DYLD if any(view.exists(p) or not view.is_directory(p) for p in _OF_MACOS) else None


def loader_of_format(view: FileView, path: str) -> LoaderKind | None:
    """The loader of the system whose format a file has, where that is not ELF; None for all else."""
    try:
        return _BY_FORMAT.get(identify(view.open(path).head).kind)
    except OSError:
        return None


def _windows_dirs(view: FileView) -> tuple[str, ...]:
    """System32 of a Windows that lies in the root of a view, whatever the case of its name; empty for any other."""
    for windows in _named(view, "", "windows"):
        return _named(view, windows, "system32")
    return ()


def _named(view: FileView, folder: str, name: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{leaf}" for leaf in _names(view, folder or "/") if leaf.casefold() == name)


def _names(view: FileView, directory: str) -> tuple[str, ...]:
    try:
        return view.names(directory)
    except OSError:
        return ()


def _interpreter_of(view: FileView, program: str) -> str | None:
    image = _image_of(view, program)
    return image.interpreter if image else None


def _abi_of_file(view: FileView, path: str) -> Abi | None:
    image = _image_of(view, path)
    return abi_of(image.machine.code, image.bits, image.byte_order) if image else None


def _image_of(view: FileView, path: str) -> Image | None:
    try:
        return view.image(view.open(path))
    except (OSError, LoadstoneError):
        return None


def model_for_loader(view: FileView, loader: str, abi: Abi) -> LoaderModel:
    """What the loader at the path ``loader`` of ``view`` does, as far as its files say."""
    kind = loader_kind_of(loader)
    behind = _behind_links(view, loader)  # a link by the name of glibc's loader may lead to musl, which then runs
    if kind is LoaderKind.MUSL or loader_kind_of(behind) is LoaderKind.MUSL:
        return _musl(view, loader if kind is LoaderKind.MUSL else behind, abi)
    if kind is not LoaderKind.GLIBC:
        return LoaderModel(kind=kind, abi=abi, interpreter=loader, view=view)
    data, said = _bytes_of(view, loader), []
    directories = _system_dirs(data)
    if not directories:
        directories = ("/lib64", "/usr/lib64", "/lib", "/usr/lib") if abi.bits == 64 else ("/lib", "/usr/lib")
        said.append(f"the built-in directories could not be read from {loader}; {':'.join(directories)} are assumed")
    release = _release(view, data, (_folder_of(view, loader), *directories))
    if release is None:
        release = _DEFAULT_RELEASE
        said.append(f"the release of glibc could not be read; {_release_text(release)} is assumed")
    model = LoaderModel(
        release=release,
        abi=abi,
        interpreter=loader,
        system_dirs=directories,
        lib_token=_lib_token(data, directories),
        cache=_cache(view),
        view=view,
        kernel=host_kernel(),
        assumptions=tuple(said),
    )
    return _with_processor(model)


def _musl(view: FileView, loader: str, abi: Abi) -> LoaderModel:
    """Musl at a path; its release stands in the file, which is the C library too."""
    found = _MUSL_RELEASE.search(_bytes_of(view, loader))
    release = tuple(int(part) for part in found[1].split(b".")) if found else ()
    said = () if found else (f"the release of musl could not be read from {loader}; a present one is assumed",)
    return LoaderModel(kind=LoaderKind.MUSL, release=release, abi=abi, interpreter=loader, view=view, assumptions=said)


def musl_of(view: FileView, abi: Abi) -> LoaderModel:
    """The musl of a system for files of ``abi``; when it has none, one of which nothing is known."""
    names = (f"/lib/{name}" for name in _names(view, "/lib") if name.startswith("ld-musl-"))
    loader = next((path for path in names if _abi_of_file(view, path) is abi), "")
    return _musl(view, loader or f"/lib/ld-musl-{abi.musl_name}.so.1", abi)


def _with_processor(model: LoaderModel) -> LoaderModel:
    """Add what the processor of this machine allows; for another machine's files only the baseline."""
    if model.abi is not X86_64:
        said = f"no hardware subdirectories of {model.abi.name} are searched: its processor is not known"
        return replace(model, assumptions=(*model.assumptions, said)) if model.abi.hwcaps else model
    try:
        vendor, flags = x86_flags(HostFiles().read_bytes("/proc/cpuinfo").decode("utf-8", "replace"))
    except OSError:
        vendor, flags = "", frozenset()
    level = isa_level(flags)
    platform, names = legacy_names(vendor, flags)
    behaviour = behaviour_of(model.release)
    return replace(
        model,
        isa_level=level,
        hwcaps=hwcaps_of_level(model.abi, level) if behaviour.glibc_hwcaps else (),
        platform=platform,
        legacy_hwcaps=names if behaviour.legacy_hwcaps else (),
        assumptions=(*model.assumptions, f"the processor is x86-64 level {level}"),
    )


def _folder_of(view: FileView, loader: str) -> str:
    """The directory the loader really lies in, where the C library it was built with lies too."""
    return _behind_links(view, loader).rpartition("/")[0]


def _behind_links(view: FileView, path: str) -> str:
    try:
        return view.real_path(path)
    except OSError:
        return path


def _release_text(release: Release) -> str:
    return f"{release[0]}.{release[1]}"


def _bytes_of(view: FileView, path: str) -> bytes:
    try:
        return view.read_bytes(path)
    except OSError:
        return b""


def _system_dirs(data: bytes) -> tuple[str, ...]:
    """The table of trusted directories: a run of NUL-ended absolute paths that end in a slash."""
    seam = data.find(b"/\0/")  # where one ends and the next begins: the pattern alone would try at every slash
    while seam >= 0:
        match = _SYSTEM_DIRS.search(data, data.rfind(b"\0", 0, seam) + 1)
        if match is None:
            break
        found = tuple(part.decode() for part in match[1].split(b"\0") if part)
        if any(name.startswith(("/lib", "/usr/lib")) or name.endswith("/lib/") for name in found):
            return tuple(name.rstrip("/") for name in found)
        seam = data.find(b"/\0/", match.end())
    return ()


def _lib_token(data: bytes, directories: tuple[str, ...]) -> str:
    """What ``$LIB`` was built as: the string that is one of the built-in directories without its first slash."""
    leaves = {name.removeprefix("/usr").lstrip("/") for name in directories}
    multiarch = [m[1].decode() for m in _LIB_TOKEN.finditer(data)]
    return max((t for t in multiarch if t in leaves), key=len, default=min(leaves, key=len, default="lib"))


def _release(view: FileView, loader: bytes, directories: tuple[str, ...]) -> Release | None:
    banner = _BANNER.search(loader)
    if banner is None:
        for directory in directories:
            path = f"{directory}/libc.so.6"
            if view.exists(path):
                banner = _BANNER.search(_bytes_of(view, path))
                return _numbers(banner) if banner else _newest_node(_image_of(view, path))
    return _numbers(banner) if banner else None


def _numbers(banner: re.Match[bytes]) -> Release:
    major, minor = (int(g) for g in banner.groups() if g is not None)
    return major, minor


def _newest_node(image: Image | None) -> Release | None:
    nodes = image.version_definitions if image else ()
    found = [_VERSION_NODE.match(node.name) for node in nodes]
    return max(((int(m[1]), int(m[2])) for m in found if m), default=None)


def _cache(view: FileView) -> LoaderCache:
    """The cache as it is now; parsed again only when the file has changed."""
    try:
        return _parsed_cache(view, view.open(_CACHE).stamp)
    except OSError:
        return LoaderCache(_CACHE, problem="there is none")


@lru_cache(maxsize=4)
def _parsed_cache(view: FileView, stamp: tuple[int, ...]) -> LoaderCache:  # noqa: ARG001  the stamp is part of the key
    return read_cache(view.read_bytes(_CACHE), _CACHE)


@lru_cache(maxsize=4)
def glibc_beside(view: FileView, abi: Abi) -> tuple[Image, ...]:
    """The C library of glibc that a system has for an interface, beside another one; empty when it has none."""
    loader = next((path for path in abi.loaders if view.exists(path)), None)
    folders = model_for_loader(view, loader, abi).system_dirs if loader is not None else ()
    return tuple(image for folder in folders if (image := _image_of(view, f"{folder}/libc.so.6")) is not None)[:1]


def machine_of(image: Image) -> Abi | None:
    """The interface an image was built for, None for one the linker has no table row for."""
    order = ByteOrder(image.byte_order)
    return abi_of(image.machine.code, image.bits, order)


def with_uid(model: LoaderModel, uid: int) -> LoaderModel:
    """The same surroundings for another user, whose permissions decide what can be opened."""
    root = model.view.root if isinstance(model.view, HostFiles) else "/"
    said = f"permissions are weighed for user {uid}, capabilities are not"
    return replace(model, view=HostFiles(root=root, uid=uid), assumptions=(*model.assumptions, said))


def with_cpu_level(model: LoaderModel, level: str) -> LoaderModel:
    """The same surroundings on another processor: an x86-64 level, or the name of a glibc-hwcaps subdirectory."""
    number = level.rpartition("v")[2] if level.startswith("x86-64-v") else level
    if model.abi is X86_64 and number not in ("1", "2", "3", "4"):
        raise InvalidName(name=level, reason="an x86-64 level is a number from 1 to 4")
    said = tuple(a for a in model.assumptions if not a.startswith("the processor is"))
    return replace(
        model,
        isa_level=int(number) if number.isdigit() else model.isa_level,
        hwcaps=hwcaps_of_level(model.abi, number) if behaviour_of(model.release).glibc_hwcaps else (),
        assumptions=(*said, f"the processor is {model.abi.name} level {level}, as was asked"),
    )


def of_another_system(model: LoaderModel, kind: LoaderKind) -> LoaderModel:
    """A loader of another system on the same files: nothing this system has built in or in its environment is its."""
    said = "the file is of another system, of which only its own folders are known"
    system32 = _windows_dirs(model.view) if kind is LoaderKind.WINDOWS else ()
    if system32:
        said = f"the system is the one in {system32[0]}"
    return LoaderModel(
        kind=kind,
        release=(),
        system_dirs=system32,
        view=model.view,
        cwd=model.cwd,
        already_loaded=model.already_loaded,
        dll_directories=model.dll_directories,
        assumptions=(said,),
    )


_NAMED_RELEASE: Final = re.compile(r"(?:(glibc|musl|dyld)-?)?(\d+(?:\.\d+)+)$")


def with_loader(model: LoaderModel, loader: str) -> LoaderModel:
    """Another loader in the same surroundings: ``glibc-2.31``, a kind of loader, or the path of one."""
    named = _NAMED_RELEASE.match(loader)
    if named:
        numbers = tuple(int(part) for part in named[2].split("."))
        if named[1] == "musl":
            return replace(_around(musl_of(model.view, model.abi), model), release=numbers, assumptions=())
        if named[1] == "dyld":
            return replace(of_another_system(model, LoaderKind.DYLD), release=numbers)
        is_other = model.kind is LoaderKind.GLIBC and numbers[:2] != model.release
        changed = replace(model, release=numbers[:2], is_other_release=is_other)
        return _with_processor(replace(changed, kind=LoaderKind.GLIBC, assumptions=()))
    if loader == model.kind:
        return model
    if loader == LoaderKind.MUSL:
        return _around(musl_of(model.view, model.abi), model)
    if loader == LoaderKind.BIONIC:
        return android_of(model, model.abi)
    if loader in tuple(LoaderKind):
        kind = LoaderKind(loader)
        return of_another_system(model, kind) if kind in _OTHER_SYSTEMS.values() else replace(model, kind=kind)
    if "/" in loader and model.view.exists(model.absolute(loader)):
        path = model.absolute(loader)
        return _around(model_for_loader(model.view, path, _abi_of_file(model.view, path) or model.abi), model)
    known = ", ".join(LoaderKind)
    raise InvalidName(name=loader, reason=f"a loader is one of {known}, glibc-RELEASE, or the path of one that exists")


def with_program(model: LoaderModel, program: str) -> LoaderModel:
    """The process of ``program``: the loader that its PT_INTERP or its format names, in the same surroundings."""
    other = loader_of_format(model.view, model.absolute(program))
    if other is not None:
        return replace(of_another_system(model, other), env=model.env, main_image=program)
    image = _image_of(model.view, model.absolute(program))
    interpreter = image.interpreter if image else None
    known = replace(model, main_image=program, caller=None)
    if image is None or interpreter is None or interpreter == model.interpreter:
        return known
    if loader_kind_of(interpreter) is not LoaderKind.BIONIC and not model.view.exists(interpreter):
        said = f"the loader of {program}, {interpreter}, is not there; the one of this system is taken"
        return replace(known, assumptions=(*known.assumptions, said))
    return _around(model_for_loader(model.view, interpreter, machine_of(image) or model.abi), known)


def _around(found: LoaderModel, asked: LoaderModel) -> LoaderModel:
    """A loader that was found, in the surroundings that were asked for."""
    return replace(
        found,
        env=asked.env,
        cwd=asked.cwd,
        preload=asked.preload,
        secure=asked.secure,
        mode=asked.mode,
        thorough=asked.thorough,
        main_image=asked.main_image,
        caller=asked.caller,
        already_loaded=asked.already_loaded,
    )
