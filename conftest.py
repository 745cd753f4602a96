"""What watches over every run of the tests, wherever they stand."""

import gc

from hypothesis import settings

pytest_plugins = ["tests.tools", "tests.leftovers"]

settings.register_profile("any machine", deadline=None)  # a busy machine is not a fault of ours
settings.register_profile("quick", settings.get_profile("any machine"), max_examples=25)  # what `make test` asks for
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Keep the test modules and what they import out of later collections: each unload of a library asks for one."""
    gc.collect()
    gc.freeze()
