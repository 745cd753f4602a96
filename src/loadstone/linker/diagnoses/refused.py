"""The file was found and opened, and the loader will not have it: its headers, its kind, its place."""

from __future__ import annotations

import posixpath
from typing import Final

from loadstone.core.claims import Confidence
from loadstone.core.trace import Diagnosis
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.interpreters import its_loader
from loadstone.linker.discovery import machine_of
from loadstone.linker.graph import Refusal
from loadstone.linker.releases import behaviour_of
from loadstone.linker.thread_storage import reserve_of
from loadstone.shell import quoted_path

__all__ = ["refused"]

_ROWS: Final = {
    "is-executable": (
        "{path} is a program, not a library: its code expects to be the first thing in the process.",
        "run it, or link it as a library: gcc -shared -fPIC",
    ),
    "nodlopen": (
        "{path} forbids being opened at run time (it was linked with -z nodlopen).",
        "link your program against it, or rebuild it without -z nodlopen",
    ),
    "noexec-mount": (
        "{path} lies on a file system mounted noexec, where no code may be mapped.",
        (
            '{unpacked}mount -o remount,exec "$(findmnt -no TARGET -T {path})" (in /etc/fstab exec comes after user and'
            " users, which forbid it), or move it to a file system that allows execution"
        ),
    ),
    "exec-stack": (
        "{path} asks for an executable stack, which this release of glibc no longer grants to a library.",
        (
            "patchelf --clear-execstack {path}, or rebuild it with -Wl,-z,noexecstack;"
            " for now: GLIBC_TUNABLES=glibc.rtld.execstack=2"
        ),
    ),
    "program-exec-stack": (
        "{path} asks for an executable stack, and GLIBC_TUNABLES (glibc.rtld.execstack=0) allows no program one.",
        (
            "take glibc.rtld.execstack=0 out of GLIBC_TUNABLES; or patchelf --clear-execstack {path}, where nothing in"
            " it needs one"
        ),
    ),
    "filter-opened": (
        "{path} is a filter (DT_FILTER or DT_AUXILIARY), and glibc before 2.32 aborts the process when one is opened.",
        "link the program against it instead, or open what it filters",
    ),
    "debug-only": (
        "{path} holds only the debug information of a library, not its code.",
        "use the library it was split from",
    ),
    "truncated": (
        (
            "{path} is cut off: its segments reach beyond the end of the file, and touching the missing part kills the"
            " process with SIGBUS."
        ),
        "copy or download it again, and compare the sizes",
    ),
    "static-program": (
        "{program} is linked statically and has no loader in it: it can open no library at all.",
        "link the program dynamically",
    ),
    "segment-access": (
        (
            "{path} has a segment whose flags forbid what the loader does there (read tables, relocate, call the"
            " initialiser): the process dies with SIGSEGV."
        ),
        "rebuild it; a tool that changed its program headers took the flag away: readelf -lW {path}",
    ),
    "bad-headers": ("{path} has damaged headers: {text}.", "rebuild it; a tool that patched it broke it"),
    "token-unexpanded": (
        "{asking} needs {name}, and its token has no value here.",
        "link it against a name without tokens",
    ),
    "relr-undeclared": (
        "{path} uses packed relocations (DT_RELR) without saying so by the version GLIBC_ABI_DT_RELR.",
        "link it with a newer binutils: -Wl,-z,pack-relative-relocs",
    ),
    "version-of-no-dependency": (
        "{asking} needs versions of {name}, which is not among its dependencies: the loader aborts the process.",
        "a tool removed the dependency and left its versions; put it back: patchelf --add-needed {name} {asking}",
    ),
    "interp-missing": (
        (
            "{path} asks for the loader {loader}, which does not exist here: the kernel reports, misleadingly,"
            " that the program does not exist."
        ),
        "{its_loader}",
    ),
    "program-of-other-machine": (
        "{path} is a program for {name}, and the system around it is for {machine}.{emulated}",
        (
            "install its build for {machine}; or take a system for {name}, with an emulator such as qemu-user:"
            " docker run --platform linux/{platform}"
        ),
    ),
    "static-tls": (
        (
            "{path} needs {level} bytes of static thread-local storage, and of the {reserve} that all libraries opened"
            " after the start share, {left} are left{edge}."
        ),
        ("{early}{tunable}{first}; built anew with -ftls-model=global-dynamic it needs none of that"),
    ),
    "alignment-huge": (
        "{path} asks for a segment aligned to more address space than can be had in one piece.",
        "link it with a smaller alignment: -Wl,-z,max-page-size=65536",
    ),
    "page-size": (
        "{path} was linked for smaller pages than this system's of {page_size} bytes.",
        "link it with -Wl,-z,max-page-size={page_size}",
    ),
    "isa-level": (
        "{path} is built for a newer processor: it needs x86-64-v{level}, this one is x86-64-v{have}.",
        "install a build for x86-64-v{have} or lower",
    ),
}


_UNPACKED: Final = (
    "let the program that unpacks it there use another folder: TMPDIR=FOLDER, for Java -Djava.io.tmpdir=FOLDER; or "
)
_BY_PATCHELF: Final = (
    "rebuild it; or, where patchelf 0.18.0 changed it, which writes such segments: change the unchanged file with"
    " patchelf 0.17.2 or a newer one"
)
_TUNABLE_DEFAULT: Final = 512
_EDGE_BYTES: Final = 512
_EDGE: Final = "borderline: it depends on what the program and everything loaded before take"


def refused(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """A diagnosis from the table of sentences."""
    sentence, advice = _ROWS[refusal.code]
    asking = refusal.requester.path if refusal.requester else ""
    path = refusal.opened.path if refusal.opened else refusal.name
    words = {
        "path": path,
        "name": leaf(refusal.name),
        "loader": refusal.name,
        "asking": leaf(asking),
        "program": case.model.main_image or "the program",
        "text": refusal.failure.text,
        "machine": case.model.abi.name,
        **_own_system(case, refusal),
        "its_loader": its_loader(case.model, refusal.name, path) if refusal.code == "interp-missing" else "",
        "unpacked": _UNPACKED if _is_temporary(case, path) else "",
        "page_size": case.model.page_size,
        **_storage(case, refusal),
        "level": refusal.name,
        "have": case.model.isa_level,
    }
    if refusal.code == "bad-headers" and "not properly aligned" in refusal.failure.text:
        advice = _BY_PATCHELF
    likely = refusal.code in ("truncated", "alignment-huge") or bool(words["edge"])
    confidence = Confidence.LIKELY if likely else Confidence.CERTAIN
    return blocking(
        case,
        refusal,
        sentence.format(**words),
        advice.format(**_for_a_shell(refusal, words)),
        confidence=confidence,
    )


def _for_a_shell(refusal: Refusal, words: dict[str, object]) -> dict[str, object]:
    """The words of a sentence, with the names of files as a shell takes them."""
    asking = refusal.requester.path if refusal.requester else ""
    file = {"path": str(words["path"]), "name": str(words["name"]), "asking": asking}
    return {**words, **{word: quoted_path(text) for word, text in file.items()}}


def _is_temporary(case: SimulatedLoad, path: str) -> bool:
    """Whether a file lies where programs unpack what they carry."""
    folders = ("/tmp", "/var/tmp", "/dev/shm", case.model.variable("TMPDIR") or "/tmp")  # noqa: S108  only looked at
    return case.model.absolute(path).startswith(tuple(f"{folder.rstrip('/')}/" for folder in folders))


def _whole(case: SimulatedLoad, refusal: Refusal) -> str:
    """The path of the library that is refused, without detours, for a variable that is set once for every folder."""
    path = refusal.opened.path if refusal.opened else refusal.requester.path if refusal.requester else refusal.name
    return posixpath.normpath(case.model.absolute(path))


def _own_system(case: SimulatedLoad, refusal: Refusal) -> dict[str, str]:
    """What a program of another machine needs: a system of its own, which its emulator looks for as well."""
    if refusal.code != "program-of-other-machine" or refusal.opened is None:
        return {}
    image = case.model.view.image(refusal.opened)
    own = machine_of(image)
    missing = image.interpreter and not case.model.view.exists(image.interpreter)
    emulated = f" Where qemu-user runs it, that does not find {image.interpreter}." if missing else ""
    return {"platform": own.platform if own is not None else refusal.name, "emulated": emulated}


def _storage(case: SimulatedLoad, refusal: Refusal) -> dict[str, object]:
    """How much static thread-local storage was left, what would do, and whether another program could have more."""
    need, left = next(
        ((need, left) for owner, need, left in case.process.granted if owner is refusal.requester), (0, 0)
    )
    edge = f": {_EDGE}" if left and need - left <= _EDGE_BYTES else ""
    wanted = _TUNABLE_DEFAULT + -(-max(need - left, 0) // _TUNABLE_DEFAULT) * _TUNABLE_DEFAULT + _TUNABLE_DEFAULT
    tunable = f", or set GLIBC_TUNABLES=glibc.rtld.optional_static_tls={wanted}"
    has_tunable = behaviour_of(case.model.release).storage_tunable
    first = "; or import what brings it in first"
    early = f"load it early: LD_PRELOAD={quoted_path(_whole(case, refusal))}"
    if case.starts_program and case.process.auditors():
        early, first = "unset LD_AUDIT: with an auditor the libraries of the program share the reserve", ""
    tunable = tunable if has_tunable else ""
    reserve = max(reserve_of(case.model), left)
    return {"left": left, "reserve": reserve, "edge": edge, "tunable": tunable, "early": early, "first": first}
