"""Failures of one of many are told, and what is searched for ends with the first that does."""

import ctypes
import logging
from importlib import metadata

log = logging.getLogger(__name__)


class Plugin:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)


def load_all(paths):
    found = []
    for path in paths:
        try:
            found.append(Plugin(path))
        except Exception:
            log.exception("%s cannot be loaded", path)
    return found


def find(paths):
    for path in paths:
        try:
            return Plugin(path)
        except Exception:
            continue
    raise OSError("none of them loads")


def installed():
    found = {}
    for entry in metadata.entry_points(group="kit.effects"):
        try:
            found[entry.name] = entry.load()
        except ImportError as error:
            log.warning("%s: %s", entry.name, error)
    return found
