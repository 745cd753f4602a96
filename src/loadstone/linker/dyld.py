"""dyld, the loader of macOS, as rules. Source: dyld4 (dyld-1378), read for its rules; dyld(1).

Names are paths: absolute, or beginning with ``@rpath``, ``@loader_path`` or ``@executable_path``. Each LC_RPATH of the
image that asks and of those that brought it in is tried in order. Libraries of the system live in the shared cache and
are no files at all since macOS 11; off a Mac they are taken for granted, and the answer says which. Every import names
its library, so a missing symbol is a fact about one file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from loadstone.binary.macho.facts import NO_VALIDATION, MachoFacts
from loadstone.binary.macho.layout import HeaderFlags
from loadstone.core.claims import Confidence, Location, Severity
from loadstone.core.image import Dependency, DependencyKind, Format, Image, ImageKind, SymbolBinding
from loadstone.core.symbols import ImageSymbol
from loadstone.core.trace import Diagnosis, SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.diagnoses.environments import anew, from_source
from loadstone.linker.diagnoses.mistyped import meant
from loadstone.linker.dyld_advice import architecture_of, build_for, by_name, lead
from loadstone.linker.dyld_policy import build_for_macos, numbers_of, of_another_team, unmet
from loadstone.linker.dyld_releases import newer_symbols, taken_out
from loadstone.linker.dyld_signatures import unsigned
from loadstone.linker.extension import HOST_SIGN, is_host_symbol
from loadstone.linker.request import LoaderModel
from loadstone.linker.walk import OPTIONAL, ResolvedName, SimulatedLibrary, members_below
from loadstone.quick_dataclass import dataclass
from loadstone.shell import quoted_path

__all__ = ["DyldRules"]

_SYSTEM: Final = ("/usr/lib/", "/System/Library/", "/System/iOSSupport/")
_FALLBACK: Final = ("/usr/local/lib", "/usr/lib")
_MAX_MISSING: Final = 20
_OF_A_LIBRARY: Final = re.compile(r"__ZNK?\d+(?!_)|_(?!(?:objc|OBJC|dyld|swift)_)[A-Za-z]")
"""A C++ name in a namespace or a class that is not the C++ library's own, or one of C that no compiler makes up."""


@dataclass(slots=True)
class DyldRules:
    """The rules for one model. The process is of the target's own architecture; a hardened one ignores DYLD_*."""

    model: LoaderModel

    @property
    def name(self) -> str:
        return f"dyld of {_macos(self._release)}" if self._release else "dyld"

    @property
    def _release(self) -> tuple[int, ...]:
        """The macOS that is asked about; empty when none is: a release below 10 is that of another loader."""
        release = numbers_of(".".join(map(str, self.model.release)))
        return release if release >= (10,) else ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        program = self.model.main_image or "an unknown program, so @executable_path is unknown"
        return (*self.model.assumptions, f"it is loaded by {program}")

    def followed(self, image: Image) -> Iterable[Dependency]:
        return (d for d in image.needed if d.kind is not DependencyKind.LAZY)

    def locate(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> ResolvedName:
        if requester is None:
            return self._target(name)
        known = next((m for m in loaded if m.image is not None and m.image.identity == name), None)
        if known is not None:
            step = SearchStep(
                "loaded-install-name", known.path, StepOutcome.TAKEN, "a loaded library has this install name"
            )
            return ResolvedName((step,), known.path, known.image, "loaded-install-name")
        steps: list[SearchStep] = []
        for rule, source, path in self._places(name, requester, loaded[0]):
            found, reason = self._image(path, loaded[0].image)
            if found is None:
                absent = not self.model.view.exists(path)
                steps.append(
                    SearchStep(rule, path, StepOutcome.ABSENT if absent else StepOutcome.SKIPPED, reason, source)
                )
                continue
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN, "", source))
            return ResolvedName(tuple(steps), path, found, rule)
        if name.startswith(_SYSTEM) and not self.model.system_dirs and not taken_out(name, self._release):
            steps.append(
                SearchStep("shared-cache", name, StepOutcome.TAKEN, "a library of the system, in the shared cache")
            )
            return ResolvedName(tuple(steps), name, None, "shared-cache", assumed=True)
        return ResolvedName(tuple(steps))

    def _target(self, name: str) -> ResolvedName:
        path = self.model.absolute(name)
        if not self.model.view.exists(path):
            return self._by_name(name)
        image, reason = self._image(path, self._program())
        outcome = StepOutcome.TAKEN if image else StepOutcome.FATAL
        return ResolvedName(
            (SearchStep("explicit", name, outcome, reason),), name if image else None, image, "explicit"
        )

    def _by_name(self, name: str) -> ResolvedName:
        """A library asked for by its name alone, or a path that is not there."""
        steps = [SearchStep("explicit", name, StepOutcome.ABSENT, "no such file")]
        first, last = (self._variable(v) for v in ("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"))
        places = (*(("dyld_library_path", d) for d in first), *(("fallback", d) for d in last or _FALLBACK))
        for rule, directory in places if "/" not in name and not self.model.secure else ():
            path = posixpath.join(directory, name)
            image, reason = self._image(path, self._program())
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN if image else StepOutcome.ABSENT, reason))
            if image is not None:
                return ResolvedName(tuple(steps), path, image, rule)
        return ResolvedName(tuple(steps))

    def _program(self) -> Image | None:
        """The program that opens the target, whose architecture it must have too; None where none is known."""
        program = self.model.main_image
        return self._image(self.model.absolute(program), None)[0] if program else None

    def _places(self, name: str, requester: SimulatedLibrary, root: SimulatedLibrary) -> Iterator[tuple[str, str, str]]:
        """(rule, image the rule was read from, path) of every candidate, in order."""
        leaf = posixpath.basename(name)
        if not self.model.secure:
            for directory in self._variable("DYLD_LIBRARY_PATH"):
                yield "dyld_library_path", "DYLD_LIBRARY_PATH", posixpath.join(directory, leaf)
        yield from self._expanded(name, requester, root)
        if not self.model.secure:
            for directory in self._variable("DYLD_FALLBACK_LIBRARY_PATH") or _FALLBACK:
                yield "fallback", "", posixpath.join(directory, leaf)

    def _variable(self, name: str) -> tuple[str, ...]:
        return tuple(part for part in (self.model.variable(name) or "").split(":") if part)

    def _expanded(
        self, name: str, requester: SimulatedLibrary, root: SimulatedLibrary
    ) -> Iterator[tuple[str, str, str]]:
        if name.startswith("@rpath/"):
            for member in requester.stack:
                for directory in member.image.search_dirs if member.image else ():
                    path = self._anchored(directory.text, member, root)
                    if path is not None:
                        yield "rpath", member.path, posixpath.normpath(posixpath.join(path, name[len("@rpath/") :]))
            return
        path = self._anchored(name, requester, root)
        if path is not None and path.startswith("/"):
            yield ("loader-path" if name.startswith("@") else "explicit"), requester.path, path
        elif path is not None:
            yield "current-dir", requester.path, self.model.absolute(path)

    def _anchored(self, text: str, member: SimulatedLibrary, root: SimulatedLibrary) -> str | None:
        """``@loader_path`` and ``@executable_path`` at the start replaced; None when what they stand for is unknown."""
        word, _, rest = text.partition("/")
        if word == "@loader_path":
            return posixpath.normpath(posixpath.join(posixpath.dirname(self.model.absolute(member.path)), rest))
        if word == "@executable_path":
            program = self.model.main_image
            is_program = root.image is not None and root.image.kind in (ImageKind.EXECUTABLE, ImageKind.PIE)
            if program is None and is_program:
                program = self.model.absolute(root.path)
            return posixpath.normpath(posixpath.join(posixpath.dirname(program), rest)) if program else None
        return text

    def _image(self, path: str, like: Image | None) -> tuple[Image | None, str]:
        """The slice of a file for the process's architecture, or why there is none, in dyld's words."""
        try:
            slices = self.model.view.images(self.model.view.open(path))
        except OSError as error:
            return None, "no such file" if not self.model.view.exists(path) else (error.strerror or "unreadable")
        except LoadstoneError:
            return None, "not a mach-o file"
        if slices[0].format is not Format.MACHO:
            return None, "not a mach-o file"
        found = slices[0] if like is None else next((i for i in slices if i.machine.code == like.machine.code), None)
        if found is None and like is not None:
            have = ",".join(map(architecture_of, slices))
            return (
                None,
                f"mach-o file, but is an incompatible architecture (have '{have}', need '{architecture_of(like)}')",
            )
        return found, ""

    def missing(self, dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName) -> Diagnosis | None:
        if dependency.kind in OPTIONAL:
            return None
        wrong = next((s.reason for s in located.steps if "incompatible architecture" in s.reason), "")
        rpaths = sum(len(m.image.search_dirs) for m in requester.stack if m.image)
        if wrong:
            code, advice = "macho-arch", build_for(self.model, _wrong_file(located), requester.stack[-1].image)
        else:
            code = "macho-rpath" if dependency.name.startswith("@rpath/") else "macho-not-found"
            advice = lead(self.model, dependency.name, requester)
        tried = ", ".join(f"'{s.candidate}' ({s.reason or 'no such file'})" for s in located.steps)
        reason = f"tried: {tried}" if tried else "no LC_RPATH's found"
        uuid = _uuid(requester.image)
        where = "in no LC_RPATH" if rpaths else "and no image on the way has an LC_RPATH"
        return Diagnosis(
            code=code,
            blocking=True,
            subject=dependency.name,
            explanation=f"{requester.path} needs {dependency.name}, "
            + (f"found only as: {wrong}." if wrong else f"{where if code == 'macho-rpath' else 'which is not there'}."),
            loader_message=f"Library not loaded: {dependency.name}\n  Referenced from: <{uuid}> "
            f"{requester.path}\n  Reason: {reason}",
            advice=advice,
            chain=(*requester.chain, dependency.name),
            evidence=(Location.bytes(requester.path, dependency.offset, 24),),
            steps=located.steps,
            severity=Severity.HIGH,
        )

    def _overruled(
        self, dependency: Dependency, member: SimulatedLibrary, root: SimulatedLibrary, chosen: str, symbol: str
    ) -> str:
        """What to do about the rule that put the chosen file first, where a later place has one with the symbol."""
        first = ""
        for rule, source, path in self._places(dependency.name, member, root):
            image, _ = self._image(path, root.image)
            if image is None:
                continue
            if path == chosen and not first:
                first = source if rule == "dyld_library_path" else ""
                if not first:
                    return ""
            elif first and symbol in _exported(image):
                return f"{first} comes first and leads to {chosen}; {path} has it: unset {first}"
        return ""

    def unopenable(self, target: str, located: ResolvedName, reason: str) -> Diagnosis:
        said = reason or (located.steps[0].reason if located.steps else "") or "no such file"
        is_other = "incompatible architecture" in said
        return Diagnosis(
            code="macho-arch" if is_other else "macho-not-found",
            blocking=True,
            subject=target,
            explanation=f"dyld cannot open {target}: {said}.",
            advice=build_for(self.model, target, self._program()) if is_other else self._instead(target, said),
            loader_message=f"dlopen({target}, 0x0001): tried: '{target}' ({said})",
            steps=located.steps,
        )

    def _instead(self, target: str, said: str) -> str:
        if "no such file" not in said.lower():
            return ""
        return meant(self.model, target) if "/" in target else by_name(self.model, target)

    def check(self, member: SimulatedLibrary, target: SimulatedLibrary) -> Iterable[Diagnosis]:
        """Each import must be exported by the very library it names, or by one which that re-exports."""
        if member.image is None:
            return
        yield from self._demanded(member, member.image)
        providers = {d.name: found for d, found in member.needs}
        needed = {d.name: d for d, _ in member.needs}
        exported: dict[str, frozenset[str] | None] = {}
        count = 0
        for symbol in member.image.imports:
            provider = providers.get(symbol.library or "")
            if provider is None or symbol.binding is SymbolBinding.WEAK:
                continue
            if provider.path not in exported:
                exported[provider.path] = _offered(provider)
            offered = exported[provider.path]
            if offered is None or symbol.name in offered or count >= _MAX_MISSING:
                continue
            count += 1
            yield Diagnosis(
                code="macho-symbol",
                blocking=True,
                subject=symbol.name,
                explanation=f"{member.path} expects {symbol.name} in {provider.path}, which does not export it.",
                loader_message=f"Symbol not found: {symbol.name}\n  Referenced from: {member.path}\n"
                f"  Expected in: {provider.path}",
                advice=self._overruled(needed[symbol.library or ""], member, target, provider.path, symbol.name)
                or self._other_build(member, provider.path),
                chain=member.chain,
                evidence=(Location.bytes(member.path, symbol.offset, 16),),
                confidence=Confidence.LIKELY if member.image.damage else Confidence.CERTAIN,
                severity=Severity.HIGH,
            )
        if target.image is not None and member is target:
            yield from self._not_of_the_host(member, member.image)
            yield from unsigned(member)
        yield from self._of_another_team(member, member.image)

    def _other_build(self, member: SimulatedLibrary, provider: str) -> str:
        again = anew(self.model, member.path)
        fitting = f"install the build of {posixpath.basename(provider)} that {posixpath.basename(member.path)} was"
        return (
            f"{again}, which builds it for the one that is there; or {fitting} built with"
            if again
            else (f"{fitting} built with")
        )

    def _not_of_the_host(self, member: SimulatedLibrary, image: Image) -> Iterator[Diagnosis]:
        """Symbols of an interpreter, looked up in all that is loaded, which the one that opens it does not have."""
        program = self._program()
        offered = {s.name for s in program.exports} if program is not None else set()
        for dependency in program.needed if program is not None else ():
            host = SimulatedLibrary(self.model.main_image or "", program)
            found = self.locate(dependency.name, host, (host,)).image
            offered |= _exported(found) if found is not None else frozenset()
        if f"_{HOST_SIGN}" not in offered:  # no interpreter of Python, or one that is not at hand
            yield from self._not_of_its_program(member, image, offered)
            return
        yield from self._of_nobody(member, image, offered)
        absent = (s for s in image.imports if not s.library and s.name not in offered and is_host_symbol(s.name[1:]))
        for symbol in islice(absent, _MAX_MISSING):
            yield Diagnosis(
                code="macho-symbol",
                blocking=True,
                subject=symbol.name,
                explanation=f"{member.path} expects {symbol.name} of its interpreter, and {self.model.main_image} has"
                " no such symbol: the file was built for another Python.",
                loader_message=f"dlopen({member.path}, 0x0002): symbol not found in flat namespace '{symbol.name}'",
                advice=anew(self.model, member.path) or "install or build it anew with that Python",
                chain=member.chain,
                evidence=(Location.bytes(member.path, symbol.offset, 16),),
                severity=Severity.HIGH,
            )

    def _not_of_its_program(self, member: SimulatedLibrary, image: Image, offered: set[str]) -> Iterator[Diagnosis]:
        """Symbols that a module expects of the program that opens it, which has others of them: PHP, Ruby, Perl ..."""
        known = offered.union(*(_exported(m.image) for m in members_below(member) if m.image is not None))
        flat = _looked_up_everywhere(image)
        if offered.isdisjoint(s.name for s in flat):
            return
        for symbol in islice((s for s in flat if s.name not in known), _MAX_MISSING):
            yield Diagnosis(
                code="macho-symbol",
                blocking=True,
                subject=symbol.name,
                explanation=f"{member.path} expects {symbol.name} of the program that opens it, and"
                f" {self.model.main_image} has others of its symbols and not this one: it was built for another"
                " release.",
                loader_message=f"dlopen({member.path}, 0x0009): symbol not found in flat namespace '{symbol.name}'",
                advice=anew(self.model, member.path)
                or f"build {posixpath.basename(member.path)} anew for {self.model.main_image}, or install its build",
                chain=member.chain,
                evidence=(Location.bytes(member.path, symbol.offset, 16),),
                severity=Severity.HIGH,
            )

    def _of_nobody(self, member: SimulatedLibrary, image: Image, offered: set[str]) -> Iterator[Diagnosis]:
        """Names that are not of the system, looked up in all that is loaded, which nothing there defines."""
        known = offered.union(*(_exported(m.image) for m in members_below(member) if m.image is not None))
        wanted = _looked_up_everywhere(image)
        absent = (
            s for s in wanted if _OF_A_LIBRARY.match(s.name) and s.name not in known and not is_host_symbol(s.name[1:])
        )
        for symbol in islice(absent, _MAX_MISSING):
            is_of_c = not symbol.name.startswith("__Z")
            again = (from_source if is_of_c else anew)(self.model, member.path)
            how = "away from other copies of that library (brew uninstall)"
            how = "where that library is installed and its build finds it" if is_of_c else how
            yield Diagnosis(
                code="macho-symbol",
                blocking=True,
                subject=symbol.name,
                explanation=f"{member.path} looks for {symbol.name} in all that is loaded, and nothing there has it: it"
                " was built with another copy of the library that does, or without any.",
                loader_message=f"dlopen({member.path}, 0x0002): symbol not found in flat namespace '{symbol.name}'",
                advice=(f"{again}, {how}" if again else "link it with that library, or load that one first"),
                chain=member.chain,
                evidence=(Location.bytes(member.path, symbol.offset, 16),),
                confidence=Confidence.LIKELY,
                severity=Severity.HIGH,
            )

    def _of_another_team(self, member: SimulatedLibrary, image: Image) -> Iterator[Diagnosis]:
        """A program that validates its libraries, and one that somebody else signed."""
        program, name = self._program(), self.model.main_image
        if program is None or name is None or not of_another_team(image, program):
            return
        file = quoted_path(member.path)
        yield Diagnosis(
            code="macho-signature",
            blocking=True,
            subject=member.path,
            explanation=f"{name} loads only what Apple or its own team signed (library validation), and {member.path}"
            " is of neither.",
            loader_message=f"dlopen({member.chain[0]}, 0x0001): tried: '{member.path}' (code signature in"
            f" <{_uuid(image)}> '{member.path}' not valid for use in process: mapping process and mapped file"
            " (non-platform) have different Team IDs)",
            advice=f"sign it as the program is: codesign --force --sign IDENTITY {file}; or sign the program with the"
            f" entitlement {NO_VALIDATION}, or for this Mac alone: codesign --force --sign - {quoted_path(name)}",
            chain=member.chain,
            severity=Severity.HIGH,
        )

    def _demanded(self, member: SimulatedLibrary, image: Image) -> Iterator[Diagnosis]:
        """What dyld demands of every file it maps, and that the file is for no newer system."""
        release = self._release
        for demand in unmet(image, member.path):
            if release and release < demand.since:
                continue
            yield Diagnosis(
                code="macho-structure",
                blocking=True,
                subject=member.path,
                explanation=f"{member.path} was built with an SDK for which dyld of {_macos(demand.since)} and"
                f" newer refuses it: {demand.words}.",
                loader_message=f"dlopen({member.chain[0]}, 0x0001): tried: '{member.path}' ({demand.words})",
                advice=demand.advice,
                chain=member.chain,
                severity=Severity.HIGH,
            )
        build = build_for_macos(image)
        minimum = numbers_of(build.minimum) if build is not None else ()
        if release and build is not None and minimum > release:
            yield Diagnosis(
                code="macho-min-os",
                blocking=False,
                subject=member.path,
                explanation=f"{member.path} is for {_macos(minimum)} and newer, and this is {_macos(release)}: dyld"
                " loads it, and does not find any symbol of a newer system that it uses.",
                loader_message=f"(built for {_macos(minimum)} which is newer than running OS)",
                advice=_for_older(release),
                chain=member.chain,
                evidence=(Location.bytes(member.path, build.offset, 24),),
                severity=Severity.MEDIUM,
            )
        yield from _of_a_newer_system(member, image, release, minimum)


def _of_a_newer_system(
    member: SimulatedLibrary, image: Image, release: tuple[int, ...], minimum: tuple[int, ...]
) -> Iterator[Diagnosis]:
    """Symbols that the macOS of the model has not yet."""
    built = f" (which was built for {_macos(minimum)})" if minimum > release else ""
    for symbol, library, since in islice(newer_symbols(image, release), _MAX_MISSING) if release else ():
        yield Diagnosis(
            code="macho-symbol",
            blocking=True,
            subject=symbol.name,
            explanation=f"{member.path} uses {symbol.name} of {_macos(since)}; this is {_macos(release)}.",
            loader_message=f"Symbol not found: {symbol.name}\n  Referenced from: {member.path}{built}\n"
            f"  Expected in: {library}",
            advice=_for_older(release),
            chain=member.chain,
            evidence=(Location.bytes(member.path, symbol.offset, 16),),
            severity=Severity.HIGH,
        )


def _for_older(release: tuple[int, ...]) -> str:
    target = _macos(release).removeprefix("macOS ")
    return f"build it with MACOSX_DEPLOYMENT_TARGET={target}, or install a build for this system"


def _macos(numbers: tuple[int, ...]) -> str:
    """A release as Apple writes it: macOS 11.0, macOS 15.4."""
    return "macOS " + ".".join(map(str, numbers if len(numbers) > 1 else (*numbers, 0)))


def _wrong_file(located: ResolvedName) -> str:
    return next(s.candidate for s in located.steps if "incompatible architecture" in s.reason)


def _looked_up_everywhere(image: Image) -> list[ImageSymbol]:
    """What must be there and names no library, where others do; without two levels it may all be of the system."""
    if not isinstance(image.native, MachoFacts) or HeaderFlags.TWOLEVEL not in image.native.flags:
        return []
    return [s for s in image.imports if not s.library and s.binding is not SymbolBinding.WEAK]


def _uuid(image: Image | None) -> str:
    """LC_UUID as dyld writes it."""
    digits = ((image.build_id if image is not None else None) or "").upper()
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts) if digits else "no uuid"


@lru_cache(maxsize=256)
def _exported(image: Image) -> frozenset[str]:
    return frozenset(s.name for s in image.exports)


def _offered(provider: SimulatedLibrary) -> frozenset[str] | None:
    """Everything a library exports, re-exports included; None when part of that is only known by name."""
    if provider.image is None:
        return None
    names = set(_exported(provider.image))
    for dependency, found in provider.needs:
        if dependency.kind is DependencyKind.REEXPORT:
            inner = _offered(found) if found is not None and found is not provider else None
            if inner is None:
                return None
            names |= inner
    return frozenset(names)
