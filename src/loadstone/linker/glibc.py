"""One search for one name in a simulated glibc process: every candidate in order, what came of it, what it did.

Source: elf/dl-load.c of glibc, read for its rules; ld.so(8). :data:`STEPS` is the order of the rules as data. Two
things outlive a search, as they do in the loader: which directories are known not to exist, and errno, whose last
value ends up in the message.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, SearchKind
from loadstone.core.trace import SearchStep, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.header import HeaderOutcome, check_header
from loadstone.linker.objects import LoadedObject
from loadstone.linker.processor import legacy_subdirectories
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.linker.tokens import TokenValues, expand
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import dataclass, field

__all__ = ["STEPS", "Failure", "FileSearchResult", "Search"]

_SMALLEST_TAG: Final = 32
_LINUX: Final = 0
"""The system a .note.ABI-tag names first (LSB Core, "ABI Note Tag")."""

_CONTINUES: Final = frozenset((errno.ENOENT, errno.EACCES))
"""What open may say without ending the search through one list of directories."""

Directory = tuple[str, str]
"""A directory with its final slash (empty: the current one), and the search-path element it was made from."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The loader's refusal in its own words: ``subject: text: what errno means``."""

    subject: str
    text: str
    errno: int = 0
    offset: int = 0  # of the bytes of the file that decided it

    @property
    def message(self) -> str:
        said = f"{self.subject}: {self.text}" if self.subject else self.text
        return f"{said}: {os.strerror(self.errno)}" if self.errno else said


@dataclass(frozen=True, slots=True)
class FileSearchResult:
    """What a search came to: the file taken and by which rule, or the failure."""

    steps: tuple[SearchStep, ...]
    opened: OpenedFile | None = None
    how: str = ""
    failure: Failure | None = None


@dataclass(slots=True)
class FileSearch:
    """One search in progress."""

    name: str
    requester: LoadedObject | None
    privileged: bool  # a preload of a secure process
    steps: list[SearchStep] = field(default_factory=list)
    opened: OpenedFile | None = None
    how: str = ""
    failure: Failure | None = None
    other_class: bool = False

    @property
    def ended(self) -> bool:
        return self.opened is not None or self.failure is not None

    def note(self, rule: str, reason: str, source: str = "", element: str = "") -> None:
        self.steps.append(SearchStep(rule, "", StepOutcome.NOT_CONSULTED, reason, source, element))


class Search:
    """The searching half of a simulated process. Not thread-safe: make one a simulation."""

    def __init__(self, model: LoaderModel) -> None:
        behaviour = behaviour_of(model.release)
        self.model = model
        self.program: LoadedObject | None = None
        self.errno: int = 0
        self.subdirectories: tuple[str, ...] = (
            *(f"glibc-hwcaps/{name}/" for name in (model.hwcaps if behaviour.glibc_hwcaps else ())),
            *(f"{name}/" for name in legacy_subdirectories(behaviour, model.platform, model.legacy_hwcaps)),
            "",
        )
        self._legacy = frozenset(range(64)) if behaviour.legacy_hwcaps else None
        self._exists: dict[tuple[str, int], bool] = {}  # by directory and number of the subdirectory
        self._default = tuple((f"{d}/", d) for d in model.system_dirs)
        self._library_path: tuple[Directory, ...] | None = None

    def share(self, earlier: Search) -> None:
        """Know which directories exist as another search of the same model does."""
        self._exists = earlier._exists

    def locate(self, name: str, requester: LoadedObject | None, *, privileged: bool = False) -> FileSearchResult:
        """Search for ``name`` on behalf of ``requester``; a name with a slash is opened as it is."""
        attempt = FileSearch(name, requester, privileged)
        if "/" in name:
            self._explicit(attempt)
        else:
            for _, consult in STEPS:
                consult(self, attempt)
                if attempt.ended:
                    break
        if not attempt.ended:
            attempt.failure = self._not_found(attempt)
        return FileSearchResult(tuple(attempt.steps), attempt.opened, attempt.how, attempt.failure)

    def token_values(self, loaded: LoadedObject | None) -> TokenValues:
        secure = self.model.secure
        return TokenValues(
            origin=loaded.origin if loaded else "",
            platform=self.model.platform,
            lib=self.model.lib_token,
            secure=secure,
            trusted=self.model.system_dirs if secure and loaded is not None and loaded.is_program else None,
        )

    def directories(self, loaded: LoadedObject, kind: SearchKind) -> tuple[Directory, ...]:
        """The directories of one object's RPATH or RUNPATH, expanded, each once; () when it has none that counts."""
        found = loaded.directories.get(kind)
        if found is None:
            elements = [d.text for d in loaded.image.search_dirs if d.kind is kind]
            found = loaded.directories[kind] = self._expanded(elements, loaded)
        return found

    def _expanded(self, elements: list[str], loaded: LoadedObject | None) -> tuple[Directory, ...]:
        values = self.token_values(loaded)
        found: dict[str, str] = {}
        for element in elements:
            text = expand(element, values)
            if text is None or (element and not text):
                continue
            if text:
                text = text.rstrip("/") + "/"
            found.setdefault(text, element)
        return tuple(found.items())

    def library_path(self) -> tuple[Directory, ...]:
        """The directories of LD_LIBRARY_PATH, expanded."""
        if self._library_path is None:
            value = self.model.variable("LD_LIBRARY_PATH") or ""
            elements = value.replace(";", ":").split(":") if value and not self.model.secure else []
            self._library_path = self._expanded(elements, self.program)
        return self._library_path

    def _explicit(self, attempt: FileSearch) -> None:
        path = expand(attempt.name, self.token_values(attempt.requester)) if attempt.requester else attempt.name
        if path:
            self._try(attempt, path, "explicit", attempt.requester.path if attempt.requester else "", attempt.name)

    def _not_found(self, attempt: FileSearch) -> Failure:
        if attempt.other_class:
            other = "ELFCLASS32" if self.model.abi.bits == 64 else "ELFCLASS64"
            return Failure(attempt.name, f"wrong ELF class: {other}")
        return Failure(attempt.name, "cannot open shared object file", self.errno)

    # One candidate, one list of directories

    def _try(self, attempt: FileSearch, candidate: str, rule: str, source: str, element: str = "") -> bool:
        """Open and verify one candidate; whether the search ends with it."""
        try:
            opened = self.model.view.open(self.model.absolute(candidate))
        except OSError as error:
            self.errno = error.errno or errno.EIO
            outcome = StepOutcome.ABSENT if self.errno in (errno.ENOENT, errno.ENOTDIR) else StepOutcome.UNREADABLE
            reason = os.strerror(self.errno)
            attempt.steps.append(SearchStep(rule, candidate, outcome, reason, source, element, self.errno))
            return False
        check = check_header(opened, self.model.abi)
        usable = check.outcome is HeaderOutcome.USABLE
        other_kernel = self._other_kernel(opened) if usable else ""
        if usable and not other_kernel and not (attempt.privileged and not opened.set_user_id):
            self.errno = 0
            attempt.opened, attempt.how = opened, rule
            attempt.steps.append(SearchStep(rule, candidate, StepOutcome.TAKEN, "", source, element))
            return True
        if check.outcome is HeaderOutcome.FATAL:
            attempt.failure = Failure(candidate, check.text, check.errno, check.offset)
            attempt.steps.append(
                SearchStep(rule, candidate, StepOutcome.FATAL, check.text, source, element, check.errno)
            )
            return True
        self.errno = errno.ENOENT
        attempt.other_class |= check.outcome is HeaderOutcome.OTHER_CLASS
        reason = other_kernel or _passed_over(check.outcome, self.model)
        attempt.steps.append(SearchStep(rule, candidate, StepOutcome.SKIPPED, reason, source, element))
        return False

    def _other_kernel(self, opened: OpenedFile) -> str:
        """Why a release that compares kernels passes the file over: it asks for another system, or a newer kernel."""
        if not behaviour_of(self.model.release).kernel_compared:
            return ""
        try:
            image = self.model.view.image(opened)
        except LoadstoneError:  # said when it is mapped
            return ""
        facts = image.native
        if not isinstance(facts, ElfFacts) or not facts.abi_tag or not _is_read(image):
            return ""
        system, *wanted = facts.abi_tag
        if system != _LINUX:
            return "passed over: its .note.ABI-tag says that it is built for another kernel than Linux"
        if not self.model.kernel or tuple(wanted) <= self.model.kernel:
            return ""
        numbers, have = (".".join(map(str, release)) for release in (wanted, self.model.kernel))
        return f"passed over: its .note.ABI-tag asks for another kernel, Linux {numbers}; this one is {have}"

    def _try_each(self, attempt: FileSearch, directories: tuple[Directory, ...], rule: str, source: str) -> None:
        """Try the name in each directory and its hardware subdirectories, until one ends the search."""
        for directory, element in directories:
            any_exists = False
            for number, subdirectory in enumerate(self.subdirectories):
                place = directory, number
                if self._exists.get(place) is False:
                    continue
                if self._try(attempt, directory + subdirectory + attempt.name, rule, source, element):
                    self._exists[place] = True
                    return
                any_exists |= self._remember(place)
            if any_exists and self.errno not in _CONTINUES:
                attempt.note(rule, f"{os.strerror(self.errno)}: the rest of this search path is given up", source)
                return

    def _remember(self, place: tuple[str, int]) -> bool:
        """Whether a directory is there; a missing one is not tried again, unless it depends on where we are."""
        directory, number = place
        if not directory.startswith("/"):
            return True
        known = self._exists.get(place)
        if known is None:
            code = self.model.view.is_directory(f"{directory}{self.subdirectories[number]}".rstrip("/") or "/")
            self.errno = code or self.errno
            known = self._exists[place] = not code
        return known

    # The rules, in the order of STEPS

    def consult_rpath(self, attempt: FileSearch) -> None:
        requester = attempt.requester
        if requester is not None and requester.has_runpath:
            for masked in _with_rpath(requester):
                attempt.note("rpath", "ignored: the library that asks has a RUNPATH", masked.path)
            return
        owners = list(_with_rpath(requester))
        program = self.program
        if program is not None and program.image.rpath and (requester is None or requester.root is not program):
            owners.append(program)
        for loaded in owners:
            if loaded.has_runpath:
                attempt.note("rpath", "ignored: the same file has a RUNPATH", loaded.path)
                continue
            self._try_each(attempt, self.directories(loaded, SearchKind.RPATH), "rpath", loaded.path)
            if attempt.ended:
                return

    def consult_environment(self, attempt: FileSearch) -> None:
        if self.model.secure and self.model.variable("LD_LIBRARY_PATH"):
            attempt.note("ld_library_path", "ignored: the program runs with privileges its user does not have")
            return
        self._try_each(attempt, self.library_path(), "ld_library_path", "LD_LIBRARY_PATH")

    def consult_runpath(self, attempt: FileSearch) -> None:
        requester = attempt.requester
        if requester is not None and requester.image.runpath:
            self._try_each(attempt, self.directories(requester, SearchKind.RUNPATH), "runpath", requester.path)

    def consult_cache(self, attempt: FileSearch) -> None:
        model = self.model
        if attempt.privileged and model.secure:
            return
        path = model.cache.lookup(attempt.name, model.abi.cache_flags, model.hwcaps, legacy=self._legacy)
        if path is None:
            return
        if self._without_defaults(attempt) and any(path.startswith(f"{d}/") for d in model.system_dirs):
            reason = "thrown away: the library that asks wants no default directories (DF_1_NODEFLIB)"
            attempt.steps.append(SearchStep("cache", path, StepOutcome.NOT_CONSULTED, reason, model.cache.path))
            return
        self._try(attempt, path, "cache", model.cache.path)

    def consult_system(self, attempt: FileSearch) -> None:
        if self._without_defaults(attempt):
            attempt.note("default", "not searched: the library that asks has DF_1_NODEFLIB")
            return
        self._try_each(attempt, self._default, "default", "built into the loader")

    def _without_defaults(self, attempt: FileSearch) -> bool:
        asking = attempt.requester or self.program
        return asking is not None and asking.facts.no_default_directories


def _is_read(image: Image) -> bool:
    """Whether the loader would see the .note.ABI-tag: it reads only note segments that are aligned to 4 or 8."""
    tag = next((n.offset for n in image.notes if (n.owner, n.kind) == ("GNU", 1)), None)
    notes = (s for s in image.segments if s.kind == "NOTE" and s.alignment in (4, 8) and s.file_size >= _SMALLEST_TAG)
    return tag is not None and any(s.offset <= tag < s.offset + s.file_size for s in notes)


def _with_rpath(requester: LoadedObject | None) -> Iterator[LoadedObject]:
    """Those with an RPATH among the requester and those that loaded it, nearest first."""
    owner = requester.rpath_owner if requester else None
    while owner is not None:
        yield owner
        owner = owner.loader.rpath_owner if owner.loader else None


def _passed_over(outcome: HeaderOutcome, model: LoaderModel) -> str:
    if outcome is HeaderOutcome.OTHER_CLASS:
        return f"passed over: not {model.abi.bits}-bit"
    if outcome is HeaderOutcome.OTHER_MACHINE:
        return f"passed over: built for another machine than {model.abi.name}"
    return "passed over: a privileged program preloads only set-user-ID files"


STEPS: Final[tuple[tuple[str, Callable[[Search, FileSearch], None]], ...]] = (
    ("rpath", Search.consult_rpath),
    ("ld_library_path", Search.consult_environment),
    ("runpath", Search.consult_runpath),
    ("cache", Search.consult_cache),
    ("default", Search.consult_system),
)
"""The rules for a name without a slash, in order; the first that ends the search ends it."""
