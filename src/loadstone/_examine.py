"""The main flow: find, read, explain, review, probe on request, decide. Composition only; each part has its own home.

Static by default: nothing of the target runs. With ``probe=True`` the library is loaded in a confined child, never in
the caller's process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from loadstone.binary import read
from loadstone.core.claims import Claim, Evidence, Location, Settler, Undecided
from loadstone.core.examination import Examination
from loadstone.core.names import validate_name
from loadstone.core.observations import ObservationKind, Phase, ProbeOutcome, ProbeReport
from loadstone.core.practices import Practice
from loadstone.core.trace import Explanation, LoadVerdict, SearchStep, StepOutcome, Trace
from loadstone.core.verdict import decide
from loadstone.errors import LoadstoneError, MalformedImage, NotFound, Unreadable
from loadstone.files import FileStamp, file_stamp
from loadstone.library import Policy, SearchPolicy, SearchSource
from loadstone.library.target import here, locate
from loadstone.linker import explain
from loadstone.linker.extension import FROM_HOST
from loadstone.review import review_image

__all__ = ["examine"]


def examine(target: str | os.PathLike[str], *, probe: bool = False) -> Examination:
    """Find out everything about a library, or a program, and say whether to load it.

    Args:
        target: a path (anything with a separator), or a name the way a loader gets it: ``z``, ``libssl.so.3``. A bare
            name that no search finds but that names a file in the current directory is examined as that file.
        probe: also load, resolve and unload it in a confined child process.

    Raises:
        InvalidName: the name is empty, too long, or has NUL or control characters in it.
        ProbeFailed: ``probe`` was asked for and no confined child could be started.

    A target that does not exist, cannot be read or is no binary is an answer, not an error. Thread-safe. Runs on every
    platform; what is explained is the loader of the file's own platform.

    >>> examine("no-such-library").verdict
    <Verdict.DO_NOT_LOAD: 'do not load'>
    """
    name = os.fspath(target)
    validate_name(name)
    location = _locate(name)
    for _ in range(_TRIES):
        state = _state(location)
        examination = _examined(name, location, probe=probe)
        if _state(location) == state:
            return examination
    path = location.path or name
    return _examined(
        name, location, [_open_question(path, "is-one-file", "the file was replaced again and again", "ask again")]
    )


_TRIES: Final = 3
"""Image, explanation and probe each open the file; where it was replaced meanwhile, they are asked again."""


def _state(location: Trace) -> FileStamp | None:
    """What is different when another file, or another build, has taken the place."""
    try:
        return file_stamp(os.stat(location.path or ""))
    except (OSError, ValueError):  # absent, or a member of an archive
        return None


def _examined(name: str, location: Trace, known: Sequence[Claim] = (), *, probe: bool = False) -> Examination:
    path = location.path if location.path is not None else name
    explanation = explain(path, thorough=True)
    claims: list[Claim] = [*known]
    image = None
    if location.found:
        try:
            image = read(path)
        except (MalformedImage, Unreadable) as error:
            claims += _unread(path, error, explanation)
        else:
            claims += review_image(image)
    report, disagreement = None, ""
    if probe and location.how == _HERE:
        reason = f"only a path is run: {path}"
        claims.append(_open_question(path, "is-probed", "a bare name is not run from here", reason, Settler.PROBE))
    elif probe and location.found:
        report, disagreement, observed = _probed(path, explanation)
        claims += observed
    claims = [*_loading_claims(explanation, disagreement), *claims]
    decision = decide(claims)
    return Examination(
        target=name,
        verdict=decision.verdict,
        reasons=decision.reasons,
        location=location,
        image=image,
        explanation=explanation,
        claims=tuple(claims),
        probe=report,
        disagreement=disagreement,
    )


def _probed(path: str, explanation: Explanation) -> tuple[ProbeReport, str, tuple[Claim, ...]]:
    """What the real loader and the library did in a confined child, and how it contradicts the prediction, if it does.

    What is remembered may be older than what was explained, so a contradiction by memory is asked again.
    """
    probing = import_module("loadstone.probe")  # only here: a static examination never imports what can run code
    report = probing.probe(path, require=_NO_WRITES)
    if report.remembered and contradiction(explanation, report):
        report = probing.probe(path, require=_NO_WRITES, fresh=True)
    return report, contradiction(explanation, report), probing.claims(report)


def contradiction(explanation: Explanation, report: ProbeReport) -> str:
    """How the real loader contradicted what was predicted of it; "" when it did not, or both answer other questions.

    A program is predicted to start, and a probe opens it; a verdict that rests on the symbols of another host cannot
    be tried here; a sandbox may refuse what the loader would not. Pure.
    """
    if explanation.search is None or FROM_HOST in explanation.assumptions:
        return ""
    verdict = explanation.verdict
    if report.outcome is ProbeOutcome.LOAD_ERROR and report.phase is Phase.LOAD:
        if verdict in (LoadVerdict.LOADS, LoadVerdict.LOADS_WITH_RISK):
            words = next((o.detail for o in report.observations if o.kind is ObservationKind.LOAD_ERROR), "no words")
            return f"it was predicted to load, and the loader refused it: {words}"
    elif verdict is LoadVerdict.FAILS and report.phase in _LOADED:
        blocking = explanation.first_blocking
        because = f" because of {blocking.code}: {blocking.loader_message}" if blocking else ""
        return f"it was predicted to fail{because}; the loader loaded it"
    return ""


_LOADED: Final = frozenset((Phase.RESOLVE, Phase.THREADS, Phase.UNLOAD, Phase.RELOAD, Phase.EXIT))
"""Phases that begin only after the loader has said yes."""

_NO_WRITES: Final = ("landlock",)
"""Without a sandbox for the file system nothing is run on the way to a verdict; ``probe`` alone decides for itself."""

_FRESH: Final = Policy(search=SearchPolicy(tuple(s for s in SearchSource if s is not SearchSource.ALREADY_LOADED)))
"""What this process happens to have loaded says nothing of what another would find."""


def _locate(name: str) -> Trace:
    """Where the target is; a name that no search finds may be read, but not run, from the current directory."""
    try:
        return locate(name, policy=_FRESH)
    except NotFound as miss:
        searched = miss.trace or Trace(name)
        path = here(name)
        if path is None:
            return searched
        reason = "in the current directory, where no loader looks for a bare name"
        step = SearchStep(_HERE, path, StepOutcome.TAKEN, reason)
        return Trace(name, (*searched.steps, step), path, _HERE)


_HERE: Final = "current directory"
"""How a file was found that is only read: to run it, it has to be pointed at."""


def _unread(path: str, error: LoadstoneError, explanation: Explanation) -> list[Claim]:
    """Why there is no image, as an open question - unless the explanation has said already that it would not load."""
    if explanation.first_blocking is not None:
        return []
    return [_open_question(path, "is-readable", "cannot tell what is in the file", str(error))]


def _loading_claims(explanation: Explanation, disagreement: str) -> list[Claim]:
    """Whether it would load here, as claims: the diagnoses, praise with its count, or the question left open.

    A prediction the real loader contradicted proves nothing, neither for the library nor against it.
    """
    if disagreement:
        message = "Loadstone predicted wrongly whether it loads: a bug in Loadstone, not in the library"
        return [_open_question(explanation.target, "prediction-holds", message, disagreement)]
    claims: list[Claim] = [d.finding() for d in explanation.diagnoses]
    if explanation.verdict is LoadVerdict.UNKNOWN:
        because = "; ".join(explanation.assumptions) or "the file is damaged"
        message = "cannot tell whether it would load"
        claims.append(_open_question(explanation.target, "loads-here", message, because, Settler.PROBE))
    elif explanation.verdict is not LoadVerdict.FAILS:
        edges = explanation.graph.edges
        found = sum(edge.chosen is not None for edge in edges)
        root = explanation.graph.root.image if explanation.graph.nodes else None
        first = root.needed[0].offset if root and root.needed else 0
        claims.append(
            Evidence(
                rule="loads-here",
                message=f"{found} of {len(edges)} dependencies found, with every version and symbol asked of them",
                location=Location.bytes(explanation.target, first, 1) if first else Location(explanation.target),
                practice=Practice.LOADABILITY,
                met=found,
                sites=len(edges),
            )
        )
    return claims


def _open_question(path: str, rule: str, message: str, reason: str, settled_by: Settler = Settler.HUMAN) -> Undecided:
    return Undecided(
        rule=rule,
        message=message,
        location=Location(path),
        practice=Practice.LOADABILITY,
        reason=reason,
        blocking=True,
        settled_by=settled_by,
    )
