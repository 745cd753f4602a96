"""Fetch, check and bind the driver for an attached printer."""
import ctypes
import hashlib
import json
import os
import urllib.request
from contextlib import closing

INDEX = "https://drivers.example.net/index.json"
CACHE = "/var/cache/driverdl"
PINS = {"laser": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", "label": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"}


class DriverError(Exception):
    pass


def _get(url, limit=8 << 20):
    with closing(urllib.request.urlopen(url, timeout=20)) as reply:
        data = reply.read(limit + 1)
    if len(data) > limit:
        raise DriverError("too large")
    return data


def fetch(kind):
    index = json.loads(_get(INDEX))
    entry = index[kind]
    data = _get(entry["url"])
    if hashlib.sha256(data).hexdigest() != PINS[kind]:
        raise DriverError("digest")
    path = os.path.join(CACHE, kind + ".so")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return path


def bind(kind):
    path = fetch(kind)
    driver = ctypes.CDLL(path)
    driver.drv_print.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint16]
    driver.drv_print.restype = ctypes.c_int
    return driver


def send(kind, job, copies):
    if not 0 < copies < 100:
        raise DriverError("copies")
    driver = bind(kind)
    block = ctypes.create_string_buffer(job)
    if driver.drv_print(block, len(job), copies):
        raise DriverError("print")
