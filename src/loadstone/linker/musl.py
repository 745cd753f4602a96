"""musl's loader, as rules. Source: ldso/dynlink.c of musl, read for its rules; observed with musl 1.2.3.

What differs from glibc: RPATH and RUNPATH are one thing, inherited by everything below, and searched after
LD_LIBRARY_PATH; SONAMEs do not matter, only the leaf name a library was searched by; there is no cache, no version
check and no laziness to speak of; the C library answers to several names.
"""

from __future__ import annotations

import errno
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.claims import Location, Severity
from loadstone.core.image import Dependency, DependencyKind, Format, Image, ImageKind, ImageSymbol, SymbolBinding
from loadstone.core.trace import Diagnosis, SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.diagnoses.environments import anew, reinstall_both
from loadstone.linker.diagnoses.interpreters import for_musl
from loadstone.linker.diagnoses.mistyped import library_meant, meant
from loadstone.linker.diagnoses.whereabouts import folders_around, folders_beside, from_origin, names_in
from loadstone.linker.extension import is_extension, is_host_symbol
from loadstone.linker.request import LoaderModel
from loadstone.linker.walk import ResolvedName, SimulatedLibrary, members_below, simulated_by
from loadstone.quick_dataclass import dataclass
from loadstone.shell import quoted_entry, quoted_path

__all__ = ["MuslRules"]

_OWN_NAMES: Final = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")
_OF_GLIBC: Final = ("libc.so.6", "ld-linux")
_DEFAULT_DIRS: Final = ("/lib", "/usr/local/lib", "/usr/lib")
_GOES_ON: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENAMETOOLONG))
_MAX_NAME: Final = 255
_PREFIX: Final = re.compile(r"_ZNK?\d+[A-Za-z]+|_*[A-Za-z][A-Za-z0-9]{2,}_")
"""What the functions of one library have in common: a C++ scope, or the first word of a C name."""
_LEAST_AKIN: Final = 2
_RELR_FROM: Final = (1, 2, 4)


@dataclass(slots=True)
class MuslRules:
    """The rules for one model: its loader's path gives the prefix of ``/etc/ld-musl-ARCH.path``."""

    model: LoaderModel

    @property
    def name(self) -> str:
        release = ".".join(map(str, self.model.release))
        return simulated_by(self.model, f"musl {release}".rstrip())

    @property
    def assumptions(self) -> tuple[str, ...]:
        return self.model.assumptions

    def followed(self, image: Image) -> Iterable[Dependency]:
        return (d for d in image.needed if d.kind is DependencyKind.NEEDED)

    def locate(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> ResolvedName:
        if "/" in name:
            return self._open_all([("explicit", "", name)])
        if name.startswith(_OWN_NAMES) and ".so" in name:
            step = SearchStep("musl-itself", self.model.interpreter, StepOutcome.TAKEN, "the loader is the C library")
            image = self._image(self.model.interpreter) if self.model.view.exists(self.model.interpreter) else None
            return ResolvedName((step,), self.model.interpreter or name, image, "musl-itself", assumed=image is None)
        known = next((m for m in loaded if posixpath.basename(m.path) == name and m.above is not None), None)
        if known is not None:
            step = SearchStep(
                "loaded-name", known.path, StepOutcome.TAKEN, "it was searched for before under this name"
            )
            return ResolvedName((step,), known.path, known.image, "loaded-name")
        if len(name) > _MAX_NAME:
            return ResolvedName((SearchStep("name", name, StepOutcome.FATAL, f"longer than {_MAX_NAME} characters"),))
        found = self._open_all(list(self._places(name, requester)))
        if found.path is None and name in self.model.granted:
            step = SearchStep("granted", name, StepOutcome.TAKEN, "a library of the system it is for")
            return ResolvedName((*found.steps, step), name, None, "granted", assumed=True)
        return found

    def _places(self, name: str, requester: SimulatedLibrary | None) -> Iterator[tuple[str, str, str]]:
        """(rule, where the rule was read, path) of every candidate, in order."""
        if not self.model.secure:
            for directory in (self.model.variable("LD_LIBRARY_PATH") or "").replace("\n", ":").split(":"):
                if directory:
                    yield "ld_library_path", "LD_LIBRARY_PATH", posixpath.join(directory, name)
        for member in requester.stack if requester else ():
            for directory in self._rpath(member):
                yield "rpath", member.path, posixpath.join(directory, name)
        for directory in self._system_path():
            yield "default", self._path_file(), posixpath.join(directory, name)

    def _rpath(self, member: SimulatedLibrary) -> tuple[str, ...]:
        """The expanded run path of one image; a token that musl does not know voids it whole."""
        image = member.image
        elements = (image.runpath or image.rpath) if image else ()
        origin = posixpath.dirname(member.path)
        if any("$" in e.replace("$ORIGIN", "").replace("${ORIGIN}", "") for e in elements):
            return ()
        return tuple(e.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for e in elements if e)

    def _path_file(self) -> str:
        loader = posixpath.basename(self.model.interpreter)
        prefix = posixpath.dirname(posixpath.dirname(self.model.interpreter)).rstrip("/")
        return f"{prefix}/etc/{loader.removesuffix('.so.1')}.path"

    def _system_path(self) -> tuple[str, ...]:
        try:
            text = self.model.view.read_bytes(self._path_file()).decode("utf-8", "surrogateescape")
        except OSError:
            return _DEFAULT_DIRS
        return tuple(d for d in text.replace("\n", ":").split(":") if d)

    def _open_all(self, places: list[tuple[str, str, str]]) -> ResolvedName:
        """The first that opens is final: its machine and magic are not looked at."""
        steps: list[SearchStep] = []
        for rule, source, path in places:
            try:
                self.model.view.open(self.model.absolute(path))
            except OSError as error:
                gone = error.errno in _GOES_ON
                outcome = StepOutcome.ABSENT if error.errno == errno.ENOENT else StepOutcome.UNREADABLE
                steps.append(
                    SearchStep(
                        rule,
                        path,
                        outcome if gone else StepOutcome.FATAL,
                        error.strerror or "",
                        source,
                        "",
                        error.errno,
                    )
                )
                if not gone:
                    break
                continue
            image = self._image(self.model.absolute(path))
            if image is None:
                steps.append(SearchStep(rule, path, StepOutcome.FATAL, "Exec format error", source))
                break
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN, "", source))
            return ResolvedName(tuple(steps), path, image, rule)
        return ResolvedName(tuple(steps))

    def _image(self, path: str) -> Image | None:
        try:
            image = self.model.view.image(self.model.view.open(path))
        except (OSError, LoadstoneError):
            return None
        return image if image.format is Format.ELF else None

    def missing(self, dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName) -> Diagnosis | None:
        reason = next((s.reason for s in located.steps if s.outcome is StepOutcome.FATAL), "No such file or directory")
        return Diagnosis(
            code="dep-not-found",
            blocking=True,
            subject=dependency.name,
            explanation=f"{requester.path} needs {dependency.name}, which musl's loader does not find.",
            loader_message=f"Error loading shared library {dependency.name}: {reason} (needed by {requester.path})",
            advice=self._where(dependency.name, requester),
            chain=(*requester.chain, dependency.name),
            evidence=(Location.bytes(requester.path, dependency.offset, 16),),
            steps=located.steps,
        )

    def _where(self, name: str, requester: SimulatedLibrary) -> str:
        """The command that leads to a library that is near by; else what brings it."""
        if name.startswith(_OF_GLIBC) or (self.model.interpreter and name.startswith("ld64")):
            return for_musl(anew(self.model, requester.path))
        origin = posixpath.dirname(self.model.absolute(requester.path))
        for folder in (*folders_around(self.model, origin), *folders_beside(self.model, origin), self.model.cwd):
            path = posixpath.join(folder, name)
            image = self._image(path) if "/" not in name else None
            if image is not None and image.machine.code == self.model.abi.machine:
                entry = from_origin(posixpath.normpath(folder), origin)
                return f"patchelf --add-rpath {quoted_entry(entry)} {quoted_path(requester.path)}"
        if "/" in name:
            return meant(self.model, name)
        again = anew(self.model, requester.path)
        stem = name.partition(".so")[0]
        other = next((n for d in _DEFAULT_DIRS for n in self._names_in(d) if n.partition(".so.")[0] == stem), None)
        bring = f"apk add {shlex.quote(f'so:{name}')}"
        if other is not None:
            return (
                f"there is {other}, which is another interface: {again or 'a build for this release of the system'}; or"
                f" {bring}, if its packages have it still"
            )
        return f"install the package that has it: {bring}"

    def _names_in(self, folder: str) -> tuple[str, ...]:
        return tuple(name for name in names_in(self.model, folder) if ".so." in name)

    def unopenable(self, target: str, located: ResolvedName, reason: str) -> Diagnosis:
        last = located.steps[-1] if located.steps else None
        said = reason or (last.reason if last else "") or "No such file or directory"
        return Diagnosis(
            code="not-found",
            blocking=True,
            subject=target,
            explanation=f"musl's loader cannot open {target}: {said}.",
            loader_message=f"Error loading shared library {target}: {said}",
            advice=self._instead(target) if said.startswith("No such") else "",
            steps=located.steps,
        )

    def _instead(self, target: str) -> str:
        """What to ask for, or to install, in the place of something that is not there."""
        if "/" in target:
            return meant(self.model, target)
        return library_meant(self.model, target) or f"apk add {shlex.quote(f'so:{target}')}"

    def check(self, member: SimulatedLibrary, target: SimulatedLibrary) -> Iterable[Diagnosis]:
        """Every symbol that is not weak must be defined by somebody in the process; versions do not matter."""
        if member is not target or member.image is None:
            return
        members = list(members_below(target))
        yield from self._packed_relocations(members)
        if member.image.kind not in (ImageKind.EXECUTABLE, ImageKind.PIE):
            yield from self._late_storage(members)
        if any(m.image is None for m in members):
            return  # somebody who could define them is only assumed: then nothing can be said
        glibc = any(name.startswith(_OF_GLIBC) for name in self._names(members))
        definers = [*self._started(), *members]
        for user in members:
            assert user.image is not None
            for symbol in user.image.imports:
                if symbol.binding is SymbolBinding.WEAK or any(_defines(m, symbol.name) for m in definers):
                    continue
                is_of_python = self.model.is_python or is_extension(target.path, member.image)
                if not (is_of_python and is_host_symbol(symbol.name)):
                    yield _undefined(user, symbol, self._advice(user, symbol.name, glibc=glibc), glibc=glibc)

    def _advice(self, user: SimulatedLibrary, name: str, *, glibc: bool) -> str:
        """What to do about a symbol that is not there: first of all, whether a build for musl is only hidden."""
        again = anew(self.model, user.path)
        if not glibc and self._is_of_glibc(name):
            return (
                f"glibc's C library has {name}, and musl has not: build {user.path} here, without it (its configuration"
                f" was made for glibc), or link a library that has it{f'; {again}' if again else ''}"
            )
        if not glibc:
            return (
                self._of_another_release(user, name)
                or "link the library that defines it, or load that one first with RTLD_GLOBAL"
            )
        hidden = self._hidden_by(user)
        if hidden is not None:
            folder = shlex.quote(posixpath.dirname(hidden))
            return (
                f"{user.path} comes first and is for glibc; {hidden} is for musl: take the first away, or"
                f" LD_LIBRARY_PATH={folder}"
            )
        return for_musl(again)

    def _of_another_release(self, user: SimulatedLibrary, name: str) -> str:
        """What to do where one needed library has others of its prefix, and is older or newer than what needs it."""
        found = _PREFIX.match(name)
        for _, needed in user.needs if found is not None else ():
            if needed is None or needed.image is None or found is None:
                continue
            akin = [other for other in _exported(needed.image) if other.startswith(found[0])]
            if len(akin) >= _LEAST_AKIN:
                again = reinstall_both(self.model, user.path, needed.path)
                other = f"build {user.path} anew with the one that is there"
                return f"{needed.path} has others of its prefix and not this one: {again or other}"
        return ""

    def _is_of_glibc(self, name: str) -> bool:
        """Whether a function is glibc's, as far as there is one beside musl to look into."""
        from loadstone.linker.discovery import glibc_beside  # noqa: PLC0415  only this question needs it

        libraries = glibc_beside(self.model.view, self.model.abi)
        return any(symbol.exported for image in libraries for symbol in image.symbols.named(name))

    def _hidden_by(self, user: SimulatedLibrary) -> str | None:
        """A file of the same name that the search would come to next and that is not for glibc."""
        name = posixpath.basename(user.path)
        for _, _, path in self._places(name, user.above):
            image = self._image(self.model.absolute(path)) if path != user.path else None
            if image is not None and not any(d.name.startswith(_OF_GLIBC) for d in image.needed):
                return path
        return None

    def _late_storage(self, members: list[SimulatedLibrary]) -> Iterator[Diagnosis]:
        """Thread-local storage at a fixed offset: musl has room for what is there at the start, and none to spare."""
        variable = self.model.variable("LD_PRELOAD") or ""
        preloaded = (*self.model.preload, *variable.replace(" ", ":").split(":"))
        for member in members:
            facts = member.image.native if member.image else None
            at_start = member.path == self.model.interpreter or member.path in preloaded
            if at_start or not isinstance(facts, ElfFacts) or facts.tls is None:
                continue
            assert member.image is not None
            table = member.image.symbols
            own = [n for n in sorted(facts.usage.thread_locals) if not n or (n < len(table) and table.defined[n])]
            if not own:
                continue
            name = table.names[own[0]] if own[0] else ""
            said = f"{name}: initial-exec TLS resolves to dynamic definition in {member.path}"
            file = quoted_path(member.path)
            yield Diagnosis(
                code="static-tls",
                blocking=True,
                subject=member.path,
                explanation=f"{member.path} reaches its thread-local storage at a fixed offset (initial-exec), for"
                " which musl keeps no room in a process that has started; libraries of Go (c-shared) are such.",
                loader_message=f"Error relocating {member.path}: {said}",
                advice=f"load it at the start: LD_PRELOAD={file}; or build it with -ftls-model=global-dynamic",
                chain=member.chain,
                evidence=(Location.bytes(member.path, facts.dynamic.offset, 1),),
                severity=Severity.HIGH,
            )

    def _started(self) -> list[SimulatedLibrary]:
        """What the process has before the load: musl itself, which is its C library, and the program."""
        found = [
            SimulatedLibrary(path, self._image(path))
            for path in (self.model.main_image, self.model.interpreter)
            if path
        ]
        return [member for member in found if member.image is not None]

    def _packed_relocations(self, members: list[SimulatedLibrary]) -> Iterator[Diagnosis]:
        release = self.model.release
        if not release or release >= _RELR_FROM:
            return
        for member in members:
            facts = member.image.native if member.image else None
            if isinstance(facts, ElfFacts) and facts.relr:
                said = ".".join(map(str, release))
                yield Diagnosis(
                    code="relr-ignored",
                    blocking=False,
                    subject=member.path,
                    explanation=f"{member.path} has packed relocations (DT_RELR), which musl {said} does not know and"
                    " leaves undone: the first use of a pointer among its data ends the process by SIGSEGV.",
                    advice="use musl 1.2.4 or newer, or link it with -Wl,-z,nopack-relative-relocs",
                    chain=member.chain,
                    evidence=(Location.bytes(member.path, facts.dynamic.offset, 1),),
                    severity=Severity.CRITICAL,
                )

    @staticmethod
    def _names(members: list[SimulatedLibrary]) -> Iterator[str]:
        for member in members:
            yield from (d.name for d, _ in member.needs)


def _undefined(user: SimulatedLibrary, symbol: ImageSymbol, advice: str, *, glibc: bool) -> Diagnosis:
    hint = " It was built for glibc." if glibc else ""
    return Diagnosis(
        code="undefined-symbol",
        blocking=True,
        subject=symbol.name,
        explanation=f"{user.path} imports the symbol {symbol.name}, which no library exports.{hint}",
        loader_message=f"Error relocating {user.path}: {symbol.name}: symbol not found",
        advice=advice,
        chain=user.chain,
        evidence=(Location.bytes(user.path, symbol.offset, 24),),
        severity=Severity.HIGH,
    )


def _defines(member: SimulatedLibrary, name: str) -> bool:
    """Whether an image exports the name; hidden versions count as absent, the one thing musl knows of versions."""
    assert member.image is not None
    return name in _exported(member.image)


@lru_cache(maxsize=256)
def _exported(image: Image) -> frozenset[str]:
    return frozenset(s.name for s in image.exports if s.exported and (s.version is None or s.version.is_default))
