"""What watches over every run of the tests, wherever they stand."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

pytest_plugins = ["tests.tools", "tests.leftovers"]

settings.register_profile("any machine", deadline=None)  # a busy machine is not a fault of ours
settings.register_profile("quick", settings.get_profile("any machine"), max_examples=25)  # what `make test` asks for
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Keep the test modules and what they import out of later collections."""
    _forget_what_lives()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Keep out what a module of tests has left in caches, too."""
    if nextitem is None or nextitem.path != item.path:
        _forget_what_lives()


def _forget_what_lives() -> None:
    """Each unload of a library asks for a collection, which looks at all that lives and is not frozen."""
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none, and needs none: its collector does not look at all that lives
        gc.freeze()
