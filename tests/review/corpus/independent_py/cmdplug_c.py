"""Sub-commands come from installed distributions; native parts are next to their modules."""
import ctypes
import importlib
import importlib.resources
import logging
import sys

log = logging.getLogger("cmdplug")
COMMANDS = {"pack": "cmdplug_pack", "sign": "cmdplug_sign", "list": "cmdplug_list"}


class Native:
    def __init__(self, package):
        with importlib.resources.as_file(importlib.resources.files(package) / "native.so") as path:
            self._lib = ctypes.CDLL(str(path))
        try:
            entry = self._lib.command_run
        except AttributeError as exc:
            raise ImportError(f"{package}: no command_run") from exc
        entry.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
        entry.restype = ctypes.c_int
        self._entry = entry

    def run(self, argv):
        values = [a.encode() for a in argv]
        array = (ctypes.c_char_p * (len(values) + 1))(*values, None)
        return self._entry(len(values), array)


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in COMMANDS:
        print("usage: cmdplug", "|".join(COMMANDS), file=sys.stderr)
        return 2
    try:
        native = Native(COMMANDS[argv[0]])
    except (ImportError, OSError) as exc:
        log.error("%s: %s", argv[0], exc)
        return 1
    return native.run(argv[1:])
