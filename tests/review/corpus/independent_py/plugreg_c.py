"""Entry-point plug-ins with a native core; the registry is guarded and the loads are outside the lock."""
import ctypes
import logging
import threading
from importlib import metadata
from pathlib import Path

log = logging.getLogger(__name__)
_lock = threading.Lock()
_cores = {}


def _load(path):
    lib = ctypes.CDLL(str(path))
    try:
        lib.core_version.argtypes = []
        lib.core_version.restype = ctypes.c_uint
        version = lib.core_version()
    except AttributeError as exc:
        raise ImportError(f"{path}: no core") from exc
    if version >> 16 != 4:
        raise ImportError(f"{path}: version {version:#x}")
    return lib


def core(name):
    with _lock:
        found = _cores.get(name)
    if found is not None:
        return found
    for point in metadata.entry_points(group="plugreg.cores"):
        if point.name == name:
            folder = Path(point.load().__file__).parent
            lib = _load(folder / "core.so")
            with _lock:
                return _cores.setdefault(name, lib)
    raise LookupError(name)
