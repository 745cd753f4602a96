"""An instance is made once, kept with its code, and destroyed before that goes."""

from __future__ import annotations

import gc
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.errors import Closed, InUse, LoadFailed, NotVerified, SymbolNotFound
from loadstone.plugin import Instance, Plugin, StaticPlugin, include_dir, register_static, static_plugins

SOURCE = r"""
#include <loadstone_plugin.h>
#include <stdlib.h>
LOADSTONE_PLUGIN("{\"iid\": \"org.example.Codec/2\", \"name\": \"plain\"}");
static int made, destroyed;
int *codec_create(void) { int *p = malloc(sizeof *p); *p = ++made; return p; }
void codec_destroy(int *p) { destroyed++; free(p); }
void *codec_refuse(void) { return 0; }
int codec_destroyed(void) { return destroyed; }
typedef void *(*ask)(void);
static ask asked;
void codec_set(ask a) { asked = a; }
void *codec_ask(void) { return asked(); }
"""
CREATE, DESTROY = "int *codec_create(void)", "void codec_destroy(int *p)"


@pytest.fixture
def codec(compile_library: Compile, tmp_path: Path) -> Path:
    """A file of its own for each test: what the library has counted stays in the process."""
    return Path(shutil.copy(compile_library(SOURCE, "codec.so", f"-I{include_dir()}"), tmp_path))


def _create(plugin: Plugin) -> Instance:
    return plugin.instance(CREATE, destroy=DESTROY, iid="org.example.Codec/2")


def test_everybody_gets_the_same_instance_while_somebody_holds_it(codec: Path) -> None:
    first = _create(Plugin(codec))
    assert _create(Plugin(codec)) is first
    assert first.value[0] == 1
    assert not first.is_closed
    first.close()


def test_closing_destroys_it_once_and_unloads(codec: Path) -> None:
    instance = _create(Plugin(codec))
    destroyed = instance.library.function("int codec_destroyed(void)")
    instance.close()
    assert destroyed() == 1
    instance.close()
    assert destroyed() == 1
    assert instance.library.is_loaded, "a function of it is alive"
    with pytest.raises(Closed, match="use the instance"):
        _ = instance.value
    assert "closed" in repr(instance)
    del destroyed
    assert instance.library.unload()


def test_a_closed_instance_is_not_given_out_again(codec: Path) -> None:
    plugin = Plugin(codec)
    with _create(plugin) as first:
        pass
    with _create(plugin) as second:
        assert second is not first
        assert second.value[0] == 1, "the library was loaded anew"


def test_nobody_unloads_the_library_under_it(codec: Path) -> None:
    instance = _create(Plugin(codec))
    with pytest.raises(InUse, match="codec_create"):
        instance.library.unload()
    assert instance.value[0] == 1
    instance.close()
    assert not instance.library.is_loaded


def test_it_is_destroyed_when_nobody_holds_it(codec: Path) -> None:
    instance = _create(Plugin(codec))
    library = instance.library
    destroyed = library.function("int codec_destroyed(void)")
    del instance
    gc.collect()
    assert destroyed() == 1
    del destroyed
    library.unload()


def test_a_factory_that_gives_null_is_refused_and_the_library_unloaded(codec: Path) -> None:
    with pytest.raises(LoadFailed, match="its factory gave NULL"):
        Plugin(codec).instance("void *codec_refuse(void)")


def test_a_missing_factory_is_named(codec: Path) -> None:
    with pytest.raises(SymbolNotFound, match="qt_plugin_instance"):
        Plugin(codec).instance()
    with pytest.raises(NotVerified):
        Plugin(codec).instance(CREATE, iid="org.example.Other/1")


def test_threads_that_ask_at_the_same_time_get_one_instance(codec: Path) -> None:
    plugin, barrier = Plugin(codec), threading.Barrier(8)
    got: list[Instance] = []

    def ask() -> None:
        barrier.wait()
        got.append(_create(plugin))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(instance) for instance in got}) == 1
    got[0].close()


def test_a_factory_that_asks_for_its_own_instance_is_told(codec: Path) -> None:
    plugin = Plugin(codec)
    said: list[str] = []

    def ask() -> int:
        with pytest.raises(LoadFailed) as error:
            plugin.instance("void *codec_ask(void)")
        said.append(str(error.value))
        return 0

    with plugin.load() as library:
        asking = library.callback("void *ask(void)", ask)
        set_up = library.function("void codec_set(void *(*)(void))")
        set_up(asking)
        with pytest.raises(LoadFailed, match="gave NULL"):
            plugin.instance("void *codec_ask(void)")
        del set_up, asking
    assert len(said) == 1
    assert "asked for the instance that it is making" in said[0]


def _static(factory: Callable[[], object], iid: str = "org.example.Static/1") -> StaticPlugin:
    return StaticPlugin(iid, "Built in", factory)


def test_static_plugins_are_known_once_and_in_order() -> None:
    def one() -> object:
        return object()

    def other() -> object:
        return object()

    first, second = _static(one), _static(other)
    assert register_static(first)
    assert register_static(second)
    assert not register_static(_static(one))
    assert static_plugins("org.example.Static/1") == (first, second)
    assert {first, second} <= set(static_plugins())
    assert static_plugins("org.example.Nothing/1") == ()


def test_a_static_instance_is_made_once_and_after_a_failure_again() -> None:
    calls: list[int] = []

    def factory() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("not yet")

    plugin = _static(factory)
    with pytest.raises(OSError, match="not yet"):
        plugin.instance()
    assert plugin.instance() is None
    assert plugin.instance() is None
    assert len(calls) == 2
