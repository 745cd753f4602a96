"""The Windows loader, as rules: LoadLibraryEx the way CPython calls it, and the start of a program.

Sources: Microsoft, "Dynamic-link library search order", "LoadLibraryExW", "API sets". A DLL is opened with the flags of
extension modules and ctypes (its own directory, the program's, AddDllDirectory's, System32; neither PATH nor the
current directory; a Python before 3.8 asked for its own directory, System32, the current one and PATH); a program is
started with the standard search order, safe search on. Names are compared without case. On a machine that is no
Windows, DLLs of the system are taken for granted, and the answer says which.
"""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Confidence, Location, Severity
from loadstone.core.image import Dependency, DependencyKind, Format, Image
from loadstone.core.trace import Diagnosis, SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.diagnoses.environments import anew, reinstall_both
from loadstone.linker.diagnoses.mistyped import meant
from loadstone.linker.diagnoses.vendors import brought_by
from loadstone.linker.openers import environment_version
from loadstone.linker.request import LoaderModel
from loadstone.linker.walk import OPTIONAL, ResolvedName, SimulatedLibrary, members_below
from loadstone.linker.windows_advice import (
    FOLDERS_OF_PROJECTS,
    by_its_path,
    for_an_older_windows,
    for_another_python,
    newer_of_the_system,
    numbered_otherwise,
    of_a_smaller_windows,
    redistributable_of,
)
from loadstone.linker.windows_assemblies import missing_assemblies, private_folders, without_manifest
from loadstone.linker.windows_entries import exported, missing_entries
from loadstone.linker.windows_names import (
    API_SETS_OF_WINDOWS_7,
    DEBUG_RUNTIME,
    KNOWN_DLLS,
    SYSTEM_DLLS,
    VC_RUNTIME,
    folder_of,
)
from loadstone.linker.windows_words import is_program, not_found, not_valid
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["WindowsRules"]

_API_SETS: Final = ("api-", "ext-")
_FORMATS: Final = {Format.ELF: "for Linux or another ELF system", Format.MACHO: "for macOS"}
_LEVELS: Final = 5
_MAX_FOLDERS: Final = 10_000
_HOST_MODULES: Final = ("python3", "libpython3")
_UNIVERSAL_CRT: Final = "api-ms-win-crt-"
_A_PYTHON: Final = re.compile(r"python\d{2,3}\.dll")
_OF_CONDA: Final = "Library/bin"
_OF_DLLS: Final = frozenset(("bin", "lib", "x86", "x64", "win32", "win64", "amd64"))
_OLD_PYTHON: Final = re.compile(r"python(?:2\d|3[0-7])(?:_d)?\.dll")
_HOST_RUNTIME: Final = frozenset(("vcruntime140", "vcruntime140_1"))  # shipped beside python.exe


@dataclass(slots=True)
class WindowsRules:
    """The rules for one model. ``env`` may hold PATH; ``system_dirs`` System32 where there is one to look into."""

    model: LoaderModel
    _listed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "Windows loader"

    @property
    def assumptions(self) -> tuple[str, ...]:
        flags = "its own directory, the program's, AddDllDirectory's and System32 are searched: Python 3.8 and newer"
        return (*self.model.assumptions, flags)

    def followed(self, image: Image) -> Iterable[Dependency]:
        """Static imports; delay-loaded ones wait for their first call, but are shown."""
        return (d for d in image.needed if d.kind in (DependencyKind.NEEDED, DependencyKind.DELAY))

    def locate(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> ResolvedName:
        if requester is None:
            return self._target(name)
        base = name.casefold()
        stem = base.removesuffix(".dll")
        if base.startswith(_API_SETS) and self._has_contract(base):
            return _granted("api-set", name, "a contract, mapped to a system library by the API set schema")
        known = next((m for m in loaded if ntpath.basename(m.path).casefold() == base), None)
        if known is not None:
            step = SearchStep("loaded-module", known.path, StepOutcome.TAKEN, "a loaded module has this base name")
            return ResolvedName((step,), known.path, known.image, "loaded-module", known.assumed)
        before = self._loaded_before(base)
        if before is not None:
            return before
        if stem in KNOWN_DLLS and not self.model.system_dirs:
            return _granted("known-dll", name, "one of the KnownDLLs: always from System32")
        steps: list[SearchStep] = []
        for rule, directory in self._directories(requester, loaded):
            found = self._member(directory, base)
            path = posixpath.join(directory, found or name)
            if found is None:
                steps.append(SearchStep(rule, path, StepOutcome.ABSENT))
                continue
            image = self._image(path)
            reason = "" if image else "it is not a Windows library"
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN if image else StepOutcome.FATAL, reason))
            return ResolvedName(tuple(steps), path if image else None, image, rule)
        if stem in SYSTEM_DLLS and not self.model.system_dirs:
            granted = _granted("system32", name, "a library of the system, in System32")
            return ResolvedName((*steps, *granted.steps), granted.path, None, "system32", assumed=True)
        is_host = stem.startswith(_HOST_MODULES) and not self._is_another_python(base)
        if is_host or (stem in _HOST_RUNTIME and _for_python(loaded[0])):
            granted = _granted("host", name, "the Python interpreter that imports it has it loaded")
            return ResolvedName((*steps, *granted.steps), granted.path, None, "host", assumed=True)
        return ResolvedName(tuple(steps))

    def _is_another_python(self, base: str) -> bool:
        """Whether a name is that of an interpreter, and the one that opens the module lies beside another's."""
        if not _A_PYTHON.fullmatch(base) or not self.model.main_image:
            return False
        folder = posixpath.dirname(self.model.main_image)
        self._member(folder, base)
        beside = [name for name in self._listed[folder] if _A_PYTHON.fullmatch(name)]
        if not beside:  # a virtual environment's says it in a file
            running = environment_version(self.model.view, posixpath.dirname(folder))
            beside = [f"python{running[0]}{running[1]}.dll"] if running is not None else []
        return bool(beside) and base not in beside

    def _has_contract(self, base: str) -> bool:
        """Whether an API set is mapped, as far as the system at hand tells its age."""
        if base.startswith(_UNIVERSAL_CRT):
            return not self._is_before_windows_10()
        stem = base.removesuffix(".dll")
        return not self._is_windows_7() or stem in API_SETS_OF_WINDOWS_7

    def _is_windows_7(self) -> bool:
        """Whether a whole system is at hand that lacks what came with Windows 8."""
        return self._is_before_windows_10() and any(
            self._member(folder, "kernel32.dll") and not self._member(folder, "kernel.appcore.dll")
            for folder in self.model.system_dirs
        )

    def _is_before_windows_10(self) -> bool:
        """Whether a system at hand lacks the C run-time that Windows has by itself since version 10."""
        return bool(self.model.system_dirs) and all(
            self._member(folder, "ucrtbase.dll") is None for folder in self.model.system_dirs
        )

    def _loaded_before(self, base: str) -> ResolvedName | None:
        """A module opened before this load: its base name decides, whatever its folder."""
        path = next((p for p in self.model.already_loaded if ntpath.basename(p).casefold() == base), None)
        if path is None:
            return None
        image = self._image(self.model.absolute(path)) if "/" in path else None
        reason = "a module of this base name was loaded before" if image else "the program has it loaded"
        step = SearchStep("loaded-module", path, StepOutcome.TAKEN, reason)
        return ResolvedName((step,), path, image, "loaded-module", assumed=image is None)

    def _target(self, name: str) -> ResolvedName:
        path = self.model.absolute(name)
        image = self.model.view.image(self.model.view.open(path)) if self.model.view.exists(path) else None
        if image is None:
            return self._by_name(name)
        if image.format is not Format.PE:
            said = f"it is {_FORMATS[image.format]}, no Windows library"
            return ResolvedName((SearchStep("explicit", name, StepOutcome.FATAL, said),))
        program = self._image(self.model.absolute(self.model.main_image)) if self.model.main_image else None
        if program is not None and program.machine != image.machine:
            said = f"it is for {image.machine.name}, and {self.model.main_image} for {program.machine.name}"
            return ResolvedName((SearchStep("explicit", name, StepOutcome.FATAL, said),))
        return ResolvedName((SearchStep("explicit", name, StepOutcome.TAKEN),), name, image, "explicit")

    def _by_name(self, name: str) -> ResolvedName:
        """A library asked for by its name alone, or a path that is not there."""
        steps = [SearchStep("explicit", name, StepOutcome.ABSENT, "No such file")]
        program = posixpath.dirname(self.model.main_image) if self.model.main_image else ""
        places = (("program-dir", program), *(("user-dir", folder) for folder in self.model.dll_directories),
                  *(("system32", folder) for folder in self.model.system_dirs))  # fmt: skip
        for rule, folder in places if "/" not in name else ():
            found = self._member(folder, name.casefold()) if folder else None
            path = posixpath.join(folder, found or name)
            image = self._image(path) if found else None
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN if image else StepOutcome.ABSENT))
            if image is not None:
                return ResolvedName(tuple(steps), path, image, rule)
        return ResolvedName(tuple(steps))

    def _directories(
        self, requester: SimulatedLibrary, loaded: tuple[SimulatedLibrary, ...]
    ) -> Iterator[tuple[str, str]]:
        """(rule, directory) in order; the root decides which order it is."""
        root = loaded[0]
        own = posixpath.dirname(self.model.absolute(root.path))
        asking = posixpath.dirname(self.model.absolute(requester.path))
        by_path = _searches_path(root)
        for directory in private_folders(requester, asking):
            yield "assembly", directory
        restricted = getattr(requester.image.native if requester.image else None, "dependent_load_flags", 0) == 0x800
        if not restricted:
            if is_program(root):
                yield "program-dir", own
            else:
                yield "dll-load-dir", own
                if self.model.main_image and not by_path:
                    yield "program-dir", posixpath.dirname(self.model.main_image)
                for directory in self.model.dll_directories if not by_path else ():
                    yield "user-dir", directory
        for directory in self.model.system_dirs:
            yield "system32", directory
        for directory in self.model.package_directories:
            yield "package-dir", directory
        if by_path and not restricted:
            yield "current-dir", self.model.cwd
            for directory in (self.model.variable("PATH") or "").split(";"):
                if directory:
                    yield "path", folder_of(directory) if self.model.system_dirs else directory

    def _member(self, directory: str, base: str) -> str | None:
        """The file of a directory with that name, whatever its case."""
        if directory not in self._listed:
            try:
                names = self.model.view.names(directory)
            except OSError:
                names = ()
            self._listed[directory] = {name.casefold(): name for name in names}
        return self._listed[directory].get(base)

    def _offers(self, folder: str, name: str, entry: str) -> bool:
        """Whether a folder has a DLL of that name, and that exports the entry if one is asked for."""
        found = self._member(folder, name.casefold())
        image = self._image(posixpath.join(folder, found)) if found is not None and entry else None
        return found is not None and (not entry or (image is not None and entry in exported(image)[0]))

    def _fits(self, folder: str, name: str, requester: SimulatedLibrary) -> bool:
        """Whether the DLL of a folder is for the processor of the one that asks."""
        image = self._image(posixpath.join(folder, self._member(folder, name.casefold()) or name))
        return image is None or requester.image is None or image.machine.code == requester.image.machine.code

    def _image(self, path: str) -> Image | None:
        try:
            image = self.model.view.image(self.model.view.open(path))
        except (OSError, LoadstoneError):
            return None
        return image if image.format is Format.PE else None

    def missing(self, dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName) -> Diagnosis | None:
        delayed = dependency.kind in OPTIONAL
        if located.steps and located.steps[-1].outcome is StepOutcome.FATAL:
            return _no_library(dependency, requester, located, blocking=not delayed)
        stem = dependency.name.casefold().removesuffix(".dll")
        if stem in DEBUG_RUNTIME:
            code, advice = "pe-debug-crt", "build the release configuration: debug run-times are not redistributable"
        elif stem in VC_RUNTIME:
            beside = "program" if is_program(requester.stack[-1]) else "library"
            code = "pe-vcruntime"
            year = redistributable_of(stem)
            shared = f"install the Visual C++ redistributable {year}, or ship the file beside the {beside}"
            advice = without_manifest(requester, dependency.name, beside) or shared
            if (near := self._near(dependency.name, requester)) is not None:
                advice = f"{dependency.name} is in {near}: copy it beside the {beside}; or {advice}"
        elif (near := self._near(dependency.name, requester)) is not None:
            code = "pe-delay" if delayed else "pe-missing-dll"
            advice = f"{dependency.name} is in {near}, which nothing makes known: " + _made_known(near, requester)
        elif stem.startswith(_API_SETS) and not stem.startswith(_UNIVERSAL_CRT):
            code, advice = "pe-missing-dll", self._for_an_older_windows(requester.path, stem)
        elif vendor := brought_by(self.model, dependency.name, requester.path) or for_another_python(
            self.model, stem, requester.path
        ):
            code, advice = "pe-delay" if delayed else "pe-missing-dll", vendor
        elif absent := of_a_smaller_windows(stem, dependency.name):
            code, advice = "pe-delay" if delayed else "pe-missing-dll", absent
        elif delayed:
            code, advice = "pe-delay", f"put {dependency.name} where it is searched before its first use"
        else:
            code = "pe-missing-dll"
            other = "call os.add_dll_directory() with its folder; PATH is not searched"
            if _searches_path(requester.stack[-1]):
                other = "add its folder to PATH"
            again = anew(self.model, requester.path)
            advice = f"put {dependency.name} beside {posixpath.basename(requester.path)}, or {other}"
            advice = f"{advice}; where its package should bring it: {again}" if again else advice
            if present := self._of_another_release(dependency.name, requester):
                build = f"there is {present}: install a build of {posixpath.basename(requester.path)} for that one"
                advice = f"{build}{f': {again}' if again else ''}; or {dependency.name}, the release it was built with"
        when = "at its first call" if delayed else "when it is loaded"
        return Diagnosis(
            code=code,
            blocking=not delayed,
            subject=dependency.name,
            explanation=f"{requester.path} needs {dependency.name} {when}, and it is in none of the places searched.",
            loader_message="exception 0xC06D007E" if delayed else not_found(dependency.name, requester.stack[-1]),
            advice=advice,
            chain=(*requester.chain, dependency.name),
            evidence=(Location.bytes(requester.path, dependency.offset, 20),),
            steps=located.steps,
            severity=Severity.MEDIUM if delayed else Severity.HIGH,
        )

    def _of_another_release(self, name: str, requester: SimulatedLibrary) -> str:
        """A DLL whose name differs in its numbers alone, where the missing one is looked for; empty for none."""
        own = posixpath.dirname(self.model.absolute(requester.path))
        folders = dict.fromkeys((own, *self.model.dll_directories, *self._not_searched()))
        for folder in folders:
            self._member(folder, "")
        return numbered_otherwise(name, {folder: tuple(self._listed[folder].values()) for folder in folders})

    def _for_an_older_windows(self, path: str, missing: str) -> str:
        name = posixpath.basename(path).casefold()
        system = next((f"{f}/{own}" for f in self.model.system_dirs if (own := self._member(f, name)) is not None), "")
        return for_an_older_windows(path, system, missing)

    def _near(self, name: str, requester: SimulatedLibrary, entry: str = "") -> str | None:
        """The folder of a package, near the file that asks, that has a DLL of that name, and with that entry."""
        above = posixpath.dirname(self.model.absolute(requester.path))
        for level in range(_LEVELS):
            above = posixpath.dirname(above) if level else above
            try:
                names = self.model.view.names(above)[:_MAX_FOLDERS]
            except OSError:
                return None
            for folder in ("", *(n for n in names if n.endswith((".libs", ".dlls")) or n in _OF_DLLS), _OF_CONDA):
                place = posixpath.join(above, folder).rstrip("/") or "/"
                if self._offers(place, name, entry) and self._fits(place, name, requester):
                    return place
            if above == "/":
                break
        return next((place for place in self._not_searched() if self._offers(place, name, entry)), None)

    def _not_searched(self) -> Iterator[str]:
        """The folders where people look for a module's DLLs, and Windows does not: of PATH and of CUDA, the current."""
        cuda = self.model.variable("CUDA_PATH")
        for element in (*(self.model.variable("PATH") or "").split(";"), f"{cuda}/bin" if cuda else ""):
            if element:
                yield from (element, folder_of(element))
        yield self.model.cwd

    def _other_copy(self, entry: str, dependency: Dependency, member: SimulatedLibrary) -> str:
        """How a copy that exports an entry comes before the one that was taken; empty where there is none."""
        chosen = next((found.path for d, found in member.needs if d is dependency and found is not None), "")
        known = (*self.model.dll_directories, *self.model.package_directories, *self.model.system_dirs)
        near = self._near(dependency.name, member, entry)
        folders = (near, *(f for f in known if self._offers(f, dependency.name, entry)))
        folder = next((f for f in folders if f is not None and f != posixpath.dirname(chosen)), None)
        if folder is None:
            is_systems = posixpath.dirname(chosen) in self.model.system_dirs
            newer = newer_of_the_system(dependency.name) if is_systems else ""
            return newer or reinstall_both(self.model, member.path, chosen)
        there = posixpath.normpath(posixpath.join(folder, dependency.name))
        if chosen in self.model.already_loaded:
            return f"{there} has it, and {chosen} is loaded already: load the first before it, or put it in its place"
        if _searches_path(member.stack[-1]):
            program = member.stack[-1].path
            return f"{there} has it, and {chosen} comes first: rename that one, or copy the first beside {program}"
        if posixpath.dirname(chosen) in self.model.system_dirs:
            return f"{there} has it: os.add_dll_directory({folder!r}) before, or put it beside {member.path}"
        return f"{there} has it, and {chosen} comes first: put the first beside {member.path}, or take the other away"

    def unopenable(self, target: str, located: ResolvedName, reason: str) -> Diagnosis:
        last = located.steps[-1] if located.steps else None
        reason = reason or (last.reason if last is not None and last.outcome is StepOutcome.FATAL else "")
        return Diagnosis(
            code="pe-missing-dll" if not reason else "pe-machine",
            blocking=True,
            subject=target,
            explanation=f"{target} cannot be opened: {reason or 'there is no such file'}.",
            loader_message=not_valid(None) if reason else not_found(target, None),
            advice=self._of_other_bits(target) if reason else self._meant(target),
            steps=located.steps,
        )

    def _meant(self, target: str) -> str:
        """What a path that is not there may have meant; of a bare name: its whole path."""
        if "/" in target:
            return meant(self.model, target)
        own = (*self._not_searched(), *(posixpath.join(self.model.cwd, inside) for inside in FOLDERS_OF_PROJECTS))
        return by_its_path(target, next((f for f in own if self._offers(f, target, "")), ""))

    def _of_other_bits(self, target: str) -> str:
        """Which build fits the program that opens a file, or which program would fit the file."""
        program = self._image(self.model.absolute(self.model.main_image)) if self.model.main_image else None
        image = self._image(self.model.absolute(target))
        if program is None or image is None:
            return "use the build for this Windows and the bits of its Python"
        name = posixpath.basename(target)
        again = anew(self.model, target)
        build = f"install the {program.machine.name} build of {name}{f': {again}' if again else ''}"
        other = f"open it in an {image.machine.name} program instead of {self.model.main_image}"
        return f"{build}; or {other}: the two cannot be in one process"

    def check(self, member: SimulatedLibrary, target: SimulatedLibrary) -> Iterable[Diagnosis]:
        if member.image is None or target.image is None:
            return
        if member.image.machine != target.image.machine:
            yield _other_machine(member, target)
        folder = posixpath.dirname(self.model.absolute(member.path))
        yield from missing_assemblies(
            member, folder, lambda place, name: self._member(place, name.casefold()) is not None
        )
        for dependency, provider in member.needs:
            if provider is not None and provider.image is not None:
                for found in missing_entries(member, dependency, provider, provider.image):
                    yield replace(found, advice=self._other_copy(found.subject, dependency, member) or found.advice)
                yield from self._forwarded(dependency, provider, provider.image, target)

    def _forwarded(
        self, dependency: Dependency, provider: SimulatedLibrary, image: Image, target: SimulatedLibrary
    ) -> Iterator[Diagnosis]:
        """Imports that the chosen DLL hands on to another: that one is opened as well, and must have them."""
        if dependency.kind is not DependencyKind.NEEDED or not image.symbols.forwards:
            return
        for wanted in dependency.symbols:
            symbol = next((s for s in image.symbols.named(wanted) if s.defined and s.forward), None)
            if symbol is None or symbol.forward is None:
                continue
            module, _, entry = symbol.forward.rpartition(".")
            onward = Dependency(f"{module}.dll", DependencyKind.NEEDED, symbol.offset, symbols=(entry,))
            located = self.locate(onward.name, provider, members_below(target))
            if located.path is None:
                found = self.missing(onward, provider, located)
                if found is not None:
                    text = f"{found.explanation} {provider.path} has {wanted} only as {symbol.forward} in there."
                    yield replace(found, explanation=text, confidence=Confidence.LIKELY)
            elif located.image is not None:
                there = SimulatedLibrary(located.path, located.image, provider, provider.depth + 1)
                yield from missing_entries(provider, onward, there, located.image)


def _searches_path(root: SimulatedLibrary) -> bool:
    """Whether the folders of PATH count: for a program, and for a module of Python before 3.8."""
    needed = root.image.needed if root.image is not None else ()
    return is_program(root) or any(_OLD_PYTHON.fullmatch(d.name.casefold()) for d in needed)


def _made_known(folder: str, requester: SimulatedLibrary) -> str:
    """How a folder comes to be searched."""
    if "!/" in requester.path and not folder.startswith(f"{requester.path.partition('!/')[0]}!/"):
        return f"put it beside {posixpath.basename(requester.path)} in the archive"
    command = f"set PATH={folder};%PATH%"
    if not _searches_path(requester.stack[-1]):
        command = f"os.add_dll_directory({folder!r}) before it is loaded, where its package is imported"
    return f"activate its environment of conda, or {command}" if folder.endswith(f"/{_OF_CONDA}") else command


def _for_python(root: SimulatedLibrary) -> bool:
    """Whether a library is an extension module: it imports the interpreter that will load it."""
    return root.image is not None and any(d.name.casefold().startswith(_HOST_MODULES) for d in root.image.needed)


def _granted(rule: str, name: str, reason: str) -> ResolvedName:
    return ResolvedName((SearchStep(rule, name, StepOutcome.TAKEN, reason),), name, None, rule, assumed=True)


def _no_library(
    dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName, *, blocking: bool
) -> Diagnosis:
    """A file of that name lies where the search ends, and it is something else."""
    found = located.steps[-1].candidate
    return Diagnosis(
        code="pe-machine",
        blocking=blocking,
        subject=dependency.name,
        explanation=f"{requester.path} needs {dependency.name}, and {found} is not a Windows library.",
        loader_message=not_valid(requester.stack[-1]),
        advice=f"put the real {dependency.name} in its place",
        chain=(*requester.chain, dependency.name),
        evidence=(Location.bytes(requester.path, dependency.offset, 20),),
        steps=located.steps,
        severity=Severity.HIGH,
    )


def _other_machine(member: SimulatedLibrary, target: SimulatedLibrary) -> Diagnosis:
    assert member.image is not None
    assert target.image is not None
    return Diagnosis(
        code="pe-machine",
        blocking=True,
        subject=member.path,
        explanation=f"{member.path} is for {member.image.machine.name}, {target.path} for {target.image.machine.name}.",
        loader_message=not_valid(target),
        advice=f"install the {target.image.machine.name} build of it",
        chain=member.chain,
        severity=Severity.HIGH,
    )
