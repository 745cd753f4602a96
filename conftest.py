"""What watches over every run of the tests, wherever they stand."""

from hypothesis import settings

pytest_plugins = ["tests.tools", "tests.leftovers"]

settings.register_profile("any machine", deadline=None)  # a busy machine is not a fault of ours
settings.register_profile("quick", settings.get_profile("any machine"), max_examples=25)  # what `make test` asks for
settings.load_profile("any machine")
