"""Find a library by name: ordered, named sources, every candidate reported, nothing loaded and no program run.

Environment, system cache and default directories follow the simulated loader's own rules, so that what is found is what
the loader would take. The current directory is never a source; neither is a directory that everybody may write to,
unless the policy names it (CWE-426, CWE-427).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Final

from loadstone.core.names import Candidate, Platform, candidates, has_directory, validate_name, validate_version
from loadstone.core.trace import SearchStep, StepOutcome, Trace
from loadstone.errors import NotFound
from loadstone.library import adapters
from loadstone.library.search import start
from loadstone.library.search.directories import SearchDirectory, directories_of, has_prefix, runtime_names
from loadstone.library.search.surroundings import LOADER_SOURCES, of_model, of_this_process
from loadstone.library.trust.places import is_open_to_all
from loadstone.library.trust.policy import Policy, SearchPolicy, SearchSource
from loadstone.linker import LoaderModel
from loadstone.linker.packages import package_of_missing
from loadstone.linker.request import LoaderKind
from loadstone.quick_dataclass import replace

__all__ = ["absolute", "explicit_path", "find"]

_ABSENT: Final = os.strerror(errno.ENOENT)


def find(
    name: str | os.PathLike[str],
    version: int | str | None = None,
    *,
    policy: Policy | None = None,
    model: LoaderModel | None = None,
) -> Trace:
    """Where a library is, and how it was found. Nothing is loaded, nothing is run.

    Args:
        name: a name (``z``, ``libssl.so.3``), searched for; or a path, looked at as it is.
        version: the version its file name must carry.
        policy: its ``search`` says which sources are asked, in which order.
        model: another system or process to search for (see :class:`LoaderModel`); what is loaded in this process and
            installed with this Python is then left out.

    Returns:
        The trace: ``path`` is absolute, ``how`` names the source, ``steps`` has every candidate in order.

    Raises:
        InvalidName: the name or version could not be that of a library.
        NotFound: with the trace, and advice which package has it where that is known.

    Thread-safe. On Windows and macOS libraries that are not files of their own (API sets, the shared cache) are not
    found; loading such a name is left to the system.

    >>> find("z", 1).path.rpartition("/")[2]
    'libz.so.1'
    """
    asked = validate_name(name)
    wanted = validate_version(version)
    platform = adapters.current().platform
    if has_directory(asked, platform):
        return explicit_path(asked, wanted, platform)
    hunt = _Hunt(asked, wanted, platform, (policy or Policy.default()).search, model)
    for name_by_name, group in groupby(hunt.sources, hunt.goes_name_by_name):
        sources = tuple(group)
        found = hunt.ask_name_by_name(sources) if name_by_name else hunt.ask_each(sources)
        if found is not None:
            return Trace(asked, tuple(hunt.steps), *found)
    raise NotFound(name=asked, trace=Trace(asked, tuple(hunt.steps)), advice=hunt.advice())


def explicit_path(name: str, version: str | None, platform: Platform, *, archive_member: bool = False) -> Trace:
    """The first candidate of a name with a directory that exists; relative ones are relative to the current directory.

    Raises:
        NotFound: none does.
    """
    steps: list[SearchStep] = []
    for candidate in candidates(name, version, platform, archive_member=archive_member):
        if not candidate.carries_version:
            steps.append(_versionless(candidate))
            continue
        try:
            os.stat(candidate.name)
        except OSError as error:
            outcome = StepOutcome.ABSENT if error.errno in (errno.ENOENT, errno.ENOTDIR) else StepOutcome.UNREADABLE
            steps.append(SearchStep("explicit", candidate.name, outcome, error.strerror or "", errno=error.errno))
            continue
        path = absolute(candidate.name)
        steps.append(SearchStep("explicit", path, StepOutcome.TAKEN, "given as a path"))
        return Trace(name, tuple(steps), path, "explicit")
    looked = ", ".join(step.candidate for step in steps[:4])
    raise NotFound(name=name, trace=Trace(name, tuple(steps)), advice=f"there is no such file; looked at: {looked}")


def absolute(path: str) -> str:
    """From the current directory, but otherwise as it is: ``..`` behind a link does not lead where its text says."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path.removeprefix("./"))


def _versionless(candidate: Candidate) -> SearchStep:
    return SearchStep("explicit", candidate.name, StepOutcome.NOT_CONSULTED, "does not carry the version asked for")


Found = tuple[str, str]
"""The path taken, and the rule of the step that took it."""


class _Hunt:
    """One search for one bare name. Not shared between threads."""

    def __init__(
        self, name: str, version: str | None, platform: Platform, policy: SearchPolicy, model: LoaderModel | None
    ) -> None:
        self.name = name
        self.platform = platform
        self.policy = policy
        self._around = of_this_process() if model is None else of_model(model)
        self.model = self._around.model
        self.steps: list[SearchStep] = []
        all_names = candidates(name, version, platform)
        self.names = tuple(c.name for c in all_names if c.carries_version)
        self.steps += [_versionless(c) for c in all_names if not c.carries_version]
        self.runtime = runtime_names(name, version, platform)
        self.sources = tuple(s for s in policy.sources if self._applies(s, is_here=model is None))

    def _applies(self, source: SearchSource, *, is_here: bool) -> bool:
        """Whether a source can have anything; what belongs to this process and Python has nothing elsewhere."""
        if source in LOADER_SOURCES:
            return True
        if source is SearchSource.EXPLICIT:
            return bool(self.policy.dirs)
        if source is SearchSource.PACKAGE:
            return is_here and bool(self.policy.packages)
        return is_here and (source is not SearchSource.PREFIX or has_prefix())

    def ask_each(self, sources: tuple[SearchSource, ...]) -> Found | None:
        """The sources that are lists of directories, or of what is loaded, one after the other."""
        for source in sources:
            if source is SearchSource.ALREADY_LOADED:
                found = self._ask_loaded()
            else:
                found = self._ask_directories(source, directories_of(source, self.policy, self.platform))
            if found is not None:
                return found
        return None

    def _ask_loaded(self) -> Found | None:
        rule = SearchSource.ALREADY_LOADED.value
        by_name = {one.path.rpartition("/")[2]: one.path for one in reversed(adapters.current().loaded())}
        for name in (*self.names, *self.runtime.best_of(by_name)):
            path = by_name.get(name)
            if path is None:
                continue
            if os.path.isabs(path) and os.path.exists(path):
                return self._taken(rule, path, "loaded in this process")
            self.steps.append(SearchStep(rule, path, StepOutcome.SKIPPED, "loaded, but its file is no longer there"))
        return None

    def _ask_directories(self, source: SearchSource, directories: tuple[SearchDirectory, ...]) -> Found | None:
        for directory in self._closed(source, directories):
            listed = frozenset(directory.entries())
            for name in (*self.names, *self.runtime.best_of(listed, mangled=directory.is_bundled)):
                found = self._in_directories(source.value, [(directory, listed)], name)
                if found is not None:
                    return found
        return None

    def _closed(self, source: SearchSource, directories: tuple[SearchDirectory, ...]) -> Iterator[SearchDirectory]:
        """Those that may be searched: not those that everybody may write to, unless the policy names them."""
        for directory in directories:
            if source is SearchSource.EXPLICIT or not is_open_to_all(directory.path):
                yield directory
                continue
            reason = "everybody may write to this directory; name it in SearchPolicy.dirs to use it all the same"
            self.steps.append(
                SearchStep(source.value, directory.path, StepOutcome.NOT_CONSULTED, reason, directory.origin)
            )

    def _in_directories(
        self, rule: str, directories: list[tuple[SearchDirectory, frozenset[str]]], name: str
    ) -> Found | None:
        for directory, listed in directories:
            path = f"{directory.path}/{name}"
            if name not in listed:
                self.steps.append(
                    SearchStep(rule, path, StepOutcome.ABSENT, _ABSENT, directory.origin, errno=errno.ENOENT)
                )
            elif self._verified(rule, path, directory.origin):
                return path, rule
        return None

    def _verified(self, rule: str, path: str, origin: str) -> bool:
        """Whether a path can be taken: opened and verified as the loader does while it searches."""
        if self.model.kind is not LoaderKind.GLIBC:
            self.steps.append(SearchStep(rule, path, StepOutcome.TAKEN, "", origin))
            return True
        with self._around.search(LOADER_SOURCES, "") as searching:
            located = searching.locate(path, None)
        self.steps += [replace(step, rule=rule, source=origin) for step in located.steps]
        return located.opened is not None

    def _taken(self, rule: str, path: str, reason: str, origin: str = "") -> Found:
        self.steps.append(SearchStep(rule, path, StepOutcome.TAKEN, reason, origin))
        return path, rule

    # -- the loader's own sources, and the prefix among them -------------------------------------------------------

    def goes_name_by_name(self, source: SearchSource) -> bool:
        """Whether a source is asked for one name after the other, as the loader is, and not emptied at once."""
        return self.model.kind is LoaderKind.GLIBC and (source in LOADER_SOURCES or source is SearchSource.PREFIX)

    def ask_name_by_name(self, sources: tuple[SearchSource, ...]) -> Found | None:
        """Each name through all of the sources, in their order; then the names they have with some version."""
        places = [self._place(tuple(group)) for _, group in groupby(sources, SearchSource.PREFIX.__eq__)]
        for name in self.names:
            for place in places:
                found = place(name)
                if found is not None:
                    return found
        return self._ask_runtime(sources, places)

    def _ask_runtime(
        self, sources: tuple[SearchSource, ...], places: list[Callable[[str], Found | None]]
    ) -> Found | None:
        if not self.runtime:
            return None
        stem = self.runtime.stem
        listed = {e.name for e in self.model.cache.entries if e.name.startswith(stem)}
        if SearchSource.SYSTEM_CACHE not in sources:
            listed = set()
        if SearchSource.PREFIX in sources:
            for directory in directories_of(SearchSource.PREFIX, self.policy, self.platform):
                listed.update(directory.entries())
        for name in self.runtime.best_of(listed):
            for place in places:
                found = place(name)
                if found is not None:
                    return found
        return None

    def _place(self, sources: tuple[SearchSource, ...]) -> Callable[[str], Found | None]:
        """What asks these sources for one name: the directories of a prefix, or the simulated loader."""
        if sources[0] is SearchSource.PREFIX:
            directories = self._closed(SearchSource.PREFIX, directories_of(sources[0], self.policy, self.platform))
            listed = [(directory, frozenset(directory.entries())) for directory in directories]
            return partial(self._in_directories, SearchSource.PREFIX.value, listed)
        library_path = self.model.variable("LD_LIBRARY_PATH") if SearchSource.ENVIRONMENT in sources else None
        return partial(self._in_loader, sources, self._safe(library_path) if library_path else "")

    def _in_loader(self, sources: tuple[SearchSource, ...], library_path: str, name: str) -> Found | None:
        with self._around.search(sources, library_path) as searching:
            located = searching.locate(name, searching.program)
        self.steps += located.steps
        if located.opened is None:
            return None
        return self.model.absolute(located.steps[-1].candidate), located.how

    def _safe(self, value: str) -> str:
        kept = []
        for element in value.replace(";", ":").split(":"):
            relative = not element.startswith(("/", "$"))
            if relative or (element.startswith("/") and os.path.isdir(element) and is_open_to_all(element)):
                reason = "relative to the current directory" if relative else "everybody may write to this directory"
                self.steps.append(
                    SearchStep(
                        "ld_library_path", element or ".", StepOutcome.NOT_CONSULTED, reason, "LD_LIBRARY_PATH", element
                    )
                )
            else:
                kept.append(element)
        return ":".join(kept)

    def advice(self) -> str:
        """What to do about a miss: the package that has it, or how to look for one."""
        name = next((n for n in self.names if ".so." in n), self.names[0] if self.names else self.name)
        package = package_of_missing(self.model.view, name) if self.model.kind is LoaderKind.GLIBC else None
        if package:
            return f"the Debian package {package} has it: apt install {package}"
        if start.changed_since("LD_LIBRARY_PATH"):
            return (
                "LD_LIBRARY_PATH was changed after this process was started, and the loader does not see that: set it "
                "before, or name the directories in SearchPolicy.dirs"
            )
        return (
            f"looked for {', '.join(self.names[:4])}; `apt-file search {name}` tells which package has it, "
            "SearchPolicy.dirs names further directories"
        )
