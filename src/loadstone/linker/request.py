"""What is asked of a loader, by whom, in which surroundings: every outside fact in one frozen value.

A simulation is a function of the target's bytes and a :class:`LoaderModel`, and of nothing else. So the same question
can be put for this process, for another user, for a container image unpacked in a folder, or for a machine that is
not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from loadstone.linker.abi import X86_64, Abi
from loadstone.linker.cache import LoaderCache
from loadstone.linker.view import FileView, HostFiles
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["BindingMode", "LoaderKind", "LoaderModel", "Release"]

Release = tuple[int, ...]
"""A release of the C library that holds the loader: (2, 36) of glibc, (1, 2, 3) of musl; () for unknown."""


class LoaderKind(StrEnum):
    """Which loader is simulated."""

    GLIBC = "glibc"
    MUSL = "musl"
    BIONIC = "bionic"
    DYLD = "dyld"
    WINDOWS = "windows"


class BindingMode(StrEnum):
    """When function calls between libraries are bound: all while loading, or each at its first use."""

    NOW = "now"
    LAZY = "lazy"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderModel:
    """Everything outside the target that decides whether it loads.

    The default values describe no machine at all; :meth:`this_process` and :meth:`of_root` read them from one.

    ``system_dirs`` are the directories built into the loader, without their final slash; ``cache`` is the parsed
    ld.so.cache; ``hwcaps`` the glibc-hwcaps subdirectories this processor may use, best first, and ``legacy_hwcaps``
    the names older releases combine into subdirectories; ``platform`` and ``lib_token`` what ``$PLATFORM`` and
    ``$LIB`` stand for; ``isa_level`` the x86-64 level of the processor (1 to 4, 0 unknown).

    ``main_image`` is the program whose process is simulated (None: one that needs only the C library), ``caller`` the
    object that calls dlopen (None: the program), ``already_loaded`` libraries opened before, in order, ``preload``
    what LD_PRELOAD and /etc/ld.so.preload name beyond the environment given. ``secure`` is AT_SECURE: set-user-ID,
    set-group-ID or file capabilities. ``new_namespace`` opens the target by dlmopen in a namespace of its own.
    ``kernel`` is the kernel's release, which loaders before 2.36 compare with that a file asks for; () for unknown.
    ``page_size`` is that of the kernel: 4096, on some AArch64 and POWER systems 16384 or 65536.
    ``dll_directories`` are those made known by os.add_dll_directory, ``package_directories`` other folders of the
    same package, whose libraries it may have loaded before. ``granted`` are libraries of a system that is not at hand,
    taken for there. ``is_python``: what is opened is imported by a Python that is not at hand, whose symbols are taken
    for there. ``is_chosen``: program or system were named, and hints of the files do not change them.
    ``is_other_release``: of glibc a release was named, and the C library at hand, of another, stands for that one's.
    ``assumptions`` says how the facts were come by. ``thorough``: advice may take a second more.
    """

    kind: LoaderKind = LoaderKind.GLIBC
    release: Release = (2, 36)
    abi: Abi = X86_64
    interpreter: str = ""
    system_dirs: tuple[str, ...] = ()
    cache: LoaderCache = field(default_factory=LoaderCache)
    hwcaps: tuple[str, ...] = ()
    legacy_hwcaps: tuple[str, ...] = ()
    platform: str = ""
    lib_token: str = "lib"  # noqa: S105  no secret
    isa_level: int = 0
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    view: FileView = field(default_factory=HostFiles)
    secure: bool = False
    main_image: str | None = None
    caller: str | None = None
    already_loaded: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    mode: BindingMode = BindingMode.NOW
    is_global: bool = False
    deep_bind: bool = False
    new_namespace: bool = False
    kernel: tuple[int, ...] = ()
    page_size: int = 4096
    dll_directories: tuple[str, ...] = ()
    package_directories: tuple[str, ...] = ()
    granted: frozenset[str] = frozenset()
    is_python: bool = False
    is_chosen: bool = False
    is_other_release: bool = False
    assumptions: tuple[str, ...] = ()
    thorough: bool = False

    @classmethod
    def this_process(cls, *, env: Mapping[str, str] | None = None) -> LoaderModel:
        """A fresh start of the program that is running now: its loader, environment, directory and user.

        ``env`` replaces the environment. What this process has loaded since it started is not counted in; name it in
        ``already_loaded`` where it matters.
        """
        from loadstone.linker import this_process  # noqa: PLC0415  what discovers models is made of models: by the front door

        model = this_process()
        return model if env is None else replace(model, env=tuple(sorted(env.items())))

    @classmethod
    def of_root(cls, root: str, *, program: str | None = None) -> LoaderModel:
        """The system unpacked in the folder ``root``: its own loader, cache, directories; an empty environment.

        ``program`` is a path inside ``root`` whose interpreter is taken; without it the loader is looked for.

        Raises:
            NotFound: there is no loader in ``root`` that could be simulated.
        """
        from loadstone.linker import of_root  # noqa: PLC0415  what discovers models is made of models: by the front door

        return of_root(root, program)

    def variable(self, name: str) -> str | None:
        """The value of an environment variable, None when it is not set."""
        return next((value for key, value in self.env if key == name), None)

    def absolute(self, path: str) -> str:
        """``path`` as seen from the current directory."""
        return path if path.startswith("/") else f"{self.cwd.rstrip('/')}/{path}"
