"""What each interface does, as data: one table file a family, and users' own files beside them.

A table file has a ``family`` and, for each role, entries with the ``names`` that play it. Other keys say how:

``subject``  which argument it acts on (-1 is the object of a method): the path of a load, the handle of a resolve or
             unload, the lock of a lock, the value of a check
``symbol``   which argument names the symbol           ``out``      which argument receives the result
``success``  what tells success from failure           ``error``    where the reason of a failure is read
``release``  what gives the result back                ``kind``     a word of the role: what kind of source, check ...
``owned``    whether the caller owns the result        ``raises``   whether failure is an exception
``every``    the first of the arguments that all receive a result

Source of the facts: the interfaces' manual pages; names and numbers only. Nothing here is decided in the analyses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from loadstone.files import parse_toml, read_text
from loadstone.quick_dataclass import dataclass

__all__ = ["Api", "ApiRole", "Success", "Tables", "read_table", "starters", "tables", "words"]


class ApiRole(StrEnum):
    """What an interface does, as far as a review cares."""

    LOAD = "load"
    RESOLVE = "resolve"
    UNLOAD = "unload"
    PIN = "pin"
    BORROW = "borrow"
    FIND = "find"
    ERROR = "error"
    ALLOCATE = "allocate"
    FREE = "free"
    OPEN = "open"
    FILE = "file"
    CLOSE = "close"
    LOCK = "lock"
    UNLOCK = "unlock"
    TRY_LOCK = "try-lock"
    GUARD = "guard"
    HOLDER = "holder"
    ONCE = "once"
    THREAD = "thread"
    JOINED = "joined"
    SOURCE = "source"
    JOIN = "join"
    SPLIT = "split"
    CLEAR = "clear"
    PATH = "path"
    PASS = "pass"  # noqa: S105 - no secret: handing a value on
    CANONICAL = "canonical"
    TEST = "test"
    LOOK = "look"
    DIGEST = "digest"
    VERIFY = "verify"
    COMPARE = "compare"
    SET_ENVIRONMENT = "set-environment"
    SEARCH_PATH = "search-path"
    SEARCH_FLAGS = "search-flags"
    PRIVILEGE = "privilege"
    TEMPORARY = "temporary"
    PERMISSION = "permission"
    COMMAND = "command"
    CODE = "code"
    DOWNLOAD = "download"
    NO_RETURN = "no-return"
    ASSERTION = "assertion"
    CALLBACK = "callback"
    REGISTER = "register"
    LOADER_LOCK = "loader-lock"
    UNREGISTER = "unregister"
    READ = "read"
    COPY = "copy"
    OBSOLETE = "obsolete"
    LOG = "log"


class Success(StrEnum):
    """How the result of a call tells success from failure."""

    NON_NULL = "non-null"
    ZERO = "zero"
    NON_ZERO = "non-zero"
    ONE = "one"
    NON_NEGATIVE = "non-negative"
    NONE = "none"


CORE: Final = frozenset(
    {
        ApiRole.LOAD,
        ApiRole.RESOLVE,
        ApiRole.UNLOAD,
        ApiRole.PIN,
        ApiRole.BORROW,
        ApiRole.FIND,
        ApiRole.SEARCH_FLAGS,
        ApiRole.SEARCH_PATH,
    }
)
"""Roles that make a file one that handles libraries."""

MINOR: Final = frozenset(
    {
        ApiRole.SET_ENVIRONMENT,
        ApiRole.COMMAND,
        ApiRole.CODE,
        ApiRole.PERMISSION,
        ApiRole.TEMPORARY,
        ApiRole.VERIFY,
        ApiRole.DIGEST,
        ApiRole.PRIVILEGE,
        ApiRole.DOWNLOAD,
        ApiRole.OBSOLETE,
    }
)
"""Roles that matter in a file which speaks of libraries."""


@dataclass(frozen=True, slots=True)
class Api:
    """One interface and what it does."""

    name: str
    role: ApiRole
    family: str
    subject: int = 0
    symbol: int | None = None
    out: int | None = None
    success: Success = Success.NONE
    error: str = ""
    release: str = ""
    kind: str = ""
    owned: bool = True
    raises: bool = False
    every: int | None = None
    returns: bool = True

    @property
    def ends(self) -> bool:
        """Whether a call never comes back: the program ends, or is another one from there on."""
        return self.role is ApiRole.NO_RETURN or not self.returns


@dataclass(frozen=True, slots=True)
class Tables:
    """Every interface known in one run, by name."""

    by_name: Mapping[str, Api]

    def get(self, name: str) -> Api | None:
        """The interface of that name; ``std::`` and a leading ``::`` do not matter, nor an unknown receiver's type."""
        found = self.by_name.get(name)
        if found is None and "::" in name:
            found = self.by_name.get(name.removeprefix("std::"))
        return found


_SUCCESS: Final[Mapping[ApiRole, Success]] = {
    ApiRole.LOAD: Success.NON_NULL,
    ApiRole.RESOLVE: Success.NON_NULL,
    ApiRole.BORROW: Success.NON_NULL,
    ApiRole.FIND: Success.NON_NULL,
    ApiRole.ALLOCATE: Success.NON_NULL,
    ApiRole.OPEN: Success.NON_NEGATIVE,
}


def read_table(text: str) -> Iterable[Api]:
    """The interfaces of one table file.

    Raises ``KeyError`` or ``ValueError`` on a wrong one.
    """
    table: dict[str, Any] = parse_toml(text)
    family = str(table.get("family", ""))
    for key, entries in table.items():
        if key == "family":
            continue
        role = ApiRole(key)
        for entry in entries:
            values = dict(entry)
            names = values.pop("names")
            success = Success(values.pop("success")) if "success" in values else _SUCCESS.get(role, Success.NONE)
            if values.get("raises"):
                success = Success.NONE
            for name in names:
                yield Api(name=name, role=role, family=family, success=success, **values)


@lru_cache(maxsize=8)
def tables(extra: tuple[str, ...] = ()) -> Tables:
    """The shipped tables, then those of the files in ``extra``, which may replace entries. Raises as ``read_table``."""
    found: dict[str, Api] = {}
    shipped = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    for file in shipped:
        found.update((api.name, api) for api in read_table(file.read_text(encoding="utf-8")))
    for path in extra:
        found.update((api.name, api) for api in read_table(read_text(path)))
    return Tables(found)


@lru_cache(maxsize=8)
def words(extra: tuple[str, ...] = (), *, minor: bool = False) -> frozenset[str]:
    """The words of C and C++ interfaces that make a file worth reading.

    ``minor``: those that do beside talk of libraries.
    """
    roles = MINOR if minor else CORE
    apis = tables(extra).by_name.values()
    return frozenset(_word(a) for a in apis if a.role in roles and a.family != "Python" and not a.name.startswith("?."))


@lru_cache(maxsize=1)
def starters() -> frozenset[str]:
    """The names of C and C++ interfaces that start a program through a shell."""
    apis = tables().by_name.values()
    return frozenset(a.name for a in apis if a.role is ApiRole.COMMAND and a.kind == "shell" and a.family != "Python")


_RARE: Final = 6
"""Letters from which a method's name alone is rare enough to mean its class."""


def _word(api: Api) -> str:
    """The rarest word of a name: the class of a method, unless the method itself is rarer."""
    *before, last = api.name.split("::")
    owner = before[-1] if before else ""
    if owner and len(last) < _RARE:
        return owner
    return owner if owner[:1].isupper() and last[:1].islower() and api.role is not ApiRole.SEARCH_PATH else last
