import sys
import importlib

sys.path.insert(0, ".")  # expect: CWE-427
plugin = importlib.import_module("plugin")
