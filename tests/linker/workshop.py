"""Builds the inputs of a case from one-line C, asks the real loader in a throw-away child, and asks us."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from tests.built import build
from tests.tools import needed

from loadstone.core.image import DependencyKind
from loadstone.core.trace import DependencyEdge, Explanation, LoadVerdict, SearchStep
from loadstone.linker import HostFiles, LoaderModel, explain

RTLD_LAZY, RTLD_NOW, RTLD_DEEPBIND = 1, 2, 8
APART = 0x10000  # of host.c: by dlmopen
NOBODY = 65534
HOST_SOURCE = (Path(__file__).parent / "host.c").read_text()

WITH_MOUNTS = ("unshare", *(("--user", "--map-root-user") if os.geteuid() else ()), "--mount")
"""Starts a command that may mount what only it will see; who is not root needs a user namespace for that."""

SEARCHED = frozenset(("rpath", "runpath", "ld_library_path", "cache", "default"))


@dataclass(frozen=True, slots=True)
class Question:
    """A load to put to the loader and to us. ``program`` starts the target instead of opening it."""

    target: str
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    lazy: bool = False
    deep_bind: bool = False
    apart: bool = False  # opened by dlmopen, in a namespace of its own
    program: bool = False
    already: tuple[str, ...] = ()
    host: str = ""
    uid: int | None = None
    mount: tuple[str, ...] = ()  # directories to remount noexec in the child's own mount namespace
    order_matters: bool = True  # whether the load order and the tried paths are compared too
    message_matters: bool = True


@dataclass(frozen=True, slots=True)
class Truth:
    """What the real loader did: loaded or not, its words, the objects it loaded in order, the paths it tried."""

    loads: bool
    message: str
    loaded: tuple[str, ...]
    tried: tuple[str, ...]
    status: int


class Workshop:
    """A folder for one case, and the tools to fill it."""

    def __init__(self, folder: Path, host: Path) -> None:
        self.folder = folder
        self.host = host
        self.host_source = HOST_SOURCE

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def ask(self, target: str, **changes: object) -> Question:
        """A question about a file of this folder."""
        question = Question(self.path(target), cwd=str(self.folder))
        return replace(question, **changes)  # type: ignore[arg-type]

    def folder_of(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def library(
        self,
        name: str,
        source: str = "",
        *flags: str,
        needs: Sequence[str] = (),
        soname: str | None = None,
        rpath: str | None = None,
        runpath: str | None = None,
        version_script: str = "",
        program: bool = False,
        libc: bool = False,
        compiler: str = "gcc",
    ) -> str:
        """Compile one library (or program) into this folder; ``needs`` are files of the folder it is linked with."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [needed(compiler), "-x", "c", "-", "-o", str(target), "-Wl,--no-as-needed,--allow-shlib-undefined"]
        if not program:
            command += ["-shared", "-fPIC"]
            if soname != "":
                command.append(f"-Wl,-soname,{soname or target.name}")
            if not libc:
                command.append("-nostdlib")
        if rpath is not None:
            command.append(f"-Wl,--disable-new-dtags,-rpath,{rpath}")
        if runpath is not None:
            command.append(f"-Wl,--enable-new-dtags,-rpath,{runpath}")
        if version_script:
            script = target.with_name(f"{target.name}.map")
            script.write_text(version_script)
            command.append(f"-Wl,--version-script={script}")
        linked = [word for need in needs for word in ("-x", "none", str(self.folder / need))]
        text = source or f"int in_{re.sub(r'[^a-z0-9]', '_', target.stem)};"
        build([*command, *flags, *linked], target, text)
        return str(target)

    def program(self, name: str, source: str = "int main(void){return 0;}", *flags: str, **options: object) -> str:
        return self.library(name, source, *flags, program=True, libc=True, **options)  # type: ignore[arg-type]

    def patch(self, name: str, offset: int, data: bytes) -> None:
        with (self.folder / name).open("r+b") as stream:
            stream.seek(offset)
            stream.write(data)

    def patchelf(self, name: str, *arguments: str) -> None:
        run([needed("patchelf"), *arguments, str(self.folder / name)])

    def open_to_all(self) -> None:
        """Let another user come as far as the files of this folder."""
        run(["chmod", "-R", "a+rX", str(self.folder)])
        place = self.folder
        while place.name and str(place) != "/tmp":
            place.chmod(0o755)
            place = place.parent

    def link(self, name: str, target: str) -> None:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def file(self, name: str, content: bytes) -> None:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    # The real loader

    def truth(self, question: Question) -> Truth:
        """Ask the loader of this machine, in a child that ends whatever happens."""
        debug = self.folder / "loader-debug"
        env = {**question.env, "LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(debug), "LC_ALL": "C"}
        flags = (RTLD_LAZY if question.lazy else RTLD_NOW) | (RTLD_DEEPBIND if question.deep_bind else 0)
        flags |= APART if question.apart else 0
        command = [question.target]
        if not question.program:
            command = [question.host or str(self.host), str(flags), *question.already, question.target]
        if question.uid is not None:
            command = [
                needed("setpriv"),
                f"--reuid={question.uid}",
                f"--regid={question.uid}",
                "--clear-groups",
                *command,
            ]
            env["LD_DEBUG_OUTPUT"] = "/dev/null"
        if question.mount:
            mounts = "; ".join(
                f"mount --bind {shlex.quote(d)} {shlex.quote(d)} && mount -o remount,bind,noexec {shlex.quote(d)}"
                for d in question.mount
            )
            inner = " ".join(f"{k}={shlex.quote(v)}" for k, v in env.items())
            command = [*WITH_MOUNTS, "sh", "-c", f"{mounts}; exec env -i {inner} {shlex.join(command)}"]
            env = {}
        try:
            done = subprocess.run(
                command, env=env, cwd=question.cwd, capture_output=True, text=True, timeout=20, check=False
            )
        except OSError as error:  # the kernel would not start it
            return Truth(False, f"{question.target}: {os.strerror(error.errno or 0)}", (), (), 127)
        tried: tuple[str, ...] = ()
        for log in self.folder.glob("loader-debug.*"):
            tried = tried_paths(log.read_text(errors="surrogateescape"), started=question.program)
            log.unlink()
        lines = done.stdout.splitlines()
        said = next((line[7:] for line in lines if line.startswith("error: ")), "")
        loaded = tuple(line[8:] for line in lines if line.startswith("loaded: "))
        loads = done.returncode == 0 and (question.program or "done" in lines)
        if not loads and not said:
            said = done.stderr.strip()
            if done.returncode < 0:
                said = signal.strsignal(-done.returncode) or ""
        return Truth(loads, said, loaded, tried, done.returncode)

    # Our answer

    def model(self, question: Question) -> LoaderModel:
        model = LoaderModel.this_process(env=question.env)
        view = HostFiles(uid=question.uid, noexec=question.mount)
        return replace(
            model,
            cwd=question.cwd,
            main_image=question.host or str(self.host),
            caller=None,
            already_loaded=question.already,
            deep_bind=question.deep_bind,
            new_namespace=question.apart,
            view=view,
        )

    def answer(self, question: Question) -> Explanation:
        mode = "lazy" if question.lazy else "now"
        return explain(question.target, model=self.model(question), mode=mode, as_library=not question.program)


@cache
def may_mount() -> bool:
    """Whether this system lets a child have mounts of its own."""
    return subprocess.run([*WITH_MOUNTS, "true"], capture_output=True, check=False).returncode == 0


def run(command: Sequence[str], *, text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{text}\n{done.stderr}"


def tried_paths(log: str, *, started: bool) -> tuple[str, ...]:
    """The candidates of LD_DEBUG=libs, those before the program's own start left out unless it is the subject."""
    if not started:
        log = log.partition("transferring control:")[2]
    return tuple(re.findall(r"^\s+\d+:\s+trying file=(.*)$", log, re.MULTILINE))


def our_tried(explanation: Explanation) -> tuple[str, ...]:
    """The candidates of our search, as LD_DEBUG=libs would name them."""
    steps: list[SearchStep] = list(explanation.search.steps) if explanation.search else []
    edges: tuple[DependencyEdge, ...] = explanation.graph.edges
    for edge in edges:
        if edge.kind is not DependencyKind.DLOPEN:  # opened when it is wanted, not now
            steps += edge.steps
    return tuple(s.candidate for s in steps if s.rule in SEARCHED and s.candidate)


def our_loaded(explanation: Explanation) -> tuple[str, ...]:
    """The objects of our graph in the order they were loaded, without those the host had before."""
    chosen = {e.chosen for e in explanation.graph.edges if e.how in SEARCHED or e.how == "explicit"}
    how = explanation.search.how if explanation.search else ""
    root = explanation.graph.root.path if how in SEARCHED or how == "explicit" else None
    return tuple(n.path for n in explanation.graph.nodes if n.path == root or n.path in chosen)


def loads(explanation: Explanation) -> bool:
    return explanation.verdict in (LoadVerdict.LOADS, LoadVerdict.LOADS_WITH_RISK)


CaseFunction = Callable[[Workshop], Question]
CASES: dict[str, CaseFunction] = {}


def case(function: CaseFunction) -> CaseFunction:
    """Register a case; its name and docstring state the rule."""
    known = CASES.get(function.__name__)
    same = known is None or known.__code__.co_filename == function.__code__.co_filename
    assert same, f"two cases are called {function.__name__}"
    CASES[function.__name__] = function
    return function


def dump(value: object) -> str:
    return json.dumps(value, indent=1, default=str)
