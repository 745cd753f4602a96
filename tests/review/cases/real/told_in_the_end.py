"""A failure that is passed over in one attempt, and told when all have failed."""

import ctypes
import importlib


def bring(name):
    return importlib.import_module(name)


def first_backend(names):
    for name in names:
        try:
            module = bring(name)
            module.Port
            return module
        except (ImportError, AttributeError):  #! none
            pass
    raise ImportError("none of the backends is there")


class Extensions:
    def entered(self, name, library):
        try:
            if type(library) is not ctypes.CDLL:
                library = ctypes.CDLL(library)
            start = getattr(library, name, None)
            if start:
                start()
                return True
        except Exception:  #! none
            pass
        return False

    def prepare(self, name):
        try:
            self.library = ctypes.CDLL(name)
        except OSError:  #! CWE-390
            pass
        self.library.start()
