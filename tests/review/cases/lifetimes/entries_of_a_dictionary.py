"""Libraries in a dictionary: an entry whose library is closed has to go as well."""

import _ctypes
import ctypes

plugins = {}
drivers = {}


def load(name):
    plugins[name] = ctypes.CDLL(f"/usr/lib/host/{name}.so")


def unload(name):
    _ctypes.dlclose(plugins[name]._handle)  #! CWE-416/672


def call(name):
    return plugins[name].run()


def attach(name):
    drivers[name] = ctypes.CDLL(f"/usr/lib/host/{name}.so")


def detach(name):
    _ctypes.dlclose(drivers[name]._handle)  #! none
    del drivers[name]


def ask(name):
    return drivers[name].run()
