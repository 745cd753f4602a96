"""Android's loader, as rules. Source: bionic/linker of AOSP, and its "Android changes for NDK developers".

What differs from glibc: no cache and no RPATH; the folders of LD_LIBRARY_PATH, of the asker's own RUNPATH (since
Android 7), of the app, then those of the system; an app may use no library of the system but those of the NDK.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Location
from loadstone.core.image import Dependency, DependencyKind, Format, Image, ImageKind, ImageSymbol, SymbolBinding
from loadstone.core.trace import Diagnosis, SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.android import FOLDERS_OF_ABIS, SHARED_CPP, TERMUX
from loadstone.linker.diagnoses.mistyped import meant
from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.request import LoaderModel
from loadstone.linker.walk import ResolvedName, SimulatedLibrary, members_below, simulated_by
from loadstone.quick_dataclass import dataclass
from loadstone.shell import quoted_path

__all__ = ["BionicRules"]

_NUMBERED: Final = re.compile(r".+\.so\.\d[\d.]*")
_OF_GLIBC: Final = re.compile(r"lib(?:c|pthread|dl|m|rt)\.so\.\d|ld-linux.*")
_PROGRAMS: Final = (ImageKind.EXECUTABLE, ImageKind.PIE)


@dataclass(slots=True)
class BionicRules:
    """The rules for one model."""

    model: LoaderModel

    @property
    def name(self) -> str:
        return simulated_by(self.model, "Android's loader (bionic)")

    @property
    def assumptions(self) -> tuple[str, ...]:
        return self.model.assumptions

    def followed(self, image: Image) -> Iterable[Dependency]:
        return (d for d in image.needed if d.kind is DependencyKind.NEEDED)

    def locate(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> ResolvedName:
        known = next((m for m in loaded if m.image is not None and (m.image.identity or "") == name), None)
        if known is not None and requester is not None:
            step = SearchStep("loaded-soname", known.path, StepOutcome.TAKEN, "it is loaded already")
            return ResolvedName((step,), known.path, known.image, "loaded-soname")
        steps: list[SearchStep] = []
        for rule, path in self._places(name, requester, loaded):
            image = self._image(path) if self.model.view.exists(self.model.absolute(path)) else None
            steps.append(SearchStep(rule, path, StepOutcome.TAKEN if image is not None else StepOutcome.ABSENT))
            if image is not None:
                return ResolvedName(tuple(steps), path, image, rule)
        if name in self.model.granted:
            steps.append(SearchStep("granted", name, StepOutcome.TAKEN, "a library that the NDK documents"))
            return ResolvedName(tuple(steps), name, None, "granted", assumed=True)
        return ResolvedName(tuple(steps))

    def _places(
        self, name: str, requester: SimulatedLibrary | None, loaded: tuple[SimulatedLibrary, ...]
    ) -> Iterator[tuple[str, str]]:
        """(rule, path) of every candidate, in order."""
        if "/" in name:
            yield "explicit", name
            return
        for folder in (self.model.variable("LD_LIBRARY_PATH") or "").split(":"):
            if folder:
                yield "ld_library_path", posixpath.join(folder, name)
        origin = posixpath.dirname(requester.path) if requester is not None else ""
        for element in requester.image.runpath if requester is not None and requester.image is not None else ():
            place = element.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
            yield "runpath", posixpath.join(place, name)
        root = loaded[0] if loaded else None
        if root is not None and not _is_program(root):  # an app's libraries are unpacked into one folder
            yield "app", posixpath.join(posixpath.dirname(root.path), name)
        for folder in self.model.system_dirs:
            yield "default", posixpath.join(folder, name)

    def _image(self, path: str) -> Image | None:
        try:
            image = self.model.view.image(self.model.view.open(self.model.absolute(path)))
        except (OSError, LoadstoneError):
            return None
        fits = image.format is Format.ELF and image.machine.code == self.model.abi.machine
        return image if fits else None

    def missing(self, dependency: Dependency, requester: SimulatedLibrary, located: ResolvedName) -> Diagnosis | None:
        root = requester.stack[-1]
        by = "main executable" if requester is root else f"{requester.path} in namespace (default)"
        said = f'CANNOT LINK EXECUTABLE "{root.path}": library "{dependency.name}" not found: needed by {by}'
        if not _is_program(root):
            said = (
                f'dlopen failed: library "{dependency.name}" not found: needed by {requester.path} in namespace'
                " classloader-namespace"
            )
        return Diagnosis(
            code="dep-not-found",
            blocking=True,
            subject=dependency.name,
            explanation=f"{requester.path} needs {dependency.name}, which Android's loader does not find.",
            loader_message=said,
            advice=self._where(dependency.name, requester),
            chain=(*requester.chain, dependency.name),
            evidence=(Location.bytes(requester.path, dependency.offset, 16),),
            steps=located.steps,
        )

    def _where(self, name: str, requester: SimulatedLibrary) -> str:
        """What brings a library: into an app, or into Termux; what it is instead."""
        path = self.model.absolute(requester.path)
        if path.startswith(f"{TERMUX}/"):
            return f"pkg upgrade, which brings all packages to one release; else pkg install the one that has {name}"
        if _OF_GLIBC.fullmatch(name):
            file = posixpath.basename(path)
            return f"{file} was built for Linux with glibc: build it with the NDK, for Android"
        own = FOLDERS_OF_ABIS.get(self.model.abi.name, self.model.abi.name)
        if name == SHARED_CPP:
            return (
                f"{name} is not of the system, so the app has to bring it: in CMake -DANDROID_STL=c++_shared, in"
                f" Application.mk APP_STL := c++_shared; or copy that of the NDK into jniLibs/{own}"
            )
        folder = posixpath.dirname(path)
        above = posixpath.dirname(folder)
        others = [
            abi for abi in names_in(self.model, above) if name in names_in(self.model, posixpath.join(above, abi))
        ]
        if others:
            return f"it is there for {', '.join(others)} alone: build it for {own} as well, and put it into {folder}"
        if _NUMBERED.fullmatch(name):
            short = f"{name.partition('.so.')[0]}.so"
            return (
                f"an app's package takes libraries called lib*.so alone: build {short} without a version (its SONAME,"
                f" too); or patchelf --replace-needed {name} {short} {quoted_path(requester.path)}, and bring {short}"
            )
        return (
            f"put {name}, built for {own}, into jniLibs/{own} of the app, beside {posixpath.basename(path)}: of the"
            " system's own libraries an app may use those of the NDK alone"
        )

    def unopenable(self, target: str, located: ResolvedName, reason: str) -> Diagnosis:
        is_there = "/" in target and self.model.view.exists(self.model.absolute(target))
        said = reason or ("it is no library for this processor" if is_there else "No such file")
        return Diagnosis(
            code="not-found",
            blocking=True,
            subject=target,
            explanation=f"Android's loader cannot open {target}: {said}.",
            loader_message=f'dlopen failed: library "{target}" not found',
            advice=meant(self.model, target) if "/" in target and not is_there else "",
            steps=located.steps,
        )

    def check(self, member: SimulatedLibrary, target: SimulatedLibrary) -> Iterable[Diagnosis]:
        """Every symbol that is not weak must be defined by somebody, as far as all of them are at hand."""
        members = list(members_below(target)) if member is target else []
        if any(m.image is None for m in members):
            return
        defined = {name for m in members if m.image is not None for name in _definitions(m.image)}
        for user in members:
            for symbol in user.image.imports if user.image is not None else ():
                if symbol.binding is not SymbolBinding.WEAK and symbol.name not in defined:
                    yield self._undefined(user, symbol, target)

    def _undefined(self, user: SimulatedLibrary, symbol: ImageSymbol, target: SimulatedLibrary) -> Diagnosis:
        said = f'cannot locate symbol "{symbol.name}" referenced by "{user.path}"...'
        start = f'CANNOT LINK EXECUTABLE "{target.path}": ' if _is_program(target) else "dlopen failed: "
        in_termux = self.model.absolute(user.path).startswith(f"{TERMUX}/")
        return Diagnosis(
            code="undefined-symbol",
            blocking=True,
            subject=user.path,
            explanation=f"{user.path} imports the symbol {symbol.name}, which nothing that it needs defines.",
            loader_message=f"{start}{said}",
            advice=(
                "pkg upgrade, which brings all packages to one release"
                if in_termux
                else f"link {posixpath.basename(user.path)} with the library that has it; one of the system's came with"
                " a newer Android than this: build for a lower minSdkVersion (ANDROID_PLATFORM)"
            ),
            chain=user.chain,
            evidence=(Location.bytes(user.path, symbol.offset, 24),),
        )


def _is_program(root: SimulatedLibrary) -> bool:
    return root.image is not None and root.image.kind in _PROGRAMS


def _definitions(image: Image) -> Iterator[str]:
    return (name for name, here in zip(image.symbols.names, image.symbols.defined, strict=True) if here)
