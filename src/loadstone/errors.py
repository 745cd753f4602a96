"""Every error Loadstone raises, in one tree.

::

    LoadstoneError
    ├── InvalidName (ValueError)        a library name, version or symbol name that no loader should be given
    ├── InvalidPrototype (ValueError)   C declaration text that cannot be understood
    ├── InvalidConfiguration (ValueError) settings of a project that are not known or of the wrong kind
    ├── InvalidQuery (ValueError)       a question to a fleet that its tables cannot answer
    ├── NotFound (OSError)              no candidate exists; .trace holds every one that was looked at
    ├── Unreadable (OSError)            the file is there but its bytes cannot be had
    ├── Unwritable (OSError)            a result could not be written to the file asked for
    ├── MalformedImage                  the bytes are not the binary they claim to be; .offset says where
    ├── TooLarge                        what is packed in a file is beyond a bound: bytes, members, nesting
    ├── NotVerified (OSError)           the bytes are not the ones that were pinned, or the place is not trusted
    ├── LoadFailed (OSError)            the system refused; .attempts, .explanation and .system_text say why
    ├── SymbolNotFound (AttributeError) the library does not offer that name; .nearest lists the close ones
    ├── WrongSymbolKind                 the name is there, but as data where a function was asked for, or the reverse
    ├── InUse                           unload refused; .holders lists what is still alive
    ├── Closed                          the handle was unloaded and cannot be used any more
    ├── Unsupported                     this platform or build cannot do that; nothing was attempted
    └── ProbeFailed                     the confined child could not be run at all (a crash in it is a result, not this)

Each error carries its facts as fields and builds its message from them: what was attempted, what happened (the
system's own words where there are any), and ``advice``: what to do next. Text that came from a file or from the
system is escaped in the message and kept raw in the field. Errors can be pickled.
"""

from __future__ import annotations

import errno as errno_codes
import os

from loadstone.escape import printable, quoted
from loadstone.quick_dataclass import dataclass

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform

    from loadstone.core.trace import Explanation, Trace
else:

    def dataclass_transform(**_said: bool) -> Any:
        """What only type checkers ask for."""
        return lambda cls: cls


_OF_OPENING = (
    errno_codes.ENOENT,
    errno_codes.EACCES,
    errno_codes.EPERM,
    errno_codes.ENOTDIR,
    errno_codes.EISDIR,
    errno_codes.ELOOP,
    errno_codes.ENAMETOOLONG,
    errno_codes.EMFILE,
    errno_codes.ENFILE,
    errno_codes.ENOMEM,
    errno_codes.EIO,
)

__all__ = [
    "Attempt",
    "Closed",
    "Holder",
    "InUse",
    "InvalidConfiguration",
    "InvalidName",
    "InvalidPrototype",
    "InvalidQuery",
    "LoadFailed",
    "LoadstoneError",
    "MalformedImage",
    "NotFound",
    "NotVerified",
    "ProbeFailed",
    "SymbolNotFound",
    "TooLarge",
    "Unreadable",
    "Unsupported",
    "Unwritable",
    "WrongSymbolKind",
]


def _rebuild(cls: type[LoadstoneError], fields: dict[str, Any]) -> LoadstoneError:
    error = cls.__new__(cls)
    error.__dict__.update(fields)
    return error


@dataclass_transform(eq_default=False, kw_only_default=True)
class _WithFields(Exception):
    """An exception whose annotations are fields given by keyword, as in a dataclass.

    ``dataclasses`` itself would compile an initialiser for each of twenty classes at every import of Loadstone.
    """

    field_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.field_names = (*cls.field_names, *cls.__annotations__)

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        wrong = [name for name in fields if name not in self.field_names]
        wrong += [name for name in self.field_names if name not in fields and not hasattr(self, name)]
        if wrong:
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.field_names)}; check {', '.join(wrong)}")
        self.__dict__.update(fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.field_names)})"


class LoadstoneError(_WithFields):
    """The root: ``except LoadstoneError`` catches everything Loadstone raises on purpose.

    ``field_names`` lists the fields of a class in order.
    """

    advice: str = ""

    @property
    def message(self) -> str:
        """What was attempted and what happened, on one line, without the advice."""
        return "Loadstone failed"

    def __str__(self) -> str:
        stop = "" if self.message.endswith((".", "?", "!")) else "."
        return f"{self.message}{stop} {self.advice[0].upper()}{self.advice[1:]}" if self.advice else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


class InvalidName(LoadstoneError, ValueError):
    """A name or version that must not reach a loader: empty, too long, with NUL or control characters."""

    name: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot use {quoted(self.name, 120)} as a name: {self.reason}"


class InvalidPrototype(LoadstoneError, ValueError):
    """C declaration text that could not be understood, with the place in it (1-based line and column)."""

    text: str
    reason: str
    line: int = 0
    column: int = 0

    @property
    def message(self) -> str:
        place = f" at line {self.line}, column {self.column}" if self.line else ""
        return f"cannot read the C prototype {quoted(self.text, 200)}{place}: {printable(self.reason)}"


class InvalidConfiguration(LoadstoneError, ValueError):
    """Settings of a project that cannot be used: not the format they should be in, not known, of the wrong kind."""

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot use the settings in {quoted(self.path)}: {printable(self.reason)}"


class InvalidQuery(LoadstoneError, ValueError):
    """A question that cannot be answered: not known, its parameters do not fit, or the database refuses its SQL."""

    question: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot answer {quoted(self.question, 200)}: {printable(self.reason)}"


class _OfFile(LoadstoneError, OSError):
    """An error about a file, with what programs ask an OSError for, made of its fields."""

    _errno = errno_codes.EIO

    @property
    def errno(self) -> int:  # type: ignore[override]  # OSError's can be set; ours is a fact
        """The system's code, or the one that says the same where the system gave none."""
        return getattr(self, "code", None) or self._errno

    @property
    def filename(self) -> str:
        """The file, or the name it was looked for by."""
        return str(getattr(self, "path", "") or getattr(self, "name", ""))


class NotFound(_OfFile):
    """No library of that name: ``trace`` has every candidate that was looked at and why it was not taken."""

    _errno = errno_codes.ENOENT

    name: str
    trace: Trace | None = None

    @property
    def message(self) -> str:
        tried = self.trace.steps if self.trace else ()
        noun = "candidate" if len(tried) == 1 else "candidates"
        looked = f" ({len(tried)} {noun} looked at)" if tried else ""
        return f"cannot find the library {quoted(self.name, 200)}{looked}"


class Unreadable(_OfFile):
    """The file exists, or may exist, but cannot be read: permission, a directory, a device, an input/output error."""

    path: str
    reason: str
    code: int | None = None

    @property
    def message(self) -> str:
        return f"cannot read {quoted(self.path)}: {printable(self.reason)}"


class Unwritable(_OfFile):
    """A result could not be written to the file that was asked for."""

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot write {quoted(self.path)}: {printable(self.reason)}"


class MalformedImage(LoadstoneError):
    """The bytes contradict themselves. ``offset`` is the position in the file (bytes) where that was seen."""

    what: str
    offset: int = 0
    path: str | None = None

    @property
    def message(self) -> str:
        place = printable(self.path) if self.path else "the bytes given"
        return f"cannot parse {place}: at offset {self.offset:#x}: {printable(self.what)}"


class TooLarge(LoadstoneError):
    """A container would become more than is allowed: a bomb, or something that is to be unpacked first."""

    path: str
    what: str
    advice: str = "if it can be trusted, unpack it and ask about the folder"

    @property
    def message(self) -> str:
        return f"refused to look further into {quoted(self.path)}: {printable(self.what)}"


class NotVerified(_OfFile):
    """Refused before any code ran: digest, owner, permission or place do not satisfy the policy."""

    _errno = errno_codes.EPERM

    path: str
    requirement: str
    expected: str = ""
    actual: str = ""

    @property
    def message(self) -> str:
        detail = f": expected {printable(self.expected)}, found {printable(self.actual)}" if self.expected else ""
        detail = detail or (f": {printable(self.actual)}" if self.actual else "")
        return f"refused to load {quoted(self.path)}: {self.requirement}{detail}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate given to the system's loader: its path, the system's code (or None) and its exact words."""

    candidate: str
    code: int | None
    system_text: str


class LoadFailed(_OfFile):
    """The system refused every candidate. ``explanation`` says why in Loadstone's words, ``system_text`` in its own."""

    name: str
    stage: str = "open"
    code: int | None = None
    system_text: str = ""
    attempts: tuple[Attempt, ...] = ()
    explanation: Explanation | None = None

    @property
    def _errno(self) -> int:  # type: ignore[override]
        """Of the words with which ``dlopen`` tells that a file could not be opened; else that it is no code to run."""
        named = (code for code in _OF_OPENING if self.system_text.endswith(os.strerror(code)))
        return next(named, errno_codes.ENOEXEC)

    @property
    def message(self) -> str:
        said = printable(self.system_text) or "the system gave no reason"
        blocking = self.explanation.first_blocking if self.explanation else None
        because = f"; because {printable(blocking.explanation)}" if blocking else ""
        return f"cannot load {quoted(self.name, 200)} ({self.stage}): {said}{because}"


class SymbolNotFound(LoadstoneError, AttributeError):
    """The library has no such symbol; ``nearest`` lists names it does have that look alike."""

    symbol: str
    library: str
    nearest: tuple[str, ...] = ()
    system_text: str = ""

    @property
    def message(self) -> str:
        near = f"; did you mean {', '.join(printable(n, 80) for n in self.nearest)}?" if self.nearest else ""
        return f"cannot resolve {quoted(self.symbol, 200)} in {printable(self.library)}: no such symbol{near}"


class WrongSymbolKind(LoadstoneError):
    """The symbol exists as another kind of thing than was asked for (function, object, thread-local, IFUNC)."""

    symbol: str
    library: str
    wanted: str
    actual: str

    @property
    def message(self) -> str:
        name, library = quoted(self.symbol, 200), printable(self.library)
        article = "an" if self.actual[:1].lower() in {*"aeiou"} else "a"
        return f"cannot use {name} of {library} as a {self.wanted}: it is {article} {self.actual}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Something alive that needs the library: its kind (function, data, callback, call, handle ...) and name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {printable(self.name, 80)}"


class InUse(LoadstoneError):
    """Unload refused because something would be left pointing at nothing; ``holders`` says what."""

    library: str
    holders: tuple[Holder, ...] = ()

    @property
    def message(self) -> str:
        return f"cannot unload {printable(self.library)}: still alive: {', '.join(map(str, self.holders))}"


class Closed(LoadstoneError):
    """The handle was unloaded; what was resolved through it can no longer be used."""

    library: str
    attempted: str = "use the library"

    @property
    def message(self) -> str:
        return f"cannot {self.attempted}: {printable(self.library)} is not loaded through this handle"


class Unsupported(LoadstoneError):
    """This platform, interpreter or build has no such thing. Nothing was attempted."""

    feature: str
    reason: str

    @property
    def message(self) -> str:
        return f"{self.feature} is not available here: {printable(self.reason)}"


class ProbeFailed(LoadstoneError):
    """No confined child could be started or confined as required. What the child does is a result, never this."""

    reason: str
    missing: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        lack = f" (missing: {', '.join(self.missing)})" if self.missing else ""
        return f"cannot probe: {printable(self.reason)}{lack}"
