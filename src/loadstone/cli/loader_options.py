"""The options that say which process and system a load is simulated in, and the model they make."""

from __future__ import annotations

import errno
import os
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from loadstone.errors import InvalidName, Unreadable
from loadstone.quick_dataclass import dataclass, replace

if TYPE_CHECKING:
    from loadstone.linker import LoaderModel

__all__ = ["LoaderOptions", "add_binding_options", "add_loader_options"]


def add_loader_options(parser: ArgumentParser) -> None:
    """The process and system that open it; :meth:`LoaderOptions.of` takes them all."""
    add = parser.add_argument
    add("--pid", type=int, metavar="PID", help="the running process that loads it, as /proc shows it (Linux)")
    add("--caller", metavar="FILE", help="the library whose code calls dlopen")
    add("--main", metavar="FILE", help="the program that loads it")
    add("--preload", action="append", default=[], metavar="FILE", help="as in LD_PRELOAD; can be repeated")
    add("--already-loaded", action="append", default=[], metavar="FILE", help="a library opened before this one")
    add("--dll-directory", dest="dll_directories", action="append", default=[], metavar="DIR",
        help="a folder added by os.add_dll_directory (Windows); can be repeated")  # fmt: skip
    add("--page-size", type=int, choices=(4096, 16384, 65536), metavar="BYTES", help="page size: 4096, 16384 or 65536")
    add("--env", action="append", default=[], metavar="K=V", help="set an environment variable; can be repeated")
    add("--clear-env", action="store_true", help="start from an empty environment")
    add("--cwd", metavar="DIR", help="the current directory of the process")
    add("--root", metavar="DIR", help="an unpacked root file system to resolve in (sysroot)")
    add("--cpu-level", metavar="LEVEL", help="the processor: 1 to 4 for x86-64-v1 to v4")
    add("--loader", metavar="LOADER", help="glibc-2.31, musl, dyld-14.0 or windows; or a loader's path")
    add("--uid", type=int, metavar="UID", help="check file permissions as this user")


def add_binding_options(parser: ArgumentParser) -> None:
    """How the call that opens it binds; all but ``--lazy`` go to :meth:`LoaderOptions.of` as well."""
    add = parser.add_argument
    add("--lazy", action="store_true", help="lazy binding (RTLD_LAZY): bind functions at their first call, not at load")
    add("--deep-bind", action="store_true", help="RTLD_DEEPBIND: symbol lookup in the library before the global scope")
    add("--new-namespace", action="store_true", help="open it with dlmopen in a new namespace (LM_ID_NEWLM)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderOptions:
    """What the options said; None or empty where they said nothing."""

    deep_bind: bool = False
    new_namespace: bool = False
    caller: str | None = None
    main: str | None = None
    preload: tuple[str, ...] = ()
    already_loaded: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    clear_env: bool = False
    cwd: str | None = None
    root: str | None = None
    cpu_level: str | None = None
    loader: str | None = None
    uid: int | None = None
    dll_directories: tuple[str, ...] = ()
    page_size: int | None = None
    pid: int | None = None

    @classmethod
    def of(cls, **options: Any) -> LoaderOptions:
        """What the parsed options said."""
        settings: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
        return cls(**settings)

    def model(self, target: str) -> LoaderModel | None:
        """The model they describe, with the loader ``target`` needs where none is named; None: nothing was said."""
        if self == LoaderOptions():
            return None
        from loadstone.library.target import is_path
        from loadstone.linker.choice import model_of_format
        from loadstone.linker.discovery import with_cpu_level, with_loader, with_program, with_uid

        model = self._system(target)
        of_format = model_of_format(target, self._started(model)) if is_path(target) and not self.loader else None
        if self.main:
            model = with_program(model, self.main)
        if self.loader:
            model = with_loader(model, self.loader)
        elif of_format is not None:
            model = of_format
        if self.cpu_level:
            model = with_cpu_level(model, self.cpu_level)
        if self.uid is not None:
            model = with_uid(model, self.uid)
        asked = replace(
            model,
            env=self._environment(model),
            cwd=os.path.abspath(self.cwd) if self.cwd else model.cwd,
            deep_bind=self.deep_bind,
            new_namespace=self.new_namespace,
            caller=self.caller or (None if self.main or self.root else model.caller),
            main_image=self.main or model.main_image,
            preload=self.preload,
            already_loaded=(*model.already_loaded, *self.already_loaded),
            dll_directories=(*map(os.path.abspath, self.dll_directories), *model.dll_directories),
            page_size=self.page_size or model.page_size,
            is_chosen=bool(self.main or self.root or self.loader or self.pid),
        )
        if self.main and not asked.view.exists(asked.absolute(self.main)):
            advice = "--main is the path of the program, inside --root where that is given"
            raise Unreadable(path=self.main, reason=os.strerror(errno.ENOENT), code=errno.ENOENT, advice=advice)
        return asked

    def _started(self, model: LoaderModel) -> LoaderModel:
        """With the program that was named, for a file of whatever system."""
        return replace(model, main_image=self.main) if self.main else model

    def _system(self, target: str) -> LoaderModel:
        """The process or the system that was named, else this one."""
        from loadstone.linker.discovery import of_root
        from loadstone.linker.processes import model_of_process
        from loadstone.linker.request import LoaderModel
        from loadstone.linker.view import HostFiles

        if self.pid is not None:
            return model_of_process(self.pid)
        if not self.root:
            return LoaderModel.this_process()
        return of_root(self.root, self.main, target=HostFiles(root=self.root).inside(target))

    def _environment(self, model: LoaderModel) -> tuple[tuple[str, str], ...]:
        variables = {} if self.clear_env else dict(model.env)
        for setting in self.env:
            name, equals, value = setting.partition("=")
            if not name or not equals:
                raise InvalidName(name=setting, reason="an environment variable is given as NAME=VALUE")
            variables[name] = value
        return tuple(sorted(variables.items()))
