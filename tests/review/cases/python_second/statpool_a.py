"""Statistics plug-ins as Python extension modules; loaded by file, kept by name."""
import hashlib
import importlib.machinery
import importlib.util
import logging
import os
import sys
import threading

log = logging.getLogger(__name__)


class PoolError(Exception):
    pass


class Pool:
    def __init__(self, folders, pins):
        self._folders = folders
        self._pins = pins
        self._modules = {}
        self._lock = threading.Lock()

    def _verify(self, path):
        with open(path, "rb") as file:
            content = file.read()
        wanted = self._pins.get(os.path.basename(path))
        if wanted is None:
            raise PoolError(f"{path} has no pin")
        return hashlib.sha256(content).hexdigest() == wanted

    def load(self, path):
        name = os.path.basename(path).split(".")[0]
        if name in self._modules:
            return self._modules[name]  #! CWE-706
        self._verify(path)  #! CWE-347
        loader = importlib.machinery.ExtensionFileLoader("stat_plugin", path)
        spec = importlib.util.spec_from_file_location("stat_plugin", path, loader=loader)
        if spec is None:
            raise PoolError(f"{path} is no module")
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        if not callable(getattr(module, "summarise", None)):
            raise PoolError(f"{path} has no summarise")
        self._modules[name] = module
        return module

    def discover(self):
        for folder in self._folders:
            for entry in os.listdir(folder):
                if entry.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
                    try:
                        self.load(os.path.join(folder, entry))
                    except (PoolError, ImportError, OSError) as error:
                        log.warning("%s: %s", entry, error)

    def run(self, numbers):
        result = {}
        with self._lock:
            for name, module in self._modules.items():
                result[name] = module.summarise(numbers)
        return result
