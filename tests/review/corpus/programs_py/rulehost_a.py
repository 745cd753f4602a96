"""Rule engine whose rules are extension modules beside the configuration (importlib)."""
import configparser
import importlib
import importlib.machinery
import importlib.util
import logging
import os
import stat
import sys
import threading

log = logging.getLogger("rulehost")


class RuleError(Exception):
    pass


class Host:
    def __init__(self, config):
        parser = configparser.ConfigParser()
        parser.read(config)
        self._limit = parser.getint("rules", "limit", fallback=10)
        self._folder = parser.get("rules", "folder", fallback="/usr/lib/rulehost")
        self._modules = {}
        self._lock = threading.RLock()

    def prepare(self):
        os.makedirs(self._folder, mode=0o777, exist_ok=True)  # expect: CWE-732
        sys.path.insert(0, self._folder)  # expect: CWE-427


    def rule(self, name):
        with self._lock:
            if name in self._modules:
                return self._modules[name]
            if not name.isidentifier():
                raise RuleError(name)
            path = os.path.join(self._folder, name + importlib.machinery.EXTENSION_SUFFIXES[0])
            spec = importlib.util.spec_from_file_location(name, path)  # expect: CWE-73
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except:  # expect: CWE-390
                return None
            self._modules[name] = module
            return module

    def evaluate(self, name, subject):
        self._lock.acquire()
        module = self.rule(name)
        if module is None:
            return False  # expect: CWE-667
        verdict = bool(module.check(subject))
        self._lock.release()
        return verdict
