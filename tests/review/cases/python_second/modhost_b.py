"""Plugin host: each plugin is an extension module in a folder of the user or of the system."""
import importlib.util
import logging
import os
import sys
import sysconfig
import threading

log = logging.getLogger(__name__)
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


class Host:
    def __init__(self, folders=None):
        self._folders = folders or ["/usr/lib/modhost"]
        self._lock = threading.Lock()
        self._plugins = {}
        self._started = False
        self._active = 0

    def find(self, name):
        if not name.isidentifier():
            raise ValueError(name)
        for folder in self._folders:
            path = os.path.join(folder, name + SUFFIX)
            if os.path.isfile(path):
                return path
        raise LookupError(name)

    def load(self, name):
        path = self.find(name)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)  #! none
        sys.modules[name] = module
        with self._lock:
            self._plugins[name] = module
            self._active += 1
        return module

    def unload(self, name):
        with self._lock:
            module = self._plugins.pop(name)
            self._active -= 1
        sys.modules.pop(name, None)
        return module

    def run(self, name, *arguments):
        self._lock.acquire()
        try:
            module = self._plugins[name]
        finally:
            self._lock.release()
        return module.run(*arguments)
