"""Tile renderer: FastAPI front, engines named in a TOML file, native engine per style."""
import ctypes
import logging
import os
import tomllib
from pathlib import Path

from fastapi import FastAPI, HTTPException, Query

log = logging.getLogger("tilecache")
api = FastAPI()
ENGINES = Path("/usr/lib/tilecache")


class Tile(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Engine:
    def __init__(self, path):
        self._lib = ctypes.CDLL(str(path))  #! none
        self._lib.tc_render.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.POINTER(Tile)]
        self._lib.tc_render.restype = ctypes.c_int
        self._lib.tc_release.argtypes = [ctypes.POINTER(Tile)]
        self._lib.tc_release.restype = None

    def render(self, x, y):
        tile = Tile()
        status = self._lib.tc_render(x, y, ctypes.byref(tile))
        if status:
            raise RuntimeError(f"tc_render: {status}")
        try:
            return ctypes.string_at(tile.data, tile.length)
        finally:
            self._lib.tc_release(ctypes.byref(tile))  #! none


def styles():
    with open("/etc/tilecache.toml", "rb") as file:
        return tomllib.load(file)["styles"]


@api.get("/tile/{x}/{y}")
def tile(x: int, y: int, style: str = Query("base")):
    if not (0 <= x < 1 << 20 and 0 <= y < 1 << 20):
        raise HTTPException(400)
    known = styles()
    if style not in known:
        raise HTTPException(404)
    engine = Engine(ENGINES / known[style])
    return {"bytes": len(engine.render(x, y))}


def warm(folder):
    for entry in Path(folder).iterdir():
        try:
            Engine(entry).render(0, 0)
        except (OSError, RuntimeError) as error:
            log.warning("%s: %s", entry, error)
