"""Where a library is that the loader did not find, and the command that leads to it.

Looked at are the places people's libraries really lie in: beside the file that asks and in the folders there, in the
folders of wheels and of NVIDIA's packages, in an environment's ``lib``, in the current directory. What is advised works
as it stands.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from loadstone.core.image import SearchKind
from loadstone.linker.alternatives import usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad
from loadstone.linker.objects import LoadedObject
from loadstone.linker.openers import home_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.view import FileView
from loadstone.quick_dataclass import replace
from loadstone.shell import quoted_entry, quoted_path

__all__ = [
    "chosen_alternative",
    "copies",
    "folders_around",
    "folders_beside",
    "from_origin",
    "is_same_library",
    "lead_to",
    "libraries_near",
    "name_it",
    "names_in",
    "searched",
    "similar",
]

_LEVELS: Final = 6
_MAX_FOLDERS: Final = 400
_MAX_INSIDE: Final = 200
_MAX_KITS: Final = 2_000
_SHOWN: Final = 3
_MAX_NEAR: Final = 128
_LEAST_DEPTH, _PROJECT_LEVELS = 2, 4
_WIDE_TIME, _WIDE = "t64", 64
_STORES: Final = ("/nix/store/", "/gnu/store/")
_ONE_INTERFACE: Final = {
    one: other
    for pair in (
        ("libbz2.so.1", "libbz2.so.1.0"),
        ("libpcre.so.1", "libpcre.so.3"),
        ("libsasl2.so.3", "libsasl2.so.2"),
        ("libudev.so.0", "libudev.so.1"),
        ("libxcb-util.so.1", "libxcb-util.so.0"),
    )
    for one, other in (pair, pair[::-1])
}
"""Libraries of one interface to which families of Linux, or two releases of one, give different names."""
_REPOSITORIES: Final = frozenset((".git", ".hg", ".svn"))
_ALTERNATIVES: Final = "/etc/alternatives"
_JAVA: Final = "/usr/lib/jvm"
_OF_PROGRAMS: Final = frozenset(
    ("bin", "libs", "libexec", "plugins", "modules", "runtime", "deps", "vendor", "third_party", "thirdparty", "shared")
)
"""What programs call the folders that they keep libraries in, besides ``lib``: others may be another program's."""
_CONDAS: Final = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "conda")
"""What installers of conda call the folder of their base environment, in the home of the user or below ``/opt``."""
_KITS: Final = ("cuda-", "rocm")
"""Kits that are installed side by side, one folder a release, below ``/usr/local`` or ``/opt``."""
_LOCAL: Final = (
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/cuda/lib64",
    "/usr/lib/wsl/lib",
    "/usr/lib64/openmpi/lib",
    "/usr/lib64/mpich/lib",
)
"""Where what was built on this machine is put, or kept apart; known to the loader once ldconfig has run, if at all."""


def copies(case: SimulatedLoad, name: str, asking: LoadedObject | None, *, wide: bool = False) -> Iterator[str]:
    """Files of that name, of the right class and machine, in places no rule leads to; the nearest first.

    ``wide``: also in folders beside the file's own, where nothing else has been found.
    """
    beside = (*folders_beside(case.model, asking.origin), *_below(case, asking)) if wide and asking is not None else ()
    of_project = _of_the_project(case.model, asking) if wide and asking is not None else ()
    kits = (*_of_its_formulas(case.model, asking), *islice(_kits(case.model), _MAX_KITS)) if wide else ()
    far = (*beside, *_beside_the_program(case.model), *_in_its_store(case.model, asking), *of_project, *kits)
    below = _below_the_system(case.model.view, case.model.system_dirs).get(name, ()) if wide else ()
    places = (posixpath.join(folder, name) for folder in (*_folders(_opener(case), asking), *far))
    yield from (path for path in (*places, *below) if usable_image(case.model, path) is not None)


def _kits(model: LoaderModel) -> Iterator[str]:
    """The folders of products that were installed or built apart: below ``/opt``, ``/usr/local`` and the home."""
    home = model.variable("HOME") or ""
    for base in filter(None, ("/opt", "/usr/local", home)):
        for leaf in names_in(model, base)[:_MAX_INSIDE]:
            kit = f"{base}/{leaf}"
            yield from (kit, f"{kit}/lib", f"{kit}/lib64", f"{kit}/build", f"{kit}/build/lib")
    for leaf in names_in(model, "/opt")[:_MAX_INSIDE]:
        yield from _levels_below(model, f"/opt/{leaf}", _PROJECT_LEVELS)
    yield from (f"/usr/{leaf}/lib" for leaf in names_in(model, "/usr") if leaf.startswith("pgsql"))
    yield "/home/linuxbrew/.linuxbrew/lib"


def _of_its_formulas(model: LoaderModel, asking: LoadedObject | None) -> Iterator[str]:
    """``lib`` of Homebrew's prefix, wherever that is, and of the formulas in it, for a file of one of them."""
    prefix, found, _ = model.absolute(asking.path).partition("/Cellar/") if asking is not None else ("", "", "")
    if found:
        yield f"{prefix}/lib"
        yield from (f"{prefix}/opt/{leaf}/lib" for leaf in names_in(model, f"{prefix}/opt")[:_MAX_FOLDERS])


@lru_cache(maxsize=8)
def _below_the_system(view: FileView, system_dirs: tuple[str, ...]) -> dict[str, list[str]]:
    """The libraries that programs and kits of packages keep in folders below the system's, as ``R/lib`` is."""
    found: dict[str, list[str]] = {}
    for folder in system_dirs:
        for leaf in islice((leaf for leaf in _listed(view, folder) if "." not in leaf), _MAX_FOLDERS):
            numbered = (f"{folder}/{leaf}/{n}" for n in _listed(view, f"{folder}/{leaf}") if n[:1].isdigit())
            for place in (f"{folder}/{leaf}", f"{folder}/{leaf}/lib", *islice(numbered, _SHOWN)):
                for name in (name for name in _listed(view, place) if ".so" in name):
                    found.setdefault(name, []).append(f"{place}/{name}")
    return found


def similar(case: SimulatedLoad, name: str, asking: LoadedObject | None) -> tuple[str, ...]:
    """Files near by that differ from the name in case, or in the version after ``.so``."""
    stem, wanted = name.partition(".so")[0].casefold(), name.casefold()
    found: dict[str, None] = {}
    for folder in (*_folders(_opener(case), asking), *_looked_into(case)):
        for leaf in names_in(case.model, folder):
            other = leaf.casefold()
            if leaf != name and (other == wanted or (stem and other.partition(".so")[0] == stem and ".so" in other)):
                found[posixpath.join(folder, leaf)] = None
        if len(found) >= _SHOWN:
            break
    return tuple(found)[:_SHOWN]


def _below(case: SimulatedLoad, asking: LoadedObject) -> Iterator[str]:
    """The folders below those of a file's own run path, as Debian's for one architecture are below ``lib``."""
    for folder in sorted(searched(case, asking) - set(case.model.system_dirs)):
        inside = (leaf for leaf in names_in(case.model, folder) if ".so" not in leaf)
        yield from (posixpath.join(folder, leaf) for leaf in islice(inside, _MAX_INSIDE))


def _of_the_project(model: LoaderModel, asking: LoadedObject) -> Iterator[str]:
    """The folders of the project that the file which asks is part of, a few levels deep."""
    project = _project(model, asking)
    if not project:
        return
    yield from _levels_below(model, project, _PROJECT_LEVELS)


def _levels_below(model: LoaderModel, folder: str, levels: int) -> Iterator[str]:
    """The folders below one, level by level, not very many of each."""
    level = [folder]
    for _ in range(levels):
        inside = (posixpath.join(place, leaf) for place in level for leaf in names_in(model, place) if "." not in leaf)
        level = [place for place in islice(inside, _MAX_INSIDE) if model.view.is_directory(place) == 0]
        yield from level


def _project(model: LoaderModel, asking: LoadedObject) -> str:
    """The folder one works in where a file is below it, else the one above the file that is kept in a repository."""
    here, folder = posixpath.normpath(model.cwd), posixpath.dirname(posixpath.normpath(model.absolute(asking.path)))
    if here.count("/") >= _LEAST_DEPTH and f"{folder}/".startswith(f"{here}/"):
        return here
    for _ in range(_LEVELS):
        if folder.count("/") < _LEAST_DEPTH:
            break
        if not _REPOSITORIES.isdisjoint(names_in(model, folder)):
            return folder
        folder = posixpath.dirname(folder)
    return ""


def _opener(case: SimulatedLoad) -> LoaderModel:
    """The model, without the program that opens libraries where a program is started itself."""
    return replace(case.model, main_image=None) if case.starts_program else case.model


def _beside_the_program(model: LoaderModel) -> Iterator[str]:
    """``lib`` of the packages that lie beside the program's, each in a folder of its own, as in a store of Nix."""
    if not model.main_image:
        return
    prefix = posixpath.dirname(posixpath.dirname(model.view.real_path(model.absolute(model.main_image))))
    store = posixpath.dirname(prefix)
    for package in names_in(model, store) if store not in ("", "/") else ():
        yield posixpath.join(store, package, "lib")


def _in_its_store(model: LoaderModel, asking: LoadedObject | None) -> Iterator[str]:
    """``lib`` of every package of the store that a file lies in: nothing in there can be changed, only led to."""
    path = model.absolute(asking.path) if asking is not None else ""
    store = next((store for store in _STORES if path.startswith(store)), None)
    for package in names_in(model, store) if store is not None else ():
        yield posixpath.join(store or "", package, "lib")


def _looked_into(case: SimulatedLoad) -> Iterator[str]:
    """The directories that count for everything the program opens: its own, and those built into the loader."""
    program = case.process.program
    if program is not None:
        for kind in (SearchKind.RPATH, SearchKind.RUNPATH):
            yield from (directory or "." for directory, _ in case.process.search.directories(program, kind))
    if not case.model.secure:
        yield from filter(None, (case.model.variable("LD_LIBRARY_PATH") or "").replace(";", ":").split(":"))
    yield from case.model.system_dirs


def is_same_library(case: SimulatedLoad, name: str, path: str) -> bool:
    """Whether a file is the library of that name, misnamed: it says so itself (SONAME), or only the case differs.

    Debian since 13 and Ubuntu since 24.04 mark libraries of a wider time_t, which on 64 bits always was that wide.
    """
    image = usable_image(case.model, path)
    if image is None:
        return False
    if _ONE_INTERFACE.get(name) == posixpath.basename(path):
        return True
    renamed = image.identity == f"{name}{_WIDE_TIME}" and case.model.abi.bits == _WIDE
    return image.identity == name or renamed or posixpath.basename(path).casefold() == name.casefold()


def name_it(case: SimulatedLoad, name: str, path: str, asking: LoadedObject | None) -> str:
    """The command that gives a misnamed library its name, and the one that leads to it where none does yet."""
    if asking is None:
        return f"open it by its path: {quoted_path(path)}"
    folder, present = posixpath.split(path)
    link = f"ln -s {quoted_path(present)} {quoted_path(posixpath.join(folder, name))}"
    if folder in searched(case, asking):
        return link
    return f"{link} && {lead_to(case, posixpath.join(folder, name), asking)}"


def searched(case: SimulatedLoad, asking: LoadedObject) -> set[str]:
    """The directories that are looked into for what a library asks for: its own and those built in."""
    own = {
        posixpath.normpath(case.model.absolute(directory or "."))
        for kind in {s.kind for s in asking.image.search_dirs}
        for directory, _ in case.process.search.directories(asking, kind)
    }
    return own | set(case.model.system_dirs)


def _folders(model: LoaderModel, asking: LoadedObject | None) -> Iterator[str]:
    seen: set[str] = set()
    for folder in _all_folders(model, asking):
        plain = posixpath.normpath(folder)
        if plain not in seen and len(seen) < _MAX_FOLDERS:
            seen.add(plain)
            yield plain


def _all_folders(model: LoaderModel, asking: LoadedObject | None) -> Iterator[str]:
    if asking is not None:
        yield from folders_around(model, asking.origin)
    elif model.caller:
        yield from folders_around(model, posixpath.dirname(model.absolute(model.caller)))
    home = model.variable("HOME")
    if model.main_image:
        prefix = posixpath.dirname(posixpath.dirname(model.absolute(model.main_image)))
        yield from _of_prefix(model, prefix)
    if home:  # pip install --user
        yield from _of_prefix(model, posixpath.join(home, ".local"))
    active = (model.variable(word) for word in ("VIRTUAL_ENV", "CONDA_PREFIX"))
    for prefix in filter(None, active):
        yield from _of_prefix(model, prefix)
    for folder in (model.variable("PATH") or "").split(":"):  # programs lie beside the libraries that came with them
        prefix, _, last = folder.rstrip("/").rpartition("/")
        if last == "bin" and prefix not in ("", "/usr", "/usr/local"):
            yield posixpath.join(prefix, "lib")
    for base in (f"{home}/{name}" if home else f"/opt/{name}" for name in _CONDAS):
        yield posixpath.join(base, "lib")
    for java in (model.variable("JAVA_HOME"), *(f"{_JAVA}/{leaf}" for leaf in names_in(model, _JAVA))):
        places = (f"{lib}{part}" for lib in ("lib", "jre/lib/amd64") for part in ("/server", ""))
        yield from (posixpath.join(java, place) for place in places if java)
    yield model.cwd
    yield from _LOCAL
    for kit in (f"/{base}/{leaf}" for base in ("usr/local", "opt") for leaf in names_in(model, f"/{base}")):
        if posixpath.basename(kit).startswith(_KITS):
            yield from (f"{kit}/lib64", f"{kit}/lib")


def folders_around(model: LoaderModel, origin: str) -> Iterator[str]:
    """The folders around a file's own: those of packages above it, of its environment, and those within."""
    yield origin
    above = posixpath.normpath(origin)
    for _ in range(_LEVELS):
        yield from _of_packages(model, above)
        if above in ("/", ""):
            break
        above = posixpath.dirname(above)
    home = home_of(model.view, posixpath.dirname(posixpath.normpath(origin)))
    if home:  # a virtual environment's programs are those of its home
        yield posixpath.join(posixpath.dirname(home), "lib")
    inside = (leaf for leaf in names_in(model, origin) if ".so" not in leaf)
    yield from (posixpath.join(origin, leaf) for leaf in islice(inside, _MAX_INSIDE))


def folders_beside(model: LoaderModel, origin: str) -> Iterator[str]:
    """The folders above a file's own, and those beside both, of the same program as it seems."""
    above = posixpath.dirname(posixpath.normpath(origin))
    yield from (above, posixpath.dirname(above))
    for place in (above, posixpath.dirname(above)):
        yield from (posixpath.join(place, leaf) for leaf in names_in(model, place) if leaf.casefold() in _OF_PROGRAMS)


def _of_prefix(model: LoaderModel, prefix: str) -> Iterator[str]:
    """``lib`` of an environment, and the folders in which its Python packages keep libraries."""
    lib = posixpath.join(prefix, "lib")
    yield lib
    for leaf in names_in(model, lib):
        if leaf.startswith("python"):
            yield from _of_packages(model, posixpath.join(lib, leaf, "site-packages"))


def libraries_near(model: LoaderModel, asking: LoadedObject) -> Iterator[str]:
    """Libraries in the folders around a file, the nearest first and not very many: each is to be read."""
    found = (
        posixpath.join(folder, leaf)
        for folder in _folders(model, asking)
        if folder not in _LOCAL
        for leaf in names_in(model, folder)
        if ".so" in leaf
    )
    yield from islice(found, _MAX_NEAR)


def _of_packages(model: LoaderModel, folder: str) -> Iterator[str]:
    """The folders below one that packages keep libraries in: ``lib``, ``X.libs``, ``nvidia/X/lib``, ``torch/lib``."""
    for leaf in _holding(names_in(model, folder)):
        if leaf == "nvidia":
            for package in names_in(model, posixpath.join(folder, leaf)):
                yield posixpath.join(folder, leaf, package, "lib")
        elif leaf == "torch":
            yield posixpath.join(folder, leaf, "lib")
        else:
            yield posixpath.join(folder, leaf)


@lru_cache(maxsize=256)
def _holding(names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these names are those of folders that packages keep libraries in, or lead to such: few of thousands."""
    known = ("lib", "lib64", ".libs", "nvidia", "torch")
    return tuple(name for name in names if name in known or name.endswith((".libs", ".dylibs")))


def names_in(model: LoaderModel, folder: str) -> tuple[str, ...]:
    """What is in a folder, bounded; nothing of one that cannot be read."""
    return _listed(model.view, model.absolute(folder))


def _listed(view: FileView, folder: str) -> tuple[str, ...]:
    try:
        return view.names(folder)[:10_000]
    except OSError:
        return ()


def lead_to(case: SimulatedLoad, path: str, asking: LoadedObject | None) -> str:
    """The command after which the loader finds ``path`` for the library that asks for it."""
    folder = posixpath.dirname(path)
    if asking is None:
        return f"LD_LIBRARY_PATH={quoted_path(folder)}, or open it by its path: {quoted_path(path)}"
    if case.model.secure:
        file = f"/etc/ld.so.conf.d/{posixpath.basename(folder)}.conf"
        return f"echo {quoted_path(folder)} > {quoted_path(file)} && ldconfig"
    if _is_outside(case.model.absolute(folder), case.model.absolute(asking.path)):
        return f"LD_LIBRARY_PATH={quoted_path(folder)}"
    if folder in _LOCAL:
        return f"LD_LIBRARY_PATH={folder}{_for_good(case.model, folder)}"
    if folder.startswith(_STORES) or folder in _beside_the_program(case.model):
        return f"LD_LIBRARY_PATH={quoted_path(folder)}"
    entry = from_origin(case.model.absolute(folder), case.model.absolute(asking.origin))
    has_others = any(
        not case.model.view.is_directory(case.model.absolute(d.rstrip("/") or "/"))
        for kind in {s.kind for s in asking.image.search_dirs}
        for d, _ in case.process.search.directories(asking, kind)
    )
    option = "--add-rpath" if has_others else "--set-rpath"
    lasting = f"patchelf {option} {quoted_entry(entry)} {quoted_path(asking.path)}"
    return f"LD_LIBRARY_PATH={quoted_path(folder)}, or for good: {lasting}" if entry.startswith("/") else lasting


def chosen_alternative(model: LoaderModel, name: str, path: str) -> str:
    """Debian's command by which a name of the system leads to one of several libraries; empty where none is to choose.

    Source: update-alternatives(1).
    """
    chosen = (leaf for leaf in names_in(model, _ALTERNATIVES) if leaf == name or leaf.startswith(f"{name}-"))
    group = next(chosen, "")
    return f"update-alternatives --set {shlex.quote(group)} {quoted_path(path)}" if group else ""


def _is_outside(folder: str, path: str) -> bool:
    """Whether a file is in an archive, as surveys see it (``x.whl!/a.so``), and the folder is not in that one."""
    archive, packed, _ = path.partition("!/")
    return bool(packed) and not f"{folder}/".startswith(f"{archive}!/")


def from_origin(folder: str, origin: str) -> str:
    """A folder as an entry of a RUNPATH: from the file's own one, unless they have nothing in common."""
    relative = posixpath.relpath(folder, posixpath.normpath(origin))
    if posixpath.commonpath([folder, origin]) == "/":
        return folder
    return "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}"


def _for_good(model: LoaderModel, folder: str) -> str:
    """What puts a folder into the loader's cache, whose configuration may name it already."""
    configured = [posixpath.join("/etc/ld.so.conf.d", leaf) for leaf in names_in(model, "/etc/ld.so.conf.d")]
    for path in ("/etc/ld.so.conf", *configured):
        try:
            lines = model.view.read_bytes(path).decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        if folder in map(str.strip, lines):
            return f", or for good: ldconfig, for {path} names it"
    return f", or for good: echo {folder} > /etc/ld.so.conf.d/local.conf && ldconfig"
