"""Who opens a library of a survey: the loader of its own system, in the Python its name and its surroundings say.

Sources: PEP 425 and 427 (tags of wheels), PEP 405 (pyvenv.cfg), PEP 3149 (tags of extension modules).
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Hashable
from typing import Final

from loadstone.core.image import Format, Image
from loadstone.linker.abi import Abi
from loadstone.linker.android import android_of, is_for_android
from loadstone.linker.discovery import (
    loader_of_format,
    machine_of,
    model_for_loader,
    musl_of,
    of_another_system,
    with_program,
)
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.view import FileView
from loadstone.linker.windows_packages import MADE_KNOWN, WindowsPackages
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["Openers", "Tags", "environment_version", "home_of", "is_threaded", "module_version", "python_version"]

_MODULE: Final = re.compile(r"\.(?:cpython-|cp)(\d)(\d+)(t?)")
_PROGRAM: Final = re.compile(r"/python(\d)\.(\d+)[a-z]*$")
_LIBRARY_FOLDER: Final = re.compile(r"(.*)/lib(?:64)?/python(\d)(?:\.(\d+)(t?)(?:/|$)|/dist-packages(?:/|$))")
_HOME: Final = re.compile(r"^\s*home\s*=\s*(\S.*?)\s*$", re.MULTILINE)
_VERSION: Final = re.compile(r"^\s*version(?:_info)?\s*=\s*(\d{1,2}\.\d{1,3})", re.MULTILINE)
_LEVELS: Final = 8
_RUNNING: Final = (sys.version_info.major, sys.version_info.minor)
_HAS_THREADS: Final = "t" in getattr(sys, "abiflags", "")
_WITH_PYTHON: Final = ("python3.dll", "vcruntime140.dll", "vcruntime140_1.dll")
"""What python.exe has loaded, or has beside it, before it imports anything."""

# ruff: noqa: SIM905  a block of words reads better than a column of quotes
SYSTEM_LIBRARIES: Final = (
    "libc.so.6 libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libutil.so.1 libnsl.so.1 libresolv.so.2 libanl.so.1"
    " libcrypt.so.1 libgcc_s.so.1 libstdc++.so.6 libatomic.so.1 libz.so.1 libexpat.so.1 libmvec.so.1"
    " libX11.so.6 libXext.so.6 libXrender.so.1 libICE.so.6 libSM.so.6 libGL.so.1 libEGL.so.1"
    " libgobject-2.0.so.0 libgthread-2.0.so.0 libglib-2.0.so.0"
).split()
"""What PEP 600 lets a wheel expect of a system, and what belongs to the C library."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What the name of a wheel says: its Python version (None: any), its platforms; empty for all else."""

    python: tuple[int, int] | None = None
    platforms: tuple[str, ...] = ()
    is_wheel: bool = False
    minimum: tuple[int, int] | None = None  # of an abi3 wheel: the oldest Python it is for
    has_threads: bool = False  # for the build of Python without the global lock (PEP 703), whose ABI is another

    @classmethod
    def of(cls, file_name: str) -> Tags:
        """The tags of a wheel's file name.

        >>> Tags.of("demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl").python
        (3, 12)
        """
        parts = file_name.removesuffix(".whl").split("-")
        if not file_name.endswith(".whl") or len(parts) < 5:
            return cls()
        found = re.match(r"cp(\d)(\d+)$", parts[-3])
        stated = (int(found[1]), int(found[2])) if found else None
        stable = parts[-2] == "abi3"
        platforms = tuple(parts[-1].split("."))
        return cls(
            None if stable else stated,
            platforms,
            is_wheel=True,
            minimum=stated if stable else None,
            has_threads=parts[-2].startswith("cp") and parts[-2].endswith("t"),
        )

    @property
    def is_pure(self) -> bool:
        """Whether no library is to be expected."""
        return self.platforms == ("any",)

    @property
    def is_musl(self) -> bool:
        return any(platform.startswith("musllinux") for platform in self.platforms)


@dataclass(slots=True)
class Openers:
    """The models of one survey, one each kind of file, so that what they share is shared.

    ``asked`` is what was asked for; ``is_given`` says that a program or a root was named, which is then kept.
    """

    asked: LoaderModel
    tags: Tags
    is_given: bool = False
    packages: Callable[[], WindowsPackages] = WindowsPackages  # of the place at hand; asked when first needed
    _models: dict[Hashable, LoaderModel] = field(default_factory=dict)
    _programs: dict[str, str | None] = field(default_factory=dict)

    def model_for(self, path: str, image: Image) -> LoaderModel:
        """The process to open ``path`` in."""
        if image.format is not Format.ELF:
            return self.of_format(path, image.format)
        abi = machine_of(image)
        if abi is None:
            return self.asked
        if not self.is_given and self.asked.kind is not LoaderKind.BIONIC and is_for_android(image):
            return self._once(("android", abi.name), lambda: android_of(self.asked, abi))
        if self._is_for_musl(path, image):
            return self._once(("musl", abi.name), lambda: self._musl(abi))
        if abi is not self.asked.abi:
            return self._once(("elf", abi.name), lambda: self._of_machine(abi))
        return self.python_for(path)

    def of_format(self, path: str, kind: Format) -> LoaderModel:
        """The process to open a file in of which only the format is known."""
        if kind is Format.PE:
            return self.windows_for(path)
        if kind is Format.MACHO:
            return self._once("macho", lambda: of_another_system(self.asked, LoaderKind.DYLD))
        return self.python_for(path)

    def _once(self, key: Hashable, make: Callable[[], LoaderModel]) -> LoaderModel:
        if key not in self._models:
            self._models[key] = make()
        return self._models[key]

    def _is_for_musl(self, path: str, image: Image) -> bool:
        if self.asked.kind is LoaderKind.MUSL or self.is_given:
            return False
        marked = self.tags.is_musl or "-linux-musl" in posixpath.basename(path)
        return marked or any(d.name.startswith("libc.musl-") for d in image.needed)

    def _around(self, found: LoaderModel) -> LoaderModel:
        asked = self.asked
        return replace(found, env=asked.env, cwd=asked.cwd, thorough=asked.thorough)

    def _musl(self, abi: Abi) -> LoaderModel:
        """The musl of the systems a file is for; this is none of them, even where it has one to build with."""
        said = "it is for a system with musl, which is not available: only musl itself and zlib are counted on"
        found = self._around(musl_of(self.asked.view, abi))
        granted = frozenset(("libz.so.1",))
        return replace(found, release=(), granted=granted, is_python=self.tags.is_wheel, assumptions=(said,))

    def windows_for(self, path: str) -> LoaderModel:
        """The Windows process that opens ``path``: of the python.exe above it, if there is one."""
        program = self._windows_program(path)
        return self._once(("pe", program), lambda: self._windows(program))

    def _windows_program(self, path: str) -> str | None:
        """The python.exe above a library, whose folder Windows looks into as well; also that of the venv's home."""
        main = self.asked.main_image
        if main is not None and loader_of_format(self.asked.view, self.asked.absolute(main)) is LoaderKind.WINDOWS:
            return main
        folder = posixpath.dirname(path)
        for _ in range(_LEVELS):
            if folder not in self._programs:
                places = (folder, f"{folder}/Scripts", home_of(self.asked.view, folder))
                candidates = (f"{place}/python.exe" for place in places if place)
                self._programs[folder] = next((p for p in candidates if self.asked.view.exists(p)), None)
            if self._programs[folder] is not None or folder in ("", "/"):
                break
            folder = posixpath.dirname(folder)
        return self._programs.get(folder)

    def _windows(self, program: str | None) -> LoaderModel:
        model = replace(of_another_system(self.asked, LoaderKind.WINDOWS), main_image=program)
        version = self.tags.python or _RUNNING
        packages = self.packages()
        names = (f"python{version[0]}{version[1]}.dll", *_WITH_PYTHON) if packages.is_for_python else ()
        python = (self._beside(program, name) for name in names)
        own = tuple(f for f in packages.folders if f in packages.made_known)
        rest = tuple(f for f in packages.folders if f not in packages.made_known and not f.endswith(MADE_KNOWN))
        return replace(
            model,
            already_loaded=(*self.asked.already_loaded, *python),
            dll_directories=(*self.asked.dll_directories, *own, *_conda_directories(program)),
            package_directories=rest,
        )

    def _beside(self, program: str | None, name: str) -> str:
        """The path of a DLL where it lies beside the program, which has loaded that one; else its name."""
        path = posixpath.join(posixpath.dirname(program), name) if program else name
        return path if self.asked.view.exists(self.asked.absolute(path)) else name

    def _of_machine(self, abi: Abi) -> LoaderModel:
        """The loader for another machine: the one this system has for it, else one of which nothing is known."""
        view = self.asked.view
        loader = next((path for path in abi.loaders if view.exists(path)), None)
        if loader is not None:
            return self._around(model_for_loader(view, loader, abi))
        said = f"the file is for {abi.name}, whose system is not available: its libraries are taken for granted"
        granted = frozenset((*SYSTEM_LIBRARIES, *map(posixpath.basename, abi.loaders)))
        is_python = self.tags.is_wheel
        return self._around(LoaderModel(abi=abi, view=view, granted=granted, is_python=is_python, assumptions=(said,)))

    def python_for(self, path: str) -> LoaderModel:
        """The Python beside the library, else the one that is asked for, unless the library says that it is another."""
        if self.is_given and self.asked.main_image is not None:
            return self.asked
        program = self._program_near(path)
        if program is not None:
            return self._once(("program", program), lambda: with_program(self.asked, program))
        gone = self._environment_without_python(path)
        wanted = self._version_of(path)
        oldest = self.tags.minimum
        if wanted is None and oldest is not None and oldest > _RUNNING:
            wanted = oldest
        if gone:
            return self._once(("gone", gone), lambda: self._in_place_of(gone))
        has_threads = self._has_threads(path)
        if wanted is None or (wanted == _RUNNING and has_threads == _HAS_THREADS):
            return self.asked
        of = f"{wanted[0]}.{wanted[1]}{'t' if has_threads else ''}"
        said = f"it is for Python {of}, which was not found beside it: any program opens it"
        return self._once(
            ("python", wanted, has_threads),
            lambda: replace(
                self.asked,
                main_image=None,
                caller=None,
                is_python=True,
                assumptions=(*self.asked.assumptions, said),
            ),
        )

    def _environment_without_python(self, path: str) -> str:
        """The folder where the Python of a file's virtual environment was, if it is there no more; else empty."""
        folder = _LIBRARY_FOLDER.match(path)
        home = home_of(self.asked.view, folder[1]) if folder is not None else ""
        return home if home and not self.asked.view.exists(home) else ""

    def _in_place_of(self, home: str) -> LoaderModel:
        said = f"the Python of its environment is gone ({home}, by pyvenv.cfg): any program with its symbols opens it"
        asked = self.asked
        return replace(asked, main_image=None, caller=None, is_python=True, assumptions=(*asked.assumptions, said))

    def _version_of(self, path: str) -> tuple[int, int] | None:
        tagged = module_version(posixpath.basename(path))
        if tagged is not None:
            return tagged
        folder = _LIBRARY_FOLDER.match(path)
        return (int(folder[2]), int(folder[3])) if folder and folder[3] else self.tags.python

    def _has_threads(self, path: str) -> bool:
        """Whether a module is for a Python without the global lock: by its name, its folder or its wheel."""
        named = _MODULE.search(posixpath.basename(path))
        if named is not None:
            return is_threaded(posixpath.basename(path))
        folder = _LIBRARY_FOLDER.match(path)
        return bool(folder[4]) if folder is not None and folder[3] else self.tags.has_threads

    def _program_near(self, path: str) -> str | None:
        """The interpreter of the environment a library lies in: bin/python above lib/pythonX.Y, or the venv's home."""
        folder = _LIBRARY_FOLDER.match(path)
        if folder is None:
            return None
        prefix = folder[1]
        if prefix not in self._programs:
            exact = f"python{folder[2]}.{folder[3]}{folder[4]}" if folder[3] else f"python{folder[2]}"
            places = (f"{prefix}/bin", home_of(self.asked.view, prefix))
            candidates = (f"{place}/{name}" for place in places if place for name in (exact, "python3", "python"))
            found = next((p for p in candidates if self.asked.view.exists(p)), None)
            self._programs[prefix] = self.asked.view.real_path(found) if found else None
        program = self._programs[prefix]
        return None if program is None or program == self.asked.main_image else program


def module_version(name: str) -> tuple[int, int] | None:
    """The Python that the name of a module says it is for; None for one that says nothing, or that is for several.

    >>> module_version("_umath.cpython-312-x86_64-linux-gnu.so")
    (3, 12)
    """
    found = _MODULE.search(name)
    return (int(found[1]), int(found[2])) if found else None


def is_threaded(name: str) -> bool:
    """Whether the name of a module says that it is for a Python without the global lock, which has another ABI.

    >>> is_threaded("_umath.cpython-313t-x86_64-linux-gnu.so"), is_threaded("_umath.cp313-win_amd64.pyd")
    (True, False)
    """
    found = _MODULE.search(name)
    return found is not None and bool(found[3])


def python_version(program: str) -> tuple[int, int] | None:
    """The Python that an interpreter's name says it is; None where it does not.

    >>> python_version("/usr/bin/python3.11")
    (3, 11)
    """
    found = _PROGRAM.search(program)
    return (int(found[1]), int(found[2])) if found else None


def _conda_directories(program: str | None) -> tuple[str, ...]:
    """The folder that the interpreters of conda make known at their start; one that is not there does no harm."""
    return (posixpath.join(posixpath.dirname(program), "Library/bin"),) if program else ()


def home_of(view: FileView, prefix: str) -> str:
    """The folder of the interpreter that a virtual environment was made from; empty when there is no pyvenv.cfg."""
    return _setting(view, prefix, _HOME)


def environment_version(view: FileView, prefix: str) -> tuple[int, int] | None:
    """The Python that a virtual environment was made from, by its pyvenv.cfg; None where that does not say."""
    numbers = _setting(view, prefix, _VERSION).split(".")
    return (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else None


def _setting(view: FileView, prefix: str, pattern: re.Pattern[str]) -> str:
    """What follows the name of a setting of pyvenv.cfg; empty when there is none."""
    try:
        text = view.read_bytes(f"{prefix}/pyvenv.cfg").decode("utf-8", "replace")
    except OSError:
        return ""
    found = pattern.search(text)
    return found[1] if found else ""
