"""Every library of folders and archives explained, each as its own system would load it, results as they come."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from loadstone.core.image import Format
from loadstone.core.trace import Diagnosis, Explanation, LoadVerdict
from loadstone.errors import TooLarge
from loadstone.linker.glibc_load import SharedLoads
from loadstone.linker.openers import Openers
from loadstone.linker.request import LoaderKind, LoaderModel
from loadstone.linker.simulators import explain_with
from loadstone.linker.surveys.places import NotALibrary, SurveyedLibrary, SurveyPlace, place_of
from loadstone.linker.surveys.portability import Portability, portability_of
from loadstone.linker.surveys.promises import broken_promises
from loadstone.linker.surveys.remembered import RememberedFiles
from loadstone.linker.surveys.repair import for_an_archive
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["Survey", "SurveyRow", "explanations", "portability", "survey", "survey_rows"]

_MAX_FILES: Final = 100_000
_BADNESS: Final = (LoadVerdict.FAILS, LoadVerdict.UNKNOWN, LoadVerdict.LOADS_WITH_RISK, LoadVerdict.LOADS)
_IN_COMPANY: Final = frozenset(
    ("dep-not-found", "undefined-symbol", "runpath-not-inherited", "pe-missing-dll", "macho-rpath", "macho-not-found")
)
"""What may be there once another library of the same place was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """One library of a survey.

    ``path`` says where it comes from (``X.whl!/pkg/lib.so``), ``name`` what it is called in its ``place``; ``identity``
    is its SONAME, install name or DLL name. Search steps are left out of the diagnoses: asked about alone it has them.
    """

    path: str
    name: str
    place: str
    format: str
    machine: str
    identity: str | None
    loader: str
    verdict: LoadVerdict
    diagnoses: tuple[Diagnosis, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def leading(self) -> Diagnosis | None:
        """What stops it first, else what is said first."""
        return next((d for d in self.diagnoses if d.blocking), next(iter(self.diagnoses), None))


@dataclass(frozen=True, slots=True)
class Survey:
    """Every library of some places, worst first, and the names that several files of them carry.

    ``is_expected_empty``: no library is missed, as the places are wheels for any platform or hold kernel modules alone.
    ``of_programs``: the places hold no library, and the rows are of the programs in them.
    """

    places: tuple[str, ...]
    rows: tuple[SurveyRow, ...]
    duplicates: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_expected_empty: bool = False
    of_programs: bool = False

    @property
    def verdict(self) -> LoadVerdict:
        """That of the worst; unknown where libraries must be and none was found."""
        if not self.rows:
            return LoadVerdict.LOADS if self.is_expected_empty else LoadVerdict.UNKNOWN
        return min((row.verdict for row in self.rows), key=_BADNESS.index)

    def count(self, verdict: LoadVerdict) -> int:
        return sum(row.verdict is verdict for row in self.rows)


def survey(
    *targets: str | os.PathLike[str],
    model: LoaderModel | None = None,
    progress: Callable[[Iterator[SurveyRow]], Iterable[SurveyRow]] = iter,
) -> Survey:
    """Explain every library of folders and archives.

    Args:
        targets: folders, also of the model's root; archives, which are not unpacked to disk.
        model: the process and system to load them in; a fresh start of this process, or of what the files themselves
            say, when left out.
        progress: wraps the results as they come, to show or print them.

    Raises:
        Unreadable: a folder or archive cannot be read.
        MalformedImage: an archive contradicts itself.
        TooLarge: an archive is beyond the bounds of :mod:`loadstone.archives`, or there are too many libraries.
        Unsupported: a container that cannot be looked into; the advice says how to unpack it.

    Not thread-safe for one call; several calls do not disturb each other.
    """
    names = tuple(os.fspath(target) for target in targets)
    asked = model or LoaderModel.this_process()
    places = [place_of(name, asked).or_its_programs() for name in names]
    rows = list(progress(_rows(places, is_given=_is_given(model))))
    rows.sort(key=lambda row: (_BADNESS.index(row.verdict), row.path))
    is_expected_empty = not rows and bool(places) and all(p.tags.is_pure or p.has_kernel_modules() for p in places)
    of_programs = bool(rows) and all(place.is_of_programs for place in places)
    return Survey(tuple(p.target for p in places), tuple(rows), _duplicates(rows), is_expected_empty, of_programs)


def survey_rows(*targets: str | os.PathLike[str], model: LoaderModel | None = None) -> Iterator[SurveyRow]:
    """As :func:`survey`, each library when its turn comes, in the order of their names."""
    asked = model or LoaderModel.this_process()
    yield from _rows((place_of(os.fspath(t), asked).or_its_programs() for t in targets), is_given=_is_given(model))


def explanations(
    *targets: str | os.PathLike[str], model: LoaderModel | None = None, bindings: bool = False
) -> Iterator[tuple[str, Explanation]]:
    """The whole explanation of each library, with where it comes from; its symbols are bound where that is wanted."""
    asked = model or LoaderModel.this_process()
    for target in targets:
        place = place_of(os.fspath(target), asked)
        openers = Openers(place.model, place.tags, _is_given(model) or place.is_system, place.windows_packages)
        for found in place.libraries():
            opener = openers.model_for(found.path, found.image)
            yield (
                place.label(found),
                explain_with(found.path, opener, as_library=not place.has_programs, bindings=bindings),
            )


def portability(*targets: str | os.PathLike[str], model: LoaderModel | None = None) -> Portability:
    """How far the libraries of a wheel, a folder or another archive can travel; errors as :func:`survey`."""
    asked = model or LoaderModel.this_process()
    places = [place_of(os.fspath(target), asked) for target in targets]
    found = [(library.name, library.image) for place in places for library in place.libraries()]
    return portability_of(found, places[0].tags if len(places) == 1 else None)


def _is_given(model: LoaderModel | None) -> bool:
    """Whether the surroundings were chosen: then a library's own hints do not change them."""
    return model is not None and (model.is_chosen or model.kind is not LoaderKind.GLIBC)


def _rows(places: Iterable[SurveyPlace], *, is_given: bool) -> Iterator[SurveyRow]:
    shared, count = SharedLoads(), 0
    for place in places:
        model = replace(place.model, thorough=True, view=RememberedFiles(place.model.view))
        openers = Openers(model, place.tags, is_given or place.is_system, place.windows_packages)
        held: list[tuple[str, Diagnosis, SurveyRow]] = []  # rows, not explanations: those have the images
        brought_in: dict[str, int] = {}
        for found in place.files():
            count += 1
            if count > _MAX_FILES:
                raise TooLarge(path=place.target, what=f"more than {_MAX_FILES:,} libraries", advice="ask of its parts")
            if isinstance(found, NotALibrary):
                opener = openers.of_format(found.path, found.format)
                yield _row(place, found, explain_with(found.path, opener, as_library=True, bindings=False))
                continue
            explained = _explained(found, openers.model_for(found.path, found.image), shared, place)
            explained = _held_to_tags(explained, found, place)
            first = explained.first_blocking
            row = _row(place, found, explained)
            if first is not None and first.code in _IN_COMPANY:
                held.append((found.path, first, row))
                continue
            if explained.verdict is not LoadVerdict.FAILS:
                for node in explained.graph.nodes[1:]:
                    path = posixpath.normpath(node.path)
                    brought_in[path] = brought_in.get(path, 0) + 1
            yield row
        for path, first, row in held:
            users = brought_in.get(path, 0)
            yield _in_company(row, first, users, place) if users else row


def _explained(found: SurveyedLibrary, model: LoaderModel, shared: SharedLoads, place: SurveyPlace) -> Explanation:
    return explain_with(found.path, model, as_library=not place.has_programs, bindings=True, shared=shared)


def _held_to_tags(explained: Explanation, found: SurveyedLibrary, place: SurveyPlace) -> Explanation:
    """What the wheel's own tags add: the verdict of a module that is for no machine of theirs is that it fails."""
    if not place.tags.is_wheel:
        return explained
    images = place.model.view.images(place.model.view.open(found.path))
    broken = tuple(broken_promises(found.path, images, place.tags.platforms))
    if not broken:
        return explained
    fails = any(d.blocking for d in broken)
    verdict = LoadVerdict.FAILS if fails else min(explained.verdict, LoadVerdict.LOADS_WITH_RISK, key=_BADNESS.index)
    diagnoses = (*broken, *explained.diagnoses) if fails else (*explained.diagnoses, *broken)
    return replace(explained, verdict=verdict, diagnoses=diagnoses)


def _in_company(row: SurveyRow, first: Diagnosis, users: int, place: SurveyPlace) -> SurveyRow:
    """What fails when it is opened alone, and loads where others of its place bring it in after what it misses."""
    text = (
        f"{first.explanation} That holds where it is opened alone: the {users} libraries of this place that bring it in"
        " bring what it misses before it."
    )
    alone = _told(replace(first, code="opened-alone", blocking=False, explanation=text), place, Format(row.format))
    return replace(row, verdict=LoadVerdict.LOADS_WITH_RISK, diagnoses=(alone,))


def _row(place: SurveyPlace, found: SurveyedLibrary | NotALibrary, explained: Explanation) -> SurveyRow:
    image = found.image if isinstance(found, SurveyedLibrary) else None
    kind = found.image.format if isinstance(found, SurveyedLibrary) else found.format
    return SurveyRow(
        path=place.label(found),
        name=found.name,
        place=place.target,
        format=kind.value,
        machine=image.machine.name if image is not None else "",
        identity=image.identity if image is not None else None,
        loader=explained.loader,
        verdict=explained.verdict,
        diagnoses=tuple(_told(d, place, kind) for d in explained.diagnoses),
        assumptions=explained.assumptions,
    )


def _told(diagnosis: Diagnosis, place: SurveyPlace, kind: Format) -> Diagnosis:
    """A diagnosis without its search steps, the archive called as it was named."""
    if place.archive is None or not place.archive.place:
        return replace(diagnosis, steps=())
    diagnosis = for_an_archive(diagnosis, place.target, place.archive.place, kind, place.brings)
    old, new = place.archive.place, f"{place.target}!"
    return replace(
        diagnosis,
        steps=(),
        subject=diagnosis.subject.replace(old, new),
        explanation=diagnosis.explanation.replace(old, new),
        loader_message=diagnosis.loader_message.replace(old, new),
        advice=diagnosis.advice.replace(old, new),
        chain=tuple(link.replace(old, new) for link in diagnosis.chain),
    )


def _duplicates(rows: list[SurveyRow]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """SONAMEs and module names of more than one file: two of them in one process are two copies."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.identity:
            by_name[row.identity].append(row.path)
    return tuple((name, tuple(copies)) for name, copies in sorted(by_name.items()) if len(copies) > 1)
