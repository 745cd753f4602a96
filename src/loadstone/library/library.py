"""The handle everybody uses: a library by name, loaded when asked, unloaded only when nothing points into it."""

from __future__ import annotations

import os

from loadstone.core.names import (
    Platform,
    is_library,
    platform_named,
    validate_name,
    validate_symbol,
    validate_version,
)
from loadstone.errors import (
    Closed,
    Holder,
    InUse,
    LoadstoneError,
    SymbolNotFound,
    Unsupported,
    WrongSymbolKind,
)
from loadstone.library import adapters
from loadstone.library.adapters.base import SystemRefused
from loadstone.library.hints import LoadHint
from loadstone.library.lifetime.outcome import UnloadOutcome, UnloadState
from loadstone.library.lifetime.record import LibraryRecord, Loan
from loadstone.library.lifetime.symbol import Symbol
from loadstone.library.trust.policy import Assurance, Policy
from loadstone.library.typed.life import Life

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Final, Literal, Self, TypeVar

    from loadstone.core.image import ImageSymbol
    from loadstone.library.lifetime.namespace import Namespace
    from loadstone.library.typed.declare import DeclaredNames
    from loadstone.library.typed.function import CallOptions

    Result = TypeVar("Result")

__all__ = ["Library"]

_NO_HINTS: Final = LoadHint(0)


class Library:
    """One library, by name or path. Nothing is touched until it is loaded; nothing dangles after it is unloaded.

    Args:
        name: ``"z"``, ``"libz.so.1"``, ``"/opt/app/libz.so.1"``, ``"./build/libz.so"``: a name without a directory is
            searched for (never in the current directory), one with a directory is taken relative to it.
        version: the version its file name must carry: ``1``, ``"1.2.13"``.
        hints: what to ask of the system's loader.
        policy: what must hold before any of its code runs, and where to search.
        namespace: load into a linker namespace of its own (Linux with glibc).

    Raises:
        InvalidName: the name or version could not be that of a library.

    Handles of one file share one record, whatever their spelling: the system opens it once. Dropping a handle never
    unloads; only :meth:`unload` or leaving ``with`` does. Thread-safe. Constructors of the library run with the
    interpreter lock released and no lock of ours held. What loads on Windows and macOS is described with the adapters.

    >>> with Library("z", version=1) as z:
    ...     z.function("unsigned long crc32(unsigned long, const unsigned char *, unsigned)")(0, b"abc", 3)
    891568578
    """

    __slots__ = (
        "__weakref__",
        "_error",
        "_file_name",
        "_hints",
        "_life",
        "_loan",
        "_name",
        "_namespace",
        "_policy",
        "_unloaded",
        "_version",
    )

    def __init__(
        self,
        name: str | os.PathLike[str],
        version: int | str | None = None,
        *,
        hints: LoadHint = _NO_HINTS,
        policy: Policy | None = None,
        namespace: Namespace | None = None,
    ) -> None:
        self._name = validate_name(name)
        self._version = validate_version(version) if version is not None else None
        self._hints = hints if type(hints) is LoadHint else LoadHint(hints)
        self._policy = policy or Policy.default()
        self._namespace = namespace
        self._error: LoadstoneError | None = None
        self._file_name = self._name
        self._unloaded = False
        self._loan = Loan(self, self._name)
        self._life = Life(self._name)

    def __repr__(self) -> str:
        return f"<Library {self.file_name!r} {'loaded' if self.is_loaded else 'not loaded'}>"

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name it was asked for by."""
        return self._name

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def policy(self) -> Policy:
        return self._policy

    @property
    def file_name(self) -> str:
        """The name as given, until a load succeeds; from then on the path that was loaded, after unloading too."""
        return self._file_name

    @property
    def is_loaded(self) -> bool:
        """Whether this handle has it loaded; others may have while this one has not."""
        record = self._loan.record
        return record is not None and self._loan in record.loans

    @property
    def error(self) -> LoadstoneError | None:
        """What went wrong in this handle's last operation that could fail, or None."""
        return self._error

    @property
    def assurance(self) -> Assurance:
        """How sure it is that what is loaded is what was checked; ``none`` while it is not loaded."""
        record = self._loan.record
        return record.source.assurance if record is not None and self.is_loaded else Assurance.NONE

    @property
    def unverified(self) -> tuple[str, ...]:
        """After a pinned load: what it needs and nothing vouches for."""
        record = self._loan.record
        return record.source.unverified if record is not None else ()

    @property
    def hints(self) -> LoadHint:
        """What is asked of the system's loader. Setting it takes effect at the next load.

        Raises:
            Unsupported: on setting, while the library is loaded: it would be without effect.
        """
        return self._hints

    @hints.setter
    def hints(self, value: LoadHint) -> None:
        if self.is_loaded:
            raise Unsupported(
                feature="changing load hints",
                reason=f"{self.file_name} is loaded already, so they would have no effect",
                advice="unload it, set the hints, and load it again",
            )
        self._hints = LoadHint(value)

    @staticmethod
    def is_library(name: str | os.PathLike[str], *, platform: str | None = None, strict: bool = True) -> bool:
        """Whether a file name looks like a library's; looks at the text only. See :func:`core.names.is_library`.

        >>> Library.is_library("libfoo.so.1.2", platform="linux"), Library.is_library("x.so2", platform="linux")
        (True, False)
        """
        return is_library(os.fspath(name), _platform(platform), strict=strict)

    # -- loading and unloading -------------------------------------------------------------------------------------

    def load(self) -> Self:
        """Load it, unless this handle has done so already; a load that failed may be tried again.

        Raises:
            NotFound: a bare name that no source of the search policy has; ``trace`` lists what was looked at.
            NotVerified: the file, or its place, is not what the policy asks for. Nothing of it has run.
            Unreadable: it is no file, or may not be read.
            LoadFailed: the system refused, or would have died of it (a file that is cut off).
            Unsupported: a hint has no meaning on this platform.
        """
        if not self.is_loaded:
            self._noted(self._load)
        return self

    def _load(self) -> None:
        from loadstone.library.opening import open_library  # noqa: PLC0415  the linker and the readers come with it

        self._file_name = open_library(
            self._name, self._version, self._hints, self._policy, self._namespace, self._loan
        )
        self._begin()
        self._unloaded = False

    def unload(self) -> UnloadOutcome:
        """Give this handle's load back. The last one unmaps the library, unless something still points into it.

        Returns:
            An outcome that is true only when the library was seen to be gone. It is ``held`` while other handles have
            it loaded, ``resident`` with a reason when the system keeps it, ``not loaded`` when there was nothing to do.

        Raises:
            InUse: functions, data, callbacks or symbols are alive, or a call is in progress. Nothing has changed.
        """
        loan, record = self._loan, self._loan.record
        if record is None or loan not in record.loans:
            return UnloadOutcome(UnloadState.NOT_LOADED, reason="this handle has not loaded it")
        outcome = self._noted(lambda: record.unload(loan))
        loan.release(record)
        self._unloaded = True
        return outcome

    def retarget(self, name: str | os.PathLike[str], version: int | str | None = None) -> None:
        """Use this handle for another library; what it has loaded is unloaded first. Hints and policy stay.

        Raises:
            InvalidName: nothing has changed.
            InUse: what is loaded is still used. Nothing has changed.
        """
        new_name, new_version = validate_name(name), validate_version(version)
        self.unload()
        self._name = self._file_name = new_name
        self._version = new_version
        self._unloaded = False
        self._error = None
        self._loan = Loan(self, new_name)

    def __copy__(self) -> Self:
        raise TypeError(
            f"{self!r} cannot be copied: a copy would share its load; make another Library of the same name"
        )

    def __deepcopy__(self, _memo: object) -> Self:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} cannot be pickled: it is loaded in this process; send its name instead")

    def __enter__(self) -> Self:
        return self.load()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close everything that was taken through this handle, and unload.

        Using a function, a variable or a pointer of it afterwards raises :class:`Closed`.

        Raises:
            InUse: a call is in progress in another thread, or ctypes or cffi has the library; an error that is on its
                way is kept, and that is noted with it.
        """
        try:
            self._close_taken()
            self.unload()
        except LoadstoneError as refused:
            if error is None:
                raise
            error.add_note(f"loadstone: {refused}")

    def _begin(self) -> None:
        """What is given out from now on ends with this load."""
        self._life = Life(self._file_name)
        record = self._loan.record
        if record is not None:
            record.ledger.lives.append(self._life)

    def _close_taken(self) -> None:
        """Close what this handle gave out, unless a call runs: nobody may unmap code under it."""
        record, life = self._loan.record, self._life
        running = life.close()
        if running:
            life.reopen()
            raise InUse(
                library=self.file_name,
                holders=(Holder("call", f"{running} in progress"),),
                advice="wait for it before the block ends",
            )
        if record is not None:
            record.ledger.release(life)

    # -- using -----------------------------------------------------------------------------------------------------

    def resolve(self, symbol: str, *, dependencies: bool = False) -> Symbol:
        """Look a symbol up; loads the library first if that was never done.

        Args:
            symbol: the name as the file has it (C, or mangled C++).
            dependencies: also take it from a library this one needs, as the system does.

        Returns:
            Its address. While the object lives, the library stays loaded.

        Raises:
            InvalidName: the name is empty, too long or has a NUL in it.
            SymbolNotFound: ``nearest`` lists names that look alike.
            Closed: the handle was unloaded. Load it again first.
            Others: those of :meth:`load`.
        """
        record = self._loan.record
        if record is None or self._loan not in record.loans:
            record = self._noted(self._implicitly_loaded)
        name = validate_symbol(symbol)
        found = Symbol(self, name)
        record.ledger.add("symbol", name, found, self._life)
        outside = None
        try:
            address, opened = record.address(name, self._loan)
        except SystemRefused as refused:
            said = refused.text
        else:
            footprint = record.source.footprint
            found.address = address
            if footprint.low <= address - opened.base < footprint.high or not footprint.high:
                return found
            if self._exports(record, name):
                return found
            outside = record.adapter.provider(address)
            if dependencies:
                found.outside = outside
                return found
            said = ""
        del found  # or the error's traceback would keep it, and with it the library
        raise self._remembered(self._not_found(record, name, said, outside))

    @classmethod
    def resolve_in(cls, name: str, symbol: str, version: int | str | None = None) -> Symbol:
        """Load a library for one symbol. It then stays loaded, as with QLibrary's static resolve.

        >>> Library.resolve_in("z", "zlibVersion", 1).name
        'zlibVersion'
        """
        return cls(name, version).resolve(symbol)

    def function(
        self,
        prototype: str,
        *,
        restype: Any = None,
        argtypes: Sequence[Any] | None = None,
        capture_errno: bool = False,
        dependencies: bool = False,
        gil: Literal["release", "keep"] = "release",
        encoding: str | None = None,
        out: Sequence[str] = (),
        free: str = "",
    ) -> Callable[..., Any]:
        """A typed function: ``prototype`` in C, or a bare name with ctypes types.

        Args:
            prototype: ``"unsigned long crc32(unsigned long, const unsigned char *, unsigned)"``, or with ``argtypes``
                the name alone.
            restype: with ``argtypes``: a ctypes type, or None for void.
            argtypes: ctypes types of the arguments.
            capture_errno: keep errno of each call for ``ctypes.get_errno()``.
            dependencies: as for :meth:`resolve`.
            gil: ``keep`` holds the interpreter lock during the call: faster for short functions that wait for nobody.
            encoding: with a prototype: ``const char *`` parameters take ``str`` too, and such a result is ``str``.
            out: names of out-parameters: they are left out of the call and come back behind its result, as a tuple.
            free: of a result ``char *`` that the caller owns: the function that frees it, once the text is copied.

        Returns:
            A callable without any Python code of ours between the caller and C. While it lives, unloading is refused.

        Raises:
            InvalidPrototype: the text is no C declaration of a function.
            WrongSymbolKind: the name is there, but it is data.
            Others: those of :meth:`resolve`.
        """
        from loadstone.library.typed import access  # noqa: PLC0415  who only loads needs no types
        from loadstone.library.typed.function import CallOptions  # noqa: PLC0415

        if argtypes is not None:
            return access.plain_function(
                self, prototype, restype, argtypes, errno=capture_errno, dependencies=dependencies
            )
        options = CallOptions(gil=gil, encoding=encoding, errno=capture_errno, out=tuple(out), free=free)
        return access.function(self, prototype, options, dependencies=dependencies)

    def data(self, declaration: str, *, dependencies: bool = False) -> Any:
        """A typed view of a variable: ``lib.data("int optind").value``. While it lives, unloading is refused.

        A struct has its members, an array its items; ``int table[]`` takes its length from the library. Writing is
        refused where the declaration says ``const``, or the memory is read-only.

        Raises:
            InvalidPrototype: the text is no C declaration of a variable, or of a larger one than the library has.
            WrongSymbolKind: the name is there, but it is a function.
            Others: those of :meth:`resolve`.
        """
        from loadstone.library.typed import access  # noqa: PLC0415

        return access.variable(self, declaration, dependencies=dependencies)

    def declare(
        self,
        header: str | os.PathLike[str],
        *,
        include: Sequence[str] = (),
        defines: Mapping[str, str | None] | None = None,
        gil: Literal["release", "keep"] = "release",
        encoding: str | None = None,
        errno: bool = False,
        per_function: Mapping[str, CallOptions] | None = None,
    ) -> Any:
        """A namespace with everything a C header declares; each name is bound when it is first used.

        Args:
            header: declarations as text, or the path of a header file (a ``pathlib.Path``, say), which is read as it is
                installed.
            include: directories of ``#include``, before the system's.
            defines: macros that are defined beforehand; None undefines one of the compiler's.
            gil: as for :meth:`function`, of all functions.
            encoding: as for :meth:`function`, of all functions.
            errno: keep errno of each call for ``ctypes.get_errno()``.
            per_function: other options for some functions, by name.

        Returns:
            Functions, structs and constants as attributes. A variable is written by assignment. What the header has and
            could not be taken says why when it is asked for.

        Raises:
            InvalidPrototype: the text is no C; in a file, such a declaration is left out instead.
            Unreadable: there is no such file.
        """
        from loadstone.library.typed import access  # noqa: PLC0415
        from loadstone.library.typed.function import CallOptions  # noqa: PLC0415

        options = CallOptions(gil=gil, encoding=encoding, errno=errno)
        return access.declare(
            self,
            os.fspath(header),
            options,
            is_file=not isinstance(header, str),
            include=include,
            defines=defines,
            per_function=per_function or {},
        )

    def callback(self, prototype: str, function: Callable[..., Any], *, on_error: Any = None) -> Any:
        """A C function pointer that calls ``function``. While it lives, unloading is refused.

        Args:
            prototype: what C calls.
            function: may return a struct, too. Its exceptions go to ``sys.unraisablehook``.
            on_error: what C gets then, zero by default: a value, or a function that is given the exception.

        Raises:
            TypeError: ``function`` cannot be called.
            Unsupported: the prototype is variadic.
        """
        from loadstone.library.typed import access  # noqa: PLC0415

        return access.callback(self, prototype, function, on_error)

    def cast(self, type_name: str, value: Any, *, names: DeclaredNames | None = None) -> Any:
        """A pointer of another type to the same place: ``lib.cast("int *", address)``. None for NULL.

        ``names`` is the namespace that has the type. Nobody checks what is there: that is what a cast says.
        """
        from loadstone.library.typed import access  # noqa: PLC0415

        return access.cast(self, type_name, value, names)

    def has(self, symbol: str) -> bool:
        """Whether the library itself offers that name."""
        try:
            self.resolve(symbol)
        except SymbolNotFound:
            return False
        return True

    def get(self, prototype: str, default: Any = None, **options: Any) -> Any:
        """As :meth:`function`, or ``default`` where the library has no such function."""
        try:
            return self.function(prototype, **options)
        except SymbolNotFound:
            return default

    @classmethod
    def main(cls) -> Self:
        """The program itself and everything loaded for all to see: what ``dlopen(NULL)`` gives. It is never unmapped.

        >>> Library.main().has("Py_IsInitialized")
        True
        """
        from loadstone.library.opening import open_program  # noqa: PLC0415

        made = cls("main program")
        made._file_name = open_program(made._loan)
        made._begin()
        return made

    def as_ctypes(self) -> Any:
        """The library as a ``ctypes.CDLL`` that shares its lifetime."""
        from loadstone.library import interop  # noqa: PLC0415

        return interop.as_ctypes(self)

    def as_cffi(self, ffi: Any) -> Any:
        """The library for a ``cffi.FFI`` with its ``cdef``, sharing its lifetime."""
        from loadstone.library import interop  # noqa: PLC0415

        return interop.as_cffi(self, ffi)

    # -- within ----------------------------------------------------------------------------------------------------

    def _noted(self, work: Callable[[], Result]) -> Result:
        try:
            result = work()
        except LoadstoneError as error:
            self._remembered(error)
            raise
        self._error = None
        return result

    def _remembered(self, error: LoadstoneError) -> LoadstoneError:
        """Keep a copy for :attr:`error`: the traceback of the original would keep the caller's functions alive."""
        from copy import copy  # noqa: PLC0415  only who fails needs it

        self._error = copy(error)
        return error

    def _implicitly_loaded(self) -> LibraryRecord:
        if self._unloaded:
            raise Closed(
                library=self.file_name,
                attempted="use the library",
                advice="it was unloaded through this handle; call load() to use it again",
            )
        if not self.is_loaded:
            self._load()
        record = self._loan.record
        if record is None:
            raise Closed(library=self.file_name, attempted="use the library")
        return record

    # -- for the typed access of this package ----------------------------------------------------------------------

    @property
    def life(self) -> Life:
        """Whether what this handle gave out may be used."""
        if not self.is_loaded:
            self._noted(self._implicitly_loaded)
        return self._life

    def note(self, kind: str, name: str, obj: object, *, closes: bool = True) -> None:
        """Tell the ledger of something that points into the library; ``closes`` says that leaving ``with`` ends it."""
        record = self._loan.record
        if record is None:
            record = self._noted(self._implicitly_loaded)
        record.ledger.add(kind, name, obj, self._life if closes else None)

    def is_writable(self, address: int) -> bool:
        """Whether the memory at ``address`` may be written."""
        record = self._loan.record
        return record is None or record.adapter.is_writable(address)

    def of_kind(self, name: str, wanted: Literal["function", "variable"], *, dependencies: bool) -> Symbol:
        """The symbol of that name, which must be a function, or a variable."""
        symbol = self.resolve(name, dependencies=dependencies)
        kind = symbol.kind
        if not (kind.may_be_called if wanted == "function" else kind.may_be_data):
            del symbol
            raise self._remembered(
                WrongSymbolKind(
                    symbol=name,
                    library=self.file_name,
                    wanted=wanted,
                    actual=kind.value,
                    advice="use data() for variables and function() for functions",
                )
            )
        return symbol

    def exports_named(self, name: str, provider: str | None = None) -> tuple[ImageSymbol, ...]:
        """What the file says of an exported name; nothing when it cannot be read (any more)."""
        record = self._loan.record
        return () if record is None else record.source.exports_named(name, provider)

    def _exports(self, record: LibraryRecord, name: str) -> bool:
        """Whether the file itself has the symbol, though its address lies outside.

        So it is with indirect functions that lead to the kernel's page (time, gettimeofday).
        """
        return any(s.exported for s in record.source.exports_named(name, None))

    def _not_found(self, record: LibraryRecord, name: str, said: str, outside: str | None) -> SymbolNotFound:
        from loadstone.library.nearest import nearest  # noqa: PLC0415  only for a miss

        advice = "`loadstone inspect` lists what it exports"
        if outside:
            advice = f"it is in {outside}, which this library needs: resolve it there, or pass dependencies=True"
        return SymbolNotFound(
            symbol=name,
            library=self.file_name,
            nearest=() if outside else nearest(name, record.source.exported_names()),
            system_text=said,
            advice=advice,
        )


def _platform(name: str | None) -> Platform:
    return adapters.current().platform if name is None else platform_named(name)
