"""aiohttp front end of the PDF rasteriser; back ends are shared objects chosen per request."""
import asyncio
import ctypes
import os
import re
from pathlib import Path

from aiohttp import web

BACKENDS = Path("/opt/aiopdf/backends")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_loaded = {}
_gate = asyncio.Lock()


class Backend:
    def __init__(self, path):
        self._dll = ctypes.CDLL(os.fspath(path))
        self._dll.pdf_open.restype = ctypes.c_void_p
        self._dll.pdf_open.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
        self._dll.pdf_render.restype = ctypes.c_int
        self._dll.pdf_render.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
        self._dll.pdf_close.argtypes = (ctypes.c_void_p,)
        self._dll.pdf_close.restype = None

    def page(self, document, number, width, height):
        doc = self._dll.pdf_open(document, len(document))
        if not doc:
            raise web.HTTPBadRequest(text="no document")
        if not (0 < width <= 8192 and 0 < height <= 8192):
            self._dll.pdf_close(doc)
            raise web.HTTPBadRequest(text="size")
        try:
            pixels = ctypes.create_string_buffer(width * height * 4)
            written = self._dll.pdf_render(doc, number, pixels, len(pixels))
            if written < 0 or written > len(pixels):
                raise web.HTTPInternalServerError(text="render")
            return pixels.raw[:written]
        finally:
            self._dll.pdf_close(doc)


async def backend(request):
    name = request.query.get("backend", "poppler")
    if not _NAME.fullmatch(name):
        raise web.HTTPBadRequest(text="backend")
    async with _gate:
        if name not in _loaded:
            _loaded[name] = Backend(BACKENDS / f"{name}.so")
        return _loaded[name]


async def render(request):
    body = await request.read()
    if len(body) > 20_000_000:
        raise web.HTTPRequestEntityTooLarge(max_size=20_000_000, actual_size=len(body))
    engine = await backend(request)
    data = engine.page(body, int(request.query.get("page", "0")), int(request.query["w"]), int(request.query["h"]))
    return web.Response(body=data, content_type="application/octet-stream")


def main():
    app = web.Application()
    app.add_routes([web.post("/render", render)])
    web.run_app(app, host="127.0.0.1", port=8780)
