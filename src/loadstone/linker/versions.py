"""Whether every symbol version that is needed is offered by the file it is needed of.

Source: elf/dl-version.c of glibc, read for its rules; Linux Standard Base Core, "Symbol Versioning". The check is per
version, whether or not a symbol uses it; a weak need may go unmet; a provider without version definitions passes
here and is met again when symbols are bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from loadstone.core.image import VersionNeed
from loadstone.linker.glibc import Failure
from loadstone.linker.graph import FailureStage, Process, Refusal
from loadstone.linker.objects import LoadedObject
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import Release

__all__ = ["check_versions"]

_GLIBC = re.compile(r"GLIBC_(\d{1,4})\.(\d{1,4})")
_OF_GLIBC = "GLIBC_"
_RELR_VERSION = "GLIBC_ABI_DT_RELR"


def check_versions(process: Process, new: list[LoadedObject]) -> Iterator[Refusal]:
    """Every unmet version need of the objects in ``new``, in the order the loader looks at them."""
    for consumer in new:
        yield from _unmet(process, consumer)
        if behaviour_of(process.model.release).relr:
            yield from _packed_relocations(consumer)


def _unmet(process: Process, consumer: LoadedObject) -> Iterator[Refusal]:
    for need in consumer.image.version_needs:
        provider = process.namespace.answering_to(need.file)
        if provider is None:
            if need.file in process.model.granted:
                continue
            if not any(d.name == need.file and found is None for d, found in consumer.needed):
                yield _of_no_dependency(consumer, need)
            continue
        definitions = provider.image.version_definitions
        if not definitions or need.weak:
            continue
        is_there = any(d.name == need.name for d in definitions)
        if not is_there or (process.model.is_other_release and _came_later(process.model.release, need, consumer)):
            yield _not_found(consumer, provider, need)


def _came_later(release: Release, need: VersionNeed, consumer: LoadedObject) -> bool:
    """Whether a version of glibc came after the release that is asked about; glibc's own libraries are of that one."""
    found = _GLIBC.fullmatch(need.name)
    is_of_glibc = any(d.name.startswith(_OF_GLIBC) for d in consumer.image.version_definitions)
    return found is not None and not is_of_glibc and (int(found[1]), int(found[2])) > release


def _not_found(consumer: LoadedObject, provider: LoadedObject, need: VersionNeed) -> Refusal:
    text = f"version `{need.name}' not found (required by {consumer.path})"
    return Refusal(
        "version-not-found",
        need.name,
        Failure(provider.path, text, offset=need.offset),
        consumer,
        opened=provider.opened,
        phase=FailureStage.VERSIONS,
    )


def _of_no_dependency(consumer: LoadedObject, need: VersionNeed) -> Refusal:
    """The needed file is among neither the dependencies nor the loaded objects: the loader gives up with itself."""
    text = "_dl_check_map_versions: Assertion `needed != NULL' failed!"
    failure = Failure("Inconsistency detected by ld.so", text, offset=need.offset)
    return Refusal("version-of-no-dependency", need.file, failure, consumer, crashes=True)


def _packed_relocations(consumer: LoadedObject) -> Iterator[Refusal]:
    if not consumer.facts.relr:
        return
    needs = consumer.image.version_needs
    if any(n.file.startswith("libc.so.") for n in needs) and all(n.name != _RELR_VERSION for n in needs):
        text = f"DT_RELR without {_RELR_VERSION} dependency"
        failure = Failure(consumer.path, text, offset=consumer.facts.dynamic.offset)
        yield Refusal(
            "relr-undeclared", consumer.path, failure, consumer, opened=consumer.opened, phase=FailureStage.VERSIONS
        )
