"""What watches over every run of the tests, wherever they stand."""

pytest_plugins = ["tests.tools", "tests.leftovers"]
