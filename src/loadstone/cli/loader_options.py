"""The options that say which process and system a load is simulated in, and the model they make."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from loadstone.errors import InvalidName

if TYPE_CHECKING:
    from loadstone.linker import LoaderModel

__all__ = [
    "AlreadyLoaded",
    "Caller",
    "ClearEnvironment",
    "CpuLevel",
    "DeepBind",
    "Directory",
    "Environment",
    "Lazy",
    "Loader",
    "MainImage",
    "NewNamespace",
    "Preload",
    "Root",
    "Surroundings",
    "User",
]

Lazy = Annotated[bool, typer.Option("--lazy", help="Bind calls at their first use (RTLD_LAZY), not while loading.")]
DeepBind = Annotated[bool, typer.Option("--deep-bind", help="Look in the library before the program (RTLD_DEEPBIND).")]
NewNamespace = Annotated[
    bool, typer.Option("--new-namespace", help="Open it with dlmopen, in a namespace of its own (LM_ID_NEWLM).")
]
Caller = Annotated[str | None, typer.Option("--caller", metavar="FILE", help="The library whose code calls dlopen.")]
MainImage = Annotated[str | None, typer.Option("--main", metavar="FILE", help="The program that loads it.")]
Preload = Annotated[list[str] | None, typer.Option("--preload", metavar="FILE", help="As in LD_PRELOAD.")]
AlreadyLoaded = Annotated[
    list[str] | None, typer.Option("--already-loaded", metavar="FILE", help="A library opened before this one.")
]
Environment = Annotated[list[str] | None, typer.Option("--env", metavar="K=V", help="Set an environment variable.")]
ClearEnvironment = Annotated[bool, typer.Option("--clear-env", help="Start from an empty environment.")]
Directory = Annotated[str | None, typer.Option("--cwd", metavar="DIR", help="The current directory of the process.")]
Root = Annotated[str | None, typer.Option("--root", metavar="DIR", help="A system unpacked in a folder.")]
CpuLevel = Annotated[
    str | None, typer.Option("--cpu-level", metavar="LEVEL", help="The processor: 1 to 4 for x86-64-v1 to v4.")
]
Loader = Annotated[
    str | None,
    typer.Option("--loader", metavar="LOADER", help="glibc-2.31, musl, dyld or windows; or a loader's path."),
]
User = Annotated[int | None, typer.Option("--uid", metavar="UID", help="The user whose permissions count.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
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

    def model(self, target: str) -> LoaderModel | None:
        """The model they describe, with the loader ``target`` needs where none is named; None: nothing was said."""
        if self == Surroundings():
            return None
        from loadstone.linker.choice import loader_of_format
        from loadstone.linker.discovery import of_another_system, with_cpu_level, with_loader, with_uid
        from loadstone.linker.request import LoaderModel

        model = LoaderModel.of_root(self.root, program=self.main) if self.root else LoaderModel.this_process()
        needed = loader_of_format(target, model) if "/" in target else None
        if self.loader:
            model = with_loader(model, self.loader)
        elif needed is not None and needed is not model.kind:
            model = of_another_system(model, needed)
        if self.cpu_level:
            model = with_cpu_level(model, self.cpu_level)
        if self.uid is not None:
            model = with_uid(model, self.uid)
        return replace(
            model,
            env=self._environment(model),
            cwd=os.path.abspath(self.cwd) if self.cwd else model.cwd,
            deep_bind=self.deep_bind,
            new_namespace=self.new_namespace,
            caller=self.caller or (None if self.main or self.root else model.caller),
            main_image=self.main or model.main_image,
            preload=self.preload,
            already_loaded=self.already_loaded,
        )

    def _environment(self, model: LoaderModel) -> tuple[tuple[str, str], ...]:
        variables = {} if self.clear_env else dict(model.env)
        for setting in self.env:
            name, equals, value = setting.partition("=")
            if not name or not equals:
                raise InvalidName(name=setting, reason="an environment variable is given as NAME=VALUE")
            variables[name] = value
        return tuple(sorted(variables.items()))
