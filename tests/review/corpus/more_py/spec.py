import importlib.util
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("plugin", sys.argv[1])  # expect: CWE-114
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
