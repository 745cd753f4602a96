"""One contract, held by every adapter: the real one here, the others over pretended systems."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
from tests.conftest import Compile
from tests.library.children import run_child
from tests.library.pretended import Dyld, Kernel
from tests.tools import not_on_pypy

from loadstone.core.names import Platform
from loadstone.errors import LoadFailed, NotFound, Unsupported
from loadstone.library import Library, LoadHint, UnloadState, adapters, loaded_libraries, opening
from loadstone.library.adapters import adapter_for
from loadstone.library.adapters.base import NEW_NAMESPACE, Adapter, SystemRefused
from loadstone.library.adapters.linux import LinuxAdapter
from loadstone.library.adapters.macos import MacosAdapter
from loadstone.library.adapters.unsupported import UnsupportedAdapter
from loadstone.library.adapters.windows import WindowsAdapter
from loadstone.library.lifetime.namespace import Namespace
from loadstone.library.trust.policy import Policy

LONG = "c:\\" + "\\".join(["deeply"] * 60) + "\\x.dll"


@dataclass
class Ground:
    """An adapter, a library it can open with the symbol ``answer``, and one it cannot."""

    adapter: Adapter
    good: str
    missing: str


@pytest.fixture(params=["linux", "macos", "windows"])
def ground(request: pytest.FixtureRequest, compile_library: Compile) -> Ground:
    if request.param == "linux":
        path = str(compile_library("int answer(void) { return 42; }", "libcontract.so"))
        return Ground(LinuxAdapter(), path, "/nowhere/libcontract.so")
    if request.param == "macos":
        return Ground(MacosAdapter(Dyld({"/a/libx.dylib": {"answer": 8}})), "/a/libx.dylib", "/a/liby.dylib")
    kernel = Kernel({"c:\\a\\x.dll": {"answer": 8}})
    return Ground(WindowsAdapter(kernel, kernel.last_error), "c:\\a\\x.dll", "c:\\a\\y.dll")


def test_open_gives_a_handle_a_path_and_an_address_inside(ground: Ground) -> None:
    opened = ground.adapter.open(ground.good, 0)
    assert opened.handle
    assert opened.path == ground.good
    assert ground.adapter.is_mapped(opened)
    assert ground.good in {library.path for library in ground.adapter.loaded()}
    ground.adapter.close(opened)
    assert not ground.adapter.is_mapped(opened)
    assert ground.good not in {library.path for library in ground.adapter.loaded()}


def test_opens_are_counted(ground: Ground) -> None:
    first, second = ground.adapter.open(ground.good, 0), ground.adapter.open(ground.good, 0)
    assert first.handle == second.handle
    ground.adapter.close(first)
    assert ground.adapter.is_mapped(second)
    ground.adapter.close(second)
    assert not ground.adapter.is_mapped(second)


def test_a_refused_open_has_the_systems_words(ground: Ground) -> None:
    with pytest.raises(SystemRefused) as caught:
        ground.adapter.open(ground.missing, 0)
    assert caught.value.text


def test_addresses_lie_inside_and_their_provider_is_the_library(ground: Ground) -> None:
    opened = ground.adapter.open(ground.good, 0)
    address = ground.adapter.address(opened, "answer")
    assert address > opened.base
    assert ground.adapter.provider(address) == ground.good
    assert ground.adapter.provider(8) is None
    with pytest.raises(SystemRefused) as caught:
        ground.adapter.address(opened, "question")
    assert caught.value.text
    ground.adapter.close(opened)


def test_a_library_kept_stays_mapped_after_the_last_close(ground: Ground) -> None:
    if isinstance(ground.adapter, LinuxAdapter):
        return  # would stay in the test process: see test_hints_add_up_while_loaded
    opened = ground.adapter.open(ground.good, int(LoadHint.PREVENT_UNLOAD))
    ground.adapter.close(opened)
    assert ground.adapter.is_mapped(opened)
    again = ground.adapter.open(ground.good, 0)
    ground.adapter.strengthen(again, int(LoadHint.PREVENT_UNLOAD))
    ground.adapter.close(again)
    with pytest.raises(SystemRefused):
        ground.adapter.close(again)


def test_only_glibc_has_namespaces(ground: Ground) -> None:
    if isinstance(ground.adapter, LinuxAdapter):
        return
    with pytest.raises(SystemRefused, match="namespaces"):
        ground.adapter.open(ground.good, 0, NEW_NAMESPACE)


# macOS alone


def test_dyld_gets_its_own_numbers_for_the_hints() -> None:
    system = Dyld({"/a/libx.dylib": {}})
    adapter = MacosAdapter(system)
    adapter.open("/a/libx.dylib", int(LoadHint.RESOLVE_ALL_SYMBOLS | LoadHint.EXPORT_EXTERNAL_SYMBOLS))
    assert system.modes[0] == 0x2 | 0x8
    assert system.system.modules["/a/libx.dylib"].count == 1  # asking who a handle is leaves no reference behind
    with pytest.raises(SystemRefused):
        adapter.strengthen(adapters.Opened(0, "/a/none", 0, 0), 8)


def test_a_symbol_of_value_zero_is_there_on_macos_too() -> None:
    adapter = MacosAdapter(Dyld({"/a/libx.dylib": {"nothing": 0}}))
    assert adapter.address(adapter.open("/a/libx.dylib", 0), "nothing") == 0


# Windows alone


def windows(**files: dict[str, int]) -> tuple[Kernel, WindowsAdapter]:
    kernel = Kernel({"c:\\a\\x.dll": {}, LONG: {}, "version.dll": {}, **files})
    return kernel, WindowsAdapter(kernel, kernel.last_error)


def test_windows_never_searches_the_working_directory_or_path() -> None:
    kernel, adapter = windows()
    adapter.open("c:/a/x.dll", 0)
    adapter.open("version.dll", 0)
    assert kernel.flags == [0x100 | 0x1000, 0x800]
    assert kernel.asked[0] == "c:\\a\\x.dll"


def test_windows_paths_may_be_longer_than_260_characters() -> None:
    kernel, adapter = windows()
    opened = adapter.open(LONG, 0)
    assert kernel.asked == ["\\\\?\\" + LONG]
    assert opened.path == LONG
    assert len(LONG) > 260


def test_windows_dialogs_are_off_for_the_thread_and_only_during_the_load() -> None:
    kernel, adapter = windows()
    adapter.open("c:\\a\\x.dll", 0)
    assert kernel.error_modes == [0x8001, 0x42]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (126, "was not found"),
        (127, "lacks a function"),
        (193, "not a library for this processor"),
        (1114, "start-up code"),
        (577, "signature"),
        (4242, "System Error Codes"),
    ],
)
def test_windows_errors_are_told_apart(code: int, words: str) -> None:
    kernel, adapter = windows()
    kernel.refuse_with = code
    with pytest.raises(SystemRefused, match=words) as caught:
        adapter.open("c:\\a\\x.dll", 0)
    assert caught.value.code == code
    assert kernel.error_modes[-1] == 0x42


def test_windows_lists_more_modules_than_fit_at_first() -> None:
    _, adapter = windows(**{f"c:\\m{n}.dll": {} for n in range(300)})
    for n in range(300):
        adapter.open(f"c:\\m{n}.dll", 0)
    assert len(adapter.loaded()) == 300


# Libraries that are no files: the system is left to look


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel, adapter = windows()

    def miss(*_: Any, **__: Any) -> Any:
        raise NotFound(name="x")

    monkeypatch.setattr(adapters, "current", lambda: adapter)
    monkeypatch.setattr(opening, "find", miss)
    return kernel


def test_a_bare_name_is_left_to_windows_with_system32_only(on_windows: Kernel) -> None:
    library = Library("version")
    assert library.load().is_loaded
    assert on_windows.asked == ["version.dll"]
    assert library.unload().state is UnloadState.CLOSED


def test_windows_goes_on_only_while_a_module_is_not_found(on_windows: Kernel) -> None:
    with pytest.raises(LoadFailed) as caught:
        Library("nothing").load()
    assert [a.candidate for a in caught.value.attempts] == ["nothing.dll", "nothing"]
    on_windows.refuse_with = 193
    with pytest.raises(LoadFailed) as caught:
        Library("nothing").load()
    assert [a.code for a in caught.value.attempts] == [193]


def test_policies_that_need_owners_are_refused_where_there_are_none(
    on_windows: Kernel, compile_library: Compile
) -> None:
    path = str(compile_library("int x;", "libx.so"))
    with pytest.raises(Unsupported, match="owner numbers"):
        opening._record(path, Policy(require_owner=(0,)), None, adapters.current())


# Which adapter


def test_each_system_has_its_adapter() -> None:
    assert isinstance(adapter_for("linux"), LinuxAdapter)
    assert isinstance(adapter_for("freebsd14"), LinuxAdapter)
    assert adapters.current().platform is Platform.LINUX


def test_an_unknown_system_refuses_with_the_reason() -> None:
    adapter = adapter_for("haiku1")
    assert isinstance(adapter, UnsupportedAdapter)
    opened = adapters.Opened(1, "x", 0, 0)
    for call in (
        lambda: adapter.open("x", 0),
        lambda: adapter.close(opened),
        lambda: adapter.strengthen(opened, 0),
        lambda: adapter.address(opened, "x"),
        lambda: adapter.provider(0),
        lambda: adapter.is_mapped(opened),
        adapter.loaded,
    ):
        with pytest.raises(Unsupported, match="haiku1"):
            call()


# Namespaces


def test_a_namespace_has_its_own_variables(compile_library: Compile) -> None:
    path = compile_library("static int n; int count(void) { return ++n; }", "libcount.so")
    namespace = Namespace()
    assert "nothing loaded" in repr(namespace)
    import ctypes

    def count(library: Library) -> int:
        return int(library.function("count", restype=ctypes.c_int, argtypes=[])())

    with namespace, Library(path) as here, Library(path, namespace=namespace) as there:
        assert [count(here), count(here), count(there)] == [1, 2, 1]
        assert namespace.number > 0
        assert str(namespace.number) in repr(namespace)
        more = Library(path, hints=LoadHint.RESOLVE_ALL_SYMBOLS, namespace=namespace)
        assert not more.load().unload()  # the same record: others still have it
        assert str(path) in {library.path for library in loaded_libraries()}
    namespace.close()


def test_a_namespace_cannot_offer_its_symbols(compile_library: Compile) -> None:
    path = compile_library("int x;", "libx.so")
    with Namespace() as namespace, pytest.raises(LoadFailed, match="invalid mode"):
        Library(path, hints=LoadHint.EXPORT_EXTERNAL_SYMBOLS, namespace=namespace).load()


def test_namespaces_run_out_with_a_reason() -> None:
    spaces: list[Namespace] = []

    def make_many() -> None:
        for _ in range(20):
            spaces.append(Namespace())
            assert spaces[-1].number

    with pytest.raises(LoadFailed, match="a new linker namespace") as caught:
        make_many()
    assert len(spaces) > 3
    assert "static thread-local storage" in caught.value.advice
    for space in spaces:
        space.close()


def test_systems_without_namespaces_say_so(on_windows: Kernel) -> None:
    with pytest.raises(Unsupported, match="linker namespace"):
        _ = Namespace().number


@not_on_pypy("it has one interpreter")
def test_a_subinterpreter_is_told_so_instead_of_waiting_for_ever() -> None:
    """In an isolated one Python 3.12 refuses ctypes itself, in words of its own."""
    is_new = find_spec("_interpreters") is not None
    code = f"""
    import {"_interpreters" if is_new else "_xxsubinterpreters"} as interpreters
    inner = interpreters.create({"" if is_new else "isolated=False"})
    interpreters.run_string(inner, '''if True:
        from loadstone.errors import Unsupported
        from loadstone.library import Library
        try:
            Library("c", 6).function("int abs(int)")
        except Unsupported as error:
            print(error, flush=True)
    ''')
    interpreters.destroy(inner)
    """
    assert run_child(code).startswith("loading libraries is not available here: this is a subinterpreter")
